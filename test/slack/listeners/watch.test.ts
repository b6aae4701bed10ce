/** Alerts that another app posts, in a bot with recorded incidents. */
import { expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import type { LocalSlack } from '../../support/slack/local-slack.ts';
import { runBot } from '../../support/slack/whole-bot.ts';

const AMAZON_Q = 'A0AMAZONQ';
const WATCH = { slack: { watch: { channels: ['C0ALERTS'], apps: [AMAZON_Q] } } };

/** A card as an app posts it; Slack tells the bot of it. */
async function post(slack: LocalSlack, text: string, { app = AMAZON_Q, channel = 'alerts' } = {}) {
  const message = slack.write({ user: 'ben', channel, text });
  await slack.event({
    type: 'message',
    subtype: 'bot_message',
    bot_id: 'B0AMAZONQ',
    app_id: app,
    channel: message.channel,
    ts: message.ts,
    text,
  });
  return message;
}
const ALERT = 'CloudWatch Alarm | web-prod-5xx | eu-west-1 | Account: 123456789012';

it('answers an alert of a watched app below it, and not its repetition', async () => {
  const { slack, settled } = await runBot({ config: WATCH });
  const alert = await post(slack, ALERT);
  await eventually(() => expect(slack.thread('alerts', alert.ts).length).toBeGreaterThan(0));
  await settled();
  const [root, ...replies] = slack.thread('alerts', alert.ts);
  expect(root?.text).toContain('web-prod');
  // Without an asker, nobody is named or mentioned.
  expect(root?.text).toContain('for the alert above');
  expect([root, ...replies].map((message) => message?.text).join('\n')).not.toMatch(/asked by|<@/);
  const again = await post(slack, ALERT);
  const other = await post(slack, 'CloudWatch Alarm | checkout-5xx | eu-west-1 | Account: 123456789012');
  await eventually(() => expect(slack.thread('alerts', other.ts).length).toBeGreaterThan(0));
  expect(slack.thread('alerts', again.ts)).toEqual([]);
});

it.each<[string, string, { app?: string; channel?: string }]>([
  ['an alert that is over', 'Resolved #4711: web-prod-5xx', {}],
  ['another app', ALERT, { app: 'A0OTHER' }],
  ['another channel', ALERT, { channel: 'ops' }],
  ['an alert that names two', 'ALARM: web-prod and checkout', {}],
])('ignores %s', async (_, text, place) => {
  const { slack } = await runBot({ config: WATCH, slack: { channels: ['alerts', 'ops'] } });
  const alert = await post(slack, text, place);
  // What comes after it is answered: so it was not.
  const next = await post(slack, ALERT);
  await eventually(() => expect(slack.thread('alerts', next.ts).length).toBeGreaterThan(0));
  expect(slack.thread(place.channel ?? 'alerts', alert.ts)).toEqual([]);
});
