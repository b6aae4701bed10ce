/** Asks CloudWatch and Elastic Load Balancing which load balancers an alarm affects if its message does not say. */
import { CloudWatchClient, type MetricAlarm, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import { ElasticLoadBalancingV2Client, paginateDescribeTargetGroups } from '@aws-sdk/client-elastic-load-balancing-v2';
import { type AwsErrorKind, assumeRoleProblem, awsErrorKind, httpStatusOf } from '../collect/aws/aws-errors.ts';
import { type Call, callAws, collectItems } from '../collect/aws/call.ts';
import { openSession, type Session, standardRegion } from '../collect/aws/session.ts';
import { resourceOf } from '../collect/find-load-balancer.ts';
import type { Account, Config } from '../config.ts';
import type { Investigator, LoadBalancerRef } from '../investigate/investigator.ts';
import { Problem } from '../problem.ts';
import { type Alarm, accountOfTargetGroups, accountsOf, ownerOf, unrelatedReason } from './alarm-event.ts';
import { readMessage } from './read-message.ts';
import { windowStart } from './window-start.ts';

export interface AffectedLoadBalancers {
  /** `app/<name>/<id>`, each once. */
  loadBalancers: string[];
  /** Account of each load balancer: twelve digits; null if unknown. */
  owners: Record<string, string | null>;
  /** All accounts whose data the alarm shows; null for an unknown one. */
  accounts: (string | null)[];
  /** Start of the window, or of the earliest alarm that triggered a composite alarm. Epoch milliseconds. */
  from: number;
  /** Failed lookups and their reasons, in whole sentences. */
  sentences: string[];
  /** Some lookups may succeed a moment later. */
  isTransient: boolean;
  /** Why the alarm is not about an Application Load Balancer; null if it may be. */
  unrelatedReason: string | null;
}

/** Finds the load balancers an alarm affects. Rejects only when `signal` aborts. */
export type AlarmLookup = (alarm: Alarm, signal: AbortSignal) => Promise<AffectedLoadBalancers>;

/** CloudWatch nests composite alarms deeper, but a diagnosis does not need more. */
const MAX_DEPTH = 3;
/** Most names in one call (API reference, DescribeAlarms). */
const MAX_NAMES = 100;

/** Returns the configured account whose role is in account `id`, else one without a role, else the first. */
export function accountFor(accounts: readonly Account[], id: string | null): Account | null {
  const byRole = id === null ? undefined : accounts.find(({ roleArn }) => roleArn?.split(':')[4] === id);
  return byRole ?? accounts.find(({ roleArn }) => roleArn === undefined) ?? accounts[0] ?? null;
}

/** Reads the affected load balancers from the message, without a call. */
export function fromMessage(alarm: Alarm): AffectedLoadBalancers {
  return {
    loadBalancers: alarm.loadBalancers,
    owners: Object.fromEntries(alarm.loadBalancers.map((resource) => [resource, ownerOf(resource, alarm)])),
    accounts: accountsOf(alarm),
    from: windowStart(alarm),
    sentences: [],
    isTransient: false,
    unrelatedReason: unrelatedReason(alarm),
  };
}

export const needsLookup = (alarm: Alarm): boolean =>
  alarm.loadBalancers.length === 0 && (alarm.children.length > 0 || alarm.targetGroups.length > 0);

export function liveLookup(config: Pick<Config, 'accounts' | 'deadlines'>): AlarmLookup {
  return async (alarm, signal) => {
    const affected = fromMessage(alarm);
    if (!needsLookup(alarm)) return affected;
    const owner = alarm.targetGroups.length > 0 ? accountOfTargetGroups(alarm) : alarm.account;
    const account = accountFor(config.accounts, owner);
    if (account === null) return affected;
    const region = alarm.region ?? account.regions[0] ?? (await standardRegion(undefined));
    const { name, roleArn, externalId } = account;
    const session = openSession(
      { account: name, roleArn, externalId, region },
      { signal, deadline: config.deadlines.evidenceSeconds * 1000 },
    );
    try {
      return await resolveAffected(alarm, session, 0);
    } finally {
      session.close();
    }
  };
}

/**
 * Looks up `app/<name>/<id>` of each load balancer an alarm affects, by the alarm's name or ARN. `region`: null for the
 * region of the account.
 */
export function lookupByName(
  config: Pick<Config, 'accounts' | 'deadlines'>,
): (named: { alarm: string; region: string | null }, signal: AbortSignal) => Promise<string[]> {
  const lookup = liveLookup(config);
  return async ({ alarm, region }, signal) => {
    const [, inArn = null, account = null] = /^arn:[^:]*:cloudwatch:([^:]+):([0-9]{12}):alarm:/.exec(alarm) ?? [];
    const asChild: Alarm = {
      ...NOTHING_KNOWN,
      name: alarm,
      children: [alarm],
      account,
      region: inArn ?? region,
    };
    return (await lookup(asChild, signal)).loadBalancers;
  };
}

/** Makes an alarm known only by name look like a composite alarm with one part. */
const NOTHING_KNOWN: Omit<Alarm, 'name' | 'children' | 'account' | 'region'> = {
  arn: '',
  description: null,
  kind: 'composite',
  state: 'INSUFFICIENT_DATA',
  previousState: null,
  changedAt: new Date(0).toISOString(),
  reason: '',
  metrics: [],
  period: null,
  evaluationPeriods: null,
  threshold: null,
  breachedFrom: null,
  contributor: null,
  loadBalancers: [],
  targetGroups: [],
};

async function resolveAffected(alarm: Alarm, session: Session, depth: number): Promise<AffectedLoadBalancers> {
  const affected = fromMessage(alarm);
  if (!needsLookup(alarm)) return affected;
  if (alarm.targetGroups.length > 0) {
    return { ...affected, ...(await loadBalancersBehind(alarm, session)) };
  }
  if (depth >= MAX_DEPTH)
    return { ...affected, sentences: [`${alarm.name} is composed of alarms too deep to follow.`] };
  const response = await fetchChildren(alarm, session);
  if ('reason' in response)
    return { ...affected, sentences: [asSentence(response)], isTransient: response.isTransient };
  const children = response.value;
  if (children.length === 0)
    return { ...affected, sentences: [`The alarms that ${alarm.name} is composed of are gone.`] };
  // In ALARM, the parts in ALARM triggered it; afterwards any part may have.
  const inAlarm = children.filter(({ state }) => state === 'ALARM');
  const relevant = alarm.state === 'ALARM' && inAlarm.length > 0 ? inAlarm : children;
  const each = await Promise.all(relevant.map((child) => resolveAffected(child, session, depth + 1)));
  const about = each.filter((one) => one.loadBalancers.length > 0);
  const other = each.flatMap((one) => one.unrelatedReason ?? []);
  return {
    loadBalancers: [...new Set(each.flatMap((one) => one.loadBalancers))],
    owners: Object.assign({}, ...each.map((one) => one.owners)),
    accounts: [...new Set([...affected.accounts, ...each.flatMap((one) => one.accounts)])],
    from: Math.min(affected.from, ...about.map((one) => one.from)),
    sentences: each.flatMap((one) => one.sentences),
    isTransient: each.some((one) => one.isTransient),
    unrelatedReason: other.length === each.length ? (other[0] ?? null) : null,
  };
}

/** Fetches the alarms that triggered a composite alarm, or all that its rule names if the trigger is unknown. */
async function fetchChildren({ children }: Alarm, session: Session): Promise<LookupAnswer<Alarm[]>> {
  const names = children
    .slice(0, MAX_NAMES)
    .map((child) => /^arn:[^:]*:cloudwatch:.*?:alarm:(.*)$/.exec(child)?.[1] ?? child);
  return callForLookup(session, 'cloudwatch:DescribeAlarms', (options) => {
    const pages = paginateDescribeAlarms(
      { client: session.client(CloudWatchClient) },
      { AlarmNames: names, AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] },
      options,
    );
    return collectItems(pages, ({ MetricAlarms = [], CompositeAlarms = [] }) =>
      [...MetricAlarms, ...CompositeAlarms].flatMap((described) => parseDescribedAlarm(described)),
    );
  });
}

type DescribedAlarm = MetricAlarm & { AlarmRule?: string | undefined };

/** A described alarm has the members that SNS sends, under other names. */
function parseDescribedAlarm({
  StateUpdatedTimestamp,
  StateValue,
  StateReason,
  ...described
}: DescribedAlarm): Alarm[] {
  const read = readMessage(
    JSON.stringify({
      ...described,
      NewStateValue: StateValue,
      NewStateReason: StateReason,
      StateChangeTime: StateUpdatedTimestamp,
      Trigger: described.AlarmRule === undefined ? described : undefined,
    }),
  );
  return 'alarm' in read ? [read.alarm] : [];
}

/** Looks up the load balancers that forward to the target groups of an alarm. */
async function loadBalancersBehind(
  alarm: Alarm,
  session: Session,
): Promise<Pick<AffectedLoadBalancers, 'loadBalancers' | 'owners' | 'sentences' | 'isTransient'>> {
  const { arn, targetGroups } = alarm;
  const [, partition = 'aws', , region = '', own = ''] = arn.split(':');
  const owner = accountOfTargetGroups(alarm);
  const account = owner ?? own;
  const TargetGroupArns = targetGroups.map(
    (group) => `arn:${partition}:elasticloadbalancing:${region}:${account}:${group}`,
  );
  const answer = await callForLookup(session, 'elasticloadbalancing:DescribeTargetGroups', (options) => {
    const client = session.client(ElasticLoadBalancingV2Client);
    const pages = paginateDescribeTargetGroups({ client }, { TargetGroupArns }, options);
    return collectItems(pages, ({ TargetGroups = [] }) =>
      TargetGroups.flatMap((group) => group.LoadBalancerArns ?? []),
    );
  });
  if ('reason' in answer)
    return { loadBalancers: [], owners: {}, sentences: [asSentence(answer)], isTransient: answer.isTransient };
  const loadBalancers = [...new Set(answer.value.flatMap((found) => resourceOf(found) ?? []))];
  const sentences =
    loadBalancers.length > 0 ? [] : [`No Application Load Balancer forwards to ${targetGroups.join(', ')} any more.`];
  const owners = Object.fromEntries(loadBalancers.map((resource) => [resource, owner]));
  return { loadBalancers, owners, sentences, isTransient: false };
}

type LookupAnswer<T> = { value: T } | { reason: string; isTransient: boolean };

/** Makes one call; a failure says whether a retry may succeed. */
async function callForLookup<T>(
  session: Session,
  action: string,
  fetch: (options: Call['options']) => Promise<T>,
): Promise<LookupAnswer<T>> {
  // A call that timed out may succeed next time.
  let isTransient = true;
  const answer = await callAws(
    session,
    action,
    () => null,
    ({ options }) =>
      fetch(options).catch((error: unknown) => {
        isTransient = isTransientError(error);
        throw isRoleRefusal(error, session) ? assumeRoleProblem(error, session.place) : error;
      }),
  );
  return 'reason' in answer ? { ...answer, isTransient } : answer;
}

/** Whether assuming the role was refused, rather than the call itself. */
const isRoleRefusal = (error: unknown, { place }: Session): boolean =>
  place.roleArn !== undefined && error instanceof Error && /\bsts:AssumeRole\b/.test(error.message);

const TRANSIENT_KINDS: readonly AwsErrorKind[] = ['throttled', 'timeout', 'unreachable', 'expired'];

const isTransientError = (error: unknown): boolean =>
  TRANSIENT_KINDS.includes(awsErrorKind(error)) || httpStatusOf(error) >= 500;

const asSentence = ({ reason, iamStatement }: { reason: string; iamStatement?: string | null | undefined }): string =>
  iamStatement == null ? `${reason}.` : `${reason}. Allow it with ${iamStatement}`;

/** Milliseconds. */
const FIND_TIMEOUT = 10_000;

/** `isTransient`: the lookup failed and may succeed a moment later. */
interface LookupFailure {
  sentence: string;
  isTransient: boolean;
}

/**
 * Resolves a load balancer of an alarm: a known one, one built from the alarm's own fields without a call, or else one
 * found by a search. `owner`: its account; null if unknown. Never rejects.
 */
export async function resolveLoadBalancer(
  resource: string,
  alarm: Pick<Alarm, 'arn' | 'account' | 'region'>,
  owner: string | null,
  search: {
    accounts: readonly Account[];
    investigator: Pick<Investigator, 'listLoadBalancers' | 'find'>;
    signal: AbortSignal;
  },
): Promise<LoadBalancerRef | LookupFailure> {
  const { accounts, investigator } = search;
  const [, name = resource] = resource.split('/');
  // With one configured account, an unknown owner is taken to be the alarm's account.
  const id = owner ?? (accounts.length === 1 ? alarm.account : null);
  const account = accountFor(accounts, id);
  const partition = alarm.arn.split(':')[1] || 'aws';
  const isWhole = alarm.region !== null && /^\d{12}$/.test(id ?? '');
  const arn = isWhole ? `arn:${partition}:elasticloadbalancing:${alarm.region}:${id}:loadbalancer/${resource}` : null;
  const known = investigator.listLoadBalancers();
  const existing =
    known.find((one) => arn !== null && one.arn === arn) ??
    // Ids of load balancers are unique, so the same id in another account is the same load balancer.
    known.find((one) => one.arn?.endsWith(`:loadbalancer/${resource}`));
  if (existing !== undefined) return existing;
  if (arn !== null && alarm.region !== null && account !== null)
    return { name, arn, account: account.name, region: alarm.region };
  const names = accounts.map((one) => one.name);
  const signal = AbortSignal.any([search.signal, AbortSignal.timeout(FIND_TIMEOUT)]);
  return investigator.find(resource, names, signal).catch((error: unknown) => ({
    sentence: error instanceof Problem ? error.message : `${resource} could not be looked for.`,
    isTransient: !(error instanceof Problem && error.exitCode === 1),
  }));
}
