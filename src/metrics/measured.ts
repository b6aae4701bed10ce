/** Wraps parts of the bot so that a meter records what they do; each behaves like the part it wraps. */
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import type { Investigator } from '../investigate/investigator.ts';
import type { Poster, PostResult } from '../slack/delivery/slack-poster.ts';
import type { SlackThreads } from '../slack/thread/slack-threads.ts';
import type { BotMetric, BotMetrics } from './bot-metrics.ts';
import type { Tracer } from './tracer.ts';

const STANDINGS: Record<Diagnosis['verdict']['standing'], BotMetric> = {
  confirmed: 'DiagnosesConfirmed',
  likely: 'DiagnosesLikely',
  undecided: 'DiagnosesUndecided',
  none: 'DiagnosesWithoutErrors',
};

/** `now` returns epoch milliseconds. Parts that an investigator lacks stay absent. */
export function measuredInvestigator<T extends Investigator>(
  investigator: T,
  metrics: BotMetrics,
  { now, tracer }: { now: () => number; tracer: Tracer | null },
): T {
  return {
    ...investigator,
    async investigate(question, options) {
      const begun = now();
      const trace = tracer?.start('diagnosis', { loadBalancer: question.loadBalancer.name }) ?? null;
      const seconds = (): number => (now() - begun) / 1000;
      try {
        const result = await investigator.investigate(question, {
          ...options,
          progress(name, state) {
            if (state === 'started') trace?.begin(name);
            else trace?.end(name, state === 'unavailable');
            options.progress?.(name, state);
          },
          onInterimDiagnosis(diagnosis) {
            metrics.observe('SecondsToProvisional', seconds());
            options.onInterimDiagnosis?.(diagnosis);
          },
        });
        const { verdict, gaps, cost } = result.diagnosis;
        metrics.count(STANDINGS[verdict.standing]);
        metrics.observe('SecondsToFinal', seconds());
        metrics.observe('Gaps', gaps.length);
        metrics.count('SpendUsd', cost.usd);
        metrics.count('BytesScanned', cost.bytesScanned);
        trace?.finish({ standing: verdict.standing, cause: verdict.cause ?? '' });
        return result;
      } catch (error) {
        // Stopping the bot is not a failed diagnosis.
        if (!options.signal.aborted) metrics.count('DiagnosesFailed');
        trace?.finish({ standing: 'failed', cause: '' });
        throw error;
      }
    },
  };
}

export function measuredPoster<T extends Pick<Poster, 'post' | 'edit'>>(poster: T, metrics: BotMetrics): T {
  const refused = (result: PostResult, metric: BotMetric): PostResult => {
    if ('refused' in result) metrics.count(metric);
    return result;
  };
  return {
    ...poster,
    post: async (target, message, runId) => refused(await poster.post(target, message, runId), 'PostsRefused'),
    edit: async (channel, ts, message) => refused(await poster.edit(channel, ts, message), 'EditsDropped'),
  };
}

export function measuredThreads(threads: SlackThreads, metrics: BotMetrics): SlackThreads {
  /** Episodes seen by this process; one that survives a restart is counted again. */
  const episodes = new Set<string>();
  return {
    ...threads,
    async open(request) {
      const { askedBy } = request;
      if (askedBy.kind === 'alarm' && !episodes.has(askedBy.episode)) {
        episodes.add(askedBy.episode);
        metrics.count('Episodes');
      }
      const opened = await threads.open(request);
      if (askedBy.kind === 'alarm' && 'opened' in opened) metrics.count('EpisodeThreads');
      return opened;
    },
  };
}
