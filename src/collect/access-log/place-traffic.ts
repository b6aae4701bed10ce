/** Computes traffic by target and status from rows counted per place, which every counting engine returns. Pure. */
import type { StatusCount, TargetTraffic } from '../../evidence/access-log.ts';
import { byText } from '../../format/by-text.ts';

/** Lines of one target group, target, node and pair of statuses. */
export interface PlaceRow {
  target_group_arn: string;
  target: string;
  node: string;
  /** -1 for none. */
  status: number;
  target_status: number;
  /** `lines` counts everything read; `requests` and `failures` count only the window. */
  lines: number;
  requests: number;
  failures: number;
  /** Microseconds. */
  first: number;
  last: number;
}

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
export const least = (values: readonly number[]): number => values.reduce((low, value) => Math.min(low, value));
export const statusText = (status: number): string => (status < 0 ? '-' : String(status).padStart(3, '0'));
export const nodeOf = (node: string): string | null => (node === '-' ? null : node);

/** Groups items, in the order of their first member. */
export function grouped<T>(items: readonly T[], key: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    const own = groups.get(name);
    if (own === undefined) groups.set(name, [item]);
    else own.push(item);
  }
  return [...groups.values()];
}

export const placeKey = ({
  target_group_arn,
  target,
  node,
}: Pick<PlaceRow, 'target_group_arn' | 'target' | 'node'>): string => [target_group_arn, target, node].join('"');

const isSuccess = ({ target_status }: PlaceRow): boolean => target_status >= 0 && target_status < 500;

export function targetTraffic(places: readonly PlaceRow[]): TargetTraffic[] {
  return grouped(places, placeKey)
    .flatMap((rows) => {
      const [place] = rows;
      if (place === undefined) return [];
      const successes = rows.filter(isSuccess);
      const traffic: TargetTraffic & { sortNode: string } = {
        target_group_arn: place.target_group_arn,
        target: place.target,
        node: nodeOf(place.node),
        sortNode: place.node,
        requests: sum(rows.map(({ requests }) => requests)),
        failures: sum(rows.map(({ failures }) => failures)),
        badRequests: sum(rows.filter(({ target_status }) => target_status === 400).map(({ requests }) => requests)),
        firstSeen: least(rows.map(({ first }) => first)) / 1000,
        lastSeen: -least(rows.map(({ last }) => -last)) / 1000,
        firstSuccess: successes.length === 0 ? null : least(successes.map(({ first }) => first)) / 1000,
        lastSuccess: successes.length === 0 ? null : -least(successes.map(({ last }) => -last)) / 1000,
      };
      return [traffic];
    })
    .sort(
      (a, b) =>
        byText(a.target_group_arn, b.target_group_arn) || byText(a.target, b.target) || byText(a.sortNode, b.sortNode),
    )
    .map(({ sortNode: _, ...traffic }) => traffic);
}

export function statusCounts(places: readonly PlaceRow[]): StatusCount[] {
  return grouped(places, ({ target_group_arn, status, target_status }) =>
    [target_group_arn, status, target_status].join('"'),
  )
    .flatMap((rows) => {
      const [first] = rows;
      const requests = sum(rows.map((row) => row.requests));
      return first === undefined || requests === 0 ? [] : [{ ...first, requests }];
    })
    .sort(
      (a, b) =>
        byText(a.target_group_arn, b.target_group_arn) || a.status - b.status || a.target_status - b.target_status,
    )
    .map(({ target_group_arn, status, target_status, requests }) => ({
      target_group_arn,
      elb_status_code: statusText(status),
      target_status_code: statusText(target_status),
      requests,
    }));
}
