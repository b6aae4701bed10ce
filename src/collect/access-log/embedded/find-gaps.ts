/** Measures how long connections were idle before the requests that a plan names. Pure. */
import type { Window } from '../../../evidence/evidence.ts';
import type { FoundGaps, GapPlan } from '../gap-search.ts';
import { placeKey } from '../place-traffic.ts';
import type { Entries, EntryBatch } from './entry-store.ts';
import { firstFrom } from './find-retries.ts';
import { KeyIndex } from './key-index.ts';

/** An answered request on the same place and route as an examined failure. */
interface Answered {
  sample: number;
  ended: number;
  targetMs: number;
  client: number;
}

export function findGaps(entries: Entries, window: Window, plan: GapPlan): FoundGaps[] {
  const planned = new Map(plan.places.map((place, index) => [placeKey(place), index]));
  /** The index in the plan of each place of the log, or -1. */
  const placeOf = Int32Array.from(entries.places, (place) => planned.get(placeKey(place)) ?? -1);
  const completions = completionsOf(entries, placeOf, plan.places.length);
  const gapsOf = (place: number, dispatched: number): number[] => {
    const times = completions[place] ?? new Float64Array();
    const start = firstFrom(times, dispatched - (plan.places[place]?.reach ?? 0), 0, times.length);
    const end = firstFrom(times, dispatched, start, times.length);
    return Array.from(times.subarray(start, end), (ended) => Math.floor((dispatched - ended) / 1000)).reverse();
  };
  const asking = askingClients(entries, plan);
  const answered = answersOfPeers(entries, placeOf, plan, window);
  return [
    ...plan.requests.map(({ id, place, dispatched }) => ({
      ...{ peer: 0, n: id, asking: 0, answers: 0 },
      gaps: gapsOf(place - 1, dispatched),
    })),
    ...plan.peers.flatMap(({ peer, place, controls }, index) => {
      const { answers = 0, candidates = [] } = answered[index] ?? {};
      return candidates
        .sort((a, b) => a.sample - b.sample || a.ended - b.ended || a.targetMs - b.targetMs)
        .slice(0, controls)
        .map(({ ended, targetMs, client }, n) => ({
          ...{ peer, n: n + 1, asking: asking.get(client) ?? 0, answers },
          gaps: gapsOf(place - 1, ended - 1000 * targetMs),
        }));
    }),
  ];
}

/** The ends of all requests that targets answered, ascending, for each place of the plan. */
function completionsOf({ batches }: Entries, placeOf: Int32Array, places: number): Float64Array[] {
  const all = Array.from({ length: places }, (): number[] => []);
  for (const { rows, ended, place, targetStatus } of batches)
    for (let row = 0; row < rows; row += 1) {
      const own = placeOf[place[row] ?? 0] ?? -1;
      if (own !== -1 && (targetStatus[row] ?? 0) >= 0) all[own]?.push(ended[row] ?? 0);
    }
  return all.map((times) => Float64Array.from(times).sort());
}

/** The lowest id of an examined failure of each client, by the client's key. */
function askingClients({ failures }: Entries, { clients }: GapPlan): Map<number, number> {
  const ids = new Map(clients.map(({ client_address, asking }) => [client_address, asking]));
  return new Map(
    failures.held.flatMap(({ index, client_address }) => {
      const asking = ids.get(client_address);
      return asking === undefined ? [] : [[failures.client[index] ?? 0, asking] as const];
    }),
  );
}

/** How many requests could be the controls of each peer, and those that may be chosen. */
interface PeerAnswers {
  answers: number;
  candidates: Answered[];
}

function answersOfPeers(entries: Entries, placeOf: Int32Array, plan: GapPlan, window: Window): PeerAnswers[] {
  const found = plan.peers.map((): PeerAnswers => ({ answers: 0, candidates: [] }));
  const each = (use: (peer: PeerAnswers, controls: number, batch: EntryBatch, row: number) => void) =>
    eachAnswer(entries, placeOf, plan, window, (index, batch, row) => {
      const peer = found[index];
      if (peer !== undefined) use(peer, plan.peers[index]?.controls ?? 0, batch, row);
    });
  each((peer) => {
    peer.answers += 1;
  });
  // The candidates are about four times the controls wanted: a peer may have millions of answers.
  each((peer, controls, { sample, ended, targetMs, client }, row) => {
    const own = sample[row] ?? 0;
    if (own * peer.answers > 4 * controls * 2 ** 32) return;
    peer.candidates.push({
      ...{ sample: own, ended: ended[row] ?? 0, targetMs: targetMs[row] ?? 0, client: client[row] ?? 0 },
    });
  });
  return found;
}

/** Calls `use` with the peer of each request of the window that a target answered below 500. */
function eachAnswer(
  { batches, failures, routes }: Entries,
  placeOf: Int32Array,
  { peers }: GapPlan,
  { from, to }: Window,
  use: (peer: number, batch: EntryBatch, row: number) => void,
): void {
  const numberOf = new Map([...failures.routeTexts].map(([number, text]) => [text, number]));
  const keys = new KeyIndex();
  for (const { place, route } of peers) keys.add((place - 1) * routes + (numberOf.get(route) ?? 0));
  for (const batch of batches) {
    const { rows, ended, place, route, targetMs, targetStatus } = batch;
    for (let row = 0; row < rows; row += 1) {
      const own = placeOf[place[row] ?? 0] ?? -1;
      if (own === -1) continue;
      const status = targetStatus[row] ?? 0;
      const at = ended[row] ?? 0;
      if (status < 0 || status > 499 || (targetMs[row] ?? 0) < 0 || at < from * 1000 || at >= to * 1000) continue;
      const peer = keys.find(own * routes + (route[row] ?? 0));
      if (peer !== -1) use(peer, batch, row);
    }
  }
}
