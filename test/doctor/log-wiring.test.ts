import { describe, expect, it } from 'vitest';
import { type LogDestination, logSetupSteps, RETENTION_DAYS } from '../../src/doctor/log-wiring.ts';

const ARN = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop-prod/50dc6c495c0c9188';
const stepsFor = (destination: LogDestination, more = {}) =>
  logSetupSteps({
    ...{ arn: ARN, partition: 'aws', region: 'eu-west-1', account: '123456789012', name: 'shop-prod', days: 30 },
    ...{ destination, ...more },
  });
const verbsOf = (destination: LogDestination) =>
  stepsFor(destination).map(({ command }) => command.split(' ').slice(1, 3).join(' '));
const policyIn = (destination: LogDestination) => {
  const texts = stepsFor(destination).map(({ command }) => command);
  const text = texts.find((one) => one.includes('put-bucket-policy') || one.includes('put-resource-policy')) ?? '';
  return JSON.parse(/'(\{"Version".*\})'/.exec(text)?.[1] ?? '{}').Statement[0];
};

const own: LogDestination = { kind: 's3', bucket: 'my-logs', prefix: '' };
const vended: LogDestination = { kind: 'vended-s3', bucket: 'my-logs', prefix: '' };
const group: LogDestination = { kind: 'log-group', name: '/aws/vendedlogs/alb' };

describe('the permission precedes what needs it', () => {
  it.each<[string, LogDestination, string[]]>([
    [
      'own files in S3',
      own,
      [
        's3api create-bucket',
        's3api put-bucket-policy',
        's3api put-bucket-lifecycle-configuration',
        'elbv2 modify-load-balancer-attributes',
      ],
    ],
    [
      'vended to S3',
      vended,
      [
        's3api create-bucket',
        's3api put-bucket-policy',
        's3api put-bucket-lifecycle-configuration',
        'logs put-delivery-source',
        'logs put-delivery-destination',
        'logs create-delivery',
      ],
    ],
    [
      'vended to a log group',
      group,
      [
        'logs create-log-group',
        'logs put-retention-policy',
        'logs put-resource-policy',
        'logs put-delivery-source',
        'logs put-delivery-destination',
        'logs create-delivery',
      ],
    ],
  ])('%s', (_, destination, verbs) => {
    expect(verbsOf(destination)).toEqual(verbs);
  });
});

describe('who may write, and where', () => {
  it.each<[string, LogDestination, string, string]>([
    ['own files', own, 'logdelivery.elasticloadbalancing.amazonaws.com', 'arn:aws:s3:::my-logs/AWSLogs/123456789012/*'],
    [
      'own files behind a prefix',
      { ...own, prefix: 'team' },
      'logdelivery.elasticloadbalancing.amazonaws.com',
      'arn:aws:s3:::my-logs/team/AWSLogs/123456789012/*',
    ],
    ['a vended log', vended, 'delivery.logs.amazonaws.com', 'arn:aws:s3:::my-logs/AWSLogs/123456789012/*'],
    // The prefix of a delivery takes the place of AWSLogs/ and the account.
    [
      'a vended log behind a prefix',
      { ...vended, prefix: 'team' },
      'delivery.logs.amazonaws.com',
      'arn:aws:s3:::my-logs/team/*',
    ],
    [
      'a log group',
      group,
      'delivery.logs.amazonaws.com',
      'arn:aws:logs:eu-west-1:123456789012:log-group:/aws/vendedlogs/alb:log-stream:*',
    ],
  ])('%s', (_, destination, service, resource) => {
    expect(policyIn(destination)).toMatchObject({ Principal: { Service: service }, Resource: resource });
  });
});

it('creates a bucket with a location constraint, except in us-east-1', () => {
  const [inIreland] = stepsFor(own);
  const [inVirginia] = stepsFor(own, { region: 'us-east-1' });
  expect(inIreland?.command).toContain('LocationConstraint=eu-west-1');
  expect(inVirginia?.command).not.toContain('LocationConstraint');
});

it('sets the attributes with the prefix, and the destination with it', () => {
  expect(stepsFor({ ...own, prefix: 'team' }).at(-1)?.command).toContain('Key=access_logs.s3.prefix,Value=team');
  expect(stepsFor({ ...vended, prefix: 'team' })[4]?.command).toContain(
    'destinationResourceArn=arn:aws:s3:::my-logs/team',
  );
});

it('keeps a log group for a number of days that AWS accepts', () => {
  expect(RETENTION_DAYS).toContain(30);
  expect(stepsFor(group)[1]?.command).toContain('--retention-in-days 30');
});
