/** The simulator by itself: repeatable, in the documented format, consistent, and true to the mechanisms it claims to run. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { logFiles } from './log-files.ts';
import { blockedBy, networkOf } from './network.ts';
import { Random } from './random.ts';
import { writeRecording } from './recording.ts';
import { recordings } from './recordings/all.ts';
import { keepAliveRace } from './recordings/keep-alive-race.ts';
import { oneRowName, writeOneRow } from './recordings/one-row.ts';
import { securityGroup } from './recordings/plain-causes.ts';
import type { Row } from './row.ts';
import type { Scenario, TargetGroupSpec } from './scenario.ts';
import { simulate } from './simulate.ts';

/** The expression that AWS documents for its Athena table, as JavaScript. */
const documented =
  /^([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*):([0-9]*) ([^ ]*)[:-]([0-9]*) ([-.0-9]*) ([-.0-9]*) ([-.0-9]*) (|[-0-9]*) (-|[-0-9]*) ([-0-9]*) ([-0-9]*) "([^ ]*) (.*) (- |[^ ]*)" "([^"]*)" ([A-Z0-9-_]+) ([A-Za-z0-9.-]*) ([^ ]*) "([^"]*)" "([^"]*)" "([^"]*)" ([-.0-9]*) ([^ ]*) "([^"]*)" "([^"]*)" "([^ ]*)" "([^\s]+?)" "([^\s]+)" "([^ ]*)" "([^ ]*)" ?([^ ]*)? ?( .*)?$/;

const field = /"[^"]*"|[^ ]+/g;
const simulations = recordings.map((recording) => ({
  name: recording.name,
  recording,
  simulation: simulate(recording.scenario),
}));
const elapsed = (row: Row) => (row.time - Math.floor(row.created)) / 1000;

function small(seed: number, more: Partial<Scenario> = {}): Scenario {
  return {
    seed,
    loadBalancer: {
      name: 'small',
      id: '0011223344556677',
      scheme: 'internal',
      listener: { protocol: 'HTTP', port: 80 },
      host: 'small.example.com',
      idleTimeoutSeconds: 60,
      nodes: [{ zone: 'a', address: '10.0.0.5' }],
    },
    window: { from: '2026-11-18T02:40:00Z', to: '2026-11-18T02:50:00Z', now: '2026-11-18T03:30:00Z' },
    targetGroups: [
      {
        name: 'app',
        id: '8899aabbccddeeff',
        targetType: 'ip',
        protocol: 'HTTP',
        port: 8080,
        server: { keepAliveSeconds: 5, loopLagMs: 8 },
        targets: [{ address: '10.0.10.5', zone: 'a' }],
      },
    ],
    routes: [{ method: 'GET', path: '/', weight: 1, group: 'app', medianMs: 40, responseBytes: 1000 }],
    clients: [
      { kind: 'audience', count: 4, everySeconds: 5.1, spreadSeconds: 0.2, withinSeconds: 0.02 },
      { kind: 'sessions', perMinute: 6, requests: 4, thinkSeconds: 3 },
    ],
    ...more,
  };
}

describe('the same scenario', () => {
  const files = (seed: number) => {
    const scenario = small(seed);
    return logFiles(scenario.loadBalancer, simulate(scenario).lines, new Random(seed));
  };

  it('gives the same bytes', () => {
    expect(files(1)).toEqual(files(1));
  });

  it('gives other requests with another seed', () => {
    expect(files(2)).not.toEqual(files(1));
  });
});

describe.each(simulations)('$name', ({ simulation, recording }) => {
  const { rows, lines, metrics } = simulation;
  const all = [...lines].flatMap(([node, own]) => own.map(({ line }) => ({ node, line })));

  it('writes 34 fields that match the documented expression', () => {
    for (const { node, line } of all) {
      const fields = line.match(field) ?? [];
      expect(fields).toHaveLength(34);
      expect(fields[33]).toBe(node);
      expect(line).toMatch(documented);
      expect(fields[21]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}000Z$/);
    }
  });

  it('has metrics that equal the counted lines', () => {
    const counted = (name: string, of: (fields: string[]) => boolean) => {
      const series = metrics.find((one) => one.MetricName === name && one.Dimensions.TargetGroup === undefined);
      const minutes: Record<string, number> = {};
      for (const { line } of all) {
        const fields = line.match(field) ?? [];
        const minute = `${fields[1]?.slice(0, 16)}:00Z`;
        if (of(fields)) minutes[minute] = (minutes[minute] ?? 0) + 1;
      }
      expect(Object.fromEntries((series?.Timestamps ?? []).map((time, i) => [time, series?.Values[i]]))).toEqual(
        minutes,
      );
    };
    for (const status of ['500', '502', '503', '504'])
      counted(`HTTPCode_ELB_${status}_Count`, (fields) => fields[8] === status && fields[9] === '-');
    counted('HTTPCode_ELB_5XX_Count', (fields) => fields[8]?.startsWith('5') === true && fields[9] === '-');
    const connections = metrics.filter((one) => /^Target(Connection|TLSNegotiation)ErrorCount$/.test(one.MetricName));
    const failed = rows.filter((row) => row.target !== null && row.requestProcessing < 0 && row.elbStatus !== 460);
    expect(connections.flatMap((one) => one.Values).reduce((sum, value) => sum + value, 0)).toBe(failed.length);
  });

  it('has the rows that each mechanism leaves', () => {
    for (const row of rows) {
      const times = [row.requestProcessing, row.targetProcessing, row.responseProcessing].map((time) =>
        time < 0 ? '-1' : 'x',
      );
      const shape = `${row.elbStatus} ${times.join(' ')}`;
      switch (row.truth?.signature) {
        case 'connect-failed':
          expect(shape).toBe('502 -1 -1 -1');
          expect(elapsed(row)).toBeLessThan(0.05);
          break;
        case 'connect-timeout':
          expect(shape).toBe('504 -1 -1 -1');
          expect(elapsed(row)).toBeGreaterThanOrEqual(10);
          expect(elapsed(row)).toBeLessThan(10.05);
          break;
        case 'idle-timeout':
          expect(shape).toBe('504 x -1 -1');
          expect(elapsed(row)).toBeGreaterThanOrEqual(recording.scenario.loadBalancer.idleTimeoutSeconds);
          break;
        case 'no-response-aborted':
          expect(shape).toBe('502 x -1 -1');
          break;
        case 'closed-before-response':
          expect(shape).toBe('502 x x -1');
          break;
        case 'no-target':
          expect([shape, row.target]).toEqual(['503 -1 -1 -1', null]);
          break;
        case 'lambda-failure':
          expect([times.join(' '), row.target, row.errorReason?.startsWith('Lambda')]).toEqual(['x x x', null, true]);
          break;
        case undefined:
          expect(row.elbStatus).toBeLessThan(460);
          expect(row.elbStatus).toBe(row.targetStatus ?? row.elbStatus);
          break;
      }
    }
  });

  it('races at the edge of the keep-alive time and nowhere else', () => {
    for (const row of rows) {
      const group = recording.scenario.targetGroups.find((one) => one.name === row.targetGroupName);
      const keepAlive = group?.server?.keepAliveSeconds;
      if (row.idleSeconds === null || keepAlive === null || keepAlive === undefined) continue;
      if (row.truth?.cause === 'keep-alive-race') {
        expect(row.idleSeconds).toBeGreaterThan(keepAlive - 0.002);
        expect(row.idleSeconds).toBeLessThan(keepAlive + 0.15);
      } else expect(row.idleSeconds).toBeLessThan(keepAlive);
    }
  });
});

describe('a keep-alive race', () => {
  it('shows in the log as a gap of the keep-alive time on one node and target', () => {
    const { rows } = simulate(keepAliveRace.scenario);
    const races = rows.filter((row) => row.truth?.cause === 'keep-alive-race');
    expect(races.length).toBeGreaterThan(50);
    for (const race of races) {
      const sent = race.time - race.targetProcessing * 1000;
      const gaps = rows
        .filter((row) => row.node === race.node && row.target === race.target && row.time < sent)
        .map((row) => (sent - row.time) / 1000);
      expect(gaps.some((gap) => gap > 5.995 && gap < 6.15)).toBe(true);
    }
  });

  it('does not happen when the target keeps connections longer than the load balancer', () => {
    const scenario = small(3);
    for (const group of scenario.targetGroups) group.server = { keepAliveSeconds: 61, loopLagMs: 8 };
    expect(simulate(scenario).truth.errors).toBe(0);
    expect(simulate(small(3)).truth.causes['keep-alive-race']).toBeGreaterThan(3);
  });
});

describe('workers that exit after a number of requests', () => {
  it('lose several requests at once at any gap', () => {
    const scenario = small(4, { clients: [{ kind: 'sessions', perMinute: 60, requests: 6, thinkSeconds: 1 }] });
    for (const group of scenario.targetGroups)
      group.server = { keepAliveSeconds: 75, recycleAfterRequests: 40, recycleSeconds: 0.2 };
    const { rows, truth } = simulate(scenario);
    expect(truth.causes['closed-mid-request']).toBeGreaterThan(3);
    const gaps = rows.filter((row) => row.truth !== null).map((row) => row.idleSeconds ?? 0);
    expect(Math.max(...gaps) - Math.min(...gaps)).toBeGreaterThan(0.2);
  });
});

describe('a slow upload', () => {
  it('is cut off by the server with only part of the body received', () => {
    const scenario = small(5, {
      routes: [
        {
          method: 'PUT',
          path: '/files/{n}',
          weight: 1,
          group: 'app',
          medianMs: 50,
          requestBytes: 900_000,
          responseBytes: 200,
        },
      ],
      clients: [{ kind: 'pollers', count: 3, everySeconds: 40, uplink: 20_000 }],
    });
    for (const group of scenario.targetGroups) group.server = { keepAliveSeconds: 75, bodyTimeoutSeconds: 20 };
    const { rows, truth } = simulate(scenario);
    expect(truth.causes['slow-upload']).toBeGreaterThan(5);
    for (const row of rows) if (row.truth?.cause === 'slow-upload') expect(row.receivedBytes).toBeLessThan(450_000);
  });
});

describe('failures before a target is chosen', () => {
  const route = { method: 'GET', path: '/', weight: 1, group: 'app', medianMs: 20, responseBytes: 500 };
  const clients: Scenario['clients'] = [{ kind: 'pollers', count: 2, everySeconds: 10 }];

  it('a silent identity provider: 500 after five seconds, with its code', () => {
    const { rows, truth } = simulate(
      small(6, {
        routes: [{ ...route, authenticate: true, priority: 10 }],
        clients,
        faults: [{ kind: 'identity-provider-silent', share: 1 }],
      }),
    );
    expect(Object.keys(truth.causes)).toEqual(['authentication-failure']);
    expect(rows.every((row) => row.errorReason === 'AuthTokenEpRequestTimeout' && row.target === null)).toBe(true);
  });

  it('a web ACL that cannot be evaluated: 500 and waf-failed', () => {
    const { rows, truth } = simulate(
      small(7, { routes: [route], clients, faults: [{ kind: 'waf-unreachable', share: 1 }] }),
    );
    expect(Object.keys(truth.causes)).toEqual(['waf-failure']);
    expect(rows.every((row) => row.actions === 'waf-failed')).toBe(true);
  });

  it('a failing load balancer: 500 before a target is chosen', () => {
    const { rows, truth, metrics } = simulate(
      small(8, { routes: [route], clients, faults: [{ kind: 'load-balancer-failing', share: 1 }] }),
    );
    expect(Object.keys(truth.causes)).toEqual(['load-balancer-impaired']);
    expect(rows.every((row) => row.elbStatus === 500 && row.target === null && row.errorReason === null)).toBe(true);
    const chosen = metrics.find(({ MetricName }) => MetricName === 'RequestCount');
    expect(chosen?.Values).toEqual([]);
  });

  it('an agent that takes one request at a time: the others are refused and counted', () => {
    const { rows, truth, metrics } = simulate(
      small(9, {
        routes: [{ ...route, medianMs: 900 }],
        clients: [{ kind: 'sessions', perMinute: 200, requests: 4, thinkSeconds: 1 }],
        targetGroups: [
          { ...(small(9).targetGroups[0] as TargetGroupSpec), optimizer: { controlPort: 3000, concurrency: 1 } },
        ],
      }),
    );
    expect(Object.keys(truth.causes)).toEqual(['target-optimizer']);
    const served = rows.filter(({ target }) => target !== null).sort((a, b) => a.time - b.time);
    const byTarget = Map.groupBy(served, ({ target }) => target);
    for (const own of byTarget.values())
      for (const [i, row] of own.entries()) expect(row.created).toBeGreaterThanOrEqual((own[i - 1]?.time ?? 0) - 1);
    const rejects = metrics.find(({ MetricName }) => MetricName === 'TargetControlRequestRejectCount');
    const refused = rows.filter(({ elbStatus }) => elbStatus === 503);
    expect(refused.every(({ target }) => target === null)).toBe(true);
    expect(rejects?.Values.reduce((sum, value) => sum + value, 0)).toBe(refused.length);
  });
});

describe('the network', () => {
  it('admits what its rules allow', () => {
    const { scenario } = securityGroup;
    const network = networkOf(scenario);
    const node = scenario.loadBalancer.nodes[0];
    if (node === undefined) throw new Error('no node');
    expect(blockedBy(network, node, '10.0.10.31', 8080, 40000)).toBeNull();
    expect(blockedBy(network, node, '10.0.10.62', 8080, 40000)).toBe('security-group-blocked');
    expect(blockedBy(network, node, '10.0.10.62', 8081, 40000)).toBeNull();
  });
});

describe('the committed recordings', () => {
  const root = mkdtempSync(join(tmpdir(), 'recordings-'));
  const committed = join(import.meta.dirname, '../../scenarios');
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it.each([oneRowName, ...recordings.map((recording) => recording.name)])('%s is what its script writes', (name) => {
    const recording = recordings.find((one) => one.name === name);
    if (recording === undefined) writeOneRow(root);
    else writeRecording(recording, root);
    for (const path of readdirSync(join(root, name), { recursive: true, encoding: 'utf8' })) {
      const written = join(root, name, path);
      if (statSync(written).isDirectory()) continue;
      expect(content(join(committed, name, path)), path).toEqual(content(written));
    }
  });
});

/** Compressed files by what is in them, since zlib may pack differently elsewhere; a damaged one byte for byte. */
function content(path: string): string {
  const bytes = readFileSync(path);
  if (!path.endsWith('.gz')) return bytes.toString();
  try {
    return gunzipSync(bytes).toString();
  } catch {
    return bytes.subarray(0, 200).toString('hex');
  }
}
