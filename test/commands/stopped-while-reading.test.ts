/** A process stopped while reading a large log ends within the promised time, whatever DuckDB does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, globSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, it, onTestFinished } from 'vitest';
import { readIncident } from '../../src/collect/incident/incident-collectors.ts';
import { environmentFor, filesOf, serveAccount } from '../support/aws/recorded-account.ts';
import { temporaryFolder } from '../support/incident/folder.ts';
import { serveS3 } from '../support/s3/server.ts';
import { localSlack } from '../support/slack/local-slack-for-test.ts';

const ENTRY = join(import.meta.dirname, '../../src/cli.ts');
const SCENARIOS = join(import.meta.dirname, '../scenarios');
/** Milliseconds after which a container runtime kills a process that it stopped. */
const PROMISED = 30_000;
/** Ctrl-C is waited for by a person. */
const PATIENCE = 15_000;
const LINES = 100_000;

/** Lines that answered 200, each with a trace id of its own: no compressor makes little of them. */
function largeFile(lines: readonly string[]): Buffer {
  const ordinary = lines.filter((line) => / 200 200 /.test(line));
  const many = Array.from({ length: LINES }, (_, at) =>
    (ordinary[at % ordinary.length] ?? '').replace(
      /Root=1-[0-9a-f]{8}-[0-9a-f]{24}/,
      `Root=1-${(at * 2654435761).toString(16).padStart(32, '0').slice(-32, -24)}-${((at * 40503) ** 2).toString(16).padStart(24, '0').slice(-24)}`,
    ),
  );
  return gzipSync(`${many.join('\n')}\n`, { level: 1 });
}

/** A recorded incident whose log is so many files of 100,000 lines: names in the bucket and the bytes of each. */
function largeLog(files: number): { folder: string; keys: string[]; bytes: Buffer } {
  const folder = join(temporaryFolder(), 'large');
  cpSync(join(SCENARIOS, '003-connection-refused'), folder, { recursive: true });
  const [own = ''] = globSync('**/*.log.gz', { cwd: join(folder, 'logs') }).sort();
  const bytes = largeFile(
    gunzipSync(readFileSync(join(folder, 'logs', own)))
      .toString('utf8')
      .split('\n'),
  );
  rmSync(join(folder, 'logs', own));
  const keys = Array.from({ length: files }, (_, at) => own.replace(/_[^_]*(?=[.]log[.]gz$)/, `_large${at}`));
  const first = join(folder, 'logs', keys[0] ?? '');
  writeFileSync(first, bytes);
  for (const key of keys.slice(1)) linkSync(first, join(folder, 'logs', key));
  return { folder, keys, bytes };
}

function alb502(words: string[], environment: Record<string, string> = {}): ChildProcess {
  const { NO_COLOR: _, FORCE_COLOR: __, ...inherited } = process.env;
  const child = spawn(process.execPath, [ENTRY, ...words], {
    cwd: temporaryFolder(),
    env: { ...inherited, ALB502_HEALTH_PORT: '0', ...environment },
    stdio: 'ignore',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Sends the signal: exit code or signal, and whether it ended in time. */
async function stopWith(child: ChildProcess, signal: NodeJS.Signals, milliseconds: number) {
  const began = performance.now();
  const ended = once(child, 'exit');
  child.kill(signal);
  const [code, by] = await ended;
  return { end: code ?? by, isInTime: performance.now() - began < milliseconds };
}

/** Seconds of processor time a process has used (proc_pid_stat(5): utime and stime, in ticks of 10 ms). */
const worked = ({ pid }: ChildProcess): number =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .split(') ')[1]
    ?.split(' ')
    .slice(11, 13)
    .reduce((sum, ticks) => sum + Number(ticks) / 100, 0) ?? 0;

it('ends on Ctrl-C while scanning a recorded incident', { timeout: 120_000 }, async () => {
  const { folder } = largeLog(120);
  const child = alb502(['diagnose', '--from', folder]);
  // Longer than it takes to start, and less than it takes to read.
  await expect.poll(() => worked(child), { timeout: 60_000 }).toBeGreaterThan(3);
  expect(await stopWith(child, 'SIGINT', PATIENCE)).toEqual({ end: 'SIGINT', isInTime: true });
});

it('ends on Ctrl-C while scanning downloaded log files', { timeout: 120_000 }, async () => {
  const { folder, keys, bytes } = largeLog(40);
  const account = await serveAccount(filesOf(folder));
  const objects = new Map(keys.map((key) => [key, bytes]));
  const s3 = await serveS3({ name: 'example-alb-logs', objects, fault: () => null });
  const { loadBalancer, from, to } = await readIncident(folder);
  const [start, end] = [from, to].map((time) => new Date(time).toISOString().slice(0, 16));
  const words = `diagnose ${loadBalancer.split('/')[1] ?? loadBalancer} from ${start} to ${end}`.split(' ');
  const child = alb502(words, { ...environmentFor(account.port), AWS_ENDPOINT_URL_S3: s3.endpoint });
  await expect.poll(() => s3.got.length, { timeout: 60_000 }).toBeGreaterThanOrEqual(keys.length);
  expect(await stopWith(child, 'SIGINT', PATIENCE)).toEqual({ end: 130, isInTime: true });
});

it.each(['SIGTERM', 'SIGINT'] as const)('%s ends the bot while it reads', { timeout: 120_000 }, async (signal) => {
  const { folder } = largeLog(120);
  const slack = await localSlack();
  const child = alb502(['serve', '--recorded', folder], {
    SLACK_BOT_TOKEN: slack.botToken,
    SLACK_APP_TOKEN: slack.appToken,
    ALB502_SLACK_API_URL: slack.apiUrl,
  });
  await slack.until(() => slack.sockets.connections() > 0, 'a connection');
  const before = worked(child);
  const { loadBalancer } = await readIncident(folder);
  await slack.command({ user: 'ada', channel: 'alerts', text: loadBalancer.split('/')[1] ?? loadBalancer });
  await slack.until(() => slack.roots('alerts').length > 0, 'a root message');
  await expect.poll(() => worked(child) - before, { timeout: 60_000 }).toBeGreaterThan(2);
  expect(await stopWith(child, signal, PROMISED)).toEqual({ end: 0, isInTime: true });
});
