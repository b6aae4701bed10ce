/** Opens the thread of a question, or finds the thread that already answers it. */

import { setTimeout as wait } from 'node:timers/promises';
import type * as z from 'zod';
import type { Question } from '../../evidence/question.ts';
import type { LoadBalancerRef } from '../../investigate/investigator.ts';
import { hasFailed, inState, newRun, type Run, type RunOrigin } from '../../runs/run.ts';
import { isOutage } from '../../runs/store/document.ts';
import type { Refusal } from '../delivery/slack-poster.ts';
import { RESTARTING } from '../messages/index.ts';
import { hasSameWindow } from './investigate.ts';
import type { ThreadContext } from './thread-context.ts';
import { refusalSentence, workOn } from './work-on-run.ts';

export interface ThreadRequest {
  askedBy: z.infer<typeof RunOrigin>;
  question: Question<LoadBalancerRef>;
  channel: string;
  /** ts of the thread in which it was asked; null for a root message of its own. */
  parentTs: string | null;
  /** The asker's time zone, an IANA name. */
  timeZone?: string | undefined;
  /** For alarms: the ID that the episode has claimed. An existing run with this ID is resumed. */
  id?: string;
  /** Whether to ask again even if an answer exists. */
  fresh?: boolean;
}

/**
 * `opened`: the root message is posted and recorded; `ended` settles with the first answer and never rejects. `same`:
 * the channel already has a thread with this question. `refused`: the sentence to show.
 */
export type OpenResult =
  | { opened: Run; ended: Promise<Run> }
  | { same: Run }
  | { refused: string; reason: 'too-many' | 'slack' | 'store' | 'closing' | 'defect'; refusal?: Refusal };

/** Milliseconds between attempts to post the root message while a user waits. */
const RETRY_ROOT = [500, 2_000, 5_000];
/** Milliseconds between reads while another process posts the thread of the same question. */
const CLAIM_POLL = 100;
const CLAIM_POLLS = 30;

export async function openThread(context: ThreadContext, request: ThreadRequest): Promise<OpenResult> {
  if (context.isClosing) return { refused: RESTARTING, reason: 'closing' };
  const { limits, slots } = context;
  const { askedBy } = request;
  const candidate = newRun({ ...request, now: context.now() });
  // All alerts of a workspace have the bot as their user, and must not share its limits.
  const user = askedBy.kind === 'person' ? askedBy.user : null;
  // Check limits before claiming, so that others never wait for a refused request.
  const admission = limits.admit(user, slots.size);
  if ('refused' in admission) return { refused: admission.refused, reason: 'too-many' };
  try {
    const other = askedBy.kind === 'alarm' || request.fresh ? null : await findSameQuestion(context, candidate);
    if (other !== null && hasSameThread(other, candidate)) {
      admission.leave();
      return { same: other };
    }
    const copyOf = other === null ? null : (other.copyOf ?? other.id);
    return await createRun(context, { ...candidate, copyOf }, admission.leave);
  } catch (error) {
    admission.leave();
    return failedToOpen(context, candidate, error);
  }
}

const hasSameThread = (a: Run, b: Run): boolean =>
  a.thread.channel === b.thread.channel && a.thread.parentTs === b.thread.parentTs;

/** Calls `onEnd` once the first answer is posted. */
async function createRun(context: ThreadContext, candidate: Run, onEnd: () => void): Promise<OpenResult> {
  const state = context.slots.pending < context.limits.atOnce ? 'running' : 'queued';
  const run = await context.runs.create(inState(candidate, { state }));
  const activeRun = workOn(context, run, { ask: run.attempts === 0, retries: RETRY_ROOT });
  void activeRun.ended.finally(onEnd);
  const root = await activeRun.rootPosted;
  if (!('refused' in root)) return { opened: root, ended: activeRun.ended };
  await activeRun.ended;
  return { refused: refusalSentence(root), reason: 'slack', refusal: root };
}

function failedToOpen({ log }: ThreadContext, { id }: Run, error: unknown): OpenResult {
  if (isOutage(error)) {
    log.error({ run: id, err: error }, 'the run store does not answer');
    return {
      refused: "The diagnosis could not be stored, so it was not started; alb502's log says why.",
      reason: 'store',
    };
  }
  log.error({ run: id, err: error }, 'a thread could not be begun');
  return { refused: "The diagnosis could not be started; alb502's log says why.", reason: 'defect' };
}

/** Returns a usable run with the same question; its thread may still be about to be posted. */
async function findSameQuestion({ runs }: ThreadContext, run: Run): Promise<Run | null> {
  const id = await runs.claim(run, run.id);
  if (id === null || id === run.id) return null;
  let other = await runs.read(id);
  for (let polls = 0; polls < CLAIM_POLLS && !hasRootOrFailed(other); polls += 1) {
    await wait(CLAIM_POLL);
    other = await runs.read(id);
  }
  return other === null || hasFailed(other) || !hasSameWindow(other, run) ? null : other;
}

const hasRootOrFailed = (run: Run | null): boolean => run !== null && (run.thread.root !== null || hasFailed(run));
