/** The form for load balancer, window and statuses, opened by the bare command and by shortcuts. */

import { setTimeout as pause } from 'node:timers/promises';
import type { App, ViewOutput } from '@slack/bolt';
import * as z from 'zod';
import { loadBalancerNameIn } from '../../collect/find-load-balancer.ts';
import type { ParsedQuestion } from '../../query/parse-question.ts';
import { ask, namesOpenTo, type QuestionRejection, tryParseQuery } from '../ask.ts';
import { type Requester, requesterOf } from '../authorization.ts';
import { outcomeMessage } from '../ephemeral-reply.ts';
import { INPUTS, VIEWS } from '../messages/actions.ts';
import { formView, privateMessage } from '../messages/index.ts';
import type { Message } from '../messages/message.ts';
import { normalizeText } from '../normalize-text.ts';
import type { SlackContext } from '../slack-context.ts';
import { sayTo } from './mention.ts';

/** Initial values of the form, as typed. */
export type FormValues = Parameters<typeof formView>[0];

/** Private metadata of the form: channel and thread in which it was opened. */
const FormOrigin = z.object({ channel: z.string().nullable(), within: z.string().nullable() });
type FormOrigin = z.infer<typeof FormOrigin>;

/** Milliseconds. Slack waits three seconds for the answer to a form and accepts errors only in it. */
const ACK_TIMEOUT = 2_200;

/** Opens the form within the three seconds that a trigger is valid. Null when open, else the sentence to show. */
export async function openForm(
  context: SlackContext,
  { trigger, who, form, within }: { trigger: string; who: Requester; form: FormValues; within: string | null },
): Promise<Message | null> {
  const decision = await context.authorize(who);
  if ('refused' in decision) return privateMessage(decision.refused);
  const origin: FormOrigin = { channel: who.channel, within };
  try {
    await context.slack.views.open({
      trigger_id: trigger,
      // Ask for a channel only if the form was opened outside one.
      view: {
        ...formView(who.channel === null ? form : { ...form, channel: who.channel }),
        private_metadata: context.seals.close(origin, who.user),
      },
    });
    return null;
  } catch (error) {
    context.log.warn({ user: who.user, err: error }, 'the form did not open');
    return privateMessage('The form did not open in time. Ask in words: /alb502 my-alb last 15m.');
  }
}

export function onForm(app: App, context: SlackContext): void {
  app.view({ callback_id: VIEWS.form, type: 'view_submission' }, async ({ ack, body, view }) => {
    const origin = formOrigin(context, view, body.user.id);
    const parsed = readForm(view, origin, await namesOpenTo(context, requesterOf(body, origin.channel)));
    if ('errors' in parsed) return ack({ response_action: 'errors', errors: parsed.errors });
    const { query, channel } = parsed;
    const who = { ...requesterOf(body, channel), channel };
    if (origin.channel === null) {
      const refusal = await membershipRefusal(context, who);
      if (refusal !== null) return ack({ response_action: 'errors', errors: { [INPUTS.channel]: refusal } });
    }
    const within = origin.channel === channel ? origin.within : null;
    const pendingOutcome = ask(context, { who, query, within });
    const earlyOutcome = await Promise.race([
      pendingOutcome,
      pause(origin.channel === null ? ACK_TIMEOUT - MEMBERS_TIMEOUT : ACK_TIMEOUT, null),
    ]);
    if (earlyOutcome !== null && 'problem' in earlyOutcome) {
      return ack({
        response_action: 'errors',
        errors: { [blockFor(view, INPUT_FOR[earlyOutcome.about])]: earlyOutcome.problem },
      });
    }
    await ack();
    const reply = await outcomeMessage(context, earlyOutcome ?? (await pendingOutcome));
    if (reply !== null) await sayTo(context, { user: who.user, channel, thread: within }, reply);
  });
}

/** Milliseconds, part of ACK_TIMEOUT. */
const MEMBERS_TIMEOUT = 1_000;
const MAX_MEMBER_PAGES = 20;

/**
 * Why a person may not ask in the channel they picked; null if they are a member. Checked because a client may send any
 * channel. Source: https://docs.slack.dev/reference/methods/conversations.members
 */
async function membershipRefusal(
  { slack, log }: SlackContext,
  { user, channel }: { user: string; channel: string },
): Promise<string | null> {
  const isMember = async (): Promise<boolean> => {
    let cursor = '';
    for (let page = 0; page < MAX_MEMBER_PAGES; page++) {
      const { members = [], response_metadata: next } = await slack.conversations.members({
        channel,
        limit: 1000,
        cursor,
      });
      if (members.includes(user)) return true;
      cursor = next?.next_cursor ?? '';
      if (cursor === '') return false;
    }
    return false;
  };
  try {
    const answer = await Promise.race([isMember(), pause(MEMBERS_TIMEOUT, null, { ref: false })]);
    if (answer === true) return null;
    return answer === false
      ? 'You or alb502 are not in this channel. Type /alb502 in a channel you are both in.'
      : 'Slack did not list the members of this channel in time. Try again, or type /alb502 there.';
  } catch (error) {
    log.info({ user, channel, err: error }, 'Slack does not say who is in a channel');
    return 'alb502 cannot see who is in this channel. Type /alb502 there.';
  }
}

type FormResult =
  | { query: ParsedQuestion & { loadBalancer: string }; channel: string }
  | { errors: Record<string, string> };

/** Reads the question in the form, or all its errors by input. */
function readForm(
  view: Pick<ViewOutput, 'state' | 'blocks'>,
  origin: FormOrigin,
  known: readonly string[],
): FormResult {
  const value = valuesIn(view);
  const errors: Record<string, string> = {};
  const parsePart = (input: string, words: string): ParsedQuestion | null => {
    const parsed = tryParseQuery(words, examples);
    if ('query' in parsed) return parsed.query;
    errors[input] = parsed.problem;
    return null;
  };
  const name = normalizeText(value(INPUTS.loadBalancer) ?? '');
  const chosen = loadBalancerNameIn(name);
  // The first is the example for words that are not understood.
  const examples = known.toSorted((a, b) => Number(b === chosen) - Number(a === chosen));
  const nameQuery = name === '' ? null : parsePart(INPUTS.loadBalancer, name);
  if (name === '') errors[INPUTS.loadBalancer] = 'Pick a load balancer.';
  const window = parsePart(INPUTS.window, normalizeText(value(INPUTS.window) ?? ''));
  const statuses = parsePart(INPUTS.statuses, normalizeText(value(INPUTS.statuses) ?? ''));
  if (statuses !== null && (statuses.loadBalancer !== null || statuses.window !== null))
    errors[INPUTS.statuses] = 'Only statuses go here. Try: 502 504, or 5xx.';
  // The examples start with the name, so it is accepted here too.
  if (window !== null && window.loadBalancer !== null && loadBalancerNameIn(window.loadBalancer) !== chosen)
    errors[INPUTS.window] = `Didn't understand "${window.loadBalancer}". Try: last 15m, or 02:40-02:55.`;
  // The channel in which the form was opened wins over a channel input that the client forged.
  const channel = origin.channel ?? value(INPUTS.channel);
  if (channel === null) errors[INPUTS.channel] = 'Pick the channel for the thread.';
  const loadBalancer = nameQuery?.loadBalancer ?? null;
  if (
    Object.keys(errors).length > 0 ||
    loadBalancer === null ||
    window === null ||
    statuses === null ||
    channel === null
  ) {
    return { errors: Object.fromEntries(Object.entries(errors).map(([input, text]) => [blockFor(view, input), text])) };
  }
  const { window: asked, zone } = window;
  return { query: { loadBalancer, window: asked, zone, statuses: statuses.statuses }, channel };
}

const INPUT_FOR: Record<QuestionRejection['about'], string> = {
  who: INPUTS.channel,
  channel: INPUTS.channel,
  loadBalancer: INPUTS.loadBalancer,
  window: INPUTS.window,
  bot: INPUTS.loadBalancer,
};

/** Block that shows an error; Slack accepts only blocks of existing inputs. */
function blockFor({ blocks }: Pick<ViewOutput, 'blocks'>, input: string): string {
  const ids = blocks.flatMap((block) => (block.type === 'input' && block.block_id ? [block.block_id] : []));
  return ids.includes(input) ? input : (ids[0] ?? INPUTS.loadBalancer);
}

/** The value of an input of any kind, several choices joined by spaces; null if empty. */
export function valuesIn({ state }: Pick<ViewOutput, 'state'>): (input: string) => string | null {
  return (input) => {
    const entered = state.values[input]?.[input];
    if (entered === undefined) return null;
    const several = entered.selected_options?.map(({ value }) => value).join(' ');
    const one = entered.selected_option?.value;
    return entered.value || one || several || entered.selected_conversation || entered.selected_channel || null;
  };
}

/** Treated as opened in no channel unless it was sealed for this person. */
export const formOrigin = (
  { seals }: Pick<SlackContext, 'seals'>,
  { private_metadata }: Pick<ViewOutput, 'private_metadata'>,
  user: string,
): FormOrigin => FormOrigin.catch({ channel: null, within: null }).parse(seals.open(private_metadata, user));
