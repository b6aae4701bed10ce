/** Finds the load balancers an alarm is about, with AWS calls on 127.0.0.1. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { accountFor, liveLookup, resolveLoadBalancer } from '../../src/alarms/affected-load-balancers.ts';
import type { Alarm } from '../../src/alarms/alarm-event.ts';
import { readMessage } from '../../src/alarms/read-message.ts';
import { parseConfig } from '../../src/config.ts';
import type { LoadBalancerRef } from '../../src/investigate/investigator.ts';
import { Problem } from '../../src/problem.ts';
import { ACCOUNT, alarmArn, arnOf, REGION, resourceOf, snsAlarm } from '../support/alarms/messages.ts';

const AT = Date.parse('2026-11-20T02:44:00.000Z');
const OTHER = '333333333333';
const GROUP = 'targetgroup/web/73e2d6bc24d8a067';
const GROUP_ARN = `arn:aws:elasticloadbalancing:${REGION}:${ACCOUNT}:${GROUP}`;

let server: Server;
let asked: string[];
let alarms: Record<string, Record<string, unknown>>;
/** What DescribeAlarms answers instead, while it is set. */
let refusal: { status: number; type: string; message: string } | null;
let balancersOfGroup: string[];

beforeEach(async () => {
  [asked, alarms, refusal, balancersOfGroup] = [[], {}, null, [arnOf('shop')]];
  server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += part;
    const target = String(request.headers['x-amz-target'] ?? '')
      .split('.')
      .at(-1);
    if (target === 'DescribeAlarms') {
      const { AlarmNames = [] } = JSON.parse(body) as { AlarmNames?: string[] };
      asked.push(`DescribeAlarms ${AlarmNames.join()}`);
      response.setHeader('Content-Type', 'application/x-amz-json-1.0');
      if (refusal !== null) {
        const { status, type, message } = refusal;
        response.writeHead(status).end(JSON.stringify({ __type: type, message }));
        return;
      }
      const found = AlarmNames.map((name) => alarms[name]).filter((one) => one !== undefined);
      response.end(
        JSON.stringify({
          MetricAlarms: found.filter((one) => !('AlarmRule' in one)),
          CompositeAlarms: found.filter((one) => 'AlarmRule' in one),
        }),
      );
      return;
    }
    const query = new URLSearchParams(body);
    asked.push(`${query.get('Action')} ${query.get('TargetGroupArns.member.1')}`);
    response.setHeader('Content-Type', 'text/xml');
    const members = balancersOfGroup.map((arn) => `<member>${arn}</member>`).join('');
    response.end(
      `<DescribeTargetGroupsResponse><DescribeTargetGroupsResult><TargetGroups><member><TargetGroupArn>${GROUP_ARN}</TargetGroupArn><LoadBalancerArns>${members}</LoadBalancerArns></member></TargetGroups></DescribeTargetGroupsResult></DescribeTargetGroupsResponse>`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAIOSFODNN7EXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
});
afterEach(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
});

function alarmIn(message: unknown): Alarm {
  const read = readMessage(JSON.stringify(message));
  if (!('alarm' in read)) throw new Error(JSON.stringify(read));
  return read.alarm;
}

const described = (name: string, more: Record<string, unknown> = {}) => ({
  AlarmName: name,
  AlarmArn: alarmArn(name),
  StateValue: 'ALARM',
  StateReason: 'Threshold Crossed: 1 datapoint [12.0 (20/11/26 02:30:00)] was greater than the threshold (5.0).',
  StateUpdatedTimestamp: AT / 1000 - 600,
  MetricName: 'HTTPCode_ELB_502_Count',
  Namespace: 'AWS/ApplicationELB',
  Dimensions: [{ Name: 'LoadBalancer', Value: resourceOf('shop') }],
  Period: 60,
  EvaluationPeriods: 3,
  Threshold: 5,
  ...more,
});
const { Trigger: _, ...plain } = snsAlarm({ at: AT, name: 'shop-any', reason: 'shop-502 transitioned to ALARM' });
const composite = (children: string[], more: object = {}) =>
  alarmIn({
    ...plain,
    AlarmRule: children.map((child) => `ALARM(${child})`).join(' OR '),
    TriggeringChildren: [],
    ...more,
  });

const lookup = liveLookup(parseConfig({}, {}, 'test'));
const look = (alarm: Alarm) => lookup(alarm, new AbortController().signal);

it('makes no call if the message names the load balancer', async () => {
  expect(await look(alarmIn(snsAlarm({ at: AT })))).toMatchObject({
    loadBalancers: [resourceOf('shop')],
    sentences: [],
  });
  expect(asked).toEqual([]);
});

it('finds those of the children in ALARM, from before the first of them', async () => {
  alarms = {
    'shop-502': described('shop-502'),
    'api-502': described('api-502', {
      StateValue: 'OK',
      Dimensions: [{ Name: 'LoadBalancer', Value: resourceOf('api') }],
    }),
    cpu: described('cpu', { Namespace: 'AWS/EC2', Dimensions: [{ Name: 'InstanceId', Value: 'i-1' }] }),
  };
  const about = await look(composite(['shop-502', 'api-502', 'cpu']));
  expect(about).toEqual({
    loadBalancers: [resourceOf('shop')],
    owners: { [resourceOf('shop')]: ACCOUNT },
    accounts: [ACCOUNT],
    from: Date.parse('2026-11-20T02:25:00Z'),
    sentences: [],
    isTransient: false,
    unrelatedReason: null,
  });
  expect(asked).toEqual(['DescribeAlarms shop-502,api-502,cpu']);
});

it('finds those of all children once the alarm has ended', async () => {
  alarms = {
    'shop-502': described('shop-502', { StateValue: 'OK' }),
    'api-502': described('api-502', {
      StateValue: 'OK',
      Dimensions: [{ Name: 'LoadBalancer', Value: resourceOf('api') }],
    }),
  };
  const about = await look(composite(['shop-502', 'api-502'], { NewStateValue: 'OK' }));
  expect(about.loadBalancers).toEqual([resourceOf('shop'), resourceOf('api')]);
});

it('follows nested composite alarms, metric math and target groups', async () => {
  const math = {
    ...described('rate'),
    MetricName: undefined,
    Namespace: undefined,
    Dimensions: undefined,
    Metrics: [
      { Id: 'e', Expression: 'a/b' },
      {
        Id: 'a',
        MetricStat: {
          Metric: {
            Namespace: 'AWS/ApplicationELB',
            MetricName: 'HTTPCode_ELB_5XX_Count',
            Dimensions: [{ Name: 'LoadBalancer', Value: resourceOf('api') }],
          },
          Period: 60,
          Stat: 'Sum',
        },
      },
    ],
  };
  alarms = {
    inner: {
      ...described('inner'),
      AlarmRule: 'ALARM(rate) OR ALARM(lambda)',
      MetricName: undefined,
      Namespace: undefined,
      Dimensions: undefined,
    },
    rate: math,
    lambda: described('lambda', { MetricName: 'LambdaUserError', Dimensions: [{ Name: 'TargetGroup', Value: GROUP }] }),
  };
  const about = await look(composite(['inner']));
  expect(about.loadBalancers).toEqual([resourceOf('api'), resourceOf('shop')]);
  expect(asked).toEqual(['DescribeAlarms inner', 'DescribeAlarms rate,lambda', `DescribeTargetGroups ${GROUP_ARN}`]);
});

it('knows in which account each load balancer is, if children watch metrics of another account', async () => {
  const metrics = (name: string, account: string | null) => ({
    ...described(name),
    MetricName: undefined,
    Namespace: undefined,
    Dimensions: undefined,
    Metrics: [
      {
        Id: 'a',
        ...(account === null ? {} : { AccountId: account }),
        MetricStat: {
          Metric: {
            Namespace: 'AWS/ApplicationELB',
            MetricName: 'HTTPCode_ELB_5XX_Count',
            Dimensions: [{ Name: 'LoadBalancer', Value: resourceOf(name) }],
          },
          Period: 60,
          Stat: 'Sum',
        },
      },
    ],
  });
  alarms = { shop: metrics('shop', null), bank: metrics('bank', OTHER) };
  expect(await look(composite(['shop', 'bank']))).toMatchObject({
    owners: { [resourceOf('shop')]: ACCOUNT, [resourceOf('bank')]: OTHER },
    accounts: [ACCOUNT, OTHER],
  });
});

it('stops at composite alarms that name each other', async () => {
  alarms = {
    a: { ...described('a'), AlarmRule: 'ALARM(a)', MetricName: undefined, Namespace: undefined, Dimensions: undefined },
  };
  const about = await look(composite(['a']));
  expect(about.loadBalancers).toEqual([]);
  expect(about.sentences).toEqual(['a is composed of alarms too deep to follow.']);
});

it('ignores an alarm whose children all belong to other namespaces', async () => {
  alarms = { cpu: described('cpu', { Namespace: 'AWS/EC2', Dimensions: [{ Name: 'InstanceId', Value: 'i-1' }] }) };
  expect(await look(composite(['cpu']))).toMatchObject({ loadBalancers: [], unrelatedReason: 'it is about AWS/EC2' });
});

const DENIED = {
  status: 400,
  type: 'AccessDenied',
  message: 'not authorized to perform: cloudwatch:DescribeAlarms',
};

it.each([
  { status: 400, type: 'Throttling', message: 'Rate exceeded' },
  { status: 503, type: 'ServiceUnavailable', message: 'The service is unavailable' },
  { status: 500, type: 'InternalFailure', message: 'It broke' },
])('allows a retry after $type', async (given) => {
  refusal = given;
  const about = await look(composite(['shop-502']));
  expect(about).toMatchObject({ loadBalancers: [], isTransient: true });
  expect(about.sentences).toEqual([expect.stringMatching(/^cloudwatch:DescribeAlarms (was throttled|failed)/)]);
});

it('allows a retry after a timeout', async () => {
  const late = liveLookup(parseConfig({ deadlines: { evidenceSeconds: 1 } }, {}, 'test'));
  server.removeAllListeners('request').on('request', () => {});
  expect(await late(composite(['shop-502']), new AbortController().signal)).toMatchObject({
    isTransient: true,
    sentences: ['cloudwatch:DescribeAlarms got no answer within 1 s.'],
  });
});

it('says that the role cannot be assumed, not that the call was denied', async () => {
  server.removeAllListeners('request').on('request', (_, response) => {
    response
      .writeHead(403, { 'Content-Type': 'text/xml' })
      .end(
        '<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: alb502 is not authorized to perform: sts:AssumeRole on resource: role/shop</Message></Error></ErrorResponse>',
      );
  });
  const role = `arn:aws:iam::${ACCOUNT}:role/shop`;
  const other = liveLookup(parseConfig({ accounts: [{ name: 'shop', roleArn: role }] }, {}, 'test'));
  await expect(other(composite(['shop-502']), new AbortController().signal)).rejects.toThrow(
    `Could not assume the role ${role}: sts:AssumeRole was denied.`,
  );
});

it('says why the lookup failed', async () => {
  refusal = DENIED;
  const about = await look(composite(['shop-502']));
  expect(about.loadBalancers).toEqual([]);
  expect(about.sentences).toEqual([
    'cloudwatch:DescribeAlarms was denied. Allow it with {"Effect":"Allow","Action":"cloudwatch:DescribeAlarms","Resource":"*"}',
  ]);
  expect(about.isTransient).toBe(false);
  refusal = null;
  expect((await look(composite(['shop-502']))).sentences).toEqual([
    'The alarms that shop-any is composed of are gone.',
  ]);
});

it('finds the load balancers that forward to a target group', async () => {
  const Trigger = {
    MetricName: 'LambdaUserError',
    Namespace: 'AWS/ApplicationELB',
    Dimensions: [{ name: 'TargetGroup', value: GROUP }],
  };
  const alarm = alarmIn({ ...snsAlarm({ at: AT }), Trigger });
  expect((await look(alarm)).loadBalancers).toEqual([resourceOf('shop')]);
  const Metrics = [
    { AccountId: OTHER, MetricStat: { Metric: { ...Trigger, Dimensions: Trigger.Dimensions }, Period: 60 } },
  ];
  asked = [];
  expect(await look(alarmIn({ ...snsAlarm({ at: AT }), Trigger: { Metrics } }))).toMatchObject({
    owners: { [resourceOf('shop')]: OTHER },
  });
  expect(asked).toEqual([`DescribeTargetGroups ${GROUP_ARN.replace(ACCOUNT, OTHER)}`]);
  balancersOfGroup = [];
  expect((await look(alarm)).sentences).toEqual([`No Application Load Balancer forwards to ${GROUP} any more.`]);
});

it('takes the account from the role, or else from the environment', () => {
  const role = { name: 'shop', roleArn: `arn:aws:iam::${ACCOUNT}:role/alb502`, regions: [] };
  const own = { name: 'own', regions: [] };
  expect(accountFor([own, role], ACCOUNT)?.name).toBe('shop');
  expect(accountFor([role, own], '999999999999')?.name).toBe('own');
  expect(accountFor([role], null)?.name).toBe('shop');
  expect(accountFor([], null)).toBe(null);
});

it('reports a known load balancer, builds one from the alarm, or looks it up', async () => {
  const alarm = alarmIn(snsAlarm({ at: AT }));
  const known: LoadBalancerRef = { name: 'shop', arn: arnOf('shop'), account: 'prod', region: REGION };
  let looked = 0;
  const looking = (all: LoadBalancerRef[], find?: LoadBalancerRef) => ({
    accounts: [{ name: 'default', regions: [] }],
    investigator: {
      listLoadBalancers: () => all,
      find: async () => {
        looked += 1;
        if (find === undefined) throw new Problem("There is no load balancer 'shop'.", 1);
        return find;
      },
    },
    signal: new AbortController().signal,
  });
  expect(await resolveLoadBalancer(resourceOf('shop'), alarm, ACCOUNT, looking([known]))).toEqual(known);
  expect(await resolveLoadBalancer(resourceOf('shop'), alarm, ACCOUNT, looking([]))).toEqual({
    ...known,
    account: 'default',
  });
  expect(looked).toBe(0);
  const old = { ...alarm, region: null };
  expect(await resolveLoadBalancer(resourceOf('shop'), old, ACCOUNT, looking([], known))).toEqual(known);
  expect(await resolveLoadBalancer(resourceOf('shop'), old, ACCOUNT, looking([]))).toEqual({
    sentence: "There is no load balancer 'shop'.",
    isTransient: false,
  });
});
