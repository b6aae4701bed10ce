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

it('counts the last targets of a group as gone when its requests then find no target', () => {
  const last = target('10.0.1.5:8080', { lastSeen: START + 14.6 * MINUTE, lastSuccess: START + 14.6 * MINUTE });
  const empty = trafficOf([failed('no-target', 14.8 * 60)], { targets: [last] });
  expect(targetChurn.evaluate({ traffic: empty }, question).summary).toContain('1 target left (10.0.1.5:8080 at');

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
  expect(summary).toContain(
    '10.0.1.5:8080 stopped receiving requests at 02:42:00 UTC: unhealthy, but still registered',
  );
});
