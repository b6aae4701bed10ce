/** The command as a user runs it: real processes and folders, stdout, stderr and exit code. */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HELP } from '../src/commands/help.ts';

const entry = join(import.meta.dirname, '../src/cli.ts');
const scenarios = join(import.meta.dirname, 'scenarios');
const names = readdirSync(scenarios)
  .filter((name) => /^\d/.test(name))
  .sort();
const first = join(scenarios, names[0] ?? '');

let work: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'alb502-cli-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the entry from the empty folder `work`, in a pipe. */
function alb502(words: string[], env: Record<string, string> = {}): Promise<Result> {
  return new Promise((resolve, reject) => {
    const { NO_COLOR: _, FORCE_COLOR: __, ...inherited } = process.env;
    const child = spawn(process.execPath, [entry, ...words], {
      cwd: work,
      env: { ...inherited, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const result: Result = { code: null, stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      result.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      result.stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...result, code }));
  });
}

/** An incident of two lines, with another load balancer beside its own. */
const TINY: Record<string, string> = {
  'incident.json': JSON.stringify({
    loadBalancer: 'shop-prod',
    from: '2026-11-20T02:40:00Z',
    to: '2026-11-20T02:55:00Z',
    now: '2026-11-20T03:30:00Z',
  }),
  'logs/tiny.log': [
    line('02:41:00.011000', '200 200', '0.000 0.010 0.000'),
    line('02:42:11.083000', '502 -', '0.000 11.083 -1'),
    '',
  ].join('\n'),
  'aws/describe-load-balancers.json': JSON.stringify({
    LoadBalancers: ['shop-prod', 'shop-stage'].map((name) => ({
      LoadBalancerName: name,
      LoadBalancerArn: `arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/${name}/50dc6c495c0c9188`,
      DNSName: `${name}-1.eu-west-1.elb.amazonaws.com`,
      Type: 'application',
      Scheme: 'internet-facing',
      VpcId: 'vpc-1',
      State: { Code: 'active' },
      AvailabilityZones: [],
      SecurityGroups: [],
    })),
  }),
};

function line(time: string, statuses: string, durations: string): string {
  const group = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/api/73e2d6bc24d8a067';
  return [
    `https 2026-11-20T${time}Z app/shop-prod/50dc6c495c0c9188 198.51.100.7:40122 10.0.1.12:8080 ${durations} ${statuses} 340 290`,
    `"GET https://shop.example.com:443/cart HTTP/2.0" "curl/8.11.1" TLS_AES_128_GCM_SHA256 TLSv1.3 ${group}`,
    `"Root=1-693bb3f2-71b560c458bf732c4d88fcf8" "shop.example.com" "-" 0 2026-11-20T${time.slice(0, 8)}.000000Z "forward" "-" "-"`,
    `"10.0.1.12:8080" "${statuses.split(' ')[1]}" "-" "-" TID_1cda3a622035454996cd2c4a60867901 "-" "-" "-"`,
  ].join(' ');
}

/** Writes the tiny incident with some of its files replaced or, where the content is null, left out; returns its name in `work`. */
function incident(name: string, changes: Record<string, string | Uint8Array | null> = {}): string {
  for (const [file, content] of Object.entries({ ...TINY, ...changes })) {
    if (content === null) continue;
    mkdirSync(dirname(join(work, name, file)), { recursive: true });
    writeFileSync(join(work, name, file), content);
  }
  return name;
}

/** Returns stderr; asserts that it is one line, without text that only programmers understand. */
function oneSentence({ stdout, stderr }: Result): string {
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^[^\n]+[.)]\n$/);
  expect(stderr).not.toMatch(/\n\s+at |node:internal|Error:/);
  expect(stderr).not.toContain('\u001b');
  return stderr;
}

describe('help', () => {
  it.each([
    [['help', 'diagnose'], 'Usage: alb502 diagnose'],
    [['help', 'setup', 'iam'], 'Usage: alb502 setup iam'],
  ])('alb502 %j prints the help of that command', async (words, usage) => {
    const { code, stdout, stderr } = await alb502(words);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(usage);
  });

  it.each([[[]], [['--help']], [['-h']], [['help']]])('alb502 %j prints it', async (words) => {
    expect(await alb502(words)).toEqual({ code: 0, stdout: HELP, stderr: '' });
  });

  it('fits a terminal and names every command and option of diagnose', async () => {
    const { stdout } = await alb502(['diagnose', '--help']);
    for (const [option] of stdout.matchAll(/--(?!help)[a-z]+/g)) expect(HELP).toContain(option);
    expect(Math.max(...HELP.split('\n').map((text) => text.length))).toBeLessThanOrEqual(110);
  });
});

describe('a wrong command line', () => {
  it.each([
    { words: ['nonsense'], says: "unknown command 'nonsense'" },
    { words: ['diagnose', '--form', 'x'], says: "unknown option '--form' (Did you mean --from?)" },
    { words: ['help', 'nonsense'], says: "There is no command 'nonsense'" },
    { words: ['diagnose', '--from'], says: "option '--from <dir>' argument missing" },
    { words: ['diagnose', '--from', 'x', '--json', '--markdown'], says: "cannot be used with option '--markdown'" },
    { words: ['diagnose'], says: 'Which load balancer?' },
    { words: ['diagnose', '--from', 'x', '--region', 'eu-west-1'], says: "cannot be used with option '--from <dir>'" },
    { words: ['diagnose', '--from', ''], says: '--from needs the folder of a recorded incident' },
    { words: ['diagnose', '--save', ''], says: '--save needs a new or an empty folder' },
    { words: ['diagnose', '--engine', 'x'], says: 'athena, duckdb, cloudwatch-logs, auto; see alb502 --help' },
    { words: ['demo', 'nonsense'], says: "No recorded incident 'nonsense'. Choose from: 001-" },
    { words: ['demo', '0'], says: "No recorded incident '0'" },
    { words: ['demo', '-'], says: "'-' matches" },
  ])('alb502 $words: $says', async ({ words, says }) => {
    const result = await alb502(words);
    expect(oneSentence(result)).toContain(says);
    expect(result.code).toBe(1);
  });
});

describe('a wrong question about a recorded incident', () => {
  it.each([
    { words: 'orders', says: ['orders', 'shop-prod', 'shop-stage'] },
    { words: 'shop', says: ['shop-prod', 'shop-stage'] },
    { words: 'from 2026-11-20T02:55 to 2026-11-20T02:40', says: ['ends before it starts', '02:55'] },
    { words: 'from 2026-12-24T02:40 to 2026-12-24T02:55', says: ['future', '24 Dec 2026 02:40'] },
    { words: 'last fortnight', says: ['"last fortnight"', 'last 15m'] },
    { words: '777', says: ['"777"', 'last 15m'] },
    { words: 'shop-prod banana', says: ['"banana"'] },
  ])('$words', async ({ words, says }) => {
    const result = await alb502(['diagnose', '--from', incident('asked'), ...words.split(' ')]);
    const sentence = oneSentence(result);
    for (const text of says) expect(sentence).toContain(text);
    expect(result.code).toBe(1);
  });
});

describe('a folder that cannot be read as an incident', () => {
  it.each([
    { name: 'absent', changes: null, says: ['absent', 'no such folder'], code: 1 },
    { name: 'no-incident', changes: { 'incident.json': null }, says: ['no-incident', 'incident.json'], code: 1 },
    {
      name: 'broken-json',
      changes: { 'metrics.json': '[\n  {"MetricName": }\n]' },
      says: ['metrics.json', 'line 2, column 18'],
      code: 2,
    },
    {
      name: 'wrong-shape',
      changes: { 'aws/describe-listeners.json': '7' },
      says: ['aws/describe-listeners.json', 'got number'],
      code: 2,
    },
    {
      name: 'wrong-time',
      changes: { 'incident.json': '{"loadBalancer":"shop-prod","from":"noon","to":"2026-11-20T02:55:00Z"}' },
      says: ['incident.json', 'from', 'noon'],
      code: 2,
    },
    {
      name: 'only-bad-logs',
      changes: { 'logs/tiny.log': null, 'logs/bad.log.gz': 'not gzip' },
      says: ['bad.log.gz'],
      code: 2,
    },
  ])('$name: exit $code', async ({ name, changes, says, code }) => {
    if (changes !== null) incident(name, changes);
    const result = await alb502(['diagnose', '--from', name]);
    const sentence = oneSentence(result);
    for (const text of says) expect(sentence).toContain(text);
    expect(result.code).toBe(code);
  });
});

describe('what is missing is a gap', () => {
  it('names an unreadable log file and uses the rest', async () => {
    const folder = incident('one-bad-log', { 'logs/cut.log.gz': gzipSync('x'.repeat(1000)).subarray(0, 20) });
    const { code, stdout } = await alb502(['diagnose', '--from', folder, '--json']);
    expect(code).toBe(0);
    const { gaps, triage } = JSON.parse(stdout) as { gaps: string[]; triage: { errors: number } };
    expect(gaps.join('\n')).toContain('cut.log.gz');
    expect(triage.errors).toBe(1);
  });

  it('could not look, so does not pass', async () => {
    const folder = incident('logs-only', { 'aws/describe-load-balancers.json': null });
    const { code, stdout } = await alb502(['diagnose', '--from', folder, '--json']);
    expect(code).toBe(0);
    const { gaps, steps } = JSON.parse(stdout) as { gaps: string[]; steps: { step: number; outcome: string }[] };
    expect(gaps.join('\n')).toContain('metrics');
    expect(steps.find(({ step }) => step === 5)?.outcome).toBe('unknown');
  });
});

describe('output', () => {
  it('has no colour in a pipe, unless asked for', async () => {
    const plain = await alb502(['diagnose', '--from', first]);
    expect(plain.code).toBe(0);
    expect(plain.stdout).not.toContain('\u001b');
    const coloured = await alb502(['diagnose', '--from', first], { FORCE_COLOR: '1' });
    expect(coloured.stdout).toContain('\u001b[');
    const refused = await alb502(['diagnose', '--from', first], { FORCE_COLOR: '1', NO_COLOR: '1' });
    expect(refused.stdout).toBe(plain.stdout);
  });

  it('is JSON with --json, Markdown with --markdown', async () => {
    const [json, markdown] = await Promise.all([
      alb502(['diagnose', '--from', first, '--json']),
      alb502(['diagnose', '--from', first, '--markdown']),
    ]);
    expect(JSON.parse(json.stdout)).toMatchObject({ schema: 1 });
    expect(markdown.stdout).toMatch(/^# /);
  });

  it('asks only for the status that is named', async () => {
    const { stdout } = await alb502(['diagnose', '--from', incident('asked'), 'shop-prod', '504', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ asked: { statuses: ['504'] }, verdict: { standing: 'none' } });
  });

  it('ends quietly when its reader leaves', async () => {
    const child = spawn(process.execPath, [entry, 'demo'], { cwd: work, stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdout.destroy();
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('demo', () => {
  it('runs from anywhere and names the others', async () => {
    const { code, stdout, stderr } = await alb502(['demo']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const name of names) expect(stdout).toContain(name);
  });

  it.each([
    [names.at(-1) ?? ''],
    [(names.at(-1) ?? '').replace(/^\d+-/, '')],
    [String(Number.parseInt(names.at(-1) ?? '', 10))],
  ])('runs %s', async (name) => {
    const { code, stdout } = await alb502(['demo', name]);
    expect(code).toBe(0);
    expect(stdout).toContain(`That was recorded incident ${names.at(-1)}`);
  });
});

describe('--save', () => {
  it('writes a folder that leads to the same diagnosis', async () => {
    const before = await alb502(['diagnose', '--from', first, '--json', '--save', 'saved']);
    expect(before.code).toBe(0);
    expect(before.stderr).toContain('saved');
    const after = await alb502(['diagnose', '--from', 'saved', '--json']);
    expect(after.stdout).toBe(before.stdout);
  });

  it('does not overwrite what is there', async () => {
    cpSync(join(work, incident('precious')), join(work, 'kept'), { recursive: true });
    const result = await alb502(['diagnose', '--from', 'asked', '--save', 'kept']);
    expect(oneSentence(result)).toContain('kept');
    expect(result.code).not.toBe(0);
    expect(readFileSync(join(work, 'kept', 'incident.json'), 'utf8')).toBe(TINY['incident.json']);
  });
});
