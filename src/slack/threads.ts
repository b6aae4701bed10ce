/** The threads of all runs: opened, kept true, answered in, resumed after a restart, ended on shutdown. */

import type * as z from 'zod';
import type { Inquiry } from '../investigate.ts';
import type { ExtraId } from '../render/slack/actions.ts';
import type { Message } from '../render/slack/message.ts';
import type { AskedBy, Run } from '../runs/run.ts';
import type { Posted, Refusal } from './poster.ts';

export interface OpenRequest {
  askedBy: z.infer<typeof AskedBy>;
  inquiry: Inquiry;
  channel: string;
  /** The first message of the thread it was asked in, or null for a root message of its own. */
  within: string | null;
  /** For alarms: the id the episode has claimed. A run that has it is gone on with. */
  id?: string;
  /** Asked by intention once more: an answer that is there does not count. */
  fresh?: boolean;
}

/**
 * `opened`: the root message stands and is recorded; `ended` settles when the first answer stands, and never rejects.
 * `same`: this channel has a thread of just that question. `waits`: so many are before it. `refused`: the sentence to show.
 */
export type Opened =
  | { opened: Run; ended: Promise<Run> }
  | { same: Run }
  | { refused: string; because: 'too-many' | 'slack' | 'store' | 'closing'; refusal?: Refusal };

export interface Threads {
  open(request: OpenRequest): Promise<Opened>;
  /** Asks the same load balancer again in the same thread; another window replaces that of the run. Ends when the answer stands. */
  askAgain(id: string, window?: { from: number; to: number }): Promise<Run>;
  /** Shows the root message anew: the episode or the feedback has changed. */
  refresh(id: string): Promise<void>;
  /** One reply in the thread of a run, once for each `key`: presses twice, redeliveries and restarts do not double it. */
  reply(id: string, key: string, message: Message): Promise<Posted | 'already'>;
  /** What a button asks for, in the thread, from what was kept. Once for each `key`. */
  answer(id: string, extra: ExtraId, key: string): Promise<Posted | 'already' | 'no-such-run'>;
  /** Goes on with what a crash or a restart left open. */
  resume(): Promise<void>;
  /** Takes no more, waits at most so many milliseconds for what runs, and marks the rest interrupted. */
  stop(milliseconds: number): Promise<void>;
  /** Runs under way and those that wait. */
  load(): { running: number; waiting: number };
}
