/** What is sent to Slack, and the few rules that every part of it obeys. Pure. */
import type { types } from '@slack/bolt';

/** Bolt types 20 of the 21 block types: the native chart is not among them. */
export type SlackBlock = types.KnownBlock | types.Block;

/**
 * A message. `text` is what a notification and a screen reader say, and what is shown when Slack refuses the blocks: it must carry the
 * essence by itself, in mrkdwn, escaped, at most 4,000 characters (what chat.update takes).
 */
export interface Message {
  text: string;
  blocks: SlackBlock[];
  /** Blocks to try when Slack refuses those above, before text alone: without the plan and the chart, which it may not take. */
  plainBlocks?: SlackBlock[];
}

/** A file in the thread. */
export interface FileMessage {
  filename: string;
  title: string;
  content: string;
  /** What the message it comes with says. */
  comment: string;
}

/** Text from outside in mrkdwn: it can begin no mention, link or channel. Slack knows these three and no others (formatting guide). */
export const escapeMrkdwn = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
