/** A press of a button or menu, and whether the person may ask about its run. */

import type { RespondFn } from '@slack/bolt';
import type { Window } from '../../evidence/question.ts';
import { type Run, RunId } from '../../runs/run.ts';
import type { Requester } from '../authorization.ts';
import type { SlackContext } from '../slack-context.ts';

/** A press: the action, the person and the message. */
export interface Press {
  run: Run;
  who: Requester;
  trigger: string;
  respond: RespondFn;
  /** Thread of the pressed button; null for the root message, which is seen in the channel. */
  thread: string | null;
  /** The window that the button carries, as the client sent it. */
  window: Window | null;
}

/** Returns the run of a press if this person may ask about it here. */
export async function authorizedRun(
  context: SlackContext,
  id: string,
  who: Requester,
): Promise<{ run: Run } | { refused: string }> {
  const decision = await context.authorize(who);
  if ('refused' in decision) return decision;
  const run = RunId.safeParse(id).success ? await context.runs.read(id) : null;
  if (run === null) {
    const days = context.config.runs.retentionDays;
    return { refused: `This diagnosis is no longer stored (kept ${days} days). Run it again.` };
  }
  if (run.thread.channel !== who.channel) return { refused: 'Press this in the channel where the question was asked.' };
  if (!decision.accounts.includes(run.loadBalancer.account))
    return { refused: `Account ${run.loadBalancer.account} is not open to this channel.` };
  return { run };
}
