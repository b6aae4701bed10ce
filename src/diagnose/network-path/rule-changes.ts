/**
 * Finds changes to the resources of a path. The configuration read now is evidence only for the time since the last
 * change.
 */
import type { CloudTrailEvent } from '../../evidence/aws.ts';

export interface PathChange {
  /** Epoch milliseconds. */
  at: number;
  name: string;
  resource: string;
  /** The ports of its rules; empty if it names no port. */
  ports: { from: number; to: number }[];
}

/** Names in CloudTrail of the calls that open or close a path. */
const PATH_CALLS =
  /SecurityGroup(Ingress|Egress|Rules|s)$|^Modify(NetworkInterface|Instance)Attribute$|NetworkAcl(Entry|Association)$|^(Create|Replace|Delete)Route$|^SetSubnets$/;

/** Calls that name one of the resources, by time; read-only calls are excluded. */
export function pathChanges(events: readonly CloudTrailEvent[], resources: readonly string[]): PathChange[] {
  return events
    .flatMap((event): PathChange[] => {
      const at = eventTime(event);
      const resource = changedResource(event, resources);
      if (at === null || resource === undefined || !PATH_CALLS.test(event.EventName ?? '')) return [];
      return /^(Describe|Get|List)/.test(event.EventName ?? '')
        ? []
        : [{ at, name: event.EventName ?? '', resource, ports: changedPorts(event) }];
    })
    .sort((a, b) => a.at - b.at || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

const changedPorts = ({ CloudTrailEvent: record = '' }: CloudTrailEvent): PathChange['ports'] =>
  [...record.matchAll(/"from(?:Port)?"\s*:\s*(-?\d+)\s*,\s*"to(?:Port)?"\s*:\s*(-?\d+)/g)].map(([, from, to]) => ({
    from: Number(from),
    to: Number(to),
  }));

/** A rule also names the group it allows; the group that changed is the one of the request. */
function changedResource(event: CloudTrailEvent, resources: readonly string[]): string | undefined {
  const named = resources.filter((id) => namesResource(event, id));
  const requestedId = /"(?:groupId|networkAclId)"\s*:\s*"([^"]+)"/.exec(event.CloudTrailEvent ?? '')?.[1];
  return (
    named.find((id) => event.Resources?.length === 1 && event.Resources[0]?.ResourceName === id) ??
    named.find((id) => id === requestedId) ??
    named[0]
  );
}

/** The AWS CLI prints epoch seconds or ISO 8601, depending on its version and settings. */
export function eventTime({ EventTime }: CloudTrailEvent): number | null {
  const at = typeof EventTime === 'number' ? EventTime * 1000 : Date.parse(EventTime ?? '');
  return Number.isNaN(at) ? null : at;
}

/**
 * Whether a call names this id in its resources or its recorded request. A refused call changed nothing and does not
 * count.
 */
export function namesResource({ Resources, CloudTrailEvent: record = '' }: CloudTrailEvent, id: string): boolean {
  if (/"errorCode"\s*:/.test(record)) return false;
  return Resources?.some(({ ResourceName }) => ResourceName === id) === true || record.includes(`"${id}"`);
}
