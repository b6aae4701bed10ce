/**
 * connect-timeout errors (504, `-1 -1 -1`, about 10 s) by load balancer node and target, with the configured path and
 * the target's exit. In a log row, a drop by a security group, a network ACL, a route or the host looks the same as a
 * terminated host; this module distinguishes them for the four causes of these errors.
 */

import type { AccessLog } from '../../evidence/access-log.ts';
import type { Question } from '../../evidence/question.ts';
import { list, plural, requestsOf, seconds, utcTime } from '../../format/wording.ts';
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import { outlineOf } from '../events/outlines.ts';
import type { Strength } from '../judgement.ts';
import { splitTarget } from '../network-path/addresses.ts';
import { pathTo } from '../network-path/path.ts';
import { type PathChange, pathChanges } from '../network-path/rule-changes.ts';
import { healthPortOf } from '../network-path/target-paths.ts';
import type { PathLayer, PathResult } from '../network-path/types.ts';
import { mutations } from '../patterns/configuration-changes.ts';
import { type Registration, registrationOf } from '../targets/registration.ts';
import { targetKey } from '../targets/target-key.ts';
import { assessTls, type TlsAssessment } from '../targets/tls.ts';
import {
  countErrors,
  groupBy,
  nameOf,
  namesOf,
  oncePerTraffic,
  type SampledError,
  targetGroupName,
  withSignature,
} from '../traffic.ts';
import type { ConnectTimeoutEvidence } from './connect-timeout-evidence.ts';
import { type TargetExit, targetExit } from './target-exit.ts';

export interface ConnectTimeout {
  errors: SampledError[];
  node: string | null;
  arn: string;
  groupName: string;
  /** "address:port" as logged. */
  target: string;
  /** Its name in sentences. */
  name: string;
  address: string;
  port: number;
  /** VPC of the target group. */
  vpcId: string | undefined;
  path: PathResult;
  /** Start of the first of these connections and end of the last; epoch milliseconds. */
  first: number;
  last: number;
  /** This target's last answer to this node. */
  lastSuccess: number | null;
  registration: Registration | null;
  /** Whether health checks, which connect from every node, pass on this port now although no node has an open path. */
  healthyDespiteBlock: boolean;
  /**
   * The last change to the path before the first error, and the first change after it; null if no change is known.
   */
  changedBefore: PathChange | null;
  changedAfter: PathChange | null;
  /** Why the configuration was the same during the errors although no changes were read; null if unknown. */
  unchangedBecause: string | null;
  exit: TargetExit;
  tls: TlsAssessment;
  /**
   * Sentences showing that only this target stopped answering, after working under the same rules. Empty if not shown.
   */
  stoppedAlone: string[];
}

/** Milliseconds before the first error within which a change is worth naming. */
const RECENT_MS = 24 * 3_600_000;

export function findConnectTimeouts(evidence: ConnectTimeoutEvidence, question: Question): ConnectTimeout[] {
  const errors = withSignature(evidence.traffic, 'connect-timeout');
  if (errors.length === 0) return [];
  const perTarget = groupBy(errors, targetKey);
  const pairs = groupBy(errors, pairKey);
  const addresses = [...perTarget.values()].map(([error]) => error && splitTarget(error.target)?.address);
  const shared: SharedByPairs = {
    isOneAddress: new Set(addresses).size <= 1,
    targetOf: new Map(evidence.traffic.log.targets.map((one) => [pairKey(one), one])),
    answeringOf: groupBy(
      evidence.traffic.log.targets.filter(
        (one) => one.requests >= ENOUGH_REQUESTS && one.lastSuccess !== null && !perTarget.has(targetKey(one)),
      ),
      placeKey,
    ),
    tlsOf: new Map(
      [...new Set(errors.map((error) => error.target_group_arn))].map((arn) => [
        arn,
        assessTls(arn, evidence, question),
      ]),
    ),
  };
  return [...pairs.values()].flatMap((own) => {
    const [error] = own;
    const endpoint = error && splitTarget(error.target);
    if (!error || !endpoint) return [];
    const toTarget = perTarget.get(targetKey(error)) ?? own;
    return [describePair({ errors: own, error, toTarget, ...endpoint }, shared, evidence, question)];
  });
}

/** Values shared by all pairs, of which there may be a thousand; computed once. */
interface SharedByPairs {
  /** Whether all connect timeouts concern one address. */
  isOneAddress: boolean;
  /** The log's targets by pairKey. */
  targetOf: ReadonlyMap<string, AccessLog['targets'][number]>;
  /** By placeKey: targets that answered many requests, without connect timeouts. */
  answeringOf: ReadonlyMap<string, AccessLog['targets']>;
  /** By target group ARN. */
  tlsOf: ReadonlyMap<string, TlsAssessment>;
}

const placeKey = ({ target_group_arn, node }: Pick<SampledError, 'target_group_arn' | 'node'>): string =>
  `${target_group_arn} ${node ?? ''}`;
const pairKey = (error: Pick<SampledError, 'target_group_arn' | 'target' | 'node'>): string =>
  `${targetKey(error)} ${error.node ?? ''}`;
const startTime = ({ at, elapsed }: SampledError): number => at - (elapsed ?? 10) * 1000;
const firstStart = (errors: SampledError[]): number =>
  errors.reduce((first, error) => Math.min(first, startTime(error)), Infinity);

interface NodeTargetPair {
  errors: SampledError[];
  /** One of the pair's errors. */
  error: SampledError;
  /** The connect timeouts of the target from all nodes. */
  toTarget: SampledError[];
  address: string;
  port: number;
}

function describePair(
  { errors, error, toTarget, address, port }: NodeTargetPair,
  shared: SharedByPairs,
  evidence: ConnectTimeoutEvidence,
  question: Question,
): ConnectTimeout {
  const { target_group_arn: arn, target, node } = error;
  const group = evidence.targetGroups?.find(({ TargetGroupArn }) => TargetGroupArn === arn);
  const path = pathTo(address, port, evidence, { node, vpcId: group?.VpcId });
  const first = firstStart(errors);
  const last = errors.reduce((end, { at }) => Math.max(end, at), first);
  const registration = registrationOf(arn, target, evidence);
  const changes = pathChanges(evidence.changes ?? [], path.resources);
  const isJustBefore = ({ at }: { at: number }): boolean => at <= last && at >= first - RECENT_MS;
  const answering = shared.answeringOf.get(placeKey(error)) ?? [];
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
    name: nameOf(evidence.traffic, target),
    lastSuccess: shared.targetOf.get(pairKey(error))?.lastSuccess ?? null,
    registration,
    healthyDespiteBlock:
      registration?.state === 'healthy' &&
      healthPortOf(group, null, port) === port &&
      blockedEverywhere(pathTo(address, port, evidence, { vpcId: group?.VpcId })),
    changedBefore: changes.findLast(({ at }) => at <= first && at >= first - RECENT_MS) ?? null,
    changedAfter: changes.find(({ at }) => at > first) ?? null,
    unchangedBecause: whyUnchanged(
      { node, first, last, path, vpcId: group?.VpcId, port },
      answering,
      evidence,
      question,
    ),
    exit: targetExit({
      arn,
      target,
      address,
      registration,
      first: firstStart(toTarget),
      last: toTarget.reduce((end, each) => Math.max(end, startTime(each)), first),
      evidence,
      question,
    }),
    tls: shared.tlsOf.get(arn) ?? assessTls(arn, evidence, question),
    stoppedAlone:
      !shared.isOneAddress || [...changes, ...unseenChanges(path, evidence)].some(isJustBefore)
        ? []
        : stoppedAlone({ arn, target, node, first, last, path, vpcId: group?.VpcId, port }, address, evidence),
  };
}

const RULE_CALLS = /SecurityGroup|NetworkAcl|ModifyNetworkInterfaceAttribute/;

/** Changes of rules that this path may depend on, because part of the path could not be read. */
const unseenChanges = (path: PathResult, { changes }: ConnectTimeoutEvidence): { at: number }[] =>
  path.answer === 'allowed' ? [] : mutations(changes ?? []).filter(({ name }) => RULE_CALLS.test(name));

/** With fewer answers before, it is not shown that the path was open. */
const WORKED_REQUESTS = 20;

/**
 * Sentences against security groups and network ACLs: removing a rule affects all targets behind it, so a block does
 * not fit one target that stopped while its peers continue.
 */
function stoppedAlone(
  pair: Pick<ConnectTimeout, 'arn' | 'target' | 'node' | 'first' | 'last' | 'path' | 'vpcId' | 'port'>,
  address: string,
  evidence: ConnectTimeoutEvidence,
): string[] {
  const { arn, target, node, first, last, path, vpcId, port } = pair;
  const { traffic } = evidence;
  const group = traffic.log.targets.filter(({ target_group_arn }) => target_group_arn === arn);
  const own = group.filter((each) => each.target === target);
  const answered = own.reduce((sum, { requests, failures }) => sum + requests - failures, 0);
  const lastAnswer = own.reduce((latest, { lastSuccess }) => Math.max(latest, lastSuccess ?? 0), 0);
  // An unread host has fewer known resources than its peers, so the known ones suffice.
  const isBehindSame = (resources: readonly string[]): boolean =>
    path.resources.every((one) => resources.includes(one));
  const isPeer = (each: (typeof group)[number]): boolean => {
    const endpoint = splitTarget(each.target);
    if (endpoint === null || endpoint.address === address || (each.lastSuccess ?? 0) < last) return false;
    return isBehindSame(pathTo(endpoint.address, port, evidence, { node, vpcId }).resources);
  };
  const peers = new Set(group.filter(isPeer).map((each) => each.target));
  if (answered < WORKED_REQUESTS || lastAnswer === 0 || lastAnswer > first || peers.size === 0) return [];
  return [
    `${nameOf(traffic, target)} answered ${plural(answered, 'request')} until ${utcTime(lastAnswer)}.`,
    `${plural(peers.size, 'other target')} of ${targetGroupName(arn)} kept answering.`,
  ];
}

/** Whether every subnet is blocked; a node in an open subnet could find the target healthy. */
const blockedEverywhere = (path: PathResult): boolean => path.answer === 'blocked' && path.share === 1;

/**
 * Milliseconds after the last timeout within which the configuration read still counts as the one during the errors:
 * the log itself is minutes late.
 */
const STILL_HAPPENING_MS = 15 * 60_000;
/** With this many requests, rules that drop packets would have cost the target some of them. */
const ENOUGH_REQUESTS = 100;

/**
 * Returns why nobody changed the rules and changed them back: connections still time out while the configuration is
 * read, or another target behind the same rules kept answering the same node.
 */
function whyUnchanged(
  pair: Pick<ConnectTimeout, 'node' | 'first' | 'last' | 'path' | 'vpcId' | 'port'>,
  answering: AccessLog['targets'],
  evidence: ConnectTimeoutEvidence,
  { now }: Question,
): string | null {
  if (now - pair.last <= STILL_HAPPENING_MS) return 'They still timed out when the configuration was read.';
  const { node, first, last, vpcId, port } = pair;
  const rules = pair.path.resources.join(' ');
  const isBehind = (endpoint: ReturnType<typeof splitTarget>): boolean =>
    endpoint?.port === port && pathTo(endpoint.address, port, evidence, { node, vpcId }).resources.join(' ') === rules;
  const healthyPeer = answering.find(
    (each) =>
      each.firstSeen <= first &&
      each.lastSuccess !== null &&
      each.lastSuccess >= last &&
      isBehind(splitTarget(each.target)),
  );
  return healthyPeer
    ? `${nameOf(evidence.traffic, healthyPeer.target)} is behind the same rules and went on answering.`
    : null;
}

/** How strongly the configuration supports a block for one pair; a null strength means no support. */
export interface LayerJudgement {
  strength: Strength | null;
  for: string[];
  against: string[];
  missing: string[];
  /** Why the target was no longer there, which explains the timeouts whatever the configuration is. */
  gone?: string[];
}

/** Share of dropped connections below which a block is not a likely cause. */
const LIKELY_SHARE = 0.05;

export function judgeLayer(pair: ConnectTimeout, by: PathLayer, changesRead: boolean): LayerJudgement {
  const view: LayerJudgement = { strength: null, for: [], against: [], missing: [] };
  const { path, changedAfter } = pair;
  const block = path.answer === 'blocked' ? path.blocks.find((each) => each.by === by) : undefined;
  if (block) return judgeBlock(pair, block, changesRead);

  if (changedAfter && changesLayer(by, changedAfter)) {
    const bracket = removedAndRestored(pair, by);
    if (bracket !== null) return { ...view, strength: 'likely', for: [bracket] };
    return {
      ...view,
      strength: 'possible',
      against: [
        `The configuration allows the path now, but ${changeText(changedAfter)}, after the first error, so it proves nothing.`,
      ],
    };
  }
  const missing =
    path.answer === 'allowed' ? [] : path.missing.filter((each) => each.by === by).map(({ what }) => what);
  if (missing.length > 0) {
    if (pair.exit.strength === 'confirmed') return { ...view, gone: pair.exit.for.slice(0, 1) };
    const explained = (path.answer === 'blocked' && path.share === 1) || (changesRead && pair.stoppedAlone.length > 0);
    return {
      ...view,
      strength: explained ? null : 'possible',
      against: pair.stoppedAlone,
      missing: missing.map(couldNotCheck),
    };
  }
  if (path.answer !== 'allowed') return view;
  const explained = pair.exit.strength === 'confirmed' || pair.exit.strength === 'likely';
  if (changesRead || explained || pair.unchangedBecause !== null) return { ...view, against: [path.sentence] };
  return {
    ...view,
    strength: 'possible',
    against: [
      ...pair.stoppedAlone,
      `The configuration allows the path now; whether it did then is unknown. ${path.sentence}`,
    ],
  };
}

/** Milliseconds after a rule is removed within which the first new connection may be attempted. */
const FIRST_EFFECT_MS = 30 * 60_000;
/**
 * Milliseconds: a connection started just before a rule was restored ends 10 s later, and CloudTrail times have whole
 * seconds.
 */
const LAST_EFFECT_MS = 12_000;
const REMOVING_RULE_CALLS = /^(Revoke|Delete|Create|Replace|Modify)/;
const RESTORING_RULE_CALLS = /^(Authorize|Create|Delete|Replace|Modify)/;

/**
 * Finds a change of the same rules before the first timeout and another as they end; the traffic shows the state in
 * between.
 */
export function removedAndRestored(
  { changedBefore, changedAfter, first, last, port }: ConnectTimeout,
  by: PathLayer,
): string | null {
  if (!changedBefore || !changedAfter || !changesLayer(by, changedBefore)) return null;
  if (changedBefore.resource !== changedAfter.resource) return null;
  if (!REMOVING_RULE_CALLS.test(changedBefore.name) || !RESTORING_RULE_CALLS.test(changedAfter.name)) return null;
  if (!mayAffectPort(port, changedBefore) || !mayAffectPort(port, changedAfter)) return null;
  if (first - changedBefore.at > FIRST_EFFECT_MS || last > changedAfter.at + LAST_EFFECT_MS) return null;
  return `${changeText(changedBefore)}, and ${changeText(changedAfter)}: connections timed out between the two, and none that was begun before or later.`;
}

/** Responses go to ephemeral ports, so any port range of a network ACL entry may matter. */
const mayAffectPort = (port: number, { name, ports }: PathChange): boolean =>
  ports.length === 0 ||
  /NetworkAcl/.test(name) ||
  ports.some(({ from, to }) => from < 0 || (from <= port && port <= to));

function judgeBlock(
  pair: ConnectTimeout,
  block: { share: number; sentence: string },
  changesRead: boolean,
): LayerJudgement {
  const { path, changedAfter, changedBefore, healthyDespiteBlock, lastSuccess, first, last } = pair;
  const share = path.answer === 'blocked' ? Math.min(block.share, path.share) : block.share;
  const view: LayerJudgement = { strength: 'confirmed', for: [`${block.sentence}.`], against: [], missing: [] };
  const weaken = (strength: Strength, sentence: string): LayerJudgement => ({
    ...view,
    strength,
    against: [sentence],
  });

  if (changedBefore)
    view.for.push(`${changeText(changedBefore)}, ${ago(first - changedBefore.at)} before the first error.`);
  if (changedAfter)
    return weaken(
      'possible',
      `${changeText(changedAfter)}, after the first error, so the current configuration proves nothing.`,
    );
  if (healthyDespiteBlock && share === 1) {
    return weaken('possible', `Health checks of ${pair.name} pass now on the same port, with new connections.`);
  }
  if (share < 1) return { ...view, strength: share < LIKELY_SHARE ? 'possible' : 'likely' };
  if (changedBefore || lastSuccess === null || lastSuccess <= first) return view;

  // Removing a rule leaves established connections intact, so successes may continue; only recorded changes exclude a
  // later removal.
  const success = `${pair.name} still answered ${pair.node ?? 'the load balancer'} at ${utcTime(lastSuccess)}`;
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

/** Whether the configuration makes a block at least a likely cause of the pair's timeouts. */
export const isBlocked = (pair: ConnectTimeout, changesRead: boolean): boolean =>
  (['security-group', 'network-acl'] as const).some((by) => {
    const { strength } = judgeLayer(pair, by, changesRead);
    return strength === 'confirmed' || strength === 'likely';
  });

/** Network ACL ids start with acl-; all other resources of a path are groups or the load balancer itself. */
const changesLayer = (by: PathLayer, { name }: PathChange): boolean =>
  by === 'network-acl'
    ? /NetworkAcl/.test(name)
    : by === 'route'
      ? /Route/.test(name)
      : /SecurityGroup|Interface|Instance/.test(name);

export const couldNotCheck = (what: string): string => `Could not check ${what}.`;

const changeText = ({ name, resource, at }: PathChange): string => `${name} changed ${resource} at ${utcTime(at)}`;

const ago = (ms: number): string => (ms < 120_000 ? seconds(ms / 1000) : plural(ms / 60_000, 'minute'));

/**
 * Evidence against dropped packets in the other errors: one sentence per kind, and whether they make up all errors
 * except the connect timeouts.
 */
export const evidenceAgainstDrops = oncePerTraffic((traffic): { sentences: string[]; everyOther: boolean } => {
  // Requests in flight end with a lost target, so they say nothing about new connections.
  const outlines = outlineOf(traffic);
  const others = traffic.errors.filter(
    (error) =>
      error.signature !== 'connect-timeout' &&
      !(error.request_processing_time >= 0 && outlines.get(error)?.kind === 'target-lost'),
  );
  const failed = others.filter(({ signature }) => signature === 'connect-failed');
  const invoked = others.filter(({ signature }) => signature === 'lambda-failure');
  const sent = others.filter(({ signature }) => signature !== 'lambda-failure');
  const connected = sent.filter(({ request_processing_time }) => request_processing_time >= 0);
  const endedBeforeTarget = sent.filter(
    ({ target, request_processing_time }) => target === '-' && request_processing_time < 0,
  );
  const slowest = failed.reduce((most, { elapsed }) => Math.max(most, elapsed ?? 0), 0);
  const of = (errors: SampledError[]): string => requestsOf(countErrors(errors), traffic.errorCount);
  return {
    sentences: [
      ...(failed.length > 0
        ? [`${of(failed)} failed within ${seconds(slowest)}; a dropped SYN would time out after 10 s.`]
        : []),
      ...(connected.length > 0 ? [`${of(connected)} went over an open connection.`] : []),
      ...(invoked.length > 0
        ? [`${of(invoked)} went to a Lambda function, which is invoked without a connection.`]
        : []),
      ...(endedBeforeTarget.length > 0 ? [`${of(endedBeforeTarget)} ended before a target was tried.`] : []),
    ],
    everyOther: failed.length + connected.length + invoked.length + endedBeforeTarget.length === others.length,
  };
});

/** "146 of 149 requests timed out after 10 s connecting to 10.0.1.5:8080." */
export function timeoutText(pairs: readonly ConnectTimeout[], { traffic }: Pick<DiagnosisEvidence, 'traffic'>): string {
  const errors = pairs.flatMap((pair) => pair.errors);
  const targets = [...new Set(pairs.map(({ target }) => target))].sort();
  const nodes = [...new Set(pairs.map(({ node }) => node))];
  const from = nodes.length === 1 && nodes[0] ? ` from node ${nodes[0]}` : '';
  const to = targets.length <= 3 ? list(namesOf(traffic, targets)) : plural(targets.length, 'target');
  return `${requestsOf(countErrors(errors), traffic.errorCount)} timed out after 10 s connecting${from} to ${to}.`;
}
