/** `@alb502 my-alb last 15m`: where slash commands do not reach, which is every thread. Answered below the mention, or in its thread. */
import type { App } from '@slack/bolt';
import * as z from 'zod';
import { ask, type Desk, readQuery } from '../ask.ts';
import { saidOf } from '../ephemeral-reply.ts';
import { helpMessage, privateMessage, usageMessage } from '../messages/index.ts';
import type { Message } from '../messages/message.ts';
import { asksForHelp, plainWords, withoutMention } from '../normalize-text.ts';

/** What Bolt's type of it leaves out: where people of other companies come from, and who is no person. */
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

export function onMention(app: App, desk: Desk): void {
  app.event('app_mention', async ({ event, body }) => {
    const { user, bot_id, text, channel, ts, thread_ts, ...teams } = Mention.parse(event);
    // Bots that mention bots never end.
    if (user === undefined || bot_id !== undefined) return;
    const within = thread_ts ?? ts;
    const say = (message: Message) => sayTo(desk, { user, channel, thread: within }, message);
    const words = plainWords(withoutMention(text, desk.bot.user));
    if (words === '' || asksForHelp(words)) return say(helpMessage());
    const read = readQuery(words);
    if ('problem' in read) return say(usageMessage(read.problem));
    const { query } = read;
    if (query.loadBalancer === null)
      return say(privateMessage(`Which load balancer? Name it, such as @${desk.bot.name} my-alb last 15m.`));
    const team = teams.user_team ?? teams.source_team ?? teams.team ?? body.team_id;
    const who = { user, teams: [team], channel };
    const outcome = await ask(desk, { who, query: { ...query, loadBalancer: query.loadBalancer }, within });
    const said = await saidOf(desk, outcome);
    if (said !== null) await say(said);
  });
}

/**
 * Shown to one person where there is nothing of theirs to respond to: in the channel, or, where the bot is not in it, in their own
 * conversation with it. Never throws.
 */
export async function sayTo(
  { slack, log }: Pick<Desk, 'slack' | 'log'>,
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
    log.warn({ user, err: error }, 'a private answer was not taken');
  }
}
