/** `@alb502 …`: answered in its thread, or below itself. */
import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { openBot } from '../../support/slack/bolt-app.ts';
import { slackRefusals } from '../../support/slack/local-slack.ts';

describe('a mention', () => {
  it('is answered below itself in a channel', async () => {
    const { slack, asked } = await openBot({ mode: 'socket' });
    const { message } = await slack.mention({ user: 'ada', channel: 'alerts', text: 'shop-prod last 30m 504' });
    await slack.until(() => slack.thread('alerts', message.ts).length === 1, 'a reply');
    expect(asked.opened).toMatchObject([
      {
        askedBy: { user: 'U0ADA', team: 'T0LOCAL' },
        channel: 'C0ALERTS',
        parentTs: message.ts,
        question: { statuses: ['504'] },
      },
    ]);
    expect(slackRefusals(slack.refusals)).toEqual([]);
  });

  it('is answered in its thread', async () => {
    const { slack, asked } = await openBot();
    const first = slack.write({ user: 'ben', channel: 'alerts', text: 'The shop is down.' });
    await slack.mention({ user: 'ada', channel: 'alerts', text: '“shop\u2011prod”', thread: first.ts });
    await slack.until(() => slack.thread('alerts', first.ts).length === 2, 'a reply');
    expect(asked.opened).toMatchObject([{ parentTs: first.ts }]);
  });

  it("takes the load balancer of alb502's thread when it names none", async () => {
    const { slack, asked, runs } = await openBot();
    const { message } = await slack.mention({ user: 'ada', channel: 'alerts', text: 'edge last 30m' });
    await eventually(async () => expect(await runs.recent(1)).toHaveLength(1));
    await slack.mention({ user: 'ben', channel: 'alerts', text: 'last 1h', thread: message.ts });
    await eventually(() => expect(asked.opened).toHaveLength(2));
    expect(asked.opened[1]).toMatchObject({ parentTs: message.ts, question: { loadBalancer: { name: 'edge' } } });
  });

  it('is answered once when Slack delivers it twice', async () => {
    const { slack, asked } = await openBot();
    const { again } = await slack.mention({ user: 'ada', channel: 'alerts', text: 'shop-prod' });
    await again({ attempt: 1, reason: 'http_timeout' });
    await again({ attempt: 2, reason: 'http_timeout' });
    await eventually(() => expect(asked.opened).not.toEqual([]));
    expect(asked.opened).toHaveLength(1);
  });

  it('may name an alarm', async () => {
    const { slack, asked } = await openBot({ alarms: { 'checkout-5xx': ['edge'], both: ['edge', 'shop-prod'] } });
    await slack.mention({ user: 'ada', channel: 'alerts', text: 'checkout-5xx last 30m' });
    await eventually(() => expect(asked.opened).toMatchObject([{ question: { loadBalancer: { name: 'edge' } } }]));
    await slack.mention({ user: 'ada', channel: 'alerts', text: 'both last 30m' });
    await slack.until(() => slack.privateOf('ada').some(({ text }) => text.includes("no load balancer 'both'")), 'it');
    expect(asked.opened).toHaveLength(1);
  });

  it.each([
    ['', 'finds the root cause'],
    ['help', 'finds the root cause'],
    ['last 15m', 'Which load balancer?'],
    ['shop-prod banana', 'Didn\'t understand "banana". Try: shop-prod last 15m'],
    ['orders', "There is no load balancer 'orders'."],
    [
      'alert: 5xx on edge and shop-prod',
      'names edge and shop-prod. Pick one. Try: edge last 15m, or shop-prod last 15m.',
    ],
  ])('of %j is answered in private, in the thread', async (text, says) => {
    const { slack, asked } = await openBot();
    const { message } = await slack.mention({ user: 'ada', channel: 'alerts', text });
    const [answer] = await slack.until(
      () => (slack.privateOf('ada').length > 0 ? slack.privateOf('ada') : null),
      'an answer',
    );
    expect(answer?.text.toLowerCase()).toContain(says.toLowerCase());
    expect(answer).toMatchObject({ thread: message.ts, channel: 'C0ALERTS' });
    expect(asked.opened).toEqual([]);
  });

  it.each([
    ['a person from another company', { user: 'U0EVE', user_team: 'T0OTHER', team: 'T0LOCAL' }],
    ['another bot', { user: 'U0ADA', bot_id: 'B0OTHER', team: 'T0LOCAL' }],
    ['nobody', { team: 'T0LOCAL' }],
  ])('from %s is ignored', async (_, of) => {
    const { slack, asked } = await openBot();
    await slack.event({
      type: 'app_mention',
      text: '<@U0ALB502> shop-prod',
      ts: '1795240308.000100',
      event_ts: '1795240308.000100',
      channel: 'C0ALERTS',
      ...of,
    });
    // What is asked after it has overtaken nothing.
    await slack.mention({ user: 'ada', channel: 'alerts', text: 'edge' });
    await eventually(() => expect(asked.opened).not.toEqual([]));
    expect(asked.found).toEqual(['edge']);
  });

  it('is refused in private from someone who may not ask', async () => {
    const { slack, asked } = await openBot({ config: { slack: { allow: { users: ['U0BEN'] } } } });
    await slack.mention({ user: 'ada', channel: 'alerts', text: 'shop-prod' });
    await slack.until(() => slack.privateOf('ada').some(({ text }) => text.includes("don't have access")), 'an answer');
    expect(asked).toMatchObject({ opened: [], found: [] });
  });
});
