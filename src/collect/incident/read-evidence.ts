/** Converts the files of a recording into the evidence about one load balancer, and back. Pure. */

import { mutations } from '../../diagnose/patterns/configuration-changes.ts';
import { epochOf, type MetricSeries, type Rule } from '../../evidence/aws.ts';
import type { Collected, GapKind } from '../../evidence/collected.ts';
import type { Evidence, EvidenceName, EvidenceSet } from '../../evidence/evidence.ts';
import type { Question } from '../../evidence/question.ts';
import { type CommandDetails, commandFor } from '../cli-commands.ts';
import { asResource, type Candidate, loadBalancerNameIn, resourceOf } from '../find-load-balancer.ts';
import { type Recording, type RecordingFileName, UNKEYED } from './incident-files.ts';
import { readSource } from './recorded-source.ts';
import { recordedWorkloads, WORKLOAD_FILES, workloadFiles } from './workload-files.ts';

/** Evidence from the JSON files; the access log comes from logs/ or access-log.json. */
export type DescribedEvidenceName = Exclude<EvidenceName, 'accessLog'>;
export type DescribedEvidence = Omit<EvidenceSet, 'accessLog'>;

const FILE_OF: Record<DescribedEvidenceName, RecordingFileName> = {
  loadBalancer: 'aws/describe-load-balancers.json',
  attributes: 'aws/describe-load-balancer-attributes.json',
  listeners: 'aws/describe-listeners.json',
  rules: 'aws/describe-rules.json',
  targetGroups: 'aws/describe-target-groups.json',
  targetGroupAttributes: 'aws/describe-target-group-attributes.json',
  targetHealth: 'aws/describe-target-health.json',
  securityGroups: 'aws/describe-security-groups.json',
  networkAcls: 'aws/describe-network-acls.json',
  subnets: 'aws/describe-subnets.json',
  routeTables: 'aws/describe-route-tables.json',
  networkInterfaces: 'aws/describe-network-interfaces.json',
  instances: 'aws/describe-instances.json',
  prefixLists: 'aws/get-managed-prefix-list-entries.json',
  functions: 'aws/get-function-configuration.json',
  ...WORKLOAD_FILES,
  changes: 'aws/lookup-events.json',
  metrics: 'metrics.json',
  edge: 'edge.json',
};

/** A value, or why the file does not provide it. */
type FileAnswer<T> = { value: T } | { reason: string; kind?: GapKind };

/**
 * The load balancers that a recording may be about: those in describe-load-balancers.json if it lists any, else the
 * ARNs in the other files and the name in incident.json.
 */
export function candidatesIn(recording: Recording): Candidate[] {
  const described = recording['aws/describe-load-balancers.json']?.LoadBalancers ?? [];
  const application = described.filter(({ Type }) => Type === undefined || Type === 'application');
  if (application.length > 0) {
    return application.map((one) => ({ name: one.LoadBalancerName, arn: one.LoadBalancerArn, dns: one.DNSName }));
  }
  const recordedName = recording['incident.json'].loadBalancer;
  const arns = new Set([
    recordedName,
    ...Object.keys(recording['aws/describe-load-balancer-attributes.json'] ?? {}),
    ...Object.keys(recording['aws/describe-listeners.json'] ?? {}),
    ...(recording['aws/describe-target-groups.json']?.TargetGroups ?? []).flatMap((one) => one.LoadBalancerArns ?? []),
  ]);
  const mentioned = [...arns]
    .filter((arn) => resourceOf(arn) !== null)
    .map((arn) => ({ name: loadBalancerNameIn(arn), arn }));
  const isMentioned = mentioned.some(
    ({ name, arn }) => name === recordedName || arn === recordedName || resourceOf(arn) === recordedName,
  );
  const resource = asResource(recordedName);
  const alone = { name: loadBalancerNameIn(recordedName), arn: null, ...(resource === null ? {} : { resource }) };
  return isMentioned ? mentioned : [...mentioned, alone];
}

/** Whether a key of a file, or an ARN in it, identifies the load balancer of the question. */
function isSameLoadBalancer(key: string, { name, arn, resource }: Question['loadBalancer']): boolean {
  if (key === name || key === UNKEYED) return true;
  if (arn !== null) return key === arn || key === resourceOf(arn);
  return resource === undefined ? loadBalancerNameIn(key) === name : (resourceOf(key) ?? key) === resource;
}

/**
 * Derives `…:listener/app/<name>/<id>/<id>` from the rule ARN `…:listener-rule/app/<name>/<id>/<id>/<rule>`; null for
 * another form.
 */
const listenerOfRule = (rule: Rule): string | null => {
  const parts = /^(.*):listener-rule\/(app\/[^/]+\/[^/]+\/[^/]+)\/[^/]+$/.exec(rule.RuleArn ?? '');
  return parts === null ? null : `${parts[1]}:listener/${parts[2]}`;
};

const loadBalancerOfListener = (arn: string): string =>
  arn.replace(':listener/', ':loadbalancer/').replace(/\/[^/]+$/, '');

const attributesOf = (list: { Attributes: { Key: string; Value: string }[] }): Record<string, string> =>
  Object.fromEntries(list.Attributes.map(({ Key, Value }) => [Key, Value]));

const mapValues = <A, B>(record: Record<string, A>, map: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));

/**
 * The evidence of a recording about the load balancer of the question; missing evidence is unavailable, with the
 * reason.
 */
export function recordedEvidence(recording: Recording, question: Question): DescribedEvidence {
  const { loadBalancer } = question;
  const listeners = listenersIn(recording, loadBalancer);
  const rules = rulesIn(recording, loadBalancer, listeners);
  const targetGroups = targetGroupsIn(recording, loadBalancer, listeners, rules);
  const ofOthers = new Set(
    'value' in targetGroups
      ? (recording['aws/describe-target-groups.json']?.TargetGroups ?? [])
          .filter((group) => !targetGroups.value.includes(group))
          .map(({ TargetGroupArn }) => TargetGroupArn)
      : [],
  );
  const groupArns = 'value' in targetGroups ? targetGroups.value.map(({ TargetGroupArn }) => TargetGroupArn) : null;
  const perGroup = <A, B>(file: RecordingFileName, printed: Record<string, A> | undefined, map: (value: A) => B) =>
    keyedEntries(file, printed, 'target group', groupArns, (arn) => !ofOthers.has(arn), map);

  const lambdas: [] | null =
    'value' in targetGroups && targetGroups.value.every(({ TargetType }) => TargetType !== 'lambda') ? [] : null;
  const self = loadBalancerIn(recording, loadBalancer);
  const health = perGroup(
    FILE_OF.targetHealth,
    recording['aws/describe-target-health.json'],
    (one) => one.TargetHealthDescriptions,
  );
  const functions = functionsIn(recording, lambdas);
  const prefixLists = prefixListsIn(recording);
  const details: CommandDetails = {
    vpcId: 'value' in self ? self.value.VpcId : undefined,
    ...('value' in listeners ? { listenerArns: listeners.value.map(({ ListenerArn }) => ListenerArn) } : {}),
    ...(groupArns === null ? {} : { targetGroupArns: groupArns }),
    ...('value' in functions ? { functionArns: Object.keys(functions.value) } : {}),
    ...oldestChangeIn(recording),
    ...('value' in prefixLists ? { prefixListIds: Object.keys(prefixLists.value) } : {}),
  };
  const collected = <Name extends DescribedEvidenceName>(
    name: Name,
    answer: FileAnswer<Evidence[Name]>,
  ): Collected<Evidence[Name]> => {
    const source = commandFor(name, question, details);
    if ('value' in answer) return { status: 'collected', source, value: answer.value };
    const { source: recorded, ...why } = { source, ...(recording['incident.json'].unavailable?.[name] ?? answer) };
    return { status: 'unavailable', source: readSource(recorded) ?? source, ...why };
  };
  return {
    loadBalancer: collected('loadBalancer', self),
    attributes: collected('attributes', attributesIn(recording, loadBalancer)),
    listeners: collected('listeners', listeners),
    rules: collected('rules', rules),
    targetGroups: collected('targetGroups', targetGroups),
    targetGroupAttributes: collected(
      'targetGroupAttributes',
      perGroup(FILE_OF.targetGroupAttributes, recording['aws/describe-target-group-attributes.json'], attributesOf),
    ),
    targetHealth: collected('targetHealth', health),
    securityGroups: collected(
      'securityGroups',
      required(FILE_OF.securityGroups, recording['aws/describe-security-groups.json']?.SecurityGroups),
    ),
    networkAcls: collected(
      'networkAcls',
      required(FILE_OF.networkAcls, recording['aws/describe-network-acls.json']?.NetworkAcls),
    ),
    subnets: collected('subnets', required(FILE_OF.subnets, recording['aws/describe-subnets.json']?.Subnets)),
    routeTables: collected(
      'routeTables',
      required(FILE_OF.routeTables, recording['aws/describe-route-tables.json']?.RouteTables),
    ),
    networkInterfaces: collected(
      'networkInterfaces',
      required(FILE_OF.networkInterfaces, recording['aws/describe-network-interfaces.json']?.NetworkInterfaces),
    ),
    instances: collected(
      'instances',
      required(
        FILE_OF.instances,
        recording['aws/describe-instances.json']?.Reservations.flatMap(({ Instances }) => Instances ?? []),
      ),
    ),
    prefixLists: collected('prefixLists', prefixLists),
    functions: collected('functions', functions),
    ...recordedWorkloads(recording, question),
    changes: collected('changes', required(FILE_OF.changes, recording['aws/lookup-events.json']?.Events)),
    edge: collected('edge', required(FILE_OF.edge, recording['edge.json'])),
    metrics: collected('metrics', metricsIn(recording, question)),
  };
}

function oldestChangeIn(recording: Recording): CommandDetails {
  const [oldest] = mutations(recording['aws/lookup-events.json']?.Events ?? []);
  return oldest === undefined ? {} : { oldestChange: oldest.at };
}

const prefixListsIn = (recording: Recording): FileAnswer<Evidence['prefixLists']> =>
  keyedEntries(
    FILE_OF.prefixLists,
    recording['aws/get-managed-prefix-list-entries.json'],
    'prefix list',
    // The security groups may reference no prefix list, so an empty answer is valid.
    [],
    () => true,
    ({ Entries }) => Entries,
  );

const missingFile = (file: RecordingFileName): { kind: GapKind; reason: string } => ({
  kind: 'not-recorded',
  reason: `${file} is not in the incident folder`,
});

const required = <T>(file: RecordingFileName, value: T | undefined): FileAnswer<T> =>
  value === undefined ? missingFile(file) : { value };

function loadBalancerIn(recording: Recording, asked: Question['loadBalancer']): FileAnswer<Evidence['loadBalancer']> {
  const file = recording['aws/describe-load-balancers.json'];
  if (file === undefined) return missingFile(FILE_OF.loadBalancer);
  const value = file.LoadBalancers.find((one) => isSameLoadBalancer(one.LoadBalancerArn, asked));
  return value === undefined ? { reason: `${FILE_OF.loadBalancer} does not list ${asked.name}` } : { value };
}

function attributesIn(recording: Recording, asked: Question['loadBalancer']): FileAnswer<Evidence['attributes']> {
  const file = recording['aws/describe-load-balancer-attributes.json'];
  if (file === undefined) return missingFile(FILE_OF.attributes);
  const own = Object.entries(file).find(([key]) => isSameLoadBalancer(key, asked));
  return own === undefined
    ? { reason: `${FILE_OF.attributes} has no entry for ${asked.name}` }
    : { value: attributesOf(own[1]) };
}

function listenersIn(recording: Recording, asked: Question['loadBalancer']): FileAnswer<Evidence['listeners']> {
  const file = recording['aws/describe-listeners.json'];
  if (file === undefined) return missingFile(FILE_OF.listeners);
  const own = Object.entries(file).filter(([key]) => isSameLoadBalancer(key, asked));
  if (own.length === 0) return { reason: `${FILE_OF.listeners} has no entry for ${asked.name}` };
  return {
    value: own
      .flatMap(([, { Listeners }]) => Listeners)
      .filter(({ LoadBalancerArn }) => LoadBalancerArn === undefined || isSameLoadBalancer(LoadBalancerArn, asked)),
  };
}

function rulesIn(
  recording: Recording,
  asked: Question['loadBalancer'],
  listeners: FileAnswer<Evidence['listeners']>,
): FileAnswer<Evidence['rules']> {
  const printed = recording['aws/describe-rules.json'];
  if (printed === undefined) return missingFile(FILE_OF.rules);
  const { [UNKEYED]: bare, ...file } = mapValues(printed, ({ Rules }) => Rules);
  const only = 'value' in listeners && listeners.value.length === 1 ? listeners.value[0]?.ListenerArn : undefined;
  for (const rule of bare ?? []) {
    const listener = listenerOfRule(rule) ?? only;
    if (listener === undefined) return { reason: `${FILE_OF.rules} does not say which listener its rules belong to` };
    file[listener] = [...(file[listener] ?? []), rule];
  }
  const arns = 'value' in listeners ? listeners.value.map(({ ListenerArn }) => ListenerArn) : null;
  const isOwn = (arn: string) =>
    (arns?.includes(arn) ?? false) || isSameLoadBalancer(loadBalancerOfListener(arn), asked);
  return keyedEntries(FILE_OF.rules, file, 'listener', arns, isOwn, (rules) => rules);
}

/** The target groups that listeners and rules forward to. */
function forwardedTargetGroups(
  listeners: FileAnswer<Evidence['listeners']>,
  rules: FileAnswer<Evidence['rules']>,
): Set<string> {
  const actions = [
    ...('value' in listeners ? listeners.value.flatMap(({ DefaultActions }) => DefaultActions ?? []) : []),
    ...('value' in rules
      ? Object.values(rules.value).flatMap((list) => list.flatMap(({ Actions }) => Actions ?? []))
      : []),
  ];
  const arns = actions.flatMap(({ TargetGroupArn, ForwardConfig }) => [
    TargetGroupArn,
    ...(ForwardConfig?.TargetGroups ?? []).map((group) => group.TargetGroupArn),
  ]);
  return new Set(arns.filter((arn) => arn !== undefined));
}

function targetGroupsIn(
  recording: Recording,
  asked: Question['loadBalancer'],
  listeners: FileAnswer<Evidence['listeners']>,
  rules: FileAnswer<Evidence['rules']>,
): FileAnswer<Evidence['targetGroups']> {
  const file = recording['aws/describe-target-groups.json'];
  if (file === undefined) return missingFile(FILE_OF.targetGroups);
  const forwarded = forwardedTargetGroups(listeners, rules);
  return {
    value: file.TargetGroups.filter(({ TargetGroupArn, LoadBalancerArns }) => {
      if (LoadBalancerArns === undefined || LoadBalancerArns.length === 0) return true;
      return forwarded.has(TargetGroupArn) || LoadBalancerArns.some((arn) => isSameLoadBalancer(arn, asked));
    }),
  };
}

function functionsIn(recording: Recording, lambdas: [] | null): FileAnswer<Evidence['functions']> {
  const printed = recording['aws/get-function-configuration.json'];
  const { [UNKEYED]: bare, ...file } = printed ?? {};
  const key = bare?.FunctionArn;
  if (bare !== undefined && key === undefined)
    return { reason: `${FILE_OF.functions} does not say which function it is` };
  if (bare !== undefined && key !== undefined) file[key] = bare;
  return keyedEntries(
    FILE_OF.functions,
    printed === undefined ? undefined : file,
    'function',
    lambdas,
    () => true,
    (one) => one,
  );
}

/**
 * The entries of a keyed file that satisfy `isOwn`. `expected`: the keys that a live run would request, null if
 * unknown. A bare output goes to the only expected key. If no expected key is present, none was requested.
 */
function keyedEntries<A, B>(
  file: RecordingFileName,
  printed: Record<string, A> | undefined,
  what: string,
  expected: string[] | null,
  isOwn: (key: string) => boolean,
  map: (value: A) => B,
): FileAnswer<Record<string, B>> {
  if (printed === undefined) return missingFile(file);
  const { [UNKEYED]: bare, ...entries } = printed;
  if (bare !== undefined) {
    const [only, ...others] = expected ?? [];
    if (only === undefined || others.length > 0) return { reason: `${file} does not say which ${what} it is about` };
    entries[only] = bare;
  }
  const own = Object.entries(entries).filter(([key]) => isOwn(key));
  if (own.length === 0 && (expected === null || expected.length > 0)) {
    return { reason: `${file} has no entry for any ${what} of the load balancer` };
  }
  return { value: Object.fromEntries(own.map(([key, value]) => [key, map(value)])) };
}

/** The series, if the window lies within their recorded range: only there is a counter without values zero. */
function metricsIn(recording: Recording, { from, to }: Question): FileAnswer<MetricSeries[]> {
  const series = recording['metrics.json'];
  if (series === undefined) return missingFile('metrics.json');
  const recorded = recording['incident.json'];
  let first = epochOf(recorded.from);
  let last = epochOf(recorded.to);
  for (const { Timestamps, Period } of series) {
    for (const timestamp of Timestamps) {
      const start = epochOf(timestamp);
      if (start < first) first = start;
      if (start + Period * 1000 > last) last = start + Period * 1000;
    }
  }
  if (from >= first && to <= last) return { value: series };
  const span = [first, last].map((time) => new Date(time).toISOString()).join(' to ');
  return { reason: `metrics.json was recorded for ${span} only` };
}

/**
 * The files that hold this evidence, by name, as a recording of this load balancer alone. Unavailable evidence has no
 * file.
 */
export function toRecordingFiles(
  evidence: DescribedEvidence,
  { loadBalancer }: Question,
): Map<RecordingFileName, unknown> {
  const key = loadBalancer.arn ?? loadBalancer.name;
  const files = new Map<RecordingFileName, unknown>();
  const put = <T>(name: DescribedEvidenceName, collected: Collected<T>, print: (value: T) => unknown) => {
    if (collected.status === 'collected') files.set(FILE_OF[name], print(collected.value));
  };
  const attributeList = (attributes: Record<string, string>) => ({
    Attributes: Object.entries(attributes).map(([Key, Value]) => ({ Key, Value })),
  });
  put('loadBalancer', evidence.loadBalancer, (one) => ({ LoadBalancers: [one] }));
  put('attributes', evidence.attributes, (attributes) => ({ [key]: attributeList(attributes) }));
  put('listeners', evidence.listeners, (Listeners) => ({ [key]: { Listeners } }));
  put('rules', evidence.rules, (rules) => mapValues(rules, (Rules) => ({ Rules })));
  put('targetGroups', evidence.targetGroups, (TargetGroups) => ({ TargetGroups }));
  put('targetGroupAttributes', evidence.targetGroupAttributes, (groups) => mapValues(groups, attributeList));
  put('targetHealth', evidence.targetHealth, (groups) =>
    mapValues(groups, (TargetHealthDescriptions) => ({ TargetHealthDescriptions })),
  );
  put('securityGroups', evidence.securityGroups, (SecurityGroups) => ({ SecurityGroups }));
  put('networkAcls', evidence.networkAcls, (NetworkAcls) => ({ NetworkAcls }));
  put('subnets', evidence.subnets, (Subnets) => ({ Subnets }));
  put('routeTables', evidence.routeTables, (RouteTables) => ({ RouteTables }));
  put('networkInterfaces', evidence.networkInterfaces, (NetworkInterfaces) => ({ NetworkInterfaces }));
  put('instances', evidence.instances, (Instances) => ({ Reservations: [{ Instances }] }));
  put('prefixLists', evidence.prefixLists, (lists) => mapValues(lists, (Entries) => ({ Entries })));
  put('functions', evidence.functions, (functions) => functions);
  for (const [name, content] of workloadFiles(evidence)) files.set(name, content);
  put('changes', evidence.changes, (Events) => ({ Events }));
  put('edge', evidence.edge, (edge) => edge);
  put('metrics', evidence.metrics, (series) => series);
  return files;
}
