/** Health-check logs beside an access log: wherever either is delivered, and whichever way the access log is read. */
import { gzipSync } from 'node:zlib';
import { afterEach, expect, it, vi } from 'vitest';
import { beginDeliveryLookup } from '../../../src/collect/aws/delivery-lookup.ts';
import { readLiveAccessLog } from '../../../src/collect/aws/live-access-log.ts';
import type { LiveAccessLog, LiveAccessLogOptions } from '../../../src/collect/aws/live-log-read.ts';
import { line } from '../../support/access-log/log-file.ts';
import { jsonLines } from '../../support/access-log/vended-forms.ts';
import { serveAthena } from '../../support/athena/server.ts';
import { FORMS } from '../../support/athena/tables.ts';
import { accessLogIn, question, settings, tableOver } from '../../support/aws/live-log-session.ts';
import { delivery, destination, source } from '../../support/cloudwatch-logs/deliveries.ts';
import { type LogsOfAccount, serveLogs } from '../../support/cloudwatch-logs/server.ts';
import { ARN, BUCKET, deliverLogs } from '../../support/s3/log-bucket.ts';
import { serveS3 } from '../../support/s3/server.ts';

afterEach(() => vi.unstubAllEnvs());

const DAY = { from: '2026-03-10T12:05:00Z', to: '2026-03-10T12:15:00Z' };
const HEALTH_GROUP = '/aws/vendedlogs/alb-health';
const LB = 'app/shop/50dc6c495c0c9188';

/** Two failed checks and one that passed, as a line and as the record of a vended delivery. */
const CHECKS = [
  ['2026-03-10T12:05:00.000000Z', 'FAIL', '503', 'TargetError'],
  ['2026-03-10T12:05:30.000000Z', 'FAIL', '503', 'TargetError'],
  ['2026-03-10T12:06:00.000000Z', 'PASS', '200', '-'],
] as const;
const plain = CHECKS.map(
  ([time, status, code, reason]) => `http ${time} 0.004 10.0.0.9:80 api ${status} ${code} ${reason} ${LB} 10.0.1.5`,
);
const json = CHECKS.map(([time, status, status_code, reason_code]) =>
  JSON.stringify({
    ...{ type: 'http', time, latency: '0.004', target_addr: '10.0.0.9:80', target_group_id: 'api' },
    ...{ status, status_code, reason_code, elb: LB, ip_address: '10.0.1.5' },
  }),
);
const FAILED = [
  {
    ...{ targetGroup: 'api', target: '10.0.0.9:80', failures: 2, nodes: ['10.0.1.5'], lastPassed: null },
    ...{ from: Date.parse(CHECKS[0][0]), last: Date.parse(CHECKS[1][0]), to: Date.parse(CHECKS[2][0]) },
    reasons: [{ reason: 'TargetError', statusCode: '503', count: 2 }],
  },
];

interface Place {
  attributes?: Record<string, string>;
  /** Beside the access log's own. */
  objects?: [key: string, content: string[]][];
  account?: Partial<LogsOfAccount>;
}

/** Where the health-check log goes. */
const BY_ATTRIBUTES: Place = {
  attributes: {
    ...{ 'health_check_logs.s3.enabled': 'true', 'health_check_logs.s3.bucket': BUCKET },
    'health_check_logs.s3.prefix': 'checks',
  },
  objects: [
    [
      'checks/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/03/10/health_check_log_123456789012_elasticloadbalancing_eu-west-1_app.shop.50dc6c495c0c9188_20260310T1210Z_10.0.1.5_1a2b.log.gz',
      plain,
    ],
  ],
};
const sources = [source('ours', ARN, 'ALB_HEALTH_CHECK_LOGS')];
const vended = (format: string, content: string[]): Place => ({
  objects: [['health/eu-west-1/2026/03/10/0a1b', content]],
  account: {
    sources,
    deliveries: [delivery('ours', 'S3')],
    destinations: [destination('S3', format, `arn:aws:s3:::${BUCKET}/health`)],
  },
});
const group = (format: string, messages: string[]): Place => ({
  account: {
    sources,
    deliveries: [delivery('ours', 'CWL')],
    destinations: [destination('CWL', format, `arn:aws:logs:eu-west-1:123456789012:log-group:${HEALTH_GROUP}:*`)],
    eventsByGroup: {
      [HEALTH_GROUP]: messages.map((message, index) => ({ timestamp: Date.parse(CHECKS[index]?.[0] ?? ''), message })),
    },
  },
});

async function serve({ objects = [], account = {} }: Place, own: Map<string, Uint8Array>) {
  const added = objects.map(([key, lines]) => [key, gzipSync(`${lines.join('\n')}\n`)] as const);
  const modified = new Map(objects.map(([key]) => [key, '2026-03-10T12:20:00.000Z']));
  const s3 = await serveS3({ name: BUCKET, objects: new Map([...own, ...added]), modified });
  return { s3, logs: await serveLogs(account) };
}

const DELIVERED = deliverLogs(DAY);

/** Waits for the deliveries however long they take to find. */
async function readPatiently(options: LiveAccessLogOptions) {
  const lookup = beginDeliveryLookup(options.session, ARN);
  return await readLiveAccessLog({ ...options, deliveries: { ...lookup, foundInTime: () => lookup.found } });
}

async function fromS3(place: Place) {
  const endpoints = await serve(place, DELIVERED);
  return await readPatiently(settings(endpoints, place.attributes));
}

async function byAthena(place: Place) {
  const endpoints = await serve(place, DELIVERED);
  const athena = await serveAthena([tableOver(DELIVERED, FORMS['the one alb502 makes'])]);
  return await readPatiently({ ...settings({ ...endpoints, athena }, place.attributes), engine: 'athena' });
}

/** The access log has a group of its own. */
async function fromLogGroup(place: Place) {
  const access = jsonLines([line({ at: question.from + 1000 }), line({ at: question.from + 2000, status: '502' })]);
  const { account = {} } = place;
  const both: Place = {
    ...place,
    account: {
      ...account,
      sources: [...(account.sources ?? []), source('access')],
      deliveries: [
        ...(account.deliveries ?? []),
        {
          ...delivery('access', 'CWL'),
          deliveryDestinationArn: 'arn:aws:logs:eu-west-1:123456789012:delivery-destination:access',
        },
      ],
      destinations: [
        ...(account.destinations ?? []),
        { ...destination('CWL', 'json'), arn: 'arn:aws:logs:eu-west-1:123456789012:delivery-destination:access' },
      ],
      events: access.map((message, index) => ({ timestamp: question.from + 1000 * (index + 1), message })),
      incomingBytes: 10_000,
    },
  };
  const endpoints = await serve(both, new Map());
  const attributes = { 'access_logs.s3.enabled': 'false', ...place.attributes };
  return await readPatiently({ ...settings(endpoints, attributes), engine: 'auto' });
}

const PLACES: [string, Place][] = [
  ['S3, by the attributes', BY_ATTRIBUTES],
  ['S3, vended as JSON', vended('json', json)],
  ['S3, vended as plain text', vended('plain', plain)],
  ['a log group, as JSON', group('json', json)],
  ['a log group, as plain text', group('plain', plain)],
];
const READERS: [string, (place: Place) => Promise<LiveAccessLog>][] = [
  ['from S3', fromS3],
  ['by Athena', byAthena],
  ['from a log group', fromLogGroup],
];

it.each(READERS.flatMap(([how, read]) => PLACES.map(([where, place]) => [where, how, read, place] as const)))(
  'is read from %s beside an access log read %s',
  { timeout: 60_000 },
  async (_, _how, read, place) => {
    const log = accessLogIn(await read(place));
    expect(log.healthChecks).toEqual(FAILED);
    expect(log.files.healthCheckLogs).toBe(1);
    expect(log.requests).toBeGreaterThan(0);
  },
);

it('is a gap where it may not be read', async () => {
  const place = group('json', json);
  const log = accessLogIn(await fromS3({ ...place, account: { ...place.account, denied: 'FilterLogEvents' } }));
  expect(log.healthChecks).toBeUndefined();
  expect(log.unanswered).toMatchObject([
    {
      kind: 'denied',
      sentence: expect.stringMatching(/^The health-check log could not be read: logs:FilterLogEvents on .* was denied/),
    },
  ]);
  expect(log.requests).toBeGreaterThan(0);
});

it('costs what fetching its files costs', async () => {
  const without = await fromS3({});
  const { cost } = await fromS3(vended('json', json));
  expect(cost.usd - without.cost.usd).toBeCloseTo(0.0000004, 9);
});
