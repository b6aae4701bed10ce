/**
 * Receives messages from a queue by long polling, and deletes each once it is handled. While Slack or the run store is
 * down, current messages stay invisible and no new ones are received: an outage costs no receive, and a queue allows
 * only a few before its dead-letter queue.
 */
import { type Message, SQSClient } from '@aws-sdk/client-sqs';
import type { Logger } from 'pino';
import { Consumer } from 'sqs-consumer';
import { settingsFor } from '../collect/aws/sdk-clients.ts';
import { standardRegion } from '../collect/aws/session.ts';
import type { MessageOutcome } from './message-outcome.ts';

export interface SqsParts {
  queueUrl: string;
  region?: string | undefined;
  /** `received`: how often the message was received, including this time. */
  handle(body: string, received: number): Promise<MessageOutcome>;
  /** Receiving pauses while this is true. */
  isDown(): boolean;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
  sleep(milliseconds: number): Promise<unknown>;
  /** Called when a message is received for the first time, with the milliseconds that it waited. */
  onReceived?(age: number): void;
  /** Defaults to a client for the region with the standard credentials. */
  client?: SQSClient;
  /** Number of parallel receives, ten messages each. */
  consumers?: number;
  /** How long received messages stay invisible to others; renewed three times within that time. */
  visibilitySeconds?: number;
}

interface AlarmQueue {
  start(): Promise<void>;
  /** Stops receiving, waits up to `milliseconds` for current messages, and returns the rest to the queue. */
  stop(milliseconds: number, giveBack: () => void): Promise<void>;
}

const CONSUMERS = 4;
const VISIBILITY = 60;
/** Longest wait of a receive in SQS. */
const WAIT_SECONDS = 20;
/** Seconds until a failed message is received again. */
const RETRY_AFTER_SECONDS = 30;
/** Milliseconds. */
const POLL_INTERVAL = 500;
const STOP_POLL_INTERVAL = 20;

export function openSqs(parts: SqsParts): AlarmQueue {
  const { queueUrl, handle, isDown, log, sleep } = parts;
  const { consumers: count = CONSUMERS, visibilitySeconds = VISIBILITY } = parts;
  const inFlight = new Map<Consumer, Set<string>>();
  let isStopping = false;
  let client: SQSClient | null = parts.client ?? null;

  async function start(): Promise<void> {
    const region = parts.region ?? regionOf(queueUrl) ?? (await standardRegion(undefined));
    client ??= new SQSClient(settingsFor({ account: 'default', region }));
    for (let number = 0; number < count; number++) startConsumer(client);
    log.info({ queueUrl, consumers: count }, 'reading alarms from the queue');
  }

  function startConsumer(sqs: SQSClient): void {
    const messageIds = new Set<string>();
    const consumer = Consumer.create({
      queueUrl,
      sqs,
      batchSize: 10,
      waitTimeSeconds: WAIT_SECONDS,
      visibilityTimeout: visibilitySeconds,
      heartbeatInterval: Math.max(1, Math.floor(visibilitySeconds / 3)),
      messageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
      // On a stop, make the messages available to other consumers at once.
      terminateVisibilityTimeout: () => (isStopping ? 0 : RETRY_AFTER_SECONDS),
      suppressFifoWarning: true,
      strictReturn: true,
      async preReceiveMessageCallback() {
        while (isDown() && !isStopping) await sleep(POLL_INTERVAL);
      },
      handleMessage: (message) => processMessage(message, messageIds),
    });
    const forget = (message: Message | Message[] | undefined): void => {
      for (const { MessageId = '' } of [message ?? []].flat()) messageIds.delete(MessageId);
    };
    consumer.on('message_received', ({ MessageId = '' }) => void messageIds.add(MessageId));
    consumer.on('message_processed', forget);
    consumer.on('processing_error', (error, message) => {
      forget(message);
      const [{ MessageId: messageId, Attributes } = {}] = [message].flat();
      const fields = { messageId, received: Attributes?.ApproximateReceiveCount, err: error };
      if (!isStopping) log.error(fields, 'a message stays in the queue');
    });
    consumer.on('error', (error, message) => {
      forget(message);
      if (!isStopping) log.error({ err: error, queueUrl }, 'could not receive from the queue');
    });
    inFlight.set(consumer, messageIds);
    consumer.start();
  }

  /** Returns the message if it may be deleted. Throws if it should be received again. */
  async function processMessage(message: Message, messageIds: Set<string>): Promise<Message | undefined> {
    const { Body = '', MessageId = '', Attributes } = message;
    const { ApproximateReceiveCount: received, SentTimestamp: sent } = Attributes ?? {};
    if (received === '1' && sent !== undefined) parts.onReceived?.(Date.now() - Number(sent));
    const result = await handle(Body, Number(Attributes?.ApproximateReceiveCount ?? 1));
    if (result.outcome === 'handled' || result.outcome === 'ignored') return message;
    if (result.outcome !== 'poison') throw new Error(result.why);
    log.error(
      { messageId: MessageId, why: result.why, received: Attributes?.ApproximateReceiveCount },
      'a message that is not understood is left for the dead-letter queue',
    );
    messageIds.delete(MessageId);
    return undefined;
  }

  async function stop(milliseconds: number, giveBack: () => void): Promise<void> {
    isStopping = true;
    for (const [consumer, messageIds] of inFlight) consumer.stop({ abort: messageIds.size === 0 });
    // Half of the time is for messages that finish, half for returning the others.
    const isIdle = (): boolean => [...inFlight].every(([consumer]) => !consumer.status.isPolling);
    await waitUntil(() => isIdle() || isDown(), milliseconds / 2);
    giveBack();
    await waitUntil(isIdle, milliseconds / 2);
    if (parts.client === undefined) client?.destroy();
    inFlight.clear();
  }

  return { start, stop };
}

async function waitUntil(condition: () => boolean, milliseconds: number): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!condition() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, STOP_POLL_INTERVAL));
}

/** Region in `https://sqs.<region>.amazonaws.com/<account>/<name>`. */
export const regionOf = (queueUrl: string): string | undefined =>
  /^https:\/\/sqs\.([a-z0-9-]+)\.amazonaws\.com/.exec(queueUrl)?.[1];
