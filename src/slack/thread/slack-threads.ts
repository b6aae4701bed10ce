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
   * Asks about the same load balancer again in the same thread; a new window replaces the window of the run. Resolves
   * with the answer. Throws Problem if this person has asked too often, or somebody has deleted the thread.
   */
  askAgain(id: string, window?: { from: number; to: number }, user?: string): Promise<Run>;
  /** Updates the root message and the replies about the end after the episode or the feedback changed. */
  refresh(id: string): Promise<void>;
  /** Replies in the thread of a run, once for each `key`: repeated presses, redeliveries and restarts add nothing. */
  reply(id: string, key: string, message: Message): Promise<PostResult | 'already'>;
  /** Posts the detail behind a button from stored evidence, once for each `key`. */
  answer(id: string, detail: DetailId, key: string): Promise<PostResult | 'already' | 'no-such-run'>;
  /** Resumes what a crash or restart left unfinished, now and periodically. */
  resume(): Promise<void>;
  /** Accepts no more work, waits at most this many milliseconds for running work, and marks the rest interrupted. */
  stop(milliseconds: number): Promise<void>;
  /** Running and waiting runs. */
  load(): { running: number; waiting: number };
}

/** Milliseconds between searches for runs that are due or that another process left unfinished. */
const POLL_INTERVAL = 15_000;
/** Milliseconds after an abort for the threads to say so. */
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
