/** Fixes that would undo each other say so. */
import { describe, expect, it } from 'vitest';
import type { CauseResult, Fix } from '../../src/diagnose/diagnosis.ts';
import { withConflicts } from '../../src/diagnose/fix-conflicts.ts';

const fix = (part: Partial<Fix>): Fix => ({ summary: 'Do it.', commands: [], sideEffects: [], ...part });

const cause = (
  id: CauseResult['id'],
  title: string,
  part: Partial<Fix>,
  standing: CauseResult['standing'],
): CauseResult => ({
  ...{ id, title, standing, summary: null, explains: 0.5, for: [], against: [], missing: [], reference: '' },
  fix: fix(part),
});

const lowered = { summary: 'Lower it.', commands: [], undo: 'Set it back.', sideEffects: [], idleTimeoutSeconds: 5 };
const race = cause('keep-alive-race', 'Keep-alive race', { stopgap: lowered }, 'likely');
const timeout = (allowsSeconds: number, standing: CauseResult['standing'] = 'likely') =>
  cause('worker-timeout', 'Worker timeout in the target', { allowsSeconds }, standing);

describe('a stopgap that lowers the idle timeout', () => {
  it('and a fix that lets requests take longer each name the other', () => {
    const [first, second] = withConflicts([race, timeout(55)]);
    expect(first?.fix.stopgap?.undo).toBe('Set it back. Do this before fixing the worker timeout in the target.');
    expect(second?.fix.notes).toEqual([
      'If you applied the stopgap for the keep-alive race, undo it first: its idle timeout of 5 s cuts these requests off.',
    ]);
  });

  it.each([
    ['the requests end before it', timeout(4)],
    ['the other cause is only possible', timeout(55, 'possible')],
  ])('conflicts with nothing if %s', (_, other) => {
    expect(withConflicts([race, other])).toEqual([race, other]);
  });
});
