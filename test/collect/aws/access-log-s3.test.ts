/** The log of a live load balancer read straight from its bucket, through the real client. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseFileName } from '../../../src/collect/access-log/log-files.ts';
import { readLiveAccessLog } from '../../../src/collect/aws/live-access-log.ts';
import type { LiveAccessLogOptions } from '../../../src/collect/aws/live-log-read.ts';
import { accessLogIn, question, reasonOf, settings } from '../../support/aws/live-log-session.ts';
import { temporaryFolder } from '../../support/incident/folder.ts';
import { at, BUCKET, deliverLogs } from '../../support/s3/log-bucket.ts';
import { accessDenied, type Bucket, type LocalS3, serveS3 } from '../../support/s3/server.ts';

afterEach(() => vi.unstubAllEnvs());

interface Situation extends Partial<Omit<LiveAccessLogOptions, 'attributes'>> {
  bucket: Partial<Bucket>;
  attributes?: Record<string, string>;
}

async function readFrom({ bucket, attributes, ...options }: Situation) {
  const s3 = await serveS3({ name: BUCKET, objects: new Map(), ...bucket });
  const live = await readLiveAccessLog({ ...settings({ s3 }, attributes), ...options });
  return { ...live, s3 };
}

/** Ends of the intervals of the files that were fetched, as HHMM, once each. */
const intervals = (s3: LocalS3): string[] => [
  ...new Set(s3.got.map((key) => new Date(parseFileName(key).end ?? 0).toISOString().slice(11, 16).replace(':', ''))),
];

const DAY = { from: '2026-03-10T00:00:00Z', to: '2026-03-10T13:00:00Z' };

describe('the downloaded files', () => {
  it('cover the window with an idle timeout around it and five minutes after, and at most 1.2 times their bytes', async () => {
    const objects = deliverLogs(DAY, { ...DAY, elb: 'app/shop-2/0123456789abcdef' }, { ...DAY, kind: 'conn_log_' });
    const live = await readFrom({ bucket: { objects } });
    const needed = [...objects].filter(([key]) => {
      const { end, kind, loadBalancer } = parseFileName(key);
      return (
        kind === 'access-log' &&
        loadBalancer?.name === 'shop' &&
        end !== null &&
        end >= question.from - 60_000 &&
        end - 300_000 <= question.to + 60_000 + 300_000
      );
    });
    const bytes = needed.reduce((sum, [, content]) => sum + content.length, 0);
    const ratio = live.s3.bytes() / bytes;
    console.info(`bytes fetched from S3 / bytes of the files of the window: ${ratio.toFixed(3)}`);
    expect(ratio).toBeLessThanOrEqual(1.2);
    expect(live.s3.got.toSorted()).toEqual(needed.map(([key]) => key).toSorted());
    expect(intervals(live.s3).toSorted()).toEqual(['1200', '1205', '1210', '1215', '1220', '1225']);
    expect(accessLogIn(live)).toMatchObject({ requests: 3 * 2 * 20, failuresTotal: 3 * 2 * 2, otherLoadBalancers: 0 });
    expect(live.cost).toEqual({ bytesScanned: bytes, usd: expect.closeTo(12 * 0.4e-6 + 5e-6, 9), queries: 0 });
  });

  it('are listed only for the window and this load balancer', async () => {
    const { s3 } = await readFrom({ bucket: { objects: deliverLogs(DAY), pageSize: 3 } });
    const [first] = s3.listed;
    expect(first?.startAfter).toMatch(/_app\.shop\.50dc6c495c0c9188_20260310T1159Z$/);
    expect(new Set(s3.listed.map(({ prefix }) => prefix)).size).toBe(1);
    // Twelve files of the window and one of the interval behind it, three to a page.
    expect(s3.listed).toHaveLength(5);
  });

  it('include a file of the evening that was delivered after midnight', async () => {
    const late = {
      ...question,
      from: at('2026-03-09T23:50:00Z'),
      to: at('2026-03-09T23:59:00Z'),
      now: at('2026-03-11T00:00:00Z'),
    };
    const objects = deliverLogs(
      { from: '2026-03-09T23:50:00Z', to: '2026-03-09T23:50:00Z' },
      { from: '2026-03-09T23:55:00Z', to: '2026-03-09T23:55:00Z', late: 1 },
      { from: '2026-03-10T00:00:00Z', to: '2026-03-10T00:00:00Z' },
    );
    const { s3, ...live } = await readFrom({ bucket: { objects }, question: late });
    const days = s3.got.map((key) => /[0-9]{4}[/][0-9]{2}[/][0-9]{2}/.exec(key)?.[0]);
    expect(days.toSorted()).toEqual([...Array(2).fill('2026/03/09'), ...Array(4).fill('2026/03/10')]);
    expect(accessLogIn(live).files.read).toBe(6);
  });

  it('may lie below a prefix', async () => {
    const objects = deliverLogs({ ...DAY, prefix: 'web/prod/' });
    const live = await readFrom({ bucket: { objects }, attributes: { 'access_logs.s3.prefix': 'web/prod' } });
    expect(accessLogIn(live).files.read).toBe(12);
  });

  it.each([
    ['next to the access log', { 'health_check_logs.s3.bucket': BUCKET, 'health_check_logs.s3.prefix': '' }, '', 1],
    ['below another prefix', { 'health_check_logs.s3.bucket': BUCKET, 'health_check_logs.s3.prefix': 'up' }, 'up/', 1],
    ['nowhere', { 'health_check_logs.s3.enabled': 'false', 'health_check_logs.s3.bucket': BUCKET }, '', 0],
  ])('include the health-check log delivered %s', async (_, place, prefix, spans) => {
    const objects = deliverLogs(DAY);
    const [, first = ''] = objects.keys();
    const name = `${prefix}${first}`
      .replace('/123456789012_', '/health_check_log_123456789012_')
      .replace(/_20260310T[0-9]{4}Z_/, '_20260310T1210Z_');
    const check = (second: string) =>
      `http 2026-03-10T12:05:${second}.000000Z 0.004 10.0.0.9:80 api FAIL 503 TargetError app/shop/50dc6c495c0c9188 10.0.1.5`;
    objects.set(name, gzipSync(`${check('00')}\n${check('30')}\n`));
    const live = await readFrom({
      bucket: { objects },
      attributes: { 'health_check_logs.s3.enabled': 'true', ...place },
    });
    expect(accessLogIn(live).healthChecks ?? []).toHaveLength(spans);
    expect(live.s3.got.includes(name)).toBe(spans === 1);
  });

  it('come with a command for the same download', async () => {
    const { log } = await readFrom({ bucket: { objects: deliverLogs(DAY) } });
    expect(log.source).toBe(
      "aws s3 cp s3://example-logs/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/03/10/ logs --recursive --exclude '*' --include '*_app.shop.50dc6c495c0c9188_20260310T1*' && find logs -name '*.log*' -exec zcat -f {} + | awk '$3 ~ \"/shop/\" && ($9 >= 500 && $9 <= 599)'",
    );
  });

  it('may be none, without a refusal', async () => {
    const live = await readFrom({ bucket: { objects: deliverLogs({ ...DAY, elb: 'app/other/0123456789abcdef' }) } });
    expect(accessLogIn(live)).toMatchObject({ requests: 0, newest: null, files: { read: 0 } });
  });

  it('are fetched again when the body breaks off', async () => {
    const objects = deliverLogs(DAY);
    const key = [...objects.keys()].find((one) => one.includes('T1205Z')) ?? '';
    const { s3, ...live } = await readFrom({ bucket: { objects, cut: new Map([[key, 2]]) } });
    expect(s3.got.filter((one) => one === key)).toHaveLength(3);
    expect(accessLogIn(live)).toMatchObject({ requests: 120, files: { unreadable: [] } });
  });

  it('are read without a file that is gone, and the gap is reported', async () => {
    const objects = deliverLogs(DAY);
    const fault = (key: string | null) =>
      key?.includes('T1210Z_203.0.113.18')
        ? { status: 404, code: 'NoSuchKey', message: 'The specified key does not exist.' }
        : null;
    const value = accessLogIn(await readFrom({ bucket: { objects, fault } }));
    expect(value.files.unreadable).toEqual([
      {
        file: expect.stringMatching(/^2026\/03\/10\/.*T1210Z_203\.0\.113\.18_.*\.log\.gz$/),
        reason: 'it is gone from the bucket',
        lines: 0,
      },
    ]);
    expect(value.requests).toBe(100);
  });
});

describe('the temporary folder', () => {
  it('is removed', async () => {
    const temporary = temporaryFolder();
    vi.stubEnv('TMPDIR', temporary);
    expect(accessLogIn(await readFrom({ bucket: { objects: deliverLogs(DAY) } })).lines).toBe(240);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('keeps the files under their own names on request', async () => {
    const keepIn = temporaryFolder();
    const { toSave } = await readFrom({ bucket: { objects: deliverLogs(DAY) }, keepIn });
    expect(toSave).toEqual({ folder: keepIn });
    expect(readdirSync(join(keepIn, 'logs/2026/03/10'))).toHaveLength(12);
  });
});

describe.each<[string, Situation, RegExp]>([
  [
    'listing is denied',
    { bucket: { fault: (key) => (key === null ? accessDenied('s3:ListBucket', `arn:aws:s3:::${BUCKET}`) : null) } },
    /^s3:ListBucket on arn:aws:s3:::example-logs was denied$/,
  ],
  [
    'reading is denied without a message',
    {
      bucket: {
        objects: deliverLogs(DAY),
        fault: (key) => (key === null ? null : { status: 403, code: 'AccessDenied', message: 'Access Denied' }),
      },
    },
    /^s3:GetObject on arn:aws:s3:::example-logs\/AWSLogs\/123456789012\/elasticloadbalancing\/eu-west-1\/\* was denied$/,
  ],
  [
    'the key is not ours to use',
    {
      bucket: {
        objects: deliverLogs(DAY),
        fault: (key) =>
          key === null ? null : accessDenied('kms:Decrypt', 'arn:aws:kms:eu-west-1:123456789012:key/abc'),
      },
    },
    /^kms:Decrypt on arn:aws:kms:eu-west-1:123456789012:key\/abc was denied$/,
  ],
  [
    'a policy denies it explicitly',
    {
      bucket: {
        fault: () => ({
          status: 403,
          code: 'AccessDenied',
          message:
            'User: x is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::example-logs" with an explicit deny in a resource-based policy',
        }),
      },
    },
    /^s3:ListBucket on arn:aws:s3:::example-logs was denied explicitly: a bucket policy, an IAM policy/,
  ],
  [
    'the bucket does not exist',
    { bucket: {}, attributes: { 'access_logs.s3.bucket': 'gone-logs' } },
    /^the bucket of s3:\/\/gone-logs does not exist: access_logs\.s3\.bucket of the load balancer has to name one that does$/,
  ],
  [
    'the bucket is elsewhere',
    {
      bucket: {
        fault: () => ({
          status: 400,
          code: 'AuthorizationHeaderMalformed',
          message: "The authorization header is malformed; the region 'eu-west-1' is wrong; expecting 'us-east-1'",
        }),
      },
    },
    /^s3:\/\/example-logs is not in eu-west-1, where the load balancer is: logs are delivered within one region$/,
  ],
  [
    'the credentials have expired',
    { bucket: { fault: () => ({ status: 400, code: 'ExpiredToken', message: 'The provided token has expired.' }) } },
    /^s3:ListBucket failed: the credentials have expired$/,
  ],
  [
    'the files are archived',
    {
      bucket: {
        objects: deliverLogs(DAY),
        fault: (key) =>
          key === null
            ? null
            : {
                status: 403,
                code: 'InvalidObjectState',
                message: "The operation is not valid for the object's storage class",
              },
      },
    },
    /^it is archived and has to be restored first/,
  ],
  [
    'it may cost more than is allowed',
    { bucket: { objects: deliverLogs(DAY) }, maxUsd: 0.000001 },
    /^reading it could cost more than \$0\.000001 \(12 files, .* under \$0\.0001, at most .*\): raise --max-usd, /,
  ],
])('when %s', (_, situation, reason) => {
  it('is named in one clause', async () => {
    const live = await readFrom(situation);
    expect(reasonOf(live)).toMatch(reason);
    expect(reasonOf(live)).not.toMatch(/[.\n]$|\n/);
    expect(live.toSave).toBeNull();
  });
});

describe('when it is interrupted', () => {
  it('stops, and leaves nothing behind', async () => {
    const interruption = new AbortController();
    const s3 = await serveS3({
      name: BUCKET,
      objects: deliverLogs(DAY),
      fault: (key) => {
        if (key !== null) interruption.abort();
        return null;
      },
    });
    const options = settings({ s3 });
    const session = { ...options.session, signal: interruption.signal };
    expect(reasonOf(await readLiveAccessLog({ ...options, session }))).toBe(
      'there was no more time for the access log: s3:GetObject was stopped',
    );
  });
});

describe('with unknown attributes', () => {
  it('says that the location of the log is unknown, and why', async () => {
    const s3 = await serveS3({ name: BUCKET, objects: new Map() });
    const attributes = { status: 'unavailable' as const, source: 'aws elbv2 …', reason: 'it was denied' };
    const { log } = await readLiveAccessLog({ ...settings({ s3 }), attributes });
    expect(log).toEqual({
      status: 'unavailable',
      source: 'aws elbv2 …',
      kind: 'failed',
      reason: 'where its access log goes is unknown (it was denied)',
      iamStatement: null,
    });
  });
});

it('reports within seconds that S3 throttles, and gives up at the deadline', async () => {
  const statuses: string[] = [];
  const began = Date.now();
  const live = await readFrom({
    bucket: { fault: () => ({ status: 503, code: 'SlowDown', message: 'Please reduce your request rate.' }) },
    deadline: 4000,
    progress: (status) => statuses.push(status),
  });
  expect(Date.now() - began).toBeLessThan(20_000);
  expect(statuses).toContainEqual('S3 asks to slow down (SlowDown, 1 time): waiting and trying again');
  expect(reasonOf(live)).toMatch(/S3 asked to slow down|SlowDown|throttled/);
});
