import { describe, expect, it } from 'vitest';
import { lambdaConfiguration } from '../../../src/diagnose/checks/lambda-configuration.ts';
import { API, question, several, trafficOf } from '../../support/traffic/traffic-builder.ts';

const REPORT = 'arn:aws:lambda:eu-west-1:123456789012:function:report';
const targetGroups = [{ TargetGroupArn: API, TargetGroupName: 'api', TargetType: 'lambda' }];
const targetHealth = { [API]: [{ Target: { Id: REPORT } }] };
const report = (part = {}) => ({
  targetGroups,
  targetHealth,
  functions: { [REPORT]: { FunctionName: 'report', Timeout: 3, State: 'Active', ...part } },
});
const took = (elapsed: number) => ({ traffic: trafficOf(several(2, 'lambda-failure', () => ({ elapsed }))) });

describe('lambda-configuration', () => {
  it.each([
    [
      'active and quick',
      { ...report(), ...took(0.4) },
      'pass',
      'report is Active and has a timeout of 3 s; no request ran into a timeout.',
    ],
    [
      'ran into its timeout',
      { ...report(), ...took(3.01) },
      'fail',
      '2 requests to report ran into its timeout of 3 s.',
    ],
    ['not active', report({ State: 'Failed' }), 'fail', 'report is Failed.'],
    [
      'not read',
      { targetGroups, targetHealth, functions: {} },
      'unknown',
      'The configuration of the function behind api could not be read.',
    ],
    [
      'no Lambda target',
      { targetGroups: [{ TargetGroupArn: API, TargetGroupName: 'api', TargetType: 'ip' }] },
      'not-applicable',
      'No target is a Lambda function.',
    ],
  ])('%s', (_, known, outcome, summary) => {
    expect(lambdaConfiguration.evaluate(known, question)).toMatchObject({ outcome, summary });
  });
});
