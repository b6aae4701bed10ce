import { describe, expect, it } from 'vitest';
import { besideOf } from '../../src/diagnose/beside.ts';
import { impactOf } from '../../src/diagnose/impact-level.ts';
import { readTraffic } from '../../src/diagnose/traffic.ts';
import type { FailedRequest } from '../../src/evidence/access-log.ts';
import { API, failed, logOf, question, several } from '../support/traffic/traffic-builder.ts';

const answered = (count: number, status: string, route = 'POST /orders') =>
  several(count, 'target-response', () => ({ elb_status_code: status, target_status_code: status, route }));
const OTHER = API.replace('api', 'web');

const gateway = { ...question, statuses: ['gateway'] };

describe('gateway errors among 10,000 requests', () => {
  it.each<[string, FailedRequest[], number, Record<string, number>]>([
    [
      '500s of the application are reported besides 502s',
      [...several(4, 'closed-before-response'), ...answered(6, '500')],
      4,
      { '500': 6 },
    ],
    ['a 502 of the application counts', [...several(4, 'closed-before-response'), ...answered(6, '502')], 10, {}],
    ['500s count if nothing else failed', answered(6, '500'), 6, {}],
    [
      '500s count from 1 % of the requests and three times the rest',
      [...several(33, 'connect-failed'), ...answered(100, '500')],
      133,
      {},
    ],
    [
      '500s are reported besides if fewer than three times the rest',
      [...several(34, 'connect-failed'), ...answered(100, '500')],
      34,
      { '500': 100 },
    ],
    [
      '500s are reported besides if under 1 % of the requests',
      [...several(4, 'connect-failed'), ...answered(99, '500')],
      4,
      { '500': 99 },
    ],
    [
      'a 500 of the load balancer counts',
      [failed('other', 60, { elb_status_code: '500' }), failed('client-closed')],
      1,
      {},
    ],
  ])('%s', (_, failures, errors, targetMade) => {
    const traffic = readTraffic(logOf(failures, { requests: 10_000 }), gateway);
    expect(traffic.errorCount).toBe(errors);
    expect(besideOf(traffic).targetMade).toEqual(targetMade);
  });
});

describe('other errors besides', () => {
  it('are reported with their routes and how long clients waited', () => {
    const failures = [
      ...several(3, 'client-closed', () => ({ route: 'GET /export', elapsed: 8 })),
      ...answered(2, '500'),
      failed('connect-failed'),
      failed('other', 70, { elb_status_code: '464', route: 'POST /grpc' }),
    ];
    expect(besideOf(readTraffic(logOf(failures, { requests: 1000 }), gateway)).statuses).toEqual([
      {
        status: '460',
        madeBy: 'load-balancer',
        requests: 3,
        share: 0.003,
        medianSeconds: 8,
        routes: [{ route: 'GET /export', requests: 3 }],
      },
      {
        status: '500',
        madeBy: 'target',
        requests: 2,
        share: 0.002,
        medianSeconds: expect.any(Number),
        routes: [{ route: 'POST /orders', requests: 2 }],
      },
      {
        status: '464',
        madeBy: 'load-balancer',
        requests: 1,
        share: 0.001,
        medianSeconds: 0.002,
        routes: [{ route: 'POST /grpc', requests: 1 }],
      },
    ]);
  });
});

describe('limited to', () => {
  const failures = [
    ...several(3, 'connect-failed', () => ({ target_group_arn: API, node: '10.0.0.10' })),
    ...several(5, 'connect-failed', () => ({ target_group_arn: OTHER, node: '10.0.1.10' })),
  ];
  const zones: Record<string, string> = { '10.0.0.10': 'eu-west-1a', '10.0.1.10': 'eu-west-1b' };

  it.each([
    ['a target group by its ARN', { targetGroup: API }, 3],
    ['a target group as a metric names it', { targetGroup: OTHER.replace(/^.*:/, '') }, 5],
    ['a zone', { zone: 'eu-west-1b' }, 5],
    ['both', { targetGroup: API, zone: 'eu-west-1b' }, 0],
  ])('%s, counts the errors there', (_, limits, errors) => {
    const traffic = readTraffic(logOf(failures), { ...gateway, ...limits }, (node) => zones[node] ?? null);
    expect([traffic.errorCount, traffic.errors.length, traffic.bySignature.length]).toEqual([
      errors,
      errors,
      Math.min(1, errors),
    ]);
    expect(traffic.shapes.reduce((sum, { count }) => sum + count, 0)).toBe(errors);
  });
});

describe('the impact', () => {
  const sound = { requests: 10_000, errors: 0, beside: besideOf(readTraffic(logOf([]), gateway)), steps: [] };
  const failing = { step: 5 as const, title: '', outcome: 'fail' as const, findings: [] };

  it.each([
    ['none if nothing failed', sound, 'none'],
    ['low if a step fails', { ...sound, steps: [failing] }, 'low'],
    ['low if nothing was read', { ...sound, requests: null }, 'low'],
    ['low for few errors', { ...sound, errors: 49 }, 'low'],
    ['high from 0.5 % of the requests', { ...sound, errors: 50 }, 'high'],
    ['low for one error, whatever its share', { ...sound, requests: 1, errors: 1 }, 'low'],
    [
      'high if every request of a group gets a 400',
      { ...sound, beside: { ...sound.beside, badRequestGroups: [{ targetGroup: 'api', requests: 90 }] } },
      'high',
    ],
  ])('is %s', (_, situation, expected) => {
    expect(impactOf(situation)).toBe(expected);
  });
});
