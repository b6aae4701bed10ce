/** What people say of a verdict: kept with the run, beside the evidence it came from. */
import type { App } from '@slack/bolt';
import type { Feedback } from '../../runs/run.ts';
import type { SlackContext } from '../ask.ts';
import { requesterOf } from '../authorization.ts';
import { answerPrivately } from '../ephemeral-reply.ts';
import { INPUTS, VIEWS } from '../messages/actions.ts';
import { privateMessage, wrongVerdictView } from '../messages/index.ts';
import { authorizedRun, type Press } from './buttons.ts';
import { valuesIn } from './form.ts';
import { sayTo } from './mention.ts';

const THANKS = 'Noted, and kept with the evidence of this diagnosis.';

/** The verdict was right. */
export async function markRight(context: SlackContext, { run, who, respond, thread }: Press): Promise<void> {
  await saveFeedback(context, run.id, { user: who.user, verdict: 'right', cause: null, words: null });
  await answerPrivately(context, respond, privateMessage(THANKS), thread);
}

/** It was wrong: what was it? */
export async function openWrongForm({ slack }: SlackContext, { run, trigger }: Press): Promise<void> {
  await slack.views.open({
    trigger_id: trigger,
    view: { ...wrongVerdictView(run.id), private_metadata: `${run.id} ${run.thread.channel}` },
  });
}

export function onFeedback(app: App, context: SlackContext): void {
  app.view(VIEWS.wrong, async ({ ack, body, view }) => {
    await ack();
    const [id = '', channel = ''] = view.private_metadata.split(' ');
    const who = requesterOf(body, channel);
    const say = (sentence: string) =>
      sayTo(context, { user: who.user, channel, thread: null }, privateMessage(sentence));
    const access = await authorizedRun(context, id, who);
    if ('refused' in access) return say(access.refused);
    const values = valuesIn(view);
    const cause = values(INPUTS.cause);
    const words = values(INPUTS.words);
    await saveFeedback(context, id, { user: who.user, verdict: 'wrong', cause, words });
    await say(THANKS);
  });
}

/** The last word of each person counts. */
async function saveFeedback(
  { runs, threads, now, log }: SlackContext,
  id: string,
  entry: Omit<Feedback, 'at'>,
): Promise<void> {
  const feedback: Feedback = { ...entry, at: new Date(now()).toISOString() };
  await runs.change(id, (run) => ({
    ...run,
    feedback: [...run.feedback.filter(({ user }) => user !== entry.user), feedback],
  }));
  log.info({ run: id, user: entry.user, verdict: entry.verdict, cause: entry.cause }, 'feedback');
  await threads.refresh(id);
}
