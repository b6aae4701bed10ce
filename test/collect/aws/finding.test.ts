/** Finds the load balancer in one or several regions and accounts, and says what to do if AWS cannot be asked. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { findLive } from '../../../src/collect/aws/load-balancer.ts';
import { openSession, type Session, standardRegion } from '../../../src/collect/aws/session.ts';
import { parseQuestion } from '../../../src/query/parse-question.ts';
import { sessionIn } from '../../support/aws/live-run.ts';
import { DENIED, type Fault, type Files, openAccount } from '../../support/aws/recorded-account.ts';
import { temporaryFolder } from '../../support/incident/folder.ts';

const ACTION = 'elasticloadbalancing:DescribeLoadBalancers';
const STATEMENT = `{"Effect":"Allow","Action":"${ACTION}","Resource":"*"}`;

const arnOf = (name: string, region = 'eu-west-1', account = '123456789012') =>
  `arn:aws:elasticloadbalancing:${region}:${account}:loadbalancer/app/${name}/50dc6c495c0c9188`;

const named = (names: string[], region = 'eu-west-1', account = '123456789012'): Files => ({
  'describe-load-balancers': {
    LoadBalancers: names.map((name) => ({
      LoadBalancerName: name,
      LoadBalancerArn: arnOf(name, region, account),
      DNSName: `${name}-1974023788.${region}.elb.amazonaws.com`,
      Type: name.startsWith('nlb') ? 'network' : 'application',
      VpcId: 'vpc-1',
    })),
  },
});

/** With the credentials of a profile. */
function sessionOf(profile: string): Session {
  const limits = { signal: new AbortController().signal, deadline: 5000 };
  const session = openSession({ account: 'default', region: 'eu-west-1', profile }, limits);
  onTestFinished(() => session.close());
  return session;
}

const ONLY_ALB = 'alb502 diagnoses Application Load Balancers.';
const FLEET = ['shop-prod', 'shop-stage', 'api', 'Admin', 'nlb-edge'];

describe('a load balancer is found by', () => {
  it.each([
    ['its name', 'api', 'api'],
    ['its name, which is part of others', 'shop-prod', 'shop-prod'],
    ['its name in other letters', 'admin', 'Admin'],
    ['its ARN', arnOf('api'), 'api'],
    ['app/name/id', 'app/api/50dc6c495c0c9188', 'api'],
    ['its DNS name', 'api-1974023788.eu-west-1.elb.amazonaws.com', 'api'],
    ['its DNS name of both families', 'dualstack.api-1974023788.eu-west-1.elb.amazonaws.com', 'api'],
    ['the part of its name that no other has', 'stage', 'shop-stage'],
  ])('%s', async (_, asked, name) => {
    await openAccount(named(FLEET));
    expect(parseQuestion(`${asked} last 15m`).loadBalancer).toBe(asked);
    const found = await findLive(asked, [sessionIn('eu-west-1')]);
    expect(found).toMatchObject({ name, arn: arnOf(name), described: { value: { VpcId: 'vpc-1' } } });
  });
});

it('finds a load balancer by name without listing all', async () => {
  const account = await openAccount(named(Array.from({ length: 60 }, (_, index) => `lb-${index}`)));
  account.paged(1);
  expect((await findLive('lb-7', [sessionIn('eu-west-1')])).name).toBe('lb-7');
  expect(account.asked.length).toBeLessThan(20);
});

describe('with no load balancer, or more than one', () => {
  it.each([
    [
      'nowhere',
      "No load balancer 'nowhere' in eu-west-1. There are: Admin, api, shop-prod, shop-stage. Try: Admin last 15m, or Admin from 02:40 to 02:55.",
    ],
    [
      'shop',
      "'shop' matches 2 load balancers: shop-prod, shop-stage. Try: shop-prod last 15m, or shop-stage last 15m.",
    ],
    ['nlb-edge', `'nlb-edge' in eu-west-1 is a Network Load Balancer; ${ONLY_ALB}`],
    [
      'nlb-edge-1974023788.eu-west-1.elb.amazonaws.com',
      `'nlb-edge' in eu-west-1 is a Network Load Balancer; ${ONLY_ALB}`,
    ],
    [arnOf('inspect').replace('/app/', '/gwy/'), `'inspect' in eu-west-1 is a Gateway Load Balancer; ${ONLY_ALB}`],
    [
      'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/old-shop',
      `'old-shop' in eu-west-1 is a Classic Load Balancer; ${ONLY_ALB}`,
    ],
    ['old-shop', `'old-shop' in eu-west-1 is a Classic Load Balancer; ${ONLY_ALB}`],
    [
      arnOf('old'),
      `No load balancer '${arnOf('old')}' in eu-west-1. There are: Admin, api, shop-prod, shop-stage. Try: api last 15m, or api from 02:40 to 02:55.`,
    ],
  ])('%s', async (asked, message) => {
    await openAccount({
      ...named(FLEET),
      'describe-classic-load-balancers': { LoadBalancerDescriptions: [{ LoadBalancerName: 'old-shop' }] },
    });
    await expect(findLive(asked, [sessionIn('eu-west-1')])).rejects.toMatchObject({ message, exitCode: 1 });
  });

  it('says that the region has none', async () => {
    await openAccount({});
    const message = "No load balancer 'api' in eu-west-1; there are none at all.";
    await expect(findLive('api', [sessionIn('eu-west-1')])).rejects.toMatchObject({ message, exitCode: 1 });
  });
});

describe('several regions and accounts', () => {
  const ROLES = ['111111111111', '222222222222'].map((id) => `arn:aws:iam::${id}:role/reader`);

  it('finds it in the one region that has it', async () => {
    const account = await openAccount({});
    account.holds('us-east-1', named(['api'], 'us-east-1'));
    const found = await findLive('api', [sessionIn('eu-west-1'), sessionIn('us-east-1')]);
    expect(found).toMatchObject({ arn: arnOf('api', 'us-east-1'), session: { place: { region: 'us-east-1' } } });
  });

  it('reports the same name in two regions as ambiguous', async () => {
    const account = await openAccount(named(['api']));
    account.holds('us-east-1', named(['api'], 'us-east-1'));
    await expect(findLive('api', [sessionIn('eu-west-1'), sessionIn('us-east-1')])).rejects.toMatchObject({
      message: `'api' matches 2 load balancers: ${arnOf('api')} in eu-west-1, ${arnOf('api', 'us-east-1')} in us-east-1.`,
      exitCode: 1,
    });
  });

  it('uses the role of each account', async () => {
    const account = await openAccount({});
    account.holds('ASIA222222222222', named(['api'], 'eu-west-1', '222222222222'));
    const found = await findLive(
      'api',
      ROLES.map((role) => sessionIn('eu-west-1', {}, role)),
    );
    expect(found.arn).toBe(arnOf('api', 'eu-west-1', '222222222222'));
    expect(account.asked.filter(({ action }) => action === 'sts:AssumeRole').map(({ input }) => input.RoleArn)).toEqual(
      expect.arrayContaining(ROLES),
    );
    expect(account.asked.filter(({ action }) => action === 'sts:AssumeRole')).toHaveLength(2);
  });

  it('finds it in one account when another refuses', async () => {
    const account = await openAccount(named(['api']));
    account.always('sts:AssumeRole', DENIED);
    const sessions = [sessionIn('eu-west-1'), sessionIn('eu-west-1', {}, ROLES[0])];
    const role = ROLES[0]?.replace(/^.*role\//, '');
    expect(await findLive('api', sessions)).toMatchObject({
      name: 'api',
      ambiguityNote: expect.stringMatching(
        `^Could not check whether there is another 'api' in eu-west-1 of ${role}: Could not assume the role ${ROLES[0]}: `,
      ),
    });
    // Of an ARN there is one.
    expect(await findLive(arnOf('api'), sessions)).not.toHaveProperty('ambiguityNote');
    await expect(findLive('nowhere', sessions)).rejects.toMatchObject({
      message: `No load balancer 'nowhere' in eu-west-1. Could not assume the role ${ROLES[0]}: sts:AssumeRole was denied. Its trust policy must name who assumes it, and they need the IAM statement {"Effect":"Allow","Action":"sts:AssumeRole","Resource":"${ROLES[0]}"}.`,
      exitCode: 2,
    });
  });
});

describe('without access to AWS', () => {
  const expired = { code: 'ExpiredToken', message: 'The security token included in the request is expired' };
  const invalid = { code: 'InvalidClientTokenId', message: 'The security token included in the request is invalid.' };
  const skewed = { code: 'RequestTimeTooSkewed', message: 'The difference is too large' };
  const forbidden = { code: 'AccessDenied', message: 'with an explicit deny in a service control policy' };
  it.each<[string, Fault, string[]]>([
    ['expired credentials', expired, ['have expired', 'aws sso login']],
    ['credentials that AWS does not know', invalid, ['does not accept the credentials', 'aws sts get-caller-identity']],
    ['a clock that is wrong', skewed, ['the clock of this machine']],
    ['a permission that is missing', DENIED, [`${ACTION} was denied`, STATEMENT]],
    ['a permission that is taken away', forbidden, ['denied explicitly', 'service control policy']],
  ])('%s', async (_, fault, says) => {
    const account = await openAccount(named(FLEET));
    account.always('*', fault);
    const failure = await findLive('api', [sessionIn('eu-west-1')]).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'Problem', exitCode: 2 });
    for (const text of says) expect(String(failure)).toContain(text);
    expect(String(failure)).toMatch(/^Problem: [^\n]+[.}]$/);
  });

  it('continues with an ARN when describing it is denied', async () => {
    const account = await openAccount(named(FLEET));
    account.always(ACTION, DENIED);
    const found = await findLive(arnOf('api'), [sessionIn('eu-west-1')]);
    expect(found).toMatchObject({
      name: 'api',
      arn: arnOf('api'),
      described: { kind: 'denied', reason: `${ACTION} was denied`, iamStatement: STATEMENT },
    });
  });

  it('reports missing credentials', async () => {
    await openAccount({});
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
    await expect(findLive('api', [sessionIn('eu-west-1')])).rejects.toMatchObject({
      message: expect.stringMatching(/^There are no AWS credentials .*aws sso login, set AWS_PROFILE/),
      exitCode: 2,
    });
  });

  it('reports an invalid profile', async () => {
    await openAccount({});
    await expect(findLive('api', [sessionOf('oops')])).rejects.toMatchObject({
      message: expect.stringMatching(
        /^There are no AWS credentials in the profile oops .*aws configure list-profiles\.$/,
      ),
      exitCode: 2,
    });
  });

  it('reports an expired login', async () => {
    await openAccount({});
    const file = join(temporaryFolder(), 'config');
    const start = 'sso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\n';
    writeFileSync(file, `[profile ops]\n${start}sso_account_id = 123456789012\nsso_role_name = ops\n`);
    vi.stubEnv('AWS_CONFIG_FILE', file);
    vi.stubEnv('HOME', temporaryFolder());
    await expect(findLive('api', [sessionOf('ops')])).rejects.toMatchObject({
      message: 'The AWS credentials have expired: run aws sso login --profile ops, or export new ones.',
      exitCode: 2,
    });
  });

  it('reports a profile that needs an MFA code', async () => {
    await openAccount({});
    const file = join(temporaryFolder(), 'config');
    const role = 'role_arn = arn:aws:iam::123456789012:role/ops\nsource_profile = base\n';
    const device = 'mfa_serial = arn:aws:iam::123456789012:mfa/me\n';
    const base = '[profile base]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret\n';
    writeFileSync(file, `[profile ops]\n${role}${device}${base}`);
    vi.stubEnv('AWS_CONFIG_FILE', file);
    vi.stubEnv('AWS_PROFILE', 'ops');
    await expect(findLive('api', [sessionIn('eu-west-1')])).rejects.toMatchObject({
      message: expect.stringContaining('aws sts get-session-token --serial-number'),
      exitCode: 2,
    });
  });

  it('reports a refused connection', async () => {
    await openAccount({});
    vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${await closedPort()}`);
    await expect(findLive('api', [sessionIn('eu-west-1')])).rejects.toMatchObject({
      message: expect.stringMatching(
        /its endpoint in eu-west-1 cannot be reached .*: look at the network, .* AWS_ENDPOINT_URL\.$/,
      ),
      exitCode: 2,
    });
  });

  it('reports a timeout', async () => {
    const account = await openAccount({});
    account.always(ACTION, 'silence');
    await expect(findLive('api', [sessionIn('eu-west-1', { deadline: 300 })])).rejects.toMatchObject({
      message: `${ACTION} got no answer in time: look at the network, at what stands between it and AWS, and at AWS_ENDPOINT_URL.`,
      exitCode: 2,
    });
  });

  it('reports a missing region', async () => {
    await openAccount({});
    vi.stubEnv('AWS_REGION', undefined);
    await expect(standardRegion(undefined)).rejects.toMatchObject({
      message: expect.stringMatching(/^No AWS region is set\. .*AWS_REGION.*--region/),
      exitCode: 2,
    });
    vi.stubEnv('AWS_DEFAULT_REGION', 'us-east-2');
    expect(await standardRegion(undefined)).toBe('us-east-2');
  });
});

const closedPort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
