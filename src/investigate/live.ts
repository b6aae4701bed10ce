/** Investigations of load balancers in AWS: only reads. What a question needs is loaded when it is asked. */

import { sessionsFor } from '../collect/aws/accounts-to-search.ts';
import { interrupted } from '../collect/aws/call.ts';
import { firstCalls } from '../collect/aws/first-calls.ts';
import type { LiveAccessLog, LiveAccessLogOptions } from '../collect/aws/live-access-log.ts';
import type { Found } from '../collect/aws/load-balancer.ts';
import { type Collector, collect } from '../collect/collect.ts';
import type { Config } from '../config.ts';
import type { Attributes } from '../evidence/aws.ts';
import type { AccessLog, Collected, EvidenceSet, Question } from '../evidence/evidence.ts';
import { Problem } from '../problem.ts';
import { lookBackCommand, offeredLook } from '../query/look-back.ts';
import { resolve } from '../query/parse-question.ts';
import type { Inquiry, Investigation, Investigator, LoadBalancerRef, Surroundings } from './investigator.ts';

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
export type Ask = Pick<Inquiry, 'from' | 'to' | 'now' | 'statuses'> & Pick<Question, 'lookBack'>;

/** Finds what was typed in the configured accounts, and answers. Throws Problem, exit 130 when `signal` aborts. */
export async function investigateLive(
  asked: string,
  { from, to, now, statuses, lookBack }: Ask,
  { config, region, profile, engine = 'auto', maxUsd, spentUsd = 0 }: Place,
  surroundings: Surroundings,
): Promise<Investigation> {
  const { signal, progress, doing = () => {}, estimated, provisional, ahead, notice, keepIn = null } = surroundings;
  const { evidenceSeconds, accessLogSeconds } = config.deadlines;
  const limits = { signal, deadline: evidenceSeconds * 1000 };
  const sessions = await sessionsFor(asked, config.accounts, { region, profile }, limits);
  try {
    const { findLive } = await import('../collect/aws/load-balancer.ts');
    const calling = firstCalls();
    const finding: Promise<Found> = findLive(asked, sessions).finally(calling.over);
    // Loading takes as long as a call: it goes on while that is under way, and does not hold it up.
    const loading = calling.sent.then(() =>
      Promise.all([
        import('../collect/aws/aws-collectors.ts'),
        import('../collect/aws/live-access-log.ts'),
        import('../collect/incident/incident-collectors.ts'),
        import('../diagnose/diagnose.ts'),
      ]),
    );
    loading
      .then(([, { loadAhead }]) => loadAhead(engine))
      .then(ahead)
      .catch(() => {});
    const [found, [{ liveCollectors }, { readLookingBack, estimateLiveAccessLog }, { searchOf }, { diagnose }]] =
      await Promise.all([finding, loading]);
    const { name, arn, session, unseen } = found;
    if (unseen !== undefined) notice?.(unseen);
    const question: Question = {
      loadBalancer: { name, arn },
      from,
      to,
      now,
      statuses,
      ...(lookBack === undefined ? {} : { lookBack }),
    };
    const log: { read: LiveAccessLog | null; options: LiveAccessLogOptions | null } = { read: null, options: null };
    const accessLog = (attributes: () => Promise<Collected<Attributes>>): Collector<AccessLog> => ({
      source: searchOf(question),
      collect: async () => {
        log.options = {
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
          ...(estimated === undefined ? {} : { estimated }),
        };
        log.read = await readLookingBack(log.options);
        return log.read.log;
      },
    });
    const collectors = liveCollectors({ found, question, accessLog });
    const evidence = await collect(collectors, progress, (early) => provisional?.(diagnose(question, early)));
    if (signal.aborted) throw interrupted();
    const { kept = null, cost } = log.read ?? {};
    const hasLogFiles = kept !== null && 'folder' in kept;
    // What was spent in vain was spent too.
    const judged = (known: EvidenceSet): Investigation => {
      const diagnosis = diagnose(question, known);
      return {
        question,
        evidence: known,
        diagnosis: { ...diagnosis, cost: cost ?? diagnosis.cost },
        hasLogFiles,
      };
    };
    const offering = withOffer(evidence, question, null);
    const first = judged(offering ?? evidence);
    if (offering === null || log.options === null || !first.diagnosis.keepAlive?.longerLook) return first;
    // A price is worth a listing only where the look is worth offering.
    const estimate = await estimateLiveAccessLog({ ...log.options, question: offeredLook(question) });
    return judged(withOffer(evidence, question, estimate) ?? evidence);
  } finally {
    for (const session of sessions) session.close();
  }
}

/** The evidence with the command of a longer look; null where one was taken, or there is no log. */
function withOffer(evidence: EvidenceSet, question: Question, estimate: string | null): EvidenceSet | null {
  const { accessLog } = evidence;
  if (accessLog.status === 'unavailable' || question.lookBack !== undefined) return null;
  const longerLook = { command: lookBackCommand(question), estimate };
  return { ...evidence, accessLog: { ...accessLog, value: { ...accessLog.value, longerLook } } };
}

/** Asks AWS, and keeps a list of its load balancers at hand. */
export interface LiveInvestigator extends Investigator {
  /** Lists the load balancers of all accounts anew. Never throws: see `failures`. */
  refresh(signal?: AbortSignal): Promise<void>;
  /** Why some could not be listed the last time, one sentence for each account and region. What was known of them stays. */
  failures(): readonly string[];
}

/** The accounts of a configuration, for the bot and for alarms. Nothing is asked before the first question or `refresh`. */
export function liveInvestigator(config: Config, now: () => number = Date.now): LiveInvestigator {
  /** By account and region, as last listed. */
  const listed = new Map<string, LoadBalancerRef[]>();
  let failures: string[] = [];
  let known: LoadBalancerRef[] = [];
  const deadline = config.deadlines.evidenceSeconds * 1000;
  const accountsOf = (names: readonly string[]) => config.accounts.filter(({ name }) => names.includes(name));

  return {
    known: () => known,
    failures: () => failures,

    async refresh(signal = new AbortController().signal) {
      const failed: string[] = [];
      const each = config.accounts.map(async (account) => {
        try {
          const sessions = await sessionsFor(null, [account], {}, { signal, deadline });
          const { listLive } = await import('../collect/aws/load-balancer.ts');
          await Promise.all(
            sessions.map(async (session) => {
              const { region } = session.place;
              try {
                const found = await listLive(session);
                listed.set(
                  `${account.name} ${region}`,
                  found.map((one) => ({ ...one, account: account.name, region })),
                );
              } catch (error) {
                failed.push(`${account.name}, ${region}: ${sentenceOf(error)}`);
              } finally {
                session.close();
              }
            }),
          );
        } catch (error) {
          failed.push(`${account.name}: ${sentenceOf(error)}`);
        }
      });
      await Promise.all(each);
      failures = failed.sort();
      known = [...listed.values()].flat().sort(byName);
    },

    async find(asked, names, signal) {
      const mine = known.filter(({ account }) => names.includes(account));
      // What is listed under just this name needs no call, if no other can be meant.
      const [one, another] = mine.filter(({ name, arn }) => name === asked || arn === asked);
      if (one !== undefined && another === undefined && failures.length === 0) return one;
      const sessions = await sessionsFor(asked, accountsOf(names), {}, { signal, deadline });
      try {
        const { findLive } = await import('../collect/aws/load-balancer.ts');
        const { name, arn, session } = await findLive(asked, sessions);
        return { name, arn, account: session.place.account, region: session.place.region };
      } finally {
        for (const session of sessions) session.close();
      }
    },

    inquire({ window, statuses }, loadBalancer) {
      const asked = now();
      return { loadBalancer, ...resolve({ window }, { now: asked }), now: asked, statuses };
    },

    async investigate({ loadBalancer, ...ask }, surroundings) {
      const { name, arn, account, region } = loadBalancer;
      const accounts = accountsOf([account]);
      if (accounts.length === 0) throw new Problem(`The account ${account} is not configured any more.`, 1);
      return investigateLive(arn ?? name, ask, { config: { ...config, accounts }, region }, surroundings);
    },
  };
}

const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const byName = (a: LoadBalancerRef, b: LoadBalancerRef): number => {
  const [one, other] = [`${a.name} ${a.account} ${a.region}`, `${b.name} ${b.account} ${b.region}`];
  return one < other ? -1 : one > other ? 1 : 0;
};
