/** Reading what a person typed. */
import { expect, it } from 'vitest';
import { readTyped } from '../../src/slack/ask.ts';
import type { SlackContext } from '../../src/slack/slack-context.ts';

/** A person who may ask about shop-prod; counts how often that is decided. */
function contextOf(accounts: string[]) {
  const decided = { times: 0 };
  const context = {
    authorize: async () => {
      decided.times += 1;
      return { accounts };
    },
    investigator: {
      listLoadBalancers: () => [{ name: 'shop-prod', account: 'prod', arn: null, region: 'eu-west-1' }],
    },
  } as unknown as SlackContext;
  return { context, decided };
}
const who = { user: 'U0ADA', teams: ['T0LOCAL'], channel: 'C0ALERTS' };

it.each([
  ['a question', 'shop-prod last 30m'],
  ['an alert', 'ALARM: many 5xx on shop-prod since 10:00'],
])('authorizes the person once to read %s', async (_, words) => {
  const { context, decided } = contextOf(['prod']);
  expect(await readTyped(context, words, who)).toMatchObject({ query: { loadBalancer: 'shop-prod' } });
  expect(decided.times).toBe(1);
});

it('finds no load balancer of an account that the person may not ask about', async () => {
  const { context } = contextOf([]);
  expect(await readTyped(context, 'ALARM: many 5xx on shop-prod since 10:00', who)).toHaveProperty('problem');
});
