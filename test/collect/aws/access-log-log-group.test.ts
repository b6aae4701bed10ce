/** An access log in CloudWatch Logs, through the real clients: which call is made, what it costs, and what may be in the way. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readLiveAccessLog } from '../../../src/collect/aws/live-access-log.ts';
import type { LiveAccessLogOptions } from '../../../src/collect/aws/live-log-read.ts';
import { line } from '../../support/access-log/log-file.ts';
import { jsonLines } from '../../support/access-log/vended-forms.ts';
import { accessLogIn, question, reasonOf, settings, withDeliveries } from '../../support/aws/live-log-session.ts';
import { delivery, destination, source } from '../../support/cloudwatch-logs/deliveries.ts';
import { type LogEvent, type LogsOfAccount, serveLogs } from '../../support/cloudwatch-logs/server.ts';
import { temporaryFolder } from '../../support/incident/folder.ts';
import { BUCKET, deliverLogs } from '../../support/s3/log-bucket.ts';
import { serveS3 } from '../../support/s3/server.ts';

afterEach(() => vi.unstubAllEnvs());

const T = question.from;
const SECOND = 1000;

/** One request a second, every tenth of them closed by the target; a neighbour writes into the same group. */
const lines = Array.from({ length: 300 }, (_, n) =>
  line({
    at: T + n * SECOND,
    trace: `Root=1-58337281-${String(n).padStart(24, '0')}`,
    node: '203.0.113.17',
    ...(n % 10 === 0 ? { status: '502', targetStatus: '-', times: [0, 0.002, -1] as [number, number, number] } : {}),
  }),
);
const neighbour = line({ at: T + 500, elb: 'app/other/1111111111111111' });
const events: LogEvent[] = [...jsonLines([neighbour]), ...jsonLines(lines)].map((message, n) => ({
  timestamp: T + Math.max(0, n - 1) * SECOND,
  message,
}));
const toGroup: LogsOfAccount = {
  sources: [source('ours')],
  deliveries: [delivery('ours', 'CWL')],
  destinations: [destination('CWL', 'json')],
  events,
};
const OFF = { 'access_logs.s3.enabled': 'false' };

async function read(account: LogsOfAccount, options: Partial<LiveAccessLogOptions> = {}) {
  const logs = await serveLogs({ ...toGroup, ...account });
  const sentences: string[] = [];
  const live = await readLiveAccessLog({
    ...settings({ logs }, OFF),
    engine: 'auto',
    onEstimate: (sentence) => sentences.push(sentence),
    ...options,
  });
  return { ...live, logs, sentences };
}

describe('a log group', () => {
  it('is read for free, without a query, when small', async () => {
    const { logs, sentences, ...live } = await read({ incomingBytes: 300_000 });
    expect(accessLogIn(live)).toMatchObject({ requests: 300, failuresTotal: 30, otherLoadBalancers: 0 });
    expect(logs.asked.filter((one) => one === 'FilterLogEvents')).toHaveLength(3);
    expect(logs.queries).toEqual([]);
    expect(live.cost).toEqual({ bytesScanned: 0, usd: 0, queries: 0 });
    expect(sentences).toEqual([
      'Reading from CloudWatch Logs, log group /aws/vendedlogs/alb: 300.0 kB received, the only log that can be read; estimated $0, at most 600.0 kB and under $0.0001.',
    ]);
  });

  /** More than 40 pages. */
  const pages = Array.from({ length: 4100 }, (_, n) => ({ timestamp: T + n, message: events[3]?.message ?? '' }));

  it('is queried when its events fill too many pages, within the announced cost', async () => {
    const { logs, sentences, ...live } = await read({ incomingBytes: 19_000_000, events: pages });
    expect(logs.queries).toHaveLength(1);
    expect(sentences).toEqual([expect.stringContaining('estimated $0, at most 38.0 MB and $0.0002.')]);
    expect(live.cost.usd).toBeGreaterThan(0);
  });

  it('is not queried when its events fill too many pages and a query costs more than allowed', async () => {
    const { logs, ...live } = await read({ incomingBytes: 19_000_000, events: pages }, { maxUsd: 0.0001 });
    expect(reasonOf(live)).toMatch(/^the log group .* a query could cost more than allowed: raise --max-usd/);
    expect(logs.queries).toEqual([]);
  });

  it('is queried when large, and costs what was scanned', async () => {
    const { logs, ...live } = await read({ incomingBytes: 30_000_000, rowsOnPage: 70 });
    expect(accessLogIn(live)).toMatchObject({ requests: 300, failuresTotal: 30 });
    expect(logs.queries).toHaveLength(1);
    const [query] = logs.queries;
    expect(query).toMatchObject({
      logGroupName: '/aws/vendedlogs/alb',
      startTime: T / 1000 - 60,
      queryString: 'fields @message | filter @message like "app/shop/50dc6c495c0c9188" | sort @timestamp asc',
    });
    const bytes = events.reduce((sum, { message }) => sum + message.length, 0);
    expect(live.cost).toEqual({ bytesScanned: bytes, usd: (bytes / 1e9) * 0.005, queries: 1 });
    expect(live.log.source).toContain(
      `aws logs start-query --log-group-name /aws/vendedlogs/alb --start-time ${T / 1000 - 60}`,
    );
  });

  it('is queried in halves when a query returns less than it found', async () => {
    const { logs, ...live } = await read({ incomingBytes: 30_000_000, rows: 90 });
    expect(accessLogIn(live)).toMatchObject({ requests: 300, failuresTotal: 30, lines: 300 });
    // Some halves have no events.
    expect(accessLogIn(live).files.unreadable).toEqual([]);
    expect(logs.queries.length).toBeGreaterThan(4);
  });

  it('lists the seconds with more rows than a query returns', async () => {
    const crowd = Array.from({ length: 20 }, () => ({ timestamp: T + 5 * SECOND, message: events[3]?.message ?? '' }));
    const { logs: _, ...live } = await read({ incomingBytes: 30_000_000, rows: 10, events: crowd });
    expect(accessLogIn(live).unanswered).toMatchObject([
      { sentence: expect.stringContaining('more than 100,000 events in 1 second, the first at 12:00:05 UTC') },
    ]);
  });

  it('is not queried beyond the cost limit', async () => {
    const { logs, ...live } = await read({ incomingBytes: 1_000_000_000 }, { maxUsd: 0.001 });
    expect(reasonOf(live)).toMatch(/^reading it could cost more than \$0\.001 /);
    expect(logs.queries).toEqual([]);
  });

  it('is read without a query when the cost of one is unknown', async () => {
    const { logs, ...live } = await read({}, { maxUsd: 0.001 });
    expect(accessLogIn(live).requests).toBe(300);
    expect(logs.queries).toEqual([]);
  });

  it.each([
    ['CloudWatch counts nothing', {}, '(CloudWatch has no IncomingBytes for that time): ask for a shorter window'],
    [
      'counting is denied',
      { denied: 'GetMetricData' },
      '(cloudwatch:GetMetricData on * was denied): allow it, or ask for a shorter window',
    ],
  ])('is not read when too large and %s', async (_, account, why) => {
    const { logs, ...live } = await read({ ...account, events: pages }, { maxUsd: 1 });
    expect(reasonOf(live)).toBe(
      `the log group /aws/vendedlogs/alb holds more than is read without a query, and what a query costs is unknown ${why}`,
    );
    expect(live.log).toMatchObject('denied' in account ? { kind: 'denied' } : { kind: 'failed' });
    expect(logs.queries).toEqual([]);
  });

  it.each(['StartQuery', 'GetQueryResults'])('names a missing permission: logs:%s', async (denied) => {
    const { log } = await read({ incomingBytes: 30_000_000, denied });
    expect(log).toMatchObject({
      status: 'unavailable',
      kind: 'denied',
      iamStatement: expect.stringContaining(`"logs:${denied}"`),
    });
  });

  it('stops its query when it is interrupted, and costs what that had scanned', async () => {
    const logs = await serveLogs({ ...toGroup, incomingBytes: 30_000_000, isStuck: true, scannedSoFar: 7_000_000 });
    const interrupted = new AbortController();
    const options = settings({ logs }, OFF);
    const reading = readLiveAccessLog({
      ...options,
      engine: 'auto',
      session: { ...options.session, signal: interrupted.signal },
    });
    while (logs.asked.filter((one) => one === 'GetQueryResults').length < 2) await pause(5);
    interrupted.abort();
    const live = await reading;
    expect(reasonOf(live)).toContain('was stopped');
    expect(live.cost).toMatchObject({ bytesScanned: 7_000_000, queries: 1 });
    expect(logs.queries).toMatchObject([{ stopped: true }]);
  });
});

describe('a log group with more than is fetched', () => {
  const much: LogsOfAccount = { incomingBytes: 3_000_000_000 };
  const counting = 'stats count(*) as lines, min(ended) as first, max(ended) as last by ';

  it('is counted by a query, whose price is shown first', async () => {
    const { logs, sentences, ...live } = await read(much);
    expect(accessLogIn(live)).toMatchObject({ requests: 300, failuresTotal: 30, lines: 300 });
    expect(sentences).toEqual([
      'Reading from CloudWatch Logs, log group /aws/vendedlogs/alb: 3.0 GB received, counted by query (over 2.0 GB), the only log that can be read; estimated about $0.0400, at most 16.0 GB and $0.0800.',
    ]);
    expect(logs.queries.filter(({ queryString }) => queryString.includes(counting))).toHaveLength(1);
    expect(live.cost.usd).toBeLessThan(0.08);
  });

  it('is not counted when that costs more than allowed', async () => {
    const { logs, ...live } = await read(much, { maxUsd: 0.05 });
    expect(reasonOf(live)).toMatch(/^reading it could cost more than \$0\.05 /);
    expect(logs.queries).toEqual([]);
  });

  it('keeps the answers, not the messages, for a saved incident', async () => {
    const { toSave } = await read(much, { keepIn: temporaryFolder() });
    expect(toSave).toMatchObject({ answers: { requests: 300 } });
  });

  it('is not fetched when nothing failed', async () => {
    const healthy = events.filter((_, n) => n % 10 !== 1);
    const { logs, ...live } = await read({ ...much, events: healthy });
    expect(accessLogIn(live)).toMatchObject({ requests: 270, failuresTotal: 0, routes: [] });
    expect(accessLogIn(live).unanswered).toBeUndefined();
    expect(logs.queries).toHaveLength(2);
  });

  it.each<[string, LogsOfAccount, RegExp]>([
    [
      'whose failures alone are more',
      { events: events.filter((_, n) => n % 10 === 1) },
      /holds more than the 10\.0 kB that are fetched at most/,
    ],
    [
      'whose messages are no access log',
      { events: events.map((event) => ({ ...event, message: event.message.replaceAll('_code"', '_word"') })) },
      /none of the 300 messages of the log group .* has the form of an access log in json/,
    ],
    [
      'whose fields have another order and no delimiter',
      {
        deliveries: [delivery('ours', 'CWL', { recordFields: ['time', 'elb'], fieldDelimiter: ' ' })],
        destinations: [destination('CWL', 'plain')],
      },
      /the order of its fields is not one that a query can count by/,
    ],
  ])('is refused where it is one %s', async (_, account, reason) => {
    const live = await read({ ...much, ...account }, { fetchAtMost: 10_000 });
    expect(reasonOf(live)).toMatch(reason);
  });
});

describe('a log group beside files in S3', () => {
  const objects = deliverLogs({ from: '2026-03-10T12:00:00Z', to: '2026-03-10T12:20:00Z' });
  const both = async (account: LogsOfAccount, options: Partial<LiveAccessLogOptions>) => {
    const s3 = await serveS3({ name: BUCKET, objects });
    const logs = await serveLogs({ ...toGroup, incomingBytes: 300_000, ...account });
    const live = await readLiveAccessLog({
      ...(await withDeliveries(settings({ s3, logs }))),
      engine: 'auto',
      ...options,
    });
    return accessLogIn(live);
  };
  const soon = { question: { ...question, now: question.to + 120_000 } };

  it.each<[string, LogsOfAccount, Partial<LiveAccessLogOptions>, string]>([
    ['is read while files may still be on their way', {}, soon, 'cloudwatch-logs'],
    ['is left out once they have arrived', {}, {}, 's3'],
    ['is read when asked for', {}, { engine: 'cloudwatch-logs' }, 'cloudwatch-logs'],
    ['is left out when files are asked for', {}, { ...soon, engine: 'duckdb' }, 's3'],
    ['is not read if that is denied', { denied: 'FilterLogEvents' }, soon, 's3'],
    ['is not read if it is empty', { events: [] }, soon, 's3'],
  ])('%s', async (_, account, options, service) => {
    const log = await both(account, options);
    expect(log.reading?.from?.service).toBe(service);
    expect(log.requests).toBeGreaterThan(0);
  });

  it('is read when S3 has no entry, and says so', async () => {
    const logs = await serveLogs({ ...toGroup, incomingBytes: 300_000 });
    const s3 = await serveS3({ name: BUCKET, objects: new Map() });
    const log = accessLogIn(
      await readLiveAccessLog({ ...(await withDeliveries(settings({ s3, logs }))), engine: 'auto' }),
    );
    expect(log.reading?.how).toMatch(/, since no entry could be read from S3$/);
  });

  it('says why it was not read after files without an entry', async () => {
    const logs = await serveLogs({ ...toGroup, incomingBytes: 1_000_000_000 });
    const s3 = await serveS3({ name: BUCKET, objects: new Map() });
    const live = await readLiveAccessLog({
      ...(await withDeliveries(settings({ s3, logs }))),
      engine: 'auto',
      maxUsd: 0.001,
    });
    expect(accessLogIn(live)).toMatchObject({
      requests: 0,
      unanswered: [{ sentence: expect.stringContaining('reading it could cost more than $0.001') }],
    });
  });

  it('says why it was not read', async () => {
    const log = await both({ denied: 'FilterLogEvents' }, soon);
    expect(log.unanswered).toMatchObject([
      {
        kind: 'denied',
        sentence: expect.stringMatching(
          /^The access log was not read from CloudWatch Logs \(log group .*, JSON\): logs:FilterLogEvents on .* was denied\.$/,
        ),
      },
    ]);
  });
});
