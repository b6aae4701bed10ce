/**
 * Parses a question as typed: `why is shop-prod failing since 02:40 CET?`. Returns a ParsedQuestion; `resolveWindow`
 * adds the time. An invalid question throws a Problem whose message is the sentence to show.
 *
 * Not chrono-node: it finds dates inside names ("mon-prod" is a Monday), reads 23:50-00:10 as tonight, accepts no IANA
 * zones, ignores unknown words, and is 9 MB. This parser understands every word or refuses the question.
 */

import { parseStatus } from '../evidence/statuses.ts';
import { Problem } from '../problem.ts';
import { isLoadBalancerName, isOtherKind, loadBalancerIn } from './load-balancer-word.ts';
import { parseWindow, type TypedWindow } from './parse-window.ts';
import { type QuestionWord, readDuration, readWords } from './question-words.ts';
import { quoteInput } from './quote-input.ts';
import { LONGEST_WINDOW } from './window.ts';

export interface ParsedQuestion {
  /** Name, ARN, "app/name/id" or DNS name; null when the incident decides. */
  loadBalancer: string | null;
  /** Null when the question names none. */
  window: TypedWindow | null;
  /** Intl name; null when the question names none. */
  zone: string | null;
  /** Exact statuses and classes, each once, in the order typed; null when the question names none. */
  statuses: string[] | null;
}

/** Words without meaning for the question. */
const FILLERS = new Set(
  `a about again alive an and any anything are around at balancer broken can check could currently days debug diagnose did do does doing
  down error errors explain failing fails fine for get gets getting give giving got had happened happening has have having healthy hello
  hey hi how i in into investigate is it load look many me my of ok okay on our out please pls returned returning returns see seeing seen
  show so starting still tell thank thanks that the there these this throwing to up us was we were what whats what's when which why window
  with working would wrong you`.split(/\s+/),
);

/** Words that count as the name only if no other word does. */
const WEAK = /^[an]?lb$/i;

/** Parses "24h" to seconds; null for other words and for more than 7 days. */
export function parseDuration(text: string): number | null {
  const duration = readDuration(text);
  return duration !== null && duration > 0 && duration <= LONGEST_WINDOW ? duration / 1000 : null;
}

/**
 * Parses a question. `known`: names of existing load balancers; a word that equals one is always the name, and the
 * first serves as an example. Throws Problem (exit 1) with the word that was not understood and two questions that
 * work.
 */
export function parseQuestion(text: string, known: readonly string[] = []): ParsedQuestion {
  const names = new Map(known.map((name) => [name.toLowerCase(), name]));
  const ids: string[] = [];
  const windowWords: QuestionWord[] = [];
  const statuses: string[] = [];
  const others: string[] = [];
  const words = wordsOf(text);
  for (const word of readWords(words)) {
    const id = loadBalancerIn(word.text);
    const isFirstUnit = word.kind === 'unit' && windowWords.at(-1)?.kind !== 'last';
    // "502s" are errors, "last 502s" is a duration.
    const counted = word.kind === 'duration' && windowWords.at(-1)?.kind !== 'last' ? parseStatus(word.text) : null;
    const isFirstZone = word.kind === 'zone' && windowWords.length === 0;
    if (id !== null) ids.push(id);
    else if (counted !== null) statuses.push(counted);
    else if (names.has(word.text.toLowerCase())) others.push(word.text);
    else if (word.kind !== 'other' && !isFirstUnit && !isFirstZone) windowWords.push(word);
    else {
      const status = parseStatus(word.text);
      if (status !== null) statuses.push(status);
      else if (!FILLERS.has(word.text.toLowerCase())) others.push(word.text);
    }
  }
  const { name, rest } = chooseName(ids, others, names);
  const fallback = known[0] ?? 'my-alb';
  const example = name ?? fallback;
  if (rest !== undefined) throw notUnderstood(rest, example);
  if (name !== null && ids.length === 0 && !isLoadBalancerName(name) && !names.has(name.toLowerCase()))
    throw notUnderstood(name, fallback);
  const reading = parseWindow(windowWords);
  if ('misread' in reading) {
    const { misread } = reading;
    const next = words.at(words.indexOf(misread) + 1);
    // In "last fortnight", the second word is the one not understood.
    const phrase = next !== undefined && readWords([next])[0]?.kind === 'other' ? `${misread} ${next}` : misread;
    throw notUnderstood(phrase, next === name ? fallback : example);
  }
  return { loadBalancer: name, ...reading, statuses: statuses.length > 0 ? [...new Set(statuses)] : null };
}

/** Chooses the load balancer: an ARN, id or DNS name first, then a known name, then the first unexplained word. */
function chooseName(
  ids: readonly string[],
  others: readonly string[],
  names: ReadonlyMap<string, string>,
): { name: string | null; rest: string | undefined } {
  const [id, otherId] = new Set(ids);
  if (id !== undefined) return { name: id, rest: otherId ?? others[0] };
  const isKnown = (word: string) => names.has(word.toLowerCase());
  const chosen = others.find(isKnown) ?? others.find((word) => !WEAK.test(word)) ?? others[0];
  if (chosen === undefined) return { name: null, rest: undefined };
  return {
    name: names.get(chosen.toLowerCase()) ?? chosen,
    rest: others.find((word) => word !== chosen && !WEAK.test(word)),
  };
}

const DASHES = /[\u2010-\u2015\u2212]/g;
/** The slash of an ISO 8601 interval, as dashboards show it. */
const INTERVAL = /(\d{4}-\d\d-\d\dT[0-9:.]+Z?)\/(?=\d{4}-\d\d-\d\dT)/g;

/** Splits text into words, without surrounding quotation marks and punctuation. */
function wordsOf(text: string): string[] {
  return text
    .replace(DASHES, '-')
    .replace(INTERVAL, '$1 to ')
    .split(/[\s,]+/)
    .map((word) => word.replace(/^["'`“”‘’(<[]+|["'`“”‘’)>\]?!.;:]+$/g, '').replace(/['’]s$/i, ''))
    .filter((word) => word !== '');
}

function notUnderstood(word: string, name: string): Problem {
  if (isOtherKind(word))
    return new Problem(
      `${quoteInput(word)} is a Network or Gateway Load Balancer; alb502 explains Application Load Balancers.`,
      1,
    );
  return new Problem(
    `Didn't understand ${quoteInput(word)}. Try: ${name} last 15m, or ${name} from 02:40 to 02:55.`,
    1,
  );
}
