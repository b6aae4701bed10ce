/** `--wait`: asks the same window again while its log arrives. The test controls the time; account and bucket are local servers. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readIncident } from '../../src/collect/incident/incident-collectors.ts';
import { diagnoseRecording } from '../../src/commands/diagnose-command.ts';
import { diagnoseLive } from '../../src/commands/diagnose-live.ts';
import type { Diagnosis } from '../../src/diagnose/diagnosis.ts';
import type { WaitClock } from '../../src/investigate/until-final.ts';
import { Problem } from '../../src/problem.ts';
import { renderJson } from '../../src/render/json.ts';
import { incidentFolder } from '../support/aws/live-run.ts';
import { environmentFor, filesOf, openAccount } from '../support/aws/recorded-account.ts';
import { temporaryFolder } from '../support/incident/folder.ts';
import { type Fault, serveS3 } from '../support/s3/server.ts';

const BUCKET = 'example-alb-logs';
const MINUTE = 60_000;

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** The account of incident 002 just after its window, and a bucket that receives files as time passes. */
async function world(minutesAfter = 0) {
  const folder = incidentFolder('002');
  const incident = await readIncident(folder);
  const account = await openAccount(filesOf(folder));
  const logs = join(folder, 'logs');
  const paths = readdirSync(logs, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = new Map(
    paths.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(logs.length + 1), readFileSync(path)] as const;
    }),
  );
  const objects = new Map<string, Uint8Array>();
  const faults: { s3: (key: string | null) => Fault | null } = { s3: () => null };
  const s3 = await serveS3({ name: BUCKET, objects, fault: (key) => faults.s3(key) });
  vi.stubEnv('AWS_ENDPOINT_URL_S3', s3.endpoint);
  vi.stubEnv('ALB502_MAX_USD', undefined);

  // Entries after the window show that its own are there.
  const to = incident.to - 5 * MINUTE;
  let now = to + minutesAfter * MINUTE;
  const deliver = () => {
    for (const [key, content] of files) {
      const [, end = ''] = /_(\d{8}T\d{4})Z_/.exec(key) ?? [];
      const ended = Date.parse(end.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)/, '$1-$2-$3T$4:$5Z'));
      if (ended + 5 * MINUTE <= now) objects.set(key, content);
    }
  };
  deliver();
  const time: WaitClock = {
    clock: () => now,
    sleep: async (milliseconds) => {
      now += milliseconds;
      deliver();
    },
  };
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      said[name] += text;
      return true;
    });
  const minute = (at: number) => new Date(at).toISOString().slice(0, 16);
  const words = ['checkout', 'from', minute(incident.from), 'to', minute(to)];
  const diagnosis = () => JSON.parse(said.stdout) as Diagnosis;
  return { account, s3, objects, faults, incident, words, time, said, diagnosis, to };
}

describe('--wait', () => {
  it('asks again until the diagnosis is final, and prints that once', async () => {
    const { words, time, said, diagnosis, incident, to } = await world();
    await diagnoseLive(words, { wait: true, json: true }, time);
    const final = diagnosis();
    expect(final.provisional).toBe(false);
    expect(final.verdict).toEqual((await diagnoseRecording(incident, words.join(' '))).diagnosis.verdict);
    expect(final.window).toEqual({ from: new Date(incident.from).toISOString(), to: new Date(to).toISOString() });
    const waits = said.stderr.split('\n').filter((line) => line.includes('provisional, asking again at'));
    expect(waits.length).toBeGreaterThanOrEqual(1);
    expect(waits[0]).toMatch(
      /^checkout: most errors are not in the access log yet · .* UTC · provisional, asking again at \d\d:\d\d:00 UTC$/,
    );
    expect(said.stderr).toMatch(/errors counted by CloudWatch are in the log so far/);
  });

  it('ends as soon as the log is complete', async () => {
    const { words, time, diagnosis, to } = await world();
    await diagnoseLive(words, { wait: true, json: true }, time);
    expect(Date.parse(diagnosis().asked.now) - to).toBe(6 * MINUTE);
  });

  it('does not wait for a final diagnosis', async () => {
    const { words, time, said, diagnosis, to } = await world(15);
    await diagnoseLive(words, { wait: true, json: true }, time);
    expect(said.stderr).toMatch(/^Read as 12 Nov 2026, 14:10–14:20 UTC[.]\nReading from S3 directly: \d+ files, .*\n$/);
    expect(Date.parse(diagnosis().asked.now) - to).toBe(15 * MINUTE);
  });

  it('shows the cost of all attempts, and saves the last with it', async () => {
    const { words, time, s3, diagnosis, said } = await world();
    const dir = join(mkdtempSync(join(tmpdir(), 'alb502-wait-')), 'saved');
    // A separate temporary folder: other tests use the machine's.
    const temporary = temporaryFolder();
    vi.stubEnv('TMPDIR', temporary);
    await diagnoseLive(words, { wait: true, json: true, save: dir }, time);
    expect(diagnosis().cost.bytesScanned).toBe(s3.bytes());
    expect(new Set(s3.got).size).toBeLessThan(s3.got.length);
    expect(diagnosis().reading?.estimate.bytes).toBe(diagnosis().cost.bytesScanned);
    expect(renderJson((await diagnoseRecording(await readIncident(dir), '')).diagnosis)).toBe(said.stdout);
    expect(readdirSync(temporary).filter((name) => name.startsWith('alb502-live-'))).toEqual([]);
  });

  it('keeps --max-usd over all attempts', async () => {
    const { words, time, diagnosis, said } = await world();
    await diagnoseLive(words, { wait: true, json: true, maxUsd: '0.00001' }, time);
    expect(said.stderr).toMatch(
      /The access log could not be read again: reading it could cost more than \$0\.00001, of which under \$0\.0001 was spent \(/,
    );
    expect(diagnosis()).toMatchObject({ provisional: true, triage: { requests: expect.any(Number) } });
    expect(diagnosis().cost.usd).toBeLessThanOrEqual(0.00001);
    expect(said.stderr).toMatch(/The diagnosis stays provisional, because the log could not be read completely[.]\n$/);
  });

  it('keeps earlier results if the log cannot be read once', async () => {
    const { words, time, diagnosis, said, faults } = await world();
    let lists = 0;
    faults.s3 = (key) => {
      if (key === null) lists += 1;
      return key === null && lists === 2 ? { status: 403, code: 'AccessDenied', message: 'Access Denied' } : null;
    };
    await diagnoseLive(words, { wait: true, json: true }, time);
    expect(said.stderr).toMatch(/The access log could not be read again: s3:ListBucket/);
    expect(diagnosis()).toMatchObject({ provisional: false, verdict: { cause: 'security-group-blocked' } });
  });

  it('does not wait for a log that cannot be read', async () => {
    const { words, time, diagnosis, said, faults } = await world();
    faults.s3 = () => ({ status: 403, code: 'AccessDenied', message: 'Access Denied' });
    await diagnoseLive(words, { wait: true, json: true }, time);
    expect(diagnosis().provisional).toBe(true);
    expect(said.stderr).toBe(
      'Read as 12 Nov 2026, 14:10–14:20 UTC.\nNot waiting, because the access log could not be read.\n',
    );
  });

  it('prints what it knows if an attempt fails', async () => {
    const { words, time, diagnosis, account } = await world();
    const { sleep } = time;
    time.sleep = (...args) => {
      account.always('elasticloadbalancing:DescribeLoadBalancers', { code: 'ExpiredToken', message: 'expired' });
      return sleep(...args);
    };
    await expect(diagnoseLive(words, { wait: true, json: true }, time)).rejects.toThrow(
      new Problem('The AWS credentials have expired: run aws sso login, or export new ones.', 2),
    );
    expect(diagnosis().provisional).toBe(true);
  });

  it('prints the answer even if it cannot be saved', async () => {
    const { words, time, diagnosis, said } = await world();
    const dir = mkdtempSync(join(tmpdir(), 'alb502-wait-'));
    const { sleep } = time;
    time.sleep = (...args) => {
      writeFileSync(join(dir, 'taken'), '');
      return sleep(...args);
    };
    await expect(diagnoseLive(words, { wait: true, json: true, save: dir }, time)).rejects.toThrow(/is not empty/);
    expect(diagnosis().provisional).toBe(false);
    expect(said.stderr).not.toContain('Saved');
  });

  it('asks once after the machine was asleep', async () => {
    const { words, time, diagnosis, to, said } = await world();
    const { sleep } = time;
    time.sleep = (_, signal) => sleep(60 * MINUTE, signal);
    await diagnoseLive(words, { wait: true, json: true }, time);
    expect(Date.parse(diagnosis().asked.now) - to).toBe(60 * MINUTE);
    expect(said.stderr.match(/asking again/g)).toHaveLength(1);
  });
});

describe('the command', () => {
  /** `interrupt` gets the stderr so far and returns whether to press Ctrl-C. */
  const run = (
    words: string[],
    environment: Record<string, string>,
    interrupt: (stderr: string) => boolean,
    node: string[] = [],
  ) =>
    new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
      const child = spawn(process.execPath, [...node, join(import.meta.dirname, '../../src/cli.ts'), ...words], {
        cwd: mkdtempSync(join(tmpdir(), 'alb502-wait-')),
        env: { PATH: process.env.PATH ?? '', ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const result = { code: null as number | null, stdout: '', stderr: '' };
      let sent = false;
      child.stdout.setEncoding('utf8').on('data', (text: string) => (result.stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        result.stderr += text;
        if (sent || !interrupt(result.stderr)) return;
        sent = true;
        child.kill('SIGINT');
      });
      child.on('error', reject);
      child.on('close', (code) => resolve({ ...result, code }));
    });

  it('prints what is known when interrupted while waiting, and exits with 130', async () => {
    const { account, s3 } = await world();
    vi.restoreAllMocks();
    const environment = { ...environmentFor(account.port), AWS_ENDPOINT_URL_S3: s3.endpoint };
    const { code, stdout, stderr } = await run(['diagnose', 'checkout', '--wait', '--json'], environment, (text) =>
      /asking again at .*\n.*\n.*\n/.test(text),
    );
    expect(JSON.parse(stdout)).toMatchObject({ provisional: true, loadBalancer: { name: 'checkout' } });
    expect(stderr).toMatch(/Interrupted; /);
    expect(code).toBe(130);
  });

  // The terminal library ends the process at a signal without another listener.
  const TERMINAL = ['--import', 'data:text/javascript,process.stderr.isTTY=true'];

  it('does the same on a terminal', async () => {
    const { account, s3 } = await world();
    vi.restoreAllMocks();
    const environment = { ...environmentFor(account.port), AWS_ENDPOINT_URL_S3: s3.endpoint };
    const words = ['diagnose', 'checkout', '--wait', '--json'];
    const waits = (text: string) => /asking again at .*\n.*\n.*\n/.test(text);
    const { code, stdout } = await run(words, environment, waits, TERMINAL);
    expect(code).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ provisional: true });
  });

  it('cancels running calls when interrupted on a terminal', async () => {
    const { account, s3 } = await world();
    vi.restoreAllMocks();
    account.always('cloudwatch:GetMetricData', 'silence');
    const environment = { ...environmentFor(account.port), AWS_ENDPOINT_URL_S3: s3.endpoint };
    const ticks = (text: string) => text.includes('1 Access log');
    const { code, stdout, stderr } = await run(['diagnose', 'checkout', '--json'], environment, ticks, TERMINAL);
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toContain('Interrupted; the calls that were running have been cancelled.');
    // The server hears of it a moment after the process has ended.
    await expect.poll(() => account.open()).toBe(0);
  });

  it('does not wait for a recorded incident', async () => {
    const { code, stdout, stderr } = await run(
      ['diagnose', '--from', incidentFolder('002'), '--wait'],
      {},
      () => false,
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/--wait.*cannot be used with.*--from/);
  });
});
