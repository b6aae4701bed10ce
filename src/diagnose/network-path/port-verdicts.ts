/** Verdicts of the two port checks on the paths to a port. */

import type { RouteTable } from '../../evidence/aws.ts';
import { list, number, outOf, percent, plural } from '../../format/wording.ts';
import type { CheckVerdict, Fact } from '../check-verdict.ts';
import { countErrors, groupBy, withSignature } from '../traffic.ts';
import { sharedBlocks } from './barriers.ts';
import type { PathEvidence, TargetPath } from './target-paths.ts';
import type { PathResult } from './types.ts';

/** One path, with the log's facts about the same target and port. */
export interface CheckedPath {
  path: TargetPath;
  port: number;
  answer: PathResult;
  /** Connections to this port that timed out. */
  timeouts: number;
  /** Requests of the window that the target answered; null without a log, and for a health-check port. */
  answered: number | null;
}

/** A block of a smaller share that does not show in the log is only a remark. */
const REMARK_SHARE = 0.01;
const FACTS = 20;
/** Above this number, remedies are clearer as commands. */
const REMEDIES = 2;

export function checkPaths(
  paths: readonly TargetPath[],
  { traffic }: PathEvidence,
  port: 'traffic' | 'health',
): CheckedPath[] {
  const timeouts = groupBy(traffic ? withSignature(traffic, 'connect-timeout') : [], targetKey);
  const targets = groupBy(traffic?.log.targets ?? [], targetKey);
  return paths.flatMap((path) => {
    const answer = port === 'traffic' ? path.traffic : path.health;
    const number = port === 'traffic' ? path.trafficPort : path.healthPort;
    if (!answer || number === null) return [];
    const key = targetKey({ target: path.target, target_group_arn: path.targetGroup });
    const targetRows = targets.get(key) ?? [];
    const answered = targetRows.reduce((sum, { requests, failures }) => sum + Math.max(0, requests - failures), 0);
    return [
      {
        path,
        port: number,
        answer,
        timeouts: countErrors(timeouts.get(key) ?? []),
        answered: traffic && port === 'traffic' ? answered : null,
      },
    ];
  });
}

const targetKey = ({ target, target_group_arn }: { target: string; target_group_arn: string }): string =>
  `${target_group_arn} ${withoutBrackets(target)}`;

const withoutBrackets = (target: string): string => target.replace(/[[\]]/g, '');

/** Targets that left count against the path only if connections to them timed out. */
export const relevantPaths = (checkedPaths: CheckedPath[]): CheckedPath[] => {
  const now = checkedPaths.filter(({ path }) => path.registered);
  return now.length === 0
    ? checkedPaths
    : checkedPaths.filter(
        ({ path, timeouts, answer }) => path.registered || timeouts > 0 || answer.answer === 'blocked',
      );
};

export const isRemark = ({ answer, timeouts }: CheckedPath): boolean =>
  answer.answer === 'blocked' && answer.share < REMARK_SHARE && timeouts === 0;

export function blockedVerdict(
  blocked: CheckedPath[],
  all: CheckedPath[],
  what: string,
  targetText: (target: string) => string = (target) => target,
): CheckVerdict {
  const [first, ...others] = sharedBlocks(
    blocked.flatMap(({ answer }) => (answer.answer === 'blocked' ? answer.blocks.slice(0, 1) : [])),
  );
  const partly = blocked.every(({ answer }) => answer.answer === 'blocked' && answer.share < 1);
  const more = others.length > 0 ? ` And ${plural(others.length, 'other reason')}.` : '';
  const healthy = blocked.filter(({ path, port }) => path.state === 'healthy' && path.healthPort !== port);
  const unnoticed =
    healthy.length > 0
      ? ` ${healthyTargets(healthy.length, blocked.length)} healthy, because health checks use another port.`
      : '';
  const standing = blocked.filter(
    ({ answered, answer }) => answered && answer.answer === 'blocked' && answer.share === 1,
  );
  const still =
    standing.length > 0
      ? ` Requests were still answered by ${list(standing.map(({ path }) => targetText(path.target)))}: open connections are not cut, new ones are blocked.`
      : '';
  const remedies = unique(
    blocked.flatMap(({ answer }) => (answer.answer === 'blocked' ? answer.blocks.map(({ remedy }) => remedy) : [])),
  );
  const fix = remedies.length <= REMEDIES ? remedies.join(' ') : undefined;
  return {
    outcome: 'fail',
    ...(fix === undefined ? {} : { fix, afterwards: fix }),
    summary: `${outOf(blocked.length, all.length)} ${all.length === 1 ? 'path' : 'paths'} to ${what} ${blocked.length === 1 ? 'is' : 'are'} ${partly ? 'partly blocked' : 'blocked'}. ${first?.sentence ?? ''}${more}${unnoticed}${still}`,
    ...(partly
      ? { brief: `${outOf(blocked.length, all.length)} ${all.length === 1 ? 'path' : 'paths'} partly blocked` }
      : {}),
    facts: pathFacts(all),
  };
}

export function unknownVerdict(unknownPaths: CheckedPath[], all: CheckedPath[], what: string): CheckVerdict {
  const missing = unique(
    unknownPaths.flatMap(({ answer }) =>
      answer.answer === 'cannot-see' ? answer.missing.map((each) => each.what) : [],
    ),
  );
  const answered = unknownPaths.filter((checkedPath) => (checkedPath.answered ?? 0) > 0);
  const rows =
    answered.length > 0
      ? ` ${answered.length < unknownPaths.length ? outOf(answered.length, unknownPaths.length) : answered.length === 1 ? 'That target' : 'These targets'} answered requests in the window.`
      : '';
  return {
    outcome: 'unknown',
    summary: `Could not check ${outOf(unknownPaths.length, all.length)} ${all.length === 1 ? 'path' : 'paths'} to ${what}: ${list(missing)}.${rows}`,
    brief: `could not check ${outOf(unknownPaths.length, all.length)} ${all.length === 1 ? 'path' : 'paths'}`,
    missing: true,
    facts: pathFacts(all),
  };
}

/** "blocked for 0.01 % of the connections, which does not show in the traffic" */
export function remarkText(remarks: CheckedPath[]): string {
  const [first] = remarks;
  if (first?.answer.answer !== 'blocked') return '';
  return ` ${first.answer.sentence} That is ${percent(first.answer.share)} of the new connections, and none timed out.`;
}

export const pathFacts = (checkedPaths: CheckedPath[]): Fact[] => [
  ...checkedPaths.slice(0, FACTS).map(({ path, port, answer }) => ({
    label: `${path.name} ${path.target}${port === path.trafficPort ? '' : `, port ${port}`}`,
    value:
      answer.answer === 'blocked' && answer.share < 1
        ? `blocked for ${percent(answer.share)}`
        : ANSWER_WORDS[answer.answer],
  })),
  ...(checkedPaths.length > FACTS ? [{ label: 'more targets', value: number(checkedPaths.length - FACTS) }] : []),
];

const ANSWER_WORDS = { allowed: 'open', blocked: 'blocked', 'cannot-see': 'could not check' };
const unique = (items: string[]): string[] => [...new Set(items)];

/** Turns a pass into unknown if the route tables were not read, because nothing else would reveal a black hole. */
export const unlessRoutesUnread = (
  verdict: CheckVerdict,
  { routeTables }: { routeTables?: readonly RouteTable[] | undefined },
): CheckVerdict => {
  if (verdict.outcome !== 'pass' || routeTables !== undefined) return verdict;
  const { summary, facts = [] } = verdict;
  return { outcome: 'unknown', summary: `${summary} Could not check the route tables.`, facts, missing: true };
};

/** "These targets look", "2 of these targets look". */
const healthyTargets = (healthy: number, blocked: number): string =>
  healthy < blocked
    ? plural(healthy, 'of these targets looks', 'of these targets look')
    : healthy === 1
      ? 'The target looks'
      : 'These targets look';
