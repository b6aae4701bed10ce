/** Replies that only the asker sees. */

import type { RespondFn } from '@slack/bolt';
import { isUnderWay, type Run } from '../runs/run.ts';
import { MessageTs } from '../runs/store/post-record.ts';
import type { AskOutcome } from './ask.ts';
import { privateMessage } from './messages/index.ts';
import { escapeMrkdwn, type Message } from './messages/message.ts';
import { askAnewRow } from './messages/message-buttons.ts';
import { line, partsMessage } from './messages/rich-text.ts';
import type { SlackContext } from './slack-context.ts';

/** The message for an outcome; null if the thread says it all. */
export async function outcomeMessage(context: SlackContext, outcome: AskOutcome): Promise<Message | null> {
  if ('thread' in outcome) {
    const { note, alarm } = outcome;
    if (alarm === null) return note === null ? null : privateMessage(note);
    const sentence = `An alarm already has a thread for ${alarm.loadBalancer.name}:`;
    return linkMessage(context, note === null ? sentence : `${note} ${sentence}`, alarm);
  }
  if ('same' in outcome) {
    const { same, window } = outcome;
    const sentence = isUnderWay(same)
      ? 'Already being diagnosed here:'
      : 'Already diagnosed here in the last 10 minutes:';
    const message = await linkMessage(context, sentence, same);
    return { ...message, blocks: [...message.blocks, askAnewRow(same.id, window)] };
  }
  return privateMessage(outcome.problem);
}

/**
 * A sentence that ends with a link to a run's thread, or to a message in it. A file's message is unknown, so the link
 * leads to the thread.
 */
export async function linkMessage(
  context: SlackContext,
  sentence: string,
  { thread }: Run,
  ts?: string,
): Promise<Message> {
  const message = ts !== undefined && MessageTs.safeParse(ts).success ? ts : thread.root;
  const link = message === null ? null : await linkTo(context, thread.channel, message);
  if (link === null) return privateMessage(sentence);
  const { blocks } = partsMessage([line(`${sentence} `, { href: link, label: 'open it' }, '.')]);
  // Screen readers read only the text, so it has the link, too.
  return { text: `${escapeMrkdwn(sentence)} <${link}|open it>.`, blocks };
}

async function linkTo({ slack, log }: SlackContext, channel: string, ts: string): Promise<string> {
  try {
    const { permalink } = await slack.chat.getPermalink({ channel, message_ts: ts });
    if (permalink) return permalink;
  } catch (error) {
    log.warn({ channel, err: error }, 'no permalink');
  }
  // Slack finds the workspace by the person who follows it.
  return `https://slack.com/archives/${channel}/p${ts.replace('.', '')}`;
}

/**
 * Shows a message to one person. Slack accepts five within 30 minutes of the request; later ones are lost and logged.
 */
export async function answerPrivately(
  { log }: Pick<SlackContext, 'log'>,
  respond: RespondFn,
  { text, blocks }: Message,
  thread: string | null = null,
): Promise<void> {
  try {
    await respond({
      response_type: 'ephemeral',
      replace_original: false,
      text,
      blocks,
      ...(thread === null ? {} : { thread_ts: thread }),
    });
  } catch (error) {
    // The response URL is a secret and may appear in the error message.
    const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
    log.warn({ status }, 'Slack refused a private answer');
  }
}
