/** Types of Slack messages, and escaping. Pure. */
import type { types } from '@slack/bolt';

/** Bolt types 20 of the 21 block types: the native chart is not among them. */
export type SlackBlock = types.KnownBlock | types.Block;

/**
 * A message. `text` is what notifications and screen readers use, and what Slack shows if it refuses the blocks. It
 * must make sense alone: mrkdwn, escaped, at most 4,000 characters (limit of chat.update).
 */
export interface Message {
  text: string;
  blocks: SlackBlock[];
  /** Blocks to try before text alone if Slack refuses the others: without the plan and the chart. */
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

/**
 * Escapes untrusted text so that it cannot start a mention, link or channel. Slack needs only these three (formatting
 * guide).
 */
export const escapeMrkdwn = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
