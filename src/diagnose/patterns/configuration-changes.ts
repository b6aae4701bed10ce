/** API calls from lookup-events that changed something. */

import type { CloudTrailEvent } from '../../evidence/aws.ts';
import { epochOf } from '../../evidence/aws.ts';
import type { Evidence } from '../../evidence/evidence.ts';
import { isRecord } from '../../format/is-record.ts';

export interface Mutation {
  name: string;
  /** Epoch milliseconds. */
  at: number;
  user: string | null;
  /** The request parameters: parsed, and as text for searching names and ARNs. */
  parameters: Record<string, unknown>;
  text: string;
}

const READ_ONLY_CALLS = /^(Describe|Get|List|Lookup|Search|Filter|BatchGet|Head|Test|Assume|Decrypt|StartQuery)/;

/** Successful calls that change something, oldest first, then by name. Events without a time are dropped. */
export const mutations = (events: readonly CloudTrailEvent[]): Mutation[] =>
  events
    .filter(({ EventName = '' }) => EventName !== '' && !READ_ONLY_CALLS.test(EventName))
    .flatMap((event) => {
      const at = epochMs(event.EventTime);
      const record = parseRecord(event.CloudTrailEvent);
      if (at === null || 'errorCode' in record) return [];
      return [
        {
          name: event.EventName ?? '',
          at,
          user: event.Username ?? null,
          parameters: isRecord(record.requestParameters) ? record.requestParameters : {},
          text: `${event.CloudTrailEvent ?? ''} ${(event.Resources ?? []).map(({ ResourceName }) => ResourceName ?? '').join(' ')}`,
        },
      ];
    })
    .sort((a, b) => a.at - b.at || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));

/** The AWS CLI prints ISO 8601 times; older versions printed epoch seconds. */
function epochMs(time: CloudTrailEvent['EventTime']): number | null {
  if (time === undefined) return null;
  const at = typeof time === 'number' ? time * 1000 : epochOf(time);
  return Number.isNaN(at) ? null : at;
}

function parseRecord(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

interface Deregistration {
  at: number;
  targetGroupArn: string;
  targets: { id: string; port: number | null }[];
}

/** DeregisterTargets calls: requestParameters.targetGroupArn and targets[].id, as CloudTrail records them. */
export const deregistrations = (events: readonly CloudTrailEvent[]): Deregistration[] =>
  mutations(events)
    .filter(({ name }) => name === 'DeregisterTargets')
    .flatMap(({ at, parameters }) => {
      const { targetGroupArn, targets } = parameters;
      if (typeof targetGroupArn !== 'string' || !Array.isArray(targets)) return [];
      const named = targets.filter(isRecord).flatMap(({ id, port }) => {
        return typeof id === 'string' ? [{ id, port: typeof port === 'number' ? port : null }] : [];
      });
      return [{ at, targetGroupArn, targets: named }];
    });

/** When API calls deregistered this target from this target group, epoch milliseconds, oldest first. */
export function deregistrationTimes(
  arn: string,
  target: string,
  { changes, instances }: Partial<Pick<Evidence, 'changes' | 'instances'>>,
): number[] {
  const address = target.slice(0, target.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  const port = Number(target.slice(target.lastIndexOf(':') + 1));
  const ids = new Set([address]);
  for (const { InstanceId, PrivateIpAddress } of instances ?? []) if (PrivateIpAddress === address) ids.add(InstanceId);
  return deregistrations(changes ?? [])
    .filter(
      (call) =>
        call.targetGroupArn === arn && call.targets.some((one) => ids.has(one.id) && (one.port ?? port) === port),
    )
    .map(({ at }) => at);
}

/** Calls that may affect how a load balancer reaches its targets, or the targets themselves. */
const RELEVANT_CALLS =
  /LoadBalancer|Listener|(Create|Modify|Delete|Set)Rule|TargetGroup|Targets$|SecurityGroup|NetworkAcl|Route|Subnet|WebACL|Certificate|AutoScaling|DesiredCapacity|Instances$|^(Update|Create|Delete)Service$|UpdateFunction|UpdateAlias|Concurrency|NetworkInterface|^(StopTask|BidEvictedEvent|CreateDeployment|StartInstanceRefresh|ExecutePolicy|UpdateStack|ExecuteChangeSet|UpdateNodegroupVersion|(Update|Delete)TaskSet)$/;

/**
 * Changes that may affect this load balancer; excludes those to another load balancer or another one's target group.
 */
export const changesTo = (
  name: string,
  targetGroupArns: readonly string[],
  events: readonly CloudTrailEvent[],
): Mutation[] => mutations(events).filter(mayAffect(name, targetGroupArns));

/** The same for one call. */
export function mayAffect(name: string, targetGroupArns: readonly string[]): (call: Mutation) => boolean {
  const own = [`app/${name}/`, ...targetGroupArns.map((arn) => `targetgroup/${arn.split(':targetgroup/')[1]}`)];
  return (call) => {
    if (!RELEVANT_CALLS.test(call.name)) return false;
    const namesOne = /:(loadbalancer|listener|listener-rule|targetgroup)\//.test(call.text);
    return !namesOne || own.some((part) => call.text.includes(part));
  };
}
