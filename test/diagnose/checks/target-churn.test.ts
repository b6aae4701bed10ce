import { expect, it } from 'vitest';
import { targetChurn } from '../../../src/diagnose/checks/target-churn.ts';
import {
  API,
  failed,
  MINUTE,
  question,
  START,
  several,
  target,
  trafficOf,
} from '../../support/traffic/traffic-builder.ts';

const left = target('10.0.1.5:8080', { lastSeen: START + 2 * MINUTE });
const stays = target('10.0.1.6:8080');
const joined = target('10.0.1.7:8080', { firstSeen: START + 3 * MINUTE });
/** A target that joined and left within the window. */
const brief = (host: number) =>
  target(`10.0.1.${host}:8080`, { firstSeen: START + 3 * MINUTE, lastSeen: START + 5 * MINUTE });

it.each([
  { name: 'the same targets throughout', log: { targets: [stays] }, failures: [], outcome: 'pass' },
  { name: 'a quiet replacement', log: { targets: [left, stays, joined] }, failures: [], outcome: 'pass' },
  {
    name: 'errors as it left',
    log: { targets: [left, stays, joined] },
    failures: several(3, 'connect-failed', () => ({ target: '10.0.1.5:8080' })),
    outcome: 'fail',
  },
  {
    name: 'a failing target at the edge of the log',
    log: { targets: [target('10.0.1.5:8080', { lastSeen: START + 15 * MINUTE - 20_000, failures: 1 }), stays] },
    failures: [failed('connect-failed', 870)],
    outcome: 'unknown',
  },
  { name: 'no target at all', log: { targets: [] }, failures: several(2, 'no-target'), outcome: 'not-applicable' },
])('$name: $outcome', ({ log, failures, outcome }) => {
  expect(targetChurn.evaluate({ traffic: trafficOf(failures, log) }, question).outcome).toBe(outcome);
});

it.each([
  [
    'no other joined',
    [left, stays],
    ['10.0.1.5:8080'],
    '1 target left (last entry: 10.0.1.5:8080 at 02:42:00 UTC) and none joined; it had failed requests in its last 90 s.',
  ],
  [
    'another joined',
    [left, stays, joined],
    ['10.0.1.5:8080'],
    '1 target joined (10.0.1.7:8080 at 02:43:00 UTC) and 1 target left (last entry: 10.0.1.5:8080 at 02:42:00 UTC); the one that left had failed requests in its last 90 s.',
  ],
  [
    'two left',
    [left, target('10.0.1.8:8080', { lastSeen: START + 2 * MINUTE }), stays],
    ['10.0.1.5:8080', '10.0.1.8:8080'],
    '2 targets left (last entries: 10.0.1.5:8080 at 02:42:00 UTC and 10.0.1.8:8080 at 02:42:00 UTC) and none joined; both targets had failed requests in their last 90 s.',
  ],
  [
    'one of two failed',
    [left, target('10.0.1.8:8080', { lastSeen: START + 2 * MINUTE }), stays],
    ['10.0.1.5:8080'],
    'none joined; 1 of 2 had failed requests in its last 90 s.',
  ],
  [
    'three joined and later left',
    [...[11, 12, 13].map(brief), stays],
    [11, 12, 13].map((host) => `10.0.1.${host}:8080`),
    '3 targets joined and later left (10.0.1.11:8080 from 02:43:00 to 02:45:00 UTC, 10.0.1.12:8080 from 02:43:00 to 02:45:00 UTC and 10.0.1.13:8080 from 02:43:00 to 02:45:00 UTC); each of the 3 had failed requests in its last 90 s.',
  ],
  [
    'one left again, and others moved',
    [brief(11), left, stays, joined],
    ['10.0.1.5:8080', '10.0.1.11:8080'],
    '1 target joined and later left (10.0.1.11:8080 from 02:43:00 to 02:45:00 UTC), 1 other target joined (10.0.1.7:8080 at 02:43:00 UTC) and 1 other target left (last entry: 10.0.1.5:8080 at 02:42:00 UTC); both targets that left had failed requests in their last 90 s.',
  ],
])('says which targets moved and failed: %s', (_, targets, failing, sentence) => {
  const failures = failing.map((address) => failed('connect-failed', 290, { target: address }));
  expect(targetChurn.evaluate({ traffic: trafficOf(failures, { targets }) }, question).summary).toContain(sentence);
});

it('counts the last targets of a group as gone when its requests then find no target', () => {
  const last = target('10.0.1.5:8080', { lastSeen: START + 14.6 * MINUTE, lastSuccess: START + 14.6 * MINUTE });
  const empty = trafficOf([failed('no-target', 14.8 * 60)], { targets: [last] });
  expect(targetChurn.evaluate({ traffic: empty }, question)).toMatchObject({
    outcome: 'fail',
    summary: expect.stringMatching(
      /^1 target left \(last entry: 10\.0\.1\.5:8080 at .*; no errors in its last 90 s\. Requests to api then found no target\.$/,
    ),
  });

  const other = target('10.0.1.6:8080');
  const inOneZone = trafficOf([failed('no-target', 14.8 * 60)], { targets: [last, other] });
  expect(targetChurn.evaluate({ traffic: inOneZone }, question).summary).toContain('none joined or left');
});

it('reports a silent registered target as excluded by health checks', () => {
  const traffic = trafficOf(
    several(3, 'connect-failed', () => ({ target: '10.0.1.5:8080' })),
    { targets: [left, stays] },
  );
  const targetHealth = { [API]: [{ Target: { Id: '10.0.1.5', Port: 8080 }, TargetHealth: { State: 'unhealthy' } }] };
  const { outcome, summary } = targetChurn.evaluate({ traffic, targetHealth }, question);
  expect(outcome).toBe('pass');
  expect(summary).toContain('No requests to 10.0.1.5:8080 since 02:42:00 UTC: unhealthy but still registered.');
  const gone = { [API]: [{ Target: { Id: '10.0.1.6', Port: 8080 }, TargetHealth: { State: 'healthy' } }] };
  expect(targetChurn.evaluate({ traffic, targetHealth: gone }, question).summary).not.toContain('still registered');
});
