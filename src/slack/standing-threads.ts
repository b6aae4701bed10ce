/** Finds existing threads: of the same question, or of an alarm on the same load balancer. */

import type { Question, Window } from '../evidence/question.ts';
import type { LoadBalancerRef } from '../investigate/investigator.ts';
import type { Run } from '../runs/run.ts';
import type { SlackContext } from './slack-context.ts';

const MINUTE = 60_000;
/** Milliseconds for which the same question leads to the existing thread. */
const SAME_QUESTION = 10 * MINUTE;
/** Newest runs to read; each costs a read of the run store while the user waits. */
const MAX_RUNS_READ = 30;

interface StandingThreads {
  same: Run | null;
  alarm: Run | null;
}

/** `parentTs`: thread in which it is asked; null for a thread of its own. */
export async function standingThreads(
  { runs, episodeOf, now }: Pick<SlackContext, 'runs' | 'episodeOf' | 'now'>,
  question: Question<LoadBalancerRef>,
  { channel, parentTs }: { channel: string; parentTs: string | null },
): Promise<StandingThreads> {
  const recent = (await runs.recent(MAX_RUNS_READ)).filter(
    (run) => isSameLoadBalancer(run, question) && run.thread.root !== null && run.state !== 'failed',
  );
  const same = recent.find(
    (run) =>
      run.askedBy.kind !== 'alarm' &&
      run.state !== 'interrupted' &&
      run.thread.channel === channel &&
      run.thread.parentTs === parentTs &&
      now() - Date.parse(run.createdAt) < SAME_QUESTION &&
      isSameScope(run, question),
  );
  for (const run of recent) {
    if (run.askedBy.kind !== 'alarm') continue;
    const episode = await episodeOf(run);
    if (episode !== null && episode.closedAt === null) return { same: same ?? null, alarm: run };
  }
  return { same: same ?? null, alarm: null };
}

/** ARN or name of the load balancer of the newest run in a thread, whose first message has this `ts`; null if there is no run. */
export async function loadBalancerOfThread(
  { runs }: Pick<SlackContext, 'runs'>,
  channel: string,
  ts: string,
): Promise<string | null> {
  const run = (await runs.recent(MAX_RUNS_READ)).find(
    ({ thread }) => thread.channel === channel && (thread.root === ts || thread.parentTs === ts),
  );
  return run === undefined ? null : (run.loadBalancer.arn ?? run.loadBalancer.name);
}

function isSameLoadBalancer({ loadBalancer: one }: Run, { loadBalancer: other }: Question<LoadBalancerRef>): boolean {
  if (one.arn !== null && other.arn !== null) return one.arn === other.arn;
  return one.name === other.name && one.account === other.account && one.region === other.region;
}

/** The same statuses over windows of one length that overlap: "last 15m", typed twice. */
function isSameScope(run: Run, question: Question<LoadBalancerRef>): boolean {
  const window: Window = { from: Date.parse(run.from), to: Date.parse(run.to) };
  const isSameLength = Math.abs(window.to - window.from - (question.to - question.from)) < MINUTE;
  const statuses = (words: readonly string[]) => [...new Set(words)].sort().join();
  const overlaps = window.from < question.to && question.from < window.to;
  return isSameLength && overlaps && statuses(run.statuses) === statuses(question.statuses);
}
