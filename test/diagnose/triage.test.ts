import { describe, expect, it } from 'vitest';
import { besideOf } from '../../src/diagnose/beside.ts';
import { errorsInLog } from '../../src/diagnose/errors-in-log.ts';
import { timeline, triage } from '../../src/diagnose/triage.ts';
import type { MetricSeries } from '../../src/evidence/aws.ts';
import { metricsReach } from '../../src/evidence/metrics.ts';
import {
  API,
  failed,
  MINUTE,
  question,
  START,
  several,
  target,
  trafficOf,
} from '../support/traffic/traffic-builder.ts';

const LOAD_BALANCER = { LoadBalancer: 'app/shop-prod/50dc6c495c0c9188' };
const counter = (MetricName: string, values: [minute: number, value: number][]): MetricSeries => ({
  MetricName,
  Dimensions: LOAD_BALANCER,
  Stat: 'Sum',
  Period: 60,
  Timestamps: values.map(([minute]) => new Date(START + minute * MINUTE).toISOString()),
  Values: values.map(([, value]) => value),
});

describe('whether it is still happening', () => {
  const at = (minutesAfterStart: number) => ({ ...question, now: START + minutesAfterStart * MINUTE });
  const early = trafficOf(several(3, 'connect-failed'), { newest: START + 10 * MINUTE });

  it.each([
    { name: 'an error 4 minutes ago', now: at(5), metrics: null, ongoing: true },
    { name: 'the log reaches now and its last error is older', now: at(14), metrics: null, ongoing: false },
    { name: 'neither log nor metrics reach that far', now: at(75), metrics: null, ongoing: null },
    {
      name: 'the metrics of the last minutes have errors',
      now: at(16),
      metrics: [counter('HTTPCode_ELB_502_Count', [[14, 3]])],
      ongoing: true,
    },
    {
      name: 'the metrics of the last minutes have none',
      now: at(16),
      metrics: [counter('HTTPCode_ELB_502_Count', [[2, 3]])],
      ongoing: false,
    },
    {
      name: 'the metric of all 5xx has errors in the last minutes',
      now: at(16),
      statuses: ['5xx'],
      metrics: [counter('HTTPCode_ELB_5XX_Count', [[14, 3]])],
      ongoing: true,
    },
    {
      name: 'another load balancer has errors in the last minutes',
      now: at(16),
      metrics: [
        counter('HTTPCode_ELB_502_Count', [[2, 3]]),
        { ...counter('HTTPCode_ELB_502_Count', [[14, 3]]), Dimensions: { LoadBalancer: 'app/other/50dc6c495c0c9188' } },
      ],
      ongoing: false,
    },
    {
      name: 'a counter of an asked status was not recorded',
      now: at(75),
      statuses: ['502', '504'],
      metrics: [counter('HTTPCode_ELB_502_Count', [[2, 3]])],
      ongoing: null,
    },
  ])('$name: $ongoing', ({ now, metrics, statuses, ongoing }) => {
    const asked = { ...now, statuses: statuses ?? ['502'] };
    const reach = metrics && metricsReach(asked, metrics);
    expect(triage(early, asked, reach, besideOf(early)).ongoing).toBe(ongoing);
  });
});

describe('whether errors still came where the log ends', () => {
  const minutes = (...at: number[]) => at.map((minute) => failed('connect-failed', minute * 60));
  it.each([
    { name: 'steadily until then', failures: minutes(1, 5, 9, 13), newest: 14, failing: true },
    { name: 'the last a minute ago', failures: minutes(1, 1.1, 1.2, 13.2), newest: 14, failing: true },
    { name: 'in one burst, long ago', failures: minutes(1, 1.1, 1.2, 1.3), newest: 14, failing: false },
    { name: 'too few to tell', failures: minutes(1, 13.9), newest: 14, failing: null },
  ])('$name: $failing', ({ failures, newest, failing }) => {
    const traffic = trafficOf(failures, { newest: START + newest * MINUTE });
    const found = triage(traffic, { ...question, now: START + 75 * MINUTE }, null, besideOf(traffic));
    expect(found.failingAtEnd).toBe(failing);
    const words =
      failing === null
        ? /no successful retry\.$/
        : failing
          ? / Still failing when the log ends \(02:54:00 UTC/
          : / No errors since then; the log ends at 02:54:00 UTC/;
    expect(found.summary).toMatch(words);
  });
});

describe('who was affected', () => {
  it('counts routes, clients and statuses of the asked errors only, and mentions 460s', () => {
    const only502 = { ...question, statuses: ['502'] };
    const traffic = trafficOf(
      [
        ...several(4, 'connect-failed', (i) => ({ client: i % 2, route: `GET /${i % 3}` })),
        failed('connect-timeout', 200, { client: 9 }),
        ...several(3, 'client-closed'),
      ],
      {},
      only502,
    );
    const { errors, byStatus, clients, routes, clientClosed, summary } = triage(
      traffic,
      only502,
      null,
      besideOf(traffic),
    );
    expect({ errors, byStatus, clients, clientClosed }).toEqual({
      errors: 4,
      byStatus: { 502: 4 },
      clients: 2,
      clientClosed: 3,
    });
    expect(routes.map(({ route, errors: failures }) => [route, failures])).toEqual([
      ['GET /0', 2],
      ['GET /1', 1],
      ['GET /2', 1],
    ]);
    expect(summary).toBe(
      '4 of 10,000 requests failed (0.04 %), all within 30 s from 02:41:00 UTC; 3 routes, 2 clients, no successful retry. No errors since then; the log ends at 02:55:00 UTC. 3 clients gave up first (460), typically after 5.00 s, all on GET /orders.',
    );
  });
});

it('names the route of most requests to a target group that answers nothing but 400', () => {
  const badRequestRoutes = [
    { target_group_arn: API, route: 'GET /orders', requests: 50 },
    { target_group_arn: API, route: 'GET /cart', requests: 40 },
  ];
  const traffic = trafficOf([], {
    targets: [target('10.0.1.5:8443', { requests: 90, badRequests: 90 })],
    badRequestRoutes,
  });
  const beside = besideOf(traffic);
  expect(beside.badRequestGroups).toEqual([
    { targetGroup: 'api', requests: 90, routes: badRequestRoutes.map(({ route, requests }) => ({ route, requests })) },
  ]);
  expect(triage(traffic, question, null, beside).summary).toContain(
    'api answered all 90 of its requests with 400, most on GET /orders.',
  );
});

describe('routes of more failures than kept rows', () => {
  const shown = [
    ...several(2, 'connect-failed', () => ({ route: 'GET /a' })),
    ...several(1, 'connect-failed', () => ({ route: 'GET /b' })),
  ];
  const route = (name: string, failures: number, requests: number) => ({
    route: name,
    requests,
    failures,
    succeeded: requests - failures,
    succeededMs: 0,
    succeededMaxMs: 0,
  });

  it('are counted by the log, not estimated, if every failure was asked about', () => {
    const kept = trafficOf(shown);
    const traffic = {
      ...kept,
      errorCount: 5,
      errors: kept.errors.map((error) => ({ ...error, weight: 5 / 3 })),
      log: { ...kept.log, failuresTotal: 5, routes: [route('GET /a', 4, 4), route('GET /b', 1, 9)] },
    };
    expect(triage(traffic, question, null, besideOf(traffic)).routes).toEqual([
      { route: 'GET /a', errors: 4, requests: 4 },
      { route: 'GET /b', errors: 1, requests: 9 },
    ]);
  });
});

describe('with rows of some failures only', () => {
  it('takes the first and the last error from the counts per minute', () => {
    const all = trafficOf([1, 130, 600].map((second) => failed('connect-failed', second)));
    const kept = {
      ...all,
      errors: all.errors.slice(1, 2),
      log: { ...all.log, failures: all.log.failures.slice(1, 2) },
    };
    const { firstError, lastError } = triage(kept, question, null, besideOf(kept));
    // The minute is known, the second is not.
    expect([firstError, lastError]).toEqual([
      new Date(START).toISOString(),
      new Date(START + 10 * MINUTE).toISOString(),
    ]);
  });

  it('takes the first and the last error from the log if it has them', () => {
    const all = trafficOf([1, 130, 600].map((second) => failed('connect-failed', second)));
    const failureShapes = all.log.failureShapes.map((shape, index) => {
      const at = all.errors[index]?.at;
      return { ...shape, first: at, last: at };
    });
    const kept = {
      ...all,
      errors: all.errors.slice(1, 2),
      shapes: failureShapes,
      log: { ...all.log, failures: all.log.failures.slice(1, 2), failureShapes },
    };
    const { firstError, lastError } = triage(kept, question, null, besideOf(kept));
    expect([firstError, lastError]).toEqual([
      new Date(START + 1000).toISOString(),
      new Date(START + 600_000).toISOString(),
    ]);
  });
});

describe('timeline', () => {
  it('has one bucket a minute, cut at the window', () => {
    const buckets = timeline(trafficOf([failed('connect-failed', 61), failed('idle-timeout', 62)]), {
      ...question,
      from: START + 30_000,
      to: START + 150_000,
    });
    expect(buckets.map(({ from, to, bySignature }) => [from.slice(14, 19), to.slice(14, 19), bySignature])).toEqual([
      ['40:30', '41:00', {}],
      ['41:00', '42:00', { 'connect-failed': 1, 'idle-timeout': 1 }],
      ['42:00', '42:30', {}],
    ]);
  });

  it('has at most 60 buckets for a day and loses nothing', () => {
    const day = { ...question, to: START + 24 * 60 * MINUTE };
    const buckets = timeline(trafficOf(several(50, 'connect-failed', undefined, 1700)), day);
    expect(buckets.length).toBeLessThanOrEqual(61);
    const errors = buckets.reduce((sum, bucket) => sum + (bucket.bySignature['connect-failed'] ?? 0), 0);
    expect([errors, buckets[0]?.from, buckets.at(-1)?.to]).toEqual([
      50,
      new Date(day.from).toISOString(),
      new Date(day.to).toISOString(),
    ]);
  });
});

it('compares with the metric only whole minutes and errors made by the load balancer', () => {
  const traffic = trafficOf([
    failed('connect-failed', 30),
    failed('connect-failed', 90),
    failed('target-response', 91),
  ]);
  expect(errorsInLog(traffic, { ...question, from: START + 20_000 })).toBe(1);
  expect(errorsInLog(traffic, { ...question, from: START + 20_000, to: START + 100_000 })).toBeNull();
});
