import { describe, expect, it } from 'vitest';
import { bursts } from '../../src/diagnose/checks/bursts.ts';
import { concentration } from '../../src/diagnose/checks/concentration.ts';
import { errorOrigin } from '../../src/diagnose/checks/error-origin.ts';
import { errorReason } from '../../src/diagnose/checks/error-reason.ts';
import { errorSignatures } from '../../src/diagnose/checks/error-signatures.ts';
import { failingRoutesCheck } from '../../src/diagnose/checks/failing-routes.ts';
import { question, trafficOf } from '../support/traffic/traffic-builder.ts';

describe('without errors', () => {
  const checks = [errorOrigin, errorSignatures, errorReason, concentration, bursts, failingRoutesCheck];
  it.each(checks)('$id judges nothing', (check) => {
    expect(check.evaluate({ traffic: trafficOf([]) }, question).outcome).toBe('not-applicable');
  });
  it.each(checks)('$id does not read an empty log as healthy', (check) => {
    expect(check.evaluate({ traffic: trafficOf([], { requests: 0 }) }, question).outcome).toBe('unknown');
  });
});
