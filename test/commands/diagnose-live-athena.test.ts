/** A live load balancer whose log is read by Athena, compared with its recording and its log from S3. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readIncident } from '../../src/collect/incident/incident-collectors.ts';
import { saveIncident } from '../../src/collect/incident/save.ts';
import { diagnoseRecording } from '../../src/commands/diagnose-command.ts';
import { investigateWords } from '../../src/commands/diagnose-live.ts';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import type { Diagnosis } from '../../src/diagnose/diagnosis.ts';
import { redactEvidence } from '../../src/redact/redact-evidence.ts';
import { renderJson } from '../../src/render/json.ts';
import { serveAthena } from '../support/athena/server.ts';
import { FORMS, type TableForm } from '../support/athena/tables.ts';
import { incidentFolder } from '../support/aws/live-run.ts';
import { filesOf, openAccount } from '../support/aws/recorded-account.ts';
import { temporaryFolder } from '../support/incident/folder.ts';
import { serveS3 } from '../support/s3/server.ts';

const BUCKET = 'example-alb-logs';

afterEach(() => vi.unstubAllEnvs());

/** The account of an incident, its bucket, and logs.alb over it. */
async function world(number: string, form: TableForm) {
  const folder = incidentFolder(number);
  await openAccount(filesOf(folder));
  const logs = join(folder, 'logs');
  const files = readdirSync(logs, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  const objects = new Map(paths.map((path) => [path.slice(logs.length + 1), readFileSync(path)]));
  const [key = ''] = objects.keys();
  const location = `s3://${BUCKET}/${key.replace(/[0-9]{4}[/][0-9]{2}[/][0-9]{2}[/][^/]*$/, '')}`;
  const s3 = await serveS3({ name: BUCKET, objects });
  const athena = await serveAthena([{ database: 'logs', name: 'alb', form, location, bucket: BUCKET, objects }]);
  vi.stubEnv('AWS_ENDPOINT_URL_S3', s3.endpoint);
  vi.stubEnv('AWS_ENDPOINT_URL_ATHENA', athena.endpoint);
  vi.stubEnv('AWS_ENDPOINT_URL_GLUE', athena.endpoint);
  vi.stubEnv('ALB502_ATHENA_DATABASE', 'logs');
  vi.stubEnv('ALB502_ATHENA_OUTPUT', 's3://results/athena/');
  const incident = await readIncident(folder);
  const minute = (time: number) => new Date(time).toISOString().slice(0, 16);
  const name = incident.loadBalancer.split('/')[1] ?? incident.loadBalancer;
  const words = `${name} from ${minute(incident.from)} to ${minute(incident.to)}`;
  const surroundings = { now: incident.now ?? Date.now(), signal: new AbortController().signal };
  return { incident, words, surroundings, athena };
}

/** A diagnosis without what it cost, and by what engine and calls it was made. */
const said = ({ cost: _, gaps: __, reading: ___, steps, ...rest }: Diagnosis) => ({
  ...rest,
  steps: steps.map(({ step, outcome, findings }) => ({
    step,
    outcome,
    findings: findings.map(({ sources: _, ...finding }) => finding),
  })),
});

const NUMBERS = [
  '001',
  '002',
  '003',
  '004',
  '007',
  '008',
  '009',
  '010',
  '011',
  '012',
  '014',
  '015',
  '016',
  '017',
  '018',
];

describe('a live load balancer', () => {
  it.each(NUMBERS)(
    'of incident %s is diagnosed the same by Athena and by log files, and again when saved',
    async (number) => {
      const { words, surroundings, incident } = await world(number, FORMS['the one alb502 makes']);
      const byAthena = await investigateWords(words, { engine: 'athena' }, surroundings);
      const byFiles = await investigateWords(words, { engine: 'duckdb' }, surroundings);
      expect(said(byAthena.diagnosis)).toEqual(said(byFiles.diagnosis));
      expect(byAthena.diagnosis.verdict).toEqual((await diagnoseRecording(incident, '')).diagnosis.verdict);
      expect(byAthena.diagnosis.cost).toMatchObject({ queries: expect.any(Number), usd: expect.any(Number) });
      expect(byAthena.diagnosis.cost.queries).toBeGreaterThan(0);

      const folder = join(temporaryFolder(), 'saved');
      await saveIncident(folder, { ...byAthena, incident: null });
      expect(readdirSync(folder).sort()).toEqual([
        'access-log.json',
        'aws',
        'edge.json',
        'incident.json',
        'metrics.json',
      ]);
      expect(readFileSync(join(folder, 'access-log.json'), 'utf8')).not.toMatch(/[?]|Mozilla/);
      const again = (await diagnoseRecording(await readIncident(folder), '')).diagnosis;
      // What is saved is redacted: the paths of 003 hold hashes, and are of one route then.
      const { question, evidence, diagnosis } = byAthena;
      const redacted = { ...diagnose(question, redactEvidence(evidence)), cost: diagnosis.cost };
      expect(renderJson(again)).toBe(renderJson(redacted));
      if (number !== '003') expect(redacted).toEqual(diagnosis);
    },
  );

  it("gives the same verdict by AWS's own table, which has fewer columns", async () => {
    const { words, surroundings, incident } = await world('001', FORMS["AWS's own"]);
    const { diagnosis } = await investigateWords(words, { engine: 'athena' }, surroundings);
    expect(diagnosis.verdict).toEqual((await diagnoseRecording(incident, '')).diagnosis.verdict);
    expect(diagnosis.keepAlive).toMatchObject({ measuredSeconds: expect.any(Number) });
  });

  it('has the same look-back by Athena and by log files, only for the keep-alive measurement', async () => {
    const { words, surroundings, incident } = await world('001', FORMS['the one alb502 makes']);
    const minute = (time: number) => new Date(time).toISOString().slice(0, 16);
    const [name = ''] = words.split(' ');
    const late = `${name} from ${minute(incident.to - 60_000)} to ${minute(incident.to)}`;
    const alone = await investigateWords(late, { engine: 'athena' }, surroundings);
    const byAthena = await investigateWords(late, { engine: 'athena', lookBack: '14m' }, surroundings);
    const byFiles = await investigateWords(late, { engine: 'duckdb', lookBack: '14m' }, surroundings);
    expect(said(byAthena.diagnosis)).toEqual(said(byFiles.diagnosis));
    expect(byAthena.diagnosis.triage).toEqual(alone.diagnosis.triage);
    const examined = ({ keepAlive }: Diagnosis) => keepAlive?.errorsExamined ?? 0;
    // Alone it takes a longer look by itself.
    expect(examined(byAthena.diagnosis)).toBe(examined(byFiles.diagnosis));
    expect(examined(byAthena.diagnosis)).toBeGreaterThan(0);
  });

  it('is diagnosed from metrics and configuration if its log cannot be queried', async () => {
    const { words, surroundings } = await world('002', FORMS["AWS's own"]);
    vi.stubEnv('ALB502_ATHENA_TABLE', 'gone');
    const { diagnosis } = await investigateWords(words, { engine: 'athena' }, surroundings);
    expect(diagnosis.gaps.join('\n')).toMatch(/table logs\.gone does not exist.*setup athena --create/);
    expect(diagnosis.verdict.standing).toBe('undecided');
  });

  it('costs no more than announced', async () => {
    const { words, surroundings, athena } = await world('002', FORMS["AWS's own"]);
    const { diagnosis } = await investigateWords(words, { engine: 'athena', maxUsd: '0' }, surroundings);
    expect(diagnosis.gaps.join('\n')).toMatch(/reading it could cost more than \$0 \(.*\): raise --max-usd/);
    expect(athena.sent).toEqual([]);
    // A log that is on is not asked to be switched on.
    expect(diagnosis.verdict.decidedBy).not.toMatch(/Enable access logging/);
    expect(diagnosis.verdict.summary).toMatch(/^2 of 4 paths to a traffic port are blocked/);
  });
});
