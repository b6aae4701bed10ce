/** Feedback on verdicts, stored with the run. */

import type { App } from '@slack/bolt';
import * as z from 'zod';
import type { Feedback } from '../../runs/run.ts';
import { requesterOf } from '../authorization.ts';
import { answerPrivately } from '../ephemeral-reply.ts';
import { INPUTS, VIEWS } from '../messages/actions.ts';
import { privateMessage, wrongVerdictView } from '../messages/index.ts';
import type { SlackContext } from '../slack-context.ts';
import { valuesIn } from './form.ts';
import { sayTo } from './mention.ts';
import { authorizedRun, type Press } from './press.ts';

const THANKS = 'Thanks, recorded with this diagnosis.';

/** Records that the verdict was right. */
export async function markRight(context: SlackContext, { run, who, respond, thread }: Press): Promise<void> {
  await saveFeedback(context, run.id, { user: who.user, verdict: 'right', cause: null, words: null });
  await answerPrivately(context, respond, privateMessage(THANKS), thread);
}

/** Private metadata of the form: its subject and the thread for the answer. */
const FormSubject = z.object({ run: z.string(), channel: z.string(), thread: z.string().nullable() });

/** Opens the form that asks what the right cause was. */
export async function openWrongForm({ slack, seals }: SlackContext, { run, who, trigger }: Press): Promise<void> {
  const { channel, parentTs, root } = run.thread;
  const subject: z.infer<typeof FormSubject> = { run: run.id, channel, thread: parentTs ?? root };
  await slack.views.open({ trigger_id: trigger, view: wrongVerdictView(seals.close(subject, who.user)) });
}

export function onFeedback(app: App, context: SlackContext): void {
  app.view(VIEWS.wrong, async ({ ack, body, view }) => {
    await ack();
    const { data: subject } = FormSubject.safeParse(context.seals.open(view.private_metadata, body.user.id));
    if (subject === undefined) {
      const nowhere = { user: body.user.id, channel: null, thread: null };
      return sayTo(
        context,
        nowhere,
        privateMessage('This form comes from an older alb502. Press "Wrong" below the verdict again.'),
      );
    }
    const { run: id, channel, thread } = subject;
    const who = requesterOf(body, channel);
    const say = (sentence: string) => sayTo(context, { user: who.user, channel, thread }, privateMessage(sentence));
    const access = await authorizedRun(context, id, who);
    if ('refused' in access) return say(access.refused);
    const values = valuesIn(view);
    const cause = values(INPUTS.cause);
    const words = values(INPUTS.words);
    await saveFeedback(context, id, { user: who.user, verdict: 'wrong', cause, words });
    await say(THANKS);
  });
}

/** Only the latest feedback of each person counts. */
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
