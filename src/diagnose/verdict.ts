/** The verdict: what the leading part says about the incident, and which other parts it names. */

import { inSentence, list, number, percent, plural } from '../format/wording.ts';
import { type ErrorPart, isDecided } from './attribution.ts';
import { type CauseId, causeOf } from './causes/index.ts';
import type { CauseResult, Diagnosis, Part, Verdict } from './diagnosis.ts';
import type { EventKind } from './events/event.ts';
import type { IncidentEvent } from './events/incident-event.ts';
import { DEATHS, type ReasonKind } from './events/reason.ts';
import { splitGroups } from './patterns/error-concentration.ts';
import { ownerConcentrations, ownerHeadline } from './patterns/owner-concentration.ts';
import { failingRevisionHeadline, failingRevisions } from './patterns/revision-errors.ts';
import { countErrors, namesOf, type SampledError, type Traffic } from './traffic.ts';

/** Minimum share of another part for the verdict to name it. */
const NAMED_SHARE = 0.05;

interface VerdictEvidence {
  traffic: Traffic;
  /** In the diagnosis's order; the first leads. */
  parts: readonly Part[];
  errorParts: readonly ErrorPart[];
  events: readonly IncidentEvent[];
  causes: readonly CauseResult[];
  /** The headline of each cause that has one. */
  summaries: ReadonlyMap<CauseId, string>;
  /** How to look undecided errors up that were closed before a response. */
  traces: Diagnosis['traces'];
  /** Faults found by the checks, and when to ask again, for errors that were not read. */
  visible: string;
}

/** Decides the verdict on errors; there is at least one part. */
export function decideVerdict(evidence: VerdictEvidence): Verdict {
  const [lead, ...others] = evidence.parts;
  if (lead === undefined) throw new RangeError('a verdict on errors needs a part');
  const open = evidence.parts.filter(({ standing }) => standing === 'undecided' || standing === 'unread');
  const openCount = open.reduce((sum, { errors }) => sum + errors, 0);
  const [cause] = lead.causes;
  const isUnsure = openCount > lead.errors;
  const total = evidence.parts.reduce((sum, { errors }) => sum + errors, 0);
  const beside = besideText(others, cause ?? null, evidence);
  const revisions = failingRevisions(evidence.traffic).slice(0, 1).map(failingRevisionHeadline);
  const owner = revisions.length > 0 ? revisions : ownerConcentrations(evidence.traffic).slice(0, 1).map(ownerHeadline);
  const onset = lead.onset === undefined ? [] : (evidence.events[lead.onset]?.summary ?? []);
  const before = lead.before === undefined ? [] : [beforeText(lead.before)];
  const sentences = (first: string, ...more: string[]) =>
    [onset, first, ...more, ...before, ...owner, ...beside].flat().join(' ');
  if ((lead.standing === 'confirmed' || lead.standing === 'likely') && cause !== undefined) {
    const prefix = isUnsure ? `${percent(openCount / total)} undecided; ` : '';
    return {
      cause,
      standing: lead.standing,
      between: [],
      explains: lead.share,
      summary: sentences(`${prefix}${leadText(lead, cause, evidence)}`, ...shareText(lead, cause, evidence, total)),
      decidedBy: open.some(({ share }) => share >= NAMED_SHARE) ? decidingEvidence(open[0], evidence) : null,
    };
  }
  return {
    cause: null,
    standing: 'undecided',
    between: [...lead.causes],
    explains: lead.share,
    summary: sentences(lead.standing === 'unread' ? unreadText(lead, total) : undecidedText(lead, evidence)),
    decidedBy: decidingEvidence(lead, evidence),
  };
}

const titleOf = (id: CauseId, causes: readonly CauseResult[]): string =>
  causes.find((cause) => cause.id === id)?.title ?? id;

const titles = (ids: readonly CauseId[], { causes }: VerdictEvidence): string[] =>
  ids.map((id) => inSentence(titleOf(id, causes)));

const eventOf = ({ event }: Part, { events }: VerdictEvidence): IncidentEvent | null =>
  event === null ? null : (events[event] ?? null);

/** Reasons that lie in the target itself. */
const OF_TARGET: readonly ReasonKind[] = [...DEATHS, 'failed-health-checks', 'unhealthy'];

function leadText(lead: Part, cause: CauseId, evidence: VerdictEvidence): string {
  const event = eventOf(lead, evidence);
  const result = evidence.causes.find(({ id }) => id === cause);
  if (event !== null) {
    // What happened to the target is the cause of what the load balancer saw.
    const isOfTarget = event.reason !== null && OF_TARGET.includes(event.reason.kind);
    return `${event.summary} ${isOfTarget ? 'The access log shows it as ' : 'Cause: '}${inSentence(titleOf(cause, evidence.causes))} (${lead.standing}).`;
  }
  return evidence.summaries.get(cause) ?? `${titleOf(cause, evidence.causes)}: ${result?.for[0] ?? ''}`;
}

/** "about" if rows were sampled, because each row then represents several errors. */
const aboutText = ({ errors, errorCount }: Traffic): string => (errors.length < errorCount ? 'about ' : '');

/** "That explains 112 of 123 errors."; empty if it explains all. Adds up parts of the same cause. */
function shareText(lead: Part, cause: CauseId, { parts, traffic }: VerdictEvidence, total: number): string[] {
  const own = parts
    .filter(
      ({ causes, standing, event }) =>
        causes[0] === cause && causes.length === 1 && standing !== 'undecided' && event === lead.event,
    )
    .reduce((sum, { errors }) => sum + errors, 0);
  return own >= total ? [] : [`That explains ${aboutText(traffic)}${number(own)} of ${plural(total, 'error')}.`];
}

/** The other parts of at least 5 %, each with its errors. */
function besideText(others: readonly Part[], lead: CauseId | null, evidence: VerdictEvidence): string[] {
  const about = aboutText(evidence.traffic);
  const named = others.filter(({ share }) => share >= NAMED_SHARE);
  const decided = named.filter(
    ({ standing, causes, event }) =>
      (standing === 'confirmed' || standing === 'likely') && (causes[0] !== lead || event !== null),
  );
  const texts = decided.map((part) => {
    const event = eventOf(part, evidence);
    const [title = ''] = titles(part.causes, evidence);
    const before = part.before === undefined ? '' : ', as in the hour before';
    return event === null
      ? `${title} (${about}${plural(part.errors, 'error')}${before})`
      : `${event.kind.replace('-', ' ')}, ${title} (${about}${plural(part.errors, 'error')})`;
  });
  const open = named
    .filter(({ standing }) => standing === 'undecided')
    .map((part) => `${about}${plural(part.errors, 'error')}${ofEvent(part, evidence)} ${betweenText(part, evidence)}`);
  const unread = named.filter(({ standing }) => standing === 'unread');
  return [
    ...(texts.length > 0 ? [`Also: ${list(texts)}.`] : []),
    ...(open.length > 0 ? [`Undecided: ${open.join('; ')}.`] : []),
    ...unread.map(
      ({ errors }) =>
        `${plural(errors, 'error')} that CloudWatch counts ${errors === 1 ? 'is' : 'are'} not in the log that was read.`,
    ),
  ];
}

/** "Errors like these ran at the same rate in the hour before the window: 118." */
const beforeText = (errors: number): string =>
  `Errors like these ran at the same rate in the hour before the window: ${number(errors)}.`;

const EVENT_WORDS: Readonly<Record<EventKind, string>> = {
  'target-lost': ' of a lost target',
  crash: ' of a crash',
  rollout: ' of a rollout',
  change: ' after a change',
  burst: ' in a burst',
};

function ofEvent(part: Part, evidence: VerdictEvidence): string {
  const event = eventOf(part, evidence);
  return event === null ? '' : EVENT_WORDS[event.kind];
}

function betweenText({ causes }: Part, evidence: VerdictEvidence): string {
  const names = titles(causes, evidence);
  if (names.length === 0) return 'that no known cause explains';
  return names.length === 1 ? `that may be ${names[0]}` : `between ${list(names, 6)}`;
}

const unreadText = ({ errors }: Part, total: number): string =>
  errors >= total
    ? `CloudWatch counts ${plural(errors, 'error')}, and the log that was read holds none of them.`
    : `CloudWatch counts ${plural(total, 'error')}, and ${number(errors)} of them are not in the log that was read.`;

function undecidedText(lead: Part, evidence: VerdictEvidence): string {
  const event = eventOf(lead, evidence);
  const { traffic, parts, errorParts } = evidence;
  const own = errorParts.find((part) => !isDecided(part) && part.causes.join() === lead.causes.join());
  const routes = new Set(own?.errors.map(({ route }) => route));
  const [route] = routes;
  const isAlone = parts.length === 1;
  const count = isAlone
    ? plural(lead.errors, 'error')
    : `${aboutText(traffic)}${number(lead.errors)} of ${plural(
        parts.reduce((sum, part) => sum + part.errors, 0),
        'error',
      )}`;
  const place = placeText(own?.errors ?? [], traffic);
  const errors = `${count}${routes.size === 1 && lead.errors > 1 ? `, all on ${route}` : ''}${place.of}`;
  const names = titles(lead.causes, evidence);
  if (event !== null) return [event.summary, ...openCausesText(names, event)].join(' ');
  if (names.length === 0) {
    const seen = isAlone ? traffic.bySignature.map(({ id, count: amount }) => `${number(amount)} ${id}`) : [];
    return `${count} that no known cause explains${seen.length > 0 ? `: ${list(seen)}` : ''}.`;
  }
  if (names.length === 1) return `Possibly ${names[0]} (${errors}); the look-alikes could not be ruled out.`;
  return `${place.before}Undecided between ${list(names, 6)} (${errors}).${sharedCure(lead.causes)}`;
}

/** An event with one cause left names it by itself; a burst does not. */
function openCausesText(names: readonly string[], { kind }: IncidentEvent): string[] {
  const [only, ...others] = names;
  if (others.length > 0) return [`Undecided between ${list(names, 6)}.`];
  if (kind !== 'burst') return [];
  return [
    only === undefined ? 'No known cause explains them.' : `Possibly ${only}; the look-alikes could not be ruled out.`,
  ];
}

/** Maximum targets named in a headline. */
const TARGETS_NAMED = 3;

/**
 * Where these errors occurred, if that says something: targets that fail every request next to sound targets, or a few
 * of many targets.
 */
function placeText(errors: readonly SampledError[], traffic: Traffic): { before: string; of: string } {
  const targets = [...new Set(errors.map(({ target }) => target).filter((target) => target !== '-'))].sort();
  const split = splitGroups(traffic).find(({ failing }) => targets.every((target) => failing.includes(target)));
  if (targets.length > 0 && split)
    return {
      before: `${split.failing.length} of ${split.failing.length + split.working.length} targets of ${split.name} fail every request: ${list(namesOf(traffic, split.failing), TARGETS_NAMED)}. `,
      of: '',
    };
  const others = traffic.log.targets.some(({ target }) => target !== '-' && !targets.includes(target));
  const unsent = errors.every((error) => error.request_processing_time < 0);
  const isFew = targets.length > 0 && targets.length <= TARGETS_NAMED && (others || unsent);
  return { before: '', of: isFew ? `, to ${list(namesOf(traffic, targets))}` : '' };
}

/** The single change that would fix each of these causes. */
const sharedCure = (causes: readonly CauseId[]): string =>
  causes.length > 1 && causes.every((id) => causeOf(id)?.curedByIdleTimeout)
    ? ' Either way, a longer idle timeout of the load balancer lets these requests finish.'
    : '';

/** Whether most errors of the part were closed before a response: the log of the application tells such causes apart. */
function isInApplicationLog(part: Part, { errorParts }: VerdictEvidence): boolean {
  const own = errorParts.find((one) => !isDecided(one) && one.causes.join() === part.causes.join());
  const closed = own?.errors.filter(({ signature }) => signature === 'closed-before-response') ?? [];
  return closed.length > 0 && 2 * countErrors(closed) >= (own?.count ?? 0);
}

/** Something a user can run or look at. */
function decidingEvidence(part: Part | undefined, evidence: VerdictEvidence): string {
  const { traffic, causes, traces, visible } = evidence;
  if (part === undefined || part.standing === 'unread') return visible;
  if (traces !== null && isInApplicationLog(part, evidence)) {
    const { ids, meaning } = traces;
    return `The application log for ${ids[0]}${ids.length > 1 ? ' and the other trace IDs' : ''}. Not there: ${meaning.absent}. Started, not finished: ${meaning.started}. Finished: ${meaning.finished}.`;
  }
  // Suggest what can be run before what could not be checked.
  const isRunnable = (id: CauseId): boolean => causeOf(id)?.suggestsTest === true;
  const ordered = [...part.causes].sort((a, b) => Number(isRunnable(b)) - Number(isRunnable(a)));
  const missing = ordered.flatMap((cause) => causes.find((one) => one.id === cause)?.missing ?? []);
  const distinct = [...new Set(missing)].slice(0, 3);
  if (distinct.length > 0) return distinct.join(' ');
  return `The log lines themselves: ${list(traffic.bySignature.map((s) => s.id))} with what the target logged at the same times.`;
}
