/** Investigates load balancers in AWS; only reads. Loads modules when a question needs them. */

import { estimateWords } from '../collect/access-log/cost.ts';
import { openSessions } from '../collect/aws/accounts-to-search.ts';
import { interruptedProblem } from '../collect/aws/call.ts';
import type { DeliveryLookup } from '../collect/aws/delivery-lookup.ts';
import { firstCalls } from '../collect/aws/first-calls.ts';
import type { LiveAccessLog, LiveAccessLogOptions, LogEngine } from '../collect/aws/live-log-read.ts';
import type { FoundLoadBalancer } from '../collect/aws/load-balancer.ts';
import { type Collector, collect } from '../collect/collect.ts';
import { resourceOf } from '../collect/find-load-balancer.ts';
import type { Config } from '../config.ts';
import type { AccessLog } from '../evidence/access-log.ts';
import type { Attributes } from '../evidence/aws.ts';
import type { Collected } from '../evidence/collected.ts';
import type { EvidenceSet } from '../evidence/evidence.ts';
import { countedErrors } from '../evidence/metrics.ts';
import type { Question } from '../evidence/question.ts';
import { DEFAULT_STATUSES } from '../evidence/statuses.ts';
import { errorMessage, Problem } from '../problem.ts';
import {
  isSmallLook,
  lookBackCommand,
  lookBackQuestion,
  SMALL_LOOK_MS,
  withOfferedLookBack,
} from '../query/look-back.ts';
import { resolveWindow } from '../query/window.ts';
import { redactEvidence } from '../redact/redact-evidence.ts';
import type { InvestigationOptions, InvestigationResult, Investigator, LoadBalancerRef } from './investigator.ts';

/** Where and how to investigate. */
export interface LiveInvestigationSettings {
  config: Config;
  region?: string | undefined;
  profile?: string | undefined;
  engine?: LogEngine | undefined;
  /** US dollars; defaults to the configuration. */
  maxUsd?: number | null | undefined;
  /** US dollars of `maxUsd` that earlier attempts at this question have spent. */
  spentUsd?: number | undefined;
  /** Read log files in a child process, which may crash: for long-running callers. */
  isReadApart?: boolean | undefined;
  /** Extended log reads of earlier questions; reused while question and access log are the same. */
  earlierLooks?: EarlierLooks | undefined;
}

/** Extended log reads of recent incidents, by `lookKey`. */
export type EarlierLooks = Map<string, NonNullable<AccessLog['earlier']>>;
const KEPT_LOOKS = 5;

/**
 * Finds the load balancer in the configured accounts and answers the question. Throws Problem; exit 130 when `signal`
 * aborts.
 */
export async function investigateLive(
  nameOrArn: string,
  { from, to, now, statuses, targetGroup, zone, isFromAlarm, lookBack }: Omit<Question, 'loadBalancer'>,
  {
    config,
    region,
    profile,
    engine = 'auto',
    maxUsd,
    spentUsd = 0,
    earlierLooks,
    isReadApart = false,
  }: LiveInvestigationSettings,
  options: InvestigationOptions,
): Promise<InvestigationResult> {
  const {
    signal,
    progress,
    onAccessLogStatus = () => {},
    onEstimate,
    onInterimDiagnosis,
    preload,
    onNotice,
    keepIn = null,
    isRedacted = false,
  } = options;
  const { evidenceSeconds, accessLogSeconds } = config.deadlines;
  const limits = { signal, deadline: evidenceSeconds * 1000 };
  const sessions = await openSessions(nameOrArn, config.accounts, { region, profile }, limits);
  const log: LogReading = { read: null, options: null, lookup: null };
  try {
    const { findLive, knownByArn } = await import('../collect/aws/load-balancer.ts');
    const calls = firstCalls();
    const search: Promise<FoundLoadBalancer> = findLive(nameOrArn, sessions).finally(calls.stop);
    // Load modules while the call is under way, since both take about as long.
    const loading = calls.sent.then(() =>
      Promise.all([
        import('../collect/aws/aws-collectors.ts'),
        import('../collect/aws/live-access-log.ts'),
        import('../collect/aws/delivery-lookup.ts'),
        import('../collect/incident/incident-collectors.ts'),
      ]),
    );
    loading.then(([, { preloadEngine }]) => preloadEngine(engine, isReadApart)).catch(() => {});
    const [
      found,
      [
        { liveCollectors },
        { readWithLookBack, lookBack: readBack, estimateLiveAccessLog },
        { beginDeliveryLookup },
        { searchCommand },
      ],
    ] = await Promise.all([knownByArn(nameOrArn, sessions, search) ?? search, loading]);
    const { name, arn, session } = found;
    if ('ambiguityNote' in found) onNotice?.(found.ambiguityNote);
    const question: Question = {
      loadBalancer: { name, arn },
      from,
      to,
      now,
      statuses,
      targetGroup,
      zone,
      isFromAlarm,
      ...(lookBack === undefined ? {} : { lookBack }),
    };
    // CloudFront's log may cost what the access log left of the limit.
    const logWasRead = Promise.withResolvers<void>();
    const limitUsd = maxUsd ?? config.maxUsd;
    const remainingUsd = async (): Promise<number> => {
      await logWasRead.promise;
      return limitUsd - spentUsd - (log.read?.cost.usd ?? 0);
    };
    const lookup = beginDeliveryLookup(session, arn);
    log.lookup = lookup;
    const accessLog = (
      attributes: () => Promise<Collected<Attributes>>,
      count502s: () => Promise<number | null>,
    ): Collector<AccessLog> => ({
      source: searchCommand(question),
      collect: async () => {
        const counted502s = count502s();
        counted502s.catch(() => {});
        log.options = {
          session,
          question,
          attributes: await attributes(),
          loadBalancerArn: arn,
          deliveries: lookup,
          engine,
          athena: config.athena,
          maxUsd: limitUsd,
          isMaxUsdGiven: typeof maxUsd === 'number',
          spentUsd,
          keepIn,
          isReadApart,
          counted502s,
          deadline: accessLogSeconds * 1000,
          progress: onAccessLogStatus,
          ...(onEstimate === undefined ? {} : { onEstimate }),
        };
        try {
          log.read = await readWithLookBack(log.options);
        } finally {
          logWasRead.resolve();
        }
        return log.read.log;
      },
    });
    const collectors = liveCollectors({ found, question, accessLog, remainingUsd });
    // The access log takes longest, and the attributes and deliveries say where it is: ask for these before all else.
    const first = firstCalls();
    await Promise.race([first.sent, collectors.attributes.collect()]).finally(first.stop);
    const others = firstCalls();
    const diagnosing = others.sent.then(() => import('../diagnose/diagnose.ts'));
    diagnosing.then(preload).catch(() => {});
    const collected = await collect(collectors, progress, async (early) =>
      onInterimDiagnosis?.((await diagnosing).diagnose(question, early)),
    ).finally(others.stop);
    const { diagnose, withEdgeCost } = await diagnosing;
    const shown = (one: EvidenceSet) => (isRedacted ? redactEvidence(one) : one);
    const evidence = shown(collected);
    if (signal.aborted) throw interruptedProblem();
    const { toSave = null, cost } = log.read ?? {};
    const hasLogFiles = toSave !== null && 'folder' in toSave;
    // Include the cost of reads that failed.
    const resultFrom = (evidenceSoFar: EvidenceSet, asked = question, spent = cost): InvestigationResult => {
      const diagnosis = diagnose(asked, evidenceSoFar);
      return {
        question: asked,
        evidence: evidenceSoFar,
        diagnosis: { ...diagnosis, cost: spent === undefined ? diagnosis.cost : withEdgeCost(spent, evidenceSoFar) },
        hasLogFiles,
      };
    };
    const evidenceWithOffer = withLongerWindowOffer(evidence, question, null);
    const result = resultFrom(evidenceWithOffer ?? evidence);
    if (evidenceWithOffer === null || log.options === null || !result.diagnosis.keepAlive?.longerLook) return result;
    const asked = withOfferedLookBack(question);
    const key = lookKey(question, collected.accessLog);
    const known = keepIn === null ? (earlierLooks?.get(key) ?? null) : null;
    if (known !== null) return resultFrom(shown(withEarlier(collected, known)), asked);
    // List files for a price only if the longer read is worth offering.
    const longer = { ...log.options, question: lookBackQuestion(asked) ?? asked };
    const estimate = await estimateLiveAccessLog(longer);
    if (estimate !== null && log.read !== null && isSmallLook(estimate)) {
      const read = await readBack({ ...log.options, question: asked, deadline: SMALL_LOOK_MS }, log.read);
      if (signal.aborted) throw interruptedProblem();
      const { log: accessLogRead } = read;
      if (accessLogRead.status === 'collected' && accessLogRead.value.earlier !== undefined) {
        if (earlierLooks !== undefined) keepLook(earlierLooks, key, accessLogRead.value.earlier);
        return resultFrom(shown({ ...collected, accessLog: accessLogRead }), asked, read.cost);
      }
    }
    const price = estimate === null ? null : estimateWords(estimate);
    return resultFrom(withLongerWindowOffer(evidence, question, price) ?? evidence);
  } finally {
    log.lookup?.stop();
    for (const session of sessions) session.close();
  }
}

/** State of the access log in one investigation. */
interface LogReading {
  read: LiveAccessLog | null;
  options: LiveAccessLogOptions | null;
  lookup: DeliveryLookup | null;
}

/** Key of an extended read. Includes the lines read, since log files that arrive later may hold more errors. */
function lookKey({ loadBalancer, from, to, statuses }: Question, accessLog: Collected<AccessLog>): string {
  const lines = accessLog.status === 'collected' ? accessLog.value.lines : 0;
  return JSON.stringify([loadBalancer.arn, from, to, statuses, lines]);
}

function keepLook(looks: EarlierLooks, key: string, earlier: NonNullable<AccessLog['earlier']>): void {
  looks.set(key, earlier);
  const [oldest] = looks.keys();
  if (looks.size > KEPT_LOOKS && oldest !== undefined) looks.delete(oldest);
}

function withEarlier(evidence: EvidenceSet, earlier: NonNullable<AccessLog['earlier']>): EvidenceSet {
  const { accessLog } = evidence;
  return accessLog.status === 'unavailable'
    ? evidence
    : { ...evidence, accessLog: { ...accessLog, value: { ...accessLog.value, earlier } } };
}

/** Adds the command for a longer read; null when one was taken or there is no log. */
function withLongerWindowOffer(evidence: EvidenceSet, question: Question, estimate: string | null): EvidenceSet | null {
  const { accessLog } = evidence;
  if (accessLog.status === 'unavailable' || question.lookBack !== undefined) return null;
  const longerLook = { command: lookBackCommand(question), estimate };
  return { ...evidence, accessLog: { ...accessLog, value: { ...accessLog.value, longerLook } } };
}

/** Why the load balancers of an account could not be listed; the sentence names account and region. */
export interface ListingFailure {
  account: string;
  sentence: string;
}

/** Asks AWS, and caches the list of load balancers. */
export interface LiveInvestigator extends Investigator {
  /** Lists the load balancers of all accounts again. Never throws; see `failures`. */
  refresh(signal?: AbortSignal): Promise<void>;
  /** Why the last listing failed, one sentence per account and region; their earlier entries stay listed. */
  failures(): readonly ListingFailure[];
}

/**
 * Investigator for the configured accounts, for the bot and alarms. Makes no call before the first question or
 * `refresh`.
 */
export function liveInvestigator(config: Config, now: () => number = Date.now): LiveInvestigator {
  /** By account and region, as last listed. */
  const listed = new Map<string, LoadBalancerRef[]>();
  const earlierLooks: EarlierLooks = new Map();
  let failures: ListingFailure[] = [];
  let loadBalancers: LoadBalancerRef[] = [];
  const deadline = config.deadlines.evidenceSeconds * 1000;
  const accountsNamed = (names: readonly string[]) => config.accounts.filter(({ name }) => names.includes(name));

  return {
    listLoadBalancers: () => loadBalancers,
    failures: () => failures,

    async refresh(signal = new AbortController().signal) {
      const failed: ListingFailure[] = [];
      const each = config.accounts.map(async (account) => {
        try {
          const sessions = await openSessions(null, [account], {}, { signal, deadline });
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
                failed.push({ account: account.name, sentence: `${account.name}, ${region}: ${errorMessage(error)}` });
              } finally {
                session.close();
              }
            }),
          );
        } catch (error) {
          failed.push({ account: account.name, sentence: `${account.name}: ${errorMessage(error)}` });
        }
      });
      await Promise.all(each);
      failures = failed.sort((a, b) => (a.sentence < b.sentence ? -1 : 1));
      loadBalancers = [...listed.values()].flat().sort(compareByName);
    },

    async find(nameOrArn, names, signal) {
      const mine = loadBalancers.filter(({ account }) => names.includes(account));
      // A unique listed match needs no call, if the list is complete.
      const [one, another] = mine.filter(({ name, arn }) => name === nameOrArn || arn === nameOrArn);
      if (one !== undefined && another === undefined && failures.length === 0) return one;
      const sessions = await openSessions(nameOrArn, accountsNamed(names), {}, { signal, deadline });
      try {
        const { findLive } = await import('../collect/aws/load-balancer.ts');
        const { name, arn, session } = await findLive(nameOrArn, sessions);
        return { name, arn, account: session.place.account, region: session.place.region };
      } finally {
        for (const session of sessions) session.close();
      }
    },

    resolveQuestion({ statuses, ...asked }, loadBalancer) {
      const askedAt = now();
      return {
        loadBalancer,
        ...resolveWindow(asked, { now: askedAt }, loadBalancer.name),
        now: askedAt,
        statuses: statuses ?? [...DEFAULT_STATUSES],
      };
    },

    async countErrors({ loadBalancer: { name, arn, account, region }, ...asked }, signal) {
      if (arn === null) return null;
      const sessions = await openSessions(arn, accountsNamed([account]), { region }, { signal, deadline });
      const [session] = sessions;
      if (session === undefined) return null;
      try {
        const [{ callAws }, { fetchMetrics, metricsOfLoadBalancer }] = await Promise.all([
          import('../collect/aws/call.ts'),
          import('../collect/aws/cloudwatch.ts'),
        ]);
        const question = { loadBalancer: { name, arn }, ...asked };
        const series = await callAws(
          session,
          'cloudwatch:GetMetricData',
          () => null,
          (call) => fetchMetrics(call, question, metricsOfLoadBalancer(resourceOf(arn) ?? arn)),
        );
        return 'value' in series ? countedErrors(question, series.value) : null;
      } finally {
        for (const each of sessions) each.close();
      }
    },

    async investigate({ loadBalancer, ...question }, options) {
      const { name, arn, account, region } = loadBalancer;
      const accounts = accountsNamed([account]);
      if (accounts.length === 0) throw new Problem(`The account ${account} is not configured any more.`, 1);
      const settings = { config: { ...config, accounts }, region, earlierLooks, isReadApart: true };
      return investigateLive(arn ?? name, question, settings, { ...options, isRedacted: true });
    },
  };
}

const compareByName = (a: LoadBalancerRef, b: LoadBalancerRef): number => {
  const [one, other] = [`${a.name} ${a.account} ${a.region}`, `${b.name} ${b.account} ${b.region}`];
  return one < other ? -1 : one > other ? 1 : 0;
};
