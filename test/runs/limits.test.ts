import { describe, expect, it } from 'vitest';
import { type Admission, openLimits } from '../../src/runs/limits.ts';

const MINUTE = 60_000;

function limitsOf(options: Partial<Parameters<typeof openLimits>[0]> = {}) {
  const clock = { now: Date.parse('2026-11-20T02:56:00Z') };
  const limits = openLimits({ atOnce: 2, perUser: 2, perHour: 20, queue: 3, ...options }, () => clock.now);
  const admitted = (user: string | null, waiting?: number) => {
    const admission = limits.admit(user, waiting);
    if ('refused' in admission) throw new Error(admission.refused);
    return admission;
  };
  return { clock, limits, admitted };
}

const refused = (admission: Admission) => ('refused' in admission ? admission.refused : null);

describe('limits', () => {
  it('limit the runs of one person at once, not those of other people', () => {
    const { limits, admitted } = limitsOf();
    const first = admitted('U1');
    admitted('U1');
    expect(refused(limits.admit('U1'))).toBe(
      'You already have 2 diagnoses running (the limit). Try again when one finishes.',
    );
    admitted('U2');
    first.leave();
    admitted('U1');
  });

  it('release a finished run once, however often it is reported', () => {
    const { limits, admitted } = limitsOf({ perUser: 1 });
    const first = admitted('U1');
    first.leave();
    admitted('U1');
    first.leave();
    expect(refused(limits.admit('U1'))).toBe(
      'You already have 1 diagnosis running (the limit). Try again when one finishes.',
    );
  });

  it('limit the questions of one person per hour', () => {
    const { limits, admitted, clock } = limitsOf({ perHour: 3 });
    for (let at = 0; at < 3; at++) {
      admitted('U1').leave();
      clock.now += 10 * MINUTE;
    }
    expect(refused(limits.admit('U1'))).toBe(
      'You asked for 3 diagnoses within an hour (the limit). Try again in 30 minutes.',
    );
    admitted('U2').leave();
    clock.now += 30 * MINUTE - 1;
    expect(refused(limits.admit('U1'))).toContain('Try again in 1 minute.');
    clock.now += 1;
    admitted('U1').leave();
    expect(refused(limits.admit('U1'))).toContain('Try again in 10 minutes.');
  });

  it('limit the waiting runs, including those just admitted', () => {
    const { limits, admitted } = limitsOf();
    const all = ['U1', 'U2', 'U3', 'U4', 'U5'].map((user) => admitted(user));
    expect(refused(limits.admit('U6'))).toBe('The queue is full: 3 diagnoses are waiting. Try again in a few minutes.');
    all[0]?.leave();
    admitted('U6');
  });

  it('count waiting runs that other processes admitted', () => {
    const { limits, admitted } = limitsOf();
    admitted('U1', 2);
    expect(refused(limits.admit('U2', 3))).toContain('The queue is full: 3 diagnoses are waiting');
  });

  it('start runs while there is room, and refuse them when the queue is full', () => {
    const { limits, admitted } = limitsOf({ queue: 0 });
    admitted('U1');
    admitted('U2');
    expect(refused(limits.admit('U3'))).toBe('2 diagnoses are running and none may wait. Try again in a minute.');
  });

  it('count an alarm, but never refuse it', () => {
    const { limits, admitted } = limitsOf();
    const alarms = Array.from({ length: 50 }, () => admitted(null, 40));
    expect(refused(limits.admit('U1'))).toContain('The queue is full: 48 diagnoses are waiting');
    for (const alarm of alarms) alarm.leave();
    admitted('U1');
  });
});
