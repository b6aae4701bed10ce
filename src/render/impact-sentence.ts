/** Who is affected, and since when. */
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import { inSentence, outOf, plural } from '../format/wording.ts';
import { timeOfDay } from './phrases.ts';
import { madeInFront } from './verdict-words.ts';

/**
 * "47 clients, 6 routes; 112 of 123 succeeded on retry. Since 02:40:05, still failing at the end of the window." in
 * UTC, like the window. Null if no error was read.
 */
export function impactSentence(diagnosis: Diagnosis): string | null {
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
  // In one sentence, so that its times are not taken for those of what CloudFront generated.
  if (madeInFront(diagnosis) !== null)
    return `Load balancer: ${facts}${time === null ? '.' : `; ${inSentence(time)}`}${before}`;
  return `${facts}.${time === null ? '' : ` ${time}`}${before}`;
}

/** Milliseconds by which a log may end before its window and still cover it. */
const COVERED_MS = 60_000;

/** Since when, and whether it is over: a sentence; null if there was no error. */
function timeWords({ triage, window, completeness: { newestEntry } }: Diagnosis): string | null {
  const { firstError, lastError, ongoing, failingAtEnd = null } = triage;
  if (firstError === null || lastError === null) return null;
  const [first, last] = [timeOfDay(firstError), timeOfDay(lastError)];
  if (ongoing === true) return `Since ${first}, still failing.`;
  if (first === last) return `At ${first}.`;
  const end = newestEntry !== null && Date.parse(window.to) - Date.parse(newestEntry) > COVERED_MS ? 'log' : 'window';
  if (ongoing === null && failingAtEnd === true) return `Since ${first}, still failing at the end of the ${end}.`;
  return `Errors ${first}–${last}${ongoing === false || failingAtEnd === false ? ', none later' : ''}.`;
}
