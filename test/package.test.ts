/** The package as a user gets it: the tarball, installed into an empty folder and run there. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOAD_BALANCER, line } from './support/access-log/log-file.ts';
import { parquetFile } from './support/access-log/vended-forms.ts';
import { openLocalSlack } from './support/slack/local-slack.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
let work: string;
let installed: string;
/** What npm warned of. */
let installation: string;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'alb502-package-'));
  const folder = join(work, 'empty');
  await mkdir(folder);
  await run('npm', ['pack', '--pack-destination', work], { cwd: root });
  const [tarball = ''] = (await readdir(work)).filter((file) => file.endsWith('.tgz'));
  const words = ['install', '--no-audit', '--no-fund', '--prefix', folder, join(work, tarball)];
  installation = (await run('npm', words, { cwd: folder })).stderr;
  installed = join(folder, 'node_modules', 'alb502');
}, 300_000);

afterAll(async () => {
  await rm(work, { recursive: true, force: true });
});

/** Runs the installed command as a shell would find it. */
async function alb502(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const command = join(work, 'empty', 'node_modules', '.bin', 'alb502');
  try {
    return { code: 0, ...(await run(command, words, { cwd: join(work, 'empty'), maxBuffer: 1 << 26 })) };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'stdout' in error && 'stderr' in error)) throw error;
    return { code: Number(error.code), stdout: String(error.stdout), stderr: String(error.stderr) };
  }
}

describe('the installed package', () => {
  it('holds what runs, and nothing else', async () => {
    expect((await readdir(installed)).sort()).toEqual([
      'LICENSE',
      'README.md',
      'deploy',
      'dist',
      'manifest.yml',
      'package.json',
      'schema',
      'test',
    ]);
    expect(await readdir(join(installed, 'test'))).toEqual(['scenarios']);
    expect(existsSync(join(work, 'empty', 'node_modules', 'esbuild'))).toBe(false);
    expect((await stat(join(installed, 'dist', 'cli.js'))).mode & 0o111).not.toBe(0);
  });

  it('installs without a warning', () => {
    expect(installation).toBe('');
  });

  it('lists what is bundled and what is installed beside it in a CycloneDX bill of materials', async () => {
    const bill = JSON.parse(await readFile(join(installed, 'dist', 'sbom.cdx.json'), 'utf8'));
    expect(bill).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6' });
    const names = bill.components.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(['@slack/bolt', 'zod', 'commander', '@duckdb/node-api']));
    expect(names).not.toContain('vitest');
    for (const { purl } of bill.components) expect(purl).toMatch(/^pkg:npm\/(?:%40[\w.-]+\/)?[\w.-]+@\d/);
  });

  it('lists each version of a package that is bundled in several', async () => {
    const bill = JSON.parse(await readFile(join(installed, 'dist', 'sbom.cdx.json'), 'utf8'));
    const purls = bill.components.map(({ purl }: { purl: string }) => decodeURIComponent(purl));
    expect(new Set(purls).size).toBe(purls.length);
    const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'));
    const inner = Object.entries<{ version: string }>(packages).flatMap(([path, { version }]) => {
      const [, outer, name] =
        /node_modules\/((?:@[^/]+\/)?[^/]+)\/node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path) ?? [];
      const isBundled =
        !name?.startsWith('@types/') && purls.some((one: string) => one.startsWith(`pkg:npm/${outer}@`));
      return isBundled ? `pkg:npm/${name}@${version}` : [];
    });
    expect(inner.length).toBeGreaterThan(0);
    expect(purls).toEqual(expect.arrayContaining(inner));
  });

  it('shows its help and its version', async () => {
    const help = await alb502('--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('alb502 diagnose --from');
    expect((await alb502('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('starts its help within 1.3 times an empty Node', { timeout: 180_000 }, () => {
    const words = { empty: ['-e', '0'], help: [join(installed, 'dist', 'cli.js'), '--help'] };
    const time = (which: keyof typeof words): number => {
      const started = performance.now();
      spawnSync(process.execPath, words[which]);
      return performance.now() - started;
    };
    // Taking turns, both are slowed by what else the machine does. A busy machine gets more rounds.
    const ratios: number[] = [];
    const median = () => ratios.toSorted((x, y) => x - y)[ratios.length >> 1] ?? Number.POSITIVE_INFINITY;
    const end = performance.now() + 120_000;
    while (ratios.length < 30 || (median() >= 1.3 && performance.now() < end)) {
      const empty = time('empty');
      ratios.push(time('help') / empty);
    }
    expect(median()).toBeLessThan(1.3);
  });

  it('runs the demo', async () => {
    const demo = await alb502('demo');
    expect(demo.code).toBe(0);
    expect(demo.stdout).toMatch(/Keep-alive race/i);
    expect(demo.stdout).not.toContain('\u001b');
  });

  it('diagnoses a recorded incident, as JSON too', async () => {
    const scenarios = join('node_modules', 'alb502', 'test', 'scenarios');
    const [first = ''] = (await readdir(join(work, 'empty', scenarios))).sort();
    const { code, stdout } = await alb502('diagnose', '--from', join(scenarios, first), '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 1, verdict: { cause: 'keep-alive-race' } });
  });

  it('reads Parquet: DuckDB is in the bundle', async () => {
    const folder = join(work, 'empty', 'parquet');
    await mkdir(join(folder, 'logs'), { recursive: true });
    const [from, to] = ['2026-03-10T12:00:00Z', '2026-03-10T12:15:00Z'];
    await writeFile(join(folder, 'incident.json'), JSON.stringify({ loadBalancer: LOAD_BALANCER, from, to }));
    const failed = line({ at: Date.parse(from) + 1000, status: '502', targetStatus: '-', times: [0, 0.002, -1] });
    await writeFile(join(folder, 'logs', 'part-0.parquet'), await parquetFile([failed]));
    const { code, stdout } = await alb502('diagnose', '--from', folder, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ triage: { requests: 1, errors: 1 } });
  });

  it('serves: Slack, its sockets and the log are in the bundle', async () => {
    const without = await alb502('serve', '--check');
    expect(without).toMatchObject({ code: 1, stdout: '' });
    expect(without.stderr).toContain('SLACK_BOT_TOKEN is not set');
    const slack = await openLocalSlack();
    try {
      const command = join(work, 'empty', 'node_modules', '.bin', 'alb502');
      const child = spawn(command, ['serve', '--recorded', join('node_modules', 'alb502', 'test', 'scenarios')], {
        cwd: join(work, 'empty'),
        env: {
          ...process.env,
          SLACK_BOT_TOKEN: slack.botToken,
          SLACK_APP_TOKEN: slack.appToken,
          ALB502_SLACK_API_URL: slack.apiUrl,
          ALB502_HEALTH_PORT: '0',
        },
      });
      const ended = once(child, 'exit');
      await slack.until(() => slack.sockets.connections() > 0, 'the bot');
      await slack.command({ user: 'ada', channel: 'alerts', text: 'checkout' });
      await slack.until(() => slack.roots('alerts').some(({ text }) => text.includes('final')), 'an answer');
      child.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
    } finally {
      await slack.close();
    }
  });

  it('holds what setup prints from', async () => {
    expect((await alb502('setup', 'slack')).stdout).toContain('socket_mode_enabled: true');
    expect(JSON.parse((await alb502('setup', 'iam', '--log-bucket', 'logs')).stdout)).toMatchObject({
      Version: '2012-10-17',
    });
  });

  it('refuses a folder that is no incident in one sentence', async () => {
    const { code, stdout, stderr } = await alb502('diagnose', '--from', 'node_modules');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^[^\n]*node_modules[^\n]*\n$/);
  });
});

describe('npm install in a checkout', () => {
  it.each([
    [
      'an older Node',
      '20.20.2',
      'alb502 needs Node.js 22.18 or later; this is 20.20.2, so npm installed Node 24 for the npm scripts.\n',
    ],
    ['a Node that alb502 runs on', '22.18.0', ''],
  ])('says on %s what is needed', async (_situation, version, sentence) => {
    const folder = await mkdtemp(join(work, 'checkout-'));
    const script = 'src/collect/access-log/embedded/wasm/compile.mjs';
    await mkdir(join(folder, dirname(script)), { recursive: true });
    for (const file of ['build.mjs', script]) await copyFile(join(root, file), join(folder, file));
    const env = { ...process.env, npm_command: 'ci', npm_config_user_agent: `npm/11.19.1 node/v${version} linux x64` };
    expect(await run(process.execPath, ['build.mjs'], { cwd: folder, env })).toEqual({ stdout: sentence, stderr: '' });
  });
});
