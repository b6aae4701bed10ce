/**
 * A message as it comes from a queue, a topic or a terminal, read as news of an alarm: what SNS sends (enveloped or raw), what it gives
 * to a Lambda function, what EventBridge sends, and each of these in another; told apart by their shape.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
 */
import * as z from 'zod';
import { epochOf, Instant } from '../evidence/aws.ts';
import { ALARM_STATES } from '../runs/episode.ts';
import { Alarm, type AlarmMetric } from './alarm-event.ts';

/** `ignored`: understood, and nothing for us. `poison`: not understood; it will not be the next time either. */
export type Reading = { alarm: Alarm } | { ignored: string } | { poison: string };

/** Envelopes in envelopes: EventBridge to SNS to SQS has two. */
const DEEPEST = 4;
/** Messages of SNS, SQS and EventBridge hold at most 256 KiB; SQS has been raised to 1 MiB. */
const LONGEST = 1_100_000;

/** What one message says. Never throws. */
export function readMessage(body: string): Reading {
  if (body.length > LONGEST) return { poison: `it is ${body.length} characters long` };
  const content = jsonIn(body);
  return content === undefined ? { poison: 'it is not JSON' } : readContent(content, { depth: 0, topic: null });
}

interface Wrapping {
  depth: number;
  /** ARN of the topic it came through. */
  topic: string | null;
}

function readContent(content: unknown, wrapping: Wrapping): Reading {
  if (wrapping.depth > DEEPEST) return { poison: 'it is wrapped too often' };
  const deeper = { ...wrapping, depth: wrapping.depth + 1 };
  if (!isRecord(content)) return { poison: 'it is no JSON object' };
  if (Array.isArray(content.Records)) return readRecords(content.Records, deeper);
  if (typeof content.Type === 'string' && 'TopicArn' in content) return readEnvelope(content, deeper);
  if ('AlarmName' in content && 'NewStateValue' in content) return readSnsAlarm(content, wrapping);
  if ('alarmData' in content && 'alarmArn' in content) return readAction(content);
  if ('detail-type' in content && 'detail' in content) return readEvent(content);
  return { ignored: 'it is no news of a CloudWatch alarm' };
}

function readRecords(records: readonly unknown[], wrapping: Wrapping): Reading {
  const [record, ...others] = records;
  if (!isRecord(record) || !isRecord(record.Sns)) return { ignored: 'its records are not from SNS' };
  // SNS gives a function one record at a time.
  if (others.length > 0) return { poison: `it has ${records.length} records, where SNS sends one` };
  return readEnvelope(record.Sns, wrapping);
}

const Envelope = z.looseObject({ Type: z.string(), TopicArn: z.string(), Message: z.string() });

function readEnvelope(content: unknown, wrapping: Wrapping): Reading {
  const read = Envelope.safeParse(content);
  if (!read.success) return { poison: `it is an SNS envelope, but ${faultOf(read.error)}` };
  const { Type, TopicArn, Message } = read.data;
  if (Type !== 'Notification') return { ignored: `it is a ${Type} of the topic ${TopicArn}` };
  const inner = jsonIn(Message);
  // Other things are published to shared topics as words.
  if (!isRecord(inner)) return { ignored: 'the message in the SNS envelope is no JSON object' };
  return readContent(inner, { ...wrapping, topic: TopicArn });
}

const State = z.enum(ALARM_STATES);
const text = z.string();
/** What an alarm can do without: read where it has the shape, else null. */
const perhaps = <T extends z.ZodType>(type: T) => type.nullish().catch(null);
const listOf = <T extends z.ZodType>(type: T) => z.array(type).nullish().catch(null);

/** DescribeAlarms has the same with capital letters. */
const NamedValue = z.union([
  z.object({ name: text, value: text }),
  z.object({ Name: text, Value: text }).transform(({ Name, Value }) => ({ name: Name, value: Value })),
]);
const SnsMetric = z.looseObject({
  Expression: perhaps(text),
  Period: perhaps(z.number()),
  AccountId: perhaps(text),
  MetricStat: perhaps(
    z.looseObject({
      Metric: z.looseObject({
        Namespace: perhaps(text),
        MetricName: perhaps(text),
        Dimensions: listOf(NamedValue),
      }),
      Period: perhaps(z.number()),
    }),
  ),
});

const SnsAlarm = z.looseObject({
  AlarmName: text.min(1),
  AlarmDescription: perhaps(text),
  AWSAccountId: perhaps(text),
  NewStateValue: State,
  NewStateReason: perhaps(text),
  StateChangeTime: Instant,
  AlarmArn: perhaps(text),
  OldStateValue: perhaps(State),
  Trigger: perhaps(
    z.looseObject({
      MetricName: perhaps(text),
      Namespace: perhaps(text),
      Dimensions: listOf(NamedValue),
      Period: perhaps(z.number()),
      EvaluationPeriods: perhaps(z.number()),
      Threshold: perhaps(z.number()),
      ThresholdMetricId: perhaps(text),
      Metrics: listOf(SnsMetric),
    }),
  ),
  AlarmRule: perhaps(text),
  TriggeringChildren: listOf(z.union([text, z.looseObject({ Arn: text }).transform(({ Arn }) => Arn)])),
  AlarmContributorId: perhaps(text),
  AlarmContributorAttributes: perhaps(z.record(text, text)),
});

function readSnsAlarm(content: unknown, { topic }: Wrapping): Reading {
  const read = SnsAlarm.safeParse(content);
  if (!read.success) return { poison: `it is an alarm as SNS sends it, but ${faultOf(read.error)}` };
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
  return news({
    // Messages of before 2021 have none.
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
  expression: perhaps(text),
  period: perhaps(z.number()),
  accountId: perhaps(text),
  metricStat: perhaps(
    z.looseObject({
      metric: z.looseObject({
        namespace: perhaps(text),
        name: perhaps(text),
        dimensions: perhaps(z.record(text, text)),
      }),
      period: perhaps(z.number()),
    }),
  ),
});

const EventDetail = z.looseObject({
  alarmName: text.min(1),
  state: z.looseObject({ value: State, timestamp: Instant, reason: perhaps(text), reasonData: perhaps(text) }),
  previousState: perhaps(z.looseObject({ value: perhaps(State) })),
  alarmContributor: perhaps(z.looseObject({ id: text, attributes: perhaps(z.record(text, text)) })),
  configuration: perhaps(
    z.looseObject({
      description: perhaps(text),
      metrics: listOf(EventMetric),
      alarmRule: perhaps(text),
      evaluationPeriods: perhaps(z.number()),
      threshold: perhaps(z.number()),
    }),
  ),
});
type EventDetail = z.infer<typeof EventDetail>;

const Event = z.looseObject({
  source: text,
  'detail-type': text,
  account: perhaps(text),
  region: perhaps(text),
  resources: listOf(text),
  detail: z.unknown(),
});

function readEvent(content: unknown): Reading {
  const event = Event.safeParse(content);
  if (!event.success) return { poison: `it is an event, but ${faultOf(event.error)}` };
  const { source, 'detail-type': type, detail, account = null, region = null, resources } = event.data;
  if (source !== 'aws.cloudwatch') return { ignored: `it is an event of ${source}` };
  if (!/^CloudWatch Alarm (Contributor )?State Change$/.test(type)) return { ignored: `it is a ${type}` };
  const read = EventDetail.safeParse(detail);
  if (!read.success) return { poison: `it is a ${type}, but in its detail ${faultOf(read.error)}` };
  const arn = resources?.[0] ?? `arn:aws:cloudwatch:${region ?? ''}:${account ?? ''}:alarm:${read.data.alarmName}`;
  return fromDetail(read.data, { arn, account });
}

const Action = z.looseObject({ alarmArn: text, accountId: perhaps(text), alarmData: EventDetail });

/** What CloudWatch gives a function that is the action of an alarm. */
function readAction(content: unknown): Reading {
  const read = Action.safeParse(content);
  if (!read.success) return { poison: `it is an alarm as a Lambda function is given it, but ${faultOf(read.error)}` };
  const { alarmArn, accountId = null, alarmData } = read.data;
  return fromDetail(alarmData, { arn: alarmArn, account: accountId });
}

function fromDetail(detail: EventDetail, { arn, account }: { arn: string; account: string | null }): Reading {
  const { alarmName, state, previousState, alarmContributor, configuration } = detail;
  const reasonData = ReasonData.safeParse(jsonIn(state.reasonData ?? ''));
  const told = reasonData.success ? reasonData.data : {};
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
  return news({
    arn,
    name: alarmName,
    description: configuration?.description ?? null,
    account,
    state: state.value,
    previousState: previousState?.value ?? null,
    changedAt: state.timestamp,
    reason: state.reason ?? '',
    metrics,
    evaluationPeriods: configuration?.evaluationPeriods ?? told.recentDatapoints?.length ?? null,
    threshold: configuration?.threshold ?? told.threshold ?? null,
    isAnomaly: false,
    breachedFrom: told.startDate ?? null,
    contributor: alarmContributor ? { id: alarmContributor.id, attributes: alarmContributor.attributes ?? {} } : null,
    rule: configuration?.alarmRule ?? null,
    children: (told.triggeringAlarms ?? []).map((child) => child.arn),
  });
}

/** JSON in a string: what CloudWatch evaluated. */
const ReasonData = z.looseObject({
  startDate: perhaps(Instant),
  threshold: perhaps(z.number()),
  recentDatapoints: listOf(z.unknown()),
  triggeringAlarms: listOf(z.looseObject({ arn: text })),
});

interface News extends Omit<Alarm, 'kind' | 'region' | 'period' | 'loadBalancers' | 'targetGroups'> {
  isAnomaly: boolean;
  rule: string | null;
}

function news({ isAnomaly, rule, ...given }: News): Reading {
  const { metrics, contributor } = given;
  const expressions = metrics.flatMap(({ expression }) => expression ?? []);
  const dimensions = [...metrics.map((metric) => metric.dimensions), contributor?.attributes ?? {}];
  // Of one alarm, the parts that name a load balancer say which; target groups beside them belong to it.
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
  const children = given.children.length > 0 || rule === null ? given.children : namesIn(rule);
  const alarm = Alarm.safeParse({
    ...given,
    account: given.account ?? accountIn(given.arn),
    region: regionIn(given.arn),
    kind: kindOf(given, rule, isAnomaly, expressions),
    changedAt: iso(given.changedAt),
    breachedFrom: given.breachedFrom === null ? null : iso(given.breachedFrom),
    period: metrics.find(({ period }) => period !== null && period > 0)?.period ?? null,
    children: unique(children),
    loadBalancers,
    targetGroups,
  });
  return alarm.success ? { alarm: alarm.data } : { poison: `it is an alarm, but ${faultOf(alarm.error)}` };
}

/** A load balancer in a search or a query of metrics. */
const IN_EXPRESSION = /LoadBalancer"?\s*=\s*["'](app\/[^/"']+\/[^/"']+)["']/g;

function kindOf(
  { metrics, children }: Pick<News, 'metrics' | 'children'>,
  rule: string | null,
  isAnomaly: boolean,
  expressions: readonly string[],
): Alarm['kind'] {
  if (rule !== null || children.length > 0) return 'composite';
  if (isAnomaly || expressions.some((expression) => /\bANOMALY_DETECTION_BAND\s*\(/.test(expression))) return 'anomaly';
  if (expressions.some((expression) => /^\s*SELECT\b/i.test(expression))) return 'query';
  if (expressions.length > 0) return 'math';
  return metrics.length > 0 ? 'metric' : 'other';
}

/** The alarms of a rule, as it names them: ALARM("name"), OK(name), INSUFFICIENT_DATA(arn). */
function namesIn(rule: string): string[] {
  const names = rule.matchAll(/\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]+)"|'([^']+)'|([^\s"')]+))\s*\)/g);
  return [...names].map(([, quoted, single, bare]) => quoted ?? single ?? bare ?? '');
}

const REGION = /^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/;

/** The region of an ARN, where it is one. */
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

function faultOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return `${issue?.path.join('.') || 'all of it'}: ${issue?.message ?? ''}`;
}

function jsonIn(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
