import { describe, expect, it } from 'vitest';
import { accessLogging } from '../../../src/diagnose/checks/access-logging.ts';
import type { DeliveredLog } from '../../../src/evidence/delivered-log.ts';
import { logOf, question } from '../../support/traffic/traffic-builder.ts';

const estimate = { files: 1, bytes: 1, usd: 0, atMost: null };
const GROUP: DeliveredLog = { service: 'cloudwatch-logs', name: '/aws/vendedlogs/alb', format: 'json' };
const STREAM: DeliveredLog = { service: 'firehose', name: 'alb-logs', format: null };

describe('access-logging', () => {
  const off = { 'access_logs.s3.enabled': 'false' };
  it.each([
    [
      'on',
      { 'access_logs.s3.enabled': 'true', 'access_logs.s3.bucket': 'logs', 'access_logs.s3.prefix': 'shop' },
      undefined,
      'pass',
      's3://logs/shop',
    ],
    ['off, and nothing was read', off, undefined, 'fail', 'Logs may be delivered another way'],
    ['off, and the log has no entry', off, logOf([], { entries: 0 }), 'fail', 'Logs may be delivered another way'],
    ['off, but entries were read', off, logOf([]), 'pass', '10,000 entries were read'],
    [
      'on, and delivered elsewhere as well',
      { 'access_logs.s3.enabled': 'true' },
      logOf([], { reading: { how: 'from S3 directly', estimate, others: [GROUP, STREAM] } }),
      'pass',
      'also goes to CloudWatch Logs (log group /aws/vendedlogs/alb, JSON) and Firehose (stream alb-logs)',
    ],
    [
      'off, and a vended log was read',
      off,
      logOf([], { reading: { how: 'from CloudWatch Logs', estimate, from: GROUP } }),
      'pass',
      'delivered to CloudWatch Logs (log group /aws/vendedlogs/alb, JSON)',
    ],
    [
      'on, and read from a log group',
      { 'access_logs.s3.enabled': 'true', 'access_logs.s3.bucket': 'logs' },
      logOf([], { reading: { how: 'from CloudWatch Logs', estimate, from: GROUP } }),
      'pass',
      'is on (s3://logs). It was read from CloudWatch Logs (log group /aws/vendedlogs/alb, JSON).',
    ],
    [
      'off, and one of two vended logs was read',
      off,
      logOf([], { reading: { how: 'from CloudWatch Logs', estimate, from: GROUP, others: [STREAM] } }),
      'pass',
      'access_logs.s3.enabled is false. The log also goes to Firehose (stream alb-logs).',
    ],
    ['not said', {}, undefined, 'unknown', 'do not say'],
  ])('%s', (_, attributes, accessLog, outcome, part) => {
    const { from, others = [] } = accessLog?.reading ?? {};
    const logDelivery = accessLog && [...(from === undefined ? [] : [from]), ...others];
    const known = accessLog === undefined || logDelivery === undefined ? {} : { accessLog, logDelivery };
    const verdict = accessLogging.evaluate({ attributes, ...known }, question);
    expect(verdict.outcome).toBe(outcome);
    expect(verdict.summary).toContain(part);
  });

  it.each<[string, DeliveredLog[], string, string]>([
    [
      'a log group',
      [GROUP],
      'pass',
      'Access logs are delivered to CloudWatch Logs (log group /aws/vendedlogs/alb, JSON);',
    ],
    [
      'a stream alone',
      [STREAM],
      'fail',
      'The log goes only to Firehose (stream alb-logs), which could not be followed',
    ],
    ['nowhere', [], 'fail', 'The log is not delivered another way either.'],
  ])('knows of a log that was not read where it is delivered: %s', (_, logDelivery, outcome, part) => {
    const verdict = accessLogging.evaluate({ attributes: off, logDelivery }, question);
    expect(verdict.outcome).toBe(outcome);
    expect(verdict.summary).toContain(part);
  });
});
