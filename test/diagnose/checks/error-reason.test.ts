import { describe, expect, it } from 'vitest';
import { errorReason } from '../../../src/diagnose/checks/error-reason.ts';
import { question, several, trafficOf } from '../../support/traffic/traffic-builder.ts';

describe('error-reason', () => {
  it('says that it is empty for instance and ip targets', () => {
    const traffic = trafficOf(several(149, 'connect-failed', () => ({}), 1));
    expect(errorReason.evaluate({ traffic }, question)).toMatchObject({
      outcome: 'pass',
      summary: 'error_reason is "-" for all 149 errors, as is normal unless Lambda, WAF or authentication fails.',
    });
  });
  it.each([
    [
      'lambda-failure',
      '1 LambdaUnhandled (the function raised an error that nothing handled, or ran into its timeout).',
    ],
    ['authentication-failure', '1 AuthTokenEpRequestTimeout (the token endpoint did not answer within 5 s).'],
    ['waf-failure', '1 WAFConnectionTimeout (connecting to AWS WAF timed out).'],
  ] as const)('names the code and its meaning: %s', (kind, summary) => {
    const traffic = trafficOf([...several(2, 'connect-failed'), ...several(1, kind)]);
    expect(errorReason.evaluate({ traffic }, question)).toMatchObject({ outcome: 'fail', summary });
  });
});
