/** Which load balancers an alarm is about, where its message does not say: asked of CloudWatch and Elastic Load Balancing. */
import { CloudWatchClient, type MetricAlarm, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import { ElasticLoadBalancingV2Client, paginateDescribeTargetGroups } from '@aws-sdk/client-elastic-load-balancing-v2';
import { type Kind, kindOf, roleProblem } from '../collect/aws/aws-errors.ts';
import { ask, type Call, everyItem } from '../collect/aws/call.ts';
import { openSession, type Session, standardRegion } from '../collect/aws/session.ts';
import { resourceOf } from '../collect/find-load-balancer.ts';
import type { Account, Config } from '../config.ts';
import type { Investigator, LoadBalancerRef } from '../investigate/investigator.ts';
import { Problem } from '../problem.ts';
import { beginningOf } from '../query/alarm-window.ts';
import { type Alarm, elsewhere } from './alarm-event.ts';
import { readMessage } from './read-message.ts';

export interface Concerned {
  /** `app/<name>/<id>`, each once. */
  loadBalancers: string[];
  /** Where the window begins: for a composite alarm, that of the alarms that set it off. Epoch milliseconds. */
  from: number;
  /** What could not be looked up, and why; whole sentences. */
  sentences: string[];
  /** Some of it may be answered a moment later. */
  isPassing: boolean;
  /** Why none of it is about an Application Load Balancer. */
  elsewhere: string | null;
}

/** Finds what an alarm is about. Never rejects but when `signal` aborts. */
export type Lookup = (alarm: Alarm, signal: AbortSignal) => Promise<Concerned>;

/** Composite alarms of composite alarms: CloudWatch allows depth, an answer needs none. */
const DEEPEST = 3;
/** As many names as one call takes (API reference, DescribeAlarms). */
const NAMES = 100;

/** The account of that number: the one whose role is in it, else the one that the credentials of the environment are of. */
export function accountOf(accounts: readonly Account[], id: string | null): Account | null {
  const byRole = id === null ? undefined : accounts.find(({ roleArn }) => roleArn?.split(':')[4] === id);
  return byRole ?? accounts.find(({ roleArn }) => roleArn === undefined) ?? accounts[0] ?? null;
}

/** Without a call where the message says it all. */
export function toldBy(alarm: Alarm): Concerned {
  return {
    loadBalancers: alarm.loadBalancers,
    from: beginningOf(alarm),
    sentences: [],
    isPassing: false,
    elsewhere: elsewhere(alarm),
  };
}

export const needsLookup = (alarm: Alarm): boolean =>
  alarm.loadBalancers.length === 0 && (alarm.children.length > 0 || alarm.targetGroups.length > 0);

export function liveLookup(config: Pick<Config, 'accounts' | 'deadlines'>): Lookup {
  return async (alarm, signal) => {
    const told = toldBy(alarm);
    if (!needsLookup(alarm)) return told;
    const account = accountOf(config.accounts, alarm.account);
    if (account === null) return told;
    const region = alarm.region ?? account.regions[0] ?? (await standardRegion(undefined));
    const { name, roleArn, externalId } = account;
    const session = openSession(
      { account: name, roleArn, externalId, region },
      { signal, deadline: config.deadlines.evidenceSeconds * 1000 },
    );
    try {
      return await lookedUp(alarm, session, 0);
    } finally {
      session.close();
    }
  };
}

async function lookedUp(alarm: Alarm, session: Session, depth: number): Promise<Concerned> {
  const told = toldBy(alarm);
  if (!needsLookup(alarm)) return told;
  if (alarm.targetGroups.length > 0) {
    return { ...told, ...(await balancersOf(alarm, session)) };
  }
  if (depth >= DEEPEST) return { ...told, sentences: [`${alarm.name} is composed of alarms too deep to follow.`] };
  const described = await childrenOf(alarm, session);
  if ('reason' in described)
    return { ...told, sentences: [sentence(described.reason)], isPassing: described.isPassing };
  const children = described.value;
  if (children.length === 0) return { ...told, sentences: [`The alarms that ${alarm.name} is composed of are gone.`] };
  // Those that are in ALARM have set it off; when it is over, all of them may have.
  const inAlarm = children.filter(({ state }) => state === 'ALARM');
  const meant = alarm.state === 'ALARM' && inAlarm.length > 0 ? inAlarm : children;
  const each = await Promise.all(meant.map((child) => lookedUp(child, session, depth + 1)));
  const about = each.filter((one) => one.loadBalancers.length > 0);
  const other = each.flatMap((one) => one.elsewhere ?? []);
  return {
    loadBalancers: [...new Set(each.flatMap((one) => one.loadBalancers))],
    from: Math.min(told.from, ...about.map((one) => one.from)),
    sentences: each.flatMap((one) => one.sentences),
    isPassing: each.some((one) => one.isPassing),
    elsewhere: other.length === each.length ? (other[0] ?? null) : null,
  };
}

/** The alarms that set a composite one off, as their news would be; those it names where it does not say which did. */
async function childrenOf({ children }: Alarm, session: Session): Promise<Answer<Alarm[]>> {
  const names = children
    .slice(0, NAMES)
    .map((child) => /^arn:[^:]*:cloudwatch:.*?:alarm:(.*)$/.exec(child)?.[1] ?? child);
  return asked(session, 'cloudwatch:DescribeAlarms', (options) => {
    const pages = paginateDescribeAlarms(
      { client: session.client(CloudWatchClient) },
      { AlarmNames: names, AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] },
      options,
    );
    return everyItem(pages, ({ MetricAlarms = [], CompositeAlarms = [] }) =>
      [...MetricAlarms, ...CompositeAlarms].flatMap((described) => alarmOf(described)),
    );
  });
}

type Described = MetricAlarm & { AlarmRule?: string | undefined };

/** A described alarm has the members that SNS sends, under other names. */
function alarmOf({ StateUpdatedTimestamp, StateValue, StateReason, ...described }: Described): Alarm[] {
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

/** The load balancers that the target groups of an alarm are behind. */
async function balancersOf(
  { arn, targetGroups }: Alarm,
  session: Session,
): Promise<Pick<Concerned, 'loadBalancers' | 'sentences' | 'isPassing'>> {
  const [, partition = 'aws', , region = '', account = ''] = arn.split(':');
  const TargetGroupArns = targetGroups.map(
    (group) => `arn:${partition}:elasticloadbalancing:${region}:${account}:${group}`,
  );
  const answer = await asked(session, 'elasticloadbalancing:DescribeTargetGroups', (options) => {
    const client = session.client(ElasticLoadBalancingV2Client);
    const pages = paginateDescribeTargetGroups({ client }, { TargetGroupArns }, options);
    return everyItem(pages, ({ TargetGroups = [] }) => TargetGroups.flatMap((group) => group.LoadBalancerArns ?? []));
  });
  if ('reason' in answer)
    return { loadBalancers: [], sentences: [sentence(answer.reason)], isPassing: answer.isPassing };
  const loadBalancers = [...new Set(answer.value.flatMap((found) => resourceOf(found) ?? []))];
  const sentences =
    loadBalancers.length > 0 ? [] : [`No Application Load Balancer forwards to ${targetGroups.join(', ')} any more.`];
  return { loadBalancers, sentences, isPassing: false };
}

type Answer<T> = { value: T } | { reason: string; isPassing: boolean };

/** One question, and of a refusal whether the same may be answered a moment later. */
async function asked<T>(
  session: Session,
  action: string,
  fetch: (options: Call['options']) => Promise<T>,
): Promise<Answer<T>> {
  // What is not answered in time may be the next time.
  let isPassing = true;
  const answer = await ask(
    session,
    action,
    () => null,
    ({ options }) =>
      fetch(options).catch((error: unknown) => {
        isPassing = passes(error);
        throw isOfRole(error, session) ? roleProblem(error, session.place) : error;
      }),
  );
  return 'reason' in answer ? { ...answer, isPassing } : answer;
}

/** The call was not refused, but the role it was to be made with. */
const isOfRole = (error: unknown, { place }: Session): boolean =>
  place.roleArn !== undefined && error instanceof Error && /\bsts:AssumeRole\b/.test(error.message);

const PASSING: readonly Kind[] = ['throttled', 'timeout', 'unreachable', 'expired'];

const passes = (error: unknown): boolean => PASSING.includes(kindOf(error)) || statusOf(error) >= 500;

/** Of the answer of AWS; 0 where there was none. */
function statusOf(error: unknown): number {
  const metadata = error instanceof Error && '$metadata' in error ? error.$metadata : null;
  const isKnown = typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata;
  return isKnown ? Number(metadata.httpStatusCode ?? 0) : 0;
}

const sentence = (reason: string): string => `${reason}.`;

/** Milliseconds. */
const FIND = 10_000;

/** `isPassing`: it could not be looked for, and may be a moment later. */
export interface Unfound {
  sentence: string;
  isPassing: boolean;
}

/**
 * A load balancer of an alarm: known, or made out of what the alarm says, which needs no call; looked for only where that is too little.
 * Never rejects.
 */
export async function refOf(
  resource: string,
  alarm: Alarm,
  looking: {
    accounts: readonly Account[];
    investigator: Pick<Investigator, 'known' | 'find'>;
    signal: AbortSignal;
  },
): Promise<LoadBalancerRef | Unfound> {
  const { accounts, investigator } = looking;
  const [, name = resource] = resource.split('/');
  // The metrics of an alarm may be of another account than the alarm.
  const owner = alarm.metrics.find(({ dimensions }) => dimensions.LoadBalancer === resource)?.account ?? alarm.account;
  const account = accountOf(accounts, owner);
  const partition = alarm.arn.split(':')[1] || 'aws';
  const isWhole = alarm.region !== null && /^\d{12}$/.test(owner ?? '');
  const arn = isWhole
    ? `arn:${partition}:elasticloadbalancing:${alarm.region}:${owner}:loadbalancer/${resource}`
    : null;
  const known = investigator
    .known()
    .find((one) => (arn === null ? one.arn?.endsWith(`/${resource}`) : one.arn === arn));
  if (known !== undefined) return known;
  if (arn !== null && alarm.region !== null && account !== null)
    return { name, arn, account: account.name, region: alarm.region };
  const names = accounts.map((one) => one.name);
  const signal = AbortSignal.any([looking.signal, AbortSignal.timeout(FIND)]);
  return investigator.find(resource, names, signal).catch((error: unknown) => ({
    sentence: error instanceof Problem ? error.message : `${resource} could not be looked for.`,
    isPassing: !(error instanceof Problem && error.exitCode === 1),
  }));
}
