import { describe, expect, it } from 'vitest';
import { errorSignatures } from '../../../src/diagnose/checks/error-signatures.ts';
import { question, several, trafficOf } from '../../support/traffic/traffic-builder.ts';

describe('error-signatures', () => {
  it('counts them in words with the pattern of their times', () => {
    const traffic = trafficOf([...several(3, 'connect-failed'), ...several(1, 'idle-timeout')]);
    expect(errorSignatures.evaluate({ traffic }, question)).toMatchObject({
      outcome: 'pass',
      summary:
        '3 requests failed immediately while connecting (502, all processing times -1) and 1 got no response within the idle timeout (504, target processing time -1).',
    });
  });
  it('fails on rows that contradict themselves', () => {
    expect(errorSignatures.evaluate({ traffic: trafficOf(several(1, 'inconsistent')) }, question).outcome).toBe('fail');
  });
});
