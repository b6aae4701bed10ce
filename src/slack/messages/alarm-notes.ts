/** Messages about alarms outside their threads. Pure. */

import { number } from '../../format/wording.ts';
import type { Message } from './message.ts';
import { line, partsMessage, prose, type TextLine } from './rich-text.ts';

const MAX_NAMES = 15;

/** Replies in a thread. */
export const sentencesMessage = (sentences: readonly string[]): Message =>
  partsMessage(sentences.map((sentence) => ({ line: prose(sentence) })));

/**
 * Says why a thread is not in the channel of its route. `code`: Slack's error; null if alb502 is not in that channel.
 */
export function misplacedMessage({ channel, code }: { channel: string; code: string | null }): Message {
  const why =
    code === null
      ? ', but alb502 is not in that channel. Invite it there.'
      : `, but Slack refused the post there (${code}).`;
  return partsMessage([line('This thread belongs in ', { channel }, ` (${channel})${why}`)]);
}

/** Load balancers in ALARM beyond those with a thread in the channel. */
interface AlarmStorm {
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
  const names = waiting.map(({ loadBalancer, alarm }): TextLine => [`${loadBalancer}: ${alarm}`]);
  const more = waiting.length - MAX_NAMES;
  return partsMessage([
    line(
      { bold: `${least}${count} more ${count === 1 ? 'load balancer' : 'load balancers'} in ALARM` },
      ` since ${startTime}, beyond those with a thread here.`,
    ),
    line(
      waiting.length === 0
        ? 'Every load balancer listed here now has a thread or has recovered.'
        : `${least}${waiting.length} without a thread. Each gets one once this channel has room, if it is still in ALARM.${later > 0 ? ` ${later} ${later === 1 ? 'has' : 'have'} one by now.` : ''}`,
    ),
    { bullets: names.slice(0, MAX_NAMES) },
    ...(more > 0
      ? [line(`and ${atLeast}${number(more)} more. To diagnose one now: `, { code: '/alb502 my-alb last 15m' })]
      : []),
  ]);
}
