/** Checks that alarms reach the queue, and that failed ones move to a dead-letter queue. */
import { type QueueAttributes, readQueueAttributes } from '../alarms/queue-attributes.ts';
import { awsErrorKind, describeAwsError } from '../collect/aws/aws-errors.ts';
import type { Config } from '../config.ts';
import { parseQueueAddress } from '../doctor/queue-address.ts';
import { list, plural } from '../format/wording.ts';
import { Problem } from '../problem.ts';
import type { CheckResult } from './check-result.ts';

/** With fewer receives, one restart of the bot moves an alarm to the dead-letter queue. */
const FEWEST_RECEIVES = 3;
/** Services that send alarms. */
const SENDERS = ['events.amazonaws.com', 'sns.amazonaws.com'];
/** The policy of this key is fixed and allows no other service (SQS developer guide, key management). */
const AWS_MANAGED_KEY = /(^|[/:])alias\/aws\/sqs$/;

type QueueSettings = Pick<NonNullable<Config['alarms']['sqs']>, 'queueUrl' | 'region'>;

export async function checkQueue({ alarms: { sqs } }: Config): Promise<CheckResult[]> {
  if (sqs === undefined) return [];
  let attributes: QueueAttributes;
  try {
    attributes = await readQueueAttributes(sqs);
  } catch (error) {
    return [{ what: 'queue', ...refusal(error, sqs) }];
  }
  const { waiting, inFlight } = attributes;
  return [
    {
      what: 'queue',
      detail: `${sqs.queueUrl}: ${plural(waiting, 'message waits', 'messages wait')}, ${inFlight} in flight`,
      state: 'ok',
    },
    checkSenders(attributes),
    await checkDeadLetters(attributes, sqs),
  ];
}

function refusal(error: unknown, { queueUrl, region }: QueueSettings): Pick<CheckResult, 'detail' | 'state'> {
  const name = error instanceof Error ? error.name : '';
  if (/NonExistentQueue|QueueDoesNotExist/.test(name))
    return {
      detail: `${queueUrl} does not exist; alb502 setup alarms prints the commands that make it`,
      state: 'missing',
    };
  if (awsErrorKind(error) === 'denied')
    return {
      detail: `${queueUrl} was not checked: sqs:GetQueueAttributes was denied; alb502 setup iam prints the statement`,
      state: 'note',
    };
  const action = { action: 'sqs:GetQueueAttributes', region: region ?? parseQueueAddress(queueUrl)?.region ?? '' };
  return {
    detail: `${queueUrl}: ${error instanceof Problem ? error.message : describeAwsError(error, action)}`,
    state: 'missing',
  };
}

function checkSenders({ senders, anyone, kmsKey }: QueueAttributes): CheckResult {
  const what = 'queue policy';
  const allowed = senders.filter((sender) => SENDERS.includes(sender));
  if (allowed.length === 0 && anyone === 'never') {
    const detail = `it lets neither ${SENDERS.join(' nor ')} send; alb502 setup alarms prints one that does`;
    return { what, detail, state: 'missing' };
  }
  if (kmsKey !== null && AWS_MANAGED_KEY.test(kmsKey)) {
    const detail = `${kmsKey} encrypts the queue, and no other service may use that key: take SqsManagedSseEnabled or a key of yours`;
    return { what, detail, state: 'missing' };
  }
  if (anyone === 'always') {
    const detail =
      'anyone may send, and so open threads; add a condition on aws:SourceArn, as alb502 setup alarms prints it';
    return { what, detail, state: 'note' };
  }
  const named = anyone === 'on-conditions' ? [...allowed, 'senders that meet the conditions of its policy'] : allowed;
  return { what, detail: `${list(named)} may send`, state: 'ok' };
}

async function checkDeadLetters(
  { deadLetters, maxReceiveCount }: QueueAttributes,
  { queueUrl, region }: QueueSettings,
): Promise<CheckResult> {
  const what = 'dead letters';
  if (deadLetters === null || maxReceiveCount === null)
    return {
      what,
      detail:
        'the queue has no RedrivePolicy, so an alarm that fails returns until it expires; alb502 setup alarms prints one',
      state: 'missing',
    };
  const receives = `after ${plural(maxReceiveCount, 'receive')}`;
  if (maxReceiveCount < FEWEST_RECEIVES) {
    const detail = `${receives}: set maxReceiveCount to ${FEWEST_RECEIVES} or more, or a restart of the bot loses alarms`;
    return { what, detail, state: 'missing' };
  }
  const url = queueUrl.replace(
    /[^/]+$/,
    () => parseQueueAddress(deadLetters)?.name ?? deadLetters.split(':').at(-1) ?? '',
  );
  try {
    const { waiting } = await readQueueAttributes({ queueUrl: url, region });
    if (waiting === 0) return { what, detail: `${receives}, none now`, state: 'ok' };
    const detail = `${receives}; ${plural(waiting, 'message is', 'messages are')} there, and the log of the bot has the reason`;
    return { what, detail, state: 'note' };
  } catch (error) {
    const { detail, state } = refusal(error, { queueUrl: url, region });
    return { what, detail: `${receives}; ${detail}`, state };
  }
}
