/** Builds the commands that create an alarm queue and send alarms to it, for an operator to run. Pure. */
import { type Command, command } from '../format/command.ts';
import { type QueueAddress, queueAt } from './queue-address.ts';

/**
 * Matches alarms on Application Load Balancers, and composite alarms. deploy/cloudformation.yml has the same pattern.
 * Events and their fields:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
 */
const ALARM_PATTERN = {
  source: ['aws.cloudwatch'],
  'detail-type': ['CloudWatch Alarm State Change'],
  $or: [
    { detail: { configuration: { metrics: { metricStat: { metric: { namespace: ['AWS/ApplicationELB'] } } } } } },
    { detail: { configuration: { alarmRule: [{ exists: true }] } } },
  ],
};

/** Receives before a message moves to the dead-letter queue: enough for a restart of the bot. */
const RECEIVES = 5;
const FOURTEEN_DAYS = '1209600';
const FOUR_DAYS = '345600';

interface WiringStep {
  why: string;
  command: Command;
}

/** `topics`: ARNs of the alarms' SNS topics; if empty, an EventBridge rule sends every alarm of the region. */
export function wireAlarms(queue: QueueAddress, topics: readonly string[]): WiringStep[] {
  const { region, account, name, arn } = queue;
  const deadLetters = queueAt(queue, `${name.slice(0, 67)}-dead-letters`);
  const policy = {
    Version: '2012-10-17',
    Statement: [topics.length > 0 ? topicsMaySend(arn, topics) : ruleMaySend(queue), onlyEncrypted(arn)],
  };
  const attributes = {
    VisibilityTimeout: '60',
    MessageRetentionPeriod: FOUR_DAYS,
    SqsManagedSseEnabled: 'true',
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: deadLetters.arn, maxReceiveCount: RECEIVES }),
    Policy: JSON.stringify(policy),
  };
  const keep = JSON.stringify({ MessageRetentionPeriod: FOURTEEN_DAYS, SqsManagedSseEnabled: 'true' });
  const make = (one: string) => command`aws sqs create-queue --region ${region} --queue-name ${one}`;
  const set = (url: string, values: string) =>
    command`aws sqs set-queue-attributes --region ${region} --queue-url ${url} --attributes ${values}`;
  const steps: WiringStep[] = [
    { why: 'The dead-letter queue, for alarms that the bot gave up on', command: make(deadLetters.name) },
    { why: 'It keeps messages for 14 days', command: set(deadLetters.url, keep) },
    { why: 'The queue of alarms', command: make(name) },
    {
      why: 'Its dead letters and its policy; an existing policy is replaced',
      command: set(queue.url, JSON.stringify(attributes)),
    },
  ];
  if (topics.length > 0)
    return [
      ...steps,
      ...topics.map((topic) => ({
        why: 'Alarms of the topic go to the queue',
        command: command`aws sns subscribe --region ${topic.split(':')[3] ?? region} --topic-arn ${topic} --protocol sqs --notification-endpoint ${arn}`,
      })),
    ];
  const pattern = JSON.stringify(ALARM_PATTERN);
  return [
    ...steps,
    {
      why: `The rule for alarms of account ${account} in ${region}`,
      command: command`aws events put-rule --region ${region} --name ${RULE} --event-pattern ${pattern}`,
    },
    {
      why: 'The rule sends them to the queue',
      command: command`aws events put-targets --region ${region} --rule ${RULE} --targets ${JSON.stringify([{ Id: 'alb502', Arn: arn }])}`,
    },
  ];
}

const RULE = 'alb502-alarms';

function ruleMaySend({ arn, region, account }: QueueAddress) {
  const partition = arn.split(':')[1];
  return {
    Sid: 'EventBridgeSendsAlarms',
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: arn,
    Condition: { ArnEquals: { 'aws:SourceArn': `arn:${partition}:events:${region}:${account}:rule/${RULE}` } },
  };
}

const topicsMaySend = (arn: string, topics: readonly string[]) => ({
  Sid: 'TopicsSendAlarms',
  Effect: 'Allow',
  Principal: { Service: 'sns.amazonaws.com' },
  Action: 'sqs:SendMessage',
  Resource: arn,
  Condition: { ArnEquals: { 'aws:SourceArn': topics } },
});

const onlyEncrypted = (arn: string) => ({
  Sid: 'OnlyEncryptedConnections',
  Effect: 'Deny',
  Principal: '*',
  Action: 'sqs:*',
  Resource: arn,
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
});
