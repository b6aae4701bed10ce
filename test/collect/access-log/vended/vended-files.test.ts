/** The same requests in every format of a vended log file give the answers of the load balancer's own files. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { readAccessLog } from '../../../../src/collect/access-log/embedded/embedded-engine.ts';
import { parseLine } from '../../../../src/collect/access-log/entry.ts';
import { fileErrorText } from '../../../../src/collect/access-log/log-files.ts';
import { VENDED_FIELDS } from '../../../../src/collect/access-log/vended/record-line.ts';
import { lineTranslator } from '../../../../src/collect/access-log/vended/translate-lines.ts';
import { readIncident } from '../../../../src/collect/incident/incident-collectors.ts';
import { saveIncident } from '../../../../src/collect/incident/save.ts';
import { diagnoseRecording } from '../../../../src/commands/diagnose-command.ts';
import type { AccessLog } from '../../../../src/evidence/access-log.ts';
import { type Content, line, textOf, writeLogs } from '../../../support/access-log/log-file.ts';
import {
  delimitedLines,
  jsonLines,
  parquetFile,
  parquetOf,
  valuesOf,
  w3cLines,
} from '../../../support/access-log/vended-forms.ts';
import { question } from '../../../support/aws/live-log-session.ts';
import { incidentFolder, LB, temporaryFolder } from '../../../support/incident/folder.ts';

const T = question.from;

/** Ordinary requests, failures of several kinds, another load balancer, and what strangers write. */
const odd = [
  { request: 'GET http://www.example.com:80/a b?q=\\x22x\\x22 HTTP/1.1', userAgent: 'a\\x22b {"c": 1} | ; #' },
  { request: '- http://www.example.com:80- -', status: '400', targetStatus: '-', target: '-', group: '-' },
  { client: '[2001:db8::7]:4711', userAgent: '<!channel> ünïcode' },
];
const lines = [
  ...Array.from({ length: 40 }, (_, n) =>
    line({
      at: T + n * 10_000,
      trace: `Root=1-58337281-${String(n).padStart(24, '0')}`,
      node: '203.0.113.17',
      ...(n % 8 === 0 ? { status: '502', targetStatus: '-', times: [0, 0.002, -1] as [number, number, number] } : {}),
    }),
  ),
  ...odd.map((fields, n) => line({ at: T + 500_000 + n, node: '203.0.113.18', ...fields })),
  line({ at: T, elb: 'app/other/1111111111111111', node: '203.0.113.18' }),
];

/** What does not depend on the form of the file. */
const answers = ({ files: { bytes: _, ...files }, ...log }: AccessLog) => ({ files, ...log });

async function read(name: string, content: Content): Promise<AccessLog> {
  const folder = temporaryFolder();
  writeLogs(folder, { [name]: content });
  return await readAccessLog({ folder, question, idleTimeoutSeconds: 60 });
}

/** All columns of an access log in SQL. */
const COLUMNS = VENDED_FIELDS.map((field) => `'x' AS ${field}`).join(', ');

describe('a file of a vended log', () => {
  let known: AccessLog | null = null;
  const expected = async (): Promise<AccessLog> => {
    known ??= await read('a.log.gz', lines);
    return known;
  };

  it.each<[string, string, () => Content | Promise<Content>]>([
    ['JSON with text', 'a.json.gz', () => jsonLines(lines)],
    ['JSON with numbers, not compressed', 'a.json', () => jsonLines(lines, true)],
    ['JSON under a name of the load balancer', 'a.log.gz', () => jsonLines(lines)],
    ['W3C', 'a.log.gz', () => w3cLines(lines)],
    ['plain with tabs', 'a.log.gz', () => delimitedLines(lines, '\t')],
    ['plain with spaces and no quotes', 'a.log.gz', () => delimitedLines(lines, ' ')],
    ['Parquet', 'a [1]*.parquet', () => parquetFile(lines)],
  ])('gives the same answers: %s', async (_, name, content) => {
    expect(answers(await read(name, await content()))).toEqual(answers(await expected()));
  });

  it('needs no temporary files, which a signal would leave behind, to be read as Parquet', async () => {
    const content = await parquetFile(lines);
    const folder = temporaryFolder();
    writeLogs(folder, { 'a.parquet': content });
    vi.stubEnv('TMPDIR', '/proc/missing');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect((await readAccessLog({ folder, question, idleTimeoutSeconds: 60 })).entries).toBe(lines.length);
  });

  it.each([
    ['many equal records', `SELECT ${COLUMNS} FROM range(100000)`],
    ['many empty records', `SELECT NULL::VARCHAR AS elb, NULL::VARCHAR AS user_agent FROM range(2000000)`],
    ['one long value many times', `SELECT 'x' AS elb, repeat('x', 50000) AS user_agent FROM range(2048)`],
  ])('is not read to its end if its Parquet expands to %s', async (_, rows) => {
    const log = await read('a.parquet', await parquetOf(rows));
    expect(log.files.unreadable).toMatchObject([
      { file: 'a.parquet', reason: expect.stringMatching(/^it expands to more than 64 times its size/) },
    ]);
    expect(log.lines).toBeLessThan(140_000);
  });

  it('is said to need too much memory in few words', () => {
    const error = new Error(
      'Out of Memory Error: failed to allocate data of size 4.0 MiB (242.1 MiB/244.1 MiB used)\nSee',
    );
    expect(fileErrorText(error)).toBe('its records need too much memory');
  });

  it('counts invalid records, and shows the first by its line', async () => {
    const [first = '', ...rest] = jsonLines(lines);
    const broken = [first, '{"type":"http","time":', '{"elb":"x y","time":"now"}', ...rest];
    const log = await read('a.json', broken);
    expect(log).toMatchObject({ lines: lines.length + 2, entries: lines.length, rejected: { lines: 2, files: 1 } });
    expect(log.rejected.first).toMatchObject({ line: 2 });
  });

  it('is used up to the point where it is cut off', async () => {
    const many = Array.from({ length: 3000 }, (_, n) => line({ at: T + n * 100, trace: `Root=1-58337281-${n}` }));
    const whole = gzipSync(textOf(jsonLines(many)));
    const log = await read('a.json.gz', whole.subarray(0, whole.length - 2000));
    expect(log.files.unreadable).toMatchObject([{ file: 'a.json.gz', reason: 'it is truncated' }]);
    expect(log.entries).toBeGreaterThan(1000);
  });

  it.each([
    [
      'a connection log',
      {
        timestamp: '2026-03-10T12:00:00.000000Z',
        client_ip: '192.0.2.1',
        client_port: 40000,
        listener_port: 443,
        tls_protocol: 'TLSv1.2',
        tls_cipher: 'x',
        tls_handshake_latency: 0.001,
      },
      { connectionLogs: 1 },
    ],
    [
      'a health-check log',
      {
        type: 'http',
        time: '2026-03-10T12:00:00.000000Z',
        latency: 0.001,
        target_addr: '10.0.0.1:80',
        target_group_id: 'api',
        status: 'PASS',
        status_code: '200',
        reason_code: '-',
      },
      { healthCheckLogs: 1 },
    ],
  ])('is recognised as %s', async (_, record, files) => {
    const log = await read('a.json', [JSON.stringify(record)]);
    expect(log.files).toMatchObject({ read: 0, ...files });
  });
});

describe('real lines of every kind', () => {
  const samples = readFileSync(join(import.meta.dirname, '../../../support/access-log/lines.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((one): string => JSON.parse(one).line)
    .filter((one) => 'entry' in parseLine(one));

  it.each([
    ['JSON', (all: string[]) => jsonLines(all)],
    ['W3C', w3cLines],
    ['tabs', (all: string[]) => delimitedLines(all, '\t')],
  ])('give the same as %s', (_, form) => {
    const translated: string[] = [];
    const translator = lineTranslator((piece) => translated.push(piece.toString()));
    translator.feed(Buffer.from(textOf(form(samples))));
    translator.end();
    const own = translated.join('').split('\n').filter(Boolean);
    expect(own.map(valuesOf)).toEqual(samples.map(valuesOf));
  });
});

describe('an incident with vended logs', () => {
  it('is saved as lines, without query strings, and diagnosed the same again', async () => {
    const at = Date.parse('2026-11-20T02:45:00Z');
    const own = [
      line({ elb: LB, at, request: 'GET http://www.example.com:80/orders?token=secret HTTP/1.1' }),
      line({ elb: LB, at: at + 5, status: '502', targetStatus: '-', times: [0, 0.002, -1] }),
    ];
    const incident = await readIncident(incidentFolder({ 'logs/a.json': textOf(jsonLines(own)) }));
    const run = await diagnoseRecording(incident, '');
    expect(run.diagnosis.triage).toMatchObject({ requests: 2, errors: 1 });
    const dir = join(temporaryFolder(), 'saved');
    await saveIncident(dir, { ...run, incident });
    expect(readFileSync(join(dir, 'logs/a.json'), 'utf8')).not.toContain('secret');
    const again = await diagnoseRecording(await readIncident(dir), '');
    expect(again.diagnosis.verdict).toEqual(run.diagnosis.verdict);
    expect(again.diagnosis.triage).toEqual(run.diagnosis.triage);
  });
});
