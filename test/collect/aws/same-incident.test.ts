/** One incident, read from every place an access log can be: the diagnosis is the same but for its source and what it cost. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseLine } from '../../../src/collect/access-log/entry.ts';
import { VENDED_FIELDS } from '../../../src/collect/access-log/vended/record-line.ts';
import { readLiveAccessLog } from '../../../src/collect/aws/live-access-log.ts';
import type { LiveAccessLog, LiveAccessLogOptions } from '../../../src/collect/aws/live-log-read.ts';
import { collect } from '../../../src/collect/collect.ts';
import { recordedCollectors } from '../../../src/collect/incident/incident-collectors.ts';
import { diagnose } from '../../../src/diagnose/diagnose.ts';
import type { Diagnosis } from '../../../src/diagnose/diagnosis.ts';
import type { EvidenceSet } from '../../../src/evidence/evidence.ts';
import type { Question } from '../../../src/evidence/question.ts';
import { textOf } from '../../support/access-log/log-file.ts';
import { delimitedLines, jsonLines, parquetFile, valuesOf, w3cLines } from '../../support/access-log/vended-forms.ts';
import { serveAthena } from '../../support/athena/server.ts';
import { VENDED_PARQUET } from '../../support/athena/tables.ts';
import { accessLogIn, type Endpoints, settings } from '../../support/aws/live-log-session.ts';
import { incidentFolder, readRecorded } from '../../support/aws/live-run.ts';
import { delivery, destination, RESOURCE, source } from '../../support/cloudwatch-logs/deliveries.ts';
import { type LogsOfAccount, serveLogs } from '../../support/cloudwatch-logs/server.ts';
import { BUCKET } from '../../support/s3/log-bucket.ts';
import { serveS3 } from '../../support/s3/server.ts';

afterEach(() => vi.unstubAllEnvs());

const ARN = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop-prod/4f2a9c1e7b3d5068';
const WRITTEN = '2026-11-18T03:00:00.000Z';

let evidence: EvidenceSet;
let question: Question;
let lines: string[];
/** By key, as the load balancer wrote them. */
let objects: Map<string, Uint8Array>;

beforeAll(async () => {
  const recorded = await readRecorded('001');
  question = { ...recorded.question, loadBalancer: { name: 'shop-prod', arn: ARN } };
  evidence = await collect(recordedCollectors(recorded.incident, recorded.question));
  const logs = join(incidentFolder('001'), 'logs');
  objects = new Map(globSync('**/*.log.gz', { cwd: logs }).map((file) => [file, readFileSync(join(logs, file))]));
  lines = [...objects.values()]
    .flatMap((content) => gunzipSync(content).toString().split('\n'))
    .filter((line) => 'entry' in parseLine(line));
});

const OFF = { 'access_logs.s3.enabled': 'false' };

async function read(
  endpoints: Endpoints,
  attributes: Record<string, string>,
  more: Partial<LiveAccessLogOptions> = {},
) {
  const options = settings(endpoints, attributes);
  return await readLiveAccessLog({ ...options, question, loadBalancerArn: ARN, engine: 'auto', ...more });
}

const deliveriesTo = (type: 'CWL' | 'S3', format: string, more = {}): LogsOfAccount => ({
  sources: [source('ours', ARN)],
  deliveries: [delivery('ours', type, more)],
  destinations: [destination(type, format, type === 'S3' ? 'arn:aws:s3:::example-logs/vended' : RESOURCE.CWL)],
});

async function fromVendedFile(name: string, format: string, content: Uint8Array, more = {}) {
  const key = `vended/eu-west-1/2026/11/18/${name}`;
  const s3 = await serveS3({ name: BUCKET, objects: new Map([[key, content]]), modified: new Map([[key, WRITTEN]]) });
  return await read({ s3, logs: await serveLogs(deliveriesTo('S3', format, more)) }, OFF);
}

async function fromLogGroup(
  format: string,
  messages: string[],
  more = {},
  options: Partial<LiveAccessLogOptions> & Pick<LogsOfAccount, 'rows'> = {},
) {
  const events = messages.map((message, index) => ({
    timestamp: Date.parse(lines[index]?.split(' ')[1] ?? ''),
    message,
  }));
  const { rows = 100_000, ...reading } = options;
  const logs = await serveLogs({ ...deliveriesTo('CWL', format, more), events, rows, incomingBytes: 50_000_000 });
  return await read({ logs }, OFF, reading);
}

async function fromAthena() {
  const root = 'AWSLogs/aws-account-id=123456789012/elasticloadbalancing/region=eu-west-1/';
  const key = `${root}year=2026/month=11/day=18/part-0.parquet`;
  const files = new Map([[key, gzipSync(textOf(lines))]]);
  const s3 = await serveS3({ name: BUCKET, objects: files, modified: new Map([[key, WRITTEN]]) });
  const athena = await serveAthena([
    {
      database: 'logs',
      name: 'vended',
      form: VENDED_PARQUET,
      location: `s3://${BUCKET}/${root}`,
      bucket: BUCKET,
      objects: files,
    },
  ]);
  const account = deliveriesTo('S3', 'parquet', { s3DeliveryConfiguration: { enableHiveCompatiblePath: true } });
  const logs = await serveLogs({
    ...account,
    destinations: [destination('S3', 'parquet', `arn:aws:s3:::${BUCKET}`)],
  });
  return await read({ s3, athena, logs }, OFF, { engine: 'athena' });
}

/** Without what is said of the source and of the cost. */
function comparable(diagnosis: Diagnosis): unknown {
  const { cost: _cost, reading: _reading, ...rest } = diagnosis;
  const steps = rest.steps.map((step) => ({
    ...step,
    findings: step.findings.map(({ sources: _sources, ...finding }) => ({
      ...finding,
      facts: finding.check === 'log-completeness' ? [] : finding.facts,
      summary: finding.check === 'access-logging' ? '' : finding.summary,
    })),
  }));
  return { ...rest, steps };
}

describe('the diagnosis of one incident is the same', () => {
  const SOURCES: [string, service: string, () => ReturnType<typeof readLiveAccessLog>][] = [
    ['vended S3, JSON', 's3', () => fromVendedFile('0a1b', 'json', gzipSync(textOf(jsonLines(lines, true))))],
    ['vended S3, plain', 's3', () => fromVendedFile('0a1b.log.gz', 'plain', gzipSync(textOf(lines)))],
    ['vended S3, W3C', 's3', () => fromVendedFile('0a1b.gz', 'w3c', gzipSync(textOf(w3cLines(lines))))],
    ['vended S3, Parquet', 's3', async () => fromVendedFile('0a1b.parquet', 'parquet', await parquetFile(lines))],
    [
      'vended S3, plain in another order',
      's3',
      () => {
        const reversed = lines.map((line) => valuesOf(line).reverse().join('|'));
        const order = { fieldDelimiter: '|', recordFields: VENDED_FIELDS.toReversed() };
        return fromVendedFile('0a1b.gz', 'plain', gzipSync(textOf(reversed)), order);
      },
    ],
    ['CloudWatch Logs, JSON', 'cloudwatch-logs', () => fromLogGroup('json', jsonLines(lines))],
    ['CloudWatch Logs, plain', 'cloudwatch-logs', () => fromLogGroup('plain', lines)],
    [
      'CloudWatch Logs, plain with a delimiter',
      'cloudwatch-logs',
      () =>
        fromLogGroup('plain', delimitedLines(lines, '\t'), { fieldDelimiter: '\t', recordFields: [...VENDED_FIELDS] }),
    ],
    ['Athena over Parquet', 's3', fromAthena],
  ];

  it.each(SOURCES)('from %s', { timeout: 120_000 }, async (_, service, readSource) => {
    const s3 = await serveS3({ name: BUCKET, objects });
    const expected = await read({ s3 }, {});
    const live = await readSource();
    expect(accessLogIn(live).reading?.from?.service).toBe(service);
    expect(accessLogIn(live).requests).toBe(accessLogIn(expected).requests);
    const diagnosisOf = ({ log }: { log: EvidenceSet['accessLog'] }) =>
      comparable(diagnose(question, { ...evidence, accessLog: log }));
    expect(diagnosisOf(live)).toEqual(diagnosisOf(expected));
  });
});

describe('a log group that is too large to be fetched', () => {
  /** Of 6.7 MB of lines: some 6,400 of 9,250. */
  const PART = { fetchAtMost: 9_000_000 };
  const FORMS: [string, format: string, () => string[], more: object][] = [
    ['JSON', 'json', () => jsonLines(lines), {}],
    ['JSON with numbers', 'json', () => jsonLines(lines, true), {}],
    ['plain', 'plain', () => lines, {}],
    [
      'plain with a delimiter',
      'plain',
      () => delimitedLines(lines, '\t'),
      { fieldDelimiter: '\t', recordFields: [...VENDED_FIELDS] },
    ],
  ];

  /** What needs no request but the failures, and no requests around one. */
  const countedIn = ({ log }: Pick<LiveAccessLog, 'log'>) => {
    const { minutes, targets, statuses, oldest, newest, requests, failuresTotal, failedClients, failureShapes } =
      accessLogIn({ log });
    const shapes = failureShapes.map(({ retriedOk: _, ...shape }) => shape);
    return { minutes, targets, statuses, oldest, newest, requests, failuresTotal, failedClients, shapes };
  };
  const judged = ({ log }: Pick<LiveAccessLog, 'log'>) => {
    const { verdict, parts, signatures, timeline, events, keepAlive, triage } = diagnose(question, {
      ...evidence,
      accessLog: log,
    });
    const { routes: _, retriedOk: _retried, summary: _summary, ...counted } = triage;
    return { verdict, parts, signatures, timeline, events, edge: keepAlive?.measuredSeconds, counted };
  };

  it.each(FORMS)(
    'gives the same counts and the same cause, %s',
    { timeout: 120_000 },
    async (_, format, messages, more) => {
      const expected = await read({ s3: await serveS3({ name: BUCKET, objects }) }, {});
      // Queries that return less than they find are asked again in halves.
      const live = await fromLogGroup(format, messages(), more, { ...PART, rows: 2000 });
      expect(countedIn(live)).toEqual(countedIn(expected));
      expect(judged(live)).toEqual(judged(expected));
      const log = accessLogIn(live);
      // Nine of fifteen minutes, and 79 of the 112 errors at the edge.
      expect(log.unanswered).toMatchObject([
        { kind: 'incomplete', sentence: expect.stringContaining('come from 02:44:00 UTC to 02:53:00 UTC.') },
      ]);
      expect(log.retriedOk).toBe(80);
      expect(log.idleGaps.flatMap(({ failures }) => failures)).toHaveLength(79);
      const requestsOf = (one: typeof log) => one.routes[0]?.requests ?? 0;
      expect(requestsOf(log) / requestsOf(accessLogIn(expected))).toBeCloseTo(1, 1);
    },
  );

  it('gives the same counts for a window that begins and ends within a second', { timeout: 120_000 }, async () => {
    const odd = { ...question, from: question.from + 61_234, to: question.to - 130_567 };
    const expected = await read({ s3: await serveS3({ name: BUCKET, objects }) }, {}, { question: odd });
    const live = await fromLogGroup('json', jsonLines(lines), {}, { ...PART, question: odd });
    const { targets, minutes, statuses, requests } = accessLogIn(live);
    const all = accessLogIn(expected);
    expect({ minutes, statuses, requests }).toEqual({
      minutes: all.minutes,
      statuses: all.statuses,
      requests: all.requests,
    });
    expect(targets.map((one) => one.requests)).toEqual(all.targets.map((one) => one.requests));
  });
});
