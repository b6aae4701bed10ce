import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { collect } from '../../../src/collect/collect.ts';
import {
  type QuestionOverrides,
  questionToRecording,
  readIncident,
  recordedCollectors,
} from '../../../src/collect/incident/incident-collectors.ts';
import { assertSaveable, saveIncident } from '../../../src/collect/incident/save.ts';
import { diagnose } from '../../../src/diagnose/diagnose.ts';
import { renderJson } from '../../../src/render/json.ts';
import {
  AWS_FILES,
  type Contents,
  INCIDENT,
  incidentFolder,
  LB_ARN,
  temporaryFolder,
} from '../../support/incident/folder.ts';
import { gzipLines, logLine, logName } from '../../support/incident/log-lines.ts';

const OWN: QuestionOverrides = { loadBalancer: null, window: null, statuses: null };
const at = (clock: string) => Date.parse(`2026-11-20T${clock}:00Z`);

async function diagnosed(dir: string, asked: Partial<QuestionOverrides> = {}) {
  const incident = await readIncident(dir);
  const question = questionToRecording(incident, { ...OWN, ...asked });
  return { incident, question, evidence: await collect(recordedCollectors(incident, question)) };
}

/** Saves what was diagnosed from a folder and reads it again: what both say, and where it was saved. */
async function savedAndRead(contents: Contents, asked: Partial<QuestionOverrides> = {}) {
  const before = await diagnosed(incidentFolder(contents), asked);
  const dir = join(temporaryFolder(), 'saved');
  await saveIncident(dir, before);
  const after = await diagnosed(dir);
  return { before, after, dir };
}

const judged = ({ question: { now: _, ...asked }, evidence }: Awaited<ReturnType<typeof diagnosed>>) => ({
  asked,
  evidence,
});

const filesIn = (dir: string) =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort();

const LOGS: Contents = {
  [`logs/AWSLogs/${logName('0245')}`]: gzipLines(
    logLine({ time: '02:41:00.000', status: '200', targetStatus: '200' }),
    logLine({ time: '02:42:50.000', client: '203.0.113.8:1' }),
    logLine({ time: '02:43:00.000', client: '[2600:1f14::7]:2' }),
    logLine({ time: '02:43:01.000', client: '203.0.113.8:9', status: '200', targetStatus: '200' }),
  ),
  [`logs/AWSLogs/${logName('0250')}`]: gzipLines(
    logLine({ client: '203.0.113.9:3' }),
    logLine({ time: '02:48:00.000', client: '203.0.113.8:7' }),
  ),
};

describe('a saved incident', () => {
  it('has the same evidence', async () => {
    const { before, after, dir } = await savedAndRead({ ...AWS_FILES, ...LOGS });
    expect(judged(after)).toEqual(judged(before));
    expect(after.question.now).toBe(before.question.now);
    expect(filesIn(dir)).toEqual([...Object.keys(AWS_FILES), ...Object.keys(LOGS), 'incident.json'].sort());
    expect(after.evidence.accessLog).toMatchObject({
      value: { requests: 6, failuresTotal: 4, failedClients: 3, retriedOk: 1 },
    });
  });

  it('has no query string and no client address', async () => {
    const { dir } = await savedAndRead({ ...AWS_FILES, ...LOGS });
    const lines = Object.keys(LOGS).flatMap((name) =>
      gunzipSync(readFileSync(join(dir, name)))
        .toString()
        .split('\n'),
    );
    expect(lines.map((line) => line.split(' ')[3])).toEqual([
      '198.18.0.1:46882',
      '198.18.0.2:1',
      '[2001:db8::1]:2',
      '198.18.0.2:9',
      undefined,
      '198.18.0.3:3',
      '198.18.0.2:7',
      undefined,
    ]);
    expect(lines.join()).toContain('"GET http://example.com:80/cart HTTP/1.1"');
    expect(lines.join()).not.toMatch(/secret|203\.0\.113|2600:/);
  });

  it('keeps the start of the first line that is no entry, and counts all of them', async () => {
    const log = `logs/AWSLogs/${logName('0245')}`;
    const others = ['first line', 'short line', `${'long line '.repeat(9)}of lower case`, ''];
    const { before, after, dir } = await savedAndRead({
      ...AWS_FILES,
      [log]: gzipLines(logLine({}), ...others, logLine({ time: '02:43:00.000' })),
    });
    const lines = gunzipSync(readFileSync(join(dir, log)))
      .toString()
      .split('\n');
    expect(lines.slice(1, 5)).toEqual(['first line', '?', '?', '']);
    expect(judged(after)).toEqual(judged(before));
    expect(after.evidence.accessLog).toMatchObject({ value: { lines: 5, rejected: { lines: 3 } } });
  });

  it('answers the original question', async () => {
    const asked = { window: { from: at('02:42'), to: at('02:48') }, statuses: ['502'] };
    const { before, after, dir } = await savedAndRead({ ...AWS_FILES, ...LOGS }, asked);
    expect(judged(after)).toEqual(judged(before));
    expect(JSON.parse(readFileSync(join(dir, 'incident.json'), 'utf8'))).toEqual({
      loadBalancer: LB_ARN,
      from: '2026-11-20T02:42:00.000Z',
      to: '2026-11-20T02:48:00.000Z',
      now: '2026-11-20T03:10:01.000Z',
      statuses: ['502'],
      logBytes: expect.any(Number),
    });
  });

  it('can be saved again', async () => {
    const { dir, after } = await savedAndRead({ ...AWS_FILES, ...LOGS });
    const again = join(temporaryFolder(), 'again');
    await saveIncident(again, after);
    expect(filesIn(again).map((name) => readFileSync(join(again, name)))).toEqual(
      filesIn(dir).map((name) => readFileSync(join(dir, name))),
    );
  });

  it('has no file for missing evidence, only the reason', async () => {
    const { 'aws/describe-rules.json': _, 'metrics.json': metrics, ...others } = AWS_FILES;
    const contents = {
      ...others,
      'metrics.json': metrics,
      'aws/describe-load-balancer-attributes.json': { 'arn:of:another': { Attributes: [] } },
    };
    const asked = { window: { from: at('02:00'), to: at('02:48') } };
    const { before, after, dir } = await savedAndRead(contents, asked);
    expect(judged(after)).toEqual(judged(before));
    expect(existsSync(join(dir, 'aws/describe-rules.json'))).toBe(false);
    expect(existsSync(join(dir, 'metrics.json'))).toBe(false);
    expect(JSON.parse(readFileSync(join(dir, 'incident.json'), 'utf8')).unavailable).toMatchObject({
      attributes: { reason: 'aws/describe-load-balancer-attributes.json has no entry for my-load-balancer' },
      metrics: { reason: 'metrics.json was recorded for 2026-11-20T02:40:00.000Z to 2026-11-20T02:55:00.000Z only' },
    });
  });

  it('has only the question if nothing else is known', async () => {
    const { before, after, dir } = await savedAndRead({});
    expect(judged(after)).toEqual(judged(before));
    expect(filesIn(dir)).toEqual(['incident.json']);
  });

  it('contains no secrets from settings and events', async () => {
    const detail = {
      sourceIPAddress: '203.0.113.7',
      userIdentity: { accessKeyId: 'AKIAEXAMPLE', userName: 'ops' },
      responseElements: null,
    };
    const { dir } = await savedAndRead({
      ...AWS_FILES,
      'aws/get-function-configuration.json': {
        'arn:f': { FunctionArn: 'arn:f', Timeout: 3, Environment: { Variables: { DB_PASSWORD: 'secret' } } },
      },
      'aws/lookup-events.json': {
        Events: [
          { EventName: 'DeregisterTargets', AccessKeyId: 'AKIAEXAMPLE', CloudTrailEvent: JSON.stringify(detail) },
          { EventName: 'UpdateService', CloudTrailEvent: JSON.stringify({ sourceIPAddress: 'ecs.amazonaws.com' }) },
        ],
      },
    });
    const read = (name: string) => JSON.parse(readFileSync(join(dir, name), 'utf8'));
    expect(read('aws/get-function-configuration.json')).toEqual({
      'arn:f': { FunctionArn: 'arn:f', Timeout: 3, Environment: { Variables: { DB_PASSWORD: 'withheld' } } },
    });
    const { Events } = read('aws/lookup-events.json');
    expect(Events[0]).not.toHaveProperty('AccessKeyId');
    expect(JSON.parse(Events[0].CloudTrailEvent)).toEqual({
      sourceIPAddress: '198.18.0.1',
      userIdentity: { userName: 'ops' },
      responseElements: null,
    });
    expect(JSON.parse(Events[1].CloudTrailEvent)).toEqual({ sourceIPAddress: 'ecs.amazonaws.com' });
  });

  it('keeps the answers when there are no lines', async () => {
    const { evidence } = await diagnosed(incidentFolder(LOGS));
    const answers = evidence.accessLog.status === 'collected' ? evidence.accessLog.value : null;
    const contents = {
      'access-log.json': {
        source: 'SELECT 1',
        from: INCIDENT.from,
        to: INCIDENT.to,
        statuses: ['5xx'],
        accessLog: answers,
      },
    };
    const { before, after, dir } = await savedAndRead(contents);
    expect(after).toMatchObject({ evidence: before.evidence });
    expect(filesIn(dir)).toEqual(['access-log.json', 'incident.json']);
  });
});

describe('a saved recorded incident', () => {
  const scenarios = join(import.meta.dirname, '../../scenarios');
  const some = readdirSync(scenarios).filter((name) => /^0(01|09|13|18)-/.test(name));

  it.each(some)('%s gives the same diagnosis, byte for byte', async (name) => {
    const before = await diagnosed(join(scenarios, name));
    const dir = join(temporaryFolder(), 'saved');
    await saveIncident(dir, before);
    const after = await diagnosed(dir);
    expect(renderJson(diagnose(after.question, after.evidence))).toBe(
      renderJson(diagnose(before.question, before.evidence)),
    );
  });
});

describe('damaged log files', () => {
  const good = logName('0245');
  const lines = Array.from({ length: 400 }, (_, n) =>
    logLine({
      time: `02:43:00.${String(n).padStart(3, '0')}`,
      client: `203.0.113.${n % 200}:${n}`,
      status: n % 7 === 0 ? '502' : '200',
      targetStatus: n % 7 === 0 ? '-' : '200',
    }),
  );
  const whole = gzipLines(...lines);
  const damaged = Buffer.from(whole);
  damaged.fill(0xff, Math.floor(whole.length * 0.6), Math.floor(whole.length * 0.6) + 40);
  const wrongSum = Buffer.from(whole);
  wrongSum.writeUInt32LE(1, whole.length - 8);

  it.each<[string, string, string | Buffer]>([
    ['cut off', logName('0250'), whole.subarray(0, Math.floor(whole.length * 0.7))],
    ['cut off within its first line', logName('0250'), whole.subarray(0, 40)],
    ['cut off within its header', logName('0250'), whole.subarray(0, 15)],
    ['damaged', logName('0250'), damaged],
    ['with a wrong checksum', logName('0250'), wrongSum],
    ['empty', logName('0250'), ''],
    ['not gzip', logName('0250'), '<html>token=secret</html>'],
    ['not text', 'other.log', 'a\0secret'],
    ['an empty gzip file only', logName('0250'), gzipSync('')],
    [
      'with two members',
      logName('0250'),
      Buffer.concat([gzipLines(...lines.slice(0, 9)), gzipLines(...lines.slice(9, 20))]),
    ],
    ['plain text', 'other.log', `${lines.slice(0, 9).join('\n')}`],
    ['plain text with CRLF', 'other.log', `${lines.slice(0, 9).join('\r\n')}\r\n\r\n`],
    ['plain text with blank lines', 'other.log', `\n\n${lines.slice(0, 9).join('\n\n')}\n \n`],
    [
      'bytes that are not UTF-8',
      logName('0250'),
      gzipSync(
        Buffer.from(
          `${lines.slice(0, 5).join('\n').replace('curl', 'c\xfcrl')}\ngarb\xffage \u00e9?secret\n`,
          'latin1',
        ),
      ),
    ],
    [
      'lines that are no entries',
      logName('0250'),
      gzipLines(
        'garbage from 203.0.113.7 [2600::7]?secret',
        '?secret',
        logLine().slice(0, 130),
        logLine({ request: 'GET http://x/"a?secret HTTP/1.1' }),
        '\u00fcmlaut',
      ),
    ],
    [
      'lines with twelve fields and a broken end',
      logName('0250'),
      gzipLines(
        `${logLine({ elb: 'app/a/1' }).split(' "')[0]} ?secret`,
        `${logLine({ elb: 'app/a/1' }).split(' "')[0]} "`,
      ),
    ],
    ['that expands too far', logName('0250'), gzipSync(Buffer.alloc(20_000_000, `${'garbage '.repeat(99)}?secret\n`))],
    ['with a line without an end', logName('0250'), gzipSync(Buffer.alloc(20_000_000, 'secret'))],
    ['a connection log by its name', logName('0250', '172.31.0.9', 'conn_log_'), gzipLines('secret')],
    ['a health-check log by its name', logName('0250', '172.31.0.9', 'health_check_log_'), gzipLines('secret')],
    [
      'a health-check log with an invalid line',
      logName('0250', '172.31.0.9', 'health_check_log_'),
      gzipLines(
        'http 2026-11-20T02:43:08.901409Z 1.121980746 172.31.31.9:80 api FAIL 502 TargetError',
        'http 2026-11-20T02:43:38.901409Z 1.121980746 172.31.31.9:80 api FAIL 502 TargetError secret',
        'http 2026-11-20T02:43:48.901409Z 1.121980746 172.31.31.9:80 api FAIL 502 TargetError',
        'secret',
      ),
    ],
    [
      'a connection log by its content',
      logName('0250'),
      gzipLines(
        '2026-11-20T02:43:32.882572Z 203.0.113.7 61814 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 4.036 "CN=secret.example.com,O=endEntity,L=Seattle,ST=Washington,C=US" NotBefore=2023-09-21T22:43:21Z;NotAfter=2026-06-17T22:43:21Z FEF257372D5C14D4 Success TID_3180a73013c8ca4bac2f731159d4b0fe',
      ),
    ],
    [
      'a health-check log by its content',
      logName('0250'),
      gzipLines('http 2026-11-20T02:43:58.901409Z 1.121980746 172.31.31.9:80 HCLogsTestIPs FAIL 502 TargetError'),
    ],
  ])('%s', async (_, name, content) => {
    const { before, after, dir } = await savedAndRead({
      ...AWS_FILES,
      [`logs/${good}`]: gzipLines(logLine(), ...lines.slice(0, 3)),
      [`logs/${name}`]: content,
    });
    expect(judged(after)).toEqual(judged(before));
    expect(filesIn(join(dir, 'logs')).sort()).toEqual([good, name].sort());
    const saved = readFileSync(join(dir, 'logs', name));
    const text =
      saved.length > 18 && saved[0] === 0x1f
        ? gunzipSync(saved, { finishFlush: 2 }).toString('latin1')
        : saved.toString('latin1');
    expect(text).not.toMatch(/secret|203\.0\.113|2600:/);
  });

  it('are skipped outside the window', async () => {
    const { dir } = await savedAndRead({ ...AWS_FILES, [`logs/${good}`]: whole, [`logs/${logName('0905')}`]: whole });
    expect(filesIn(join(dir, 'logs'))).toEqual([good]);
  });

  it('prevent a diagnosis when there are no others', async () => {
    const dir = incidentFolder({ [`logs/a/${good}`]: 'x', 'logs/b.log.gz': whole.subarray(0, 30) });
    await expect(diagnosed(dir)).rejects.toMatchObject({
      message: `No log file can be read: logs/a/${good} (it is not gzip), logs/b.log.gz (it is truncated).`,
      exitCode: 2,
    });
    writeFileSync(join(dir, 'logs', 'empty.log.gz'), gzipSync(''));
    expect((await diagnosed(dir)).evidence.accessLog).toMatchObject({ status: 'collected', value: { lines: 0 } });
  });

  it('are not reported when there are no files', async () => {
    const dir = incidentFolder();
    mkdirSync(join(dir, 'logs'));
    const before = await diagnosed(dir);
    expect(before.evidence.accessLog).toMatchObject({ status: 'collected', value: { lines: 0 } });
    const to = join(temporaryFolder(), 'saved');
    await saveIncident(to, before);
    expect(judged(await diagnosed(to))).toEqual(judged(before));
  });
});

describe('the folder of a saved incident', () => {
  it('must be new or empty, and outside the incident', async () => {
    const incident = await readIncident(incidentFolder({ ...LOGS }));
    const place = temporaryFolder();
    await assertSaveable(place, incident);
    await assertSaveable(join(place, 'a', 'b'), incident);
    await assertSaveable(`${incident.dir}-2`, incident);
    const refused = (dir: string, why: string) =>
      expect(assertSaveable(dir, incident)).rejects.toMatchObject({ message: `${dir} ${why}.`, exitCode: 1 });
    writeFileSync(join(place, 'file'), '');
    symlinkSync(incident.dir, join(place, 'link'));
    await refused(place, 'is not empty. Give --save a new or empty folder');
    await refused(join(place, 'file'), 'is not a folder. Give --save a new or empty folder');
    await refused(incident.dir, 'is inside the incident to be saved. Give --save another folder');
    await refused(join(incident.dir, 'logs', 'copy'), 'is inside the incident to be saved. Give --save another folder');
    await refused(join(place, 'link', 'copy'), 'is inside the incident to be saved. Give --save another folder');
  });

  it('is reported when it cannot be written', async () => {
    const before = await diagnosed(incidentFolder());
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    await expect(saveIncident(join(file, 'below'), before)).rejects.toMatchObject({ exitCode: 1 });
  });
});

describe('an unwritable place', () => {
  it.each(['/proc/alb502', '/proc/alb502/deeper'])('such as %s is reported at once, in one sentence', async (dir) => {
    await expect(assertSaveable(dir, null)).rejects.toThrow(
      /^Could not save to \/proc\/alb502(\/deeper)?: [A-Z]+: [^,]+[.]$/,
    );
  });

  it('is not a folder that does not exist yet, and the check creates none', async () => {
    const root = temporaryFolder();
    await assertSaveable(join(root, 'a', 'b', 'c'), null);
    expect(readdirSync(root)).toEqual([]);
  });
});
