/** Compares each revision of a service by errors and requests, to find a revision that fails alone. */
import { number, outOf, percent } from '../../format/wording.ts';
import { oncePerTraffic, type SampledError, type Traffic } from '../traffic.ts';
import { hypergeometricTail } from './chance.ts';
import { type OwnedTarget, ownedTargets } from './owner-concentration.ts';

/** A revision of a service in the log: its targets, and the results of their requests. */
interface RevisionErrors {
  service: string;
  cluster: string | null;
  /** Family and revision: "feed-api:47". */
  revision: string;
  targets: number;
  failingTargets: number;
  requests: number;
  errors: number;
  /** Start of its first task, epoch milliseconds; null if unknown. */
  firstStart: number | null;
}

/** Services whose requests reached several revisions, by name. Revisions by requests, then by number. */
export const revisionErrors = oncePerTraffic((traffic: Traffic): RevisionErrors[][] => {
  const known = ownedTargets(traffic).filter(({ owner }) => owner.service !== null && owner.revision !== null);
  return [...Map.groupBy(known, ({ owner }) => `${owner.service} ${owner.cluster}`)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, own]) => [...Map.groupBy(own, ({ owner }) => owner.revision ?? '').values()].flatMap(sumOf))
    .map((own) => own.sort((a, b) => b.requests - a.requests || (a.revision < b.revision ? -1 : 1)))
    .filter((own) => own.length > 1);
});

function sumOf(own: readonly OwnedTarget[]): RevisionErrors[] {
  const [first] = own;
  const { service = null, cluster = null, revision = null } = first?.owner ?? {};
  if (service === null || revision === null) return [];
  return [
    {
      ...{ service, cluster, revision, targets: own.length },
      failingTargets: own.filter(({ errors }) => errors > 0).length,
      requests: own.reduce((sum, { requests }) => sum + requests, 0),
      errors: own.reduce((sum, { errors }) => sum + errors, 0),
      firstStart: own.reduce<number | null>(
        (first, { owner: { startedAt } }) => (startedAt === null ? first : Math.min(first ?? startedAt, startedAt)),
        null,
      ),
    },
  ];
}

/**
 * The newest revision of its service, if it fails alone; an older revision may fail because its targets are being taken
 * out.
 */
interface FailingRevision extends RevisionErrors {
  others: RevisionErrors[];
  /** Its share of the service's requests. */
  requestShare: number;
  /** The number of errors it would have if all revisions failed alike. */
  byChance: number;
  /** Whether the service has all errors of the question. */
  hasAll: boolean;
}

/** Maximum probability by chance that its requests fail more often, and that its targets do. */
const REQUESTS_BY_CHANCE = 1e-3;
const TARGETS_BY_CHANCE = 0.05;
/** Minimum ratio of its failure rate to that of the other revisions. */
const TIMES_LESS = 10;
/** Minimum failing targets; a single target may fail because of its host. */
const FEWEST_TARGETS = 2;
/** Minimum share of the revision's targets that fail. */
const FAILING_SHARE = 0.8;

/** Newest revisions whose requests fail while requests to other revisions almost never do; most errors first. */
export const failingRevisions = oncePerTraffic((traffic: Traffic): FailingRevision[] =>
  revisionErrors(traffic)
    .flatMap((revisions) => revisions.flatMap((one) => failsAlone(one, revisions, traffic)))
    .sort((a, b) => b.errors - a.errors || (a.revision < b.revision ? -1 : 1)),
);

function failsAlone(one: RevisionErrors, all: readonly RevisionErrors[], traffic: Traffic): FailingRevision[] {
  const others = all.filter((other) => other !== one);
  const rest = totals(others);
  const total = totals(all);
  if (one.failingTargets < FEWEST_TARGETS || one.failingTargets < FAILING_SHARE * one.targets) return [];
  const rate = (each: { errors: number; requests: number }) => each.errors / Math.max(1, each.requests);
  const isNewest = others.every(({ firstStart }) => (one.firstStart ?? 0) > (firstStart ?? 0));
  if (!isNewest || rest.requests === 0 || rate(one) < TIMES_LESS * rate(rest)) return [];
  const witnesses = witnessesByRevision(traffic);
  const [own, seen] = [[one], all].map((revisions) =>
    revisions.reduce((sum, { revision }) => sum + (witnesses.get(revision) ?? 0), 0),
  );
  const byRequests = hypergeometricTail(own ?? 0, seen ?? 0, one.requests, total.requests);
  const byTargets = hypergeometricTail(one.failingTargets, total.failingTargets, one.targets, total.targets);
  if (all.length * byRequests > REQUESTS_BY_CHANCE || byTargets > TARGETS_BY_CHANCE) return [];
  const requestShare = one.requests / total.requests;
  const hasAll = total.errors >= Math.round(traffic.errorCount);
  return [{ ...one, others, requestShare, byChance: total.errors * requestShare, hasAll }];
}

const totals = (all: readonly RevisionErrors[]) => {
  const sum = (of: 'errors' | 'requests' | 'targets' | 'failingTargets') =>
    all.reduce((total, one) => total + one[of], 0);
  return {
    ...{ errors: sum('errors'), requests: sum('requests') },
    ...{ targets: sum('targets'), failingTargets: sum('failingTargets') },
  };
};

/**
 * Milliseconds; errors on one target within this time count as one, because a crash closes all its connections at once.
 */
const ONE_WITNESS_MS = 1000;

/** The errors that count separately, in the given order. */
export function separateErrors(errors: readonly SampledError[]): SampledError[] {
  const last = new Map<string, number>();
  return errors.filter(({ target, at }) => {
    const before = last.get(target);
    if (before !== undefined && at - before < ONE_WITNESS_MS) return false;
    last.set(target, at);
    return true;
  });
}

const witnessesByRevision = oncePerTraffic((traffic: Traffic): Map<string, number> => {
  const revisions = new Map(ownedTargets(traffic).map(({ target, owner }) => [target, owner.revision]));
  const counts = new Map<string, number>();
  for (const { target } of separateErrors(traffic.errors)) {
    const revision = revisions.get(target) ?? null;
    if (revision !== null) counts.set(revision, (counts.get(revision) ?? 0) + 1);
  }
  return counts;
});

/** "feed-api:48 had 25 % of the requests and all 133 errors: 26 % of its requests failed (feed-api:46: 0 %)." */
export function failingRevisionHeadline(one: FailingRevision): string {
  const all = totals([one, ...one.others]);
  const rates = one.others.map(({ revision, errors, requests }) => `${revision}: ${rateText(errors, requests)}`);
  const share = number(one.errors) === number(all.errors) ? `all ${number(one.errors)}` : outOf(one.errors, all.errors);
  return `${one.revision} had ${percent(one.requestShare)} of the requests and ${share} errors${one.hasAll ? '' : ` of ${one.service}`}: ${rateText(one.errors, one.requests)} of its requests failed (${rates.join(', ')}).`;
}

/** The same with the errors expected by chance. */
export const failingRevisionSentence = (one: FailingRevision): string =>
  `${failingRevisionHeadline(one)} By chance, ${one.byChance < 10 ? Number(one.byChance.toFixed(1)) : number(one.byChance)} errors would be expected on it.`;

const rateText = (errors: number, requests: number): string => percent(errors / Math.max(1, requests));

/** "0.7 % of the requests to feed-api:46 failed (35 of 5,000), 0.8 % of the requests to feed-api:47 (12 of 1,500)." */
export function revisionsSentence(revisions: readonly RevisionErrors[]): string {
  const each = revisions.map(
    ({ revision, errors, requests }, index) =>
      `${rateText(errors, requests)} of the requests to ${revision}${index === 0 ? ' failed' : ''} (${outOf(errors, requests)})`,
  );
  return `${each.join(', ')}.`;
}
