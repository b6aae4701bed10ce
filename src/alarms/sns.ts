/**
 * Messages of SNS over HTTPS: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html. Whoever can reach the
 * address can send anything: nothing is asked of any other machine before the topic is one of those listed, and the certificate is on a
 * host of SNS.
 */
import { verify, X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import * as z from 'zod';
import { epochOf, Instant } from '../evidence/aws.ts';
import type { Route } from '../slack/app.ts';

/** The text at an address; rejects for any other answer than 200. */
export type FetchText = (url: URL, signal: AbortSignal) => Promise<string>;

export interface SnsParts {
  path: string;
  /** ARNs. */
  topics: readonly string[];
  /** Records what was sent; when it rejects, SNS sends it again. */
  take(body: string): Promise<void>;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Epoch milliseconds. */
  now: () => number;
  fetchText?: FetchText;
}

/** Bytes: as many as SNS sends. */
const LARGEST = 256 * 1024;
/** Milliseconds. SNS sends again for an hour at most. */
const FRESH = 60 * 60_000;
/** SNS waits 15 seconds for the answer. */
const DEADLINE = 10_000;
/** Certificates change every few months; each region has its own. */
const CERTIFICATES = 50;
const LARGEST_FETCHED = 64 * 1024;

const Sent = z.object({
  Type: z.enum(['Notification', 'SubscriptionConfirmation', 'UnsubscribeConfirmation']),
  MessageId: z.string().max(200),
  TopicArn: z.string().max(500),
  Subject: z.string().nullish(),
  Message: z.string(),
  Timestamp: Instant,
  SignatureVersion: z.enum(['1', '2']),
  Signature: z.string().max(4000),
  SigningCertURL: z.string().max(1000),
  Token: z.string().optional(),
  SubscribeURL: z.string().max(4000).optional(),
});
type Sent = z.infer<typeof Sent>;

/** What is answered with a status, and logged. */
class Refused extends Error {
  readonly status: number;

  constructor(status: number, why: string) {
    super(why);
    this.status = status;
  }
}

export function snsRoute(parts: SnsParts): Route {
  const { path, topics, take, log, now, fetchText = fetchOverHttps } = parts;
  const certificates = new Map<string, X509Certificate>();

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await bodyOf(request);
      const sent = sentIn(body, request);
      await assertGenuine(sent, AbortSignal.timeout(DEADLINE));
      await act(sent, body);
      answer(response, 200, 'taken');
    } catch (error) {
      const status = error instanceof Refused ? error.status : 500;
      const message = error instanceof Error ? error.message : String(error);
      const fields = { status, why: message, from: request.socket?.remoteAddress };
      if (status === 500) log.error({ ...fields, err: error }, 'a message of SNS was not taken');
      else log.warn(fields, 'a message to the address of SNS was refused');
      // The rest of a body that is too large is not read.
      if (status === 413) response.setHeader('Connection', 'close');
      answer(response, status, status === 500 ? 'not taken, send it again' : 'refused');
    }
  }

  function sentIn(body: string, { headers }: IncomingMessage): Sent {
    if (headers['x-amz-sns-rawdelivery'] === 'true')
      throw new Refused(403, 'raw delivery has no signature; turn it off for this subscription');
    let content: unknown;
    try {
      content = JSON.parse(body);
    } catch {
      throw new Refused(400, 'the body is not JSON');
    }
    const read = Sent.safeParse(content);
    if (read.success) return read.data;
    const [issue] = read.error.issues;
    throw new Refused(400, `it is no message of SNS: ${issue?.path.join('.')}: ${issue?.message}`);
  }

  async function assertGenuine(sent: Sent, signal: AbortSignal): Promise<void> {
    if (!topics.includes(sent.TopicArn)) throw new Refused(403, `the topic ${sent.TopicArn} is not listed`);
    if (Math.abs(now() - epochOf(sent.Timestamp)) > FRESH)
      throw new Refused(403, `it was sent at ${sent.Timestamp}, more than an hour from now`);
    const url = addressOf(sent.SigningCertURL);
    if (
      url === null ||
      !/^\/SimpleNotificationService-[0-9a-zA-Z]{16,64}\.pem$/.test(url.pathname) ||
      url.search !== ''
    )
      throw new Refused(403, `${sent.SigningCertURL.slice(0, 200)} is not where SNS keeps its certificates`);
    const certificate = await certificateAt(url, signal);
    const algorithm = sent.SignatureVersion === '1' ? 'RSA-SHA1' : 'RSA-SHA256';
    const signature = Buffer.from(sent.Signature, 'base64');
    if (!verify(algorithm, Buffer.from(signedText(sent)), certificate.publicKey, signature))
      throw new Refused(403, 'the signature is not of SNS');
  }

  /** Kept only when it is one: an error page in its place would refuse everything from then on. */
  async function certificateAt(url: URL, signal: AbortSignal): Promise<X509Certificate> {
    const there = certificates.get(url.href);
    if (there !== undefined && isValid(there)) return there;
    const certificate = new X509Certificate(
      await fetchText(url, signal).catch((error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        throw new Error(`its certificate cannot be had from ${url.hostname}: ${why}`, { cause: error });
      }),
    );
    if (!isValid(certificate)) throw new Refused(403, 'the certificate is not valid now');
    if (!/(^|\n)CN=sns\.([a-z0-9-]+\.)?amazonaws\.com(\.cn)?($|\n)/.test(certificate.subject))
      throw new Refused(403, `the certificate is of ${certificate.subject.replaceAll('\n', ', ').slice(0, 200)}`);
    if (certificates.size >= CERTIFICATES) certificates.clear();
    certificates.set(url.href, certificate);
    return certificate;
  }

  const isValid = ({ validFrom, validTo }: X509Certificate): boolean =>
    Date.parse(validFrom) <= now() && now() <= Date.parse(validTo);

  async function act(sent: Sent, body: string): Promise<void> {
    const { Type, TopicArn, SubscribeURL = '' } = sent;
    if (Type === 'Notification') return take(body);
    if (Type === 'UnsubscribeConfirmation') {
      log.warn({ topic: TopicArn }, 'the topic has been unsubscribed from: its alarms no longer come here');
      return;
    }
    const url = addressOf(SubscribeURL);
    const asks = url?.searchParams;
    if (url === null || asks?.get('Action') !== 'ConfirmSubscription' || asks.get('TopicArn') !== TopicArn)
      throw new Refused(403, `${SubscribeURL.slice(0, 200)} does not confirm a subscription of ${TopicArn}`);
    await fetchText(url, AbortSignal.timeout(DEADLINE));
    log.info({ topic: TopicArn }, 'the subscription was confirmed');
  }

  return { path, method: 'POST', handle };
}

/** An address on a host of SNS; null for any other. */
function addressOf(text: string): URL | null {
  const url = URL.parse(text);
  if (url === null || url.protocol !== 'https:' || url.username !== '' || url.password !== '' || url.port !== '')
    return null;
  return /^sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/.test(url.hostname) ? url : null;
}

/** What SNS signs: names and values in lines, in the order of the names; a subject only where there is one. */
function signedText(sent: Sent): string {
  const names =
    sent.Type === 'Notification'
      ? (['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'] as const)
      : (['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'] as const);
  return names.map((name) => (sent[name] == null ? '' : `${name}\n${sent[name]}\n`)).join('');
}

function bodyOf(request: IncomingMessage): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const tooLarge = (): void => {
    // The rest is not kept, and not read for long: the connection is closed with the answer.
    request.removeAllListeners('data').resume();
    reject(new Refused(413, `the body is larger than ${LARGEST / 1024} KiB`));
  };
  const parts: Buffer[] = [];
  let size = 0;
  request.on('data', (part: Buffer) => {
    size += part.length;
    if (size > LARGEST) tooLarge();
    else parts.push(part);
  });
  request.on('end', () => resolve(Buffer.concat(parts).toString('utf8')));
  request.on('error', reject);
  request.on('close', () => reject(new Refused(400, 'the body was cut off')));
  if (Number(request.headers['content-length'] ?? 0) > LARGEST) tooLarge();
  return promise;
}

function answer(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'Content-Type': 'text/plain' }).end(`${text}\n`);
}

const fetchOverHttps: FetchText = async (url, signal) => {
  const response = await fetch(url, { signal, redirect: 'error' });
  if (!response.ok) throw new Error(`${url.hostname} answered ${response.status}`);
  const text = await response.text();
  if (text.length > LARGEST_FETCHED) throw new Error(`${url.hostname} answered with ${text.length} characters`);
  return text;
};
