/** Judges security groups and network ACLs alike: the same errors, another part of the configuration. */

import type { Question } from '../../evidence/evidence.ts';
import { outOf } from '../../format/wording.ts';
import type { Judgement, Strength } from '../causes/cause.ts';
import type { Fix } from '../diagnosis.ts';
import { type Barrier, type Block, commandsOf, pathTo } from '../network-path/path.ts';
import { groupBy, weigh } from '../traffic.ts';
import {
  type BarrierView,
  barrierView,
  notDropped,
  type TimedOut,
  type TimedOutScene,
  timedOut,
  timeoutText,
} from './connect-timeouts.ts';

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
  const barred = claimed.filter(({ view }) => view.for.length > 0).map(({ pair }) => pair);
  const reasons = few([
    ...blocksOf(by, barred, known).map(({ sentence }) => `${sentence}.`),
    ...claimed.flatMap(remarks),
  ]);
  const open = judged.filter(({ view }) => view.strength === null && view.missing.length === 0);
  const noChanges = changesRead ? [] : ['Changes (CloudTrail) were not read: the configuration is that of now.'];
  return {
    claims,
    for: barred.length > 0 ? [timeoutText(barred, known), ...reasons] : [],
    against: [
      ...openText(
        by,
        open.map(({ pair }) => pair),
        known,
      ),
      ...few(claimed.flatMap(({ view }) => view.against)),
      ...sentences,
    ],
    missing: [...few(judged.flatMap(({ view }) => view.missing)), ...noChanges],
    ...(barred.length > 0 ? { summary: `${reasons[0]} ${timeoutText(barred, known)}` } : {}),
    ruledOut: claimed.length === 0 && everyOther && judged.every(({ view }) => view.missing.length === 0),
  };
}

/** What a pair has to say beside its block; where the path is open now, all of it. */
const remarks = ({ pair, view }: { pair: TimedOut; view: BarrierView }): string[] =>
  pair.path.answer === 'blocked' ? view.for.slice(1) : view.for;

/** The blocks of these pairs; those of one target from several nodes are told once, for all nodes. */
function blocksOf(by: Barrier, pairs: readonly TimedOut[], known: TimedOutScene): Block[] {
  return [...groupBy(pairs, ({ arn, target }) => `${arn} ${target}`).values()].flatMap((same) => {
    const [pair] = same;
    if (!pair) return [];
    const path = same.length > 1 ? pathTo(pair.address, pair.port, known, { vpcId: pair.vpcId }) : pair.path;
    return path.answer === 'blocked' ? path.blocks.filter((block) => block.by === by) : [];
  });
}

const OPEN: Record<Barrier, string> = {
  'security-group': 'the security groups let these connections through',
  'network-acl': 'the network ACLs let these connections through',
  route: 'the routes lead to these targets',
};

/** "149 of 149 errors timed out though the path is open: …" */
function openText(by: Barrier, pairs: TimedOut[], { traffic }: TimedOutScene): string[] {
  const [first] = pairs;
  if (!first) return [];
  const count = outOf(weigh(pairs.flatMap(({ errors }) => errors)), traffic.total);
  return first.path.answer === 'allowed'
    ? [`${count} errors timed out though the path is open. ${first.path.sentence}`]
    : [`${count} errors timed out for another reason: ${OPEN[by]}.`];
}

/** What would allow the blocked paths, for the pairs that timed out. */
export function fixBarrier(by: Barrier, known: TimedOutScene, question: Question, otherwise: Fix): Fix {
  const blocks = blocksOf(by, timedOut(known, question), known);
  return blocks.length === 0 ? otherwise : { ...otherwise, commands: commandsOf(blocks).slice(0, COMMANDS) };
}

const COMMANDS = 8;

const few = (sentences: string[]): string[] => [...new Set(sentences)].slice(0, 4);
