/** `/alb502 …` through the real app: what is asked of the threads, and what only the person who typed it sees. */
import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { loadBalancer, openBot } from '../../support/slack/bolt-app.ts';
import { slackRefusals } from '../../support/slack/local-slack.ts';

const typed = (text: string, more: object = {}) => ({ user: 'ada', channel: 'alerts', text, ...more });

describe.each(['http', 'socket'] as const)('by %s', (mode) => {
  it('acknowledges a question at once, silently, and answers in a thread', async () => {
    // Each answer of Slack takes its time; none is waited for.
    const { slack, asked } = await openBot({ mode, slack: { latency: 300 } });
    const { outcome, said } = await slack.command(typed('shop-prod last 15m 502'));
    expect(outcome).toMatchObject({ acknowledged: true });
    expect(slack.roots('alerts')).toEqual([]);
    expect(said).toBeNull();
    await slack.until(() => slack.roots('alerts').length === 1, 'a root message');
    expect(asked.opened).toMatchObject([
      {
        askedBy: { kind: 'person', user: 'U0ADA', team: 'T0LOCAL' },
        channel: 'C0ALERTS',
        parentTs: null,
        question: { loadBalancer: { name: 'shop-prod' }, statuses: ['502'] },
      },
    ]);
    const [{ question } = { question: { from: 0, to: 0 } }] = asked.opened;
    expect(question.to - question.from).toBe(15 * 60_000);
    expect(slack.privateOf('ada')).toEqual([]);
    expect(slackRefusals(slack.refusals)).toEqual([]);
  });

  it('answers a redelivered question once', async () => {
    const { slack, asked } = await openBot({ mode });
    const done = await slack.command(typed('shop-prod'));
    expect(await done.again({ attempt: 1, reason: 'http_timeout' })).toMatchObject({ acknowledged: true });
    await slack.until(() => slack.roots('alerts').length > 0, 'a root message');
    expect(asked.opened).toHaveLength(1);
  });
});

describe('answers in private, without a lookup', () => {
  it.each([
    ['help', 'finds the root cause'],
    ['HELP', 'finds the root cause'],
    ['?', 'finds the root cause'],
    ['shop-prod last fortnight', 'Didn\'t understand "last fortnight". Try: shop-prod last 15m'],
    ['shop_prod', 'Didn\'t understand "shop_prod". Try:'],
    ['<!channel>', 'Didn\'t understand "!channel". Try:'],
  ])('%s', async (text, says) => {
    const { slack, asked } = await openBot();
    await slack.command(typed(text));
    const [message] = await slack.until(() => someOf(slack.privateOf('ada')), 'a private answer');
    expect(message?.text.toLowerCase()).toContain(says.toLowerCase());
    expect(slack.privateOf('ada')).toHaveLength(1);
    expect(slack.roots('alerts')).toEqual([]);
    expect(asked).toMatchObject({ opened: [], found: [] });
    expect(slackRefusals(slack.refusals)).toEqual([]);
  });
});

describe('answers in private after a lookup', () => {
  it.each([
    ['a load balancer that is not there', {}, 'orders', "There is no load balancer 'orders'", ['orders']],
    [
      'a window in the future',
      {},
      'shop-prod from 2099-01-01T00:00Z to 2099-01-02T00:00Z',
      'in the future',
      ['shop-prod'],
    ],
    [
      'a channel that may not ask',
      { slack: { allow: { channels: ['C0OTHER'] } } },
      'shop-prod',
      'does not answer in this channel',
      [],
    ],
    ['a person who may not ask', { slack: { allow: { users: ['U0BEN'] } } }, 'shop-prod', "don't have access", []],
    [
      'a workspace that may not ask',
      { slack: { allow: { workspaces: ['T0OTHER'] } } },
      'shop-prod',
      'this workspace',
      [],
    ],
    [
      'an account of another channel',
      { accounts: [{ name: 'default', channels: ['C0BANK'] }] },
      'shop-prod',
      'No account',
      [],
    ],
  ])('%s', async (_, config, text, says, found) => {
    const { slack, asked } = await openBot({ config });
    expect((await slack.command(typed(text))).outcome).toMatchObject({ acknowledged: true });
    const [message] = await slack.until(() => someOf(slack.privateOf('ada')), 'a private answer');
    expect(message?.text).toContain(says);
    expect(message?.channel).toBe('C0ALERTS');
    expect(asked).toMatchObject({ opened: [], found });
    expect(slack.roots('alerts')).toEqual([]);
  });

  it('reveals nothing about an account of another channel', async () => {
    const { slack, asked } = await openBot({
      config: { accounts: [{ name: 'default' }, { name: 'bank', channels: ['C0BANK'] }] },
      loadBalancers: [loadBalancer('vault', 'bank')],
    });
    await slack.command(typed('vault'));
    const [message] = await slack.until(() => someOf(slack.privateOf('ada')), 'a private answer');
    expect(message?.text).toBe("There is no load balancer 'vault'.");
    expect(asked.opened).toEqual([]);
  });
});

it.each([
  ['a person who may not ask', { slack: { allow: { users: ['U0BEN'] } } }],
  ['a person of no user group that may ask', { slack: { allow: { userGroups: ['S0ONCALL'] } } }],
  ['a channel that may not ask', { slack: { allow: { channels: ['C0OTHER'] } } }],
  ['a workspace that may not ask', { slack: { allow: { workspaces: ['T0OTHER'] } } }],
  ['a channel to which no account is open', { accounts: [{ name: 'default', channels: ['C0BANK'] }] }],
])('names no load balancer to %s', async (_, config) => {
  const scopes = ['commands', 'chat:write', 'app_mentions:read', 'usergroups:read'];
  const { slack } = await openBot({ config, slack: { userGroups: { oncall: ['ben'] }, scopes } });
  await slack.command(typed('no such words'));
  await slack.command(typed('last fortnight'));
  await slack.mention({ user: 'ada', channel: 'alerts', text: 'no such words' });
  await slack.mention({ user: 'ada', channel: 'alerts', text: 'last 15m' });
  const told = await slack.until(() => {
    const messages = slack.privateOf('ada');
    return messages.length === 4 ? messages : null;
  }, 'four private answers');
  expect(JSON.stringify(told.map(({ text, blocks }) => [text, blocks]))).not.toMatch(/shop-prod|edge|checkout/);
});

describe('members of a user group', () => {
  const config = { slack: { allow: { userGroups: ['S0ONCALL'] } } };
  const slackOptions = { userGroups: { oncall: ['ben'] }, scopes: ['commands', 'chat:write', 'usergroups:read'] };

  it('may ask, unlike others', async () => {
    const { slack, asked } = await openBot({ config, slack: slackOptions });
    await slack.command(typed('shop-prod'));
    const [message] = await slack.until(() => someOf(slack.privateOf('ada')), 'a private answer');
    expect(message?.text).toContain("don't have access");
    expect(asked.opened).toEqual([]);
    await slack.command(typed('shop-prod', { user: 'ben' }));
    await slack.until(() => slack.roots('alerts').length === 1, 'a root message');
    expect(slack.callsOf('usergroups.users.list')).toHaveLength(1);
  });

  it('count as unknown while Slack does not list them', async () => {
    const { slack, asked } = await openBot({ config, slack: { ...slackOptions, scopes: ['commands', 'chat:write'] } });
    await slack.command(typed('shop-prod', { user: 'ben' }));
    const [message] = await slack.until(() => someOf(slack.privateOf('ben')), 'a private answer');
    expect(message?.text).toContain('Slack did not say');
    expect(asked).toMatchObject({ opened: [], found: [] });
  });
});

describe('a refusal', () => {
  it.each([
    ['alerts', 'Type /invite @alb502 here, then ask again'],
    ['@ada', 'cannot post in this conversation'],
  ])('because the bot is not in %s', async (channel, says) => {
    const { slack, next } = await openBot();
    next.opened = {
      refused: 'not in the channel',
      reason: 'slack',
      refusal: { refused: 'not-in-channel', code: 'not_in_channel' },
    };
    await slack.command(typed('shop-prod', { channel }));
    const [message] = await slack.until(() => someOf(slack.privateOf('ada')), 'a private answer');
    expect(message?.text).toContain(says);
  });

  it('says that the queue is full', async () => {
    const { slack, next } = await openBot();
    next.opened = { refused: '3 diagnoses you asked for are running.', reason: 'too-many' };
    await slack.command(typed('shop-prod'));
    const [message] = await slack.until(() => someOf(slack.privateOf('ada')), 'a private answer');
    expect(message?.text).toBe('3 diagnoses you asked for are running.');
  });

  it('links to the answer that this channel already has', async () => {
    const { slack, next, runs } = await openBot();
    await slack.command(typed('shop-prod'));
    const [root] = await slack.until(() => someOf(slack.roots('alerts')), 'a root message');
    const [run] = await eventually(async () => {
      const recent = await runs.recent(1);
      expect(recent).toHaveLength(1);
      return recent;
    });
    if (run === undefined || root === undefined) throw new Error('nothing was recorded');
    next.opened = { same: run };
    await slack.command(typed('shop-prod', { user: 'ben' }));
    const [message] = await slack.until(() => someOf(slack.privateOf('ben')), 'a private answer');
    expect(message?.text).toMatch(
      new RegExp(`Already diagnosed here.*<https://[^|]*p${root.ts.replace('.', '')}[^|]*\\|`),
    );
    expect(slack.roots('alerts')).toHaveLength(1);
  });
});

it('keeps tokens, response addresses and typed text out of its log', async () => {
  const { slack, log, app } = await openBot({ mode: 'socket' });
  slack.fail('chat.getPermalink', { error: 'fatal_error' });
  for (const text of ['shop-prod', 'secret-words here', 'orders', '']) await slack.command(typed(text));
  await slack.until(() => slack.privateOf('ada').length >= 2, 'private answers');
  await app.stop(1000);
  const written = log.join('');
  expect(written).toContain('"user":"U0ADA"');
  for (const secret of [
    slack.botToken,
    slack.appToken,
    slack.signingSecret,
    '/response/',
    'ticket',
    '.trigger',
    'secret-words',
  ])
    expect(written).not.toContain(secret);
  for (const line of log) expect(JSON.parse(line)).toHaveProperty('level');
});

function someOf<T>(all: T[]): T[] | null {
  return all.length > 0 ? all : null;
}
