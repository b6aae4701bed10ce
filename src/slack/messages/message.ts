/** Types of Slack messages, and escaping. Pure. */
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
  /** Text of the message that carries the file. */
  comment: string;
}

/** Escapes untrusted text so that it cannot start a mention, link or channel. Slack needs only these three (formatting guide). */
export const escapeMrkdwn = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
