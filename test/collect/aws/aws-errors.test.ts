import { describe, expect, it } from 'vitest';
import { awsProblem, collectionFailure, describeAwsError } from '../../../src/collect/aws/aws-errors.ts';

const asked = { action: 'ec2:DescribeSubnets', region: 'eu-west-1' };
const failure = (name: string, message = 'said AWS', code?: string) =>
  Object.assign(new Error(message), { name }, code === undefined ? {} : { code });

describe('a refusal names the action and what to do', () => {
  it.each([
    ['UnauthorizedOperation', 'ec2:DescribeSubnets was denied'],
    ['AccessDeniedException', 'ec2:DescribeSubnets was denied'],
    ['ExpiredTokenException', 'failed: the credentials have expired'],
    ['AuthFailure', 'AWS does not accept the credentials in eu-west-1 (said AWS)'],
    ['RequestExpired', "the clock of this machine differs from AWS's"],
    ['RequestLimitExceeded', 'was throttled (Rate exceeded) and retrying did not help; ask again in a minute'],
    ['TimeoutError', 'got no answer in time'],
    ['Wondrous', 'ec2:DescribeSubnets failed: said AWS'],
  ])('%s', (name, says) => {
    expect(describeAwsError(failure(name), asked)).toContain(says);
  });

  it('with the IAM statement that allows it, unless a policy forbids it', () => {
    const explicit = 'not authorized with an explicit deny in a service control policy';
    expect(collectionFailure(failure('AccessDenied'), asked)).toEqual({
      kind: 'denied',
      reason: 'ec2:DescribeSubnets was denied',
      iamStatement: '{"Effect":"Allow","Action":"ec2:DescribeSubnets","Resource":"*"}',
    });
    expect(collectionFailure(failure('AccessDenied', explicit), asked)).toMatchObject({
      kind: 'denied',
      iamStatement: null,
    });
    expect(collectionFailure(failure('Wondrous'), asked)).toMatchObject({ kind: 'failed', iamStatement: null });
  });

  it.each([
    ['ECONNREFUSED', 'TimeoutError', 'its endpoint in eu-west-1 cannot be reached'],
    ['ENOTFOUND', 'Error', 'its endpoint in eu-west-1 cannot be reached'],
  ])('%s by its code', (code, name, says) => {
    expect(describeAwsError(failure(name, 'no', code), asked)).toContain(says);
  });

  it('also when it is thrown as a non-error, long or in several lines', () => {
    expect(describeAwsError('no', asked)).toBe('ec2:DescribeSubnets failed: no');
    expect(describeAwsError(failure('E', `${'x'.repeat(300)}\nmore.`), asked)).toBe(
      `ec2:DescribeSubnets failed: ${'x'.repeat(200)}…`,
    );
  });
});

describe('one sentence with a remedy if no call is possible', () => {
  it.each([
    ['CredentialsProviderError', 'Could not load credentials from any providers', 'run aws sso login --profile ops'],
    [
      'CredentialsProviderError',
      'Profile ops requires multi-factor authentication, but no MFA code callback was provided.',
      'The AWS profile ops needs a code of an MFA device',
    ],
    [
      'CredentialsProviderError',
      'The SSO session associated with this profile has expired.',
      'have expired: run aws sso login --profile ops',
    ],
    [
      'TokenProviderError',
      'Token is expired. To refresh this SSO session run aws sso login',
      'have expired: run aws sso login --profile ops',
    ],
    [
      'Error',
      'getaddrinfo ENOTFOUND elasticloadbalancing.eu-wst-1.amazonaws.com',
      'There is no AWS endpoint for eu-west-1, or no network',
    ],
  ])('%s: %s', (name, message, says) => {
    const error = failure(name, message, message.startsWith('getaddrinfo') ? 'ENOTFOUND' : undefined);
    const problem = awsProblem(error, { ...asked, account: 'default', profile: 'ops' });
    expect(problem).toMatchObject({ exitCode: 2, message: expect.stringContaining(says) });
    expect(problem.message).toMatch(/^[A-Z][^\n]*\.$/);
  });
});
