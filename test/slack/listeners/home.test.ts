/** The home tab: what this person asked, and nothing of others. */
import { expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { temporaryFolder } from '../../support/incident/folder.ts';
import { type Bot, loadBalancer, openBot } from '../../support/slack/bolt-app.ts';
import { slackRefusals } from '../../support/slack/local-slack.ts';

async function homeOf({ slack }: Pick<Bot, 'slack'>, user: string): Promise<string> {
  await slack.openHome(user);
  const view = await slack.until(() => slack.home(user), 'a home');
  return JSON.stringify(view.content);
}

it("shows this person's questions and the load balancers they may ask about", async () => {
  const bot = await openBot({
    mode: 'socket',
    config: { accounts: [{ name: 'default' }, { name: 'bank', channels: ['C0BANK'] }] },
    loadBalancers: [loadBalancer('shop-prod'), loadBalancer('edge'), loadBalancer('vault', 'bank')],
  });
  await bot.slack.command({ user: 'ada', channel: 'alerts', text: 'shop-prod' });
  await bot.slack.command({ user: 'ben', channel: 'alerts', text: 'edge 504' });
  await eventually(async () => expect(await bot.runs.recent(5)).toHaveLength(2));
  const home = await homeOf(bot, 'ada');
  expect(home).toContain('shop-prod');
  expect(home).toContain('"shop-prod, edge"');
  expect(home).not.toContain('vault');
  expect(home.split('edge')).toHaveLength(2);
  expect(slackRefusals(bot.slack.refusals)).toEqual([]);
});

it('shows which load balancers are muted, and by whom, if the person may ask about them', async () => {
  const bot = await openBot({
    config: { accounts: [{ name: 'default' }, { name: 'bank', channels: ['C0BANK'] }] },
    loadBalancers: [loadBalancer('shop-prod'), loadBalancer('vault', 'bank')],
  });
  const mute = (name: string, account?: string) => {
    const { arn } = loadBalancer(name, account);
    return { kind: 'load-balancer' as const, key: arn ?? '', name };
  };
  await bot.mutes.add([mute('shop-prod'), mute('vault', 'bank')], 'U0BEN', 4);
  const home = await homeOf(bot, 'ada');
  expect(home).toContain('all alarms on shop-prod · muted by ');
  expect(home).toContain('U0BEN');
  expect(home).not.toContain('vault');
});

it('shows only a refusal to someone who may not ask', async () => {
  const bot = await openBot({ config: { slack: { allow: { users: ['U0BEN'] } } } });
  const home = await homeOf(bot, 'ada');
  expect(home).toContain("don't have access to alb502");
  expect(home).not.toContain('shop-prod');
});

it("hides this person's questions about an account limited to its channel", async () => {
  const bot = await openBot({
    config: { accounts: [{ name: 'default' }, { name: 'bank', channels: ['C0ALERTS'] }] },
    loadBalancers: [loadBalancer('shop-prod'), loadBalancer('vault', 'bank')],
  });
  await bot.slack.command({ user: 'ada', channel: 'alerts', text: 'shop-prod' });
  await bot.slack.command({ user: 'ada', channel: 'alerts', text: 'vault' });
  await eventually(async () => expect(await bot.runs.recent(5)).toHaveLength(2));
  const home = await homeOf(bot, 'ada');
  expect(home).toContain('shop-prod');
  expect(home).not.toContain('vault');
});

it('hides an old diagnosis of an account that is limited to a channel now', async () => {
  const folder = temporaryFolder();
  const loadBalancers = [loadBalancer('shop-prod'), loadBalancer('vault', 'bank')];
  const before = await openBot({
    folder,
    loadBalancers,
    config: { accounts: [{ name: 'default' }, { name: 'bank' }] },
  });
  await before.slack.command({ user: 'ada', channel: 'alerts', text: 'vault' });
  await eventually(async () => expect(await before.runs.recent(5)).toHaveLength(1));
  expect(await homeOf(before, 'ada')).toMatch(/Your last diagnoses.*vault/);
  const config = { accounts: [{ name: 'default' }, { name: 'bank', channels: ['C0BANK'] }] };
  const home = await homeOf(await openBot({ folder, loadBalancers, config }), 'ada');
  expect(home).toContain('shop-prod');
  expect(home).not.toContain('vault');
});

it('hides failures in an account limited to its channel, even if its name begins like an open one', async () => {
  const home = await homeOf(
    await openBot({
      config: { accounts: [{ name: 'shop' }, { name: 'shop-bank', channels: ['C0BANK'] }] },
      loadBalancers: [loadBalancer('edge', 'shop')],
      failures: ['shop', 'shop-bank'].map((account) => ({ account, sentence: `${account}, eu-west-1: not allowed` })),
    }),
    'ada',
  );
  expect(home).toContain('shop, eu-west-1: not allowed');
  expect(home).not.toContain('shop-bank');
});
