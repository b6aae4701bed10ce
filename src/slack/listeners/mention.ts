/**
 * `@alb502 my-alb last 15m`, also in threads, where slash commands do not work. Answered below the mention or in its
 * thread.
 */

import type { App } from '@slack/bolt';
import * as z from 'zod';
import { ask, namesOpenTo, readTyped } from '../ask.ts';
import { outcomeMessage } from '../ephemeral-reply.ts';
import { helpMessage, privateMessage } from '../messages/index.ts';
import type { Message } from '../messages/message.ts';
import { isHelpRequest, normalizeText, stripMention } from '../normalize-text.ts';
import type { SlackContext } from '../slack-context.ts';
import { loadBalancerOfThread } from '../standing-threads.ts';

/** Fields missing in Bolt's type: the team of external users, and bots. */
const Mention = z.object({
  user: z.string().optional(),
  bot_id: z.string().optional(),
  text: z.string(),
  channel: z.string(),
  ts: z.string(),
  thread_ts: z.string().optional(),
  user_team: z.string().optional(),
  source_team: z.string().optional(),
  team: z.string().optional(),
});

export function onMention(app: App, context: SlackContext): void {
  app.event('app_mention', async ({ event, body }) => {
    const { user, bot_id, text, channel, ts, thread_ts, ...teams } = Mention.parse(event);
    // Bots that mention each other would never stop.
    if (user === undefined || bot_id !== undefined) return;
    const within = thread_ts ?? ts;
    const say = (message: Message) => sayTo(context, { user, channel, thread: within }, message);
    const words = normalizeText(stripMention(text, context.bot.user));
    if (words === '' || isHelpRequest(words)) return say(helpMessage());
    const team = teams.user_team ?? teams.source_team ?? teams.team ?? body.team_id;
    const who = { user, teams: [team], channel };
    const parsed = await readTyped(context, words, who);
    if ('problem' in parsed) return say(privateMessage(parsed.problem));
    const { query } = parsed;
    // "@alb502 last 1h" in a thread of alb502 is about its load balancer.
    const loadBalancer =
      query.loadBalancer ?? (thread_ts === undefined ? null : await loadBalancerOfThread(context, channel, thread_ts));
    if (loadBalancer === null) {
      const [known = 'my-alb'] = await namesOpenTo(context, who);
      const below = thread_ts === undefined ? '' : ', or pick "Diagnose this alert" in the menu of an alert.';
      return say(privateMessage(`Which load balancer? Try: @${context.bot.name} ${known} last 15m${below}`));
    }
    const outcome = await ask(context, { who, query: { ...query, loadBalancer }, within });
    const reply = await outcomeMessage(context, outcome);
    if (reply !== null) await say(reply);
  });
}

/**
 * Sends a private message: ephemeral in the channel, or a direct message if the bot is not in it. Never throws.
 */
export async function sayTo(
  { slack, log }: Pick<SlackContext, 'slack' | 'log'>,
  { user, channel, thread }: { user: string; channel: string | null; thread: string | null },
  { text, blocks }: Message,
): Promise<void> {
  const below = thread === null ? {} : { thread_ts: thread };
  try {
    if (channel !== null) {
      await slack.chat.postEphemeral({ channel, user, text, blocks, ...below });
      return;
    }
  } catch (error) {
    log.info({ channel, user, err: error }, 'nothing can be shown to one person here');
  }
  try {
    await slack.chat.postMessage({ channel: user, text, blocks, unfurl_links: false, unfurl_media: false });
  } catch (error) {
    log.warn({ user, err: error }, 'Slack refused a private answer');
  }
}
