/**
 * Parses a question as typed: `why is shop-prod failing since 02:40 CET?`. Returns a ParsedQuestion; `resolveWindow`
 * adds the time. An invalid question throws a Problem whose message is the sentence to show.
 *
 * Not chrono-node: it finds dates inside names ("mon-prod" is a Monday), reads 23:50-00:10 as tonight, accepts no IANA
 * zones, ignores unknown words, and is 9 MB. This parser understands every word or refuses the question.
 */

import { parseStatus } from '../evidence/statuses.ts';
import { Problem } from '../problem.ts';
import { twoExamples } from './examples.ts';
import { isLoadBalancerName, loadBalancerIn, otherKindIn } from './load-balancer-word.ts';
import { parseWindow, type TypedWindow } from './parse-window.ts';
import { type QuestionWord, readDuration, readWords } from './question-words.ts';
import { quoteInput } from './quote-input.ts';
import { rewritePhrases } from './rewrite-phrases.ts';
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
  `a about again alive all an analyse analyze and any anything are around asap at aws bad balancer been being broke broken by can cause
  caused causes causing check checking complain complained complaining could currently daily day days debug diagnose did do does doing down
  during early elevated error errors explain fail failed failing fails fine flapping for from get gets getting give giving go going got had
  happen happened happening happens has have having healthy hello help hey hi high hit hitting how i im in increase increased
  intermittent into investigate is it just keep keeps kept late load load-balancer look looking lots many me moment my need now of off
  ok okay on or our out outage over paged please pls possible quick quickly rca reason reported reporting return
  returned returning returns right root saw see seeing seen serve served serves serving show so some spike spiked spikes spiking starting
  still suddenly tell thank thanks that the their them there these they this throw throwing throws timing to today's too understand up
  urgent us was we went were what whats what's when where which who why window with within working would wrong yesterday's you your`.split(
    /\s+/,
  ),
);

/** Words that count as the name only if no other word does. */
const WEAK =
  /^(?:[an]?lb|elb|services?|time-?outs?|customers?|users?|clients?|incidents?|issues?|problems?|trouble|requests?|responses?|failures?|traffic|reports?|pages?|pager|https?|people)$/i;

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
  const all = readWords(words);
  for (const [index, word] of all.entries()) {
    if (isPrepositionOfName(word, all[index + 1], names)) continue;
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
  const isNamed = name !== null && (ids.length > 0 || names.has(name.toLowerCase()));
  // Only an existing load balancer is an example that works, where the existing ones are known.
  const example = name !== null && (isNamed || (known.length === 0 && isLoadBalancerName(name))) ? name : fallback;
  if (rest !== undefined && name !== null && isNamed && names.has(rest.toLowerCase())) throw severalNames(name, rest);
  if (rest !== undefined) throw notUnderstood(phraseWith(rest, all, others), example);
  if (name !== null && !isNamed && !isLoadBalancerName(name)) throw notUnderstood(name, fallback);
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

/** The whole phrase that was not understood: "last 2 fortnights", not only its first unknown word. */
function phraseWith(word: string, all: readonly QuestionWord[], unknown: readonly string[]): string {
  const at = all.findIndex(({ text }) => text === word);
  const after = all.findIndex(({ text }, index) => index > at && !unknown.includes(text));
  const start = all[at - 1]?.kind === 'last' ? at - 1 : at;
  return all
    .slice(start, after < 0 ? all.length : after)
    .map(({ text }) => text)
    .join(' ');
}

/** "502s from shop-prod yesterday" starts no window; "from 02:40" does. */
function isPrepositionOfName(word: QuestionWord, next: QuestionWord | undefined, names: ReadonlyMap<string, string>) {
  if (word.kind !== 'from' && word.kind !== 'to') return false;
  if (next === undefined || names.has(next.text.toLowerCase())) return next !== undefined;
  return next.kind === 'other' && isLoadBalancerName(next.text) && !FILLERS.has(next.text.toLowerCase());
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

/** Splits text into words, without surrounding markup and punctuation. */
function wordsOf(text: string): string[] {
  return rewritePhrases(text.replace(DASHES, '-'))
    .split(/[\s,|&]+/)
    .flatMap((word) => (/^@[0-9]/.test(word) ? ['at', word.slice(1)] : [word]))
    .map((word) =>
      word
        .replace(/^["'`“”‘’(<[*_~#@]+|["'`“”‘’)>\]?!.;:*_~]+$/g, '')
        // "--since 1h", as on a command line.
        .replace(/^-+(?=[a-z])/i, '')
        .replace(/['’]s$/i, ''),
    )
    .filter((word) => word !== '');
}

function severalNames(name: string, other: string): Problem {
  return new Problem(`One question is about one load balancer. Try: ${name} last 15m, or ${other} last 15m.`, 1);
}

function notUnderstood(word: string, name: string): Problem {
  const kind = otherKindIn(word);
  if (kind !== null)
    return new Problem(
      `${quoteInput(word)} is a ${kind} Load Balancer; alb502 diagnoses Application Load Balancers. ${twoExamples(name)}`,
      1,
    );
  return new Problem(`Didn't understand ${quoteInput(word)}. ${twoExamples(name)}`, 1);
}
