/** The search for a keep-alive edge beside the first query of Athena: when it starts, when it is stopped, and what it costs. */
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { planGaps } from '../../../src/collect/access-log/gap-search.ts';
import { GapsBeside } from '../../../src/collect/aws/gaps-beside.ts';
import { readLiveAccessLog } from '../../../src/collect/aws/live-access-log.ts';
import type { LiveAccessLogOptions } from '../../../src/collect/aws/live-log-read.ts';
import { type Fields, fileName, line, textOf } from '../../support/access-log/log-file.ts';
import { type AthenaFaults, type LocalAthena, serveAthena } from '../../support/athena/server.ts';
import { FORMS, type TableForm } from '../../support/athena/tables.ts';
import { accessLogIn, question, reasonOf, settings, tableOver } from '../../support/aws/live-log-session.ts';
import { BUCKET } from '../../support/s3/log-bucket.ts';
import { accessDenied, type Bucket, serveS3 } from '../../support/s3/server.ts';

afterEach(() => vi.unstubAllEnvs());

/** Requests that are answered, and every tenth one not: closed early, or refused. */
function logOf(times: Fields['times']): Map<string, Uint8Array> {
  const lines = Array.from({ length: 100 }, (_, index) =>
    line({
      at: question.from + index * 1000 + 0.5,
      ...(index % 10 === 9 ? { status: '502', targetStatus: '-', times } : {}),
      trace: `Root=1-58337281-1d84f3d73c47ec4e${((index * 2654435761) >>> 0).toString(16).padStart(8, '0')}`,
    }),
  );
  return new Map([[fileName('20260310T1205Z'), gzipSync(textOf(lines))]]);
}
const CLOSED = logOf([0, 0.001, -1]);
const REFUSED = logOf([-1, -1, -1]);

interface Situation extends Partial<LiveAccessLogOptions> {
  objects?: Map<string, Uint8Array>;
  bucket?: Partial<Bucket>;
  form?: TableForm;
  faults?: AthenaFaults;
}

/** As when CloudWatch has counted 502s. */
async function read({ objects = CLOSED, bucket, form = FORMS["AWS's own"], faults, ...options }: Situation) {
  const s3 = await serveS3({ name: BUCKET, objects, ...bucket });
  const athena = await serveAthena([tableOver(objects, form)], faults);
  const estimates: string[] = [];
  const live = await readLiveAccessLog({
    ...settings({ s3, athena }),
    engine: 'athena',
    counted502s: Promise.resolve(10),
    onEstimate: (sentence) => estimates.push(sentence),
    ...options,
  });
  return { ...live, sent: athena.sent, estimates, names: athena.sent.map(nameOf) };
}

const BESIDE = /is_examined/;
const nameOf = ({ sql }: LocalAthena['sent'][number]): string =>
  BESIDE.test(sql) ? 'beside' : sql.includes('VALUES (1, ') ? 'second' : 'first';

const bytesOf = (sent: LocalAthena['sent']) => sent.reduce((sum, { bytesScanned }) => sum + bytesScanned, 0);

/** A scan of at least 10 MB, US dollars. */
const LEAST = 0.00005;

const UNASKED = Promise.reject(new Error('interrupted'));
UNASKED.catch(() => {});

describe('the search', () => {
  it.each<[starts: string, when: string, Situation]>([
    ['beside the first query', 'CloudWatch has counted 502s', {}],
    ['beside the first query', 'the question is about 502s', { question: { ...question, statuses: ['elb-502'] } }],
    ['beside the first query', 'the limit allows three scans', { maxUsd: 3 * LEAST }],
    ['after it', 'the limit allows two scans', { maxUsd: 2.9 * LEAST }],
    ['after it', 'CloudWatch was not asked', { counted502s: undefined }],
    ['after it', 'CloudWatch has counted no 502', { counted502s: Promise.resolve(0) }],
    ['after it', 'CloudWatch may not be asked', { counted502s: Promise.resolve(null) }],
    ['after it', 'CloudWatch cannot be asked', { counted502s: UNASKED }],
    ['after it', 'CloudWatch does not answer', { counted502s: new Promise(() => {}) }],
    ['after it', 'the question is about 504s', { question: { ...question, statuses: ['504'] } }],
    ['after it', 'the question is about targets', { question: { ...question, statuses: ['target-5xx'] } }],
    ['after it', 'a scan costs more than two cents', { bucket: { inflated: 5_000_000 } }],
    ['after it', 'the files may not be listed', { bucket: { fault: () => accessDenied('s3:ListBucket', 'arn:x') } }],
    ['after it', 'the table has no partitions', { form: FORMS['without partitions'], maxUsd: 1, isMaxUsdGiven: true }],
  ])('starts %s when %s', async (starts, _, situation) => {
    const { names, sent, cost, ...live } = await read(situation);
    expect(names).toEqual(['first', starts === 'after it' ? 'second' : 'beside']);
    expect(accessLogIn(live).idleGaps[0]?.failures).toHaveLength(10);
    expect(sent.map(({ stopped }) => stopped)).toEqual([false, false]);
    expect(cost).toMatchObject({ queries: 2, bytesScanned: bytesOf(sent) });
  });

  it('starts once CloudWatch has answered, if the first query is still running', async () => {
    const { promise: counted502s, resolve } = Promise.withResolvers<number>();
    const onCall = (operation: string) => {
      if (operation === 'GetQueryExecution') resolve(3);
    };
    const { names } = await read({ counted502s, faults: { running: 300, onCall } });
    expect(names).toEqual(['first', 'beside']);
  });

  it('is not waited for before it has started', async () => {
    const run = () => Promise.reject(new Error('not to be started'));
    const beside = new GapsBeside(new Promise(() => {}), run);
    const started = performance.now();
    expect(await beside.select(planGaps({ groups: [] }, 60))).toBeNull();
    await beside.stop();
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('finds what a second query finds', async () => {
    const [atOnce, inTurn] = [await read({}), await read({ counted502s: undefined })];
    const [one, other] = [accessLogIn(atOnce), accessLogIn(inTurn)];
    expect({ ...one, reading: null }).toEqual({ ...other, reading: null });
    expect(atOnce.cost).toEqual(inTurn.cost);
  });

  it('is part of the estimate, with a second query all the same', async () => {
    const { estimates, ...live } = await read({});
    expect(estimates).toEqual([
      expect.stringMatching(/; estimated about \$0\.0001, at most [\d.]+ kB and \$0\.0002\.$/),
    ]);
    const { estimate } = accessLogIn(live).reading ?? {};
    const { estimate: alone } = accessLogIn(await read({ counted502s: Promise.resolve(0) })).reading ?? {};
    expect(estimate?.usd).toBeCloseTo(2 * LEAST, 9);
    expect(estimate?.atMost?.usd).toBeCloseTo(3 * LEAST, 9);
    expect(alone).toMatchObject({ usd: LEAST, atMost: { usd: 2 * LEAST } });
    expect(estimate?.atMost?.bytes).toBeCloseTo(1.5 * (alone?.atMost?.bytes ?? 0), 9);
  });
});

const long = (sql: string) => (BESIDE.test(sql) ? 60_000 : 0);

describe('a query that is not needed', () => {
  it('is stopped, and its scan counts', async () => {
    const { sent, cost, ...live } = await read({ objects: REFUSED, faults: { running: long } });
    expect(accessLogIn(live)).toMatchObject({ failuresTotal: 10, idleGaps: [], cost });
    expect(sent.map((one) => [nameOf(one), one.stopped])).toEqual([
      ['first', false],
      ['beside', true],
    ]);
    expect(cost).toEqual({ queries: 2, bytesScanned: bytesOf(sent), usd: 2 * LEAST });
  });

  it('is stopped when the first one fails', async () => {
    const fail = { state: 'FAILED', reason: 'TABLE_NOT_FOUND: gone', matching: /ranked AS/ } as const;
    const { sent, ...live } = await read({ faults: { running: long, fail } });
    expect(reasonOf(live)).toMatch(/^the table is not in the database logs any more/);
    expect(sent.map(({ stopped }) => stopped)).toEqual([false, true]);
    expect(live.cost.bytesScanned).toBe(bytesOf(sent));
  });

  it('is stopped with the first one', async () => {
    const { sent, ...live } = await read({ faults: { running: 60_000 }, deadline: 4000 });
    expect(reasonOf(live)).toMatch(/^there was no more time for the access log/);
    expect(sent.map(({ stopped }) => stopped)).toEqual([true, true]);
    expect(live.cost).toMatchObject({ queries: 2, bytesScanned: bytesOf(sent) });
  });
});

describe('a second query follows when the one beside the first', () => {
  it.each<[string, AthenaFaults, names: string[]]>([
    [
      'fails',
      { fail: { state: 'FAILED', reason: 'Query exhausted resources', retryable: true, matching: BESIDE } },
      ['first', 'beside', 'second'],
    ],
    [
      'is refused',
      {
        refuse: {
          StartQueryExecution: {
            name: 'TooManyRequestsException',
            message: 'CONCURRENT_QUERY_LIMIT',
            matching: BESIDE,
          },
        },
      },
      ['first', 'second'],
    ],
    ['is slow', { running: long }, ['first', 'beside', 'second']],
  ])('%s', async (_, faults, expected) => {
    const { names, sent, cost, ...live } = await read({ faults });
    expect(names).toEqual(expected);
    const inTurn = await read({ counted502s: undefined });
    const answers = accessLogIn(live);
    expect({ ...answers, reading: null, cost: null }).toEqual({ ...accessLogIn(inTurn), reading: null, cost: null });
    expect(cost).toMatchObject({ queries: sent.length, bytesScanned: bytesOf(sent) });
    const { atMost } = answers.reading?.estimate ?? {};
    expect(cost.usd).toBeLessThanOrEqual((atMost?.usd ?? 0) + 1e-12);
  });
});
