/** Vended deliveries of the access log besides the load balancer's attributes, through the real client. */
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readLiveAccessLog } from '../../../src/collect/aws/live-access-log.ts';
import { line } from '../../support/access-log/log-file.ts';
import { jsonLines } from '../../support/access-log/vended-forms.ts';
import { accessLogIn, question, reasonOf, settings } from '../../support/aws/live-log-session.ts';
import { delivery, destination, OTHER_ARN, source } from '../../support/cloudwatch-logs/deliveries.ts';
import { type LogsOfAccount, serveLogs } from '../../support/cloudwatch-logs/server.ts';
import { ARN, BUCKET, deliverLogs } from '../../support/s3/log-bucket.ts';
import { serveS3 } from '../../support/s3/server.ts';

afterEach(() => vi.unstubAllEnvs());

describe('with logging to S3 off', () => {
  it.each<[string, LogsOfAccount, string]>([
    ['and no other delivery', {}, 'and there is no vended delivery of its access log either'],
    [
      'while others are delivered',
      {
        sources: [source('a', OTHER_ARN), source('b', OTHER_ARN), source('c', ARN, 'ALB_CONNECTION_LOGS')],
        deliveries: [delivery('a', 'CWL'), delivery('b', 'CWL'), delivery('c', 'S3')],
      },
      'and there is no vended delivery of its access log either',
    ],
    [
      'while it goes to Firehose',
      {
        sources: [source('a', OTHER_ARN), source('b', OTHER_ARN), source('ours')],
        deliveries: [delivery('a', 'CWL'), delivery('ours', 'FH')],
        destinations: [destination('CWL', 'json'), destination('S3', 'plain'), destination('FH', 'json')],
      },
      'but its access log is delivered to Firehose (stream alb-logs, JSON), which keeps nothing to read back: deliver it to S3 or CloudWatch Logs as well',
    ],
    [
      'with a destination that may not be looked up',
      {
        sources: [source('ours')],
        deliveries: [delivery('ours', 'FH')],
        denied: 'DescribeDeliveryDestinations',
      },
      'but its access log is delivered to Firehose, which keeps nothing to read back: deliver it to S3 or CloudWatch Logs as well',
    ],
    [
      'with a source that goes nowhere',
      { sources: [source('ours')] },
      'and its vended delivery source (ours) has no destination',
    ],
    [
      'and deliveries denied',
      { denied: 'DescribeDeliverySources' },
      'and whether the log is delivered another way is unknown: logs:DescribeDeliverySources on arn:aws:logs:eu-west-1:123456789012:delivery:* was denied',
    ],
  ])('reports %s', async (_, found, said) => {
    const logs = await serveLogs(found);
    const live = await readLiveAccessLog(settings({ logs }, { 'access_logs.s3.enabled': 'false' }));
    expect(reasonOf(live)).toBe(`access logging to S3 is off (access_logs.s3.enabled is false), ${said}`);
    expect(live).toMatchObject({ cost: { usd: 0 }, toSave: null });
  });
});

describe('a log read from S3', () => {
  const objects = deliverLogs({ from: '2026-03-10T12:00:00Z', to: '2026-03-10T12:20:00Z' });

  it('lists the other deliveries', async () => {
    const s3 = await serveS3({ name: BUCKET, objects });
    const logs = await serveLogs({
      sources: [source('ours')],
      deliveries: [delivery('ours', 'CWL'), delivery('ours', 'S3')],
      destinations: [destination('CWL', 'json'), destination('S3', 'parquet')],
    });
    const { reading } = accessLogIn(await readLiveAccessLog(settings({ s3, logs })));
    expect(reading).toMatchObject({
      from: { service: 's3', name: 'example-logs/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/', format: null },
      others: [
        { service: 'cloudwatch-logs', name: '/aws/vendedlogs/alb', format: 'json' },
        { service: 's3', name: 'example-logs/vended', format: 'parquet' },
      ],
    });
  });

  it('is used when deliveries cannot be looked up', async () => {
    const s3 = await serveS3({ name: BUCKET, objects });
    const log = accessLogIn(await readLiveAccessLog(settings({ s3 })));
    expect(log.requests).toBeGreaterThan(0);
    expect(log.reading?.others).toBeUndefined();
  });

  it.each(['DescribeDeliverySources', 'DescribeDeliveries', 'DescribeDeliveryDestinations'])(
    'has a gap when logs:%s is denied',
    async (denied) => {
      const s3 = await serveS3({ name: BUCKET, objects });
      const logs = await serveLogs({
        ...{
          sources: [source('ours')],
          deliveries: [delivery('ours', 'CWL')],
          destinations: [destination('CWL', 'json')],
        },
        denied,
      });
      const { requests, unanswered } = accessLogIn(await readLiveAccessLog(settings({ s3, logs })));
      expect(requests).toBeGreaterThan(0);
      expect(unanswered).toMatchObject([
        {
          kind: 'denied',
          sentence: expect.stringMatching(`^Could not check where else the access log goes: logs:${denied} `),
        },
      ]);
    },
  );

  it.each<[string, key: string, files: number]>([
    ['are left out where vended ones lie in the same folder', '0a1b.json.gz', 1],
    ['are read where there are no others', 'conn_log_0a1b.json.gz', 10],
  ])('does not count a request twice: files of the load balancer itself %s', async (_, name, files) => {
    const folder = 'AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/03/10/';
    const failed = line({ at: question.from + 1000, status: '502', targetStatus: '-', times: [0, 0.001, -1] });
    const both = new Map([...objects, [`${folder}${name}`, gzipSync(`${jsonLines([failed]).join('')}\n`)]]);
    const s3 = await serveS3({ name: BUCKET, objects: both });
    const logs = await serveLogs({
      sources: [source('ours')],
      deliveries: [delivery('ours', 'S3')],
      destinations: [destination('S3', 'json', `arn:aws:s3:::${BUCKET}`)],
    });
    const off = { 'access_logs.s3.enabled': 'false' };
    const log = accessLogIn(await readLiveAccessLog(settings({ s3, logs }, off)));
    expect(log.files.read).toBe(files);
  });
});
