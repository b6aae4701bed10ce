/** Messages about alarms outside their threads. Pure. */

import type { Alarm } from '../../alarms/alarm-event.ts';
import { type ChannelState, isFull } from '../../alarms/thread-rate-limit.ts';
import { list } from '../../format/wording.ts';
import { timeOfDay } from '../../render/phrases.ts';
import { escapeMrkdwn, type Message } from './message.ts';

const MAX_NAMES = 15;

/** A plain message of lines, escaped by whoever made them. */
function mrkdwnMessage(all: readonly string[]): Message {
  const text = all.join('\n').slice(0, 3000);
  return { text, blocks: [{ type: 'section', text: { type: 'mrkdwn', text } }] };
}

/** Sentences below a thread; texts from outside in them are escaped. */
export const sentencesMessage = (sentences: readonly string[]): Message => mrkdwnMessage(sentences.map(escapeMrkdwn));

const CHANNEL = /^[CG][A-Z0-9]{2,30}$/;

/** Why a thread is not in the channel of its route. `code` is what Slack answered; null where alb502 is not in that channel. */
export function misplacedMessage({ channel, code }: { channel: string; code: string | null }): Message {
  const id = escapeMrkdwn(channel);
  const name = CHANNEL.test(channel) ? `<#${channel}> (${id})` : id;
  return mrkdwnMessage([
    code === null
      ? `This thread belongs in ${name}, but alb502 is not in that channel. Invite it there.`
      : `This thread belongs in ${name}, but Slack refused the post there (${escapeMrkdwn(code)}).`,
  ]);
}

/** The one note of a storm. */
export function stormMessage(note: NonNullable<ChannelState['note']>): Message {
  const { count, later, waiting, since } = note;
  const startTime = `${since.slice(11, 19)} UTC`;
  const [least, atLeast] = isFull(note) ? ['At least ', 'at least '] : ['', ''];
  const names = waiting
    .slice(0, MAX_NAMES)
    .map(({ loadBalancer, alarm }) => `• ${escapeMrkdwn(loadBalancer)}: ${escapeMrkdwn(alarm)}`);
  const more = waiting.length - names.length;
  return mrkdwnMessage([
    `*${least}${count} more ${count === 1 ? 'load balancer' : 'load balancers'} in ALARM* since ${startTime}, beyond those with a thread here.`,
    waiting.length === 0
      ? 'Every load balancer listed here now has a thread or has recovered.'
      : `${least}${waiting.length} without a thread. Each gets one once this channel has room, if it is still in ALARM.${later > 0 ? ` ${later} ${later === 1 ? 'has' : 'have'} one by now.` : ''}`,
    ...names,
    ...(more > 0 ? [`and ${atLeast}${more} more. To diagnose one now: \`/alb502 my-alb last 15m\``] : []),
  ]);
}

/** What was understood of an alarm that names no load balancer. */
export function describeAlarm({ state, changedAt, region, account, metrics, reason }: Alarm): string[] {
  const metricNames = metrics.flatMap(({ namespace, name, expression }) =>
    name !== null ? `${namespace ?? ''} ${name}`.trim() : (expression ?? []),
  );
  const place = [...(region === null ? [] : [region]), ...(account === null ? [] : [`account ${account}`])].join(', ');
  return [
    `In ${state} since ${timeOfDay(changedAt)} UTC${place === '' ? '' : ` (${place})`}.`,
    ...(metricNames.length > 0 ? [`${metricNames.length === 1 ? 'Metric' : 'Metrics'}: ${list(metricNames)}.`] : []),
    ...(reason === '' ? [] : [reason]),
  ];
}
