/** Requests from Slack to an app: signed over HTTP, or in envelopes. */
import { createHmac } from 'node:crypto';
import type { Acknowledgement, EnvelopeType, Retry } from './socket-mode.ts';

/** What the person saw of it: `timed-out` where the app did not answer within three seconds, or there was none to ask. */
export type Outcome =
  | { acknowledged: true; milliseconds: number; answer: Record<string, unknown> }
  | { acknowledged: false; because: 'timed-out' | `HTTP ${number}` };

export interface Delivery {
  type: EnvelopeType;
  payload: Record<string, unknown>;
}

/** The body as Slack encodes it: commands as a form, interactions as JSON in a form, events as JSON. */
function bodyOf({ type, payload }: Delivery): { body: string; contentType: string } {
  if (type === 'events_api') return { body: JSON.stringify(payload), contentType: 'application/json' };
  const fields =
    type === 'slash_commands'
      ? Object.fromEntries(Object.entries(payload).map(([key, value]) => [key, String(value)]))
      : { payload: JSON.stringify(payload) };
  return { body: new URLSearchParams(fields).toString(), contentType: 'application/x-www-form-urlencoded' };
}

/** The headers that prove who sent a body. `seconds`: since the epoch. */
function signatureOf(secret: string, body: string, seconds: number): Record<string, string> {
  const hash = createHmac('sha256', secret).update(`v0:${seconds}:${body}`).digest('hex');
  return { 'X-Slack-Request-Timestamp': String(seconds), 'X-Slack-Signature': `v0=${hash}` };
}

/** Posts to an app as Slack does. */
export async function overHttp(
  url: string,
  secret: string,
  delivery: Delivery,
  within: number,
  retry?: Retry,
): Promise<Outcome> {
  const { body, contentType } = bodyOf(delivery);
  const began = performance.now();
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: {
        'Content-Type': contentType,
        'User-Agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
        ...signatureOf(secret, body, Math.floor(Date.now() / 1000)),
        ...(retry ? { 'X-Slack-Retry-Num': String(retry.attempt), 'X-Slack-Retry-Reason': retry.reason } : {}),
      },
      signal: AbortSignal.timeout(within),
    });
    const text = await response.text();
    if (!response.ok) return { acknowledged: false, because: `HTTP ${response.status}` };
    return { acknowledged: true, milliseconds: performance.now() - began, answer: answerOf(text) };
  } catch {
    return { acknowledged: false, because: 'timed-out' };
  }
}

function answerOf(text: string): Record<string, unknown> {
  if (text === '') return {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) return { ...parsed };
  } catch {
    // Words alone.
  }
  return { text };
}

export const overSocket = (one: Acknowledgement | null): Outcome =>
  one === null
    ? { acknowledged: false, because: 'timed-out' }
    : { acknowledged: true, milliseconds: one.milliseconds, answer: one.payload };
