/** `alb502 setup alarms`: prints the commands that send alarms to the bot. */
import { wireAlarms } from '../doctor/alarm-wiring.ts';
import { isQueueName, parseQueueAddress, type QueueAddress, queueAt } from '../doctor/queue-address.ts';
import { Problem } from '../problem.ts';
import { printNotice } from './print-notice.ts';
import { readConfig } from './read-config.ts';

export interface SetupAlarmsOptions {
  queue?: string;
  topic?: string[];
  region?: string;
  profile?: string;
  config?: string;
}

const STANDARD_NAME = 'alb502-alarms';
const TOPIC = /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}$/;

/**
 * Prints commands on stdout, and explanations on stderr. Throws Problem: exit 1 for an invalid name, exit 2 if a
 * required call to AWS fails.
 */
export async function setupAlarms({ queue, topic = [], config: file, ...place }: SetupAlarmsOptions): Promise<void> {
  const { alarms, deadlines } = await readConfig(file);
  const wrong = topic.find((arn) => !TOPIC.test(arn));
  if (wrong !== undefined)
    throw new Problem(
      `--topic ${JSON.stringify(wrong)} is not the ARN of an SNS topic, such as arn:aws:sns:eu-west-1:123456789012:alarms.`,
      1,
    );
  const configured = alarms.sqs?.queueUrl;
  const address = await findQueue(queue ?? configured ?? STANDARD_NAME, place, deadlines.evidenceSeconds * 1000);
  for (const { why, command } of wireAlarms(address, topic)) {
    printNotice(`${why}:`);
    process.stdout.write(`${command}\n`);
  }
  printNotice('Nothing was changed: run these commands with the rights to make queues, in this order.');
  if (address.url !== configured)
    printNotice(`Then set alarms.sqs.queueUrl (ALB502_ALARM_QUEUE_URL) to ${address.url}.`);
  if (alarms.defaultChannel === undefined && alarms.routes.length === 0)
    printNotice('Set alarms.defaultChannel (ALB502_ALARM_DEFAULT_CHANNEL) too: it says where the threads go.');
}

async function findQueue(
  text: string,
  { region: named, profile }: Pick<SetupAlarmsOptions, 'region' | 'profile'>,
  deadline: number,
): Promise<QueueAddress> {
  const address = parseQueueAddress(text);
  if (address !== null) return address;
  if (!isQueueName(text))
    throw new Problem(
      `${JSON.stringify(text)} is not a queue of SQS: give its name, its ARN or https://sqs.<region>.amazonaws.com/<account>/<name>.`,
      1,
    );
  const [{ openSession, standardRegion }, { readIdentity }] = await Promise.all([
    import('../collect/aws/session.ts'),
    import('../collect/aws/identity.ts'),
  ]);
  const region = named ?? (await standardRegion(profile));
  const session = openSession(
    { account: 'default', roleArn: undefined, externalId: undefined, profile, region },
    { signal: new AbortController().signal, deadline },
  );
  try {
    const { account } = await readIdentity(session);
    return queueAt({ region, account }, text);
  } finally {
    session.close();
  }
}
