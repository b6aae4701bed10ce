/**
 * Messages from a queue, by long polling. One is deleted only when it was handled. While Slack or the run store is down, those in hand
 * are kept invisible and none are received: an outage costs no receive, of which the queue allows only a few before its dead-letter queue.
 */
import { type Message, SQSClient } from '@aws-sdk/client-sqs';
import type { Logger } from 'pino';
import { Consumer } from 'sqs-consumer';
import { settingsFor } from '../collect/aws/sdk-clients.ts';
import { standardRegion } from '../collect/aws/session.ts';
import type { Handled } from './alarms.ts';

export interface SqsParts {
  queueUrl: string;
  region?: string | undefined;
  /** `received`: how often it was, with this time. */
  handle(body: string, received: number): Promise<Handled>;
  /** Nothing is received then. */
  isDown(): boolean;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
  sleep(milliseconds: number): Promise<unknown>;
  /** That of the region, with the standard credentials, without it. */
  client?: SQSClient;
  /** So many receive side by side, ten messages each. */
  consumers?: number;
  /** For how long what was received is kept from others; renewed three times within. */
  visibilitySeconds?: number;
}

export interface Queue {
  start(): Promise<void>;
  /** Receives no more, and waits for what is in hand, at most so many milliseconds; then what is left is given back. */
  stop(milliseconds: number, giveBack: () => void): Promise<void>;
}

const CONSUMERS = 4;
const VISIBILITY = 60;
/** The longest a receive can wait for messages. */
const WAIT_SECONDS = 20;
/** Seconds until a message is received again that could not be deleted. */
const AGAIN = 30;
/** Milliseconds. */
const LOOK = 500;
const LOOK_AT_END = 20;

export function openSqs(parts: SqsParts): Queue {
  const { queueUrl, handle, isDown, log, sleep } = parts;
  const { consumers: count = CONSUMERS, visibilitySeconds = VISIBILITY } = parts;
  const inHand = new Map<Consumer, Set<string>>();
  let isStopping = false;
  let client: SQSClient | null = parts.client ?? null;

  async function start(): Promise<void> {
    const region = parts.region ?? regionOf(queueUrl) ?? (await standardRegion(undefined));
    client ??= new SQSClient(settingsFor({ account: 'default', region }));
    for (let number = 0; number < count; number++) begin(client);
    log.info({ queueUrl, consumers: count }, 'alarms are taken from the queue');
  }

  function begin(sqs: SQSClient): void {
    const mine = new Set<string>();
    const consumer = Consumer.create({
      queueUrl,
      sqs,
      batchSize: 10,
      waitTimeSeconds: WAIT_SECONDS,
      visibilityTimeout: visibilitySeconds,
      heartbeatInterval: Math.max(1, Math.floor(visibilitySeconds / 3)),
      messageSystemAttributeNames: ['ApproximateReceiveCount'],
      // What is given back on a stop is there for others at once.
      terminateVisibilityTimeout: () => (isStopping ? 0 : AGAIN),
      suppressFifoWarning: true,
      strictReturn: true,
      async preReceiveMessageCallback() {
        while (isDown() && !isStopping) await sleep(LOOK);
      },
      handleMessage: (message) => handled(message, mine),
    });
    const over = (message: Message | Message[] | undefined): void => {
      for (const { MessageId = '' } of [message ?? []].flat()) mine.delete(MessageId);
    };
    consumer.on('message_received', ({ MessageId = '' }) => void mine.add(MessageId));
    consumer.on('message_processed', over);
    consumer.on('processing_error', (error, message) => {
      over(message);
      const [{ MessageId: messageId, Attributes } = {}] = [message].flat();
      const fields = { messageId, received: Attributes?.ApproximateReceiveCount, err: error };
      if (!isStopping) log.error(fields, 'a message stays in the queue');
    });
    consumer.on('error', (error, message) => {
      over(message);
      if (!isStopping) log.error({ err: error, queueUrl }, 'the queue did not answer as it should');
    });
    inHand.set(consumer, mine);
    consumer.start();
  }

  /** The message where it may be deleted. */
  async function handled(message: Message, mine: Set<string>): Promise<Message | undefined> {
    const { Body = '', MessageId = '', Attributes } = message;
    const answer = await handle(Body, Number(Attributes?.ApproximateReceiveCount ?? 1));
    if (answer.outcome === 'handled' || answer.outcome === 'ignored') return message;
    if (answer.outcome !== 'poison') throw new Error(answer.why);
    log.error(
      { messageId: MessageId, why: answer.why, received: Attributes?.ApproximateReceiveCount },
      'a message that is not understood is left for the dead-letter queue',
    );
    mine.delete(MessageId);
    return undefined;
  }

  async function stop(milliseconds: number, giveBack: () => void): Promise<void> {
    isStopping = true;
    for (const [consumer, mine] of inHand) consumer.stop({ abort: mine.size === 0 });
    // Half of the time for what ends by itself, the rest for giving back what does not.
    const isIdle = (): boolean => [...inHand].every(([consumer]) => !consumer.status.isPolling);
    await until(() => isIdle() || isDown(), milliseconds / 2);
    giveBack();
    await until(isIdle, milliseconds / 2);
    if (parts.client === undefined) client?.destroy();
    inHand.clear();
  }

  return { start, stop };
}

async function until(is: () => boolean, milliseconds: number): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!is() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, LOOK_AT_END));
}

/** Of `https://sqs.<region>.amazonaws.com/<account>/<name>`. */
const regionOf = (queueUrl: string): string | undefined =>
  /^https:\/\/sqs\.([a-z0-9-]+)\.amazonaws\.com/.exec(queueUrl)?.[1];
