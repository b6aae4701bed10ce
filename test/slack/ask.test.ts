/** Reading what a person typed. */
import { expect, it } from 'vitest';
import { recordedInvestigator } from '../../src/investigate/recorded.ts';
import { readTyped } from '../../src/slack/ask.ts';
import { openLog } from '../../src/slack/slack-log.ts';
import { incidentFolder } from '../support/aws/live-run.ts';

/** A person who may ask about the load balancers of these accounts; counts how often that is decided. */
async function contextOf(accounts: string[]) {
  const decided = { times: 0 };
  const context = {
    investigator: await recordedInvestigator([incidentFolder('001')], { account: 'prod' }),
    authorize: async () => {
      decided.times += 1;
      return { accounts };
    },
    loadBalancersOfAlarm: async () => [],
    log: openLog('error', { write: () => {} }),
    signal: new AbortController().signal,
  };
  return { context, decided };
}
const SHOP_ARN = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop-prod/4f2a9c1e7b3d5068';
const who = { user: 'U0ADA', teams: ['T0LOCAL'], channel: 'C0ALERTS' };

it.each([
  ['a question', 'shop-prod last 30m', 'shop-prod'],
  ['an alert', 'ALARM: many 5xx on shop-prod since 10:00', SHOP_ARN],
])('authorizes the person once to read %s', async (_, words, loadBalancer) => {
  const { context, decided } = await contextOf(['prod']);
  expect(await readTyped(context, words, who)).toMatchObject({ query: { loadBalancer } });
  expect(decided.times).toBe(1);
});

it('finds no load balancer of an account that the person may not ask about', async () => {
  const { context } = await contextOf([]);
  expect(await readTyped(context, 'ALARM: many 5xx on shop-prod since 10:00', who)).toHaveProperty('problem');
});
