/**
 * Parses the configuration from a JSON file and the environment. A single account needs none: credentials and region
 * come from where the AWS CLI finds them. Secrets come only from the environment. A wrong configuration throws one
 * Problem that names every mistake.
 */
import * as z from 'zod';
import { ENVIRONMENT_NAMES, type Environment } from './environment-names.ts';
import { isRecord } from './format/is-record.ts';
import { formatPath } from './format/parse-json.ts';
import { Problem } from './problem.ts';
import { canonicalZone } from './query/time-zone.ts';

export const REGION = /^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/;
const ROLE = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/;
/** Names that Athena and Glue accept unquoted, plus hyphens. */
const IDENTIFIER = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,254}$/;
const S3_FOLDER = /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[\w!.*'()=/-]*)?$/;

const SLACK_TOKEN = /\bx(?:ox[a-z]|app)-/;
/** Shortens input for an error message; hides a Slack token. */
const describeInput = (input: unknown): string => {
  const text = JSON.stringify(input) ?? 'nothing';
  return SLACK_TOKEN.test(text) ? 'a Slack token' : text.slice(0, 80);
};
const matching = (pattern: RegExp, what: string) =>
  z.string().regex(pattern, { error: ({ input }) => `${describeInput(input)} is not ${what}` });

const Region = matching(REGION, 'a region, such as eu-west-1');
const Identifier = matching(IDENTIFIER, 'a name of letters, digits, underscores and hyphens');

/** Slack shows a channel's ID at the end of its details, and a user's ID in the menu of the profile. */
const Mention = z
  .string()
  .regex(/^[SUW][A-Z0-9]{2,30}$/, { error: 'expected the ID of a user (U…) or of a user group (S…)' });
const Channel = matching(/^[CDG][A-Z0-9]{2,}$/, 'the id of a channel, such as C0123456789');
const User = matching(/^[UW][A-Z0-9]{2,}$/, 'the id of a person, such as U0123456789');
const SlackAppId = matching(/^A[A-Z0-9]{2,}$/, 'the id of an app, such as A0123456789');
const UserGroup = matching(/^S[A-Z0-9]{2,}$/, 'the id of a user group, such as S0123456789');
const Workspace = matching(/^[TE][A-Z0-9]{2,}$/, 'the id of a workspace or organization, such as T0123456789');
const Port = z.int().min(0).max(65_535);
const UrlPath = matching(/^\/[\w./-]*$/, 'a path, such as /slack/events');

const Account = z.strictObject({
  name: z.string().min(1).describe('What messages call the account.'),
  roleArn: matching(ROLE, 'the ARN of a role, such as arn:aws:iam::123456789012:role/alb502')
    .optional()
    .describe(
      'Role to assume with the credentials of the environment. Without it, those credentials are used as they are.',
    ),
  externalId: matching(/^[\w+=,.@:/-]{2,1224}$/, 'an external id')
    .optional()
    .describe('External ID, if the trust policy of the role asks for one.'),
  regions: z
    .array(Region)
    .default([])
    .describe('Regions to search, in this order. An empty list means the region of the environment or the profile.'),
  channels: z
    .array(Channel)
    .optional()
    .describe(
      'IDs of the Slack channels that may ask about this account. Without it, every channel that may ask at all.',
    ),
});
export type Account = z.infer<typeof Account>;

const Seconds = (standard: number) => z.number().positive().max(3600).default(standard);

const Athena = z.strictObject({
  workGroup: matching(/^[\w.-]{1,128}$/, 'the name of a workgroup')
    .default('primary')
    .describe('Workgroup of the queries.'),
  catalog: Identifier.default('AwsDataCatalog').describe('Data catalog of the table.'),
  database: Identifier.default('default').describe('Database of the table.'),
  table: Identifier.optional().describe(
    'Table of the access logs. Without it, the table of the database whose location covers the log files.',
  ),
  outputLocation: matching(S3_FOLDER, 'a folder in S3, such as s3://bucket/folder/')
    .optional()
    .describe('Where query results go, for workgroups without a results location of their own.'),
});

const Deadlines = z.strictObject({
  evidenceSeconds: Seconds(20).describe('Seconds for each source of evidence except the access log.'),
  accessLogSeconds: Seconds(180).describe('Seconds to find, fetch and scan the access log.'),
});

const Slack = z.strictObject({
  mode: z
    .enum(['socket', 'http'], { error: ({ input }) => `${describeInput(input)} is neither "socket" nor "http"` })
    .default('socket')
    .describe('`socket` needs no public address; with `http`, Slack sends requests to `slack.port` and `slack.path`.'),
  port: Port.default(3000).describe('Port for requests of Slack, with `http`. 0 picks a free port.'),
  timeZone: z
    .string()
    .refine((name) => canonicalZone(name) !== null, {
      error: ({ input }) => `${describeInput(input)} is not a time zone, such as Europe/Berlin`,
    })
    .default('UTC')
    .describe("Zone of times that name none, if Slack does not tell the asker's zone."),
  path: UrlPath.default('/slack/events').describe('Path for requests of Slack, with `http`.'),
  watch: z
    .strictObject({
      channels: z.array(Channel).default([]).describe('IDs of channels in which alerts of other apps get a thread.'),
      apps: z
        .array(SlackAppId)
        .default([])
        .describe('IDs of the apps whose alerts count. An empty list means every app.'),
    })
    .prefault({}),
  allow: z
    .strictObject({
      workspaces: z
        .array(Workspace)
        .default([])
        .describe("Workspaces that may ask. An empty list means the bot's own."),
      channels: z
        .array(Channel)
        .default([])
        .describe('Channels in which alb502 may be asked. An empty list means every channel.'),
      userGroups: z
        .array(UserGroup)
        .default([])
        .describe('User groups whose members may ask. If this list and `users` are empty, everyone may ask.'),
      users: z.array(User).default([]).describe('People who may ask, besides the members of `userGroups`.'),
    })
    .prefault({}),
});

const Runs = z
  .strictObject({
    folder: z
      .string()
      .min(1)
      .optional()
      .describe('Folder of run records; `alb502-runs` if neither it nor `s3` is named.'),
    s3: z
      .strictObject({
        bucket: matching(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of a bucket').describe(
          'Bucket of run records, in place of a folder. Replicas that share it share their work.',
        ),
        prefix: matching(/^[\w!.*'()=/-]*$/, 'a prefix, such as alb502/')
          .default('alb502/')
          .describe('Prefix of run records in the bucket.'),
        region: Region.optional().describe('Region of the bucket, if not that of the environment.'),
      })
      .optional(),
    retentionDays: z.number().positive().max(3650).default(90).describe('Days that run records are kept.'),
  })
  .refine(({ folder, s3 }) => folder === undefined || s3 === undefined, {
    error: 'names both a folder and s3; keep one',
  });
/** Folder of run records when neither a folder nor S3 is configured. */
export const RUNS_FOLDER = 'alb502-runs';

const Count = (standard: number) => z.int().positive().max(10_000).default(standard);

const Limits = z.strictObject({
  atOnce: Count(4).describe('Diagnoses that run at the same time.'),
  perUser: Count(3).describe('Diagnoses of one person that may run or wait.'),
  perHour: Count(30).describe('Diagnoses one person may ask for in an hour.'),
  queue: z.int().nonnegative().max(10_000).default(20).describe('Diagnoses that may wait.'),
});

/** `*` matches any text, `?` one character. */
const Pattern = z.string().min(1).max(255);

const Alarms = z.strictObject({
  sqs: z
    .strictObject({
      queueUrl: matching(/^https?:\/\/\S+$/, 'the URL of a queue').describe('URL of the queue that alarms arrive in.'),
      region: Region.optional().describe('Region of the queue, if not that of the environment.'),
    })
    .optional(),
  sns: z
    .strictObject({
      path: UrlPath.default('/alarms/sns').describe('Path for messages of SNS, on `slack.port`, with `http`.'),
      topics: z
        .array(matching(/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w.-]{1,256}$/, 'the ARN of a topic'))
        .min(1, { error: 'is empty; name the topics that may send alarms' })
        .describe('ARNs of the topics that may send alarms. Messages of other topics are refused.'),
    })
    .optional(),
  routes: z
    .array(
      z.strictObject({
        loadBalancer: Pattern.optional().describe(
          'Name of the load balancer; `*` stands for any text, `?` for one letter.',
        ),
        alarm: Pattern.optional().describe('Name of the alarm, with the same wildcards.'),
        account: z.string().min(1).optional().describe('Name of the account, as in `accounts`.'),
        channel: Channel.describe('ID of the channel that gets the thread.'),
        mention: Mention.optional().describe('ID of the user (U…) or user group (S…) that the verdict mentions.'),
      }),
    )
    .default([])
    .describe('Where threads of alarms go: the first route that matches decides. A part left out matches everything.'),
  muteHours: z
    .number()
    .positive()
    .max(168)
    .default(4)
    .describe(
      'Hours for which "Mute" in the thread of an alarm keeps its load balancer or its alarms from opening threads.',
    ),
  defaultChannel: Channel.optional().describe(
    'ID of the channel for alarms that no route matches. Without it, they get no thread.',
  ),
});

const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;

export const Config = z.strictObject({
  accounts: z
    .array(Account)
    .min(1, { error: 'is empty; leave it out to use the credentials of the environment' })
    .default([{ name: 'default', regions: [] }])
    .describe('Accounts to search. Without it, the account of the environment, called `default`.'),
  athena: Athena.prefault({}),
  maxUsd: z
    .number()
    .nonnegative()
    .default(1)
    .describe('The most, in US dollars, that reading the access log may cost for one diagnosis.'),
  deadlines: Deadlines.prefault({}),
  slack: Slack.prefault({}),
  runs: Runs.prefault({}),
  limits: Limits.prefault({}),
  alarms: Alarms.prefault({}),
  logLevel: z
    .enum(LOG_LEVELS, { error: ({ input }) => `${describeInput(input)} is none of ${LOG_LEVELS.join(', ')}` })
    .default('info')
    .describe('Least severe level of log lines that are written.'),
  metrics: z
    .enum(['none', 'emf'], { error: ({ input }) => `${describeInput(input)} is neither "none" nor "emf"` })
    .default('none')
    .describe(
      '`emf` writes metrics of the bot to stdout each minute, as lines that CloudWatch Logs turns into metrics.',
    ),
  healthPort: Port.default(3000).describe(
    'Port of `/healthz` and `/readyz` in socket mode. With `http` they are on `slack.port`. 0 picks a free port.',
  ),
});
export type Config = z.infer<typeof Config>;

/** Shape of a configuration file; `$schema` is for editors. */
export const ConfigFile = Config.extend({
  $schema: z.string().optional().describe('Where editors find the JSON Schema of this file.'),
});

/** Credentials of the bot in Slack. */
export interface Secrets {
  botToken: string;
  /** Socket mode only. */
  appToken: string | null;
  /** HTTP mode only. */
  signingSecret: string | null;
}

/** Expected shape of each secret. */
const SECRETS = {
  SLACK_BOT_TOKEN: { shape: /^xoxb-\S+$/, looks: 'the bot token, which begins with xoxb-' },
  SLACK_APP_TOKEN: { shape: /^xapp-\S+$/, looks: 'the app-level token, which begins with xapp-' },
  SLACK_SIGNING_SECRET: { shape: /^\S{16,}$/, looks: 'the signing secret, which is at least 16 characters' },
} as const;

/** Builds the configuration from the file's content and the environment. Throws Problem (exit 1). */
export function parseConfig(content: unknown, environment: Environment, file: string): Config {
  const values = isRecord(content) ? structuredClone(content) : content;
  if (isRecord(values)) delete values.$schema;
  const setBy = new Map<string, string>();
  for (const [variable, { path, kind = 'text' }] of Object.entries(ENVIRONMENT_NAMES)) {
    const text = environment[variable];
    if (text === undefined || text === '' || !isRecord(values)) continue;
    setBy.set(path.join('.'), variable);
    setPath(values, path, READ[kind](text));
  }
  const read = Config.safeParse(values);
  const tokens = tokenPaths(content);
  if (read.success && tokens.length === 0) return read.data;
  const issues = read.success ? [] : read.error.issues;
  const faults = issues.map((issue) => {
    const variable = setBy.get(issue.path.filter((key) => typeof key === 'string').join('.'));
    const place = variable ?? formatPath(issue.path);
    return {
      variable,
      text: `${place === '' && issue.code === 'unrecognized_keys' ? '' : subject(place)}${describeIssue(issue)}`,
    };
  });
  for (const place of tokens)
    faults.push({
      variable: undefined,
      text: `${subject(place)}holds a Slack token; ${SECRETS_BELONG_IN_ENVIRONMENT}`,
    });
  const named = faults.every(({ variable }) => variable !== undefined) ? 'the environment' : file;
  const count = faults.length === 1 ? 'a mistake' : `${faults.length} mistakes`;
  throw new Problem(`The configuration (${named}) has ${count}: ${faults.map(({ text }) => text).join('; ')}.`, 1);
}

/** Begins a sentence about a place; the file as a whole has no path. */
const subject = (place: string): string => (place === '' ? 'it ' : `${place}: `);

function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    const secret = issue.keys.filter((key) => /token|secret/i.test(key)).map((key) => `"${key}"`);
    if (secret.length > 0) return `${secret.join(', ')} must not be here; ${SECRETS_BELONG_IN_ENVIRONMENT}`;
    const known = issue.path.length === 0 ? ` (there are ${Object.keys(Config.shape).join(', ')})` : '';
    return `there is no setting ${issue.keys.map((key) => `"${key}"`).join(', ')}${known}`;
  }
  if (issue.code === 'invalid_type')
    return `must be ${issue.expected === 'object' ? 'an object' : `a ${issue.expected}`}`;
  if (issue.code === 'too_small')
    return issue.message.startsWith('is ')
      ? issue.message
      : `must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
  return issue.message;
}

const SECRETS_BELONG_IN_ENVIRONMENT = `secrets are only taken from the environment: ${Object.keys(SECRETS).join(', ')}`;

/** Returns the paths of all Slack tokens in the file, in any setting. */
function tokenPaths(content: unknown, path: (string | number)[] = []): string[] {
  if (typeof content === 'string') return SLACK_TOKEN.test(content) ? [formatPath(path)] : [];
  if (Array.isArray(content)) return content.flatMap((each, at) => tokenPaths(each, [...path, at]));
  if (!isRecord(content)) return [];
  return Object.entries(content).flatMap(([key, each]) => tokenPaths(each, [...path, key]));
}

/** Reads the secrets of the mode. Throws Problem (exit 1) that lists all missing or wrong ones, never their values. */
export function readSecrets({ slack }: { slack: Pick<Config['slack'], 'mode'> }, environment: Environment): Secrets {
  const faults: string[] = [];
  const secret = (variable: keyof typeof SECRETS): string => {
    const value = environment[variable]?.trim() ?? '';
    const { shape, looks } = SECRETS[variable];
    if (value === '') faults.push(`${variable} is not set: ${looks}`);
    else if (!shape.test(value)) faults.push(`${variable} is not ${looks}`);
    return value;
  };
  const botToken = secret('SLACK_BOT_TOKEN');
  const appToken = slack.mode === 'socket' ? secret('SLACK_APP_TOKEN') : null;
  const signingSecret = slack.mode === 'http' ? secret('SLACK_SIGNING_SECRET') : null;
  if (faults.length === 0) return { botToken, appToken, signingSecret };
  throw new Problem(`The environment lacks what Slack needs in ${slack.mode} mode: ${faults.join('; ')}.`, 1);
}

function setPath(values: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path;
  if (rest.length === 0) {
    values[key] = value;
    return;
  }
  const inner = values[key] ?? {};
  if (!isRecord(inner)) return;
  values[key] = inner;
  setPath(inner, rest, value);
}

/** Parses a number; returns other text unchanged, so that the error message shows it. */
const numberOr = (text: string): unknown => (text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text));

/** Splits a list at commas; the schema rejects empty parts. */
const listOf = (text: string): string[] => text.split(',').map((part) => part.trim());

const READ = { text: (text: string): unknown => text, number: numberOr, list: listOf };
