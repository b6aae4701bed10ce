/** What the thread of a run needs of Slack. */
import type { FileMessage, Message } from '../messages/message.ts';

/**
 * Why Slack did not take a message. `unreachable`: no answer, so it may have been posted. `not-in-channel`: the bot must be invited.
 * `gone`: the channel is archived or the message was deleted. `refused`: anything else, with Slack's code.
 */
export type Refusal = { refused: 'not-in-channel' | 'gone' | 'unreachable' | 'refused'; code: string };

export type PostResult = { ts: string } | Refusal;

export interface PostTarget {
  channel: string;
  /** Null for a message of its own. */
  thread: string | null;
  /** A reply that the channel shows too. */
  isBroadcast?: boolean | undefined;
}

/**
 * Posts and edits, and degrades: blocks that Slack refuses become the plain ones, then text; text that is too long is cut; 429 is waited
 * for. Never unfurls, never parses mentions out of text.
 */
export interface Poster {
  /** `runId` goes with a root message as metadata, so that it can be found again. */
  post(target: PostTarget, message: Message, runId?: string): Promise<PostResult>;
  /** Edits that matter: the last state of a message always arrives, whatever the budget. */
  edit(channel: string, ts: string, message: Message): Promise<PostResult>;
  /**
   * Edits that show progress: kept to one shared budget for the workspace, coalesced to the newest for each message, dropped when an
   * `edit` of the same message comes. Never throws, answers nothing.
   */
  progress(channel: string, ts: string, message: Message): void;
  upload(target: PostTarget, file: FileMessage): Promise<PostResult>;
  /** Looks for the message of this run among the last of the channel (or thread); null when there is none, or it may not look. */
  find(target: PostTarget, runId: string): Promise<{ ts: string } | 'may-not-look' | null>;
  /** Progress edits that wait are dropped, those under way are awaited, a few seconds at most. */
  close(): Promise<void>;
}
