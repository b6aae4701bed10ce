/**
 * Judges blocks by security groups and by network ACLs. Both produce the same errors; only the configuration differs.
 */

import type { Question } from '../../evidence/question.ts';
import { command } from '../../format/command.ts';
import { list, outOf, plural, requestsOf, utcTime } from '../../format/wording.ts';
import { claimErrors, claimsByStrength, type Fix, type Judgement, ruledOut, untested } from '../judgement.ts';
import { allowCommands } from '../network-path/allow-commands.ts';
import { type SharedBlock, sharedBlocks } from '../network-path/barriers.ts';
import { pathTo } from '../network-path/path.ts';
import type { PathBlock, PathLayer } from '../network-path/types.ts';
import { answeredChecks } from '../patterns/failed-health-checks.ts';
import { countErrors, groupBy } from '../traffic.ts';
import type { ConnectTimeoutEvidence } from './connect-timeout-evidence.ts';
import {
  type ConnectTimeout,
  evidenceAgainstDrops,
  findConnectTimeouts,
  judgeLayer,
  type LayerJudgement,
  removedAndRestored,
  timeoutText,
} from './connect-timeouts.ts';

/** `advice`: the fix for paths that the configuration does not show as blocked. */
export function judgeBlockedPath(
  by: PathLayer,
  evidence: ConnectTimeoutEvidence,
  question: Question,
  advice: Fix,
): Judgement {
  const { sentences, everyOther } = evidenceAgainstDrops(evidence.traffic);
  const changesRead = evidence.changes !== undefined;
  const judged = findConnectTimeouts(evidence, question).map((pair) => ({
    pair,
    view: judgeLayer(pair, by, changesRead),
    errors: pair.errors,
  }));
  const claimed = judged.filter(({ view }) => view.strength !== null);
  const blockedPairs = claimed.filter(({ view }) => view.for.length > 0).map(({ pair }) => pair);
  const blocks = sharedBlocks(pathBlocksOf(by, blockedPairs, evidence));
  const reasons = firstFourDistinct([...blocks.map(({ sentence }) => sentence), ...claimed.flatMap(remarks)]);
  const gone = firstFourDistinct(judged.flatMap(({ view }) => view.gone ?? []));
  const open = judged.filter(({ view }) => view.strength === null && view.missing.length === 0 && !view.gone);
  const openSentences = openText(
    by,
    open.map(({ pair }) => pair),
    evidence,
  );
  const noChanges = changesRead
    ? []
    : ['Changes (CloudTrail) could not be read, so the configuration may have been different then.'];
  const missing = [...firstFourDistinct(judged.flatMap(({ view }) => view.missing)), ...noChanges];
  const claimedPairs = claimed.map(({ pair }) => pair);
  const cutOff = cutOffText(blocks[0], blockedPairs, evidence);
  return claimErrors(
    {
      claims: claimsByStrength(claimed, ({ view }) => view.strength),
      for: blockedPairs.length > 0 ? [timeoutText(blockedPairs, evidence), ...reasons] : [],
      against: [
        ...openSentences,
        ...firstFourDistinct(claimedPairs.flatMap((pair) => answeredTo(pair, evidence))),
        ...firstFourDistinct(claimed.flatMap(({ view }) => view.against)),
        ...sentences,
      ],
      missing,
      fix: fixBlockedPath(by, claimedPairs, evidence, advice),
      ...(blockedPairs.length > 0
        ? {
            summary: `${cutOff ?? reasons[0]} ${timeoutText(blockedPairs, evidence)}`,
            forInSummary: cutOff === null ? 2 : 1,
          }
        : {}),
    },
    everyOther && judged.every(({ view }) => view.missing.length === 0)
      ? ruledOut([...openSentences, ...gone, ...sentences])
      : untested(missing),
  );
}

/**
 * "2 of 4 targets of checkout (10.0.10.62 and 10.0.11.64) are cut off: their security group sg-0e9d does not allow …"; null unless a
 * barrier of the targets themselves drops all their new connections.
 */
function cutOffText(
  block: SharedBlock | undefined,
  pairs: readonly ConnectTimeout[],
  { traffic }: ConnectTimeoutEvidence,
): string | null {
  const [pair] = pairs;
  if (block === undefined || block.barrier === null || !block.isWhole || pair === undefined) return null;
  const { targets, barrier } = block;
  const isOneGroup = pairs.every(({ arn }) => arn === pair.arn);
  const all = new Set(
    traffic.log.targets
      .filter(({ target, target_group_arn }) => target !== '-' && target_group_arn === pair.arn)
      .map(({ target }) => target),
  );
  if (!isOneGroup || all.size < targets.length) return null;
  const [be, their] = targets.length === 1 ? ['is', 'its'] : ['are', 'their'];
  return `${outOf(targets.length, all.size)} ${all.size === 1 ? 'target' : 'targets'} of ${pair.groupName} (${list(targets)}) ${be} cut off: ${their} security group ${barrier}.`;
}

/** Sentences on health checks that reached the target while these connections timed out. */
const answeredTo = ({ arn, target, first, last }: ConnectTimeout, { traffic }: ConnectTimeoutEvidence): string[] =>
  answeredChecks(traffic, { arn, target, from: first, to: last });

/** Judges errors without any connect timeout: their signatures rule out dropped packets. */
export function judgeWithoutTimeouts(evidence: Pick<ConnectTimeoutEvidence, 'traffic'>): Judgement {
  const { sentences, everyOther } = evidenceAgainstDrops(evidence.traffic);
  return everyOther ? ruledOut(sentences) : untested();
}

/** What the configuration shows for a pair besides its block; all of it if the path is not blocked. */
const remarks = ({ pair, view }: { pair: ConnectTimeout; view: LayerJudgement }): string[] =>
  pair.path.answer === 'blocked' ? view.for.slice(1) : view.for;

/** The blocks of these pairs; a target blocked from several nodes is reported once, for all nodes. */
function pathBlocksOf(by: PathLayer, pairs: readonly ConnectTimeout[], evidence: ConnectTimeoutEvidence): PathBlock[] {
  return [...groupBy(pairs, ({ arn, target }) => `${arn} ${target}`).values()].flatMap((same) => {
    const [pair] = same;
    if (!pair) return [];
    const path = same.length > 1 ? pathTo(pair.address, pair.port, evidence, { vpcId: pair.vpcId }) : pair.path;
    return path.answer === 'blocked' ? path.blocks.filter((block) => block.by === by) : [];
  });
}

const OPEN_LAYER_TEXT: Record<PathLayer, string> = {
  'security-group': 'the security groups allow this traffic',
  'network-acl': 'the network ACLs allow this traffic',
  route: 'the routes lead to these targets',
};

/** "All 149 requests timed out although the path is open. …", or "the network ACLs allow this traffic." */
function openText(by: PathLayer, pairs: ConnectTimeout[], { traffic }: ConnectTimeoutEvidence): string[] {
  const [first] = pairs;
  if (!first) return [];
  const count = countErrors(pairs.flatMap(({ errors }) => errors));
  return first.path.answer === 'allowed'
    ? [`${requestsOf(count, traffic.errorCount)} timed out although the path is open. ${first.path.sentence}`]
    : [`${plural(count, 'connection')} timed out, but ${OPEN_LAYER_TEXT[by]}.`];
}

/** The changes that would allow the blocked paths of these pairs. */
function fixBlockedPath(
  by: PathLayer,
  pairs: readonly ConnectTimeout[],
  evidence: ConnectTimeoutEvidence,
  otherwise: Fix,
): Fix {
  const blocks = pathBlocksOf(by, pairs, evidence);
  if (blocks.length === 0) return restoredFix(by, pairs) ?? otherwise;
  const remedies = [...new Set(blocks.map(({ remedy }) => remedy))];
  return {
    ...otherwise,
    summary: remedies.length <= REMEDIES ? remedies.join(' ') : otherwise.summary,
    commands: allowCommands(blocks).slice(0, COMMANDS),
  };
}

/** The rule is back, so what is left is to keep it; null unless that holds for all of these pairs. */
function restoredFix(by: PathLayer, pairs: readonly ConnectTimeout[]): Fix | null {
  const [pair] = pairs;
  if (pair === undefined || pairs.some((each) => removedAndRestored(each, by) === null)) return null;
  const { changedBefore: removed, changedAfter: restored } = pair;
  if (removed === null || restored === null) return null;
  return {
    summary: `Find out why ${removed.name} changed ${removed.resource} at ${utcTime(removed.at)}, before it happens again: ${restored.name} undid it at ${utcTime(restored.at)}, and connections succeed since.`,
    commands: [
      command`aws cloudtrail lookup-events --lookup-attributes ${`AttributeKey=ResourceName,AttributeValue=${removed.resource}`}`,
    ],
    sideEffects: [],
  };
}

/** Largest number of remedies in the summary; more are clearer as commands. */
const REMEDIES = 2;
const COMMANDS = 8;

const firstFourDistinct = (sentences: string[]): string[] => [...new Set(sentences)].slice(0, 4);
