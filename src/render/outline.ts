/**
 * The sections of a diagnosis in reading order: what broke, the fix, who is affected, why, and everything that was
 * checked. The terminal, Markdown and Slack use the same order; Slack puts the last sections behind buttons.
 */
import type { CauseId } from '../diagnose/causes/index.ts';
import { checkOf } from '../diagnose/checks/index.ts';
import type {
  CauseResult,
  CheckFinding,
  ChecklistStep,
  Diagnosis,
  EventResult,
  Gap,
  Part,
} from '../diagnose/diagnosis.ts';
import type { EventKind } from '../diagnose/events/event.ts';
import { inSentence, list, number, outOf, percent, plural } from '../format/wording.ts';
import {
  answerState,
  causeTitle,
  fitSentences,
  REASON_TITLE,
  sortCauses,
  statusWords,
  timeOfDay,
  windowSpan,
} from './phrases.ts';

/**
 * The kind of result. `found`: a cause. `undecided`: between several. `unread`: no log entry to judge by, which is not
 * "no errors". `none`: nothing failed.
 */
export type VerdictKind = 'found' | 'undecided' | 'unread' | 'none';

/** Another part of the errors: its causes, number of errors, and fix. */
export interface OtherPart {
  words: string;
  errors: number;
  cause: CauseResult | null;
}

export type Section =
  /** Another hop made many of the errors: that comes first, because nothing behind the load balancer ends them. */
  | { kind: 'in-front'; finding: CheckFinding }
  | { kind: 'cause'; cause: CauseResult; sentence: string; errors: string | null }
  /** The event of the leading errors, if no cause says it: its sentence, and the command that takes a call back. */
  | { kind: 'event'; event: EventKind; sentence: string; revert: string | null }
  | { kind: 'between'; causes: CauseResult[] }
  | { kind: 'known'; sentences: string[] }
  | { kind: 'fix'; cause: CauseResult }
  | { kind: 'next-step'; sentence: string }
  | { kind: 'impact'; sentence: string }
  | { kind: 'why'; cause: CauseResult }
  | { kind: 'also'; parts: OtherPart[] }
  /** If a cause leads: what would settle the remaining undecided errors. */
  | { kind: 'settles-rest'; sentence: string }
  | { kind: 'beside'; sentences: string[] }
  | { kind: 'faults'; findings: CheckFinding[] }
  | { kind: 'ruled-out'; causes: CauseResult[] }
  | { kind: 'unchecked'; gaps: Gap[] }
  | { kind: 'traces'; traces: NonNullable<Diagnosis['traces']> }
  | { kind: 'other-causes'; causes: CauseResult[] }
  | { kind: 'timeline' }
  | { kind: 'checklist'; steps: ChecklistStep[] }
  /** Causes without a matching error: ruled out by a number, untested, or unmatched. */
  | { kind: 'considered'; ruledOut: CauseResult[]; untested: CauseResult[]; unmatched: CauseResult[] };

/** Parts below this share are not named. */
const NAMED_SHARE = 0.05;
const MAX_KNOWN = 2;
/** Characters of a fix beside a fault. */
const MAX_FIX = 120;

const isInFront = ({ check }: CheckFinding): boolean => checkOf(check)?.isInFront === true;

/** The finding that another hop, such as CloudFront, made many of the errors users got; null if none did. */
export const madeInFront = ({ steps }: Diagnosis): CheckFinding | null =>
  steps.flatMap(({ findings }) => findings).find((finding) => isInFront(finding) && finding.outcome === 'fail') ?? null;

/** "Answer 403 …": the fix in front of the load balancer, or else what was found there. */
export const inFrontWords = ({ summary, fix }: CheckFinding): string =>
  fix === null ? fitSentences(summary) : fitSentences(fix, MAX_FIX);

export function verdictKind({ verdict, triage, parts }: Diagnosis): VerdictKind {
  if (verdict.cause !== null) return 'found';
  if (verdict.standing === 'none') return 'none';
  return (triage.errors ?? 0) === 0 || parts[0]?.standing === 'unread' ? 'unread' : 'undecided';
}

/** The sections of this diagnosis in reading order, without empty ones. */
export function outlineOf(diagnosis: Diagnosis): Section[] {
  const { main, others, lookAlikes, alsoRuledOut, unjudged, unmatched } = sortCauses(diagnosis);
  const { verdict, traces, steps, gapDetails, triage } = diagnosis;
  const impact = impactSentence(diagnosis);
  const lookup: Section[] = traces === null ? [] : [{ kind: 'traces', traces }];
  const inFront = madeInFront(diagnosis);
  return [
    ...(inFront === null ? [] : [{ kind: 'in-front', finding: inFront } as const]),
    ...eventSections(diagnosis),
    ...leadingSections(diagnosis),
    ...(main === null ? lookup : []),
    ...(impact === null ? [] : [{ kind: 'impact', sentence: impact } as const]),
    ...(main === null ? [] : [{ kind: 'why', cause: main } as const, ...lookup]),
    ...nonEmpty(otherParts(diagnosis), (parts) => ({ kind: 'also', parts })),
    ...(main === null || verdict.decidedBy === null
      ? []
      : [{ kind: 'settles-rest', sentence: verdict.decidedBy } as const]),
    ...nonEmpty(besideSentences(diagnosis), (sentences) => ({ kind: 'beside', sentences })),
    ...nonEmpty(besideFaults(diagnosis), (findings) => ({ kind: 'faults', findings })),
    ...nonEmpty(lookAlikes, (causes) => ({ kind: 'ruled-out', causes })),
    ...nonEmpty(gapDetails, (gaps) => ({ kind: 'unchecked', gaps })),
    ...nonEmpty(others, (causes) => ({ kind: 'other-causes', causes })),
    { kind: 'timeline' },
    ...nonEmpty(steps, (all) => ({ kind: 'checklist', steps: all })),
    ...((triage.errors ?? 0) === 0
      ? []
      : [{ kind: 'considered', ruledOut: alsoRuledOut, untested: unjudged, unmatched } as const]),
  ];
}

/** The sentence of a cause covers the event that led to it. */
function eventSections(diagnosis: Diagnosis): Section[] {
  const { parts, events } = diagnosis;
  const onset = parts[0]?.onset === undefined ? undefined : events[parts[0].onset];
  const event = onset ?? (verdictKind(diagnosis) === 'undecided' ? leadingEvent(diagnosis) : null);
  if (event === null) return [];
  return [{ kind: 'event', event: event.kind, sentence: event.summary, revert: event.calls[0]?.revert ?? null }];
}

/** The cause and its fix; or the undecided causes, or what is known without a log, and the next step. */
function leadingSections(diagnosis: Diagnosis): Section[] {
  const { main, between } = sortCauses(diagnosis);
  const { verdict } = diagnosis;
  const nextStep: Section[] = verdict.decidedBy === null ? [] : [{ kind: 'next-step', sentence: verdict.decidedBy }];
  if (main !== null) {
    const sentence = leadingEvent(diagnosis)?.summary ?? main.summary ?? verdict.summary;
    return [
      { kind: 'cause', cause: main, sentence, errors: explainedWords(diagnosis) },
      { kind: 'fix', cause: main },
    ];
  }
  if (verdictKind(diagnosis) === 'undecided')
    return [...nonEmpty(between, (causes) => ({ kind: 'between', causes })), ...nextStep];
  return [{ kind: 'known', sentences: knownSentences(diagnosis) }, ...nextStep];
}

const nonEmpty = <T>(items: readonly T[], section: (items: T[]) => Section): Section[] =>
  items.length === 0 ? [] : [section([...items])];

/** The event whose errors lead the verdict. */
const leadingEvent = ({ events, parts }: Diagnosis): EventResult | null => events[parts[0]?.event ?? -1] ?? null;

/** "112 of 123 errors"; null if one cause explains all of them. */
function explainedWords({ parts, triage }: Diagnosis): string | null {
  const [first] = parts;
  if (first === undefined || triage.errors === null) return null;
  const errors = parts.filter((part) => isSameCause(part, first)).reduce((sum, part) => sum + part.errors, 0);
  return errors >= triage.errors ? null : `${outOf(errors, triage.errors)} errors`;
}

/** One cause may have several parts, by status and target group. */
const isSameCause = (a: Part, b: Part): boolean => a.causes.length === 1 && a.causes.join() === b.causes.join();

/** If nothing was read: the faults in health, metrics and configuration. If nothing failed: that fact. */
function knownSentences(diagnosis: Diagnosis): string[] {
  const { verdict } = diagnosis;
  if (verdictKind(diagnosis) === 'none') return [verdict.summary];
  const faults = faultSentences(diagnosis);
  return faults.length === 0 ? [verdict.summary] : faults;
}

const faultSentences = ({ steps }: Diagnosis): string[] =>
  steps
    .flatMap(({ findings }) => findings)
    .filter(({ outcome }) => outcome === 'fail')
    .slice(0, MAX_KNOWN)
    .map(({ summary }) => summary);

/** What is known while the log is read: faults, and CloudWatch's count. Null if there is neither. */
export function interimWords(diagnosis: Diagnosis): string | null {
  const { triage, verdict, completeness } = diagnosis;
  if (triage.requests !== null) return verdict.summary;
  const { errorsInMetrics } = completeness;
  const known = [
    ...faultSentences(diagnosis),
    ...(errorsInMetrics === null ? [] : [`CloudWatch counts ${plural(errorsInMetrics, 'error')}.`]),
  ];
  return known.length === 0 ? null : known.join(' ');
}

/**
 * "47 clients, 6 routes; 112 of 123 succeeded on retry. Since 02:40:05, still failing at the end of the window." in
 * UTC, like the window. Null if no error was read.
 */
function impactSentence(diagnosis: Diagnosis): string | null {
  const { triage, parts } = diagnosis;
  const { errors, clients, routes, retriedOk } = triage;
  if (errors === null || errors === 0) return null;
  const [lead] = parts;
  const isUnread = lead?.standing === 'unread';
  const [first] = routes;
  const where =
    routes.length === 1 && first !== undefined
      ? `${errors === 1 ? 'on' : 'all on'} ${first.route}`
      : `${routes.length >= 10 ? '10 routes or more' : plural(routes.length, 'route')}`;
  const who = clients === null ? [where] : [plural(clients, 'client'), where];
  const retried =
    retriedOk === null || isUnread
      ? ''
      : retriedOk === 0
        ? '; no successful retry'
        : `; ${outOf(retriedOk, errors)} succeeded on retry`;
  const before = lead?.before === undefined ? '' : ` Already so in the hour before (${plural(lead.before, 'error')}).`;
  const facts = `${who.join(', ')}${retried}`;
  const time = timeWords(diagnosis);
  const words =
    madeInFront(diagnosis) === null
      ? [`${facts}.`, time]
      : [`Load balancer's errors: ${facts}${time === '' ? '.' : `; ${inSentence(time)}`}`];
  return `${words.filter((one) => one !== '').join(' ')}${before}`;
}

/** Milliseconds by which a log may end before its window and still cover it. */
const COVERED_MS = 60_000;

/** Since when, and whether it is over: a sentence, empty if there was no error. */
function timeWords({ triage, window, completeness: { newestEntry } }: Diagnosis): string {
  const { firstError, lastError, ongoing, failingAtEnd = null } = triage;
  if (firstError === null || lastError === null) return '';
  const [first, last] = [timeOfDay(firstError), timeOfDay(lastError)];
  if (ongoing === true) return `Since ${first}, still failing.`;
  if (first === last) return `At ${first}.`;
  const end = newestEntry !== null && Date.parse(window.to) - Date.parse(newestEntry) > COVERED_MS ? 'log' : 'window';
  if (ongoing === null && failingAtEnd === true) return `Since ${first}, still failing at the end of the ${end}.`;
  return `${first}–${last}${ongoing === false || failingAtEnd === false ? ', none after that' : ''}.`;
}

const causeTitleIn = ({ causes }: Diagnosis, id: CauseId): string =>
  inSentence(causes.find((cause) => cause.id === id)?.title ?? id);

/** The other parts of at least 5 %, and events that do not lead. */
function otherParts(diagnosis: Diagnosis): OtherPart[] {
  return diagnosis.parts.slice(1).flatMap((part): OtherPart[] => {
    const [lead] = diagnosis.parts;
    if (part.share < NAMED_SHARE || (lead !== undefined && isSameCause(part, lead))) return [];
    const cause = diagnosis.causes.find(({ id }) => part.causes.length === 1 && id === part.causes[0]) ?? null;
    const before = part.before === undefined ? '' : ', as in the hour before';
    return [{ words: `${partWords(diagnosis, part)}${before}`, errors: part.errors, cause }];
  });
}

/** "worker timeout in the target"; "undecided between malformed response and …"; "not in the log yet". */
function partWords(diagnosis: Diagnosis, { causes, standing }: Part): string {
  const titles = causes.map((id) => causeTitleIn(diagnosis, id));
  if (standing === 'unread') return 'counted by CloudWatch, not in the log';
  if (titles.length === 0) return 'no known cause';
  if (standing === 'undecided')
    return titles.length === 1 ? `possibly ${titles[0]}` : `undecided between ${titles.join(', ')}`;
  return titles.join(', ');
}

/** Failures outside the question: "targets themselves returned 10 × 500, most on GET /orders/:id". */
function besideSentences({ beside }: Diagnosis): string[] {
  return [
    ...beside.statuses.map(({ status, madeBy, requests, routes }) => {
      const where = routes[0] === undefined ? '' : `, most on ${routes[0].route}`;
      return madeBy === 'target'
        ? `targets themselves returned ${number(requests)} × ${status}${where}`
        : `${number(requests)} × ${status}${where}`;
    }),
    ...beside.badRequestGroups.map(
      ({ targetGroup, requests, routes: [first] = [] }) =>
        `${targetGroup} answers every request with 400 (${number(requests)}${first === undefined ? '' : `, most on ${first.route}`})`,
    ),
  ];
}

/**
 * Faults that neither the verdict nor the errors' pattern covers. If nothing was read, the faults are the verdict
 * itself.
 */
function besideFaults(diagnosis: Diagnosis): CheckFinding[] {
  const kind = verdictKind(diagnosis);
  if (kind === 'unread') return [];
  const named = diagnosis.causes
    .filter(({ standing }) => standing === 'confirmed' || standing === 'likely')
    .map(({ id }) => id);
  return diagnosis.steps
    .flatMap(({ findings }) => findings)
    .filter((finding) => {
      // It leads.
      if (isInFront(finding)) return false;
      const { outcome, check } = finding;
      const { symptom, namedBy = [] } = checkOf(check) ?? {};
      return outcome === 'fail' && !(symptom && kind === 'found') && !namedBy.some((id) => named.includes(id));
    });
}

/** "Out of memory (connection refused by the target): confirmed, explains all 18 errors". */
export function leadTitle(diagnosis: Diagnosis, cause: CauseResult): string {
  const own = madeInFront(diagnosis) === null ? '' : ' of the load balancer';
  return `${causeTitle({ ...cause, title: leadName(diagnosis, cause) }, diagnosis.triage.errors)}${own}`;
}

/** "Out of memory (connection refused by the target)": the reason of the event, if one is known, and what it led to. */
export function leadName(diagnosis: Diagnosis, cause: CauseResult): string {
  const reason = cause.id === diagnosis.verdict.cause ? leadingEvent(diagnosis)?.reason : undefined;
  return reason === undefined ? cause.title : `${REASON_TITLE[reason.kind]} (${inSentence(cause.title)})`;
}

/** What a reader does first. */
export interface FirstAnswer {
  label: 'Fix' | 'Next';
  sentence: string;
}

/** What to do, a sentence or two each; empty if nothing is to be done. */
export function firstAnswers(diagnosis: Diagnosis): FirstAnswer[] {
  const { verdict, traces } = diagnosis;
  const { main } = sortCauses(diagnosis);
  const inFront = madeInFront(diagnosis)?.fix ?? '';
  const own = main?.fix.summary ?? '';
  const fixes = [
    inFront === '' ? '' : `In CloudFront: ${inSentence(inFront)}`,
    inFront === '' || own === '' ? own : `Behind the load balancer: ${inSentence(own)}`,
  ].filter((fix) => fix !== '');
  const next = main !== null ? null : traces === null ? verdict.decidedBy : traceSearchWords(traces);
  return [
    ...fixes.map((fix) => ({ label: 'Fix' as const, sentence: fitSentences(fix) })),
    ...(next === null ? [] : [{ label: 'Next' as const, sentence: fitSentences(next) }]),
  ];
}

/** "Search the application's log for Root=1-… and 2 more; each result rules some of the causes out." */
const traceSearchWords = ({ ids }: NonNullable<Diagnosis['traces']>): string =>
  `Search the application's log for ${ids[0]}${ids.length > 1 ? ` and ${number(ids.length - 1)} more` : ''}; each result rules some of the causes out.`;

/** ", but 13 × 460": failures of another status. */
const besideWords = ({ beside: { statuses } }: Diagnosis): string =>
  statuses.length === 0
    ? ''
    : `, but ${list(
        statuses.map(({ status, requests }) => `${number(requests)} × ${status}`),
        2,
      )}`;

/** "502, 503 or 504": the errors that were asked about. */
export const eitherStatus = ({ asked }: Diagnosis): string =>
  statusWords(asked.statuses).replace(/, (?=[^,]*$)/, ' or ');

/** "shop-prod: keep-alive race (likely) · 123 × 502, 1.4 % of requests · 2026-11-18 02:40:00–02:55:00 UTC · final". */
export function headline(diagnosis: Diagnosis): string {
  const { loadBalancer, asked, window } = diagnosis;
  const amount = amountWords(diagnosis);
  const isNone = amount === null && verdictKind(diagnosis) === 'none';
  return [
    `${loadBalancer.name}: ${verdictWords(diagnosis)}`,
    ...(isNone ? [] : [amount ?? statusWords(asked.statuses)]),
    windowSpan(window.from, window.to),
    answerState(diagnosis),
  ].join(' · ');
}

/** "keep-alive race (likely)"; what CloudFront generated stands before it. */
export function verdictWords(diagnosis: Diagnosis): string {
  const inFront = madeInFront(diagnosis)?.brief;
  return [...(inFront === undefined ? [] : [inFront]), ownVerdictWords(diagnosis)].join('; ');
}

/** "keep-alive race (likely)", "undecided", "no 502, 503 or 504", "access log for this window has not arrived yet". */
function ownVerdictWords(diagnosis: Diagnosis): string {
  const { verdict, triage } = diagnosis;
  const event = leadingEvent(diagnosis);
  switch (verdictKind(diagnosis)) {
    case 'found':
      if (verdict.cause === null) return '';
      return foundWords(causeTitleIn(diagnosis, verdict.cause), event, verdict.standing);
    case 'none':
      return `no ${eitherStatus(diagnosis)}${besideWords(diagnosis)}`;
    case 'unread':
      if (triage.requests === null) return diagnosis.provisional ? 'access log not read yet' : 'access log not read';
      if (diagnosis.provisional)
        return triage.requests > 0
          ? 'most errors are not in the access log yet'
          : 'access log for this window has not arrived yet';
      return (diagnosis.completeness.errorsInMetrics ?? 0) > 0
        ? 'errors not in the access log'
        : 'no access-log entries';
    case 'undecided':
      return 'undecided';
  }
}

/** "out of memory (connection refused by the target, confirmed)"; what broke leads, so a call in AWS comes second. */
function foundWords(cause: string, event: EventResult | null, standing: string): string {
  if (event === null) return `${cause} (${standing})`;
  const { kind, calls } = event;
  return kind === 'change'
    ? `${cause} (${calls[0]?.name ?? 'change in AWS'}, ${standing})`
    : `${eventTitle(event)} (${cause}, ${standing})`;
}

/** "out of memory", "10.0.11.40:8080 down", "3 targets down", "rollout". */
function eventTitle({ kind, reason, targets }: EventResult): string {
  if (reason !== undefined) return inSentence(REASON_TITLE[reason.kind]);
  if (kind !== 'target-lost') return kind;
  return `${targets.length === 1 ? targets[0] : plural(targets.length, 'target')} down`;
}

/** "123 × 502"; if the log has none, CloudWatch's count; null if neither has any. */
export function errorCountWords({ triage, completeness }: Diagnosis): string | null {
  const statuses = Object.entries(triage.byStatus).sort(([, a], [, b]) => b - a);
  if (statuses.length > 3) return plural(triage.errors ?? 0, 'error');
  if (statuses.length > 0) return statuses.map(([status, count]) => `${number(count)} × ${status}`).join(', ');
  const { errorsInMetrics } = completeness;
  return errorsInMetrics !== null && errorsInMetrics > 0 ? `${plural(errorsInMetrics, 'error')} in CloudWatch` : null;
}

/** "123 × 502, 1.4 % of requests". */
export function amountWords(diagnosis: Diagnosis): string | null {
  const { errorRate } = diagnosis.triage;
  const count = errorCountWords(diagnosis);
  return count === null || errorRate === null || errorRate === 0
    ? count
    : `${count}, ${percent(errorRate)} of requests${madeInFront(diagnosis) === null ? '' : ' to the load balancer'}`;
}
