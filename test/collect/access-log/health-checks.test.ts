/** When health checks of a target failed, why, and seen by which nodes. */
import { describe, expect, it } from 'vitest';
import { failedHealthChecks, parseHealthCheck } from '../../../src/collect/access-log/health-checks.ts';

const shop = { name: 'shop', id: '50dc6c495c0c9188' };
const clock = (time: string): number => Date.parse(`2026-11-20T${time}Z`);
const window = { from: clock('02:40:00'), to: clock('02:55:00') };

const line = (
  time: string,
  result: string,
  node = '10.0.0.10',
  target = '10.0.1.5:8080',
  elb = 'app/shop/50dc6c495c0c9188',
) => `http 2026-11-20T${time}Z 0.012 ${target} api ${result} ${elb} ${node}`;

const FAIL = 'FAIL 503 TargetError';
const SILENT = 'FAIL - TimedOut';
const PASS = 'PASS 200 -';

const read = (...lines: string[]) =>
  failedHealthChecks(
    lines.flatMap((one) => parseHealthCheck(one, shop) ?? []),
    window,
  ).map(
    ({ target, from, to, nodes, reasons }) =>
      `${target} ${new Date(from).toISOString().slice(11, 19)}-${to === null ? '' : new Date(to).toISOString().slice(11, 19)} ${nodes.length} ${reasons.map((one) => `${one.count} ${one.reason} ${one.statusCode}`).join(', ')}`,
  );

describe('health checks failed', () => {
  it.each<[string, string[], string[]]>([
    [
      'until the node saw one pass',
      [line('02:41:00', PASS), line('02:41:30', FAIL), line('02:42:00', FAIL), line('02:42:30', PASS)],
      ['10.0.1.5:8080 02:41:30-02:42:30 1 2 TargetError 503'],
    ],
    [
      'until every node that saw a failure saw one pass',
      [
        line('02:41:00', FAIL),
        line('02:41:05', SILENT, '10.0.1.10'),
        line('02:41:30', PASS),
        line('02:41:35', SILENT, '10.0.1.10'),
        line('02:42:05', PASS, '10.0.1.10'),
      ],
      ['10.0.1.5:8080 02:41:00-02:42:05 2 2 TimedOut -, 1 TargetError 503'],
    ],
    [
      'to the end of the log',
      [line('02:54:00', FAIL), line('02:54:30', FAIL)],
      ['10.0.1.5:8080 02:54:00- 1 2 TargetError 503'],
    ],
    ['once, which makes no target unhealthy', [line('02:41:00', FAIL), line('02:41:30', PASS)], []],
    ['before the window', [line('02:30:00', FAIL), line('02:30:30', FAIL), line('02:31:00', PASS)], []],
    [
      'on two targets at once',
      [
        ...['02:41:00', '02:41:30'].map((time) => line(time, FAIL, '10.0.0.10', '10.0.1.6:8080')),
        ...['02:41:00', '02:41:30'].map((time) => line(time, SILENT)),
      ],
      ['10.0.1.5:8080 02:41:00- 1 2 TimedOut -', '10.0.1.6:8080 02:41:00- 1 2 TargetError 503'],
    ],
    [
      'on a target of another load balancer',
      ['02:41:00', '02:41:30'].map((time) =>
        line(time, FAIL, '10.0.0.10', '10.0.1.5:8080', 'app/other/0123456789abcdef'),
      ),
      [],
    ],
  ])('%s', (_, lines, expected) => {
    expect(read(...lines)).toEqual(expected);
  });
});

it.each([
  ['passed before they failed', [line('02:41:00', PASS), line('02:41:30', FAIL), line('02:42:00', FAIL)], '02:41:00'],
  ['failed from the first one on', [line('02:41:30', FAIL), line('02:42:00', FAIL)], null],
])('tells the last that passed: checks that %s', (_, lines, expected) => {
  const [found] = failedHealthChecks(
    lines.flatMap((one) => parseHealthCheck(one, shop) ?? []),
    window,
  );
  expect(found?.lastPassed).toBe(expected === null ? null : clock(expected));
});

it.each([
  'http 2026-11-20T02:41:00Z 0.012 10.0.1.5:8080 api MAYBE 503 -',
  `${line('02:41:00', FAIL)} <!channel>`,
  line('02:41:00', 'FAIL <!channel> TargetError'),
  '',
])('%s is no health check', (text) => {
  expect(parseHealthCheck(text, shop)).toBeNull();
});
