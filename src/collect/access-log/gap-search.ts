/** The search for the keep-alive edge: which requests are compared, the same for every engine. Pure. */
import type { IdleGaps } from '../../evidence/access-log.ts';
import { byText } from '../../format/by-text.ts';
import { type GapAnswer, groupGaps } from './gap-answers.ts';
import { GAP_WITHIN_MS, gapHorizon, gapRequestLimits } from './gap-limits.ts';
import { grouped, least, type PlaceRow, placeKey, sum } from './place-traffic.ts';
import type { ShownFailure } from './shown-failures.ts';

/** A target on a node of the load balancer, as the log names them. */
export interface NodeTarget {
  target_group_arn: string;
  target: string;
  /** "-" if unknown. */
  node: string;
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
  place: NodeTarget;
  route: string;
  client: number;
  client_address: string;
  /** Microseconds. */
  dispatched: number;
}

/** `isSearchable`: whether the engine can search a place. Returns null without such failures. */
export function findClosedConnections(
  shown: readonly ShownFailure[],
  places: readonly PlaceRow[],
  isSearchable: (place: NodeTarget) => boolean = () => true,
): ClosedConnections | null {
  const closed = shown
    .map((one, index) => ({ ...one, index }))
    .filter(
      ({ logged }) =>
        logged.status === 502 &&
        logged.target_status < 0 &&
        logged.target !== '-' &&
        logged.request_processing_time >= 0 &&
        logged.target_processing_time >= 0 &&
        Math.round(logged.target_processing_time * 1000) <= GAP_WITHIN_MS &&
        logged.response_processing_time < 0,
    )
    .sort((a, b) => a.logged.sample - b.logged.sample || a.index - b.index)
    .map(({ failure, logged, index }): ClosedFailure => {
      const { target_group_arn, target, node, route_text, client_address, ended, target_processing_time } = logged;
      return {
        index,
        place: { target_group_arn, target, node },
        route: route_text,
        client: failure.client,
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

/** The requests whose gaps are compared. Places are numbered from 1, failures by their index from 1. */
export interface GapPlan {
  /** Microseconds. */
  horizon: number;
  /** `reach`: how far to look back from a dispatch, microseconds. */
  places: (NodeTarget & { reach: number })[];
  /** The examined failures. `dispatched`: microseconds. */
  requests: { id: number; place: number; dispatched: number }[];
  /**
   * Places and routes of the examined failures; `peer` is the lowest id of these failures, `controls` how many requests
   * to compare with them. A control is a request of the window that a target answered below 500.
   */
  peers: { peer: number; place: number; route: string; controls: number }[];
  /** The clients of the examined failures, each with the lowest id of its failures. */
  clients: { client_address: string; asking: number }[];
  /** By failure id. */
  examined: ReadonlyMap<number, { failure: ClosedFailure; horizon: number }>;
}

/** One request of the plan and its gaps in milliseconds: a failure (`peer` 0, `n` its id) or the n-th control of a peer. */
export interface FoundGaps {
  peer: number;
  n: number;
  /** The lowest id of an examined failure of the control's client, or 0. */
  asking: number;
  /** How many requests could be controls of the peer. */
  answers: number;
  gaps: number[];
}

export function planGaps({ groups }: ClosedConnections, idleTimeoutSeconds: number): GapPlan {
  const horizon = Math.round(gapHorizon(idleTimeoutSeconds) * 1_000_000);
  const places = new Map<string, GapPlan['places'][number] & { number: number }>();
  const requests: GapPlan['requests'] = [];
  const peers = new Map<string, GapPlan['peers'][number]>();
  const clients = new Map<string, number>();
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
      const known = peers.get(peerKey) ?? { peer: id, place: own.number, route, controls: 0 };
      peers.set(peerKey, {
        ...known,
        peer: Math.min(known.peer, id),
        controls: known.controls + limits.controlsEach,
      });
      clients.set(client_address, Math.min(clients.get(client_address) ?? id, id));
    }
  }
  return {
    horizon,
    places: [...places.values()].map(({ number: _, ...place }) => place),
    peers: [...peers.values()],
    clients: [...clients].map(([client_address, asking]) => ({ client_address, asking })),
    requests,
    examined,
  };
}

export function idleGaps(found: readonly FoundGaps[], { examined }: GapPlan): IdleGaps[] {
  const answers = found.flatMap(({ peer, n, asking, answers, gaps }): GapAnswer[] => {
    const one = examined.get(peer === 0 ? n : peer);
    if (one === undefined) return [];
    const answer = { target_group_arn: one.failure.place.target_group_arn, horizon: one.horizon, gaps };
    if (peer === 0) return [{ ...answer, failure: one.failure.index }];
    const client = examined.get(asking)?.failure.client ?? null;
    return [{ ...answer, peer: one.failure.index, answered: answers, client }];
  });
  return groupGaps(answers).sort((a, b) => byText(a.target_group_arn, b.target_group_arn));
}
