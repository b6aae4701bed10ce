/** What an alert in a channel is about: the load balancer its text names, and the time around it. Pure. */
import type { LoadBalancerRef } from '../investigate/investigator.ts';

/** Milliseconds: an alarm comes some minutes after what it is about began, which then goes on for a while. */
const BEFORE = 15 * 60_000;
const AFTER = 5 * 60_000;
const MINUTE = 60_000;
/** Enough of a long message. */
const MAX_TEXT = 40_000;
const MAX_DEPTH = 12;

const ARN = /arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:loadbalancer\/app\/[A-Za-z0-9-]{1,32}\/[A-Za-z0-9]+/;
/** As a CloudWatch dimension. */
const RESOURCE = /\bapp\/[A-Za-z0-9-]{1,32}\/[0-9a-f]{8,}\b/;

/**
 * The load balancer that an alert names: by ARN, as app/name/id, or one of those known by name, the longest where several are. Null when
 * it names none.
 */
export function loadBalancerIn(message: unknown, loadBalancers: readonly LoadBalancerRef[]): string | null {
  const text = collectText(message);
  const identified = ARN.exec(text)?.[0] ?? RESOURCE.exec(text)?.[0];
  if (identified !== undefined) {
    const same = loadBalancers.find(({ arn }) => arn === identified || arn?.endsWith(`:loadbalancer/${identified}`));
    return same?.arn ?? identified;
  }
  const words = new Set(text.toLowerCase().match(/[a-z0-9](?:[\w-]*[a-z0-9])?/g));
  const named = loadBalancers.filter(({ name }) => words.has(name.toLowerCase()));
  const [longest] = named.sort((a, b) => b.name.length - a.name.length || (a.name < b.name ? -1 : 1));
  if (longest === undefined) return null;
  const isOnlyOne = named.every(({ name, arn }) => name !== longest.name || arn === longest.arn);
  return isOnlyOne ? (longest.arn ?? longest.name) : longest.name;
}

/** The window to ask for, in words: from before the message to a little after it, or to now. `ts` is Slack's, in seconds. */
export function windowAround(ts: string, now: number): string {
  const at = Number(ts) * 1000;
  if (!Number.isFinite(at)) return 'last 15m';
  const [from, to] = [at - BEFORE, Math.min(at + AFTER, now)].map(
    (ms) => `${new Date(Math.floor(ms / MINUTE) * MINUTE).toISOString().slice(0, 16)}Z`,
  );
  return `from ${from} to ${to}`;
}

/** Every text of a message: its own, and those of its blocks and attachments, whatever they are called. */
function collectText(message: unknown): string {
  const texts: string[] = [];
  let length = 0;
  const gather = (value: unknown, depth: number): void => {
    if (length > MAX_TEXT || depth > MAX_DEPTH) return;
    if (typeof value === 'string') {
      texts.push(value);
      length += value.length;
    } else if (Array.isArray(value)) {
      for (const each of value) gather(each, depth + 1);
    } else if (value !== null && typeof value === 'object') {
      for (const each of Object.values(value)) gather(each, depth + 1);
    }
  };
  gather(message, 0);
  return texts.join('\n');
}
