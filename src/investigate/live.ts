/** Investigations of load balancers in AWS: only reads. What a question needs is loaded when it is asked. */
import type { Attributes } from '../aws.ts';
import type { LiveAccessLog } from '../collect/live/access-log.ts';
import { interrupted } from '../collect/live/call.ts';
import type { Found } from '../collect/live/load-balancer.ts';
import { sessionsFor } from '../collect/live/sessions.ts';
import { searchOf } from '../collect/recorded.ts';
import { type Collector, collect } from '../collect.ts';
import type { Config } from '../config.ts';
import { diagnose } from '../diagnose.ts';
import type { AccessLog, Collected, Question } from '../evidence.ts';
import type { Inquiry, Investigation, Surroundings } from '../investigate.ts';

export type Engine = 'athena' | 'duckdb' | 'auto';

/** Where it is looked, and how. */
export interface Place {
  config: Config;
  region?: string | undefined;
  profile?: string | undefined;
  engine?: Engine | undefined;
  /** US dollars; that of the configuration without it. */
  maxUsd?: number | null | undefined;
  /** Of those, what earlier asks of the same question have cost. */
  spentUsd?: number | undefined;
}

/** What is asked once the load balancer is found. */
export type Ask = Pick<Inquiry, 'from' | 'to' | 'now' | 'statuses'>;

/** Finds what was typed in the configured accounts, and answers. Throws Problem, exit 130 when `signal` aborts. */
export async function investigateLive(
  asked: string,
  { from, to, now, statuses }: Ask,
  { config, region, profile, engine = 'auto', maxUsd, spentUsd = 0 }: Place,
  surroundings: Surroundings,
): Promise<Investigation> {
  const { signal, progress, doing = () => {}, provisional, keepIn = null } = surroundings;
  const { evidenceSeconds, accessLogSeconds } = config.deadlines;
  const limits = { signal, deadline: evidenceSeconds * 1000 };
  const sessions = await sessionsFor(asked, config.accounts, { region, profile }, limits);
  try {
    const { findLive } = await import('../collect/live/load-balancer.ts');
    const finding: Promise<Found> = findLive(asked, sessions);
    // Loading takes as long as a call: it goes on meanwhile.
    const [found, { liveCollectors }, { readLiveAccessLog }] = await Promise.all([
      finding,
      import('../collect/live.ts'),
      import('../collect/live/access-log.ts'),
    ]);
    const { name, arn, session } = found;
    const question: Question = { loadBalancer: { name, arn }, from, to, now, statuses };
    const log: { read: LiveAccessLog | null } = { read: null };
    const accessLog = (attributes: () => Promise<Collected<Attributes>>): Collector<AccessLog> => ({
      source: searchOf(question),
      collect: async () => {
        const read = await readLiveAccessLog({
          session,
          question,
          attributes: await attributes(),
          loadBalancerArn: arn,
          engine,
          athena: config.athena,
          maxUsd: maxUsd ?? config.maxUsd,
          spentUsd,
          keepIn,
          deadline: accessLogSeconds * 1000,
          progress: doing,
        });
        log.read = read;
        return read.log;
      },
    });
    const collectors = liveCollectors({ found, question, accessLog });
    const evidence = await collect(collectors, progress, (early) => provisional?.(diagnose(question, early)));
    if (signal.aborted) throw interrupted();
    const diagnosis = diagnose(question, evidence);
    const { kept = null, cost = diagnosis.cost } = log.read ?? {};
    // What was spent in vain was spent too.
    return { question, evidence, diagnosis: { ...diagnosis, cost }, hasLogFiles: kept !== null && 'folder' in kept };
  } finally {
    for (const session of sessions) session.close();
  }
}
