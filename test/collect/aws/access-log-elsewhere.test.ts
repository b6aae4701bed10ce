/** Vended deliveries of the access log besides the load balancer's attributes, through the real client. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readLiveAccessLog } from '../../../src/collect/aws/live-access-log.ts';
import { line } from '../../support/access-log/log-file.ts';
import { jsonLines, parquetFile } from '../../support/access-log/vended-forms.ts';
import { accessLogIn, question, reasonOf, settings, withDeliveries } from '../../support/aws/live-log-session.ts';
import { delivery, destination, OTHER_ARN, source } from '../../support/cloudwatch-logs/deliveries.ts';
import { type LogsOfAccount, serveLogs } from '../../support/cloudwatch-logs/server.ts';
import { temporaryFolder } from '../../support/incident/folder.ts';
import { ARN, BUCKET, deliverLogs } from '../../support/s3/log-bucket.ts';
import { serveS3 } from '../../support/s3/server.ts';

afterEach(() => vi.unstubAllEnvs());

const ALB_LOGS = { BucketARN: `arn:aws:s3:::${BUCKET}`, Prefix: 'alb/' };

/** A delivery to a stream that writes to these destinations. */
const toStream = (destinations: object[], format = 'json'): LogsOfAccount => ({
  sources: [source('ours')],
  deliveries: [delivery('ours', 'FH')],
  destinations: [destination('FH', format)],
  streams: { 'alb-logs': destinations },
});

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
      'but the access log is delivered to Firehose (stream alb-logs, JSON), and where that is, is unknown: firehose:DescribeDeliveryStream failed: ResourceNotFoundException',
    ],
    [
      'while its stream may not be described',
      { ...toStream([]), denied: 'DescribeDeliveryStream' },
      'but the access log is delivered to Firehose (stream alb-logs, JSON), and where that is, is unknown: firehose:DescribeDeliveryStream on arn:aws:firehose:eu-west-1:123456789012:deliverystream/alb-logs was denied',
    ],
    [
      'while its stream keeps only what failed',
      toStream([
        { HttpEndpointDestinationDescription: { S3BackupMode: 'FailedDataOnly', S3DestinationDescription: ALB_LOGS } },
      ]),
      'but the access log is delivered to Firehose (stream alb-logs, JSON), which does not write all of it to S3: deliver it to S3 or CloudWatch Logs as well',
    ],
    [
      'while its stream compresses in its own way',
      toStream([{ ExtendedS3DestinationDescription: { ...ALB_LOGS, CompressionFormat: 'Snappy' } }]),
      'but the access log is delivered to Firehose (stream alb-logs, JSON), which writes to S3 with Snappy compression, which cannot be read here: deliver it to S3 or CloudWatch Logs as well',
    ],
    [
      'while its stream is another account’s',
      {
        ...toStream([{ ExtendedS3DestinationDescription: ALB_LOGS }]),
        destinations: [destination('FH', 'json', 'arn:aws:firehose:eu-west-1:999999999999:deliverystream/alb-logs')],
      },
      'but the access log is delivered to Firehose (stream alb-logs, JSON), which is in account 999999999999, eu-west-1, so where it writes is unknown: deliver it to S3 or CloudWatch Logs as well',
    ],
    [
      'with a destination that may not be looked up',
      {
        sources: [source('ours')],
        deliveries: [delivery('ours', 'FH')],
        denied: 'DescribeDeliveryDestinations',
      },
      'but the access log is delivered to Firehose, and where that is, is unknown: logs:DescribeDeliveryDestinations on arn:aws:logs:eu-west-1:123456789012:delivery:* was denied',
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
    const { reading } = accessLogIn(await readLiveAccessLog(await withDeliveries(settings({ s3, logs }))));
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
      const { requests, unanswered } = accessLogIn(
        await readLiveAccessLog(await withDeliveries(settings({ s3, logs }))),
      );
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

describe('a log that a Firehose stream writes to S3', () => {
  const failed = [0, 1, 2].map((second) =>
    line({ at: question.from + second * 1000, status: '502', targetStatus: '-', times: [0, 0.001, -1] }),
  );
  const OTHER = failed.map((one) => one.replace('app/shop/', 'app/other/'));
  const key = (day: string) => `${day}/12/alb-logs-1-2026-03-10-12-05-00-0a1b2c3d`;
  const off = { 'access_logs.s3.enabled': 'false' };

  async function readObjects(destination: object, objects: [string, Uint8Array | string][], format = 'json') {
    const contents = objects.map(([name, content]): [string, Uint8Array] => [name, Buffer.from(content)]);
    const s3 = await serveS3({ name: BUCKET, objects: new Map(contents) });
    const logs = await serveLogs(toStream([destination], format));
    return accessLogIn(await readLiveAccessLog(settings({ s3, logs }, off)));
  }

  it.each<[string, format: string, string | Uint8Array]>([
    ['JSON records one after the other', 'json', jsonLines([...failed, ...OTHER]).join('')],
    ['compressed JSON records, one on a line', 'json', gzipSync(jsonLines([...failed, ...OTHER]).join('\n'))],
    ['records in a message', 'json', failed.map((message) => JSON.stringify({ message: `${message}\n` })).join('')],
    ['lines one after the other', 'plain', [...failed, ...OTHER].join('')],
  ])('is read: %s', async (_, format, content) => {
    const log = await readObjects(
      { ExtendedS3DestinationDescription: ALB_LOGS },
      [[`alb/${key('2026/03/10')}`, content]],
      format,
    );
    expect(log).toMatchObject({
      failuresTotal: 3,
      rejected: { lines: 0 },
      reading: { from: { service: 's3', name: 'example-logs/alb/', format, stream: 'alb-logs' } },
    });
  });

  it('is read from Parquet, in folders of the local day', async () => {
    const log = await readObjects(
      {
        ExtendedS3DestinationDescription: {
          ...ALB_LOGS,
          Prefix: 'alb-!{timestamp:yyyy-MM-dd}/!{firehose:random-string}/',
          CustomTimeZone: 'Pacific/Auckland',
          DataFormatConversionConfiguration: {
            OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } },
          },
        },
      },
      [['alb-2026-03-11/x1y2/alb-logs-1-2026-03-11-01-05-00-0a1b2c3d.parquet', await parquetFile(failed)]],
    );
    expect(log).toMatchObject({ failuresTotal: 3, reading: { from: { format: 'parquet', stream: 'alb-logs' } } });
  });

  it('is kept inside the folder, whatever the names of its objects', async () => {
    const base = temporaryFolder();
    const keepIn = join(base, 'within');
    const up = 'alb/2026/03/10/../../../../../outside/x.json';
    const s3 = await serveS3({ name: BUCKET, objects: new Map([[up, Buffer.from(jsonLines(failed).join(''))]]) });
    const logs = await serveLogs(toStream([{ ExtendedS3DestinationDescription: ALB_LOGS }]));
    await readLiveAccessLog({ ...settings({ s3, logs }, off), keepIn });
    expect(readdirSync(base)).toEqual(['within']);
  });

  it('is read from the backup of all that goes elsewhere', async () => {
    const backup = { S3BackupMode: 'AllData', S3DestinationDescription: ALB_LOGS };
    const log = await readObjects({ HttpEndpointDestinationDescription: backup }, [
      [`alb/${key('2026/03/10')}`, jsonLines(failed).join('')],
    ]);
    expect(log.failuresTotal).toBe(3);
  });

  it('is named beside another, with a gap where the stream may not be described', async () => {
    const s3 = await serveS3({
      name: BUCKET,
      objects: deliverLogs({ from: '2026-03-10T12:00:00Z', to: '2026-03-10T12:20:00Z' }),
    });
    const stream = toStream([{ ExtendedS3DestinationDescription: ALB_LOGS }]);
    const beside = accessLogIn(
      await readLiveAccessLog(await withDeliveries(settings({ s3, logs: await serveLogs(stream) }))),
    );
    expect(beside.reading?.others).toEqual([
      { service: 's3', name: 'example-logs/alb', format: 'json', stream: 'alb-logs' },
    ]);
    const logs = await serveLogs({ ...stream, denied: 'DescribeDeliveryStream' });
    const refused = accessLogIn(await readLiveAccessLog(await withDeliveries(settings({ s3, logs }))));
    expect(refused).toMatchObject({
      reading: { others: [{ service: 'firehose', name: 'alb-logs' }] },
      unanswered: [{ kind: 'denied', sentence: expect.stringContaining('firehose:DescribeDeliveryStream') }],
    });
  });
});
