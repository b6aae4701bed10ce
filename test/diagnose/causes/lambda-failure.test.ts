import { describe, expect, it } from 'vitest';
import { lambdaError } from '../../../src/diagnose/causes/lambda-error.ts';
import { lambdaInvalidResponse } from '../../../src/diagnose/causes/lambda-invalid-response.ts';
import { lambdaResponseTooLarge } from '../../../src/diagnose/causes/lambda-response-too-large.ts';
import { lambdaThrottled } from '../../../src/diagnose/causes/lambda-throttled.ts';
import { lambdaTimeout } from '../../../src/diagnose/causes/lambda-timeout.ts';
import { judgeCause } from '../../../src/diagnose/judge-causes.ts';
import { LAMBDA_CODES } from '../../../src/diagnose/reason-codes/lambda-codes.ts';
import { judgementOf } from '../../support/judgement.ts';
import { API, question, several, trafficOf } from '../../support/traffic/traffic-builder.ts';

const REPORT = 'arn:aws:lambda:eu-west-1:123456789012:function:report';
const targetHealth = { [API]: [{ Target: { Id: `${REPORT}:live` } }] };
const timeout = (Timeout: number, part = {}) => ({ targetHealth, functions: { [REPORT]: { Timeout, ...part } } });
const causes = [lambdaError, lambdaTimeout, lambdaInvalidResponse, lambdaResponseTooLarge, lambdaThrottled];

/** Errors with this code that took these seconds. */
const took = (error_reason: string, ...durations: number[]) =>
  several(durations.length, 'lambda-failure', (i) => ({
    error_reason,
    elapsed: durations[i] ?? 0,
    target_processing_time: durations[i] ?? 0,
  }));

/** What each cause that says something claims: "lambda-error confirmed 3". */
const judged = (failures: ReturnType<typeof took>, known = {}) =>
  causes.flatMap((cause) =>
    judgementOf(cause, { traffic: trafficOf(failures), ...known }, question).claims.map(
      ({ strength, errors }) => `${cause.id} ${strength} ${errors.length}`,
    ),
  );

describe('the Lambda causes', () => {
  it('keep their ids', () => {
    expect(causes.map(({ id }) => id)).toEqual([
      'lambda-error',
      'lambda-timeout',
      'lambda-invalid-response',
      'lambda-response-too-large',
      'lambda-throttled',
    ]);
  });

  it.each([
    ['the function raises', took('LambdaUnhandled', 0.2, 1.4, 0.9), timeout(30), ['lambda-error confirmed 3']],
    [
      'the function runs into its timeout',
      took('LambdaUnhandled', 3.01, 3.004, 3.1),
      timeout(3),
      ['lambda-timeout confirmed 3'],
    ],
    [
      'some raise, some time out',
      took('LambdaUnhandled', 0.2, 3.01, 3.02),
      timeout(3),
      ['lambda-error confirmed 1', 'lambda-timeout confirmed 2'],
    ],
    [
      'longer than the timeout, as with a slow start',
      took('LambdaUnhandled', 4.2),
      timeout(3),
      ['lambda-error possible 1', 'lambda-timeout possible 1'],
    ],
    [
      'timeout unknown, all at the same whole second',
      took('LambdaUnhandled', 3.004, 3.01, 3.02),
      {},
      ['lambda-error possible 3', 'lambda-timeout possible 3'],
    ],
    ['timeout unknown, durations spread', took('LambdaUnhandled', 0.21, 1.6, 2.4), {}, ['lambda-error confirmed 3']],
    [
      'the function was changed since',
      took('LambdaUnhandled', 0.2, 3.01),
      timeout(30, { LastModified: '2026-11-20T03:10:00.000+0000' }),
      ['lambda-error confirmed 1', 'lambda-error possible 1', 'lambda-timeout possible 1'],
    ],
    ['wrong shape', took('LambdaInvalidResponse', 0.1), {}, ['lambda-invalid-response confirmed 1']],
    ['over 1 MB', took('LambdaResponseTooLarge', 0.1), {}, ['lambda-response-too-large confirmed 1']],
    ['throttled', took('LambdaThrottling', 0.01, 0.02), {}, ['lambda-throttled confirmed 2']],
    ['the Lambda service failed', took('LambdaConnectionTimeout', 5), {}, ['lambda-error confirmed 1']],
    ['a code that AWS added later', took('LambdaSomethingNew', 0.1), {}, ['lambda-error confirmed 1']],
  ])('%s', (_, failures, known, claims) => {
    expect(judged(failures, known)).toEqual(claims);
  });

  it('tell a failure of the service from one of the function', () => {
    const [sentence] = judgementOf(
      lambdaError,
      { traffic: trafficOf(took('LambdaServiceException', 0.1)) },
      question,
    ).for;
    expect(sentence).toContain('LambdaInternalError; a failure of the service, not of the function');
  });

  it('give the durations that contradict a timeout', () => {
    const known = { traffic: trafficOf(took('LambdaUnhandled', 0.2, 1.4)), ...timeout(30) };
    expect(judgementOf(lambdaError, known, question).for).toContain(
      '2 unhandled errors took 200 ms to 1.40 s, which contradicts a timeout of 30 s.',
    );
    expect(judgementOf(lambdaTimeout, known, question)).toMatchObject({ claims: [], ruledOut: true });
  });

  it('name the function and its timeout in headline and fix', () => {
    const known = { traffic: trafficOf(took('LambdaUnhandled', 3.01, 3.02)), ...timeout(3) };
    expect(judgementOf(lambdaTimeout, known, question).summary).toBe(
      'The function report ran into its timeout of 3 s in 2 requests.',
    );
    expect(judgementOf(lambdaTimeout, known, question).fix.commands[0]).toBe(
      `aws lambda update-function-configuration --function-name ${REPORT} --timeout 6`,
    );
  });

  it('raise the timeout of each function that ran into its own, and of no other', () => {
    const group = (name: string) => API.replace('targetgroup/api/', `targetgroup/${name}/`);
    const arn = (name: string) => REPORT.replace(/report$/, name);
    const of = (name: string, ...durations: number[]) =>
      took('LambdaUnhandled', ...durations).map((error) => ({ ...error, target_group_arn: group(name) }));
    const timeouts = { fast: 3, quotes: 5, slow: 30 };
    const names = Object.keys(timeouts);
    const { fix, summary } = judgementOf(
      lambdaTimeout,
      {
        traffic: trafficOf([...of('fast', 0.2, 0.3), ...of('quotes', 5.01, 5.02), ...of('slow', 30.01, 30.02)]),
        targetHealth: Object.fromEntries(names.map((name) => [group(name), [{ Target: { Id: arn(name) } }]])),
        functions: Object.fromEntries(Object.entries(timeouts).map(([name, Timeout]) => [arn(name), { Timeout }])),
      },
      question,
    );
    expect(fix.commands.filter((one) => one.includes('update-function-configuration'))).toEqual([
      `aws lambda update-function-configuration --function-name ${arn('quotes')} --timeout 10`,
      `aws lambda update-function-configuration --function-name ${arn('slow')} --timeout 60`,
    ]);
    expect(summary).toBe(
      'The function quotes and the function slow ran into their timeouts of 5 s and 30 s in 4 requests.',
    );
  });

  it('say that the timeout was not read', () => {
    const { missing } = judgementOf(lambdaTimeout, { traffic: trafficOf(took('LambdaUnhandled', 3.004)) }, question);
    expect(missing).toEqual(['The timeout of the function behind api was not read (lambda:GetFunctionConfiguration).']);
  });

  it.each([
    [lambdaTimeout, '"Task timed out"'],
    [lambdaError, '?ERROR ?"Runtime exited"'],
    [lambdaInvalidResponse, 'statusCode'],
  ])('search the log of the function for the traces of $id', (cause, pattern) => {
    const code = cause === lambdaInvalidResponse ? 'LambdaInvalidResponse' : 'LambdaUnhandled';
    const traffic = trafficOf(took(code, cause === lambdaTimeout ? 3.002 : 0.2));
    const patterns = judgementOf(cause, { traffic }, question).fix.commands.flatMap(
      (one) => /--filter-pattern '?([^']*)/.exec(one)?.[1] ?? [],
    );
    expect(patterns).toEqual([pattern]);
  });

  it('say which header member the target group expects', () => {
    const targetGroupAttributes = { [API]: { 'lambda.multi_value_headers.enabled': 'true' } };
    const known = { traffic: trafficOf(took('LambdaInvalidResponse', 0.1)), targetGroupAttributes };
    expect(judgementOf(lambdaInvalidResponse, known, question).for[1]).toContain('expects multiValueHeaders');
  });

  it('cover all 26 documented codes, four of them internal', () => {
    expect(Object.keys(LAMBDA_CODES)).toHaveLength(26);
    const internal = Object.entries(LAMBDA_CODES).filter(([, { metric }]) => metric === 'LambdaInternalError');
    expect(internal.map(([code]) => code)).toEqual([
      'LambdaConnectionError',
      'LambdaConnectionTimeout',
      'LambdaServiceException',
      'LambdaUnhandledException',
    ]);
  });

  it.each(causes)('$id does not judge errors of another kind', (cause) => {
    const traffic = trafficOf(several(3, 'connect-failed'));
    expect(judgeCause(cause, { traffic }, question)).toEqual({ kind: 'untested', missing: [] });
  });
});
