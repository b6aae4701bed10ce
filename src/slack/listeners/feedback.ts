/** What people say of a verdict: kept with the run, beside the evidence it came from. */
import type { App } from '@slack/bolt';
import type { Feedback } from '../../runs/run.ts';
import type { Desk } from '../ask.ts';
import { whoSigned } from '../authorization.ts';
import { answerPrivately } from '../ephemeral-reply.ts';
import { INPUTS, VIEWS } from '../messages/actions.ts';
import { privateMessage, wrongView } from '../messages/index.ts';
import { type Press, runFor } from './buttons.ts';
import { valuesIn } from './form.ts';
import { sayTo } from './mention.ts';

const THANKS = 'Noted, and kept with the evidence of this diagnosis.';

/** The verdict was right. */
export async function right(desk: Desk, { run, who, respond, thread }: Press): Promise<void> {
  await keep(desk, run.id, { user: who.user, verdict: 'right', cause: null, words: null });
  await answerPrivately(desk, respond, privateMessage(THANKS), thread);
}

/** It was wrong: what was it? */
export async function openWrongForm({ slack }: Desk, { run, trigger }: Press): Promise<void> {
  await slack.views.open({
    trigger_id: trigger,
    view: { ...wrongView(run.id), private_metadata: `${run.id} ${run.thread.channel}` },
  });
}

export function onFeedback(app: App, desk: Desk): void {
  app.view(VIEWS.wrong, async ({ ack, body, view }) => {
    await ack();
    const [id = '', channel = ''] = view.private_metadata.split(' ');
    const who = whoSigned(body, channel);
    const say = (sentence: string) => sayTo(desk, { user: who.user, channel, thread: null }, privateMessage(sentence));
    const found = await runFor(desk, id, who);
    if ('refused' in found) return say(found.refused);
    const values = valuesIn(view);
    const cause = values(INPUTS.cause);
    const words = values(INPUTS.words);
    await keep(desk, id, { user: who.user, verdict: 'wrong', cause, words });
    await say(THANKS);
  });
}

/** The last word of each person counts. */
async function keep({ runs, threads, now, log }: Desk, id: string, said: Omit<Feedback, 'at'>): Promise<void> {
  const feedback: Feedback = { ...said, at: new Date(now()).toISOString() };
  await runs.change(id, (run) => ({
    ...run,
    feedback: [...run.feedback.filter(({ user }) => user !== said.user), feedback],
  }));
  log.info({ run: id, user: said.user, verdict: said.verdict, cause: said.cause }, 'feedback');
  await threads.refresh(id);
}
