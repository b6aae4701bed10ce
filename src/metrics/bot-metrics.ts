/**
 * What the bot counts of itself, as lines of the CloudWatch embedded metric format: the log of the bot is enough, and CloudWatch makes
 * metrics of them (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
 */

/** Units as CloudWatch names them. deploy/dashboard.json shows them all. */
export const BOT_METRICS = {
  /** Diagnoses that ended, by the standing of their verdict; failed ones have none. */
  DiagnosesConfirmed: 'Count',
  DiagnosesLikely: 'Count',
  DiagnosesUndecided: 'Count',
  DiagnosesWithoutErrors: 'Count',
  DiagnosesFailed: 'Count',
  /** From the question to the first verdict, and to the answer with the access log. */
  SecondsToProvisional: 'Seconds',
  SecondsToFinal: 'Seconds',
  /** What one diagnosis could not look at. */
  Gaps: 'Count',
  /** US dollars that reading the access log cost. */
  SpendUsd: 'None',
  BytesScanned: 'Bytes',
  /** Episodes of alarms that were heard of, and their threads: more threads than episodes are too many. */
  Episodes: 'Count',
  EpisodeThreads: 'Count',
  /** From when an alarm was sent to the queue to when the bot received it. */
  QueueAge: 'Seconds',
  /** Messages that are not understood or could not be handled. */
  MessagesLost: 'Count',
  /** Edits that Slack never got. */
  EditsDropped: 'Count',
  PostsRefused: 'Count',
  /** 1 while questions of Slack reach the bot. */
  SocketUp: 'Count',
} as const;
export type BotMetric = keyof typeof BOT_METRICS;

export interface BotMetrics {
  /** Counts one more. */
  count(metric: BotMetric, by?: number): void;
  /** Keeps one value of a distribution. */
  observe(metric: BotMetric, value: number): void;
  /** The line of what was counted since the last one; epoch milliseconds. */
  flush(at: number): string;
}

/** The format takes so many values of a metric in a line. */
const MOST_VALUES = 100;

export function openBotMetrics(namespace = 'alb502'): BotMetrics {
  const counted = new Map<BotMetric, number>();
  const observed = new Map<BotMetric, number[]>();
  return {
    count(metric, by = 1) {
      counted.set(metric, (counted.get(metric) ?? 0) + by);
    },
    observe(metric, value) {
      const values = observed.get(metric) ?? [];
      if (values.length < MOST_VALUES) observed.set(metric, [...values, value]);
    },
    flush(at) {
      const values = { ...Object.fromEntries(counted), ...Object.fromEntries(observed) };
      counted.clear();
      observed.clear();
      const Metrics = Object.keys(values)
        .filter((name): name is BotMetric => name in BOT_METRICS)
        .sort()
        .map((Name) => ({ Name, Unit: BOT_METRICS[Name] }));
      const about = { Timestamp: at, CloudWatchMetrics: [{ Namespace: namespace, Dimensions: [[]], Metrics }] };
      return JSON.stringify({ _aws: about, ...values });
    },
  };
}
