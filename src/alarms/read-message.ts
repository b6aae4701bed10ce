/**
 * Reads an alarm event from a message of a queue, topic or terminal: an SNS notification (enveloped or raw), an SNS
 * record or alarm action for a Lambda function, an EventBridge event, and each of these inside another. Tells them
 * apart by shape.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
 */
import * as z from 'zod';
import { REGION } from '../config.ts';
import { epochOf, Instant } from '../evidence/aws.ts';
import { isRecord } from '../format/is-record.ts';
import { ALARM_STATES } from '../runs/episode.ts';
import { Alarm, type AlarmMetric, isQuery } from './alarm-event.ts';

/** `ignored`: understood, but not for alb502. `poison`: not understood, and a retry will not help. */
type ParsedMessage = { alarm: Alarm } | { ignored: string } | { poison: string };

/** Envelopes nest: EventBridge to SNS to SQS has two. */
const MAX_DEPTH = 4;
/** Characters. SNS, SQS and EventBridge allow 256 KiB per message; SQS now allows 1 MiB. */
const MAX_LENGTH = 1_100_000;

/** Reads one message. Never throws. */
export function readMessage(body: string): ParsedMessage {
  if (body.length > MAX_LENGTH) return { poison: `it is ${body.length} characters long` };
  const content = parseJson(body);
  return content === undefined ? { poison: 'it is not JSON' } : readContent(content, { depth: 0, topic: null });
}

interface EnvelopeContext {
  depth: number;
  /** ARN of the SNS topic that delivered the message. */
  topic: string | null;
}

function readContent(content: unknown, wrapping: EnvelopeContext): ParsedMessage {
  if (wrapping.depth > MAX_DEPTH) return { poison: 'it is wrapped too often' };
  const deeper = { ...wrapping, depth: wrapping.depth + 1 };
  if (!isRecord(content)) return { poison: 'it is no JSON object' };
  if (Array.isArray(content.Records)) return readRecords(content.Records, deeper);
  if (typeof content.Type === 'string' && 'TopicArn' in content) return readEnvelope(content, deeper);
  if ('AlarmName' in content && 'NewStateValue' in content) return readSnsAlarm(content, wrapping);
  if ('alarmData' in content && 'alarmArn' in content) return readAction(content);
  if ('detail-type' in content && 'detail' in content) return readEvent(content);
  return { ignored: 'it is not a CloudWatch alarm state change' };
}

function readRecords(records: readonly unknown[], wrapping: EnvelopeContext): ParsedMessage {
  const [record, ...others] = records;
  if (!isRecord(record) || !isRecord(record.Sns)) return { ignored: 'its records are not from SNS' };
  // SNS invokes a function with one record at a time.
  if (others.length > 0) return { poison: `it has ${records.length} records, where SNS sends one` };
  return readEnvelope(record.Sns, wrapping);
}

const Envelope = z.looseObject({ Type: z.string(), TopicArn: z.string(), Message: z.string() });

function readEnvelope(content: unknown, wrapping: EnvelopeContext): ParsedMessage {
  const read = Envelope.safeParse(content);
  if (!read.success) return { poison: `it is an SNS envelope, but ${describeZodError(read.error)}` };
  const { Type, TopicArn, Message } = read.data;
  if (Type !== 'Notification') return { ignored: `it is a ${Type} of the topic ${TopicArn}` };
  const inner = parseJson(Message);
  // Shared topics also carry plain text.
  if (!isRecord(inner)) return { ignored: 'the message in the SNS envelope is no JSON object' };
  return readContent(inner, { ...wrapping, topic: TopicArn });
}

const State = z.enum(ALARM_STATES);
const text = z.string();
/** Optional members of an alarm: null if they have another shape. */
const optional = <T extends z.ZodType>(type: T) => type.nullish().catch(null);
const listOf = <T extends z.ZodType>(type: T) => z.array(type).nullish().catch(null);

/** DescribeAlarms capitalizes these members. */
const NamedValue = z.union([
  z.object({ name: text, value: text }),
  z.object({ Name: text, Value: text }).transform(({ Name, Value }) => ({ name: Name, value: Value })),
]);
const SnsMetric = z.looseObject({
  Expression: optional(text),
  Period: optional(z.number()),
  AccountId: optional(text),
  MetricStat: optional(
    z.looseObject({
      Metric: z.looseObject({
        Namespace: optional(text),
        MetricName: optional(text),
        Dimensions: listOf(NamedValue),
      }),
      Period: optional(z.number()),
    }),
  ),
});

const SnsAlarm = z.looseObject({
  AlarmName: text.min(1),
  AlarmDescription: optional(text),
  AWSAccountId: optional(text),
  NewStateValue: State,
  NewStateReason: optional(text),
  StateChangeTime: Instant,
  AlarmArn: optional(text),
  OldStateValue: optional(State),
  Trigger: optional(
    z.looseObject({
      MetricName: optional(text),
      Namespace: optional(text),
      Dimensions: listOf(NamedValue),
      Period: optional(z.number()),
      EvaluationPeriods: optional(z.number()),
      Threshold: optional(z.number()),
      ThresholdMetricId: optional(text),
      Metrics: listOf(SnsMetric),
    }),
  ),
  AlarmRule: optional(text),
  TriggeringChildren: listOf(z.union([text, z.looseObject({ Arn: text }).transform(({ Arn }) => Arn)])),
  AlarmContributorId: optional(text),
  AlarmContributorAttributes: optional(z.record(text, text)),
});

function readSnsAlarm(content: unknown, { topic }: EnvelopeContext): ParsedMessage {
  const read = SnsAlarm.safeParse(content);
  if (!read.success) return { poison: `it is an alarm as SNS sends it, but ${describeZodError(read.error)}` };
  const { data } = read;
  const trigger = data.Trigger ?? null;
  const single: AlarmMetric[] =
    trigger?.MetricName || trigger?.Namespace
      ? [
          {
            namespace: trigger.Namespace ?? null,
            name: trigger.MetricName ?? null,
            dimensions: namedValues(trigger.Dimensions),
            expression: null,
            period: trigger.Period ?? null,
            account: null,
          },
        ]
      : [];
  const several = (trigger?.Metrics ?? []).map(
    ({ MetricStat, Expression, Period, AccountId }): AlarmMetric => ({
      namespace: MetricStat?.Metric.Namespace ?? null,
      name: MetricStat?.Metric.MetricName ?? null,
      dimensions: namedValues(MetricStat?.Metric.Dimensions),
      expression: Expression ?? null,
      period: MetricStat?.Period ?? Period ?? null,
      account: AccountId ?? null,
    }),
  );
  const account = data.AWSAccountId ?? null;
  const contributor =
    data.AlarmContributorId == null
      ? null
      : { id: data.AlarmContributorId, attributes: data.AlarmContributorAttributes ?? {} };
  return toAlarm({
    // Messages from before 2021 have no ARN.
    arn:
      data.AlarmArn ??
      `arn:aws:cloudwatch:${topic === null ? '' : (regionIn(topic) ?? '')}:${account ?? ''}:alarm:${data.AlarmName}`,
    name: data.AlarmName,
    description: data.AlarmDescription ?? null,
    account,
    state: data.NewStateValue,
    previousState: data.OldStateValue ?? null,
    changedAt: data.StateChangeTime,
    reason: data.NewStateReason ?? '',
    metrics: [...single, ...several],
    evaluationPeriods: trigger?.EvaluationPeriods ?? null,
    threshold: trigger?.Threshold ?? null,
    isAnomaly: typeof trigger?.ThresholdMetricId === 'string',
    breachedFrom: null,
    contributor,
    rule: data.AlarmRule ?? null,
    children: data.TriggeringChildren ?? [],
  });
}

const EventMetric = z.looseObject({
  expression: optional(text),
  period: optional(z.number()),
  accountId: optional(text),
  metricStat: optional(
    z.looseObject({
      metric: z.looseObject({
        namespace: optional(text),
        name: optional(text),
        dimensions: optional(z.record(text, text)),
      }),
      period: optional(z.number()),
    }),
  ),
});

const EventDetail = z.looseObject({
  alarmName: text.min(1),
  /** The mute rule that suppresses the alarm's actions during a time window. */
  muteDetail: optional(
    z.looseObject({ mutedByArn: optional(text), muteWindowStart: optional(Instant), muteWindowEnd: optional(Instant) }),
  ),
  state: z.looseObject({ value: State, timestamp: Instant, reason: optional(text), reasonData: optional(text) }),
  previousState: optional(z.looseObject({ value: optional(State) })),
  alarmContributor: optional(z.looseObject({ id: text, attributes: optional(z.record(text, text)) })),
  configuration: optional(
    z.looseObject({
      description: optional(text),
      metrics: listOf(EventMetric),
      alarmRule: optional(text),
      evaluationPeriods: optional(z.number()),
      threshold: optional(z.number()),
    }),
  ),
});
type EventDetail = z.infer<typeof EventDetail>;

const Event = z.looseObject({
  source: text,
  'detail-type': text,
  account: optional(text),
  region: optional(text),
  resources: listOf(text),
  detail: z.unknown(),
});

function readEvent(content: unknown): ParsedMessage {
  const event = Event.safeParse(content);
  if (!event.success) return { poison: `it is an event, but ${describeZodError(event.error)}` };
  const { source, 'detail-type': type, detail, account = null, region = null, resources } = event.data;
  if (source !== 'aws.cloudwatch') return { ignored: `it is an event of ${source}` };
  if (!/^CloudWatch Alarm (Contributor )?State Change$/.test(type)) return { ignored: `it is a ${type}` };
  const read = EventDetail.safeParse(detail);
  if (!read.success) return { poison: `it is a ${type}, but in its detail ${describeZodError(read.error)}` };
  const arn = resources?.[0] ?? `arn:aws:cloudwatch:${region ?? ''}:${account ?? ''}:alarm:${read.data.alarmName}`;
  return fromDetail(read.data, { arn, account });
}

const Action = z.looseObject({ alarmArn: text, accountId: optional(text), alarmData: EventDetail });

/** Reads the event that CloudWatch sends to a Lambda function as an alarm action. */
function readAction(content: unknown): ParsedMessage {
  const read = Action.safeParse(content);
  if (!read.success)
    return { poison: `it is an alarm as a Lambda function is given it, but ${describeZodError(read.error)}` };
  const { alarmArn, accountId = null, alarmData } = read.data;
  return fromDetail(alarmData, { arn: alarmArn, account: accountId });
}

function fromDetail(detail: EventDetail, { arn, account }: { arn: string; account: string | null }): ParsedMessage {
  const { alarmName, state, previousState, alarmContributor, configuration, muteDetail } = detail;
  // Still accept an end: the thread may have been opened before the alarm was muted.
  if (muteDetail && state.value === 'ALARM' && isMuted(muteDetail, state.timestamp))
    return { ignored: `${alarmName} is muted${muteDetail.mutedByArn ? ` by ${muteDetail.mutedByArn}` : ''}` };
  const reasonData = ReasonData.safeParse(parseJson(state.reasonData ?? ''));
  const reasonFields = reasonData.success ? reasonData.data : {};
  const metrics = (configuration?.metrics ?? []).map(
    ({ metricStat, expression, period, accountId }): AlarmMetric => ({
      namespace: metricStat?.metric.namespace ?? null,
      name: metricStat?.metric.name ?? null,
      dimensions: metricStat?.metric.dimensions ?? {},
      expression: expression ?? null,
      period: metricStat?.period ?? period ?? null,
      account: accountId ?? null,
    }),
  );
  return toAlarm({
    arn,
    name: alarmName,
    description: configuration?.description ?? null,
    account,
    state: state.value,
    previousState: previousState?.value ?? null,
    changedAt: state.timestamp,
    reason: state.reason ?? '',
    metrics,
    evaluationPeriods: configuration?.evaluationPeriods ?? reasonFields.recentDatapoints?.length ?? null,
    threshold: configuration?.threshold ?? reasonFields.threshold ?? null,
    isAnomaly: false,
    breachedFrom: reasonFields.startDate ?? null,
    contributor: alarmContributor ? { id: alarmContributor.id, attributes: alarmContributor.attributes ?? {} } : null,
    rule: configuration?.alarmRule ?? null,
    children: (reasonFields.triggeringAlarms ?? []).map((child) => child.arn),
  });
}

/** Whether a mute window covers the time; a missing bound leaves that side open. */
function isMuted(
  { muteWindowStart: from, muteWindowEnd: to }: NonNullable<EventDetail['muteDetail']>,
  at: string,
): boolean {
  const moment = epochOf(at);
  return (from == null || moment >= epochOf(from)) && (to == null || moment < epochOf(to));
}

/** JSON in a string: the data CloudWatch evaluated. */
const ReasonData = z.looseObject({
  startDate: optional(Instant),
  threshold: optional(z.number()),
  recentDatapoints: listOf(z.unknown()),
  triggeringAlarms: listOf(z.looseObject({ arn: text })),
});

interface RawAlarm extends Omit<Alarm, 'kind' | 'region' | 'period' | 'loadBalancers' | 'targetGroups'> {
  isAnomaly: boolean;
  rule: string | null;
}

function toAlarm({ isAnomaly, rule, ...raw }: RawAlarm): ParsedMessage {
  const { metrics, contributor } = raw;
  const expressions = metrics.flatMap(({ expression }) => expression ?? []);
  const dimensions = [...metrics.map((metric) => metric.dimensions), contributor?.attributes ?? {}];
  // If any metric names a load balancer, target groups of the other metrics belong to it.
  const loadBalancers = unique([
    ...dimensions.flatMap(({ LoadBalancer = '' }) => (/^app\/[^/]+\/[^/]+$/.test(LoadBalancer) ? LoadBalancer : [])),
    ...expressions.flatMap((expression) =>
      [...expression.matchAll(IN_EXPRESSION)].map(([, resource = '']) => resource),
    ),
  ]);
  const targetGroups = unique(
    dimensions.flatMap(({ LoadBalancer, TargetGroup = '' }) =>
      LoadBalancer === undefined && /^targetgroup\/[^/]+\/[^/]+$/.test(TargetGroup) ? TargetGroup : [],
    ),
  );
  const children = raw.children.length > 0 || rule === null ? raw.children : alarmNamesIn(rule);
  const alarm = Alarm.safeParse({
    ...raw,
    account: raw.account ?? accountIn(raw.arn),
    region: regionIn(raw.arn),
    kind: alarmKind(raw, rule, isAnomaly, expressions),
    changedAt: iso(raw.changedAt),
    breachedFrom: raw.breachedFrom === null ? null : iso(raw.breachedFrom),
    period: metrics.find(({ period }) => period !== null && period > 0)?.period ?? null,
    children: unique(children),
    loadBalancers,
    targetGroups,
  });
  return alarm.success ? { alarm: alarm.data } : { poison: `it is an alarm, but ${describeZodError(alarm.error)}` };
}

/** Load balancer in a metric search or query expression. */
const IN_EXPRESSION = /LoadBalancer"?\s*=\s*["'](app\/[^/"']+\/[^/"']+)["']/g;

function alarmKind(
  { metrics, children }: Pick<RawAlarm, 'metrics' | 'children'>,
  rule: string | null,
  isAnomaly: boolean,
  expressions: readonly string[],
): Alarm['kind'] {
  if (rule !== null || children.length > 0) return 'composite';
  if (isAnomaly || expressions.some((expression) => /\bANOMALY_DETECTION_BAND\s*\(/.test(expression))) return 'anomaly';
  if (metrics.some(isQuery)) return 'query';
  if (expressions.length > 0) return 'math';
  return metrics.length > 0 ? 'metric' : 'other';
}

/** Returns the alarms a rule names: ALARM("name"), OK(name), INSUFFICIENT_DATA(arn). */
function alarmNamesIn(rule: string): string[] {
  const names = rule.matchAll(/\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]+)"|'([^']+)'|([^\s"')]+))\s*\)/g);
  return [...names].map(([, quoted, single, bare]) => quoted ?? single ?? bare ?? '');
}

/** Region of an ARN; null if it has none. */
function regionIn(arn: string): string | null {
  const region = arn.split(':')[3] ?? '';
  return REGION.test(region) ? region : null;
}

function accountIn(arn: string): string | null {
  const account = arn.split(':')[4] ?? '';
  return /^\d{12}$/.test(account) ? account : null;
}

const iso = (instant: string): string => new Date(epochOf(instant)).toISOString();

const namedValues = (list: readonly { name: string; value: string }[] | null | undefined): Record<string, string> =>
  Object.fromEntries((list ?? []).map(({ name, value }) => [name, value]));

const unique = (texts: readonly string[]): string[] => [...new Set(texts)];

function describeZodError(error: z.ZodError): string {
  const [issue] = error.issues;
  const place = issue?.path.join('.') ?? '';
  return `${place === '' ? '' : `${place}: `}${issue?.message ?? ''}`;
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
