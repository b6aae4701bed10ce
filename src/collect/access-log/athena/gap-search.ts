/** The search for the keep-alive edge: which failures the second statement examines, and what its rows say. Pure. */
import type { FailedRequest, IdleGaps } from '../../../evidence/evidence.ts';
import { type GapAnswer, groupGaps } from '../gap-answers.ts';
import { GAP_WITHIN_MS, gapHorizon, gapRequestLimits } from '../gap-limits.ts';
import { byText } from '../log-files.ts';
import { grouped, least, type PlaceRow, placeKey, sum } from '../place-traffic.ts';
import {
  GAP_COLUMNS,
  type GapControls,
  type GapPlace,
  type GapSearch,
  type GapStatementRequest,
  isSearchable,
  type TextKey,
  textKey,
} from './gaps-sql.ts';
import { type Rows, toRecord } from './rows.ts';

export interface ShownFailure {
  failure: FailedRequest;
  client_address: string;
  sample: number;
  /** Microseconds. */
  ended: number;
  node: string;
  isByCloudFront: boolean;
}

/** Failures whose connection was closed at once, by target group, in the order in which they are examined. */
export interface ClosedConnections {
  groups: {
    target_group_arn: string;
    failures: ClosedFailure[];
    /** The most completions at one place, and their time span in microseconds. */
    completions: number;
    span: number;
  }[];
}

interface ClosedFailure {
  /** Index into the failures. */
  index: number;
  place: Omit<GapPlace, 'reach'>;
  route: string;
  client: number;
  client_address: string;
  /** Microseconds. */
  dispatched: number;
}

export function findClosedConnections(
  shown: readonly ShownFailure[],
  places: readonly PlaceRow[],
): ClosedConnections | null {
  const closed = shown
    .map((one, index) => ({ ...one, index }))
    .filter(
      ({ failure }) =>
        failure.elb_status_code === '502' &&
        failure.target_status_code === '-' &&
        failure.target !== '-' &&
        failure.request_processing_time >= 0 &&
        failure.target_processing_time >= 0 &&
        Math.round(failure.target_processing_time * 1000) <= GAP_WITHIN_MS &&
        failure.response_processing_time < 0,
    )
    .sort((a, b) => a.sample - b.sample || a.index - b.index)
    .map(({ failure, client_address, ended, node, index }): ClosedFailure => {
      const { target_group_arn, target, target_processing_time, route, client } = failure;
      return {
        index,
        place: { target_group_arn, target, node },
        route,
        client,
        client_address,
        dispatched: ended - 1000 * Math.round(target_processing_time * 1000),
      };
    })
    .filter(({ place }) => isSearchable(place));
  if (closed.length === 0) return null;
  const traffic = new Map(
    grouped(
      places.filter(({ target_status }) => target_status >= 0),
      placeKey,
    ).flatMap((rows) => (rows[0] === undefined ? [] : [[placeKey(rows[0]), rows] as const])),
  );
  const groups = grouped(closed, ({ place }) => place.target_group_arn).map((failures) => {
    const completed = [...new Set(failures.map(({ place }) => placeKey(place)))].flatMap((key) => {
      const rows = traffic.get(key);
      return rows === undefined
        ? []
        : [
            {
              completions: sum(rows.map(({ lines }) => lines)),
              first: least(rows.map(({ first }) => first)),
              last: -least(rows.map(({ last }) => -last)),
            },
          ];
    });
    return {
      target_group_arn: failures[0]?.place.target_group_arn ?? '',
      failures,
      completions: Math.max(0, ...completed.map(({ completions }) => completions)),
      span:
        completed.length === 0
          ? 0
          : -least(completed.map(({ last }) => -last)) - least(completed.map(({ first }) => first)),
    };
  });
  return { groups: groups.sort((a, b) => byText(a.target_group_arn, b.target_group_arn)) };
}

/** The search that the second statement runs, and how to read its numbers. */
export interface PlannedSearch {
  search: GapSearch;
  /** By failure id. */
  examined: ReadonlyMap<number, { failure: ClosedFailure; horizon: number }>;
}

export function planSearch({ groups }: ClosedConnections, idleTimeoutSeconds: number): PlannedSearch {
  const horizon = Math.round(gapHorizon(idleTimeoutSeconds) * 1_000_000);
  const places = new Map<string, GapPlace & { number: number }>();
  const requests: GapStatementRequest[] = [];
  const peers = new Map<string, GapControls>();
  const clients = new Map<string, { clientKey: TextKey; asking: number }>();
  const examined = new Map<number, { failure: ClosedFailure; horizon: number }>();
  for (const { failures, completions, span } of groups) {
    const limits = gapRequestLimits({ closed: failures.length, completions, span }, horizon);
    for (const failure of failures.slice(0, limits.examined)) {
      const { index, place, route, client_address, dispatched } = failure;
      const id = index + 1;
      const own = places.get(placeKey(place)) ?? { ...place, reach: limits.reach, number: places.size + 1 };
      places.set(placeKey(place), own);
      requests.push({ id, place: own.number, dispatched });
      examined.set(id, { failure, horizon: limits.reach / 1_000_000 });
      const peerKey = `${own.number} ${route}`;
      const known = peers.get(peerKey) ?? { peer: id, place: own.number, routeKey: textKey(route), controls: 0 };
      peers.set(peerKey, {
        ...known,
        peer: Math.min(known.peer, id),
        controls: known.controls + limits.controlsEach,
      });
      const asked = clients.get(client_address) ?? { clientKey: textKey(client_address), asking: id };
      clients.set(client_address, { ...asked, asking: Math.min(asked.asking, id) });
    }
  }
  const search: GapSearch = {
    horizon,
    places: [...places.values()].map(({ number: _, ...place }) => place),
    peers: [...peers.values()],
    clients: [...clients.values()],
    requests,
  };
  return { search, examined };
}

export function readGaps(rows: Rows, { examined }: PlannedSearch): IdleGaps[] {
  const answers = rows.flatMap((cells): GapAnswer[] => {
    const row = toRecord(GAP_COLUMNS, cells);
    const [peer, n] = [Number(row.peer), Number(row.n)];
    const one = examined.get(peer === 0 ? n : peer);
    if (one === undefined) return [];
    const gaps = row.gaps === '' ? [] : row.gaps.split(',').map((gap) => Math.floor(Number(gap) / 1000));
    const answer = { target_group_arn: one.failure.place.target_group_arn, horizon: one.horizon, gaps };
    if (peer === 0) return [{ ...answer, failure: one.failure.index }];
    const client = examined.get(Number(row.asking))?.failure.client ?? null;
    return [{ ...answer, peer: one.failure.index, answered: Number(row.answers), client }];
  });
  return groupGaps(answers).sort((a, b) => byText(a.target_group_arn, b.target_group_arn));
}
