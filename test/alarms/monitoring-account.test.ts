/** Alarms of a monitoring account on metrics of a restricted one: where their threads and notes are. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { AlarmLookup } from '../../src/alarms/affected-load-balancers.ts';
import { fromMessage } from '../../src/alarms/affected-load-balancers.ts';
import { ACCOUNT, envelope, event, REGION, resourceOf, snsAlarm } from '../support/alarms/messages.ts';
import { clockAt, instantInvestigator, memoryStore, startProcess } from '../support/alarms/process.ts';
import { fakePoster } from '../support/slack/recording-poster.ts';

const AT = Date.parse('2026-11-20T02:44:00.000Z');
const BANK = '333333333333';
const role = (id: string) => `arn:aws:iam::${id}:role/alb502`;
const ACCOUNTS = [
  { name: 'watch', roleArn: role(ACCOUNT) },
  { name: 'bank', roleArn: role(BANK), channels: ['C0BANK'] },
];
const ROUTES = {
  defaultChannel: 'C0DEFAULT',
  routes: [{ account: ACCOUNT, channel: 'C0WATCH' }],
};

const sns = snsAlarm({ at: AT });
const metric = (dimensions: Record<string, string>) => ({
  Namespace: 'AWS/ApplicationELB',
  MetricName: 'HTTPCode_ELB_5XX_Count',
  Dimensions: Object.entries(dimensions).map(([name, value]) => ({ name, value })),
});
const math = (Metrics: unknown[]) => envelope({ ...sns, Trigger: { Metrics } });
const ofShop = metric({ LoadBalancer: resourceOf('shop') });
const query = (where: string) =>
  `SELECT SUM(HTTPCode_ELB_5XX_Count) FROM SCHEMA("AWS/ApplicationELB", LoadBalancer) WHERE ${where}`;
const byEventBridge = event({ at: AT });
const [first] = byEventBridge.detail.configuration.metrics;

let investigator: Awaited<ReturnType<typeof instantInvestigator>>;
beforeAll(async () => {
  investigator = await instantInvestigator('004-one-row-undecided');
});

/** The channels that got anything of the alarm. `found`: where a search finds the load balancer. */
async function channelsOf(body: string, found: string | null, lookup?: AlarmLookup): Promise<string[]> {
  const poster = fakePoster();
  const process = startProcess({
    poster,
    store: memoryStore(),
    clock: clockAt(AT + 2000),
    investigator: {
      ...investigator,
      async find() {
        if (found === null) throw new Error('it is not found');
        const arn = `arn:aws:elasticloadbalancing:${REGION}:${BANK}:loadbalancer/${resourceOf('shop')}`;
        return { name: 'shop', arn, account: found, region: REGION };
      },
    },
    owner: 'one',
    accounts: ACCOUNTS,
    alarms: ROUTES,
    ...(lookup ? { lookup } : {}),
  });
  await process.alarms.handle(body);
  await process.idle();
  await process.alarms.stop(0);
  return [...new Set(poster.messages.map(({ target }) => target.channel))];
}

describe('an alarm of a monitoring account goes to the channel of the account of its metric', () => {
  it.each<[string, string, string | null]>([
    ['by SNS', math([{ Id: 'a', AccountId: BANK, MetricStat: { Metric: ofShop, Period: 60 } }]), null],
    [
      'in an expression',
      math([
        { Id: 'e', Expression: 'a / 2' },
        { Id: 'a', AccountId: BANK, MetricStat: { Metric: ofShop, Period: 60 } },
      ]),
      null,
    ],
    [
      'by EventBridge',
      JSON.stringify({
        ...byEventBridge,
        detail: { ...byEventBridge.detail, configuration: { metrics: [{ ...first, accountId: BANK }] } },
      }),
      null,
    ],
    [
      'in a query that names the account',
      math([{ Id: 'q', Expression: query(`LoadBalancer = '${resourceOf('shop')}' AND AWS.AccountId = '${BANK}'`) }]),
      null,
    ],
    [
      'in a query that names none, if the load balancer is found there',
      math([{ Id: 'q', Expression: query(`LoadBalancer = '${resourceOf('shop')}'`) }]),
      'bank',
    ],
    [
      'as the time series of a query',
      envelope({
        ...sns,
        Trigger: {
          Metrics: [{ Id: 'q', Expression: query('TargetGroup IS NULL GROUP BY LoadBalancer, AWS.AccountId') }],
        },
        AlarmContributorId: 'c1',
        AlarmContributorAttributes: { LoadBalancer: resourceOf('shop'), 'AWS.AccountId': BANK },
      }),
      null,
    ],
    [
      'without a load balancer',
      math([{ Id: 'a', AccountId: BANK, MetricStat: { Metric: metric({}), Period: 60 } }]),
      null,
    ],
    ['in a query that may be about any account', math([{ Id: 'q', Expression: query('TargetGroup IS NULL') }]), null],
    [
      'with an account that is none',
      math([{ Id: 'a', AccountId: 'bank', MetricStat: { Metric: metric({}), Period: 60 } }]),
      null,
    ],
  ])('%s', async (_, body, found) => {
    expect(await channelsOf(body, found)).toEqual(['C0BANK']);
  });

  it('that its children watch', async () => {
    const { Trigger: _, ...plain } = sns;
    const composite = envelope({ ...plain, AlarmRule: 'ALARM(shop-502)', TriggeringChildren: [] });
    const found: AlarmLookup = async (alarm) => ({
      ...fromMessage(alarm),
      loadBalancers: [resourceOf('shop')],
      owners: { [resourceOf('shop')]: BANK },
      accounts: [ACCOUNT, BANK],
    });
    expect(await channelsOf(composite, null, found)).toEqual(['C0BANK']);
    const none: AlarmLookup = async (alarm) => ({
      ...fromMessage(alarm),
      sentences: ['No Application Load Balancer forwards to targetgroup/bank/73e2d6bc24d8a067 any more.'],
      accounts: [ACCOUNT, BANK],
    });
    expect(await channelsOf(composite, null, none)).toEqual(['C0BANK']);
  });
});

it.each([
  ['metrics of its own', envelope(sns)],
  ['metrics said to be its own', math([{ Id: 'a', AccountId: ACCOUNT, MetricStat: { Metric: ofShop, Period: 60 } }])],
  ['nothing that names a load balancer', envelope(snsAlarm({ at: AT, loadBalancer: null }))],
])('an alarm on %s goes to the channel of its own account', async (_, body) => {
  expect(await channelsOf(body, null)).toEqual(['C0WATCH']);
});
