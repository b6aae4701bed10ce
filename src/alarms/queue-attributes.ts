/** Reads the queue attributes that `serve --check` verifies. */
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { settingsFor } from '../collect/aws/sdk-clients.ts';
import { standardRegion } from '../collect/aws/session.ts';
import { regionOf } from './sqs.ts';

export interface QueueAttributes {
  /** Messages waiting, and messages being handled. */
  waiting: number;
  inFlight: number;
  /** ARN of the dead-letter queue; null without one. */
  deadLetters: string | null;
  maxReceiveCount: number | null;
  /** Services that the queue policy allows to send messages. */
  senders: string[];
  /** Whether the policy lets anyone send messages, or anyone who meets its conditions, such as `aws:SourceArn`. */
  anyone: 'always' | 'on-conditions' | 'never';
  /** KMS key that encrypts messages, as configured; null with keys of SQS. */
  kmsKey: string | null;
}

const RedrivePolicy = z.object({ deadLetterTargetArn: z.string(), maxReceiveCount: z.coerce.number() });
const OneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const QueuePolicy = z.object({
  Statement: z.array(
    z.looseObject({
      Effect: z.string(),
      Action: OneOrMore.default([]),
      Principal: z
        .union([
          z.string().transform((AWS) => ({ Service: [], AWS: [AWS] })),
          z.looseObject({ Service: OneOrMore.default([]), AWS: OneOrMore.default([]) }),
        ])
        .default({ Service: [], AWS: [] }),
      Condition: z.unknown().optional(),
    }),
  ),
});
const SENDS = /^(?:sqs:)?(?:sendmessage|send\*|\*)$/i;

/** Reads the attributes. Rejects with the error of SQS, such as `QueueDoesNotExist` or `AccessDenied`. */
export async function readQueueAttributes(queue: {
  queueUrl: string;
  region?: string | undefined;
}): Promise<QueueAttributes> {
  const region = queue.region ?? regionOf(queue.queueUrl) ?? (await standardRegion(undefined));
  const client = new SQSClient({ ...settingsFor({ account: 'default', region }), maxAttempts: 2 });
  try {
    const { Attributes = {} } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: queue.queueUrl, AttributeNames: ['All'] }),
      { abortSignal: AbortSignal.timeout(PATIENCE) },
    );
    const redrive = parsed(RedrivePolicy, Attributes.RedrivePolicy);
    const policy = parsed(QueuePolicy, Attributes.Policy);
    const allowing =
      policy?.Statement.filter(({ Effect, Action }) => Effect === 'Allow' && Action.some((one) => SENDS.test(one))) ??
      [];
    const open = allowing.filter(({ Principal }) => Principal.AWS.includes('*'));
    return {
      waiting: Number(Attributes.ApproximateNumberOfMessages ?? 0),
      inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0),
      deadLetters: redrive?.deadLetterTargetArn ?? null,
      maxReceiveCount: redrive?.maxReceiveCount ?? null,
      senders: [...new Set(allowing.flatMap(({ Principal }) => Principal.Service))].sort(),
      anyone:
        open.length === 0 ? 'never' : open.some((one) => one.Condition === undefined) ? 'always' : 'on-conditions',
      kmsKey: Attributes.KmsMasterKeyId ?? null,
    };
  } finally {
    client.destroy();
  }
}

/** Milliseconds. */
const PATIENCE = 10_000;

function parsed<T>(shape: z.ZodType<T>, text: string | undefined): T | null {
  if (text === undefined) return null;
  try {
    return shape.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
