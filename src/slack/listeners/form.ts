/** The form that asks for load balancer, window and statuses: opened by the command without words and by the shortcuts. */
import { setTimeout as pause } from 'node:timers/promises';
import type { App, ViewOutput } from '@slack/bolt';
import * as z from 'zod';
import type { Query } from '../../query/parse-question.ts';
import { ask, type Desk, type Refused, readQuery } from '../ask.ts';
import { type Who, whoSigned } from '../authorization.ts';
import { saidOf } from '../ephemeral-reply.ts';
import { INPUTS, VIEWS } from '../messages/actions.ts';
import { formView, privateMessage } from '../messages/index.ts';
import type { Message } from '../messages/message.ts';
import { plainWords } from '../normalize-text.ts';
import { sayTo } from './mention.ts';

/** What the form is opened with, as it would be typed. */
export type Prefilled = Parameters<typeof formView>[0];

/** Kept in the form: the thread it asks in, which holds for that channel only. */
const Place = z.object({ channel: z.string().nullable(), within: z.string().nullable() });
type Place = z.infer<typeof Place>;

/** Slack waits three seconds for the answer to a form, and takes errors only with that. */
const PATIENCE = 2_200;

/** Opens it, within the three seconds that a trigger lives. What is to be said instead; null when it is open. */
export async function openForm(
  desk: Desk,
  { trigger, who, form, within }: { trigger: string; who: Who; form: Prefilled; within: string | null },
): Promise<Message | null> {
  const decision = await desk.allowed(who);
  if ('refused' in decision) return privateMessage(decision.refused);
  const place: Place = { channel: who.channel, within };
  try {
    await desk.slack.views.open({
      trigger_id: trigger,
      view: { ...formView(form), private_metadata: JSON.stringify(place) },
    });
    return null;
  } catch (error) {
    desk.log.warn({ user: who.user, err: error }, 'the form did not open');
    return privateMessage('The form did not open in time. Ask in words: /alb502 my-alb last 15m.');
  }
}

export function onForm(app: App, desk: Desk): void {
  app.view({ callback_id: VIEWS.form, type: 'view_submission' }, async ({ ack, body, view }) => {
    const place = placeOf(view);
    const read = readForm(view, place);
    if ('errors' in read) return ack({ response_action: 'errors', errors: read.errors });
    const { query, channel } = read;
    const who = { ...whoSigned(body, channel), channel };
    const within = place.channel === channel ? place.within : null;
    const asking = ask(desk, { who, query, within });
    const soon = await Promise.race([asking, pause(PATIENCE, null)]);
    if (soon !== null && 'problem' in soon) {
      return ack({ response_action: 'errors', errors: { [blockFor(view, INPUT_OF[soon.about])]: soon.problem } });
    }
    await ack();
    const said = await saidOf(desk, soon ?? (await asking));
    if (said !== null) await sayTo(desk, { user: who.user, channel, thread: within }, said);
  });
}

type Read = { query: Query & { loadBalancer: string }; channel: string } | { errors: Record<string, string> };

/** The question in the form; what is wrong with it by the input it is about, all at once. */
export function readForm(view: Pick<ViewOutput, 'state' | 'blocks'>, place: Place): Read {
  const value = valuesIn(view);
  const errors: Record<string, string> = {};
  const part = (input: string, words: string): Query | null => {
    const read = readQuery(words);
    if ('query' in read) return read.query;
    errors[input] = read.problem;
    return null;
  };
  const name = plainWords(value(INPUTS.loadBalancer) ?? '');
  const asked = name === '' ? null : part(INPUTS.loadBalancer, name);
  if (name === '') errors[INPUTS.loadBalancer] = 'Which load balancer?';
  const window = part(INPUTS.window, windowWords(plainWords(value(INPUTS.window) ?? '')));
  const statuses = part(INPUTS.statuses, plainWords(value(INPUTS.statuses) ?? ''));
  if (statuses !== null && (statuses.loadBalancer !== null || statuses.window !== null))
    errors[INPUTS.statuses] = 'Statuses only, such as "502 504" or "5xx".';
  if (window !== null && window.loadBalancer !== null)
    errors[INPUTS.window] = 'A window only, such as "last 15m" or "from 02:40 to 02:55".';
  const channel = value(INPUTS.channel) ?? place.channel;
  if (channel === null) errors[INPUTS.channel] = 'Where is the thread to be?';
  const loadBalancer = asked?.loadBalancer ?? null;
  if (
    Object.keys(errors).length > 0 ||
    loadBalancer === null ||
    window === null ||
    statuses === null ||
    channel === null
  ) {
    return { errors: Object.fromEntries(Object.entries(errors).map(([input, text]) => [blockFor(view, input), text])) };
  }
  return { query: { loadBalancer, window: window.window, statuses: statuses.statuses }, channel };
}

/** "15m" and "02:40 to 02:55" are meant as the words before them would say. */
export function windowWords(text: string): string {
  if (text === '' || /^(?:last|from)\b/i.test(text)) return text;
  const times = /^(\S+(?: \d{1,2}:\S+)?)(?: to |-(?=\d{1,2}:)| - )(\S.*)$/i.exec(text);
  return times === null ? `last ${text}` : `from ${times[1]} to ${times[2]}`;
}

const INPUT_OF: Record<Refused['about'], string> = {
  who: INPUTS.channel,
  channel: INPUTS.channel,
  loadBalancer: INPUTS.loadBalancer,
  window: INPUTS.window,
  bot: INPUTS.loadBalancer,
};

/** The block to show an error on: Slack takes only blocks of inputs that the form has. */
function blockFor({ blocks }: Pick<ViewOutput, 'blocks'>, input: string): string {
  const ids = blocks.flatMap((block) => (block.type === 'input' && block.block_id ? [block.block_id] : []));
  return ids.includes(input) ? input : (ids[0] ?? INPUTS.loadBalancer);
}

/** What was entered, whatever kind of input it is: several choices joined by spaces; null for nothing. */
export function valuesIn({ state }: Pick<ViewOutput, 'state'>): (input: string) => string | null {
  return (input) => {
    const entered = state.values[input]?.[input];
    if (entered === undefined) return null;
    const several = entered.selected_options?.map(({ value }) => value).join(' ');
    const one = entered.selected_option?.value;
    return entered.value || one || several || entered.selected_conversation || entered.selected_channel || null;
  };
}

/** Kept by Slack, but given back by the client: anything else than what was put there counts as nothing. */
export function placeOf({ private_metadata }: Pick<ViewOutput, 'private_metadata'>): Place {
  try {
    return Place.parse(JSON.parse(private_metadata));
  } catch {
    return { channel: null, within: null };
  }
}
