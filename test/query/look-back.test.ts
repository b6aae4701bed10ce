/** Two errors of a quiet race in the window, eighteen in the day before it: offered, taken, saved; of a recording and of AWS. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readIncident } from '../../src/collect/incident/incident-collectors.ts';
import { type IncidentToSave, saveIncident } from '../../src/collect/incident/save.ts';
import { diagnoseRecording } from '../../src/commands/diagnose-command.ts';
import { investigateWords } from '../../src/commands/diagnose-live.ts';
import { parseLookBack } from '../../src/commands/diagnose-options.ts';
import { parseConfig } from '../../src/config.ts';
import type { Diagnosis } from '../../src/diagnose/diagnosis.ts';
import { liveInvestigator } from '../../src/investigate/live.ts';
import { isSmallLook } from '../../src/query/look-back.ts';
import { tooLittle } from '../accuracy/too-little.ts';
import { filesOf, openAccount } from '../support/aws/recorded-account.ts';
import { temporaryFolder } from '../support/incident/folder.ts';
import { serveS3 } from '../support/s3/server.ts';
import { writeRecording } from '../support/simulator/recording.ts';

// Five seconds are plenty for AWS, and not for a machine that runs other tests.
vi.mock(import('../../src/query/look-back.ts'), async (original) => ({ ...(await original()), SMALL_LOOK_MS: 60_000 }));

const HOUR = 3_600_000;
const QUIET = 'two errors of a quiet race';
const WORDS = 'cron from 2026-11-17T21:00 to 2026-11-17T21:30';
const root = mkdtempSync(join(tmpdir(), 'alb502-quiet-'));
const folder = join(root, QUIET);

beforeAll(() => {
  const quiet = tooLittle.incidents.find(({ name }) => name === QUIET);
  if (quiet) writeRecording(quiet, root);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const measured = (steps: { findings: { check: string; summary: string }[] }[]) =>
  steps.flatMap(({ findings }) => findings).find(({ check }) => check === 'measured-keep-alive')?.summary;

/** Routes that are hidden in what is saved are compared as one: how many controls there are may differ, and what follows may not. */
const essence = ({ verdict, keepAlive, triage }: Diagnosis) => ({
  verdict,
  keepAlive,
  triage: { ...triage, routes: [] },
});

async function saved(run: Omit<IncidentToSave, 'incident'>, dir: string) {
  const to = join(temporaryFolder(), 'saved');
  await saveIncident(to, { ...run, incident: { dir, logs: true } });
  return essence((await diagnoseRecording(await readIncident(to), '')).diagnosis);
}

describe('a recorded incident', () => {
  it('offers one longer look-back with earlier logs, and takes it', async () => {
    const incident = await readIncident(folder);
    const short = await diagnoseRecording(incident, '');
    const command = "alb502 diagnose --from '<incident>' --look-back 24h";
    expect(short.diagnosis.keepAlive).toMatchObject({ measuredSeconds: null, longerLook: { command, estimate: null } });
    expect(measured(short.diagnosis.steps)).toContain(`One longer look may be enough: ${command}`);

    const long = await diagnoseRecording(incident, '', undefined, 20 * HOUR);
    expect(long.diagnosis.verdict).toMatchObject({ cause: 'keep-alive-race', standing: 'likely' });
    expect(long.diagnosis.keepAlive).toMatchObject({
      errorsExamined: 20,
      measuredFrom: '2026-11-17T01:00:00.000Z',
      longerLook: null,
    });
    expect(measured(long.diagnosis.steps)).toContain('seen in 20 errors from 01:00:00 to 21:30:00 UTC');
    expect(long.diagnosis.triage).toEqual(short.diagnosis.triage);
    expect(long.diagnosis.timeline).toEqual(short.diagnosis.timeline);
    for (const run of [short, long]) expect(await saved(run, folder)).toEqual(essence(run.diagnosis));
  });

  it('without log files keeps the saved answers, and offers no other look-back', async () => {
    const long = await diagnoseRecording(await readIncident(folder), '', undefined, 20 * HOUR);
    const to = join(temporaryFolder(), 'saved');
    await saveIncident(to, { ...long, incident: null });
    const again = await readIncident(to);
    expect((await diagnoseRecording(again, '')).diagnosis.keepAlive).toEqual(long.diagnosis.keepAlive);
    await expect(diagnoseRecording(again, '', undefined, 24 * HOUR)).rejects.toThrow(
      'access-log.json holds answers and no log files: it cannot be read further back than it was for the recording.',
    );
  });

  it.each(['x', '', '8d', '24', '0s'])('is not looked back by "%s"', (lookBack) => {
    expect(() => parseLookBack({ lookBack })).toThrow(
      `Didn't understand --look-back "${lookBack}". Use a duration of at most 7 days: --look-back 24h.`,
    );
  });
});

/** The load balancer of the recording, live; its log files as objects of a bucket. */
async function serveQuiet() {
  await openAccount(filesOf(folder));
  const logs = readdirSync(join(folder, 'logs'), { recursive: true, withFileTypes: true });
  const paths = logs.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const objects = new Map(paths.map((path) => [path.slice(join(folder, 'logs').length + 1), readFileSync(path)]));
  const s3 = await serveS3({ name: 'example-alb-logs', objects, fault: () => null });
  vi.stubEnv('AWS_ENDPOINT_URL_S3', s3.endpoint);
  return { objects, s3 };
}

describe('a live load balancer', () => {
  it('gets a longer look-back automatically if it costs almost nothing', async () => {
    await serveQuiet();
    const surroundings = {
      now: Date.parse('2026-11-18T01:00:00Z'),
      signal: new AbortController().signal,
      keepIn: temporaryFolder(),
    };

    const byItself = await investigateWords(WORDS, {}, surroundings);
    expect(byItself.diagnosis.verdict).toMatchObject({ cause: 'keep-alive-race', standing: 'likely' });
    expect(byItself.diagnosis.keepAlive).toMatchObject({ errorsExamined: 22, longerLook: null });
    expect(byItself.diagnosis.cost.usd).toBeLessThan(0.02);
    expect(await saved(byItself, surroundings.keepIn)).toEqual(essence(byItself.diagnosis));
  }, 180_000);

  it('is looked back again only if log files have arrived or the window has grown', async () => {
    const { objects, s3 } = await serveQuiet();
    const late = [...objects].filter(([key]) => key.includes('20261117T2150Z'));
    for (const [key] of late) objects.delete(key);
    const investigator = liveInvestigator(
      parseConfig({ accounts: [{ name: 'shop', regions: ['eu-west-1'] }] }, {}, ''),
    );
    const { signal } = new AbortController();
    const cron = await investigator.find('cron', ['shop'], signal);
    const ask = async (until: string) => {
      s3.got.length = 0;
      const window = { from: Date.parse('2026-11-17T21:00:00Z'), to: Date.parse(`2026-11-17T${until}:00Z`) };
      const question = {
        loadBalancer: cron,
        ...window,
        now: Date.parse('2026-11-18T01:00:00Z'),
        statuses: ['gateway'],
      };
      const { diagnosis } = await investigator.investigate(question, { signal });
      return { errors: diagnosis.keepAlive?.errorsAtEdge, isLookedBack: s3.got.length > 100 };
    };
    expect(await ask('22:00')).toEqual({ errors: 22, isLookedBack: true });
    expect(await ask('22:00')).toEqual({ errors: 22, isLookedBack: false });
    for (const [key, body] of late) objects.set(key, body);
    expect(await ask('22:00')).toEqual({ errors: 23, isLookedBack: true });
    expect(await ask('22:30')).toEqual({ errors: 24, isLookedBack: true });
  }, 180_000);
});

it.each([
  { usd: 0.001, bytes: 5e6, atMost: null, small: true },
  { usd: 0.02, bytes: 5e6, atMost: null, small: false },
  { usd: 0.001, bytes: 300e6, atMost: null, small: false },
  { usd: 0.001, bytes: 5e6, atMost: { usd: 0.5, bytes: 1e11 }, small: false },
])('for $bytes bytes and $usd dollars, with at most $atMost, gets one automatically: $small', ({ small, ...price }) => {
  expect(isSmallLook({ files: 1, ...price })).toBe(small);
});
