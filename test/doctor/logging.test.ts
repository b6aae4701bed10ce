/** Doctor about the deliveries of an access log. */
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openSession } from '../../src/collect/aws/session.ts';
import { checkLogging } from '../../src/doctor/logging.ts';
import type { Attributes } from '../../src/evidence/aws.ts';
import { settings } from '../support/aws/live-log-session.ts';
import { delivery, destination, source } from '../support/cloudwatch-logs/deliveries.ts';
import { type LogsOfAccount, serveLogs } from '../support/cloudwatch-logs/server.ts';
import { ARN, at, BUCKET, deliverLogs } from '../support/s3/log-bucket.ts';
import { serveS3 } from '../support/s3/server.ts';

afterEach(() => vi.unstubAllEnvs());

const toGroup: LogsOfAccount = {
  sources: [source('ours')],
  deliveries: [delivery('ours', 'CWL')],
  destinations: [destination('CWL', 'json')],
};

const toFiles = (prefix: string): LogsOfAccount => ({
  ...toGroup,
  deliveries: [delivery('ours', 'S3')],
  destinations: [destination('S3', 'parquet', `arn:aws:s3:::${BUCKET}/${prefix}`)],
});
const toStream = (kind: object): LogsOfAccount => ({
  ...toGroup,
  deliveries: [delivery('ours', 'FH')],
  destinations: [destination('FH', 'json')],
  streams: { 'alb-logs': [kind] },
});
const VENDED = 'vended/eu-west-1/2026/03/10/0a1b.parquet';

async function findings(account: LogsOfAccount, enabled: 'true' | 'false', more: Attributes = {}) {
  const objects = deliverLogs({ from: '2026-03-10T12:00:00Z', to: '2026-03-10T12:20:00Z' });
  objects.set(VENDED, Buffer.from('PAR1'));
  objects.set('alb/2026/03/10/12/alb-logs-1-2026-03-10-12-05-00-0a1b', Buffer.from('{}'));
  settings({ s3: await serveS3({ name: BUCKET, objects }), logs: await serveLogs(account) });
  const place = { account: 'default', region: 'eu-west-1' };
  const session = openSession(place, { signal: new AbortController().signal, deadline: 20_000 });
  onTestFinished(() => session.close());
  const attributes = { 'access_logs.s3.enabled': enabled, 'access_logs.s3.bucket': BUCKET, ...more };
  return (await checkLogging(session, ARN, attributes, at('2026-03-10T12:30:00Z'))).findings;
}

describe('doctor', () => {
  it("lists the vended log next to the load balancer's files", async () => {
    expect(await findings(toGroup, 'true')).toContainEqual({
      about: 'Vended log',
      state: 'ok',
      text: 'delivered to CloudWatch Logs (log group /aws/vendedlogs/alb, JSON)',
    });
  });

  it.each<[string, LogsOfAccount, string, string]>([
    ['the vended log is read', toGroup, 'ok', 'access_logs.s3.enabled is false; the vended log is read'],
    [
      'nothing is delivered',
      {},
      'missing',
      'off (access_logs.s3.enabled is false), and there is no vended delivery of its access log either. To switch it on',
    ],
    [
      'all of it goes to a stream that does not write to S3',
      toStream({ RedshiftDestinationDescription: {} }),
      'missing',
      'but the access log is delivered to Firehose (stream alb-logs, JSON), which does not write all of it to S3',
    ],
  ])('reports with logging to S3 off: %s', async (_, account, state, said) => {
    const [off] = await findings(account, 'false');
    expect(off).toMatchObject({ about: 'Access log', state, text: expect.stringContaining(said) });
  });

  it('names the permission needed to see deliveries', async () => {
    expect(await findings({ ...toGroup, denied: 'DescribeDeliveries' }, 'true')).toContainEqual(
      expect.objectContaining({
        about: 'Vended log',
        state: 'missing',
        allow: { action: 'logs:DescribeDeliveries', resource: '*' },
      }),
    );
  });

  it('names the permission needed to follow a stream', async () => {
    const account = { ...toStream({}), denied: 'DescribeDeliveryStream' };
    const stream = 'arn:aws:firehose:eu-west-1:123456789012:deliverystream/alb-logs';
    expect(await findings(account, 'true')).toContainEqual(
      expect.objectContaining({
        state: 'missing',
        text: `firehose:DescribeDeliveryStream on ${stream} was denied: where the stream writes is unknown`,
        allow: { action: 'firehose:DescribeDeliveryStream', resource: stream },
      }),
    );
  });

  it.each<[string, LogsOfAccount, 'ok' | 'missing' | 'untried', string, string | undefined]>([
    [
      'files of a stream',
      toStream({ S3DestinationDescription: { BucketARN: `arn:aws:s3:::${BUCKET}`, Prefix: 'alb/' } }),
      'ok',
      'the newest one can be read',
      undefined,
    ],
    ['a log group', toGroup, 'ok', 'the log group /aws/vendedlogs/alb can be read and queried', undefined],
    ...['FilterLogEvents', 'StartQuery'].map(
      (denied) =>
        [
          `a log group without logs:${denied}`,
          { ...toGroup, denied },
          'missing',
          `logs:${denied} `,
          'arn:aws:logs:eu-west-1:123456789012:log-group:/aws/vendedlogs/alb:*',
        ] as [string, LogsOfAccount, 'missing', string, string],
    ),
    ...['GetQueryResults', 'StopQuery'].map(
      (denied) =>
        [`a log group without logs:${denied}`, { ...toGroup, denied }, 'missing', `logs:${denied} `, '*'] as [
          string,
          LogsOfAccount,
          'missing',
          string,
          string,
        ],
    ),
    [
      'files of which none came',
      toFiles('never'),
      'untried',
      's3:GetObject: no file came to s3://example-logs/never/',
      undefined,
    ],
    ['files', toFiles('vended'), 'ok', 'the newest one can be read', undefined],
  ])('tries to read the vended log: %s', async (_, account, state, said, resource) => {
    const [, ...found] = (await findings(account, 'false')).filter(({ about }) =>
      /^(?:Vended log|Permission)/.test(about),
    );
    expect(found).toMatchObject([
      { state, text: expect.stringContaining(said), ...(resource && { allow: { resource } }) },
    ]);
  });

  const healthChecks = (kind: 'S3' | 'CWL'): LogsOfAccount => ({
    sources: [source('ours'), source('checks', ARN, 'ALB_HEALTH_CHECK_LOGS')],
    deliveries: [delivery('ours', 'CWL'), delivery('checks', kind)],
    destinations: [destination('CWL', 'json'), destination('S3', 'plain')],
  });
  const toBucket = { 'health_check_logs.s3.enabled': 'true', 'health_check_logs.s3.bucket': 'checks' };

  it.each<[string, LogsOfAccount, 'true' | 'false', Attributes, ['ok' | 'note', string][]]>([
    [
      'in the bucket of its attributes',
      toGroup,
      'true',
      toBucket,
      [['ok', 'on, to s3://checks/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/']],
    ],
    [
      'delivered to S3',
      healthChecks('S3'),
      'true',
      {},
      [['ok', expect.stringContaining('delivered to S3 (s3://example-logs/vended')]],
    ],
    [
      'delivered to CloudWatch Logs, with the access log off',
      healthChecks('CWL'),
      'false',
      {},
      [['ok', 'delivered to CloudWatch Logs (log group /aws/vendedlogs/alb, JSON)']],
    ],
    ['nowhere', toGroup, 'true', {}, [['note', expect.stringMatching(/^off: when and why a target was unhealthy/)]]],
    ['perhaps somewhere', { ...toGroup, denied: 'DescribeDeliveries' }, 'true', {}, []],
  ])('says where the health-check log is: %s', async (_, account, enabled, attributes, said) => {
    const found = (await findings(account, enabled, attributes)).filter(({ about }) => about === 'Health-check log');
    expect(found.map(({ state, text }) => [state, text])).toEqual(said);
  });
});
