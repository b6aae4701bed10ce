/** Environment variables and their settings; each overrides the configuration file. */

export type Environment = Readonly<Record<string, string | undefined>>;

interface EnvironmentName {
  path: readonly [string, ...string[]];
  /** A list is separated by commas. Text if omitted. */
  kind?: 'number' | 'list';
}

export const ENVIRONMENT_NAMES: Readonly<Record<string, EnvironmentName>> = {
  ALB502_ATHENA_WORKGROUP: { path: ['athena', 'workGroup'] },
  ALB502_ATHENA_CATALOG: { path: ['athena', 'catalog'] },
  ALB502_ATHENA_DATABASE: { path: ['athena', 'database'] },
  ALB502_ATHENA_TABLE: { path: ['athena', 'table'] },
  ALB502_ATHENA_OUTPUT: { path: ['athena', 'outputLocation'] },
  ALB502_MAX_USD: { path: ['maxUsd'], kind: 'number' },
  ALB502_EVIDENCE_SECONDS: { path: ['deadlines', 'evidenceSeconds'], kind: 'number' },
  ALB502_ACCESS_LOG_SECONDS: { path: ['deadlines', 'accessLogSeconds'], kind: 'number' },
  ALB502_SLACK_MODE: { path: ['slack', 'mode'] },
  ALB502_SLACK_PORT: { path: ['slack', 'port'], kind: 'number' },
  ALB502_SLACK_PATH: { path: ['slack', 'path'] },
  ALB502_SLACK_TIME_ZONE: { path: ['slack', 'timeZone'] },
  ALB502_SLACK_WATCH_CHANNELS: { path: ['slack', 'watch', 'channels'], kind: 'list' },
  ALB502_SLACK_WATCH_APPS: { path: ['slack', 'watch', 'apps'], kind: 'list' },
  ALB502_SLACK_ALLOW_WORKSPACES: { path: ['slack', 'allow', 'workspaces'], kind: 'list' },
  ALB502_SLACK_ALLOW_CHANNELS: { path: ['slack', 'allow', 'channels'], kind: 'list' },
  ALB502_SLACK_ALLOW_USER_GROUPS: { path: ['slack', 'allow', 'userGroups'], kind: 'list' },
  ALB502_SLACK_ALLOW_USERS: { path: ['slack', 'allow', 'users'], kind: 'list' },
  ALB502_RUNS_FOLDER: { path: ['runs', 'folder'] },
  ALB502_RUNS_BUCKET: { path: ['runs', 's3', 'bucket'] },
  ALB502_RUNS_PREFIX: { path: ['runs', 's3', 'prefix'] },
  ALB502_RUNS_REGION: { path: ['runs', 's3', 'region'] },
  ALB502_RUNS_RETENTION_DAYS: { path: ['runs', 'retentionDays'], kind: 'number' },
  ALB502_LIMITS_AT_ONCE: { path: ['limits', 'atOnce'], kind: 'number' },
  ALB502_LIMITS_PER_USER: { path: ['limits', 'perUser'], kind: 'number' },
  ALB502_LIMITS_PER_HOUR: { path: ['limits', 'perHour'], kind: 'number' },
  ALB502_LIMITS_QUEUE: { path: ['limits', 'queue'], kind: 'number' },
  ALB502_ALARM_QUEUE_URL: { path: ['alarms', 'sqs', 'queueUrl'] },
  ALB502_ALARM_QUEUE_REGION: { path: ['alarms', 'sqs', 'region'] },
  ALB502_ALARM_SNS_PATH: { path: ['alarms', 'sns', 'path'] },
  ALB502_ALARM_SNS_TOPICS: { path: ['alarms', 'sns', 'topics'], kind: 'list' },
  ALB502_ALARM_MUTE_HOURS: { path: ['alarms', 'muteHours'], kind: 'number' },
  ALB502_ALARM_DEFAULT_CHANNEL: { path: ['alarms', 'defaultChannel'] },
  ALB502_LOG_LEVEL: { path: ['logLevel'] },
  ALB502_METRICS: { path: ['metrics'] },
  ALB502_HEALTH_PORT: { path: ['healthPort'], kind: 'number' },
};

/** Settings without a variable, with the reason. */
export const WITHOUT_ENVIRONMENT_NAME: Readonly<Record<string, string>> = {
  accounts: 'none, it is a list of objects: use `ALB502_CONFIG_JSON`',
  'alarms.routes': 'none, it is a list of objects: use `ALB502_CONFIG_JSON`',
};
