/** Buttons below a diagnosis: pressed by anyone who may ask about it, weeks later too, and once is enough. */
import type { App, RespondFn } from '@slack/bolt';
import { Problem } from '../../problem.ts';
import { LONGEST_WINDOW, type Window } from '../../query/parse-question.ts';
import { Run } from '../../runs/run.ts';
import type { Desk } from '../ask.ts';
import { type Who, whoSigned } from '../authorization.ts';
import { answerPrivately, pointer } from '../ephemeral-reply.ts';
import { ACTIONS, EXTRA_IDS, type ExtraId } from '../messages/actions.ts';
import { privateMessage } from '../messages/index.ts';
import { openWrongForm, right } from './feedback.ts';

/** What was pressed, by whom, and below which message. */
export interface Press {
  run: Run;
  who: Who;
  trigger: string;
  respond: RespondFn;
  /** The thread in which the button was pressed; null for one of the root message, which people see in the channel. */
  thread: string | null;
}

const OWN = /^alb502:/;
const REPEATED = ACTIONS.extra('repeat').replace(/repeat$/, '');

/** Everything that can be pressed; what is not ours, such as a link, is acknowledged, for Slack waits for that. */
export function onButtons(app: App, desk: Desk): void {
  app.action(/^(?!alb502:)/, ({ ack }) => ack());
  app.action({ type: 'block_actions', action_id: OWN }, async ({ ack, action, body, respond }) => {
    await ack();
    const pressed = pressedIn(action);
    const channel = body.channel?.id ?? body.container.channel_id;
    if (pressed === null || typeof channel !== 'string') return;
    const who = whoSigned(body, channel);
    // The root message of a thread names itself.
    const within: unknown = body.message?.thread_ts ?? body.container.thread_ts;
    const thread = typeof within === 'string' && within !== body.message?.ts ? within : null;
    const refuse = (sentence: string) => answerPrivately(desk, respond, privateMessage(sentence), thread);
    try {
      const found = await runFor(desk, pressed.run, who);
      if ('refused' in found) return refuse(found.refused);
      await done(desk, pressed.what, { run: found.run, who, trigger: body.trigger_id, respond, thread });
    } catch (error) {
      if (error instanceof Problem) return refuse(error.message);
      desk.log.error({ run: pressed.run, user: who.user, what: pressed.what, err: error }, 'a press was not answered');
      await refuse('Something broke; the log of alb502 says what. Try again in a minute.');
    }
  });
}

/** A button has the run as its value; an option of the overflow has what it is before that. */
function pressedIn(action: { action_id: string; type: string }): { what: string; run: string } | null {
  if ('selected_option' in action) {
    const option = action.selected_option;
    const value = option !== null && typeof option === 'object' && 'value' in option ? String(option.value) : '';
    const [what = '', run = ''] = value.split(':');
    return { what, run };
  }
  if (!('value' in action) || typeof action.value !== 'string') return null;
  const { action_id: id, value } = action;
  return { what: id.startsWith(REPEATED) ? id.slice(REPEATED.length) : id.replace(OWN, ''), run: value };
}

/** The run that a press is about, if this person may ask about it here. */
export async function runFor(desk: Desk, id: string, who: Who): Promise<{ run: Run } | { refused: string }> {
  const decision = await desk.allowed(who);
  if ('refused' in decision) return decision;
  const run = Run.shape.id.safeParse(id).success ? await desk.runs.read(id) : null;
  if (run === null) {
    const days = desk.config.runs.retentionDays;
    return { refused: `What this was about is not kept any more (it is for ${days} days); ask anew.` };
  }
  if (run.thread.channel !== who.channel)
    return { refused: 'This can only be pressed in the channel it was asked in.' };
  if (!decision.accounts.includes(run.loadBalancer.account))
    return { refused: `The account ${run.loadBalancer.account} may not be asked about from here.` };
  return { run };
}

const isExtra = (what: string): what is ExtraId => EXTRA_IDS.some((id) => id === what);

async function done(desk: Desk, what: string, press: Press): Promise<void> {
  const { run, who } = press;
  // A finger that presses twice means once.
  if (!desk.presses.first(`${run.id}:${what}:${who.user}`)) return;
  desk.log.info({ run: run.id, user: who.user, channel: who.channel, what }, 'pressed');
  if (isExtra(what)) return extra(desk, what, press);
  if (`alb502:${what}` === ACTIONS.askAgain) return again(desk, press);
  if (`alb502:${what}` === ACTIONS.widen) return again(desk, press, widened(run, desk.now()));
  if (`alb502:${what}` === ACTIONS.right) return right(desk, press);
  if (`alb502:${what}` === ACTIONS.wrong) return openWrongForm(desk, press);
  desk.log.warn({ run: run.id, what }, 'nothing answers this button');
}

/** Once for each answer of the run: asked again, it may say something else. */
async function extra(desk: Desk, id: ExtraId, { run, respond, thread }: Press): Promise<void> {
  const key = `${id}:${run.asks}`;
  const answer = await desk.threads.answer(run.id, id, key);
  if (answer === 'no-such-run') throw new Error('The run was removed while its button was pressed.');
  if (answer === 'already') {
    const there = (await desk.runs.read(run.id))?.extras[key];
    // What is being posted will stand where everybody sees it.
    if (there === undefined || !/^\d+\.\d+$/.test(there)) return;
    return answerPrivately(desk, respond, await pointer(desk, 'That is in this thread already:', run, there), thread);
  }
  if ('ts' in answer) return;
  const sentence =
    answer.refused === 'not-in-channel'
      ? `alb502 is not in this channel any more: type /invite @${desk.bot.name} in it, then press again.`
      : answer.refused === 'gone'
        ? 'The thread or its channel is gone; ask anew where the answer is to be.'
        : 'Slack did not take the answer; press again in a minute.';
  desk.log.warn({ run: run.id, what: id, refused: answer.refused, code: answer.code }, 'a press was not answered');
  await answerPrivately(desk, respond, privateMessage(sentence), thread);
}

async function again(desk: Desk, { run, who, respond, thread }: Press, window?: Window): Promise<void> {
  if (run.state === 'queued' || run.state === 'looking' || !desk.presses.first(`${run.id}:again`)) {
    return answerPrivately(desk, respond, privateMessage('It is being asked at this moment.'), thread);
  }
  await desk.threads.askAgain(run.id, window, who.user);
}

/** As long again before it and after it, where that is not in the future; then all of it before. At most the longest that can be asked. */
export function widened(window: { from: string; to: string }, now: number): Window {
  const [from, to] = [Date.parse(window.from), Date.parse(window.to)];
  const side = Math.min(to - from, (LONGEST_WINDOW * 1000 - (to - from)) / 2);
  const end = Math.max(to, Math.min(to + side, now));
  return { from: from - side - (to + side - end), to: end };
}
