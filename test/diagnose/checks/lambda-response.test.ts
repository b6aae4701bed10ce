import { describe, expect, it } from 'vitest';
import { lambdaResponse } from '../../../src/diagnose/checks/lambda-response.ts';
import { API, question, several, trafficOf } from '../../support/traffic/traffic-builder.ts';

const code = (error_reason: string) => trafficOf(several(3, 'lambda-failure', () => ({ error_reason })));
const lambda = { targetGroups: [{ TargetGroupArn: API, TargetGroupName: 'api', TargetType: 'lambda' }] };
const multi = { targetGroupAttributes: { [API]: { 'lambda.multi_value_headers.enabled': 'true' } } };

describe('lambda-response', () => {
  it.each([
    [
      'the shape is wrong',
      code('LambdaInvalidResponse'),
      { ...lambda, ...multi },
      'fail',
      '3 of 3 errors are responses that the load balancer could not use (LambdaInvalidResponse). The target group api expects multiValueHeaders, not headers (lambda.multi_value_headers.enabled is true).',
    ],
    [
      'the size is wrong, configuration unknown',
      code('LambdaResponseTooLarge'),
      {},
      'fail',
      '3 of 3 errors are responses that the load balancer could not use (LambdaResponseTooLarge).',
    ],
    [
      'the function raises',
      code('LambdaUnhandled'),
      lambda,
      'pass',
      'No error comes from the format or size of a response of api.',
    ],
    [
      'no Lambda target',
      trafficOf(several(1, 'connect-failed')),
      { targetGroups: [] },
      'not-applicable',
      'No target is a Lambda function.',
    ],
  ])('%s', (_, traffic, known, outcome, summary) => {
    expect(lambdaResponse.evaluate({ traffic, ...known }, question)).toMatchObject({ outcome, summary });
  });
});
