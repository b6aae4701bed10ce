/** Scores a diagnosis against the expectation and, for incidents made here, against the truth. */
import type { CauseResult, Diagnosis } from '../../src/diagnose/diagnosis.ts';
import type { Expectation } from '../support/simulator/recording.ts';
import type { TruthOfWindow } from '../support/simulator/simulate.ts';

export const OUTCOMES = ['right', 'undecided rightly', 'undecided needlessly', 'wrong'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface Score {
  outcome: Outcome;
  /** What came instead of what was expected; empty when it is right. */
  remarks: string[];
}

/** A claim may exceed the true share by this much: some rows of another cause look exactly alike. */
const SHARE_SLACK = 0.1;
/** A cause with less than this share may be missed, and may be called ruled out for what the headline is about. */
const NOTICEABLE = 0.05;

export function scoreOf(diagnosis: Diagnosis, expected: Expectation, truth: TruthOfWindow | null): Score {
  const wrong = [
    ...miscounts(diagnosis, expected),
    ...falsehoods(diagnosis, expected),
    ...falseStatements(diagnosis, truth),
  ];
  if (wrong.length > 0) return { outcome: 'wrong', remarks: wrong };
  const missed = shortfalls(diagnosis, expected);
  if (missed.length > 0) return { outcome: 'undecided needlessly', remarks: missed };
  return { outcome: expected.verdict.standing === 'undecided' ? 'undecided rightly' : 'right', remarks: [] };
}

const isClaimed = ({ standing }: CauseResult) => standing === 'confirmed' || standing === 'likely';
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const told = (cause: CauseResult) => `${cause.id} is ${cause.standing} for ${percent(cause.explains)}`;

/** Counts that differ from what happened. */
function miscounts({ triage, signatures }: Diagnosis, expected: Expectation): string[] {
  const counted: Record<string, unknown> = {
    requests: triage.requests,
    errors: triage.errors,
    byStatus: sorted(triage.byStatus),
    signatures: sorted(Object.fromEntries(signatures.map(({ id, count }) => [id, count]))),
  };
  const stated: Record<string, unknown> = {
    requests: expected.requests,
    errors: expected.errors,
    byStatus: expected.byStatus && sorted(expected.byStatus),
    signatures: expected.signatures && sorted(expected.signatures),
  };
  return Object.keys(counted).flatMap((what) => {
    const [came, was] = [JSON.stringify(counted[what]), JSON.stringify(stated[what])];
    return stated[what] === undefined || came === was ? [] : [`${what}: ${came}, in truth ${was}`];
  });
}

const sorted = (counts: Record<string, number>) =>
  Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Claims that the expectation excludes, and a verdict on another cause. */
function falsehoods({ causes, verdict, triage }: Diagnosis, expected: Expectation): string[] {
  const claimed = causes.filter(isClaimed);
  const excluded = claimed.filter(({ id }) => expected.mustNotClaim.includes(id)).map(told);
  const limits = Object.entries(expected.explains ?? {}).flatMap(([id, [, most]]) => {
    const cause = claimed.find((one) => one.id === id);
    return cause && cause.explains > most + 1e-9 ? [`${told(cause)}, in truth at most ${percent(most)}`] : [];
  });
  const other =
    verdict.cause !== null && verdict.cause !== expected.verdict.cause
      ? [`the verdict is ${verdict.cause}, expected was ${expected.verdict.cause ?? expected.verdict.standing}`]
      : [];
  const silent =
    verdict.standing === 'none' && expected.verdict.standing !== 'none'
      ? [`the verdict is that nothing failed, of ${triage.requests} requests`]
      : [];
  const said = [verdict.summary, ...claimed.flatMap(({ fix }) => [fix.summary, ...fix.commands])].join(' ');
  const blamed = (expected.mustNotName ?? []).filter((name) => said.includes(name)).map((name) => `it names ${name}`);
  return [...excluded, ...limits, ...other, ...silent, ...blamed];
}

/** Claims about causes that were not there, or for far more than they caused, and rule-outs of causes that were. */
export function falseStatements({ causes, parts, events }: Diagnosis, truth: TruthOfWindow | null): string[] {
  if (truth === null) return [];
  // A part that is an event represents all causes of the event: a rollout that closes and then refuses is one.
  const inEvents = parts.flatMap((part) => {
    const event = part.event === null ? undefined : events[part.event];
    // A process that ends closes what it has, and its port refuses what comes then, whether or not it starts again.
    const ofCrash = event?.kind === 'crash' || event?.kind === 'target-lost' ? ['closed-mid-request'] : [];
    return event === undefined ? [] : [[...part.causes, ...event.causes, ...ofCrash]];
  });
  const standsFor = (id: string) =>
    new Set<string>([id, ...inEvents.filter((ids) => ids.some((one) => one === id)).flat()]);
  const shareOf = (id: string) =>
    [...standsFor(id)].reduce((sum, one) => sum + (truth.causes[one] ?? 0), 0) / Math.max(1, truth.errors);
  const isInEvent = (id: string) => standsFor(id).size > 1;
  return causes.flatMap((cause) => {
    const share = shareOf(cause.id);
    if (isClaimed(cause) && cause.id !== 'client-closed' && cause.explains > share + SHARE_SLACK)
      return [`${told(cause)}, in truth ${percent(share)}`];
    if (isClaimed(cause) && cause.id !== 'client-closed' && share === 0) return [`${told(cause)}, which was not there`];
    return cause.standing === 'ruled-out' && share >= NOTICEABLE && !isInEvent(cause.id)
      ? [`${cause.id} is ruled out, in truth it caused ${percent(share)}`]
      : [];
  });
}

/**
 * Whether the first lines would have ended the incident: the verdict is the true cause or leads with its event, its sentence names a
 * target, target group, function, rule, route or client, and the cause has a fix. Null where nothing failed, and where the evidence
 * cannot tell.
 */
export function wouldEndIt({ verdict, causes, parts, loadBalancer }: Diagnosis, cause: string | null): boolean | null {
  if (cause === null) return null;
  const named = causes.find(({ id }) => id === verdict.cause);
  const isRight = verdict.cause === cause || (verdict.cause !== null && parts[0]?.event !== null);
  const isPlaced = NAMED_PLACE.test(verdict.summary) || verdict.summary.includes(loadBalancer.name);
  return isRight && isPlaced && (named?.fix.summary ?? '') !== '';
}

/** An address, a route, a group or its tasks, a function, a rule, a security group or an ACL. */
const NAMED_PLACE =
  /\d+\.\d+\.\d+\.\d+|[A-Z]+ \/|target group [\w-]+|(?:[Tt]argets|[Tt]asks|optimizer) of [\w-]+|\b[Rr]ule \d|\b(?:sg|acl|subnet|i)-[0-9a-f]{3,}|function [\w-]+|priority \d|rollout of [\w-]+|\([\w-]+\) |changed [\w-]+/;

/** What the evidence tells and the diagnosis does not. */
function shortfalls({ causes, verdict, steps }: Diagnosis, expected: Expectation): string[] {
  const { cause, standing } = expected.verdict;
  const open = expected.between ?? expected.betweenAtLeast ?? [];
  const left: string[] = verdict.between;
  const isExpected = [standing].flat().includes(verdict.standing);
  const unsaid =
    cause !== null && !isExpected
      ? [`expected ${cause}, came ${verdict.standing} between ${verdict.between.join(', ')}`]
      : [];
  const unsound = cause === null && !isExpected ? [`expected ${standing}, came ${verdict.standing}`] : [];
  const absent = cause === null ? open.filter((id) => !left.includes(id)) : [];
  const extra = expected.between ? left.filter((id) => !open.includes(id)) : [];
  const partial = Object.entries(expected.explains ?? {}).flatMap(([id, [least]]) => {
    const found = causes.find((one) => one.id === id);
    if (!found || !isClaimed(found)) return id === cause && !isExpected ? [] : [`${id} was not found beside it`];
    return found.explains < least ? [`${told(found)}, in truth at least ${percent(least)}`] : [];
  });
  const standingOf = (id: string): string => causes.find((one) => one.id === id)?.standing ?? 'absent';
  const notRuledOut = expected.ruledOut.filter((id) => standingOf(id) !== 'ruled-out');
  const unlike = Object.entries(expected.steps ?? {}).flatMap(([number, outcomes]) => {
    const outcome = steps.find(({ step }) => String(step) === number)?.outcome ?? 'absent';
    return [outcomes].flat().includes(outcome) ? [] : [`step ${number} is ${outcome}`];
  });
  return [
    ...unsaid,
    ...unsound,
    ...(absent.length > 0 ? [`${absent.join(', ')} not among ${verdict.between.join(', ') || 'those left open'}`] : []),
    ...(extra.length > 0 ? [`${extra.join(', ')} left open as well`] : []),
    ...partial,
    ...(expected.names ?? []).filter((name) => !verdict.summary.includes(name)).map((name) => `${name} is not named`),
    ...notRuledOut.map((id) => `${id} is ${standingOf(id)}, not ruled out`),
    ...unlike,
  ];
}
