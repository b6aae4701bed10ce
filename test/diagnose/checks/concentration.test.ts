import { describe, expect, it } from 'vitest';
import { concentration } from '../../../src/diagnose/checks/concentration.ts';
import { question, several, target, trafficOf } from '../../support/traffic/traffic-builder.ts';

const peers = (...requests: number[]) => ({
  targets: requests.map((count, i) => target(`10.0.1.${i + 5}:8080`, { requests: count })),
});
const even = peers(2500, 2500, 2500, 2500);
const onTarget = (i: number, last: number) => ({ route: `GET /${i % 7}`, client: i, target: `10.0.1.${last}:8080` });
const errors = (count: number, fields: Parameters<typeof several>[2]) => several(count, 'connect-failed', fields, 1);

describe('concentration', () => {
  it.each([
    [
      'one of four targets',
      errors(20, (i) => onTarget(i, 5)),
      even,
      'fail',
      'The target 10.0.1.5:8080 has 100 % of the errors (20 of 20) and 25 % of the requests.',
    ],
    [
      'two of four targets, alike',
      errors(200, (i) => onTarget(i, i % 2 === 0 ? 5 : 6)),
      even,
      'pass',
      '200 errors on 2 of 4 targets, 1 node, 7 routes and 200 clients; no single target, route or client explains them.',
    ],
    ['one of two targets', errors(20, (i) => onTarget(i, 5)), peers(5000, 5000), 'fail', '10.0.1.5:8080 has 100 %'],
    [
      'the only target',
      errors(20, (i) => onTarget(i, 5)),
      peers(10_000),
      'pass',
      '20 errors on 1 target, 1 node, 7 routes and 20 clients; no single route or client explains them.',
    ],
    [
      'the busiest target has the most',
      errors(20, (i) => onTarget(i, i < 18 ? 5 : 6)),
      peers(9000, 1000),
      'pass',
      'no single target, route or client explains them',
    ],
    [
      'slightly more than its share, of many errors',
      errors(400, (i) => onTarget(i, i % 5 < 3 ? 5 : 6)),
      peers(4500, 5500),
      'pass',
      'no single target, route or client explains them',
    ],
    [
      'one client',
      errors(20, (i) => ({ ...onTarget(i, (i % 4) + 5), client: 7 })),
      even,
      'fail',
      'One client has 100 % of the errors',
    ],
    [
      'one node',
      errors(20, (i) => onTarget(i, (i % 4) + 5)),
      { targets: [...even.targets, target('10.0.1.5:8080', { node: '10.0.0.11', requests: 30_000 })] },
      'fail',
      'The load balancer node 10.0.0.10 has 100 % of the errors (20 of 20) and 25 % of the requests.',
    ],
    [
      'spread',
      errors(20, (i) => onTarget(i, (i % 4) + 5)),
      even,
      'pass',
      '20 errors on 4 targets, 1 node, 7 routes and 20 clients; no single target, route or client explains them.',
    ],
    [
      'some of the targets',
      errors(20, (i) => onTarget(i, (i % 3) + 5)),
      even,
      'pass',
      '20 errors on 3 of 4 targets, 1 node, 7 routes and 20 clients; no single',
    ],
    ['three errors', errors(3, (i) => onTarget(i, 5)), even, 'not-applicable', 'too few to compare'],
  ])('%s', (_, failures, log, outcome, part) => {
    const verdict = concentration.evaluate({ traffic: trafficOf(failures, log) }, question);
    expect(verdict.outcome).toBe(outcome);
    expect(verdict.summary).toContain(part);
  });

  it('finds a route that fails beyond its share', () => {
    const failures = errors(20, (i) => ({ ...onTarget(i, (i % 4) + 5), route: 'POST /export' }));
    const { summary } = concentration.evaluate({ traffic: trafficOf(failures, even) }, question);
    expect(summary).toBe('The route POST /export has 100 % of the errors (20 of 20) and 10 % of the requests.');
  });

  it('gives no advice about the code of a route whose requests reached no target', () => {
    const unsent = several(20, 'no-target', (i) => ({ route: 'POST /export', client: i, target: '-' }), 1);
    expect(concentration.evaluate({ traffic: trafficOf(unsent, even) }, question)).toMatchObject({
      fix: 'No failed request to POST /export reached a target: look at target group api, not at the application.',
    });
  });

  it('names the targets that fail every request, and those that fail none', () => {
    const rows = [5, 6, 7, 8].map((n) => target(`10.0.1.${n}:8080`, { requests: 50, failures: n < 7 ? 50 : 0 }));
    const failures = errors(20, (i) => onTarget(i, (i % 2) + 5));
    const judge = (targets: typeof rows) =>
      concentration.evaluate({ traffic: trafficOf(failures, { targets }) }, question).summary;
    expect(judge(rows)).toBe(
      '2 of 4 targets of api fail every request (10.0.1.5:8080 and 10.0.1.6:8080); the others succeed (10.0.1.7:8080 and 10.0.1.8:8080).',
    );
    // One that fails now and then speaks against a split.
    expect(judge([...rows, target('10.0.1.9:8080', { requests: 50, failures: 20 })])).not.toContain('every request');
  });
});
