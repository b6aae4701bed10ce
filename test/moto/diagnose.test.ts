/** `alb502 diagnose` of load balancers in moto, against the truth of the simulator that wrote their logs. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Diagnosis } from '../../src/diagnose/diagnosis.ts';
import { type BuiltLoadBalancer, build, clientsOf, createSharedResources, environmentOf, reset } from './account.ts';
import { alb502 } from './cli.ts';
import { forgetPermissions, policyForMoto, userWith } from './permissions.ts';
import { blocked, keepAlive } from './scenarios.ts';

const endpoint = inject('endpoint');
const clients = clientsOf(endpoint);
const environment = environmentOf(endpoint);
const BUCKET = 'example-alb-logs';

let work: string;
let shop: BuiltLoadBalancer;
let checkout: BuiltLoadBalancer;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'alb502-moto-'));
  await reset(endpoint);
  const surroundings = await createSharedResources(clients, BUCKET);
  shop = await build(surroundings, keepAlive(Date.now()));
  checkout = await build(surroundings, blocked(Date.now()));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** The question about the window of a load balancer, and the answer as JSON. */
async function diagnosed(
  { scenario }: BuiltLoadBalancer,
  words: string[] = [],
  more: Record<string, string> = {},
): Promise<{ diagnosis: Diagnosis; stdout: string }> {
  const { window, loadBalancer } = scenario;
  const asked = ['diagnose', loadBalancer.name, 'from', window.from, 'to', window.to, '--json', ...words];
  const { code, stdout, stderr } = await alb502(asked, { ...environment, ...more }, work);
  // What it is to cost is said before it is read.
  const rest = stderr.replace(/^Reading [^\n]*; estimated [^\n]*\n/, '');
  expect({ code, stderr: words.includes('--save') ? '' : rest }).toEqual({ code: 0, stderr: '' });
  return { diagnosis: JSON.parse(stdout) as Diagnosis, stdout };
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

describe('a live load balancer, its log files straight from S3', () => {
  it('with a keep-alive race is diagnosed correctly, with the true numbers', async () => {
    const { diagnosis } = await diagnosed(shop);
    expect(counts(diagnosis)).toEqual(truthOf(shop));
    expect(diagnosis.loadBalancer).toEqual({ name: 'shop-prod', arn: shop.arn });
    expect(diagnosis.verdict).toMatchObject({ cause: 'keep-alive-race', standing: 'likely' });
    expect(diagnosis.keepAlive?.measuredSeconds).toBeCloseTo(6, 1);
    expect(diagnosis.completeness.errorsInMetrics).toBe(diagnosis.completeness.errorsInLog);
    expect(diagnosis.provisional).toBe(false);
  });

  it('with a blocking security group is diagnosed correctly', async () => {
    const { diagnosis } = await diagnosed(checkout);
    expect(counts(diagnosis)).toEqual(truthOf(checkout));
    expect(diagnosis.verdict.cause).toBe('security-group-blocked');
    expect(diagnosis.steps.find(({ step }) => step === 5)?.outcome).toBe('fail');
  });

  it('has one gap: a call that moto does not support', async () => {
    const { diagnosis } = await diagnosed(shop);
    // moto has no LookupEvents.
    expect(diagnosis.gaps).toEqual([expect.stringContaining('cloudtrail:LookupEvents')]);
  });

  it('is found by its ARN, app/name/id and part of its name', async () => {
    const { window } = shop.scenario;
    for (const name of [shop.arn, shop.arn.replace(/^.*loadbalancer\//, ''), 'shop']) {
      const words = ['diagnose', name, 'from', window.from, 'to', window.to, '--json'];
      const { code, stdout } = await alb502(words, environment, work);
      expect(code, name).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ loadBalancer: { arn: shop.arn } });
    }
  });

  it('needs only what iam-policy.json allows', async () => {
    const { stdout } = await diagnosed(checkout);
    const user = await userWith(endpoint, 'diagnoser', policyForMoto(BUCKET));
    const allowed = await diagnosed(checkout, [], user).finally(() => forgetPermissions(endpoint));
    expect(allowed.diagnosis.gaps).toEqual([expect.stringContaining('cloudtrail:LookupEvents')]);
    expect(counts(allowed.diagnosis)).toEqual(counts(JSON.parse(stdout) as Diagnosis));
  });
});

describe('--save', () => {
  it('writes a folder that gives the same diagnosis without AWS', async () => {
    const { stdout } = await diagnosed(shop, ['--save', 'saved']);
    const again = await alb502(['diagnose', '--from', 'saved', '--json'], {}, work);
    expect({ code: again.code, stderr: again.stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(again.stdout)).toEqual(JSON.parse(stdout));
    const logs = readdirSync(join(work, 'saved', 'logs'), { recursive: true, encoding: 'utf8' });
    expect(logs.filter((file) => file.endsWith('.log.gz')).length).toBeGreaterThanOrEqual(9);
  });
});
