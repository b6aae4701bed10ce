/** `alb502 doctor` and `alb502 setup athena` against moto: each gap with what mends it, and nothing changed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AthenaClient, GetQueryExecutionCommand, ListQueryExecutionsCommand } from '@aws-sdk/client-athena';
import { ModifyLoadBalancerAttributesCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { GlueClient } from '@aws-sdk/client-glue';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { region } from '../support/simulator/names.ts';
import { type BuiltLoadBalancer, build, clientsOf, createSharedResources, environmentOf, reset } from './account.ts';
import { alb502 } from './cli.ts';
import { forgetPermissions, policyForMoto, userWith } from './permissions.ts';
import { blocked, keepAlive } from './scenarios.ts';
import { putTable } from './table.ts';

const endpoint = inject('endpoint');
const clients = clientsOf(endpoint);
const environment = environmentOf(endpoint);
const settings = { endpoint, region, credentials: { accessKeyId: 'testing', secretAccessKey: 'testing' } };
const glue = new GlueClient(settings);
const athena = new AthenaClient(settings);
const TABLE = { DatabaseName: 'default', Name: 'alb_access_logs' };
const RESULTS = { ALB502_ATHENA_OUTPUT: 's3://example-alb-logs/results/' };

let work: string;
let shop: BuiltLoadBalancer;
let statement: string;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'alb502-moto-'));
  await reset(endpoint);
  const surroundings = await createSharedResources(clients, 'example-alb-logs');
  shop = await build(surroundings, keepAlive(Date.now()));
  await clients.s3.send(
    new CreateBucketCommand({
      Bucket: 'example-other',
      CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' },
    }),
  );
  // What a bucket policy keeps out: traffic and no files.
  const checkout = await build({ ...surroundings, bucket: 'example-other' }, blocked(Date.now()), { delivers: false });
  await clients.elbv2.send(
    new ModifyLoadBalancerAttributesCommand({
      LoadBalancerArn: checkout.arn,
      Attributes: [{ Key: 'access_logs.s3.prefix', Value: 'checkout' }],
    }),
  );
  statement = (await alb502(['setup', 'athena', 'shop-prod'], environment, work)).stdout;
});

afterAll(() => rmSync(work, { recursive: true, force: true }));

const doctor = (words: string[], more: Record<string, string> = {}) =>
  alb502(['doctor', ...words], { ...environment, ...more }, work);

/** The text of the lines about something, without the columns. */
const about = (stdout: string, state: string, what: string): string =>
  stdout
    .replace(/\n {10,}/g, ' ')
    .split('\n')
    .filter((line) => line.startsWith(state.padEnd(9)) && line.slice(9).startsWith(what))
    .join('\n');

describe('setup athena', () => {
  it('prints the statement for the folder of the load balancer and changes nothing', async () => {
    const { code, stdout, stderr } = await alb502(['setup', 'athena', 'shop-prod'], environment, work);
    expect(code).toBe(0);
    expect(stdout).toContain("LOCATION 's3://example-alb-logs/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/'");
    expect(stderr).toContain('Nothing was changed');
    expect((await athena.send(new ListQueryExecutionsCommand({}))).QueryExecutionIds).toEqual([]);
  });

  it('asks for a load balancer if logs go to several folders', async () => {
    const { code, stderr, stdout } = await alb502(['setup', 'athena'], environment, work);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/2 folders: .*\(shop-prod\).*\(checkout\).*alb502 setup athena shop-prod\.\n$/);
  });

  it('runs the printed statement with --create', async () => {
    const words = ['setup', 'athena', 'shop-prod', '--create'];
    const { code, stdout } = await alb502(words, { ...environment, ...RESULTS }, work);
    expect(code).toBe(0);
    const [QueryExecutionId] = (await athena.send(new ListQueryExecutionsCommand({}))).QueryExecutionIds ?? [];
    const { QueryExecution } = await athena.send(new GetQueryExecutionCommand({ QueryExecutionId }));
    expect(`${QueryExecution?.Query}\n`).toBe(stdout);
  });
});

describe('doctor', () => {
  it('finds everything in place', async () => {
    await putTable(glue, statement, TABLE);
    const { code, stdout, stderr } = await doctor(['shop-prod'], RESULTS);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toContain('shop-prod in eu-west-1, account 123456789012');
    for (const what of ['Credentials', 'Access log', 'Delivery', 'Log files', 'Athena table', 'Athena results'])
      expect(about(stdout, 'ok', what), what).not.toBe('');
    expect(about(stdout, 'ok', 'Athena table')).toContain('38 columns, the reason of an error is lambda_error_reason');
    // moto has no LookupEvents, and breaks down at a query id that it does not know, where AWS says so.
    expect(about(stdout, 'missing', '').split('\n')).toEqual([
      expect.stringMatching(/^missing {2}Call +cloudtrail:LookupEvents failed/),
      expect.stringMatching(/^missing {2}Call +athena:GetQueryExecution failed/),
    ]);
  });

  it('exits with 3 if something is missing with --strict', async () => {
    const { code, stdout, stderr } = await doctor(['shop-prod', '--strict'], RESULTS);
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: '2 things are missing: see the lines that begin with missing.\n',
    });
    expect(about(stdout, 'ok', 'Credentials')).not.toBe('');
  });

  it('checks the account if no load balancer is named', async () => {
    const { code, stdout } = await doctor([], RESULTS);
    expect(code).toBe(0);
    expect(about(stdout, 'ok', 'Access logs')).toContain('2 of 2 load balancers log to S3');
  });

  it('lists the columns of a table created by hand', async () => {
    await putTable(glue, statement, TABLE, { rename: { lambda_error_reason: 'error_reason', ip_address: 'other' } });
    const { stdout } = await doctor(['shop-prod'], RESULTS);
    expect(about(stdout, 'ok', 'Athena table')).toContain('the reason of an error is error_reason');
    expect(about(stdout, 'note', 'Athena table')).toContain('has no ip_address');
  });

  it('recognises the same tables as a diagnosis', async () => {
    await putTable(glue, statement, TABLE, {
      rename: { time: 'log_time', elb: 'elb_name', request_creation_time: 'other' },
      location: 's3://example-alb-logs/nowhere/',
    });
    const { stdout } = await doctor(['shop-prod'], RESULTS);
    expect(about(stdout, 'ok', 'Athena table')).toContain('default.alb_access_logs: 38 columns');
    expect(about(stdout, 'note', 'Athena table')).not.toContain('request_creation_time');
    await putTable(glue, statement, TABLE, { drop: ['request_creation_time'] });
    expect(about((await doctor(['shop-prod'], RESULTS)).stdout, 'note', 'Athena table')).toContain(
      'has no column request_creation_time: unknown how long failed requests took',
    );
    await putTable(glue, statement, TABLE, { drop: ['elb_status_code'] });
    const named = await doctor(['shop-prod'], { ...RESULTS, ALB502_ATHENA_TABLE: TABLE.Name });
    expect(about(named.stdout, 'missing', 'Athena table')).toContain(
      'is no table of access logs: it has no elb_status_code',
    );
  });

  it('finds that the pattern of an old table produces rows of NULL', async () => {
    await putTable(glue, statement, TABLE, { pattern: '([^ ]*) ([^ ]*)' });
    const { stdout } = await doctor(['shop-prod'], RESULTS);
    expect(about(stdout, 'missing', 'Athena table')).toMatch(/are NULL.*DROP TABLE `default`\.`alb_access_logs`/);
  });

  it.each([
    { because: 'there is no place for results', more: {}, says: /primary has no place for results.*update-work-group/ },
    {
      because: 'the bucket for results does not exist',
      more: { ALB502_ATHENA_OUTPUT: 's3://nowhere-results/x/' },
      says: /that bucket does not exist/,
    },
    { because: 'the workgroup is not there', more: { ALB502_ATHENA_WORKGROUP: 'nobody' }, says: /nobody/ },
  ])('says that Athena cannot work: $because', async ({ more, says }) => {
    await putTable(glue, statement, TABLE);
    const { code, stdout } = await doctor(['shop-prod'], more);
    expect(code).toBe(0);
    expect(about(stdout, 'missing', 'Athena results')).toMatch(says);
  });

  it('reports a log that does not arrive, with the policy that allows it', async () => {
    const { code, stdout } = await doctor(['checkout']);
    expect(code).toBe(0);
    const said = about(stdout, 'missing', 'Delivery');
    expect(said).toMatch(/logging is on, but the log does not arrive: CloudWatch counts [\d,]+ requests/);
    expect(said).toContain('arn:aws:iam::156460612806:root');
    const policy = JSON.parse(said.slice(said.indexOf('{ "Version"')));
    expect(policy.Statement[0]).toMatchObject({
      Principal: { Service: 'logdelivery.elasticloadbalancing.amazonaws.com' },
      Action: 's3:PutObject',
      Resource: 'arn:aws:s3:::example-other/checkout/AWSLogs/123456789012/*',
    });
  });

  it('reports that logging is off, with the command that enables it', async () => {
    const enable = (Value: string) =>
      clients.elbv2.send(
        new ModifyLoadBalancerAttributesCommand({
          LoadBalancerArn: shop.arn,
          Attributes: [{ Key: 'access_logs.s3.enabled', Value }],
        }),
      );
    await enable('false');
    const { stdout } = await doctor(['shop-prod']);
    await enable('true');
    const said = about(stdout, 'missing', 'Access log');
    expect(said).toContain('no vended delivery');
    expect(said).toContain(`modify-load-balancer-attributes --load-balancer-arn ${shop.arn}`);
    expect(said).toContain('Key=access_logs.s3.bucket,Value=example-alb-logs');
  });

  it('lists the load balancers if none matches', async () => {
    const { code, stdout, stderr } = await doctor(['nonsense']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/nonsense.*checkout, shop-prod/);
  });

  it('reports missing credentials in one sentence', async () => {
    const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, ...without } = environment;
    const { code, stdout, stderr } = await alb502(['doctor'], without, work);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^There are no AWS credentials[^\n]*\n$/);
  });
});

describe('permissions, as moto enforces them', () => {
  const policy = policyForMoto('example-alb-logs');
  afterAll(() => forgetPermissions(endpoint));

  it('are enough with iam-policy.json', async () => {
    await putTable(glue, statement, TABLE);
    const user = await userWith(endpoint, 'allowed', policy);
    const { code, stdout } = await doctor(['shop-prod'], { ...RESULTS, ...user });
    await forgetPermissions(endpoint);
    expect(code).toBe(0);
    expect(stdout).not.toContain('denied');
    expect(about(stdout, 'ok', 'Log files')).toContain('can be read');
    expect(about(stdout, 'ok', 'Athena table')).toContain('38 columns');
  });

  it('are named if missing, with the policy that allows them', async () => {
    const less = policy
      .replace(/\s*"ec2:DescribeNetworkAcls",/, '')
      .replace(/\s*"elasticloadbalancing:DescribeTargetHealth",/, '');
    const user = await userWith(endpoint, 'restricted', less);
    const { code, stdout } = await doctor(['shop-prod'], { ...RESULTS, ...user });
    await forgetPermissions(endpoint);
    expect(code).toBe(0);
    expect(about(stdout, 'missing', 'Permission')).toContain(
      'ec2:DescribeNetworkAcls was denied: whether a network ACL',
    );
    const offered = JSON.parse(stdout.slice(stdout.indexOf('\n{') + 1));
    expect(offered.Statement).toEqual([
      {
        Effect: 'Allow',
        Action: ['ec2:DescribeNetworkAcls', 'elasticloadbalancing:DescribeTargetHealth'],
        Resource: '*',
      },
    ]);
  });
});
