/** The log of a live load balancer read by Athena, through the real clients: what may be in the way, what it costs, and when it is chosen. */
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { pollPause } from '../../../src/collect/access-log/athena/athena-engine.ts';
import { canMatter, parseFileName } from '../../../src/collect/access-log/log-files.ts';
import { readLiveAccessLog } from '../../../src/collect/aws/live-access-log.ts';
import type { LiveAccessLogOptions } from '../../../src/collect/aws/live-log-read.ts';
import { fileName, line, textOf } from '../../support/access-log/log-file.ts';
import { type AthenaFaults, type LocalTable, serveAthena } from '../../support/athena/server.ts';
import { FORMS, OLD_PATTERN, type TableForm, without } from '../../support/athena/tables.ts';
import { accessLogIn, question, reasonOf, settings, tableOver } from '../../support/aws/live-log-session.ts';
import { at, BUCKET, deliverLogs } from '../../support/s3/log-bucket.ts';
import { accessDenied, type Bucket, serveS3 } from '../../support/s3/server.ts';

afterEach(() => vi.unstubAllEnvs());

const DAY = { from: '2026-03-10T10:00:00Z', to: '2026-03-10T13:00:00Z' };
const OURS: TableForm = FORMS['the one alb502 makes'];

interface Situation extends Partial<Omit<LiveAccessLogOptions, 'athena'>> {
  objects?: Map<string, Uint8Array>;
  bucket?: Partial<Bucket>;
  /** Null for a database without one. */
  form?: TableForm | null;
  table?: Partial<LocalTable>;
  athena?: Partial<LiveAccessLogOptions['athena']>;
  faults?: AthenaFaults;
}

const AFTERNOON = deliverLogs(DAY, { ...DAY, elb: 'app/shop-2/0123456789abcdef' });

/** By Athena, unless given another engine. */
async function read({ objects = AFTERNOON, bucket, form = OURS, table, athena, faults, ...options }: Situation) {
  const s3 = await serveS3({ name: BUCKET, objects, ...bucket });
  const tables = form === null ? [] : [{ ...tableOver(objects, form), ...table }];
  const local = await serveAthena(tables, faults);
  const base = settings({ s3, athena: local });
  const words: string[] = [];
  const live = await readLiveAccessLog({
    ...base,
    engine: 'athena',
    progress: (doing) => words.push(doing),
    ...options,
    athena: { ...base.athena, ...athena },
  });
  return { ...live, s3, athena: local, words };
}

const MB = 1_000_000;

describe('a scan', () => {
  it("reads only the window's days and files, at most 1.2 times their bytes", async () => {
    const { athena, cost } = await read({});
    const needed = [...AFTERNOON].filter(([key]) => {
      const name = parseFileName(key);
      return name.loadBalancer?.name === 'shop' && canMatter(name, { name: 'shop', id: null }, question, 60);
    });
    const bytes = needed.reduce((sum, [, content]) => sum + content.length, 0);
    const [scan] = athena.sent;
    console.info(
      `bytes in Athena's file list / bytes of the files of the window: ${((scan?.bytesScanned ?? 0) / bytes).toFixed(3)}`,
    );
    expect((scan?.bytesScanned ?? 0) / bytes).toBeLessThanOrEqual(1.2);
    expect(scan?.files).toEqual(needed.map(([key]) => key).toSorted());
    expect(cost).toEqual({ bytesScanned: 2 * (scan?.bytesScanned ?? 0), usd: 2 * 0.00005, queries: 2 });
  });

  it('is polled less and less often, but rarely late', async () => {
    const looks: number[] = [];
    const onCall = (operation: string) => {
      if (operation === 'GetQueryExecution') looks.push(performance.now());
    };
    const lines = [line({ at: question.from + 1000, status: '502', targetStatus: '-', times: [-1, -1, -1] })];
    const objects = new Map([[fileName('20260310T1205Z'), gzipSync(textOf(lines))]]);
    const { athena } = await read({ objects, faults: { running: 3000, onCall } });
    expect(athena.sent).toHaveLength(1);
    const pauses = looks.slice(1).map((time, index) => time - (looks[index] ?? 0));
    // Timers may fire a millisecond early.
    for (const [index, pause] of pauses.entries()) expect(pause).toBeGreaterThan(pollPause(index + 1) - 2);
    expect(pauses.length).toBeLessThanOrEqual(30);

    // As long as a query of Athena may run.
    const all = Array.from({ length: 1000 }, (_, index) => pollPause(index + 1));
    for (const [index, pause] of all.slice(1).entries()) expect(pause).toBeGreaterThanOrEqual(all[index] ?? 0);
    expect([all[0], all.at(-1)]).toEqual([50, 2000]);
    const pauseAt = (seconds: number) => {
      let passed = 0;
      for (const pause of all) {
        passed += pause;
        if (passed > seconds * 1000) return pause;
      }
      return 0;
    };
    // Half a pause is what an answer waits on average.
    expect(pauseAt(3) / 2).toBeLessThan(130);
    expect(pauseAt(10) / 2).toBeLessThan(320);
  });

  it('is the only one when no connection was closed early', async () => {
    const lines = [line({ at: question.from + 1000, status: '502', targetStatus: '-', times: [-1, -1, -1] })];
    const { athena, ...live } = await read({
      objects: new Map([[fileName('20260310T1205Z'), gzipSync(textOf(lines))]]),
    });
    expect(athena.sent).toHaveLength(1);
    expect(accessLogIn(live)).toMatchObject({ failuresTotal: 1, idleGaps: [], cost: { queries: 1 } });
  });

  it('finds files delivered the day after', async () => {
    const objects = deliverLogs(
      { from: '2026-03-09T23:50:00Z', to: '2026-03-09T23:50:00Z' },
      { from: '2026-03-09T23:55:00Z', to: '2026-03-09T23:55:00Z', late: 1 },
    );
    const evening = { ...question, from: at('2026-03-09T23:45:00Z'), to: at('2026-03-09T23:55:00Z') };
    expect(accessLogIn(await read({ objects, question: evening }))).toMatchObject({ requests: 80, lines: 80 });
  });

  it('announces its work and its cost', async () => {
    const before: [sentence: string, queries: number][] = [];
    const onEstimate = (sentence: string) => before.push([sentence, started.length]);
    const started: string[] = [];
    const onCall = (operation: string) => {
      if (operation === 'StartQueryExecution') started.push(operation);
    };
    const { words, log, ...live } = await read({ onEstimate, faults: { queued: 300, running: 600, onCall } });
    const how = 'by Athena, table logs.alb_access_logs: 12 files, 9.9 kB, as asked';
    // Once, though there are two queries, and before the first of them.
    expect(before).toEqual([
      [expect.stringMatching(/^Reading .*; estimated under \$0\.0001, at most [\d.]+ kB and \$0\.0001\.$/), 0],
    ]);
    expect(before[0]?.[0]).toContain(`Reading ${how}; `);
    expect(accessLogIn({ log, ...live }).reading).toMatchObject({
      how,
      estimate: {
        files: 12,
        bytes: expect.any(Number),
        usd: 0.00005,
        atMost: { bytes: expect.any(Number), usd: 0.0001 },
      },
    });
    expect(words[0]).toBe('listing log files');
    expect(words).toContainEqual(expect.stringMatching(/^Athena: 12 files, 9\.9 kB: under \$0\.0001, at most /));
    expect(words).toContainEqual(expect.stringMatching(/^Athena: queued 0 s$/));
    expect(words).toContainEqual(expect.stringMatching(/^Athena: running [01] s, 9\.9 kB read$/));
    expect(log.source).toMatch(/^SELECT \* FROM "logs"."alb_access_logs" WHERE "day" IN \('2026\/03\/10'\) .*[^;]$/);
  });

  it('shows at most twenty thousand failures, like DuckDB', async () => {
    const lines = Array.from({ length: 20_500 }, (_, index) =>
      line({
        at: question.from + index * 40 + 0.5,
        status: '504',
        targetStatus: '-',
        times: [0, -1, -1],
        trace: `Root=1-58337281-1d84f3d73c47ec4e${((index * 2654435761) >>> 0).toString(16).padStart(8, '0')}`,
      }),
    );
    const objects = new Map([[fileName('20260310T1215Z'), gzipSync(textOf(lines))]]);
    const { athena, ...live } = await read({ objects });
    const { failures, failuresTotal, failureShapes } = accessLogIn(live);
    expect(failuresTotal).toBe(20_500);
    expect(athena.calls.filter((call) => call === 'GetQueryResults').length).toBeGreaterThan(20);
    const byDuckDb = accessLogIn(await read({ objects, engine: 'duckdb' }));
    expect(failures).toHaveLength(20_000);
    expect(failures).toEqual(byDuckDb.failures);
    expect(failureShapes).toEqual(byDuckDb.failureShapes);
  });
});

describe('the results', () => {
  it('go to the configured folder', async () => {
    const { athena } = await read({});
    expect(athena.sent[0]?.outputLocation).toBe('s3://results/athena/');
  });

  it.each([
    ['enforces its own', { EnforceWorkGroupConfiguration: true, ResultConfiguration: { OutputLocation: 's3://own/' } }],
    ['manages them', { ManagedQueryResultsConfiguration: { Enabled: true } }],
  ])('go where the workgroup stores them when it %s', async (_, workGroup) => {
    const { athena, ...live } = await read({ faults: { workGroup } });
    expect(athena.sent[0]?.outputLocation).toBeNull();
    expect(accessLogIn(live).requests).toBe(120);
  });
});

describe('a denied detail', () => {
  it('about the workgroup does not stop the query', async () => {
    const refuse = { GetWorkGroup: { name: 'AccessDeniedException', message: 'no' } };
    expect(accessLogIn(await read({ faults: { refuse } })).requests).toBe(120);
  });

  it('about the files leaves their number unknown', async () => {
    const fault = () => accessDenied('s3:ListBucket', `arn:aws:s3:::${BUCKET}`);
    const value = accessLogIn(await read({ bucket: { fault } }));
    expect(value.requests).toBe(120);
    expect(value.unanswered?.map(({ sentence }) => sentence)).toEqual([
      expect.stringMatching(/^How many log files there are is unknown: s3:ListBucket on .* was denied[.]$/),
    ]);
  });
});

describe('a temporary failure', () => {
  it.each<[string, AthenaFaults]>([
    [
      'a throttled start',
      { refuse: { StartQueryExecution: { name: 'ThrottlingException', message: 'Rate exceeded', times: 2 } } },
    ],
    [
      'a throttled look',
      { refuse: { GetQueryExecution: { name: 'ThrottlingException', message: 'Rate exceeded', times: 2 } } },
    ],
    [
      'throttled results',
      { refuse: { GetQueryResults: { name: 'ThrottlingException', message: 'Rate exceeded', times: 1 } } },
    ],
    [
      'a full queue',
      {
        refuse: {
          StartQueryExecution: {
            name: 'TooManyRequestsException',
            message: 'CONCURRENT_QUERY_LIMIT_EXCEEDED',
            times: 5,
          },
        },
      },
    ],
    [
      'a failure that Athena calls its own',
      { fail: { state: 'FAILED', reason: 'GENERIC_INTERNAL_ERROR: try again', retryable: true, times: 1 } },
    ],
    ['a short queue', { queued: 700, running: 300 }],
  ])('is %s', async (_, faults) => {
    expect(accessLogIn(await read({ faults })).requests).toBe(120);
  });
});

const NO_DATABASE = { name: 'EntityNotFoundException', message: 'Database logs not found.' };

const failed = (reason: string): AthenaFaults => ({ fail: { state: 'FAILED', reason } });

describe.each<[string, Situation, RegExp]>([
  [
    'there is no table',
    { form: null },
    /^no table of the database logs covers s3:\/\/example-logs\/AWSLogs\/123456789012\/elasticloadbalancing\/eu-west-1\/: alb502 setup athena --create makes one$/,
  ],
  [
    'there is no database',
    { faults: { refuse: { GetTables: NO_DATABASE } } },
    /^the database logs does not exist in the Glue catalog: set athena\.database \(ALB502_ATHENA_DATABASE\) to the one that holds the table$/,
  ],
  [
    'there is no database for the configured table',
    { athena: { table: 'gone' }, faults: { refuse: { GetTable: NO_DATABASE } } },
    /^the database logs does not exist in the Glue catalog: /,
  ],
  [
    'the configured table is not there',
    { athena: { table: 'gone' } },
    /^the table logs\.gone does not exist: alb502 setup athena --create makes one$/,
  ],
  [
    'the configured table is over other logs',
    { athena: { table: 'alb_access_logs' }, table: { location: `s3://${BUCKET}/other/` } },
    /^the table logs\.alb_access_logs reads s3:\/\/example-logs\/other\/ and not s3:\/\/example-logs\/AWSLogs/,
  ],
  [
    'the configured table has another type',
    { athena: { table: 'alb_access_logs' }, form: { ...OURS, columns: [['line', 'string']], pattern: /(.*)/ } },
    /^logs\.alb_access_logs is no table of access logs: it has no time, no elb, no request_processing_time/,
  ],
  [
    'tables may not be read',
    {
      faults: {
        refuse: {
          GetTables: {
            name: 'AccessDeniedException',
            message:
              'User: x is not authorized to perform: glue:GetTables on resource: arn:aws:glue:eu-west-1:123456789012:catalog because no identity-based policy allows it',
          },
        },
      },
    },
    /^glue:GetTables on arn:aws:glue:eu-west-1:123456789012:table\/logs\/\* was denied$/,
  ],
  [
    'queries may not be started',
    { faults: { refuse: { StartQueryExecution: { name: 'AccessDeniedException', message: 'no' } } } },
    /^athena:StartQueryExecution on arn:aws:athena:eu-west-1:123456789012:workgroup\/primary was denied$/,
  ],
  [
    'the state of a query may not be read',
    { faults: { refuse: { GetQueryExecution: { name: 'AccessDeniedException', message: 'no' } } } },
    /^athena:GetQueryExecution on .*workgroup\/primary was denied/,
  ],
  [
    'results may not be read',
    { faults: { refuse: { GetQueryResults: { name: 'AccessDeniedException', message: 'no' } } } },
    /^athena:GetQueryResults on .*workgroup\/primary was denied/,
  ],
  [
    'the credentials expire meanwhile',
    {
      faults: {
        refuse: {
          GetQueryExecution: {
            name: 'ExpiredTokenException',
            message: 'The security token included in the request is expired',
          },
        },
      },
    },
    /^athena:GetQueryExecution failed: the credentials have expired$/,
  ],
  [
    'there is no such workgroup',
    {
      faults: {
        refuse: { GetWorkGroup: { name: 'InvalidRequestException', message: 'WorkGroup primary is not found.' } },
      },
    },
    /^WorkGroup primary is not found; athena\.workGroup \(ALB502_ATHENA_WORKGROUP\) names another$/,
  ],
  [
    'the results have no place',
    { athena: { outputLocation: undefined } },
    /^the Athena workgroup primary has no place for results: set athena\.outputLocation/,
  ],
  [
    'the results bucket does not exist',
    {
      faults: {
        refuse: {
          StartQueryExecution: {
            name: 'InvalidRequestException',
            message: 'Unable to verify/create output bucket results',
          },
        },
      },
    },
    /^Athena cannot write its results \(Unable to verify\/create output bucket results\): set athena\.outputLocation/,
  ],
  [
    'the table goes away',
    { faults: failed('TABLE_NOT_FOUND: line 12:8: Table awsdatacatalog.logs.alb_access_logs does not exist') },
    /^the table is not in the database logs any more: alb502 setup athena --create makes one$/,
  ],
  [
    'a column goes away',
    {
      faults: failed(
        "COLUMN_NOT_FOUND: line 3:5: Column 'elb' cannot be resolved or requester is not authorized to access requested resources",
      ),
    },
    /^a column of the table is not there \(COLUMN_NOT_FOUND: line 3:5: Column 'elb' cannot/,
  ],
  [
    'Athena may not read the files',
    {
      faults: failed(
        'HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split s3://example-logs/x (offset=0, length=1): Access Denied (Service: Amazon S3; Status Code: 403)',
      ),
    },
    /^Athena may not read the log files \(.*\): s3:GetObject and s3:ListBucket on the log bucket are needed$/,
  ],
  [
    'a key may not be used',
    {
      faults: failed(
        'HIVE_CANNOT_OPEN_SPLIT: User: arn:aws:iam::123456789012:role/x is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:123456789012:key/1 because',
      ),
    },
    /^kms:Decrypt on arn:aws:kms:eu-west-1:123456789012:key\/1 was denied/,
  ],
  [
    'Lake Formation guards the table',
    { faults: failed('Insufficient Lake Formation permission(s) on alb_access_logs') },
    /^Lake Formation does not let the table be read .*lakeformation:GetDataAccess$/,
  ],
  [
    'the workgroup cuts it off',
    { faults: { fail: { state: 'CANCELLED', reason: 'Bytes scanned limit was exceeded' } } },
    /^the query was cancelled at the data limit of the workgroup primary \(BytesScannedCutoffPerQuery\)/,
  ],
  [
    'someone cancels it',
    { faults: { fail: { state: 'CANCELLED', reason: 'Query was cancelled by user' } } },
    /^the Athena query was cancelled by someone else$/,
  ],
  [
    'it is too large',
    { faults: failed('Query exhausted resources at this scale factor') },
    /^the query was too large for Athena/,
  ],
  [
    'it fails for another reason',
    {
      faults: failed(
        'HIVE_BAD_DATA: Error parsing field value. This query ran against the "logs" database, unless qualified by the query.',
      ),
    },
    /^the Athena query failed: HIVE_BAD_DATA: Error parsing field value$/,
  ],
  [
    'it fails twice though worth retrying',
    { faults: { fail: { state: 'FAILED', reason: 'GENERIC_INTERNAL_ERROR: again', retryable: true } } },
    /^the Athena query failed: GENERIC_INTERNAL_ERROR: again$/,
  ],
  [
    'the pattern is too old for every line',
    { form: { ...FORMS["AWS's own"], pattern: OLD_PATTERN } },
    /^every row of the table logs\.alb_access_logs is empty: its pattern \(input\.regex\) matches none of the lines/,
  ],
  [
    'the partitions lead elsewhere',
    { form: { ...OURS, valueOf: () => '1999/01/01' } },
    /^the table logs\.alb_access_logs shows no row although there are 12 log files of the window: .*\(its projection begins on 2022\/01\/01\)$/,
  ],
  [
    'it could cost too much',
    { maxUsd: 0.00001 },
    /^reading it could cost more than \$0\.00001 \(12 files, 9\.9 kB: under \$0\.0001, at most 244\.8 kB and \$0\.0001\): raise --max-usd, or maxUsd of the configuration, or ask for a shorter window$/,
  ],
  [
    'its cost is unknown',
    { maxUsd: 1, form: FORMS['without partitions'] },
    /^nothing bounds what Athena may read: the table logs\.alb_access_logs is not partitioned by day: set BytesScannedCutoffPerQuery of the workgroup primary, or make a table by day with alb502 setup athena --create, or read from S3 with --engine duckdb, or accept the 12 files, .*, with --max-usd$/,
  ],
  [
    'its cost is unknown, and listing is denied',
    {
      maxUsd: 1,
      isMaxUsdGiven: true,
      bucket: { fault: () => accessDenied('s3:ListBucket', `arn:aws:s3:::${BUCKET}`) },
    },
    /^nothing bounds what Athena may read: the log files may not be listed: set BytesScannedCutoffPerQuery of the workgroup primary, or allow s3:ListBucket$/,
  ],
  [
    'its cost is unknown, and the listed files cost more than the limit',
    { maxUsd: 0.00001, isMaxUsdGiven: true, form: FORMS['without partitions'] },
    /^reading it could cost more than \$0\.00001 \(12 files, 9\.9 kB: /,
  ],
  [
    'the workgroup allows less than the files',
    { bucket: { inflated: 10_000 }, faults: { workGroup: { BytesScannedCutoffPerQuery: 10 * MB } } },
    /^the workgroup primary stops queries at 10\.0 MB \(BytesScannedCutoffPerQuery\), and the log files of the window are 99\.\d MB: ask for a shorter window$/,
  ],
])('when %s', (_, situation, reason) => {
  it('is named in one clause', async () => {
    const live = await read(situation);
    expect(reasonOf(live)).toMatch(reason);
    expect(live.toSave).toBeNull();
  });
});

describe('a limit on the cost', () => {
  it("is compared with the highest possible cost of the days' files", async () => {
    // Both load balancers of the day, 148 files; twice, should a second scan be needed.
    expect(reasonOf(await read({ bucket: { inflated: 100_000 }, maxUsd: 0.12 }))).toMatch(
      /at most 24\.5 GB and \$0\.1224/,
    );
    expect(accessLogIn(await read({ bucket: { inflated: 100_000 }, maxUsd: 0.13 })).requests).toBe(120);
  });

  it("is enforced by the workgroup's cutoff when there are no partitions", async () => {
    const faults = { workGroup: { BytesScannedCutoffPerQuery: 100 * MB } };
    const form = FORMS['without partitions'];
    expect(accessLogIn(await read({ form, faults, maxUsd: 0.001 })).requests).toBe(120);
    expect(reasonOf(await read({ form, faults, maxUsd: 0.0009 }))).toMatch(/at most 200\.0 MB and \$0\.0010\): raise /);
  });
});

describe('a table without bounds', () => {
  it('is read when the listed files stay below a given limit', async () => {
    const { athena, ...live } = await read({
      form: FORMS['without partitions'],
      maxUsd: 0.001,
      isMaxUsdGiven: true,
    });
    expect(accessLogIn(live).requests).toBe(120);
    expect(athena.sent.length).toBeGreaterThan(0);
  });

  it('is left to S3 when any engine may be used', async () => {
    const live = await read({ form: FORMS['without partitions'], engine: 'auto', maxUsd: 1 });
    expect(accessLogIn(live).requests).toBe(120);
  });
});

describe('the deadline', () => {
  it('cancels a queued query, and says so', async () => {
    // Long enough to learn on a busy machine that the query is queued.
    const { athena, ...live } = await read({ faults: { queued: 60_000 }, deadline: 6000 });
    expect(reasonOf(live)).toMatch(
      /^Athena kept the query waiting in its queue \(workgroup primary: .*\), so it was cancelled$/,
    );
    expect(athena.sent.map(({ stopped }) => stopped)).toEqual([true]);
    expect(live.cost).toEqual({ bytesScanned: 0, usd: 0, queries: 0 });
  });

  it('cancels a running query, which costs what it has read', async () => {
    const { athena, ...live } = await read({ faults: { running: 60_000 }, deadline: 4000 });
    expect(reasonOf(live)).toMatch(/^there was no more time for the access log: athena:GetQueryExecution was stopped$/);
    expect(athena.sent.map(({ stopped }) => stopped)).toEqual([true]);
    expect(live.cost).toMatchObject({ bytesScanned: athena.sent[0]?.bytesScanned, queries: 1 });
  });

  it('leaves nothing running after an interruption, not even a query that was just started', async () => {
    const interruption = new AbortController();
    const onCall = (operation: string) => {
      if (operation === 'StartQueryExecution') interruption.abort();
    };
    const base = settings({});
    const { athena } = await read({
      session: { ...base.session, signal: interruption.signal },
      faults: { running: 60_000, onCall },
    });
    expect(athena.calls.filter((call) => call !== 'GetQueryExecution')).toEqual(
      expect.arrayContaining(['StopQueryExecution']),
    );
    expect(athena.sent.map(({ stopped }) => stopped)).toEqual([true]);
  });
});

describe('a limitation of the table', () => {
  it('becomes a gap', async () => {
    const form = without(OURS, 'lambda_error_reason', 'request_creation_time', 'ip_address');
    const value = accessLogIn(await read({ form }));
    expect(value.unanswered?.map(({ sentence }) => sentence)).toEqual([
      'The Athena table logs.alb_access_logs has no column request_creation_time: unknown how long failed requests took, which tells refused connections from those that timed out.',
      'The Athena table logs.alb_access_logs has no column error_reason: unknown why Lambda functions, authentication and WAF failed.',
    ]);
    expect(value.failures[0]).toMatchObject({ elapsed: null, error_reason: '-', node: '203.0.113.17' });
  });

  it('is reported when lines do not match its pattern', async () => {
    const lines = [line({ at: question.from + 1000 }), 'no entry of any log'];
    const key = fileName('20260310T1205Z');
    const value = accessLogIn(await read({ objects: new Map([[key, gzipSync(textOf(lines))]]) }));
    expect(value).toMatchObject({ lines: 2, entries: 1, requests: 1, rejected: { lines: 1, files: 1, first: null } });
    expect(value.unanswered?.map(({ sentence }) => sentence)).toEqual([
      `1 row of 2 of the Athena table logs.alb_access_logs are empty, in 1 file (s3://${BUCKET}/${key}): its pattern does not match these lines, or logs of another kind lie there.`,
    ]);
  });

  it('is reported when it starts after the window', async () => {
    const parameters = { ...OURS.parameters, 'projection.day.range': '2026/03/11,NOW' };
    const { unanswered } = accessLogIn(await read({ form: { ...OURS, parameters } }));
    expect(unanswered?.map(({ sentence }) => sentence)).toEqual([
      'The Athena table logs.alb_access_logs begins on 2026/03/11: earlier log files were not read.',
    ]);
  });
});

describe('with engine auto', () => {
  const auto = { engine: 'auto' as const };

  it('downloads small logs, and looks for no table', async () => {
    const { athena, s3, words, ...live } = await read(auto);
    expect(accessLogIn(live).requests).toBe(120);
    expect(athena.calls).toEqual([]);
    expect(s3.got).toHaveLength(12);
    expect(words).toContainEqual(expect.stringMatching(/^fetching 12 files, .*\(9\.9 kB are little\)$/));
    expect(accessLogIn(live).reading).toMatchObject({
      how: 'from S3 directly: 12 files, 9.9 kB, little enough to be fetched (up to 256.0 MB)',
      estimate: { files: 12, bytes: live.cost.bytesScanned, usd: live.cost.usd, atMost: expect.any(Object) },
    });
  });

  it('leaves large logs to Athena', async () => {
    const { s3, ...live } = await read({ ...auto, bucket: { inflated: 100_000 } });
    expect(accessLogIn(live).requests).toBe(120);
    expect(s3.got).toEqual([]);
    expect(accessLogIn(live).reading?.how).toMatch(
      /^by Athena, table logs[.]alb_access_logs: 12 files, 993[.]\d MB, more than is fetched where there is a table \(256[.]0 MB\)$/,
    );
    expect(live.toSave).toHaveProperty('answers');
  });

  it.each<[string, Situation, RegExp]>([
    [
      'there is no table',
      { form: null },
      /^Athena did not read the access log: no table of the database logs covers .*[.]$/,
    ],
    [
      'Athena fails',
      { faults: failed('TABLE_NOT_FOUND: gone') },
      /^Athena did not read the access log: the table is not in the database logs any more: .*[.]$/,
    ],
    [
      'the table matches no line',
      { form: { ...FORMS["AWS's own"], pattern: OLD_PATTERN } },
      /^Athena did not read the access log: every row of the table .* is empty: .*[.]$/,
    ],
  ])('downloads large logs when %s, and says why', async (_, situation, note) => {
    const { s3, ...live } = await read({ ...auto, bucket: { inflated: 100_000 }, ...situation });
    const value = accessLogIn(live);
    expect(value.requests).toBe(120);
    expect(s3.got).toHaveLength(12);
    expect(value.unanswered?.map(({ sentence }) => sentence)).toEqual([expect.stringMatching(note)]);
    expect(value.reading?.how).toMatch(/^from S3 directly: 12 files, 993[.]\d MB, since (no|the|every) .*[^.]$/);
    expect(value.reading?.how).not.toContain('alb502 setup athena --create');
  });

  it.each<['S3' | 'Athena' | 'nothing', string, number, TableForm | null]>([
    ['S3', '256 MB with a table', 256_000_000, OURS],
    ['Athena', 'one byte more with a table', 256_000_001, OURS],
    ['S3', 'one byte more without a table', 256_000_001, null],
    ['S3', '4 GB without a table', 4_000_000_000, null],
    ['nothing', 'one byte more than 4 GB without a table', 4_000_000_001, null],
    ['Athena', 'one byte more than 4 GB with a table', 4_000_000_001, OURS],
  ])('chooses %s for %s', async (reader, _, bytes, form) => {
    const [largest = '', ...others] = (await read(auto)).s3.got.filter((key) => AFTERNOON.has(key));
    const sizes = new Map([[largest, bytes - others.length], ...others.map((key): [string, number] => [key, 1])]);
    const { s3, ...live } = await read({ ...auto, bucket: { sizes }, form });
    const isRead = live.log.status === 'collected';
    expect(isRead ? (s3.got.length > 0 ? 'S3' : 'Athena') : 'nothing').toBe(reader);
    expect(isRead ? accessLogIn(live).requests : null).toBe(reader === 'nothing' ? null : 120);
  });

  it('downloads nothing above the limit', async () => {
    const { s3, ...live } = await read({ ...auto, bucket: { inflated: 1_000_000 }, form: null });
    expect(reasonOf(live)).toMatch(/^no table of the database logs covers .*; and 9\.9 GB are too much to download$/);
    expect(s3.got).toEqual([]);
  });

  it('asks Athena when listing is denied', async () => {
    const fault = () => accessDenied('s3:ListBucket', `arn:aws:s3:::${BUCKET}`);
    const live = await read({ ...auto, bucket: { fault } });
    expect(accessLogIn(live).requests).toBe(120);
    expect(accessLogIn(live).reading?.how).toMatch(/since the log files may not be listed$/);
  });

  it('gives both reasons when neither engine can read', async () => {
    const fault = () => accessDenied('s3:ListBucket', `arn:aws:s3:::${BUCKET}`);
    const live = await read({ ...auto, bucket: { fault }, form: null });
    expect(reasonOf(live)).toMatch(/^s3:ListBucket on .* was denied; and no table of the database logs covers /);
  });
});
