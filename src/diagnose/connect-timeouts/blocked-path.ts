/** Judges security groups and network ACLs alike: the same errors, another part of the configuration. */

import type { Question } from '../../evidence/evidence.ts';
import { outOf } from '../../format/wording.ts';
import type { Judgement, Strength } from '../causes/cause.ts';
import type { Fix } from '../diagnosis.ts';
import { allowCommands, type PathBlock, type PathLayer, pathTo } from '../network-path/path.ts';
import { countErrors, groupBy } from '../traffic.ts';
import {
  type ConnectTimeout,
  type ConnectTimeoutEvidence,
  evidenceAgainstDrops,
  findConnectTimeouts,
  judgeLayer,
  type LayerJudgement,
  timeoutText,
} from './connect-timeouts.ts';

const STRENGTHS: Strength[] = ['confirmed', 'likely', 'possible'];

export function judgeBlockedPath(by: PathLayer, evidence: ConnectTimeoutEvidence, question: Question): Judgement {
  const { sentences, everyOther } = evidenceAgainstDrops(evidence);
  const pairs = findConnectTimeouts(evidence, question);
  if (pairs.length === 0) {
    return { claims: [], for: [], against: sentences, missing: [], ruledOut: everyOther && sentences.length > 0 };
  }

  const changesRead = evidence.changes !== undefined;
  const judged = pairs.map((pair) => ({ pair, view: judgeLayer(pair, by, changesRead) }));
  const claimed = judged.filter(({ view }) => view.strength !== null);
  const claims = STRENGTHS.map((strength) => ({
    strength,
    errors: claimed.filter(({ view }) => view.strength === strength).flatMap(({ pair }) => pair.errors),
  })).filter(({ errors }) => errors.length > 0);
  const blockedPairs = claimed.filter(({ view }) => view.for.length > 0).map(({ pair }) => pair);
  const reasons = firstFourDistinct([
    ...pathBlocksOf(by, blockedPairs, evidence).map(({ sentence }) => `${sentence}.`),
    ...claimed.flatMap(remarks),
  ]);
  const open = judged.filter(({ view }) => view.strength === null && view.missing.length === 0);
  const noChanges = changesRead ? [] : ['Changes (CloudTrail) were not read: the configuration is that of now.'];
  return {
    claims,
    for: blockedPairs.length > 0 ? [timeoutText(blockedPairs, evidence), ...reasons] : [],
    against: [
      ...openText(
        by,
        open.map(({ pair }) => pair),
        evidence,
      ),
      ...firstFourDistinct(claimed.flatMap(({ view }) => view.against)),
      ...sentences,
    ],
    missing: [...firstFourDistinct(judged.flatMap(({ view }) => view.missing)), ...noChanges],
    ...(blockedPairs.length > 0 ? { summary: `${reasons[0]} ${timeoutText(blockedPairs, evidence)}` } : {}),
    ruledOut: claimed.length === 0 && everyOther && judged.every(({ view }) => view.missing.length === 0),
  };
}

/** What a pair has to say beside its block; where the path is open now, all of it. */
const remarks = ({ pair, view }: { pair: ConnectTimeout; view: LayerJudgement }): string[] =>
  pair.path.answer === 'blocked' ? view.for.slice(1) : view.for;

/** The blocks of these pairs; those of one target from several nodes are told once, for all nodes. */
function pathBlocksOf(by: PathLayer, pairs: readonly ConnectTimeout[], evidence: ConnectTimeoutEvidence): PathBlock[] {
  return [...groupBy(pairs, ({ arn, target }) => `${arn} ${target}`).values()].flatMap((same) => {
    const [pair] = same;
    if (!pair) return [];
    const path = same.length > 1 ? pathTo(pair.address, pair.port, evidence, { vpcId: pair.vpcId }) : pair.path;
    return path.answer === 'blocked' ? path.blocks.filter((block) => block.by === by) : [];
  });
}

const OPEN_LAYER_TEXT: Record<PathLayer, string> = {
  'security-group': 'the security groups let these connections through',
  'network-acl': 'the network ACLs let these connections through',
  route: 'the routes lead to these targets',
};

/** "149 of 149 errors timed out though the path is open: …" */
function openText(by: PathLayer, pairs: ConnectTimeout[], { traffic }: ConnectTimeoutEvidence): string[] {
  const [first] = pairs;
  if (!first) return [];
  const count = outOf(countErrors(pairs.flatMap(({ errors }) => errors)), traffic.errorCount);
  return first.path.answer === 'allowed'
    ? [`${count} errors timed out though the path is open. ${first.path.sentence}`]
    : [`${count} errors timed out for another reason: ${OPEN_LAYER_TEXT[by]}.`];
}

/** What would allow the blocked paths, for the pairs that timed out. */
export function fixBlockedPath(
  by: PathLayer,
  evidence: ConnectTimeoutEvidence,
  question: Question,
  otherwise: Fix,
): Fix {
  const blocks = pathBlocksOf(by, findConnectTimeouts(evidence, question), evidence);
  return blocks.length === 0 ? otherwise : { ...otherwise, commands: allowCommands(blocks).slice(0, COMMANDS) };
}

const COMMANDS = 8;

const firstFourDistinct = (sentences: string[]): string[] => [...new Set(sentences)].slice(0, 4);
