/**
 * Finds the load balancer or alarm that a pasted alert names, and its time. Reads cards of Amazon Q and Chatbot,
 * PagerDuty, Datadog, Grafana, CloudWatch e-mails and console links. Pure.
 */
import type { LoadBalancerRef } from '../investigate/investigator.ts';
import { loadBalancerIn } from '../query/load-balancer-word.ts';

/** Milliseconds: errors begin minutes before their alarm and continue after it. */
const BEFORE = 15 * 60_000;
const AFTER = 5 * 60_000;
const MINUTE = 60_000;
/** Characters of a message that are read. */
const MAX_TEXT = 40_000;
const MAX_DEPTH = 12;

const ARN =
  /arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:loadbalancer\/app\/[A-Za-z0-9-]{1,32}\/[A-Za-z0-9]+/g;
/** As a CloudWatch dimension. */
const RESOURCE = /\bapp\/[A-Za-z0-9-]{1,32}\/[0-9a-f]{8,}\b/g;
const DNS = /(?:[A-Za-z0-9-]{1,80}[.]){1,2}[a-z0-9-]{1,30}[.]elb[.]amazonaws[.]com(?:[.]cn)?/gi;

/** An alarm by name or ARN, and its region if the alert has one. */
export interface NamedAlarm {
  alarm: string;
  region: string | null;
}

/** `loadBalancer`: name, ARN, app/name/id or DNS name. `candidates`: several names, for the user to choose from. */
type AlertReading = { loadBalancer: string } | { candidates: string[] } | NamedAlarm | null;

/** Returns what a message names: a load balancer by ID or known name, else an alarm. */
export function readAlert(message: unknown, known: readonly LoadBalancerRef[]): AlertReading {
  const text = decoded(collectText(message));
  for (const pattern of [ARN, RESOURCE, DNS]) {
    const ids = [...new Set(text.match(pattern) ?? [])];
    const [id] = ids;
    if (id === undefined) continue;
    return ids.length > 1 ? { candidates: ids } : { loadBalancer: asListed(id, known) };
  }
  const names = namesIn(text, known);
  const [name] = names;
  if (name !== undefined) return names.length > 1 ? { candidates: names } : { loadBalancer: asListed(name, known) };
  return alarmIn(text);
}

/** Whether the words are a pasted alert, not a question. */
export const isAlert = (words: string): boolean =>
  /[|]|https?:|\b(?:alarm|alert|firing|triggered|monitor|pagerduty|opsgenie|prometheus)\b/i.test(words);

/** Whether the alert reports a recovery. */
export const isOver = (message: unknown): boolean => {
  const text = collectText(message);
  return (
    (/\b(?:resolved|recovered|cleared)\b/i.test(text) || /\bOK\b/.test(text)) &&
    !/\b(?:ALARM|firing|triggered)\b/i.test(text)
  );
};

/** The ARN of the matching listed load balancer, else the text as written. */
function asListed(id: string, known: readonly LoadBalancerRef[]): string {
  const meant = known.filter(
    ({ name, arn }) => arn === id || arn?.endsWith(`:loadbalancer/${id}`) || name.toLowerCase() === id.toLowerCase(),
  );
  const arns = new Set(meant.map(({ arn }) => arn));
  return arns.size === 1 ? (meant[0]?.arn ?? meant[0]?.name ?? id) : (meant[0]?.name ?? id);
}

/**
 * Returns known names in a text, also as parts of longer names such as an alarm's, separated by hyphens, underscores,
 * slashes or dots. Skips names contained in another match.
 */
function namesIn(text: string, known: readonly LoadBalancerRef[]): string[] {
  const lower = text.toLowerCase();
  const names = [...new Set(known.map(({ name }) => name))].sort();
  const fitting = names.filter((name) => isWithin(lower, name.toLowerCase()));
  const isPart = (name: string) =>
    fitting.some((other) => other !== name && other.toLowerCase().includes(name.toLowerCase()));
  return fitting.filter((name) => !isPart(name));
}

function isWithin(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const [before = ' ', after = ' '] = [text[at - 1], text[at + name.length]];
    if (!/[a-z0-9]/.test(before) && !/[a-z0-9]/.test(after)) return true;
  }
  return false;
}

const REGION = '[a-z]{2}(?:-[a-z]+)+-[0-9]';
const ALARM_PATTERNS = [
  /** ARN. */
  new RegExp(`(?<alarm>arn:aws[a-z-]*:cloudwatch:(?<region>${REGION}):[0-9]{12}:alarm:[^\\s|>"<]{1,255})`),
  /** Console links of today and of old cards; without a region in the host, the query has it. */
  new RegExp(
    `https?://(?:(?<region>${REGION})[.])?console[.][^\\s]*(?:alarms?(?:V2)?:(?:alarm/)?|[#&]alarm=)(?<alarm>[^\\s?&|>"<;~]{1,255})`,
  ),
  /** The title of Amazon Q and Chatbot: "CloudWatch Alarm | shop-prod-5xx | eu-west-1 | Account: 123456789012". */
  new RegExp(`CloudWatch Alarm\\s*[|]\\s*(?<alarm>[^|\\n]{1,255}?)\\s*[|]\\s*(?<region>${REGION})`),
  /** The subject of its e-mail: 'ALARM: "shop-prod-5xx" in EU (Ireland)'. */
  /ALARM:\s*"(?<alarm>[^"\n]{1,255})"(?<region>)/,
  /** The same without its quotation marks, as typed in Slack. */
  /ALARM:\s*(?<alarm>[^"\n]{1,255}?) in [A-Z][A-Za-z ]{1,30} [(](?<region>)/,
];

const regionIn = (link: string): string | null => new RegExp(`[?&]region=(${REGION})`).exec(link)?.[1] ?? null;

function alarmIn(text: string): NamedAlarm | null {
  for (const pattern of ALARM_PATTERNS) {
    const match = pattern.exec(text);
    const { alarm, region } = match?.groups ?? {};
    if (match === null || alarm === undefined) continue;
    const isLink = match[0].startsWith('http');
    return {
      alarm: isLink ? alarm.replaceAll('+', ' ') : alarm,
      region: region || (isLink ? regionIn(match[0]) : null),
    };
  }
  return null;
}

/**
 * The window to ask about, in words: from before the message to shortly after it, or to now. `ts`: Slack's, in seconds.
 */
export function windowAround(ts: string, now: number): string {
  const at = Number(ts) * 1000;
  if (!Number.isFinite(at)) return 'last 15m';
  const [from, to] = [at - BEFORE, Math.min(at + AFTER, now)].map(
    (ms) => `${new Date(Math.floor(ms / MINUTE) * MINUTE).toISOString().slice(0, 16)}Z`,
  );
  return `from ${from} to ${to}`;
}

/** Console links escape ids, some twice. */
function decoded(text: string): string {
  return text.replaceAll(/https?:\/\/[^\s|>"<]{1,2000}/g, (link) => {
    const id = loadBalancerIn(link);
    if (id !== null) return id;
    try {
      // A link has no spaces; a name in it may.
      return decodeURIComponent(link.replaceAll(/[$]25|[$](?=[0-9A-F]{2})/g, '%')).replaceAll(' ', '+');
    } catch {
      return link;
    }
  });
}

/** All text of a message, its blocks and its attachments. */
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
  return texts.join('\n').slice(0, 2 * MAX_TEXT);
}
