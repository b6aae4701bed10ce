/** The threads of all runs: opened, kept current, answered in, resumed after a restart, ended on shutdown. */
import type { Run } from '../../runs/run.ts';
import { openLoop, settleWithin } from '../../runs/store/loop.ts';
import type { PostResult } from '../delivery/slack-poster.ts';
import type { DetailId } from '../messages/actions.ts';
import type { Message } from '../messages/message.ts';
import { askAgain } from './ask-again.ts';
import { type OpenResult, openThread, type ThreadRequest } from './open.ts';
import { postDetail, postReply } from './reply.ts';
import { beginDueRuns } from './resume-runs.ts';
import { refreshRoot } from './show.ts';
import { openThreadContext, type SlackThreadsParts } from './thread-context.ts';

export interface SlackThreads {
  open(request: ThreadRequest): Promise<OpenResult>;
  /**
   * Asks the same load balancer again in the same thread; another window replaces that of the run. Ends when the answer stands. Throws
   * Problem when this person, if it is one, has asked for too much already.
   */
  askAgain(id: string, window?: { from: number; to: number }, user?: string): Promise<Run>;
  /** Shows the root message anew, and what was said of the end: the episode or the feedback has changed. */
  refresh(id: string): Promise<void>;
  /** One reply in the thread of a run, once for each `key`: presses twice, redeliveries and restarts do not double it. */
  reply(id: string, key: string, message: Message): Promise<PostResult | 'already'>;
  /** What a button asks for, in the thread, from what was kept. Once for each `key`. */
  answer(id: string, detail: DetailId, key: string): Promise<PostResult | 'already' | 'no-such-run'>;
  /** Goes on with what a crash or a restart left open, now and from then on. */
  resume(): Promise<void>;
  /** Takes no more, waits at most so many milliseconds for what runs, and marks the rest interrupted. */
  stop(milliseconds: number): Promise<void>;
  /** Runs under way and those that wait. */
  load(): { running: number; waiting: number };
}

/** Milliseconds: how often this process looks for what is due, or was left by somebody else. */
const POLL_INTERVAL = 15_000;
/** Milliseconds after an abort, for the threads to say so. */
export const ABORT_GRACE = 8_000;

export function openSlackThreads(parts: SlackThreadsParts): SlackThreads {
  const context = openThreadContext(parts);
  const loop = openLoop(
    POLL_INTERVAL,
    () => beginDueRuns(context),
    (error) => parts.log.error({ err: error }, 'the run store does not answer'),
  );
  const allEnded = () => Promise.all([...context.active.values()].map(({ ended }) => ended));
  return {
    open: (request) => openThread(context, request),
    askAgain: (id, window, user) => askAgain(context, id, { window, user }),
    refresh: (id) => refreshRoot(context, id),
    reply: (id, key, message) => postReply(context, id, key, message),
    answer: (id, detail, key) => postDetail(context, id, detail, key),
    resume: () => loop.start(),
    async stop(milliseconds) {
      context.isClosing = true;
      loop.stop();
      await settleWithin(milliseconds, allEnded());
      context.shutdown.abort();
      await settleWithin(ABORT_GRACE, allEnded());
    },
    load: () => ({ running: context.slots.pending, waiting: context.slots.size }),
  };
}
