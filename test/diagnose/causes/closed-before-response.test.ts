/** Rows of the shape `x t -1` 502 look alike one by one: which pattern makes which cause likely, and what is left open. */
import { describe, expect, it } from 'vitest';
import type { Cause } from '../../../src/diagnose/causes/cause.ts';
import { closedMidRequest } from '../../../src/diagnose/causes/closed-mid-request.ts';
import { keepAliveRace } from '../../../src/diagnose/causes/keep-alive-race.ts';
import { malformedResponse } from '../../../src/diagnose/causes/malformed-response.ts';
import { protocolMismatch } from '../../../src/diagnose/causes/protocol-mismatch.ts';
import { responseHeaderTooLarge } from '../../../src/diagnose/causes/response-header-too-large.ts';
import { shutdownBeforeDrain } from '../../../src/diagnose/causes/shutdown-before-drain.ts';
import { slowUpload } from '../../../src/diagnose/causes/slow-upload.ts';
import { workerTimeout } from '../../../src/diagnose/causes/worker-timeout.ts';
import type { AccessLog, FailedRequest } from '../../../src/evidence/access-log.ts';
import { judgementOf } from '../../support/judgement.ts';
import { anyGap, gapsAt, idleGapsOf } from '../../support/traffic/idle-gaps.ts';
import { answersOf, evenly, routeOf } from '../../support/traffic/route-traffic.ts';
import { failed, MINUTE, question, START, several, target, trafficOf } from '../../support/traffic/traffic-builder.ts';

const CLOSED: readonly Cause[] = [
  keepAliveRace,
  protocolMismatch,
  closedMidRequest,
  workerTimeout,
  malformedResponse,
  responseHeaderTooLarge,
  shutdownBeforeDrain,
  slowUpload,
];

const seconds = (target_processing_time: number): Partial<FailedRequest> => ({ target_processing_time });
const closed = (count: number, fields: (index: number) => Partial<FailedRequest> = () => ({}), every = 10) =>
  several(count, 'closed-before-response', fields, every);

/** Errors of nine routes, `hits` of them at an idle time of 6.00 s, as `chance` of 500 controls. */
const idle = (count: number, hits: number, chance: number, route = (i: number) => `GET /route-${i % 9}`) => {
  const failures = closed(count, (i) => ({ route: route(i), client: i + 1 }));
  return { failures, log: { idleGaps: gapsAt(failures, { seconds: 6, hits, chance }) } };
};

interface Situation {
  name: string;
  failures: FailedRequest[];
  log?: Partial<AccessLog>;
  expected: Record<string, 'likely' | 'confirmed' | 'possible' | 'ruled out' | 'untested'>;
}

const routes = (route: string, requests: number, succeeded: number, longestMs = 900): AccessLog['routes'] => [
  {
    route,
    requests,
    failures: requests - succeeded,
    succeeded,
    succeededMs: succeeded * 100,
    succeededMaxMs: longestMs,
  },
];

/** A race at 6.00 s, and closes after 0.9 s of work that come as long before 6 s after a response as half of the other requests. */
const raceOfBusyTargets = () => {
  const failures = closed(47, (i) => ({
    ...seconds(i < 27 ? 0 : 0.9),
    route: `GET /route-${i % 9}`,
    client: i + 1,
    retriedOk: true,
  }));
  const idleGaps = idleGapsOf(failures, {
    controls: 500,
    error: (i) => [i < 27 ? 6000 : 5150 + 40 * (i - 27)],
    control: (i) => [i % 2 === 0 ? 5150 + ((i * 7) % 800) : anyGap(i)],
  });
  const log = {
    idleGaps,
    routes: Array.from({ length: 9 }, (_, i) => routes(`GET /route-${i}`, 200, 194, 500)).flat(),
  };
  return { failures, log };
};

const situations: Situation[] = [
  {
    name: '27 instant closes at one idle time that the controls do not have',
    ...idle(27, 27, 2),
    expected: {
      'keep-alive-race': 'likely',
      'closed-mid-request': 'ruled out',
      'worker-timeout': 'ruled out',
      'malformed-response': 'ruled out',
      'response-header-too-large': 'ruled out',
      'shutdown-before-drain': 'ruled out',
      'protocol-mismatch': 'ruled out',
    },
  },
  {
    name: 'clients that poll at the same rhythm: controls match as often, which rules out nothing',
    ...idle(60, 22, 180),
    expected: { 'keep-alive-race': 'possible', 'closed-mid-request': 'possible' },
  },
  {
    name: 'all at one idle time and on one route, whose successes have other idle times',
    ...idle(27, 27, 2, () => 'GET /status'),
    expected: { 'keep-alive-race': 'likely' },
  },
  {
    name: 'four at one idle time that no control has: chance decides, not a number',
    ...idle(4, 4, 0),
    expected: { 'keep-alive-race': 'likely', 'closed-mid-request': 'ruled out' },
  },
  {
    name: 'four without an idle time in common',
    ...idle(4, 1, 0),
    expected: {
      'keep-alive-race': 'possible',
      'closed-mid-request': 'possible',
      'malformed-response': 'possible',
      'response-header-too-large': 'possible',
    },
  },
  {
    name: 'late closes next to a race, perhaps by busy targets: from the race or another cause',
    ...raceOfBusyTargets(),
    expected: { 'keep-alive-race': 'likely', 'closed-mid-request': 'possible' },
  },
  {
    name: 'half at one idle time: a race, and something else that may be one too',
    ...idle(40, 20, 2),
    expected: { 'keep-alive-race': 'likely', 'closed-mid-request': 'possible' },
  },
  {
    name: 'one row after 11 s of work',
    failures: closed(1, () => seconds(11.083)),
    expected: {
      'keep-alive-race': 'ruled out',
      'closed-mid-request': 'possible',
      'malformed-response': 'possible',
      'response-header-too-large': 'possible',
    },
  },
  {
    name: 'twelve at 30 s of a route that otherwise answers sooner',
    failures: closed(12, (i) => ({ ...seconds(30 + (i % 4) * 0.05), route: 'POST /reports' }), 40),
    log: { routes: routes('POST /reports', 200, 188, 24_000) },
    expected: { 'worker-timeout': 'likely', 'keep-alive-race': 'ruled out', 'shutdown-before-drain': 'ruled out' },
  },
  {
    name: 'twelve at 30 s, but one request of the route took 45 s and succeeded',
    failures: closed(12, (i) => ({ ...seconds(30 + (i % 4) * 0.05), route: 'POST /reports' }), 40),
    log: { routes: routes('POST /reports', 200, 188, 45_000) },
    expected: { 'worker-timeout': 'possible' },
  },
  {
    name: 'twelve at 30 s, and one took 45 s where requests of a quick route wait up to 20 s for a worker',
    failures: closed(12, (i) => ({ ...seconds(30 + (i % 4) * 0.05), route: 'POST /reports' }), 40),
    log: {
      routes: routes('POST /reports', 200, 188, 45_000),
      slowest: { answeredMs: 900_000, routes: [answersOf('GET /cart', [...evenly(100, 10, 30), 8000, 20_000])] },
    },
    expected: { 'worker-timeout': 'likely' },
  },
  {
    name: 'nine of any duration within 8 s, where requests of a quick route wait as long for a worker',
    failures: closed(9, (i) => ({ ...seconds(2 + 0.9 * i), route: `GET /route-${i}` }), 40),
    log: { slowest: { answeredMs: 900_000, routes: [answersOf('GET /cart', [...evenly(100, 10, 30), 9000])] } },
    expected: { 'worker-timeout': 'untested' },
  },
  {
    name: 'five on one target ended together after different work: one event, no clock',
    failures: closed(5, (i) => ({ ...seconds(2 + i), route: `GET /route-${i}` }), 0.01),
    expected: { 'closed-mid-request': 'likely', 'worker-timeout': 'ruled out', 'keep-alive-race': 'ruled out' },
  },
  {
    name: 'every request of one route fails, other routes are fine',
    failures: closed(20, (i) => ({ ...seconds(0.2 + (i % 5) * 0.1), route: 'GET /export' })),
    log: { routes: routes('GET /export', 20, 0, 0) },
    expected: {
      'malformed-response': 'possible',
      'response-header-too-large': 'possible',
      // A route that ends its process each time looks the same.
      'closed-mid-request': 'possible',
      'keep-alive-race': 'ruled out',
    },
  },
  {
    name: 'every request of one route fails at 30 s: a timer or the response',
    failures: closed(20, (i) => ({ ...seconds(30 + (i % 5) * 0.01), route: 'POST /reports' })),
    log: { routes: routes('POST /reports', 20, 0, 0) },
    expected: {
      'worker-timeout': 'possible',
      'malformed-response': 'possible',
      'response-header-too-large': 'possible',
      'keep-alive-race': 'ruled out',
    },
  },
  {
    name: 'uploads of megabytes, each closed at 60 s: a clock on the work or on the body',
    failures: closed(12, () => ({ ...seconds(60), route: 'POST /uploads', received_bytes: 2_000_000 })),
    log: { routes: routes('POST /uploads', 200, 188, 900) },
    expected: { 'worker-timeout': 'likely', 'slow-upload': 'possible' },
  },
  {
    name: 'uploads closed at 60 s with a tenth of the usual bytes: the timer may have waited for the body',
    failures: closed(12, () => ({ ...seconds(60), route: 'POST /uploads', received_bytes: 200_000 })),
    log: {
      routes: [
        routeOf('POST /uploads', 12, { times: evenly(188, 100, 900), sizes: evenly(188, 1_900_000, 2_100_000) }),
      ],
    },
    expected: { 'worker-timeout': 'possible', 'slow-upload': 'possible' },
  },
  {
    name: 'uploads closed at 60 s with the whole body sent: a timer of the work',
    failures: closed(12, () => ({ ...seconds(60), route: 'POST /uploads', received_bytes: 2_000_000 })),
    log: {
      routes: [
        routeOf('POST /uploads', 12, { times: evenly(188, 100, 900), sizes: evenly(188, 1_900_000, 2_100_000) }),
      ],
    },
    expected: { 'worker-timeout': 'likely', 'slow-upload': 'ruled out' },
  },
  {
    name: 'uploads closed above 60 s, each after a different time, with a tenth of the usual bytes',
    failures: closed(12, (i) => ({ ...seconds(60 + i), route: 'POST /uploads', received_bytes: 200_000 + i })),
    log: {
      routes: [
        routeOf('POST /uploads', 12, { times: evenly(188, 100, 900), sizes: evenly(188, 1_900_000, 2_100_000) }),
      ],
    },
    expected: {
      'slow-upload': 'possible',
      'closed-mid-request': 'possible',
      'worker-timeout': 'ruled out',
      'malformed-response': 'ruled out',
    },
  },
  {
    name: 'a server that looks once a second: closes from 5.1 to 5.9 s, and hardly a success as long',
    failures: closed(14, (i) => ({ ...seconds(5.1 + i * 0.06), route: 'GET /reports' }), 31),
    log: { routes: [routeOf('GET /reports', 14, { times: [...evenly(160, 500, 4800), 5870] })] },
    expected: { 'worker-timeout': 'likely', 'malformed-response': 'ruled out' },
  },
  {
    name: 'closed when the route responds, some earlier and some later: the response or the process, not an idle time',
    failures: closed(20, (i) => ({ ...seconds(0.01 + i * 0.004), route: 'GET /users' })),
    log: { routes: [routeOf('GET /users', 20, { times: evenly(60, 10, 86) })] },
    expected: {
      'malformed-response': 'possible',
      'response-header-too-large': 'possible',
      'closed-mid-request': 'possible',
      'keep-alive-race': 'ruled out',
    },
  },
  {
    name: 'closed earlier than any success responded: no response was sent',
    failures: closed(6, () => ({ ...seconds(0.002), route: 'GET /slow' })),
    log: { routes: [routeOf('GET /slow', 6, { times: evenly(200, 300, 900) })] },
    expected: {
      'keep-alive-race': 'possible',
      'closed-mid-request': 'possible',
      'malformed-response': 'ruled out',
      'response-header-too-large': 'ruled out',
    },
  },
  {
    name: 'six of ten requests of a group closed at once: a race fails at most half',
    failures: closed(60, (i) => ({ route: `GET /r-${i % 4}`, client: i + 1 })),
    log: {
      requests: 100,
      targets: [target('10.0.1.5:8080', { requests: 100, failures: 60 })],
      routes: [0, 1, 2, 3].flatMap((i) => routes(`GET /r-${i}`, 25, 10)),
    },
    expected: { 'keep-alive-race': 'ruled out', 'closed-mid-request': 'possible', 'malformed-response': 'possible' },
  },
  {
    name: 'five on one target within milliseconds, closed as they were sent: sent together, not ended together',
    failures: closed(5, (i) => ({ route: `GET /route-${i}` }), 0.01),
    expected: { 'keep-alive-race': 'possible', 'closed-mid-request': 'possible' },
  },
  {
    name: 'scattered closes that worked when repeated; a quiet route failed one of three by chance',
    failures: closed(
      24,
      (i) => ({ ...seconds(1 + i * 0.21), route: i === 0 ? 'GET /rare' : `GET /r-${i % 4}`, retriedOk: true }),
      31,
    ),
    log: { routes: [...routes('GET /rare', 3, 2), ...[0, 1, 2, 3].flatMap((i) => routes(`GET /r-${i}`, 200, 194))] },
    expected: { 'closed-mid-request': 'likely', 'malformed-response': 'ruled out', 'worker-timeout': 'ruled out' },
  },
  {
    name: 'slow closes of four routes, one of which fails every other time: its response may be at fault',
    failures: closed(
      24,
      (i) => ({ ...seconds(0.3 + i * 0.21), route: i < 20 ? 'GET /odd' : `GET /r-${i % 4}`, retriedOk: true }),
      31,
    ),
    log: { routes: [...routes('GET /odd', 40, 20), ...[0, 1, 2, 3].flatMap((i) => routes(`GET /r-${i}`, 200, 199))] },
    expected: { 'closed-mid-request': 'possible', 'malformed-response': 'possible' },
  },
  {
    name: 'every request of a group to port 443, closed at once',
    failures: closed(30, () => ({ target: '10.0.1.5:443' }), 5),
    log: {
      requests: 30,
      routes: routes('GET /orders', 30, 0, 0),
      targets: [target('10.0.1.5:443', { requests: 30, failures: 30, firstSuccess: null, lastSuccess: null })],
    },
    expected: { 'protocol-mismatch': 'possible', 'closed-mid-request': 'possible' },
  },
  {
    name: 'two targets in turn fail at their end and new ones take over',
    failures: [
      ...closed(4, (i) => ({ ...seconds(0.3 + i * 0.7), target: '10.0.1.5:8080', route: `GET /route-${i}` }), 2),
      ...closed(4, (i) => ({ ...seconds(0.4 + i * 0.9), target: '10.0.1.6:8080', route: `GET /route-${i}` }), 2),
    ],
    log: {
      targets: [
        target('10.0.1.5:8080', { lastSeen: START + 70_000, lastSuccess: START + 60_000 }),
        target('10.0.1.6:8080', { lastSeen: START + 75_000, lastSuccess: START + 60_000 }),
        target('10.0.1.7:8080', { firstSeen: START + 2 * MINUTE }),
        target('10.0.1.8:8080', { firstSeen: START + 3 * MINUTE }),
      ],
    },
    expected: { 'shutdown-before-drain': 'likely', 'keep-alive-race': 'ruled out', 'worker-timeout': 'ruled out' },
  },
];

describe('closed before a response', () => {
  it.each(situations)('$name', ({ failures, log, expected }) => {
    const traffic = trafficOf(failures, { ...(log ?? {}) });
    const judged = Object.fromEntries(
      CLOSED.map((cause) => {
        const { claims, ruledOut, against } = judgementOf(cause, { traffic }, question);
        const strongest = ['confirmed', 'likely', 'possible'].find((strength) =>
          claims.some((claim) => claim.strength === strength && claim.errors.length > 0),
        );
        if (!strongest && ruledOut) expect(against[0], cause.id).toMatch(/\d/);
        return [cause.id, strongest ?? (ruledOut ? 'ruled out' : 'untested')];
      }),
    );
    expect(judged).toMatchObject(expected);
  });

  it('shows the measured idle time, the idle timeout and the runtimes with that default', () => {
    const { failures, log } = idle(27, 27, 2);
    const traffic = trafficOf(failures, log);
    const scene = { traffic, attributes: { 'idle_timeout.timeout_seconds': '60' } };
    const { summary, for: reasons } = judgementOf(keepAliveRace, scene, question);
    expect(summary).toBe(
      'Keep-alive race on target group api: its targets close idle connections after 6 s, but the load balancer reuses them for up to 60 s.',
    );
    expect(reasons.join('\n')).toContain('27 failed requests came 6.00 s after an earlier response');
    expect(judgementOf(keepAliveRace, scene, question).fix.settings?.[0]).toContain('keepAliveTimeout = 65_000');
  });

  it('does not count a target as leaving if it answered for another 20 s after a close', () => {
    const lives = [
      target('10.0.1.5:8080', { lastSeen: START + 130_000, lastSuccess: START + 120_000 }),
      target('10.0.1.6:8080'),
      target('10.0.1.7:8080', { firstSeen: START + 2 * MINUTE }),
    ];
    const refused = [121, 123, 125, 130].map((second) => failed('connect-failed', second));
    const early = failed('closed-before-response', 100, { target_processing_time: 0.13 });
    const traffic = trafficOf([early, ...refused], { targets: lives });
    const { claims } = judgementOf(shutdownBeforeDrain, { traffic }, question);
    expect(claims.filter(({ errors }) => errors.length > 0)).toMatchObject([
      { strength: 'likely', errors: { length: 4 } },
    ]);
    expect(judgementOf(closedMidRequest, { traffic }, question)).toMatchObject({ ruledOut: false });
  });

  describe('three requests of one route that ended together', () => {
    const ended = [0.5, 1.4, 2.6].map((worked, i) =>
      failed('closed-before-response', 100 + i / 1000, { target_processing_time: worked, elapsed: worked }),
    );
    const judge = (...more: FailedRequest[]) =>
      judgementOf(closedMidRequest, { traffic: trafficOf([...ended, ...more]) }, question)
        .claims.filter(({ errors }) => errors.length > 0)
        .map(({ strength }) => strength);

    it('come from a process that ended, since no route answers requests of three durations at one moment', () => {
      expect(judge()).toEqual(['likely']);
      expect(judge(failed('connect-failed', 100.2))).toEqual(['likely']);
    });
  });

  it('were not closed by the target if the load balancer ended them when the target left', () => {
    const failures = several(3, 'no-response-aborted', () => ({}), 0);
    const targets = [
      target('10.0.1.5:8080', { lastSeen: START + 60_000, lastSuccess: START + 40_000 }),
      target('10.0.1.6:8080'),
    ];
    const { ruledOut, against } = judgementOf(
      closedMidRequest,
      { traffic: trafficOf(failures, { targets }) },
      question,
    );
    expect(ruledOut).toBe(true);
    expect(against).toEqual([
      'All 3 failed requests went over an open connection until the load balancer ended it before any response.',
    ]);
  });

  it('do not show that a target left at the end of the log', () => {
    const lives = [target('10.0.1.5:8080', { lastSeen: START + 15 * MINUTE - 10_000 }), target('10.0.1.6:8080')];
    const traffic = trafficOf(
      closed(4, (i) => seconds(0.5 + i)),
      { targets: lives },
    );
    expect(judgementOf(shutdownBeforeDrain, { traffic }, question).claims.flatMap((claim) => claim.errors)).toEqual([]);
  });
});
