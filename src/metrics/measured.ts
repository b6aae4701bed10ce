/** Wraps parts of the bot so that a meter records what they do; each behaves like the part it wraps. */
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import type { Investigator } from '../investigate/investigator.ts';
import { NOT_SENT, type Poster, type PostResult } from '../slack/delivery/slack-poster.ts';
import type { SlackThreads } from '../slack/thread/slack-threads.ts';
import type { BotMetric, BotMetrics } from './bot-metrics.ts';
import type { Tracer } from './tracer.ts';

const STANDINGS: Record<Diagnosis['verdict']['standing'], BotMetric> = {
  confirmed: 'DiagnosesConfirmed',
  likely: 'DiagnosesLikely',
  undecided: 'DiagnosesUndecided',
  none: 'DiagnosesWithoutErrors',
};

export type MeasuredCalls = Pick<Poster, 'post' | 'edit' | 'upload'>;
export type MeasuredThreads = Pick<SlackThreads, 'open'>;

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

export function measuredPoster<T extends MeasuredCalls>(poster: T, metrics: BotMetrics): T {
  const posted = (result: PostResult): PostResult => {
    if ('refused' in result) metrics.count('PostsRefused');
    return result;
  };
  return {
    ...poster,
    post: async (target, message, runId) => posted(await poster.post(target, message, runId)),
    upload: async (target, file) => posted(await poster.upload(target, file)),
    async edit(channel, ts, message) {
      const result = await poster.edit(channel, ts, message);
      // Slack answers some edits with a refusal, such as message_not_found: these were sent.
      if ('refused' in result && result.code === NOT_SENT) metrics.count('EditsDropped');
      return result;
    },
  };
}

/** Most episodes remembered; an episode is retried long before so many others open. */
const MOST_EPISODES = 1_000;

/** Returns a function that says whether it sees an episode for the first time. */
function firstSight(): (episode: string) => boolean {
  const seen = new Set<string>();
  return (episode) => {
    if (seen.has(episode)) return false;
    seen.add(episode);
    const [oldest] = seen;
    if (seen.size > MOST_EPISODES && oldest !== undefined) seen.delete(oldest);
    return true;
  };
}

export function measuredThreads<T extends MeasuredThreads>(threads: T, metrics: BotMetrics): T {
  // A retry opens the same thread again. After a restart, an episode is counted again.
  const [isNewEpisode, isNewThread] = [firstSight(), firstSight()];
  return {
    ...threads,
    async open(request) {
      const { askedBy } = request;
      const episode = askedBy.kind === 'alarm' ? askedBy.episode : null;
      if (episode !== null && isNewEpisode(episode)) metrics.count('Episodes');
      const opened = await threads.open(request);
      if (episode !== null && 'opened' in opened && isNewThread(episode)) metrics.count('EpisodeThreads');
      return opened;
    },
  };
}
