/**
 * Buttons below a diagnosis. Anyone who may ask about it can press them, even weeks later; double presses count once.
 */

import type { App } from '@slack/bolt';
import type { Window } from '../../evidence/question.ts';
import { Problem } from '../../problem.ts';
import { LONGEST_WINDOW } from '../../query/window.ts';
import { isUnderWay } from '../../runs/run.ts';
import { rejection } from '../ask.ts';
import { requesterOf } from '../authorization.ts';
import { answerPrivately, linkMessage } from '../ephemeral-reply.ts';
import { ACTIONS, DETAIL_IDS, type DetailId } from '../messages/actions.ts';
import { fixView, privateMessage, SOMETHING_BROKE, THREAD_GONE } from '../messages/index.ts';
import type { SlackContext } from '../slack-context.ts';
import { markRight, openWrongForm } from './feedback.ts';
import { isMuteChoice, muteAlarms } from './mute.ts';
import { authorizedRun, type Press } from './press.ts';

const OWN_ACTION = /^alb502:/;
const DETAIL_PREFIX = ACTIONS.detail('repeat').replace(/repeat$/, '');

/** Handles all our buttons, and acknowledges presses that need nothing, such as links. */
export function onButtons(app: App, context: SlackContext): void {
  app.action(/^(?!alb502:)/, ({ ack }) => ack());
  app.action({ type: 'block_actions', action_id: OWN_ACTION }, async ({ ack, action, body, respond }) => {
    await ack();
    const button = parseAction(action);
    const channel = body.channel?.id ?? body.container.channel_id;
    if (button === null || typeof channel !== 'string') return;
    const who = requesterOf(body, channel);
    // A root message has its own ts as thread_ts.
    const within: unknown = body.message?.thread_ts ?? body.container.thread_ts;
    const thread = typeof within === 'string' && within !== body.message?.ts ? within : null;
    const refuse = (sentence: string) => answerPrivately(context, respond, privateMessage(sentence), thread);
    try {
      const access = await authorizedRun(context, button.run, who);
      if ('refused' in access) return refuse(access.refused);
      await handlePress(context, button.what, {
        run: access.run,
        who,
        trigger: body.trigger_id,
        respond,
        thread,
        window: button.window ?? null,
      });
    } catch (error) {
      if (error instanceof Problem) return refuse(error.message);
      context.log.error({ run: button.run, user: who.user, what: button.what, err: error }, 'a press was not answered');
      await refuse(SOMETHING_BROKE);
    }
  });
}

/** A button's value is the run; the value of an overflow option is its kind, then the run. */
function parseAction(action: {
  action_id: string;
  type: string;
}): { what: string; run: string; window?: Window } | null {
  if ('selected_option' in action) {
    const option = action.selected_option;
    const value = option !== null && typeof option === 'object' && 'value' in option ? String(option.value) : '';
    const [what = '', run = ''] = value.split(':');
    return { what, run };
  }
  if (!('value' in action) || typeof action.value !== 'string') return null;
  const { action_id: id, value } = action;
  const [run = '', from, to] = value.split(':');
  return {
    what: id.startsWith(DETAIL_PREFIX) ? id.slice(DETAIL_PREFIX.length) : id.replace(OWN_ACTION, ''),
    run,
    ...(from === undefined || to === undefined ? {} : { window: { from: Number(from), to: Number(to) } }),
  };
}

const isDetail = (what: string): what is DetailId => DETAIL_IDS.some((id) => id === what);

async function handlePress(context: SlackContext, what: string, press: Press): Promise<void> {
  const { run, who } = press;
  // Ignore double presses.
  if (!context.presses.isFirst(`${run.id}:${what}:${who.user}`)) return;
  context.log.info({ run: run.id, user: who.user, channel: who.channel, what }, 'pressed');
  if (what === 'fix') return showFix(context, press);
  if (isMuteChoice(what)) return muteAlarms(context, what, press);
  if (isDetail(what)) return postDetail(context, what, press);
  if (`alb502:${what}` === ACTIONS.askAgain) return askAgain(context, press);
  if (`alb502:${what}` === ACTIONS.askAnew) return askAnew(context, press);
  if (`alb502:${what}` === ACTIONS.widen) return askAgain(context, press, widenWindow(run, context.now()));
  if (`alb502:${what}` === ACTIONS.right) return markRight(context, press);
  if (`alb502:${what}` === ACTIONS.wrong) return openWrongForm(context, press);
  context.log.warn({ run: run.id, what }, 'nothing answers this button');
  const sentence = 'alb502 no longer has this button. Run the diagnosis again to get the current ones.';
  await answerPrivately(context, press.respond, privateMessage(sentence), press.thread);
}

/** Shows the fix in a modal; in the thread if a modal cannot hold it or did not open within Slack's three seconds. */
async function showFix(context: SlackContext, press: Press): Promise<void> {
  const { run, trigger } = press;
  const view = fixView({ run, diagnosis: await context.runs.diagnosis(run.id), episode: null });
  if (view === null) return postDetail(context, 'fix', press);
  try {
    await context.slack.views.open({ trigger_id: trigger, view });
  } catch (error) {
    context.log.info({ run: run.id, err: error }, 'the fix did not open, and goes into the thread');
    await postDetail(context, 'fix', press);
  }
}

/** Posts the detail once for each answer of the run, which may change when the question is asked again. */
async function postDetail(context: SlackContext, id: DetailId, { run, respond, thread }: Press): Promise<void> {
  const key = `${id}:${run.attempts}`;
  const pointTo = async (sentence: string, ts: string): Promise<void> =>
    answerPrivately(context, respond, await linkMessage(context, sentence, run, ts), thread);
  const answer = await context.threads.answer(run.id, id, key);
  if (answer === 'no-such-run') throw new Error('The run was removed while its button was pressed.');
  if (answer === 'already') {
    const reply = (await context.runs.read(run.id))?.replies[key];
    // Another press is posting it in the thread.
    if (reply?.state !== 'posted') return;
    return pointTo('Already in the thread:', reply.ts);
  }
  if ('ts' in answer) {
    // A person who presses in the channel does not see the thread.
    if (thread === null) await pointTo('Posted in the thread:', answer.ts);
    return;
  }
  const sentence =
    answer.refused === 'not-in-channel'
      ? `alb502 is no longer in this channel. Type /invite @${context.bot.name} here, then press again.`
      : answer.refused === 'gone'
        ? THREAD_GONE
        : 'Slack did not take the answer. Press again in a minute.';
  context.log.warn({ run: run.id, what: id, refused: answer.refused, code: answer.code }, 'a press was not answered');
  // The thread was deleted, so answer privately.
  await answerPrivately(context, respond, privateMessage(sentence), answer.refused === 'gone' ? null : thread);
}

async function askAgain(context: SlackContext, { run, who, respond, thread }: Press, window?: Window): Promise<void> {
  if (isUnderWay(run) || !context.presses.isFirst(`${run.id}:again`)) {
    return answerPrivately(context, respond, privateMessage('Already checking again; the thread will update.'), thread);
  }
  await context.threads.askAgain(run.id, window, who.user);
  const sentence = 'Checked again: the thread shows the new answer.';
  await answerPrivately(context, respond, privateMessage(sentence), thread);
}

/** Asks in a new thread even though one exists. */
async function askAnew(context: SlackContext, { run, who, respond, window }: Press): Promise<void> {
  const now = context.now();
  const isAskable = window !== null && window.from < window.to && window.to - window.from <= LONGEST_WINDOW;
  const { from, to } = isAskable ? window : { from: Date.parse(run.from), to: Date.parse(run.to) };
  const { channel, parentTs } = run.thread;
  const opened = await context.threads.open({
    askedBy: { kind: 'person', user: who.user, team: who.teams[0] ?? '' },
    question: { loadBalancer: run.loadBalancer, from, to, now, statuses: run.statuses },
    channel,
    parentTs,
    timeZone: run.timeZone,
    fresh: true,
  });
  if ('refused' in opened)
    await answerPrivately(context, respond, privateMessage(rejection(context, opened, channel).problem));
}

/**
 * Triples the window on both sides, or only before it if its end would be in the future. At most the longest window.
 */
export function widenWindow(window: { from: string; to: string }, now: number): Window {
  const [from, to] = [Date.parse(window.from), Date.parse(window.to)];
  const side = Math.min(to - from, (LONGEST_WINDOW - (to - from)) / 2);
  const end = Math.max(to, Math.min(to + side, now));
  return { from: from - side - (to + side - end), to: end };
}
