/** The verdict in a few words, for titles: "keep-alive race (likely) · 123 × 502, 1.4 % of requests". */
import type { CauseId } from '../diagnose/causes/index.ts';
import { checkOf } from '../diagnose/checks/index.ts';
import type { CauseResult, CheckFinding, Diagnosis, EventResult } from '../diagnose/diagnosis.ts';
import { inSentence, list, number, percent, plural } from '../format/wording.ts';
import { answerState, causeTitle, fitSentences, REASON_TITLE, statusWords, windowSpan } from './phrases.ts';

/**
 * The kind of result. `found`: a cause. `undecided`: between several. `unread`: no log entry to judge by, which is not
 * "no errors". `none`: nothing failed.
 */
type VerdictKind = 'found' | 'undecided' | 'unread' | 'none';

export function verdictKind({ verdict, triage, parts }: Diagnosis): VerdictKind {
  if (verdict.cause !== null) return 'found';
  if (verdict.standing === 'none') return 'none';
  return (triage.errors ?? 0) === 0 || parts[0]?.standing === 'unread' ? 'unread' : 'undecided';
}

/** Characters of a fix beside a fault. */
const MAX_FIX = 120;

export const isInFront = ({ check }: CheckFinding): boolean => checkOf(check)?.isInFront === true;

/** The finding that another hop, such as CloudFront, made many of the errors users got; null if none did. */
export const madeInFront = ({ steps }: Diagnosis): CheckFinding | null =>
  steps.flatMap(({ findings }) => findings).find((finding) => isInFront(finding) && finding.outcome === 'fail') ?? null;

/** "Answer 403 …": the fix in front of the load balancer, or else what was found there. */
export const inFrontWords = ({ summary, fix }: CheckFinding): string =>
  fix === null ? fitSentences(summary) : fitSentences(fix, MAX_FIX);

/** The event whose errors lead the verdict. */
export const leadingEvent = ({ events, parts }: Diagnosis): EventResult | null => events[parts[0]?.event ?? -1] ?? null;

export const causeTitleIn = ({ causes }: Diagnosis, id: CauseId): string =>
  inSentence(causes.find((cause) => cause.id === id)?.title ?? id);

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

/** "out of memory (connection refused while in service, confirmed)"; what broke leads, so a call in AWS comes second. */
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

/** "502, 503 or 504": the errors that were asked about. */
export const eitherStatus = ({ asked }: Diagnosis): string =>
  statusWords(asked.statuses).replace(/, (?=[^,]*$)/, ' or ');

/** ", but 13 × 460": failures of another status. */
const besideWords = ({ beside: { statuses } }: Diagnosis): string =>
  statuses.length === 0
    ? ''
    : `, but ${list(
        statuses.map(({ status, requests }) => `${number(requests)} × ${status}`),
        2,
      )}`;

/** "Out of memory (connection refused while in service): confirmed, explains all 18 errors". */
export function leadTitle(diagnosis: Diagnosis, cause: CauseResult): string {
  const own = madeInFront(diagnosis) === null ? '' : ' of the load balancer';
  return `${causeTitle({ ...cause, title: leadName(diagnosis, cause) }, diagnosis.triage.errors)}${own}`;
}

/** "Out of memory (connection refused while in service)": the reason of the event, if one is known, and what it led to. */
export function leadName(diagnosis: Diagnosis, cause: CauseResult): string {
  const reason = cause.id === diagnosis.verdict.cause ? leadingEvent(diagnosis)?.reason : undefined;
  return reason === undefined ? cause.title : `${REASON_TITLE[reason.kind]} (${inSentence(cause.title)})`;
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

/** "shop-prod: keep-alive race (likely) · 123 × 502, 1.4 % of requests · 2026-11-18 02:40:00–02:55:00 UTC · final". */
export function titleLine(diagnosis: Diagnosis): string {
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
