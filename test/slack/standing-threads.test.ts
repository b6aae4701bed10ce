/** Questions that already have an answer, in a bot with recorded incidents. */
import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { runBot, waitForAnswer } from '../support/slack/whole-bot.ts';

const QUESTION = 'shop-prod from 2026-11-18T02:40Z to 2026-11-18T02:55Z';
const ask = (user: string, text = QUESTION) => ({ user, channel: 'alerts', text });

it('links the same question to the existing thread, with a button to ask again', async () => {
  const { slack, settled } = await runBot();
  await slack.command(ask('ada'));
  await waitForAnswer(slack);
  await settled();

  // Two minutes later it is the same question though no word of it is the same.
  await slack.command(ask('ben', 'please diagnose shop-prod 02:40-02:55 on 18 Nov 2026 UTC'));
  const [said] = await slack.until(() => {
    const told = slack.privateOf('ben');
    return told.length > 0 ? told : null;
  }, 'the answer in private');
  expect(said?.text).toMatch(/^Already diagnosed here in the last 10 minutes: <http.*[|]open it>[.]$/);
  expect(JSON.stringify(said?.blocks)).toMatch(/"type":"link","url":"https:[^"]*[.]slack[.]com.archives/);
  expect(slack.roots('alerts')).toHaveLength(1);

  if (said !== undefined) await slack.press(said, 'Ask anew', 'ben');
  await eventually(() => expect(slack.roots('alerts')).toHaveLength(2));
  expect(slack.refusals).toEqual([]);
});

it.each([
  ['other statuses', ask('ben', `${QUESTION} 504`)],
  ['another window', ask('ben', 'shop-prod from 2026-11-18T02:40Z to 2026-11-18T02:50Z')],
  ['another channel', { ...ask('ben'), channel: 'ops' }],
])('opens a thread for %s', async (_, other) => {
  const { slack, settled } = await runBot({ slack: { channels: ['alerts', 'ops'] } });
  await slack.command(ask('ada'));
  await waitForAnswer(slack);
  await settled();
  await slack.command(other);
  const expected = other.channel === 'alerts' ? 2 : 1;
  await eventually(() => expect(slack.roots(other.channel)).toHaveLength(expected));
});
