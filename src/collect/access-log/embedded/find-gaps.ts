/** Measures how long connections were idle before the requests that a plan names. Pure. */
import type { Window } from '../../../evidence/question.ts';
import type { FoundGaps, GapPlan } from '../gap-search.ts';
import { placeKey } from '../place-traffic.ts';
import type { Entries } from './entry-store.ts';
import { firstFrom } from './first-from.ts';
import { KeyIndex } from './key-index.ts';

/** An answered request on the same place and route as an examined failure. */
interface Candidate {
  sample: number;
  ended: number;
  targetMs: number;
  client: number;
}

/** The requests that can be the controls of a peer: how many there are, and those with low samples. */
interface PeerTraffic {
  /** No request is chosen whose sample times `answers` is more. */
  limit: number;
  answers: number;
  candidates: Candidate[];
}

export function findGaps(entries: Entries, window: Window, plan: GapPlan): FoundGaps[] {
  const planned = new Map(plan.places.map((place, index) => [placeKey(place), index]));
  /** The index in the plan of each place of the log, or -1. */
  const placeOf = Int32Array.from(entries.places, (place) => planned.get(placeKey(place)) ?? -1);
  // About four times the controls wanted, before they are put in order.
  const peers = plan.peers.map(
    ({ controls }): PeerTraffic => ({ limit: 4 * controls * 2 ** 32, answers: 0, candidates: [] }),
  );
  const starts = completionStarts(entries, plan, placeOf);
  const completions = collectTraffic(entries, window, plan, { placeOf, starts, peers });
  const finders = plan.places.map(
    ({ reach }, place) => new GapFinder(completions.subarray(starts[place], starts[place + 1]), reach),
  );
  const gaps = (place: number, dispatched: number): number[] => finders[place - 1]?.before(dispatched) ?? [];
  const asking = askingClients(entries, plan);
  return [
    ...plan.requests.map(({ id, place, dispatched }) => ({
      ...{ peer: 0, n: id, asking: 0, answers: 0 },
      gaps: gaps(place, dispatched),
    })),
    ...plan.peers.flatMap(({ peer, place, controls }, index) => {
      const { limit = 0, answers = 0, candidates = [] } = peers[index] ?? {};
      return candidates
        .filter(({ sample }) => sample * answers <= limit)
        .sort((a, b) => a.sample - b.sample || a.ended - b.ended || a.targetMs - b.targetMs)
        .slice(0, controls)
        .map(({ ended, targetMs, client }, n) => ({
          ...{ peer, n: n + 1, asking: asking.get(client) ?? 0, answers },
          gaps: gaps(place, ended - 1000 * targetMs),
        }));
    }),
  ];
}

/** Size of a filter that rules out most pairs of place and route before the table of peers is searched. */
const PEER_SLOTS = 65_536;
const peerSlot = (place: number, route: number): number => (Math.imul(place, 40_503) + route) & (PEER_SLOTS - 1);

/** Offsets of the completions of each place in one array, followed by the end of the last. */
function completionStarts({ batches }: Entries, { places }: GapPlan, placeOf: Int32Array): Uint32Array {
  const starts = new Uint32Array(places.length + 1);
  for (const { rows, place, targetStatus } of batches) {
    for (let row = 0; row < rows; row += 1) {
      const own = placeOf[place[row] ?? 0] ?? -1;
      if (own !== -1 && (targetStatus[row] ?? 0) >= 0) count(starts, own + 1);
    }
  }
  for (let own = 1; own < starts.length; own += 1) starts[own] = (starts[own] ?? 0) + (starts[own - 1] ?? 0);
  return starts;
}

/** Returns the ends of all requests that targets answered, by place, and adds the requests of the peers. */
function collectTraffic(
  { batches, failures, routes }: Entries,
  { from, to }: Window,
  plan: GapPlan,
  { placeOf, starts, peers }: { placeOf: Int32Array; starts: Uint32Array; peers: readonly PeerTraffic[] },
): Float64Array {
  const next = starts.slice();
  const completions = new Float64Array(starts[plan.places.length] ?? 0);
  const numberOf = new Map([...failures.routeTexts].map(([number, text]) => [text, number]));
  const peerKeys = new KeyIndex();
  const mayBePeer = new Uint8Array(PEER_SLOTS);
  for (const { place, route } of plan.peers) {
    const number = numberOf.get(route) ?? 0;
    mayBePeer[peerSlot(place - 1, number)] = 1;
    peerKeys.add((place - 1) * routes + number);
  }
  const start = from * 1000;
  const end = to * 1000;
  for (const { rows, ended, place, route, client, sample, targetMs, targetStatus } of batches) {
    for (let row = 0; row < rows; row += 1) {
      const own = placeOf[place[row] ?? 0] ?? -1;
      const status = targetStatus[row] ?? 0;
      if (own === -1 || status < 0) continue;
      const at = ended[row] ?? 0;
      completions[count(next, own)] = at;
      const ms = targetMs[row] ?? 0;
      const path = route[row] ?? 0;
      if (mayBePeer[peerSlot(own, path)] === 0 || status > 499 || ms < 0 || at < start || at >= end) continue;
      const peer = peers[peerKeys.find(own * routes + path)];
      if (peer === undefined) continue;
      peer.answers += 1;
      const order = sample[row] ?? 0;
      // More answers only lower the bound.
      if (order * peer.answers <= peer.limit)
        peer.candidates.push({ sample: order, ended: at, targetMs: ms, client: client[row] ?? 0 });
    }
  }
  return completions;
}

/** Completions in a slot of a GapFinder, on average, and the most slots. */
const SLOT = 64;
const SLOTS = 65_536;

/**
 * Finds the completions of a place in a span of time. They are put into slots; a slot is sorted when it is first asked
 * for, because few of them ever are.
 */
class GapFinder {
  readonly #reach: number;
  readonly #first: number;
  readonly #width: number;
  /** The completions by slot, and where each slot starts. */
  readonly #completions: Float64Array;
  readonly #starts: Uint32Array;
  readonly #isSorted: Uint8Array;

  constructor(completions: Float64Array, reach: number) {
    const { length } = completions;
    const slots = Math.min(SLOTS, Math.ceil(length / SLOT));
    const [first, last] = rangeOf(completions);
    this.#reach = reach;
    this.#first = first;
    this.#width = Math.max(1, (last - first + 1) / slots);
    // Plain loops: an iterator makes an object for each completion.
    const slotOf = new Uint32Array(length);
    const starts = new Uint32Array(slots + 1);
    for (let index = 0; index < length; index += 1) {
      const slot = this.#slotOf(completions[index] ?? 0);
      slotOf[index] = slot;
      count(starts, slot + 1);
    }
    for (let slot = 1; slot <= slots; slot += 1) starts[slot] = (starts[slot] ?? 0) + (starts[slot - 1] ?? 0);
    const next = starts.slice();
    this.#completions = new Float64Array(length);
    for (let index = 0; index < length; index += 1)
      this.#completions[count(next, slotOf[index] ?? 0)] = completions[index] ?? 0;
    this.#starts = starts;
    this.#isSorted = new Uint8Array(slots);
  }

  /** The gaps before a dispatch in milliseconds, ascending. */
  before(dispatched: number): number[] {
    const completions = this.#completions;
    const slots = this.#isSorted.length;
    const from = Math.max(0, Math.min(slots, this.#slotOf(dispatched - this.#reach)));
    const to = Math.max(from, Math.min(slots, this.#slotOf(dispatched) + 1));
    for (let slot = from; slot < to; slot += 1) this.#sort(slot);
    const [start, end] = [this.#starts[from] ?? 0, this.#starts[to] ?? 0];
    const earliest = firstFrom(completions, dispatched - this.#reach, start, end);
    const gaps: number[] = [];
    for (let at = firstFrom(completions, dispatched, earliest, end) - 1; at >= earliest; at -= 1)
      gaps.push(Math.floor((dispatched - (completions[at] ?? 0)) / 1000));
    return gaps;
  }

  #sort(slot: number): void {
    if (this.#isSorted[slot] === 1) return;
    this.#isSorted[slot] = 1;
    this.#completions.subarray(this.#starts[slot], this.#starts[slot + 1]).sort();
  }

  #slotOf(time: number): number {
    return Math.floor((time - this.#first) / this.#width);
  }
}

/** The first and the last of these times. */
function rangeOf(times: Float64Array): [number, number] {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let index = 0; index < times.length; index += 1) {
    const at = times[index] ?? 0;
    if (at < first) first = at;
    if (at > last) last = at;
  }
  return [first, last];
}

/** Adds one to a count; returns what it was. */
function count(counts: Uint32Array, at: number): number {
  const before = counts[at] ?? 0;
  counts[at] = before + 1;
  return before;
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
