/**
 * connect-timeout errors (504, `-1 -1 -1`, about 10 s) by load balancer node and target, each with the path that the configuration shows and
 * with what is known of a target that left. A drop by a security group, a network ACL, a route, the host or a host that is gone all look
 * the same in a row; what tells them apart is here once, for the four causes that share these errors.
 */

import type { Question } from '../../evidence/evidence.ts';
import { clock, outOf, plural, seconds } from '../../format/wording.ts';
import type { Scene, Strength } from '../causes/cause.ts';
import type { Known } from '../checks/check.ts';
import { splitTarget } from '../network-path/addresses.ts';
import { type Barrier, NETWORK_EVIDENCE, type PathAnswer, pathTo } from '../network-path/path.ts';
import { type Change, pathChanges } from '../network-path/rule-changes.ts';
import { healthPortOf } from '../network-path/target-paths.ts';
import { type TargetLife, targetLives } from '../patterns/churn.ts';
import { type Registration, registrationOf } from '../targets/registration.ts';
import { type Handshake, handshake } from '../targets/tls.ts';
import { type Failure, groupBy, targetGroupName, weigh, withSignature } from '../traffic.ts';
import { type Farewell, farewell } from './target-exit.ts';

export const TIMED_OUT_EVIDENCE = [
  ...NETWORK_EVIDENCE,
  'targetGroups',
  'targetGroupAttributes',
  'targetHealth',
  'metrics',
  'changes',
] as const;

export type TimedOutScene = Scene<(typeof TIMED_OUT_EVIDENCE)[number]>;

export interface TimedOut {
  errors: Failure[];
  node: string | null;
  arn: string;
  groupName: string;
  /** "address:port" as logged. */
  target: string;
  address: string;
  port: number;
  /** Of the target group. */
  vpcId: string | undefined;
  path: PathAnswer;
  /** When the first of these connections was begun, and the last ended; epoch milliseconds. */
  first: number;
  last: number;
  /** Last answer of this target to this node. */
  lastSuccess: number | null;
  registration: Registration | null;
  /** Health checks open a connection each, from every node; they pass on the port of these errors now, and no node has an open path to it. */
  healthyThough: boolean;
  /** The last change to the path before the first error, and the first change after it; null also where changes were not read. */
  changedBefore: Change | null;
  changedAfter: Change | null;
  /** Why the configuration that was read is that of then though no changes were read; null: nothing says so. */
  asThen: string | null;
  gone: Farewell;
  tls: Handshake;
}

/** A change this long before the first error is worth naming. */
const RECENT_MS = 24 * 3_600_000;

export function timedOut(known: TimedOutScene, question: Question): TimedOut[] {
  const errors = withSignature(known.traffic, 'connect-timeout');
  if (errors.length === 0) return [];
  const lives = targetLives(known.traffic);
  const perTarget = groupBy(errors, targetKey);
  const pairs = groupBy(errors, (error) => `${targetKey(error)} ${error.node ?? ''}`);
  return [...pairs.values()].flatMap((own) => {
    const [error] = own;
    const endpoint = error && splitTarget(error.target);
    if (!error || !endpoint) return [];
    const toTarget = perTarget.get(targetKey(error)) ?? own;
    return [pairOf({ errors: own, error, toTarget, lives, ...endpoint }, known, question)];
  });
}

const targetKey = ({ target_group_arn, target }: Pick<Failure, 'target_group_arn' | 'target'>): string =>
  `${target_group_arn} ${target}`;
const begun = ({ at, elapsed }: Failure): number => at - (elapsed ?? 10) * 1000;
const earliest = (errors: Failure[]): number =>
  errors.reduce((first, error) => Math.min(first, begun(error)), Infinity);

interface Pair {
  errors: Failure[];
  /** One of them. */
  error: Failure;
  /** The same from every node. */
  toTarget: Failure[];
  lives: TargetLife[];
  address: string;
  port: number;
}

function pairOf(
  { errors, error, toTarget, lives, address, port }: Pair,
  known: TimedOutScene,
  question: Question,
): TimedOut {
  const { target_group_arn: arn, target, node } = error;
  const group = known.targetGroups?.find(({ TargetGroupArn }) => TargetGroupArn === arn);
  const path = pathTo(address, port, known, { node, vpcId: group?.VpcId });
  const first = earliest(errors);
  const last = errors.reduce((end, { at }) => Math.max(end, at), first);
  const registration = registrationOf(arn, target, known);
  const changes = pathChanges(known.changes ?? [], path.resources);
  const traffic = known.traffic.log.targets.find(
    (each) => each.target_group_arn === arn && each.target === target && each.node === node,
  );
  return {
    errors,
    node,
    arn,
    groupName: targetGroupName(arn),
    target,
    address,
    port,
    vpcId: group?.VpcId,
    path,
    first,
    last,
    lastSuccess: traffic?.lastSuccess ?? null,
    registration,
    healthyThough:
      registration?.state === 'healthy' &&
      healthPortOf(group, null, port) === port &&
      blockedEverywhere(pathTo(address, port, known, { vpcId: group?.VpcId })),
    changedBefore: changes.findLast(({ at }) => at <= first && at >= first - RECENT_MS) ?? null,
    changedAfter: changes.find(({ at }) => at > first) ?? null,
    asThen: unchanged({ arn, target, node, first, last, path, vpcId: group?.VpcId, port }, known, question),
    gone: farewell({
      arn,
      target,
      address,
      registration,
      first: earliest(toTarget),
      last: toTarget.reduce((end, each) => Math.max(end, begun(each)), first),
      lives,
      known,
      question,
    }),
    tls: handshake(arn, known, question),
  };
}

/** A path that is open from some subnet lets the node there find the target healthy. */
const blockedEverywhere = (path: PathAnswer): boolean => path.answer === 'blocked' && path.share === 1;

/** What is read within this of the last timeout is read while it happens: the log itself is some minutes late. */
const STILL_HAPPENING_MS = 15 * 60_000;
/** A target that got as many requests would have lost some of them to rules that drop. */
const ENOUGH_REQUESTS = 100;

/**
 * Rules may have been changed and changed back. They were not where connections still time out as the configuration is read, nor where
 * another target behind the same rules went on answering the same node.
 */
function unchanged(
  pair: Pick<TimedOut, 'arn' | 'target' | 'node' | 'first' | 'last' | 'path' | 'vpcId' | 'port'>,
  known: TimedOutScene,
  { now }: Question,
): string | null {
  if (now - pair.last <= STILL_HAPPENING_MS) return 'They still timed out when the configuration was read.';
  const { arn, target, node, first, last, vpcId, port } = pair;
  const dropped = new Set(withSignature(known.traffic, 'connect-timeout').map(targetKey));
  const rules = pair.path.resources.join(' ');
  const sound = known.traffic.log.targets.find((each) => {
    const endpoint = splitTarget(each.target);
    return (
      each.target_group_arn === arn &&
      each.target !== target &&
      each.node === node &&
      each.requests >= ENOUGH_REQUESTS &&
      each.firstSeen <= first &&
      each.lastSuccess !== null &&
      each.lastSuccess >= last &&
      !dropped.has(targetKey(each)) &&
      endpoint?.port === port &&
      pathTo(endpoint.address, port, known, { node, vpcId }).resources.join(' ') === rules
    );
  });
  return sound ? `${sound.target} is behind the same rules and went on answering.` : null;
}

/** How sure the configuration makes a barrier for one pair; null: it has no part in it. */
export interface BarrierView {
  strength: Strength | null;
  for: string[];
  against: string[];
  missing: string[];
}

/** Less than this share of the connections is dropped: too little to be the likely cause of what was seen. */
const LIKELY_SHARE = 0.05;

export function barrierView(pair: TimedOut, by: Barrier, changesRead: boolean): BarrierView {
  const view: BarrierView = { strength: null, for: [], against: [], missing: [] };
  const { path, changedAfter } = pair;
  const block = path.answer === 'blocked' ? path.blocks.find((each) => each.by === by) : undefined;
  if (block) return blockedView(pair, block, changesRead);

  if (changedAfter && isOf(by, changedAfter)) {
    const bracket = takenAndPutBack(pair, by);
    if (bracket !== null) return { ...view, strength: 'likely', for: [bracket] };
    return {
      ...view,
      strength: 'possible',
      against: [
        `The configuration allows the path now, but ${changeText(changedAfter)}, after the first error: it is no evidence.`,
      ],
    };
  }
  const unseen = path.answer === 'allowed' ? [] : path.missing.filter((each) => each.by === by).map(({ what }) => what);
  if (unseen.length > 0) {
    const explained = pair.gone.strength === 'confirmed' || (path.answer === 'blocked' && path.share === 1);
    return { ...view, strength: explained ? null : 'possible', missing: unseen.map(cannotSee) };
  }
  if (path.answer !== 'allowed') return view;
  const explained = pair.gone.strength === 'confirmed' || pair.gone.strength === 'likely';
  if (changesRead || explained || pair.asThen !== null) return { ...view, against: [path.sentence] };
  return {
    ...view,
    strength: 'possible',
    against: [`The configuration allows the path now; whether it did then is not known. ${path.sentence}`],
  };
}

/** So long after a rule went, new connections may first be wanted, milliseconds. */
const FIRST_FELT_MS = 30 * 60_000;
/** A connection begun just before a rule came back ends 10 s later; CloudTrail knows the second. */
const LAST_FELT_MS = 12_000;
const TAKEN = /^(Revoke|Delete|Create|Replace|Modify)/;
const PUT_BACK = /^(Authorize|Create|Delete|Replace|Modify)/;

/** A change of the same rules before the first of the timeouts, and the next one as they end: what was between is seen in the traffic. */
function takenAndPutBack({ changedBefore, changedAfter, first, last, port }: TimedOut, by: Barrier): string | null {
  if (!changedBefore || !changedAfter || !isOf(by, changedBefore)) return null;
  if (changedBefore.resource !== changedAfter.resource) return null;
  if (!TAKEN.test(changedBefore.name) || !PUT_BACK.test(changedAfter.name)) return null;
  if (!isAbout(port, changedBefore) || !isAbout(port, changedAfter)) return null;
  if (first - changedBefore.at > FIRST_FELT_MS || last > changedAfter.at + LAST_FELT_MS) return null;
  return `${changeText(changedBefore)}, and ${changeText(changedAfter)}: connections timed out between the two, and none that was begun before or later.`;
}

/** The answers go to the ephemeral ports: of an entry of a network ACL any range may matter. */
const isAbout = (port: number, { name, ports }: Change): boolean =>
  ports.length === 0 ||
  /NetworkAcl/.test(name) ||
  ports.some(({ from, to }) => from < 0 || (from <= port && port <= to));

function blockedView(pair: TimedOut, block: { share: number; sentence: string }, changesRead: boolean): BarrierView {
  const { path, changedAfter, changedBefore, healthyThough, lastSuccess, first, last } = pair;
  const share = path.answer === 'blocked' ? Math.min(block.share, path.share) : block.share;
  const view: BarrierView = { strength: 'confirmed', for: [`${block.sentence}.`], against: [], missing: [] };
  const weaken = (strength: Strength, sentence: string): BarrierView => ({
    ...view,
    strength,
    against: [sentence],
  });

  if (changedBefore)
    view.for.push(`${changeText(changedBefore)}, ${ago(first - changedBefore.at)} before the first error.`);
  if (changedAfter)
    return weaken(
      'possible',
      `${changeText(changedAfter)}, after the first error: what is configured now is no evidence.`,
    );
  if (healthyThough && share === 1) {
    return weaken('possible', `Health checks of ${pair.target} pass now on the same port, with new connections.`);
  }
  if (share < 1) return { ...view, strength: share < LIKELY_SHARE ? 'possible' : 'likely' };
  if (changedBefore || lastSuccess === null || lastSuccess <= first) return view;

  // A rule that goes leaves the connections that stand: successes may go on, and only changes that were read exclude a later one.
  const success = `${pair.target} still answered ${pair.node ?? 'the load balancer'} at ${clock(lastSuccess)}`;
  if (changesRead) {
    view.for.push(`${success}, on a connection that stood before: nothing that was read changed the rules since.`);
    return view;
  }
  if (lastSuccess < last)
    return {
      ...view,
      strength: 'likely',
      against: [`${success}, after the first error; connections that stood before would explain it.`],
    };
  return weaken(
    'possible',
    `${success}, after the last error: a connection that stood before, or rules that changed since.`,
  );
}

/** The pair is the work of one of the barriers that the configuration shows, at least likely. */
export const isBarred = (pair: TimedOut, changesRead: boolean): boolean =>
  (['security-group', 'network-acl'] as const).some((by) => {
    const { strength } = barrierView(pair, by, changesRead);
    return strength === 'confirmed' || strength === 'likely';
  });

/** The identifiers of a network ACL begin with acl-; everything else that a path depends on is a group or the load balancer itself. */
const isOf = (by: Barrier, { name }: Change): boolean =>
  by === 'network-acl'
    ? /NetworkAcl/.test(name)
    : by === 'route'
      ? /Route/.test(name)
      : /SecurityGroup|Interface|Instance/.test(name);

export const cannotSee = (what: string): string => `Could not look at ${what}.`;

const changeText = ({ name, resource, at }: Change): string => `${name} changed ${resource} at ${clock(at)}`;

const ago = (ms: number): string => (ms < 120_000 ? seconds(ms / 1000) : plural(ms / 60_000, 'minute'));

/**
 * What the numbers of the other errors say against anything that drops packets: a sentence for each kind, and whether that is all errors
 * but the connect timeouts.
 */
export function notDropped({ traffic }: Pick<Known, 'traffic'>): { sentences: string[]; everyOther: boolean } {
  const others = traffic.errors.filter(({ signature }) => signature !== 'connect-timeout');
  const failed = others.filter(({ signature }) => signature === 'connect-failed');
  const invoked = others.filter(({ signature }) => signature === 'lambda-failure');
  const stood = others.filter((error) => error.request_processing_time >= 0 && !invoked.includes(error));
  const untried = others.filter(
    (error) => error.target === '-' && error.request_processing_time < 0 && !invoked.includes(error),
  );
  const slowest = failed.reduce((most, { elapsed }) => Math.max(most, elapsed ?? 0), 0);
  const of = (errors: Failure[]): string => `${outOf(weigh(errors), traffic.total)} errors`;
  return {
    sentences: [
      ...(failed.length > 0 ? [`${of(failed)} failed within ${seconds(slowest)}; a dropped SYN takes 10 s.`] : []),
      ...(stood.length > 0 ? [`${of(stood)} had a connection: the request was sent on it.`] : []),
      ...(invoked.length > 0
        ? [`${of(invoked)} came of a Lambda function, which is invoked without a connection.`]
        : []),
      ...(untried.length > 0 ? [`${of(untried)} ended before a target was tried.`] : []),
    ],
    everyOther: failed.length + stood.length + invoked.length + untried.length === others.length,
  };
}

/** "146 of 149 errors: no connection to 10.0.1.5:8080 within 10 s." */
export function timeoutText(pairs: readonly TimedOut[], { traffic }: Pick<Known, 'traffic'>): string {
  const errors = pairs.flatMap((pair) => pair.errors);
  const targets = [...new Set(pairs.map(({ target }) => target))].sort();
  const nodes = [...new Set(pairs.map(({ node }) => node))];
  const from = nodes.length === 1 && nodes[0] ? ` from node ${nodes[0]}` : '';
  const to = targets.length <= 3 ? targets.join(', ') : plural(targets.length, 'target');
  return `${outOf(weigh(errors), traffic.total)} errors: no connection${from} to ${to} within 10 s.`;
}
