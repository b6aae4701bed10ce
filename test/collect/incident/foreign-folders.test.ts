/**
 * Folders from strangers: nothing outside is read or written, nothing blocks, and faults are reported with their place.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { gunzipWhole } from '../../../src/collect/access-log/embedded/gunzip.ts';
import { fileErrorText, inspectFile, isParquet, readContent } from '../../../src/collect/access-log/log-files.ts';
import { parquetPieces } from '../../../src/collect/access-log/vended/parquet-lines.ts';
import { readIncident } from '../../../src/collect/incident/incident-collectors.ts';
import { assertSaveable, saveIncident } from '../../../src/collect/incident/save.ts';
import { diagnoseRecording } from '../../../src/commands/diagnose-command.ts';
import { parquetFile } from '../../support/access-log/vended-forms.ts';
import { AWS_FILES, INCIDENT, incidentFolder, temporaryFolder } from '../../support/incident/folder.ts';
import { gzipLines, logLine, logName } from '../../support/incident/log-lines.ts';

const LOG = `logs/${logName('0245')}`;
const folder = (more = {}): string =>
  incidentFolder({ ...AWS_FILES, [LOG]: gzipLines(logLine({ time: '02:41:00.000' })), ...more });

/** A file outside of every incident. */
function outside(name: string, content = 'line one\nroot:x:0:0:secret'): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return path;
}

describe('links', () => {
  it('are reported, not read and not saved, when they replace a log', async () => {
    const dir = folder();
    symlinkSync(outside('secret.log'), join(dir, 'logs', 'x.log'));
    symlinkSync('/etc/passwd', join(dir, 'logs', 'passwd.log'));
    const incident = await readIncident(dir);
    const found = await diagnoseRecording(incident, '');
    expect(found.evidence.accessLog).toMatchObject({
      value: {
        files: {
          unreadable: ['passwd.log', 'x.log'].map((file) => ({ file, reason: 'it is a link' })),
        },
      },
    });
    const saved = join(temporaryFolder(), 'saved');
    await saveIncident(saved, { ...found, incident });
    expect(readFileSync(join(saved, 'logs', 'x.log'), 'utf8')).not.toContain('root');
  });

  it('are refused when they replace an AWS file or all logs', async () => {
    const dir = folder();
    rmSync(join(dir, 'aws', 'describe-listeners.json'), { force: true });
    symlinkSync(outside('listeners.json', '{"Listeners":[]}'), join(dir, 'aws', 'describe-listeners.json'));
    await expect(readIncident(dir)).rejects.toMatchObject({
      message: expect.stringMatching(/aws\/describe-listeners\.json: it is a link\./),
      exitCode: 2,
    });
    for (const name of ['logs', 'aws']) {
      const other = incidentFolder({ 'incident.json': INCIDENT });
      symlinkSync(temporaryFolder(), join(other, name));
      await expect(readIncident(other)).rejects.toMatchObject({ message: `${name}: it is a link.`, exitCode: 2 });
    }
  });

  it.each(['edge.json', 'metrics.json', 'incident.json'])('are refused if they replace %s', async (file) => {
    const dir = folder();
    rmSync(join(dir, file), { force: true });
    symlinkSync(outside(file, '{"ranges":[],"distributions":[],"log":null,"limitations":[]}'), join(dir, file));
    await expect(readIncident(dir)).rejects.toMatchObject({
      message: expect.stringMatching(new RegExp(`${file}: it is a link\\.`)),
      exitCode: 2,
    });
  });

  it('are not followed within the folder either, where their end may be swapped', async () => {
    const dir = folder();
    const again = `again-${logName('0245')}`;
    symlinkSync(join(dir, LOG), join(dir, 'logs', again));
    const { evidence } = await diagnoseRecording(await readIncident(dir), '');
    expect(evidence.accessLog).toMatchObject({
      value: { files: { read: 1, unreadable: [{ file: again, reason: 'it is a link' }] } },
    });
  });

  it.each(['a link', 'a pipe'])('%s put in place of a log after it was listed is not opened', async (kind) => {
    const path = join(temporaryFolder(), 'x.log');
    if (kind === 'a link') symlinkSync(outside('secret.log'), path);
    else execFileSync('mkfifo', [path]);
    const fault = kind === 'a link' ? 'it is a link' : 'it is not a file';
    expect(await inspectFile(path)).toEqual({ fault });
    for (const compressed of [false, true]) {
      const read = readContent(path, compressed).next();
      await expect(read.catch((error: unknown) => Promise.reject(fileErrorText(error)))).rejects.toBe(fault);
    }
  });
});

describe.runIf(process.platform === 'linux')('a folder swapped for a link after its files were listed', () => {
  /** A file that is reached through a link in place of its folder. */
  async function swapped(): Promise<Record<'text' | 'gzip' | 'parquet', string>> {
    const [secrets, folder] = [temporaryFolder(), join(temporaryFolder(), 'logs')];
    symlinkSync(secrets, folder);
    const paths = { text: join(folder, 'a.log'), gzip: join(folder, 'a.log.gz'), parquet: join(folder, 'a.parquet') };
    writeFileSync(paths.text, 'root:x:0:0:secret');
    writeFileSync(paths.gzip, gzipSync('root:x:0:0:secret'));
    writeFileSync(paths.parquet, await parquetFile([logLine({ time: '02:41:00.000' })]));
    return paths;
  }
  const FAULT = 'a folder above it is a link';

  it('is not followed by any reader', async () => {
    const { text, gzip, parquet } = await swapped();
    for (const path of [text, gzip, parquet]) expect(await inspectFile(path)).toEqual({ fault: FAULT });
    const sink = {
      inflater: null,
      room: () => ({ bytes: Buffer.alloc(99), at: 0, length: 99 }),
      filled: () => expect.fail('was read'),
    };
    expect(() => gunzipWhole(gzip, sink)).toThrow(FAULT);
    await expect(readContent(text, false).next()).rejects.toThrow(FAULT);
    await expect(readContent(gzip, true).next()).rejects.toThrow(FAULT);
    await expect(isParquet(parquet)).rejects.toThrow(FAULT);
    await expect(parquetPieces(parquet).next()).rejects.toThrow(FAULT);
  });

  it('is followed only above the incident, where its reader put it', async () => {
    const real = folder();
    const link = join(temporaryFolder(), 'link');
    symlinkSync(real, link);
    const { evidence } = await diagnoseRecording(await readIncident(link), '');
    expect(evidence.accessLog).toMatchObject({ value: { files: { read: 1, unreadable: [] } } });
  });

  it('is refused while it is swapped to and fro', async () => {
    const dir = folder();
    const secrets = temporaryFolder();
    writeFileSync(join(secrets, 'describe-listeners.json'), '{"Listeners":[],"secret":"it was read"}');
    let [isSwapped, reads] = [false, 0];
    const aws = join(dir, 'aws');
    const swap = setInterval(() => {
      if (isSwapped) {
        rmSync(aws);
        renameSync(`${aws}-kept`, aws);
      } else {
        renameSync(aws, `${aws}-kept`);
        symlinkSync(secrets, aws);
      }
      isSwapped = !isSwapped;
    }, 1);
    try {
      for (; reads < 50; reads += 1) {
        const incident = await readIncident(dir).catch((error: unknown) => error);
        expect(JSON.stringify(incident)).not.toContain('it was read');
      }
    } finally {
      clearInterval(swap);
    }
  });
});

describe('a file that', () => {
  const deep = (sign: string) => `{"LoadBalancers":${sign.repeat(100_000)}`;
  it.each([
    ['is nested 100,000 deep', 'aws/describe-load-balancers.json', deep('['), /line 1, column \d+: nested deeper/],
    ['is nested in objects', 'aws/describe-load-balancers.json', deep('{"a":'), /line 1, column \d+: nested deeper/],
    [
      'has a number that is too large',
      'aws/describe-target-groups.json',
      '{"TargetGroups":[{"TargetGroupArn":"a","TargetGroupName":"a","Port":1e999}]}',
      /TargetGroups\[0\]\.Port: .*too large/,
    ],
    [
      'is nested, in front of the load balancer',
      'edge.json',
      `{"ranges":${'['.repeat(100_000)}`,
      /line 1, column \d+: nested deeper/,
    ],
    [
      'counts too large a number at the edge',
      'edge.json',
      '{"ranges":[],"distributions":[],"log":{"where":"a","source":"a","requests":1e999,"errors":[],"cost":{"bytesScanned":0,"usd":0,"queries":0}},"limitations":[]}',
      /edge\.json: log\.requests: .*too large/,
    ],
    [
      'names a distribution by a command',
      'edge.json',
      '{"ranges":[],"distributions":[{"id":"$(id)","domainName":"a","aliases":[],"hasOtherOrigins":false}],"log":null,"limitations":[]}',
      /edge\.json: distributions\[0\]\.id: expected a name/,
    ],
    [
      'has a name that is a command',
      'aws/describe-load-balancers.json',
      '{"LoadBalancers":[{"LoadBalancerArn":"a","LoadBalancerName":"$(id)"}]}',
      /LoadBalancers\[0\]\.LoadBalancerName: expected a name/,
    ],
    [
      'looks back too far',
      'incident.json',
      JSON.stringify({ ...INCIDENT, lookBack: 1e308 }),
      /lookBack: expected at most 604800 seconds/,
    ],
    [
      'asks for no status',
      'incident.json',
      JSON.stringify({ ...INCIDENT, statuses: ['99999'] }),
      /statuses\[0\]: expected a status such as 502/,
    ],
    [
      'has a window of 1,000 years',
      'incident.json',
      JSON.stringify({ ...INCIDENT, from: '1026-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' }),
      /from and to are \d+ days apart; at most 31/,
    ],
  ])('%s is reported with the place', async (_, name, text, says) => {
    const dir = folder();
    writeFileSync(join(dir, name), text);
    await expect(readIncident(dir)).rejects.toMatchObject({ message: expect.stringMatching(says), exitCode: 2 });
  });

  it('is a pipe does not block', async () => {
    const dir = folder();
    rmSync(join(dir, 'aws', 'describe-listeners.json'), { force: true });
    execFileSync('mkfifo', [join(dir, 'aws', 'describe-listeners.json'), join(dir, 'logs', 'pipe.log')]);
    await expect(readIncident(dir)).rejects.toMatchObject({
      message: expect.stringMatching(/listeners\.json: it is not a file/),
    });
    rmSync(join(dir, 'aws', 'describe-listeners.json'));
    const { evidence } = await diagnoseRecording(await readIncident(dir), '');
    expect(evidence.accessLog).toMatchObject({
      value: { files: { unreadable: [{ file: 'pipe.log', reason: 'it is not a file' }] } },
    });
  });
});

it('is not saved to a link, even to an empty folder', async () => {
  const [empty, link] = [join(temporaryFolder(), 'empty'), join(temporaryFolder(), 'link')];
  mkdirSync(empty);
  symlinkSync(empty, link);
  for (const name of [link, `${link}/`, `${link}/.`])
    await expect(assertSaveable(name, null)).rejects.toMatchObject({
      message: expect.stringMatching(/is a link/),
      exitCode: 1,
    });
  await expect(assertSaveable(empty, null)).resolves.toBeUndefined();
});
