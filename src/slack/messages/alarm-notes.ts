/** Messages about alarms outside their threads. Pure. */

import { escapeMrkdwn, type Message } from './message.ts';

const MAX_NAMES = 15;

/** A message of lines whose text is already escaped. */
function mrkdwnMessage(all: readonly string[]): Message {
  const text = all.join('\n').slice(0, 3000);
  return { text, blocks: [{ type: 'section', text: { type: 'mrkdwn', text } }] };
}

/** Replies in a thread; escapes text from outside. */
export const sentencesMessage = (sentences: readonly string[]): Message => mrkdwnMessage(sentences.map(escapeMrkdwn));

const CHANNEL = /^[CG][A-Z0-9]{2,30}$/;

/**
 * Says why a thread is not in the channel of its route. `code`: Slack's error; null if alb502 is not in that channel.
 */
export function misplacedMessage({ channel, code }: { channel: string; code: string | null }): Message {
  const id = escapeMrkdwn(channel);
  const name = CHANNEL.test(channel) ? `<#${channel}> (${id})` : id;
  return mrkdwnMessage([
    code === null
      ? `This thread belongs in ${name}, but alb502 is not in that channel. Invite it there.`
      : `This thread belongs in ${name}, but Slack refused the post there (${escapeMrkdwn(code)}).`,
  ]);
}

/** Load balancers in ALARM beyond those with a thread in the channel. */
export interface AlarmStorm {
  /** ISO 8601. */
  since: string;
  /** All of these; `waiting` have no thread yet, `later` got one meanwhile. */
  count: number;
  waiting: readonly { loadBalancer: string; alarm: string }[];
  later: number;
  /** Whether more may be waiting than are listed. */
  isFull: boolean;
}

/** The single note about a storm. */
export function stormMessage({ count, later, waiting, since, isFull }: AlarmStorm): Message {
  const startTime = `${since.slice(11, 19)} UTC`;
  const [least, atLeast] = isFull ? ['At least ', 'at least '] : ['', ''];
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
