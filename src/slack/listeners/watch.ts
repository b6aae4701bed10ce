/** Opens a thread for each alert that names one load balancer, in the channels of `slack.watch`. */

import type { App } from '@slack/bolt';
import * as z from 'zod';
import { alertSubject } from '../alert-subject.ts';
import { ask, tryParseQuery } from '../ask.ts';
import { isOver, windowAround } from '../pasted-alert.ts';
import type { SlackContext } from '../slack-context.ts';

/** Fields read of a message event; Bolt's type lacks some attachments. */
const Posted = z.object({
  channel: z.string(),
  ts: z.string(),
  thread_ts: z.string().optional(),
  subtype: z.string().optional(),
  user: z.string().optional(),
  bot_id: z.string().optional(),
  app_id: z.string().optional(),
  text: z.string().optional(),
  blocks: z.unknown().optional(),
  attachments: z.unknown().optional(),
});

/** Milliseconds in which a repeated alert opens no new thread. */
const QUIET = 10 * 60_000;
const MAX_RUNS_READ = 30;

export function onWatchedAlerts(app: App, context: SlackContext): void {
  const { channels, apps } = context.config.slack.watch;
  if (channels.length === 0) return;
  app.event('message', async ({ event, body }) => {
    const read = Posted.safeParse(event);
    if (!read.success) return;
    const { channel, ts, thread_ts, subtype, bot_id, app_id = '', text, blocks, attachments } = read.data;
    const isAlert = bot_id !== undefined && thread_ts === undefined && (subtype ?? 'bot_message') === 'bot_message';
    if (!isAlert || !channels.includes(channel) || (apps.length > 0 && !apps.includes(app_id))) return;
    const message = [text, blocks, attachments];
    if (isOver(message)) return;
    // The same rule as for questions in this channel.
    const accounts = context.config.accounts.filter(({ channels: own }) => own?.includes(channel) ?? true);
    const subject = await alertSubject(
      context,
      message,
      accounts.map(({ name }) => name),
    );
    if (subject === null || !('loadBalancer' in subject)) return;
    if (await hasThread(context, channel, subject.loadBalancer)) return;
    const window = context.investigator.recordedWindow?.(subject.loadBalancer) ?? windowAround(ts, context.now());
    const parsed = tryParseQuery(window);
    if (!('query' in parsed)) return;
    const who = { user: context.bot.user, teams: [body.team_id], channel };
    const query = { ...parsed.query, loadBalancer: subject.loadBalancer };
    const outcome = await ask(context, { who, query, within: ts, isTrusted: true });
    if ('problem' in outcome) context.log.warn({ channel, why: outcome.problem }, 'a watched alert got no thread');
  });
}

async function hasThread({ runs, now }: SlackContext, channel: string, loadBalancer: string): Promise<boolean> {
  const recent = await runs.recent(MAX_RUNS_READ);
  return recent.some(
    (run) =>
      run.thread.channel === channel &&
      (run.loadBalancer.arn === loadBalancer || run.loadBalancer.name === loadBalancer) &&
      now() - Date.parse(run.createdAt) < QUIET,
  );
}
