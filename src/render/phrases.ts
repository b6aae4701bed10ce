/** Units, times and sentences shared by every renderer. Pure; times are UTC. */
import type { CauseId } from '../diagnose/causes/index.ts';
import { causeOf, causesOf } from '../diagnose/causes/index.ts';
import type {
  CauseResult,
  CheckFinding,
  ChecklistStep,
  CheckOutcome,
  Diagnosis,
  EventResult,
  Fact,
  Fix,
  Standing,
} from '../diagnose/diagnosis.ts';
import type { EventKind } from '../diagnose/events/event.ts';
import { atEdgeText } from '../diagnose/patterns/keep-alive.ts';
import type { SignatureId } from '../diagnose/signature.ts';
import { groupBy } from '../diagnose/traffic.ts';
import { GATEWAY } from '../evidence/statuses.ts';
import { formatBytes } from '../format/amounts.ts';
import { grouped, inSentence, number, percent, plural } from '../format/wording.ts';

/** 0.004 → "4 ms", 11.083 → "11.083 s", 60 → "60 s": all digits, no trailing zeros. */
export const formatSeconds = (value: number): string =>
  value !== 0 && Math.abs(value) < 1 ? `${formatExact(value * 1000)} ms` : `${formatExact(value)} s`;

/** "6 s is the default of Node.js 20 and later."; null unless a measured timeout belongs to the cause. */
export function runtimeSentence({ id }: CauseResult, { keepAlive }: Diagnosis): string | null {
  const { measuredSeconds: seconds = null, runtimes = [] } = keepAlive ?? {};
  return seconds === null || runtimes.length === 0 || !causeOf(id)?.showsKeepAlive
    ? null
    : `${number(seconds)} s is the default of ${runtimes.join(', ')}.`;
}

/** At most three decimals: 0.5 → "0.5", 71204 → "71,204". */
const formatExact = (value: number): string => grouped(Math.round(value * 1000) / 1000);

/** "2026-11-19T02:40:00.000Z" → "02:40:00"; returns text that is not a time unchanged. */
export const timeOfDay = (iso: string): string => /T(\d\d:\d\d:\d\d)/.exec(iso)?.[1] ?? iso;

/** "2026-11-19T02:40:00.000Z" → "2026-11-19". */
export const dateOf = (iso: string): string => /^[^T]*/.exec(iso)?.[0] ?? iso;

/** The time of day, preceded by its date if that differs from the date already shown. */
export const momentOf = (iso: string, namedDay: string): string =>
  dateOf(iso) === dateOf(namedDay) ? timeOfDay(iso) : `${dateOf(iso)} ${timeOfDay(iso)}`;

/** "2026-11-19 02:40:00–02:55:00 UTC". */
export const windowSpan = (from: string, to: string): string =>
  `${dateOf(from)} ${timeOfDay(from)}–${momentOf(to, from)} UTC`;

/** The requested errors: "502, 5xx by the load balancer"; the default question in numbers. */
export const statusWords = (statuses: readonly string[]): string =>
  statuses
    .map((word) => (word === GATEWAY ? '502, 503, 504' : word))
    .map((word) => word.replace(/^elb-(.*)/, '$1 by the load balancer').replace(/^target-(.*)/, '$1 by targets'))
    .join(', ');

/** Nothing of the step could be answered. */
export const isStepUnknown = ({ outcome, findings }: ChecklistStep): boolean =>
  outcome === 'unknown' && !findings.some((one) => one.outcome === 'pass' || one.outcome === 'fail');

/** `partial` if the access log or a whole step could not be checked. */
export function evidenceState(diagnosis: Diagnosis): 'provisional' | 'final' | 'partial' {
  if (diagnosis.provisional) return 'provisional';
  return diagnosis.triage.requests === null || diagnosis.steps.some(isStepUnknown) ? 'partial' : 'final';
}

/** "final", "provisional", "partial (8 inputs missing or incomplete)". */
export function answerState(diagnosis: Diagnosis): string {
  const state = evidenceState(diagnosis);
  const gaps = diagnosis.gapDetails.length;
  return state === 'partial' && gaps > 0 ? `partial (${plural(gaps, 'input')} missing or incomplete)` : state;
}

/** Why targets went, as a title. */
export const REASON_TITLE: Record<NonNullable<EventResult['reason']>['kind'], string> = {
  'out-of-memory': 'Out of memory',
  'failed-health-checks': 'Failed health checks',
  spot: 'Spot interruption',
  stopped: 'Task stopped with StopTask',
  'host-gone': 'EC2 instance gone',
  exited: 'Container exited',
  deployment: 'Deployment',
  'scale-in': 'Scale-in',
  unhealthy: 'Failed health checks',
};

/** Characters of a text that leads; longer ones end after the last sentence that fits. */
const MAX_SENTENCES = 200;

/** Whole sentences up to `most` characters; always at least the first. */
export function fitSentences(text: string, most = MAX_SENTENCES): string {
  const sentences = text.split(/(?<=[.!?])\s+(?=[A-Z0-9])/);
  let fitted = sentences[0] ?? '';
  for (const sentence of sentences.slice(1)) {
    if (fitted.length + 1 + sentence.length > most) break;
    fitted = `${fitted} ${sentence}`;
  }
  return fitted;
}

export const OUTCOME_MARK: Record<CheckOutcome, string> = { pass: '✓', fail: '✗', unknown: '?', 'not-applicable': '–' };

/** The marks in words. */
export const OUTCOME_WORD: Record<CheckOutcome, string> = {
  pass: 'no fault here',
  fail: 'fault or suspect',
  unknown: 'could not check',
  'not-applicable': 'nothing to check',
};

/** What the load balancer observed, in words. */
export const SIGNATURE_MEANING: Record<SignatureId, string> = {
  'client-closed': 'the client closed the connection first',
  'target-response': 'the target itself sent the error status',
  'lambda-failure': 'the Lambda function failed',
  'authentication-failure': 'authentication failed at the load balancer',
  'waf-failure': 'AWS WAF failed',
  'fixed-response': 'a listener rule sent the error status',
  'no-target': 'the target group had no target',
  'connect-failed': 'no connection: refused, reset or a failed handshake',
  'connect-timeout': 'no connection within 10 s',
  'idle-timeout': 'request sent; no response within the idle timeout',
  'no-response-aborted': 'request sent; the load balancer gave up before a response',
  'closed-before-response': 'request sent; the target closed the connection or sent an invalid response header',
  inconsistent: 'a pattern outside the known ones; step 1 says which',
  other: 'another status or code',
};

/** What a search for trace IDs in the application's log may give. */
export const TRACE_ANSWERS: readonly { label: string; answer: 'absent' | 'started' | 'finished' }[] = [
  { label: 'Not there', answer: 'absent' },
  { label: 'Started, not finished', answer: 'started' },
  { label: 'Finished', answer: 'finished' },
];

/** Introduces the settings that log trace IDs. */
export const ADD_TRACES = 'If your log has no trace IDs, add them to find the next error';

/** Label of the list of missing or incomplete inputs. */
export const GAPS = 'Gaps';

/** Several settings are alternatives: one for each server or platform. */
export const settingsIntroduction = ({ settings = [] }: Fix): string[] =>
  settings.length > 1 ? ['Use the line that fits your platform:'] : [];

/** "146 of 149 errors", "all 149 errors"; the share if the number of errors is unknown. */
export function explainedErrors(share: number, errors: number | null): string {
  if (errors === null) return `${percent(share)} of the errors`;
  const explained = number(share * errors);
  if (explained !== number(errors)) return `${explained} of ${plural(errors, 'error')}`;
  return explained === '1' ? 'the error' : `all ${explained} errors`;
}

const STANDING_VERB: Record<Standing, string> = {
  confirmed: 'explains',
  likely: 'explains',
  possible: 'could explain',
  'ruled-out': 'explains',
  untested: 'explains',
};

/** "explains 146 of 149 errors". */
export const explainingWords = ({ standing, explains }: CauseResult, errors: number | null): string =>
  `${STANDING_VERB[standing]} ${explainedErrors(explains, errors)}`;

/** "Keep-alive race: likely, explains 146 of 149 errors". */
export const causeTitle = (cause: CauseResult, errors: number | null): string =>
  `${cause.title}: ${cause.standing}, ${explainingWords(cause, errors)}`;

/** The causes by their use to the reader, each list in the diagnosis's order. */
interface SortedCauses {
  /** The verdict's cause, or null. */
  main: CauseResult | null;
  /** The candidates of an undecided verdict. */
  between: CauseResult[];
  /** Other confirmed, likely and possible causes. */
  others: CauseResult[];
  /** Ruled out: first those that the errors' signatures admit, then the rest. */
  lookAlikes: CauseResult[];
  alsoRuledOut: CauseResult[];
  /** Not judged because evidence is missing; not judged because no error has their signature. */
  unjudged: CauseResult[];
  unmatched: CauseResult[];
}

/** Puts every cause into exactly one of the lists. */
export const sortCauses = ({ causes, verdict, signatures }: Diagnosis): SortedCauses => {
  const admitted = new Set<CauseId>(signatures.flatMap(({ id }) => causesOf(id)));
  const main = causes.find((cause) => cause.id === verdict.cause) ?? null;
  const open: readonly CauseId[] = verdict.between;
  const between = causes.filter((cause) => cause !== main && open.includes(cause.id));
  const rest = causes.filter((cause) => cause !== main && !between.includes(cause));
  const ruledOut = rest.filter((cause) => cause.standing === 'ruled-out');
  const untested = rest.filter((cause) => cause.standing === 'untested');
  return {
    main,
    between,
    others: rest.filter((cause) => cause.standing !== 'ruled-out' && cause.standing !== 'untested'),
    lookAlikes: ruledOut.filter((cause) => admitted.has(cause.id)),
    alsoRuledOut: ruledOut.filter((cause) => !admitted.has(cause.id)),
    unjudged: untested.filter((cause) => cause.missing.length > 0),
    unmatched: untested.filter((cause) => cause.missing.length === 0),
  };
};

/** One line per reason, in the order of the causes: "Slow target; slow upload: all 214 requests ended within 5 ms". */
export function ruledOutLines(causes: readonly CauseResult[]): string[] {
  const byReason = groupBy(causes, (cause) => cause.against[0] ?? '');
  return [...byReason].flatMap(([reason, own]) => {
    const titles = own.map(({ title }, index) => (index === 0 ? title : inSentence(title)));
    return reason === '' ? own.map(({ title }) => title) : [`${titles.join('; ')}: ${afterColon(reason)}`];
  });
}

/** Lower-cases the first word of a sentence, unless it may be a name. */
const afterColon = (sentence: string): string =>
  /^(?:All|An?|Each|Neither|No|None|The|Too) /.test(sentence)
    ? sentence.charAt(0).toLowerCase() + sentence.slice(1)
    : sentence;

/** Readers skip longer lists; `--json` has all facts. */
const MAX_FACTS = 24;

/** A fact's value with its unit. */
const factValue = ({ value, unit }: Fact): string => {
  if (typeof value === 'string') return value;
  if (unit === 'seconds') return formatSeconds(value);
  if (unit === 'bytes') return formatBytes(value);
  if (unit === 'percent') return percent(value / 100);
  if (unit === 'requests') return plural(value, 'request');
  return formatExact(value);
};

/**
 * "targets close at: 6 s · errors by chance there: 13": at most `most` facts, with a count of the others. Empty if
 * there are none.
 */
export function factsWords(facts: readonly Fact[], most = MAX_FACTS): string {
  const left = facts.length - most;
  const texts = facts.slice(0, most).map((fact) => `${fact.label}: ${factValue(fact)}`);
  return [...texts, ...(left > 0 ? [`… and ${number(left)} more`] : [])].join(' · ');
}

/** The measured keep-alive timeout, one sentence; null if not measured. */
export const keepAliveSentence = ({ keepAlive }: Diagnosis): string | null => {
  if (keepAlive === null || keepAlive.measuredSeconds === null) return null;
  const idle =
    keepAlive.idleTimeoutSeconds === null
      ? 'the idle timeout of the load balancer is unknown'
      : `the load balancer reuses them for up to ${formatSeconds(keepAlive.idleTimeoutSeconds)}`;
  const edge = `seen in ${atEdgeText(keepAlive.errorsAtEdge, keepAlive.errorsExamined)}`;
  return `${keepAlive.targetGroup} closes idle connections after ${keepAlive.measuredSeconds.toFixed(2)} s (${edge}); ${idle}`;
};

/** Label of what is known without a cause: a result if nothing failed, else the findings so far. */
export const knownLabel = ({ verdict }: Diagnosis): string => (verdict.standing === 'none' ? 'Result' : 'So far');

/** Label of the sentence about an event. */
export const eventLabel = (kind: EventKind): string => (kind === 'change' ? 'Change' : 'What happened');

/** Keeps the first of the checks with the same text, and every fault. */
export const mergeFindings = (findings: readonly CheckFinding[]): CheckFinding[] =>
  findings.filter((finding, index) => {
    const isSame = ({ outcome, summary }: CheckFinding) => outcome === finding.outcome && summary === finding.summary;
    return finding.outcome === 'fail' || findings.findIndex(isSame) === index;
  });
