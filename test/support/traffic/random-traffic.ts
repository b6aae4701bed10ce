/** Requests of ten minutes over nodes and targets, in memory: for what must be tried hundreds of times. */
import type { FailedRequest, IdleGaps } from '../../../src/evidence/access-log.ts';
import { Random } from '../simulator/random.ts';
import { API, failed } from './traffic-builder.ts';

export interface SentRequest {
  /** Seconds after the start. */
  at: number;
  node: string;
  target: string;
  route: string;
  client: number;
}

export interface TrafficPlan {
  /** Requests at random times, over all routes. */
  perSecond: number;
  /** So many times as many requests during this part of the ten minutes, seconds, which nodes send to the targets in turn. */
  peak?: { from: number; to: number; times: number };
  routes?: string[];
  /** One client that asks every so many seconds, with some milliseconds of delay. */
  pollers?: { route: string; every: number }[];
  /** Whether a request fails: closed at once. `idle` is the time since the connection that it takes answered, seconds, or null for a new one. */
  fails: (request: SentRequest, random: Random, idle: number | null) => boolean;
}

const LENGTH = 600;
const NODES = ['10.0.0.10', '10.0.0.11'];
const TARGETS = ['10.0.1.5:8080', '10.0.1.6:8080', '10.0.1.7:8080'];
const HORIZON_MS = 61_000;
const CONTROLS = 300;
/** An answer takes this many milliseconds. */
const ANSWER_MS = 20;

/** The errors, and their gaps beside those of sound requests. */
export function randomTraffic(
  seed: number,
  { perSecond, peak, routes = ['GET /a', 'GET /b', 'GET /c'], pollers = [], fails }: TrafficPlan,
) {
  const random = new Random(seed);
  const turns = NODES.map(() => 0);
  const place = () => {
    const node = random.pick(NODES);
    if (peak === undefined) return { node, target: random.pick(TARGETS) };
    const index = NODES.indexOf(node);
    turns[index] = (turns[index] ?? 0) + 1;
    return { node, target: TARGETS[(turns[index] ?? 0) % TARGETS.length] ?? '' };
  };
  const isPeak = (at: number) => peak !== undefined && at >= peak.from && at < peak.to;
  const sent: SentRequest[] = [];
  for (let at = 0; at < LENGTH; at += random.exponential(1 / (isPeak(at) ? perSecond * (peak?.times ?? 1) : perSecond)))
    sent.push({ at, ...place(), route: random.pick(routes), client: random.integer(1, 200) });
  for (const [index, { route, every }] of pollers.entries())
    for (let at = random.next() * every; at < LENGTH; at += every)
      sent.push({
        at: at + random.next() * 0.004,
        node: NODES[index % NODES.length] ?? '',
        target: TARGETS[0] ?? '',
        route,
        client: 1000 + index,
      });
  sent.sort((a, b) => a.at - b.at);

  /** Completions of each pair, milliseconds, and its idle connections by when they became idle. */
  const pairs = new Map<string, { completions: number[]; pool: number[] }>();
  const errors: { request: SentRequest; gaps: number[] }[] = [];
  const answered: { request: SentRequest; gaps: number[] }[] = [];
  for (const request of sent) {
    const key = `${request.node} ${request.target}`;
    const pair = pairs.get(key) ?? { completions: [], pool: [] };
    pairs.set(key, pair);
    const at = Math.round(1000 * request.at);
    const gaps = gapsBefore(pair.completions, at);
    const index = pair.pool.findLastIndex((since) => since <= at);
    const [since] = index < 0 ? [] : pair.pool.splice(index, 1);
    const isFailed = fails(request, random, since === undefined ? null : (at - since) / 1000);
    (isFailed ? errors : answered).push({ request, gaps });
    if (isFailed) continue;
    pair.completions.push(at + ANSWER_MS);
    pair.pool.push(at + ANSWER_MS);
  }
  const failures: FailedRequest[] = errors.map(({ request: { at, node, target, route, client } }) =>
    failed('closed-before-response', at + 0.001, { node, target, route, client }),
  );
  return { failures, idleGaps: gapsOf(errors, answered, random) };
}

function gapsBefore(completions: readonly number[], at: number): number[] {
  const gaps: number[] = [];
  for (let index = completions.length - 1; index >= 0; index--) {
    const gap = at - (completions[index] ?? 0);
    if (gap > HORIZON_MS) break;
    if (gap > 0) gaps.push(gap);
  }
  return gaps;
}

interface Compared {
  request: SentRequest;
  gaps: number[];
}

function gapsOf(errors: readonly Compared[], answered: readonly Compared[], random: Random): IdleGaps[] {
  const keyOf = ({ node, target, route }: SentRequest) => `${node} ${target} ${route}`;
  const peers = new Map<
    string,
    { row: number; answered: number; controls: { client: number | null; gaps: number[] }[] }
  >();
  const clients = new Set(errors.map(({ request }) => request.client));
  for (const [row, { request }] of errors.entries())
    if (!peers.has(keyOf(request))) peers.set(keyOf(request), { row, answered: 0, controls: [] });
  const alike = answered.filter(({ request }) => peers.has(keyOf(request)));
  const share = CONTROLS / Math.max(1, alike.length);
  for (const { request, gaps } of alike) {
    const own = peers.get(keyOf(request));
    if (own === undefined) continue;
    own.answered += 1;
    if (random.next() < share) own.controls.push({ client: clients.has(request.client) ? request.client : null, gaps });
  }
  const failures = errors.map(({ gaps }, row) => ({ row, gaps }));
  return errors.length === 0 ? [] : [{ target_group_arn: API, horizon: 61, failures, peers: [...peers.values()] }];
}
