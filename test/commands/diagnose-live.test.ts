/** A live load balancer from the question to the diagnosis: real clients, an account and a bucket on 127.0.0.1, real processes. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { readIncident } from '../../src/collect/incident/incident-collectors.ts';
import { saveIncident } from '../../src/collect/incident/save.ts';
import { diagnoseRecording } from '../../src/commands/diagnose-command.ts';
import { investigateWords, type TimedInvestigationOptions } from '../../src/commands/diagnose-live.ts';
import type { Diagnosis } from '../../src/diagnose/diagnosis.ts';
import { renderJson } from '../../src/render/json.ts';
import { incidentFolder } from '../support/aws/live-run.ts';
import { DENIED, environmentFor, filesOf, type LocalAccount, openAccount } from '../support/aws/recorded-account.ts';
import { temporaryFolder } from '../support/incident/folder.ts';
import { type Fault, serveS3 } from '../support/s3/server.ts';

const BUCKET = 'example-alb-logs';

/** The log files of an incident by their key in the bucket. */
function logsIn(folder: string): Map<string, Uint8Array> {
  const files = readdirSync(join(folder, 'logs'), { recursive: true, withFileTypes: true });
  const paths = files.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [path.slice(join(folder, 'logs').length + 1), readFileSync(path)]));
}

/** The account of an incident and its bucket. */
async function world(number: string, fault: (key: string | null) => Fault | null = () => null) {
  const folder = incidentFolder(number);
  const account = await openAccount(filesOf(folder));
  const objects = logsIn(folder);
  const s3 = await serveS3({ name: BUCKET, objects, fault });
  vi.stubEnv('AWS_ENDPOINT_URL_S3', s3.endpoint);
  const incident = await readIncident(folder);
  const minute = (time: number) => new Date(time).toISOString().slice(0, 16);
  const name = incident.loadBalancer.split('/')[1] ?? incident.loadBalancer;
  const words = `${name} from ${minute(incident.from)} to ${minute(incident.to)}`;
  return { folder, account, s3, objects, incident, words };
}

const surroundings = (
  now: number | null,
  more: Partial<TimedInvestigationOptions> = {},
): TimedInvestigationOptions => ({
  now: now ?? Date.now(),
  signal: new AbortController().signal,
  ...more,
});

describe('a live load balancer', () => {
  it.each(['001', '002', '011'])(
    'of incident %s is diagnosed as its recording, before and after it is saved',
    async (number) => {
      const { words, incident } = await world(number);
      const keepIn = temporaryFolder();
      const live = await investigateWords(words, {}, surroundings(incident.now, { keepIn }));
      const recorded = await diagnoseRecording(incident, '');
      expect(live.diagnosis.verdict).toEqual(recorded.diagnosis.verdict);
      expect(live.diagnosis.triage).toEqual(recorded.diagnosis.triage);
      expect(live.diagnosis.cost.bytesScanned).toBeGreaterThan(0);
      expect(live.diagnosis.reading?.how).toMatch(/^from S3 directly: \d+ files?, /);
      expect(recorded.diagnosis.reading).toBeUndefined();
      expect(live.hasLogFiles).toBe(true);

      const saved = join(temporaryFolder(), 'saved');
      await saveIncident(saved, { ...live, incident: { dir: keepIn, logs: true } });
      const again = await diagnoseRecording(await readIncident(saved), '');
      expect(renderJson(again.diagnosis)).toBe(renderJson(live.diagnosis));
    },
  );

  it('reports log files that disappeared before the download, also when saved', async () => {
    const isGone = (key: string | null) => key?.includes('T1420Z') === true;
    const gone = { status: 404, code: 'NoSuchKey', message: 'The specified key does not exist.' };
    const { words, incident, objects } = await world('002', (key) => (isGone(key) ? gone : null));
    const keepIn = temporaryFolder();
    const live = await investigateWords(words, {}, surroundings(incident.now, { keepIn }));
    const names = [...objects.keys()].filter(isGone);
    expect(names.length).toBeGreaterThan(0);
    for (const key of names) expect(live.diagnosis.gaps.join('\n')).toContain(key.split('/').at(-1));
    const saved = join(temporaryFolder(), 'saved');
    await saveIncident(saved, { ...live, incident: { dir: keepIn, logs: true } });
    expect(renderJson((await diagnoseRecording(await readIncident(saved), '')).diagnosis)).toBe(
      renderJson(live.diagnosis),
    );
  });

  it('first gets a provisional diagnosis', async () => {
    const { words, incident } = await world('002');
    const told: Diagnosis[] = [];
    await investigateWords(
      words,
      {},
      surroundings(incident.now, { onInterimDiagnosis: (diagnosis) => told.push(diagnosis) }),
    );
    expect(told.map(({ verdict }) => verdict.standing)).toEqual(['undecided']);
    expect(told[0]?.completeness.errorsInMetrics).toBeGreaterThan(0);
  });

  it('is asked first where its access log is, when its ARN is known', async () => {
    const { account, words, incident } = await world('002');
    const [arn = ''] = Object.keys(filesOf(incidentFolder('002'))['describe-load-balancer-attributes']);
    await investigateWords(words.replace(/^\S+/, arn), {}, surroundings(incident.now));
    expect(account.asked.slice(0, 6).map(({ action }) => action)).toEqual(
      expect.arrayContaining([
        'elasticloadbalancing:DescribeLoadBalancers',
        'elasticloadbalancing:DescribeLoadBalancerAttributes',
        'logs:DescribeDeliverySources',
        'logs:DescribeDeliveries',
        'logs:DescribeDeliveryDestinations',
      ]),
    );
  });

  it('is diagnosed from metrics and configuration without a log bucket', async () => {
    const { words, incident } = await world('002');
    vi.stubEnv('AWS_ENDPOINT_URL_S3', 'http://127.0.0.1:9');
    const { diagnosis } = await investigateWords(words, {}, surroundings(incident.now));
    expect(diagnosis.verdict).toMatchObject({
      standing: 'undecided',
      summary: expect.stringContaining('CloudWatch counts'),
    });
    expect(diagnosis.steps.find(({ step }) => step === 5)?.outcome).toBe('fail');
  });
});

interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** The command with the credentials of the account; `during` may send it signals. */
function alb502(
  words: string[],
  account: LocalAccount,
  environment: Record<string, string> = {},
  during: (kill: (signal: NodeJS.Signals) => void) => Promise<void> = async () => {},
): Promise<Result> {
  const { NO_COLOR: _, FORCE_COLOR: __, ...inherited } = process.env;
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/cli.ts'), ...words], {
    cwd: temporaryFolder(),
    env: { ...inherited, ...environmentFor(account.port), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const result: Result = { code: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (result.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (result.stderr += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...result, code }));
    during((signal) => child.kill(signal)).catch(reject);
  });
}

describe('the command', () => {
  it('says that one of the accounts could not be searched', async () => {
    const { words, account, s3 } = await world('002');
    account.always('sts:AssumeRole', DENIED);
    const config = join(temporaryFolder(), 'alb502.json');
    const other = { name: 'other', roleArn: 'arn:aws:iam::999999999999:role/alb502', regions: ['eu-west-1'] };
    writeFileSync(config, JSON.stringify({ accounts: [{ name: 'own', regions: ['eu-west-1'] }, other] }));
    const asked = ['diagnose', ...words.split(' '), '--config', config, '--json'];
    const { code, stderr, stdout } = await alb502(asked, account, { AWS_ENDPOINT_URL_S3: s3.endpoint });
    expect(stderr).toMatch(
      /^Read as [^\n]*\nReading from S3 directly: [^\n]*\nCould not check whether there is another 'checkout' in eu-west-1 of other: Could not assume the role [^\n]*: [^\n]*\n$/,
    );
    expect({ code, verdict: JSON.parse(stdout).verdict.cause }).toEqual({ code: 0, verdict: 'security-group-blocked' });
    const table = await alb502(['setup', 'athena', '--config', config], account);
    expect(table).toMatchObject({ code: 2, stderr: expect.stringMatching(/^Could not assume the role [^\n]*: /) });
  });

  it('diagnoses, saves, and leaves no other files', async () => {
    const { words, account, s3 } = await world('002');
    const saved = join(temporaryFolder(), 'saved');
    // A separate temporary folder: other tests use the machine's.
    const temporary = temporaryFolder();
    const result = await alb502(['diagnose', ...words.split(' '), '--json', '--save', saved], account, {
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      TMPDIR: temporary,
    });
    expect(result).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^Read as [^\n]*\nReading from S3 directly: [^\n]*\nSaved to [^\n]*\n$/),
    });
    expect(JSON.parse(result.stdout)).toMatchObject({ verdict: { cause: 'security-group-blocked' } });
    expect(readdirSync(saved).sort()).toEqual(['aws', 'edge.json', 'incident.json', 'logs', 'metrics.json']);
    expect(readdirSync(temporary).filter((name) => name.startsWith('alb502-live-'))).toEqual([]);
  });

  it.each([
    {
      words: ['nowhere'],
      environment: {},
      code: 1,
      says: "No load balancer 'nowhere' in eu-west-1. There is: checkout",
    },
    { words: ['checkout'], environment: { AWS_REGION: '' }, code: 2, says: 'No AWS region is set' },
    { words: ['checkout'], environment: { AWS_ACCESS_KEY_ID: '' }, code: 2, says: 'There are no AWS credentials' },
    { words: ['checkout', '--max-usd', 'much'], environment: {}, code: 1, says: 'Use an amount in US dollars' },
    { words: ['checkout', '--engine', 'spark'], environment: {}, code: 1, says: 'Allowed choices are athena' },
    { words: ['checkout', '--config', 'none.json'], environment: {}, code: 1, says: 'none.json cannot be read' },
  ])('$words $environment: $says', async ({ words, environment, code, says }) => {
    const account = await openAccount(filesOf(incidentFolder('002')));
    const result = await alb502(['diagnose', ...words], account, environment);
    expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(/^[^\n]+[.]\n$/) });
    expect(result.stderr).toContain(says);
  });

  it.each(['elasticloadbalancing:DescribeLoadBalancers', 'ec2:DescribeSubnets', 'cloudwatch:GetMetricData'])(
    'is interrupted while %s has no answer',
    async (action) => {
      const { words, account } = await world('002');
      account.always(action, 'silence');
      let interruptedAt = 0;
      const result = await alb502(['diagnose', ...words.split(' ')], account, {}, async (kill) => {
        await expect.poll(() => account.asked.some((call) => call.action === action), { timeout: 40_000 }).toBe(true);
        interruptedAt = performance.now();
        kill('SIGINT');
      });
      expect(result).toMatchObject({ code: 130, stdout: '' });
      // The log may have been read meanwhile.
      expect(result.stderr.replace(/^(?:Read as|Reading from S3 directly:) .*\n/gm, '')).toBe(
        'Interrupted; the calls that were running have been cancelled.\n',
      );
      // A call without an answer is given up after 30 s.
      expect(performance.now() - interruptedAt).toBeLessThan(15_000);
      // The server hears of it a moment after the process has ended.
      await expect.poll(() => account.open()).toBe(0);
    },
  );
});
