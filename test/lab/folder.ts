/** Writes a capture as an incident folder: log files, metrics and AWS answers as the load balancer would have left them, and the truth. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { awsFiles } from '../support/simulator/aws-files.ts';
import type { HealthView } from '../support/simulator/health.ts';
import { logFiles } from '../support/simulator/log-files.ts';
import { logLine } from '../support/simulator/log-line.ts';
import { metricsOf } from '../support/simulator/metrics.ts';
import { certificateArn, loadBalancerPath } from '../support/simulator/names.ts';
import { networkOf } from '../support/simulator/network.ts';
import { Random } from '../support/simulator/random.ts';
import { type Expectation, readable } from '../support/simulator/recording.ts';
import type { Row } from '../support/simulator/row.ts';
import type { RouteSpec, Scenario } from '../support/simulator/scenario.ts';
import { type TruthOfWindow, truthOf } from '../support/simulator/simulate.ts';
import { Target } from '../support/simulator/target.ts';
import type { Capture, Machine } from './capture.ts';
import { targets as places } from './places.ts';
import type { HealthChange } from './proxy/load-balancer.ts';
import type { ExpectedVerdict } from './situation.ts';
import { type Account, accountsOf, causeOf, signatureOf } from './truth.ts';

/** truth.json of a capture. */
export interface CaptureTruth {
  server: { name: string; version: string };
  /** Day of the capture. */
  date: string;
  what: string;
  /** How late the proxy's own timers were, milliseconds. */
  lateMs: { p99: number; max: number };
  /** Not in captures before 2026-11-29, like `successes`. */
  machine?: Machine;
  expected: Expectation;
  totals: TruthOfWindow;
  successes?: Successes;
  /** Each failed request by its trace id; all others of the log succeeded. */
  requests: Record<string, FailedRequest>;
}

/** Requests that succeeded, counted by what the log does not tell of them. */
interface Successes {
  /** On a connection opened for them, or on one that had served others. */
  connection: { opened: number; reused: number };
  application: Record<Account, number>;
}

interface FailedRequest {
  cause: string;
  /** What the proxy saw of the connection. */
  failure: string;
  idleSeconds: number | null;
  application: Account;
}

const MINUTE = 60_000;
const HOUR = 3_600_000;

export function writeCapture(capture: Capture, root: string): CaptureTruth {
  const { situation, loadBalancer, group, server } = capture;
  const folder = join(root, situation.name);
  rmSync(folder, { recursive: true, force: true });
  const start = Math.floor(capture.from / MINUTE) * MINUTE;
  const end = Math.ceil((capture.to + 1) / MINUTE) * MINUTE;
  const now = end + HOUR;
  const { failed, successes } = withTruth(capture);
  const rows = capture.entries
    .map(({ row }) => row)
    .sort((a, b) => a.time - b.time || (a.traceId < b.traceId ? -1 : 1));
  const scenario: Scenario = {
    seed: 1,
    loadBalancer,
    window: { from: iso(start), to: iso(end), now: iso(now) },
    targetGroups: [group],
    routes: routesOf(rows, group.name),
    clients: [],
  };
  const targets = targetsOf(capture);
  const health = healthOf(capture.healthChanges);
  const write = (path: string, content: string | Buffer) => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  };
  write('incident.json', readable({ loadBalancer: loadBalancerPath(loadBalancer), ...scenario.window }));
  for (const file of logFiles(loadBalancer, linesOf(rows, scenario), new Random(start).stream('file names')))
    write(`logs/${file.path}`, file.bytes);
  const series = metricsOf(scenario, rows, targets, health, { start, end });
  write('metrics.json', `[\n${series.map((one) => JSON.stringify(one)).join(',\n')}\n]\n`);
  const aws = awsFiles(scenario, targets, health, networkOf(scenario), now);
  for (const [name, content] of Object.entries(aws)) write(`aws/${name}.json`, readable(content));
  const totals = truthOf(rows, start, end);
  const truth: CaptureTruth = {
    server: { name: server.name, version: server.version() },
    date: iso(start).slice(0, 10),
    what: situation.what,
    lateMs: capture.lateMs,
    machine: capture.machine,
    expected: expectationOf(situation.expected, totals),
    totals,
    successes,
    requests: failed,
  };
  write('truth.json', readable(truth));
  return truth;
}

/** Marks the rows with what was true of them, and returns the failed ones, and the others counted. */
function withTruth({ situation, entries, outputs }: Capture): {
  failed: CaptureTruth['requests'];
  successes: Successes;
} {
  const accounts = accountsOf(outputs);
  const failed: CaptureTruth['requests'] = {};
  const successes: Successes = {
    connection: { opened: 0, reused: 0 },
    application: { absent: 0, started: 0, finished: 0 },
  };
  for (const entry of entries) {
    const { row, seen } = entry;
    const application = accounts.get(row.traceId) ?? 'absent';
    const plain = causeOf(entry, application);
    if (plain === null) {
      successes.connection[seen.idleSeconds === null ? 'opened' : 'reused'] += 1;
      successes.application[application] += 1;
      continue;
    }
    const cause = situation.truth?.[plain] ?? plain;
    row.truth = { cause, signature: signatureOf(entry) };
    failed[row.traceId] = {
      cause,
      failure: seen.failure ?? String(row.elbStatus),
      idleSeconds: rounded(seen.idleSeconds),
      application,
    };
  }
  return { failed, successes };
}

const rounded = (seconds: number | null) => (seconds === null ? null : Math.round(seconds * 1000) / 1000);
const iso = (time: number) => new Date(time).toISOString().replace('.000Z', 'Z');

function linesOf(rows: readonly Row[], { loadBalancer }: Scenario): Map<string, { time: number; line: string }[]> {
  const context = { loadBalancer: loadBalancerPath(loadBalancer), host: loadBalancer.host, certificateArn };
  const lines = new Map<string, { time: number; line: string }[]>();
  for (const row of rows) {
    const own = lines.get(row.node) ?? [];
    own.push({ time: row.time, line: logLine(row, context) });
    lines.set(row.node, own);
  }
  return lines;
}

function routesOf(rows: readonly Row[], group: string): RouteSpec[] {
  const routes = new Map(rows.map(({ method, route }) => [route, { method, path: route.replace(/^\S+ /, '') }]));
  return [...routes.values()].map((route) => ({ ...route, weight: 1, group, medianMs: 1, responseBytes: 1 }));
}

/** Those registered from the start and those of the orders, with when they left. */
function targetsOf({ group, orders }: Capture): Target[] {
  const initial = group.targets.map((spec) => new Target(spec, group, Number.NEGATIVE_INFINITY));
  const all = [...initial];
  for (const { at, order } of orders) {
    const address = ('register' in order ? order.register : order.deregister).split(':')[0] ?? '';
    if ('register' in order) {
      const spec = places.find((place) => place.address === address);
      if (spec !== undefined) all.push(new Target(spec, group, at));
    } else
      for (const target of all)
        if (target.address === address && target.deregisteredAt > at) target.deregisteredAt = at;
  }
  return all;
}

/** A target of the start was registered long before: what its first check found was true until then. */
function healthOf(changes: readonly HealthChange[]): HealthView {
  return {
    at(node, target, time) {
      const key = `${target.address}:${target.port}`;
      const own = changes.filter((change) => change.node === node.address && change.target === key);
      const judged = own.filter(({ state }) => state !== 'initial');
      const found =
        target.registeredAt === Number.NEGATIVE_INFINITY
          ? (judged.findLast(({ at }) => at <= time) ?? judged[0])
          : own.findLast(({ at }) => at <= time);
      return found ?? { state: 'initial', reason: null };
    },
  };
}

function expectationOf(expected: ExpectedVerdict, totals: TruthOfWindow): Expectation {
  const { requests, errors, byStatus, signatures } = totals;
  const common = { ruledOut: [], requests, errors, byStatus, signatures, why: expected.why };
  if ('nothingFailed' in expected) return { verdict: { cause: null, standing: 'none' }, mustNotClaim: [], ...common };
  if ('between' in expected)
    return {
      verdict: { cause: null, standing: 'undecided' },
      betweenAtLeast: expected.between,
      mustNotClaim: expected.between,
      ...common,
    };
  const share = (id: string) => (totals.causes[id] ?? 0) / Math.max(1, errors);
  const causes = 'cause' in expected ? [expected.cause] : [...expected.either].sort((a, b) => share(b) - share(a));
  // A crash is reported as one event: its refusals represent its closes too.
  const most = (id: string) => share(id) + (id === 'connection-refused' ? share('closed-mid-request') : 0);
  const limits = (id: string): [number, number] => [Math.max(0, share(id) - 0.1), Math.min(1, most(id) + 0.1)];
  return {
    verdict: { cause: causes[0] ?? null, standing: ['confirmed', 'likely'] },
    explains: Object.fromEntries(causes.map((id) => [id, limits(id)])),
    mustNotClaim: [],
    ...common,
  };
}
