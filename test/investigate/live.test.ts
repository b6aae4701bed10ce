/** The accounts of a configuration, as the bot asks them. */
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { liveInvestigator } from '../../src/investigate/live.ts';
import { incidentFolder } from '../support/aws/live-run.ts';
import { DENIED, filesOf, openAccount } from '../support/aws/recorded-account.ts';

const signal = new AbortController().signal;
const LIST = 'elasticloadbalancing:DescribeLoadBalancers';

const TWO = parseConfig(
  {
    accounts: [
      { name: 'shop', regions: ['eu-west-1'] },
      { name: 'bank', regions: ['us-east-1'] },
    ],
  },
  {},
  'alb502.json',
);

async function world() {
  const account = await openAccount(filesOf(incidentFolder('001')));
  const there = JSON.stringify(filesOf(incidentFolder('002'))).replaceAll('eu-west-1', 'us-east-1');
  account.holds('us-east-1', JSON.parse(there));
  return { account, investigator: liveInvestigator(TWO, () => Date.parse('2026-11-20T03:00:00Z')) };
}

describe('the list', () => {
  it('covers all accounts, and is not fetched while someone types', async () => {
    const { account, investigator } = await world();
    expect(investigator.listLoadBalancers()).toEqual([]);
    await investigator.refresh();
    expect(investigator.listLoadBalancers()).toMatchObject([
      { name: 'checkout', account: 'bank', region: 'us-east-1' },
      { name: 'shop-prod', account: 'shop', region: 'eu-west-1' },
    ]);
    const before = account.asked.length;
    investigator.listLoadBalancers();
    expect(account.asked).toHaveLength(before);
    expect(investigator.failures()).toEqual([]);
  });

  it('stays the same if it cannot be refreshed, with the reason', async () => {
    const { account, investigator } = await world();
    await investigator.refresh();
    account.always(LIST, DENIED);
    await investigator.refresh();
    expect(investigator.listLoadBalancers()).toHaveLength(2);
    expect(investigator.failures()).toEqual([
      { account: 'bank', sentence: expect.stringMatching(/^bank, us-east-1: .*DescribeLoadBalancers/) },
      { account: 'shop', sentence: expect.stringMatching(/^shop, eu-west-1: .*DescribeLoadBalancers/) },
    ]);
  });
});

describe('the count of CloudWatch', () => {
  const question = (statuses: string[]) => ({
    loadBalancer: {
      name: 'shop-prod',
      arn: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop-prod/4f2a9c1e7b3d5068',
      account: 'shop',
      region: 'eu-west-1',
    },
    from: Date.parse('2026-11-18T02:40:00Z'),
    to: Date.parse('2026-11-18T02:55:00Z'),
    now: Date.parse('2026-11-18T03:00:00Z'),
    statuses,
  });

  it('is available after one call', async () => {
    const { account, investigator } = await world();
    expect(await investigator.countErrors?.(question(['gateway']), signal)).toMatchObject({
      errors: 123,
      byStatus: { 502: 123 },
      since: '2026-11-18T02:40:00.000Z',
    });
    expect(account.asked.map(({ action }) => action)).toEqual(['cloudwatch:GetMetricData']);
  });

  it('is absent if the call is denied or no metric counts these errors', async () => {
    const { account, investigator } = await world();
    expect(await investigator.countErrors?.(question(['460']), signal)).toBeNull();
    account.always('cloudwatch:GetMetricData', DENIED);
    expect(await investigator.countErrors?.(question(['gateway']), signal)).toBeNull();
  });
});

describe('a load balancer', () => {
  it('on the list is found without a call, only in the allowed accounts', async () => {
    const { account, investigator } = await world();
    await investigator.refresh();
    const before = account.asked.length;
    expect(await investigator.find('checkout', ['bank', 'shop'], signal)).toMatchObject({ account: 'bank' });
    expect(account.asked).toHaveLength(before);
    await expect(investigator.find('checkout', ['shop'], signal)).rejects.toThrow("No load balancer 'checkout'");
    expect(new Set(account.asked.slice(before).map(({ region }) => region))).toEqual(new Set(['eu-west-1']));
  });

  it('not on the list is looked up', async () => {
    const { investigator } = await world();
    expect(await investigator.find('shop', ['bank', 'shop'], signal)).toMatchObject({
      name: 'shop-prod',
      region: 'eu-west-1',
    });
  });

  it('is queried only in its own account and region', async () => {
    const { account, investigator } = await world();
    await investigator.refresh();
    const found = await investigator.find('checkout', ['bank', 'shop'], signal);
    const before = account.asked.length;
    const inquiry = investigator.resolveQuestion(
      { loadBalancer: 'checkout', window: null, zone: null, statuses: ['5xx'] },
      found,
    );
    const { diagnosis } = await investigator.investigate(inquiry, { signal });
    expect(diagnosis.loadBalancer.arn).toBe(found.arn);
    const regions = account.asked.slice(before).map(({ region }) => region);
    expect(new Set(regions)).toEqual(new Set(['us-east-1']));
  });

  it('in an account no longer configured is refused', async () => {
    const { investigator } = await world();
    const gone = { name: 'a', arn: null, account: 'gone', region: 'eu-west-1' };
    const inquiry = investigator.resolveQuestion(
      { loadBalancer: 'a', window: null, zone: null, statuses: ['5xx'] },
      gone,
    );
    expect(inquiry).toMatchObject({ from: Date.parse('2026-11-20T02:45:00Z'), to: Date.parse('2026-11-20T03:00:00Z') });
    await expect(investigator.investigate(inquiry, { signal })).rejects.toThrow('account gone is not configured');
  });
});
