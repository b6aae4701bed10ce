/** Judges security groups and network ACLs alike: the same errors, another part of the configuration. */
import type { Fix } from '../diagnosis.ts';
import type { Question } from '../evidence.ts';
import type { Barrier } from '../network-path/path.ts';
import { weigh } from '../traffic.ts';
import { outOf } from '../wording.ts';
import type { Judgement, Strength } from './cause.ts';
import { barrierView, notDropped, type TimedOut, type TimedOutScene, timedOut, timeoutText } from './timed-out.ts';

const STRENGTHS: Strength[] = ['confirmed', 'likely', 'possible'];

export function judgeBarrier(by: Barrier, known: TimedOutScene, question: Question): Judgement {
  const { sentences, everyOther } = notDropped(known);
  const pairs = timedOut(known, question);
  if (pairs.length === 0) {
    return { claims: [], for: [], against: sentences, missing: [], ruledOut: everyOther && sentences.length > 0 };
  }

  const changesRead = known.changes !== undefined;
  const judged = pairs.map((pair) => ({ pair, view: barrierView(pair, by, changesRead) }));
  const claimed = judged.filter(({ view }) => view.strength !== null);
  const claims = STRENGTHS.map((strength) => ({
    strength,
    errors: claimed.filter(({ view }) => view.strength === strength).flatMap(({ pair }) => pair.errors),
  })).filter(({ errors }) => errors.length > 0);
  const barred = claimed.filter(({ view }) => view.for.length > 0);
  const first = barred[0]?.view.for[0];
  const noChanges = changesRead ? [] : ['Changes (CloudTrail) were not read: the configuration is that of now.'];
  return {
    claims,
    for:
      barred.length > 0
        ? [
            timeoutText(
              barred.map(({ pair }) => pair),
              known,
            ),
            ...few(barred.flatMap(({ view }) => view.for)),
          ]
        : [],
    against: [
      ...allowedText(
        judged.filter(({ view }) => view.strength === null && view.missing.length === 0).map(({ pair }) => pair),
        known,
      ),
      ...few(claimed.flatMap(({ view }) => view.against)),
      ...sentences,
    ],
    missing: [...few(judged.flatMap(({ view }) => view.missing)), ...noChanges],
    ...(first
      ? {
          summary: `${first} ${timeoutText(
            barred.map(({ pair }) => pair),
            known,
          )}`,
        }
      : {}),
    ruledOut: claimed.length === 0 && everyOther && judged.every(({ view }) => view.missing.length === 0),
  };
}

/** "149 of 149 errors timed out where the configuration allows the connection: …" */
function allowedText(pairs: TimedOut[], { traffic }: TimedOutScene): string[] {
  const [first] = pairs;
  if (!first) return [];
  const count = outOf(weigh(pairs.flatMap(({ errors }) => errors)), traffic.total);
  return first.path.answer === 'allowed'
    ? [`${count} errors timed out though the path is open. ${first.path.sentence}`]
    : [`${count} errors timed out for another reason: this part of the path is open.`];
}

/** What would allow the blocked paths, for the pairs that timed out. */
export function fixBarrier(by: Barrier, known: TimedOutScene, question: Question, otherwise: Fix): Fix {
  const blocks = timedOut(known, question).flatMap(({ path }) => (path.answer === 'blocked' ? path.blocks : []));
  const own = blocks.filter((block) => block.by === by);
  const [block] = own;
  if (!block) return otherwise;
  return {
    ...otherwise,
    commands: few(
      own.flatMap(({ commands }) => commands),
      8,
    ),
  };
}

const few = (sentences: string[], limit = 4): string[] => [...new Set(sentences)].slice(0, limit);
