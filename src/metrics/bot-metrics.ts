/**
 * The bot's own metrics, as log lines in the CloudWatch embedded metric format, from which CloudWatch creates metrics:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */

/** Metrics with their CloudWatch units. deploy/dashboard.json shows them all. */
export const BOT_METRICS = {
  /** Finished diagnoses by the standing of their verdict; failed ones have none. */
  DiagnosesConfirmed: 'Count',
  DiagnosesLikely: 'Count',
  DiagnosesUndecided: 'Count',
  DiagnosesWithoutErrors: 'Count',
  DiagnosesFailed: 'Count',
  /** Time from the question to the first verdict, and to the answer with the access log. */
  SecondsToProvisional: 'Seconds',
  SecondsToFinal: 'Seconds',
  /** Number of gaps of one diagnosis. */
  Gaps: 'Count',
  /** US dollars spent on reading the access log. */
  SpendUsd: 'None',
  BytesScanned: 'Bytes',
  /** Episodes and their threads, each counted once: there should not be more threads than episodes. */
  Episodes: 'Count',
  EpisodeThreads: 'Count',
  /** Time from sending an alarm to the queue to receiving it. */
  QueueAge: 'Seconds',
  /** Messages that were not understood or could not be handled. */
  MessagesLost: 'Count',
  /** Edits that were never sent to Slack. */
  EditsDropped: 'Count',
  /** Messages and files that Slack did not take. */
  PostsRefused: 'Count',
  /** 1 while the bot is connected to Slack. */
  SocketUp: 'Count',
} as const;
export type BotMetric = keyof typeof BOT_METRICS;

export interface BotMetrics {
  /** Adds one to a counter. */
  count(metric: BotMetric, by?: number): void;
  /** Adds a value to a distribution. */
  observe(metric: BotMetric, value: number): void;
  /** Returns the line for everything counted since the last call. `now`: epoch milliseconds. */
  flush(at: number): string;
}

/** Most values of a metric in one line (limit of the format). */
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
