/**
 * Receives SNS messages over HTTPS: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html.
 * Anyone who reaches the address can send anything, so nothing is fetched until the topic is a listed one and the URL
 * names SNS in its region.
 *
 * The certificate is trusted for its location: TLS proves the host, and `sns.<region>.amazonaws.com` serves only
 * objects of SNS. SNS publishes the leaf without its intermediates, so the message alone does not allow building a
 * chain.
 */

import { verify, X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import * as z from 'zod';
import { epochOf, Instant } from '../evidence/aws.ts';
import { errorMessage } from '../problem.ts';
import type { HttpRoute } from '../slack/app.ts';

/** Fetches a text; rejects unless the status is 200. */
export type FetchText = (url: URL, signal: AbortSignal) => Promise<string>;

interface SnsParts {
  path: string;
  /** ARNs. */
  topics: readonly string[];
  /** Records the message; when this rejects, SNS sends it again. */
  take(body: string): Promise<void>;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Epoch milliseconds. */
  now: () => number;
  fetchText?: FetchText;
}

/** Bytes; the limit of SNS. */
const MAX_BODY_BYTES = 256 * 1024;
/** Milliseconds. SNS retries for at most an hour. */
const MAX_AGE = 60 * 60_000;
/** Milliseconds. SNS waits 15 s for the response. */
const DEADLINE = 10_000;
/** Certificates change every few months, and each region has its own. */
const MAX_CERTIFICATES = 50;
const MAX_FETCHED_CHARACTERS = 64 * 1024;

const SnsMessage = z.object({
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
type SnsMessage = z.infer<typeof SnsMessage>;

/** A refusal with its HTTP status. */
class SnsRequestError extends Error {
  readonly status: number;

  constructor(status: number, why: string) {
    super(why);
    this.status = status;
  }
}

export function snsRoute(parts: SnsParts): HttpRoute {
  const { path, topics, take, log, now, fetchText = fetchOverHttps } = parts;
  const certificates = new Map<string, X509Certificate>();

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await readBody(request);
      const message = parseSnsMessage(body, request);
      await assertGenuine(message, AbortSignal.timeout(DEADLINE));
      await processMessage(message, body);
      respond(response, 200, 'taken');
    } catch (error) {
      const status = error instanceof SnsRequestError ? error.status : 500;
      const message = errorMessage(error);
      const fields = { status, why: message, from: request.socket?.remoteAddress };
      if (status === 500) log.error({ ...fields, err: error }, 'could not accept an SNS message');
      else log.warn(fields, 'refused a request to the SNS endpoint');
      // Do not read the rest of a body that is too large.
      if (status === 413) response.setHeader('Connection', 'close');
      respond(response, status, status === 500 ? 'not taken, send it again' : 'refused');
    }
  }

  function parseSnsMessage(body: string, { headers }: IncomingMessage): SnsMessage {
    if (headers['x-amz-sns-rawdelivery'] === 'true')
      throw new SnsRequestError(403, 'raw delivery has no signature; turn it off for this subscription');
    let content: unknown;
    try {
      content = JSON.parse(body);
    } catch {
      throw new SnsRequestError(400, 'the body is not JSON');
    }
    const read = SnsMessage.safeParse(content);
    if (read.success) return read.data;
    const [issue] = read.error.issues;
    throw new SnsRequestError(400, `it is no message of SNS: ${issue?.path.join('.')}: ${issue?.message}`);
  }

  async function assertGenuine(message: SnsMessage, signal: AbortSignal): Promise<void> {
    if (!topics.includes(message.TopicArn))
      throw new SnsRequestError(403, `the topic ${message.TopicArn} is not listed`);
    if (Math.abs(now() - epochOf(message.Timestamp)) > MAX_AGE)
      throw new SnsRequestError(403, `it was sent at ${message.Timestamp}, more than an hour from now`);
    const url = parseSnsUrl(message.SigningCertURL, message.TopicArn);
    if (
      url === null ||
      !/^\/SimpleNotificationService-[0-9a-zA-Z]{16,64}\.pem$/.test(url.pathname) ||
      url.search !== ''
    )
      throw new SnsRequestError(403, `${message.SigningCertURL.slice(0, 200)} is not where SNS keeps its certificates`);
    const certificate = await certificateAt(url, signal);
    const algorithm = message.SignatureVersion === '1' ? 'RSA-SHA1' : 'RSA-SHA256';
    const signature = Buffer.from(message.Signature, 'base64');
    if (!verify(algorithm, Buffer.from(signedText(message)), certificate.publicKey, signature))
      throw new SnsRequestError(403, 'the signature is not of SNS');
  }

  /** Fetches a certificate and caches only a valid one: a cached error page would refuse every later message. */
  async function certificateAt(url: URL, signal: AbortSignal): Promise<X509Certificate> {
    const there = certificates.get(url.href);
    if (there !== undefined && isValid(there)) return there;
    const certificate = new X509Certificate(
      await fetchText(url, signal).catch((error: unknown) => {
        const why = errorMessage(error);
        throw new Error(`its certificate cannot be had from ${url.hostname}: ${why}`, { cause: error });
      }),
    );
    if (!isValid(certificate)) throw new SnsRequestError(403, 'the certificate is not valid now');
    if (
      !certificate.subject.split('\n').some((name) => name === 'CN=sns.amazonaws.com' || name === `CN=${url.hostname}`)
    )
      throw new SnsRequestError(
        403,
        `the certificate is of ${certificate.subject.replaceAll('\n', ', ').slice(0, 200)}`,
      );
    if (certificates.size >= MAX_CERTIFICATES) certificates.clear();
    certificates.set(url.href, certificate);
    return certificate;
  }

  const isValid = ({ validFrom, validTo }: X509Certificate): boolean =>
    Date.parse(validFrom) <= now() && now() <= Date.parse(validTo);

  async function processMessage(message: SnsMessage, body: string): Promise<void> {
    const { Type, TopicArn, SubscribeURL = '' } = message;
    if (Type === 'Notification') return take(body);
    if (Type === 'UnsubscribeConfirmation') {
      log.warn({ topic: TopicArn }, 'unsubscribed from the topic: its alarms no longer arrive');
      return;
    }
    const url = parseSnsUrl(SubscribeURL, TopicArn);
    const query = url?.searchParams;
    if (url === null || query?.get('Action') !== 'ConfirmSubscription' || query.get('TopicArn') !== TopicArn)
      throw new SnsRequestError(403, `${SubscribeURL.slice(0, 200)} does not confirm a subscription of ${TopicArn}`);
    await fetchText(url, AbortSignal.timeout(DEADLINE));
    log.info({ topic: TopicArn }, 'confirmed the subscription');
  }

  return { path, method: 'POST', handle };
}

/** Parses a URL on the SNS host in the topic's region; null for any other, such as a bucket named sns. */
function parseSnsUrl(text: string, topicArn: string): URL | null {
  const url = URL.parse(text);
  if (url === null || url.protocol !== 'https:' || url.username !== '' || url.password !== '' || url.port !== '')
    return null;
  return url.hostname === snsHost(topicArn) ? url : null;
}

/**
 * Source: https://docs.aws.amazon.com/general/latest/gr/sns.html; in China
 * https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-arns.html
 */
function snsHost(topicArn: string): string {
  const [, partition, , region] = topicArn.split(':');
  return `sns.${region}.amazonaws.com${partition === 'aws-cn' ? '.cn' : ''}`;
}

/** Builds the text SNS signs: names and values on alternate lines, sorted by name; a subject only if present. */
function signedText(message: SnsMessage): string {
  const names =
    message.Type === 'Notification'
      ? (['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'] as const)
      : (['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'] as const);
  return names.map((name) => (message[name] == null ? '' : `${name}\n${message[name]}\n`)).join('');
}

function readBody(request: IncomingMessage): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const tooLarge = (): void => {
    // Discard the rest; the response closes the connection.
    request.removeAllListeners('data').resume();
    reject(new SnsRequestError(413, `the body is larger than ${MAX_BODY_BYTES / 1024} KiB`));
  };
  const parts: Buffer[] = [];
  let size = 0;
  request.on('data', (part: Buffer) => {
    size += part.length;
    if (size > MAX_BODY_BYTES) tooLarge();
    else parts.push(part);
  });
  request.on('end', () => resolve(Buffer.concat(parts).toString('utf8')));
  for (const end of ['error', 'close']) request.on(end, () => reject(new SnsRequestError(400, 'the body was cut off')));
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) tooLarge();
  return promise;
}

function respond(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'Content-Type': 'text/plain' }).end(`${text}\n`);
}

const fetchOverHttps: FetchText = async (url, signal) => {
  const response = await fetch(url, { signal, redirect: 'error' });
  if (!response.ok) throw new Error(`${url.hostname} answered ${response.status}`);
  const text = await response.text();
  if (text.length > MAX_FETCHED_CHARACTERS) throw new Error(`${url.hostname} answered with ${text.length} characters`);
  return text;
};
