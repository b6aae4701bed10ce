/**
 * `alb502` through Athena in an account of moto. moto has workgroups and tables but runs no query, so Athena alone is the local one of
 * test/athena: DuckDB over the very objects of moto's bucket, by the table that is in moto's Glue.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GlueClient } from '@aws-sdk/client-glue';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Diagnosis } from '../../src/diagnose/diagnosis.ts';
import { type LocalAthena, serveAthena } from '../support/athena/server.ts';
import { FORMS } from '../support/athena/tables.ts';
import { region } from '../support/simulator/names.ts';
import { type BuiltLoadBalancer, build, clientsOf, createSharedResources, environmentOf, reset } from './account.ts';
import { alb502 } from './cli.ts';
import { forgetPermissions, policyForMoto, userWith } from './permissions.ts';
import { blocked, keepAlive } from './scenarios.ts';
import { putTable } from './table.ts';

const endpoint = inject('endpoint');
const clients = clientsOf(endpoint);
const credentials = { accessKeyId: 'testing', secretAccessKey: 'testing' };
const glue = new GlueClient({ endpoint, region, credentials });
const BUCKET = 'example-alb-logs';
const ROOT = `AWSLogs/123456789012/elasticloadbalancing/${region}/`;
const OUTPUT = `s3://${BUCKET}/results/`;

const ends: (() => void)[] = [];
let work: string;
let shop: BuiltLoadBalancer;
let checkout: BuiltLoadBalancer;
let athena: LocalAthena;
let environment: Record<string, string>;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'alb502-moto-'));
  await reset(endpoint);
  const surroundings = await createSharedResources(clients, BUCKET);
  shop = await build(surroundings, keepAlive(Date.now()));
  checkout = await build(surroundings, blocked(Date.now()));
  const { stdout } = await alb502(['setup', 'athena', 'shop-prod'], environmentOf(endpoint), work);
  await putTable(glue, stdout, { DatabaseName: 'logs', Name: 'alb' });
  athena = await serveAthena(
    [
      {
        database: 'logs',
        name: 'alb',
        form: FORMS['the one alb502 makes'],
        location: `s3://${BUCKET}/${ROOT}`,
        bucket: BUCKET,
        objects: await logsInBucket(),
      },
    ],
    { running: 300 },
    (end) => ends.push(end),
  );
  environment = {
    ...environmentOf(endpoint),
    AWS_ENDPOINT_URL_ATHENA: athena.endpoint,
    ALB502_ATHENA_DATABASE: 'logs',
    ALB502_ATHENA_OUTPUT: OUTPUT,
  };
});

afterAll(() => {
  for (const end of ends) end();
  rmSync(work, { recursive: true, force: true });
});

/** Every log file, as moto hands it out. */
async function logsInBucket(): Promise<Map<string, Uint8Array>> {
  const { Contents = [], IsTruncated } = await clients.s3.send(
    new ListObjectsV2Command({ Bucket: BUCKET, Prefix: ROOT }),
  );
  expect(IsTruncated).not.toBe(true);
  const each = Contents.map(async ({ Key = '' }) => {
    const { Body } = await clients.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
    return [Key, (await Body?.transformToByteArray()) ?? new Uint8Array()] as const;
  });
  return new Map(await Promise.all(each));
}

/** The question about the window of a load balancer, and the answer. */
async function diagnosed(
  { scenario }: BuiltLoadBalancer,
  words: string[],
  more: Record<string, string> = {},
): Promise<Diagnosis> {
  const { window, loadBalancer } = scenario;
  const asked = ['diagnose', loadBalancer.name, 'from', window.from, 'to', window.to, '--json', ...words];
  const { code, stdout, stderr } = await alb502(asked, { ...environment, ...more }, work);
  // What it is to cost is said before it is read.
  const rest = stderr.replace(/^Reading [^\n]*; estimated [^\n]*\n/, '');
  expect({ code, stderr: words.includes('--save') ? '' : rest }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Diagnosis;
}

const counts = ({ triage, signatures }: Diagnosis) => ({
  requests: triage.requests,
  errors: triage.errors,
  byStatus: triage.byStatus,
  signatures: Object.fromEntries(signatures.map(({ id, count }) => [id, count])),
});
const truthOf = ({ simulation }: BuiltLoadBalancer) => {
  const { requests, errors, byStatus, signatures } = simulation.truth;
  return { requests, errors, byStatus, signatures };
};

/** A diagnosis without how the log was read and what that cost, when it was made, and by what calls. */
const said = ({ cost: _, asked: __, gaps: ___, reading: ____, steps, ...rest }: Diagnosis) => ({
  ...rest,
  steps: steps.map(({ findings, ...step }) => ({
    ...step,
    findings: findings.map(({ sources: _, ...finding }) => finding),
  })),
});

describe('a live load balancer, its log through Athena', () => {
  it('with a keep-alive race is diagnosed correctly, with the true numbers, by two queries', async () => {
    const before = athena.sent.length;
    const diagnosis = await diagnosed(shop, ['--engine', 'athena']);
    expect(counts(diagnosis)).toEqual(truthOf(shop));
    expect(diagnosis.verdict).toMatchObject({ cause: 'keep-alive-race', standing: 'likely' });
    expect(diagnosis.keepAlive?.measuredSeconds).toBeCloseTo(6, 1);
    expect(diagnosis.provisional).toBe(false);
    const sent = athena.sent.slice(before);
    expect(diagnosis.cost).toMatchObject({ queries: 2, bytesScanned: sent[0] && 2 * sent[0].bytesScanned });
    expect(sent.map(({ outputLocation }) => outputLocation)).toEqual([OUTPUT, OUTPUT]);
    expect(sent[0]?.files.every((key) => key.includes('app.shop-prod.'))).toBe(true);
  });

  it('with a blocking security group is diagnosed correctly, by one query', async () => {
    const diagnosis = await diagnosed(checkout, ['--engine', 'athena']);
    expect(counts(diagnosis)).toEqual(truthOf(checkout));
    expect(diagnosis.verdict.cause).toBe('security-group-blocked');
    expect(diagnosis.cost.queries).toBe(1);
  });

  it('gives the same diagnosis as by log files from S3', async () => {
    for (const one of [shop, checkout]) {
      const byAthena = await diagnosed(one, ['--engine', 'athena']);
      const byFiles = await diagnosed(one, ['--engine', 'duckdb']);
      expect(byFiles.cost.queries).toBe(0);
      expect(said(byAthena)).toEqual(said(byFiles));
    }
  });

  it('has one gap: a call that moto does not support', async () => {
    const { gaps } = await diagnosed(checkout, ['--engine', 'athena']);
    expect(gaps).toEqual([expect.stringContaining('cloudtrail:LookupEvents')]);
  });

  it('is saved with the answers, which give the same diagnosis without AWS', async () => {
    const diagnosis = await diagnosed(shop, ['--engine', 'athena', '--save', 'saved']);
    const again = await alb502(['diagnose', '--from', 'saved', '--json'], {}, work);
    expect({ code: again.code, stderr: again.stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(again.stdout)).toEqual(diagnosis);
    expect(readdirSync(join(work, 'saved')).sort()).toEqual([
      'access-log.json',
      'aws',
      'edge.json',
      'incident.json',
      'metrics.json',
    ]);
  });

  it('needs only what iam-policy.json allows', async () => {
    const user = await userWith(endpoint, 'querying', policyForMoto(BUCKET));
    const diagnosis = await diagnosed(shop, ['--engine', 'athena'], user).finally(() => forgetPermissions(endpoint));
    expect(diagnosis.gaps).toEqual([expect.stringContaining('cloudtrail:LookupEvents')]);
    expect(counts(diagnosis)).toEqual(truthOf(shop));
  });
});

describe('doctor for Athena', () => {
  it('finds everything in place', async () => {
    const { code, stdout, stderr } = await alb502(['doctor', 'shop-prod'], environment, work);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^ok +Athena table +logs[.]alb: 38 columns/m);
    expect(stdout).toMatch(/^ok +Athena results /m);
    // moto has no LookupEvents.
    expect(stdout.match(/^missing.*$/gm)).toEqual([expect.stringContaining('cloudtrail:LookupEvents')]);
  });
});
