/** Slack operations that a run's thread needs. */
import type { FileMessage, Message } from '../messages/message.ts';

/**
 * Why Slack rejected a message. `unreachable`: no answer, so it may have been posted. `not-in-channel`: the bot must be
 * invited. `gone`: the channel is archived or the message was deleted. `refused`: anything else, with Slack's code.
 */
export type Refusal = { refused: 'not-in-channel' | 'gone' | 'unreachable' | 'refused'; code: string };

/** Code of an edit that was given up: the poster closed first, or Slack throttled it too often. */
export const NOT_SENT = 'not_sent';

export type PostResult = { ts: string } | Refusal;

export interface PostTarget {
  channel: string;
  /** Null for a message outside threads. */
  thread: string | null;
  /** Whether to show the reply in the channel, too. */
  isBroadcast?: boolean | undefined;
}

/**
 * Posts and edits messages. Falls back to plainer blocks, then to text, if Slack rejects them; cuts long text; waits on
 * 429. Never unfurls links or parses mentions in text.
 */
export interface Poster {
  /** Adds `runId` as metadata of a root message, so that it can be found again. */
  post(target: PostTarget, message: Message, runId?: string): Promise<PostResult>;
  /** Makes an important edit: the last state of a message always arrives, regardless of the rate limit. */
  edit(channel: string, ts: string, message: Message): Promise<PostResult>;
  /**
   * Shows progress: limited by one rate for the workspace, only the newest edit of each message, dropped when an `edit`
   * of the same message follows. Never throws; returns nothing.
   */
  progress(channel: string, ts: string, message: Message): void;
  upload(target: PostTarget, file: FileMessage): Promise<PostResult>;
  /**
   * Searches the latest messages of the channel or thread for that of this run; null if there is none, or if the bot
   * may not search.
   */
  find(target: PostTarget, runId: string): Promise<{ ts: string } | 'may-not-look' | null>;
  /** Drops waiting progress edits and awaits running ones, for a few seconds at most. */
  close(): Promise<void>;
}
