/**
 * What alb502 is told about AWS and Slack: a JSON file and the environment in, a Config out. Nothing has to be told for a single account:
 * then the credentials and the region are those of the AWS CLI. Secrets come from the environment alone. A wrong configuration is one
 * Problem that names every mistake at once.
 */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { formatPath, syntaxError, withoutByteOrderMark } from './format/parse-json.ts';
import { Problem } from './problem.ts';
import { canonicalZone } from './query/time-zone.ts';

/** Read when there is one in the working directory and no other is named. */
const CONFIG_FILE = 'alb502.json';

const REGION = /^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/;
const ROLE = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/;
/** What Athena and Glue take without quotation marks, and hyphens. */
const IDENTIFIER = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,254}$/;
const S3_FOLDER = /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[\w!.*'()=/-]*)?$/;

const SLACK_TOKEN = /\bx(?:ox[a-z]|app)-/;
/** A token in the wrong place is told, not shown. */
const describeInput = (input: unknown): string => {
  const text = JSON.stringify(input) ?? 'nothing';
  return SLACK_TOKEN.test(text) ? 'a Slack token' : text.slice(0, 80);
};
const matching = (pattern: RegExp, what: string) =>
  z.string().regex(pattern, { error: ({ input }) => `${describeInput(input)} is not ${what}` });

const Region = matching(REGION, 'a region, such as eu-west-1');
const Identifier = matching(IDENTIFIER, 'a name of letters, digits, underscores and hyphens');

/** Slack shows the id of a channel at the end of its details, and that of a person in the menu of their profile. */
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
  /** How it is called in messages. */
  name: z.string().min(1),
  /** Assumed with the standard credentials; without it those credentials themselves are used. */
  roleArn: matching(ROLE, 'the ARN of a role, such as arn:aws:iam::123456789012:role/alb502').optional(),
  externalId: matching(/^[\w+=,.@:/-]{2,1224}$/, 'an external id').optional(),
  /** Searched in this order; none means the region of the environment or the profile. */
  regions: z.array(Region).default([]),
  /** Ids of the Slack channels that may ask about it; without them every channel that may ask at all. */
  channels: z.array(Channel).optional(),
});
export type Account = z.infer<typeof Account>;

/** Seconds. */
const Seconds = (standard: number) => z.number().positive().max(3600).default(standard);

const Athena = z.strictObject({
  workGroup: matching(/^[\w.-]{1,128}$/, 'the name of a workgroup').default('primary'),
  catalog: Identifier.default('AwsDataCatalog'),
  database: Identifier.default('default'),
  /** Without it the table is looked for: the one of the database whose location covers the log files. */
  table: Identifier.optional(),
  /** For workgroups without a results location of their own. */
  outputLocation: matching(S3_FOLDER, 'a folder in S3, such as s3://bucket/folder/').optional(),
});

const Deadlines = z.strictObject({
  /** For each source of evidence but the access log. */
  evidenceSeconds: Seconds(20),
  /** For the access log: finding, scanning and fetching. */
  accessLogSeconds: Seconds(180),
});

const Slack = z.strictObject({
  /** `socket` needs no public address; `http` is asked by Slack on port and path. */
  mode: z
    .enum(['socket', 'http'], { error: ({ input }) => `${describeInput(input)} is neither "socket" nor "http"` })
    .default('socket'),
  port: Port.default(3000),
  /** In which times are read that name no zone, where Slack does not tell that of the asker. */
  timeZone: z
    .string()
    .refine((name) => canonicalZone(name) !== null, {
      error: ({ input }) => `${describeInput(input)} is not a time zone, such as Europe/Berlin`,
    })
    .default('UTC'),
  path: UrlPath.default('/slack/events'),
  /** Alerts of other apps that get a thread by themselves: in these channels, of these apps, or of every app where none is named. */
  watch: z
    .strictObject({
      channels: z.array(Channel).default([]),
      apps: z.array(SlackAppId).default([]),
    })
    .prefault({}),
  /** Who may ask, and where. An empty list restricts nothing, but that of workspaces: then it is the one of the bot. */
  allow: z
    .strictObject({
      workspaces: z.array(Workspace).default([]),
      channels: z.array(Channel).default([]),
      /** A person needs to be in one of these or among `users`. */
      userGroups: z.array(UserGroup).default([]),
      users: z.array(User).default([]),
    })
    .prefault({}),
});

/** Run records: a folder, or an S3 prefix that several replicas share. */
const Runs = z
  .strictObject({
    folder: z.string().min(1).optional(),
    s3: z
      .strictObject({
        bucket: matching(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of a bucket'),
        prefix: matching(/^[\w!.*'()=/-]*$/, 'a prefix, such as alb502/').default('alb502/'),
        region: Region.optional(),
      })
      .optional(),
    retentionDays: z.number().positive().max(3650).default(90),
  })
  .refine(({ folder, s3 }) => folder === undefined || s3 === undefined, {
    error: 'names both a folder and s3; keep one',
  });
/** Where run records are kept when neither a folder nor S3 is named. */
export const RUNS_FOLDER = 'alb502-runs';

const Count = (standard: number) => z.int().positive().max(10_000).default(standard);

const Limits = z.strictObject({
  /** Diagnoses that run at the same time. */
  atOnce: Count(4),
  /** Of those that run or wait, how many one person may have asked for. */
  perUser: Count(3),
  /** How many a person may ask for in an hour. */
  perHour: Count(30),
  /** How many may wait. */
  queue: z.int().nonnegative().max(10_000).default(20),
});

/** With * for any text and ? for one letter. */
const Pattern = z.string().min(1).max(255);

const Alarms = z.strictObject({
  sqs: z
    .strictObject({
      queueUrl: matching(/^https?:\/\/\S+$/, 'the URL of a queue'),
      region: Region.optional(),
    })
    .optional(),
  sns: z
    .strictObject({
      path: UrlPath.default('/alarms/sns'),
      /** Only what these topics send is read. */
      topics: z
        .array(matching(/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w.-]{1,256}$/, 'the ARN of a topic'))
        .min(1, { error: 'is empty; name the topics that may send alarms' }),
    })
    .optional(),
  /** The first that fits says where the thread of an alarm goes. What is left out fits everything. */
  routes: z
    .array(
      z.strictObject({
        loadBalancer: Pattern.optional(),
        alarm: Pattern.optional(),
        account: z.string().min(1).optional(),
        channel: Channel,
        /** Whom the verdict mentions: a user (U…) or a user group (S…). */
        mention: Mention.optional(),
      }),
    )
    .default([]),
  /** For alarms that no route fits. Without it they are not answered. */
  defaultChannel: Channel.optional(),
});

const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;

export const Config = z.strictObject({
  accounts: z
    .array(Account)
    .min(1, { error: 'is empty; leave it out to use the credentials of the environment' })
    .default([{ name: 'default', regions: [] }]),
  athena: Athena.prefault({}),
  /** The most that the scans of one diagnosis may cost, by their upper bound. */
  maxUsd: z.number().nonnegative().default(1),
  deadlines: Deadlines.prefault({}),
  slack: Slack.prefault({}),
  runs: Runs.prefault({}),
  limits: Limits.prefault({}),
  alarms: Alarms.prefault({}),
  logLevel: z
    .enum(LOG_LEVELS, { error: ({ input }) => `${describeInput(input)} is none of ${LOG_LEVELS.join(', ')}` })
    .default('info'),
  /** Of /healthz and /readyz in socket mode; with http they are on the port of Slack. */
  healthPort: Port.default(3000),
});
export type Config = z.infer<typeof Config>;

/** What the bot signs in with. */
export interface Secrets {
  botToken: string;
  /** Socket mode only. */
  appToken: string | null;
  /** With http only. */
  signingSecret: string | null;
}

/** What each secret looks like. */
const SECRETS = {
  SLACK_BOT_TOKEN: { shape: /^xoxb-\S+$/, looks: 'the bot token, which begins with xoxb-' },
  SLACK_APP_TOKEN: { shape: /^xapp-\S+$/, looks: 'the app-level token, which begins with xapp-' },
  SLACK_SIGNING_SECRET: { shape: /^\S{16,}$/, looks: 'the signing secret, which is at least 16 characters' },
} as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** Environment variables and what they set; each wins over the file. */
const VARIABLES: Record<string, { path: readonly [string, ...string[]]; number?: true }> = {
  ALB502_ATHENA_WORKGROUP: { path: ['athena', 'workGroup'] },
  ALB502_ATHENA_CATALOG: { path: ['athena', 'catalog'] },
  ALB502_ATHENA_DATABASE: { path: ['athena', 'database'] },
  ALB502_ATHENA_TABLE: { path: ['athena', 'table'] },
  ALB502_ATHENA_OUTPUT: { path: ['athena', 'outputLocation'] },
  ALB502_MAX_USD: { path: ['maxUsd'], number: true },
  ALB502_SLACK_MODE: { path: ['slack', 'mode'] },
  ALB502_SLACK_PORT: { path: ['slack', 'port'], number: true },
  ALB502_RUNS_FOLDER: { path: ['runs', 'folder'] },
  ALB502_HEALTH_PORT: { path: ['healthPort'], number: true },
  ALB502_LOG_LEVEL: { path: ['logLevel'] },
};

/**
 * Reads the configuration: the named file, else that of ALB502_CONFIG, else alb502.json where there is one; then the environment.
 * Throws Problem (exit 1) with everything that is wrong.
 */
export async function readConfig(named?: string, environment: Environment = process.env): Promise<Config> {
  const file = named ?? (environment.ALB502_CONFIG || undefined);
  const text = await readIfPresent(file ?? CONFIG_FILE, file !== undefined);
  return parseConfig(text === null ? {} : parseJson(text, file ?? CONFIG_FILE), environment, file ?? CONFIG_FILE);
}

/** How Slack is to be reached, as far as a configuration says it that may hold mistakes: which secrets are needed hangs on that. */
export async function readSlackMode(
  named?: string,
  environment: Environment = process.env,
): Promise<Config['slack']['mode']> {
  const text = await readIfPresent(named ?? (environment.ALB502_CONFIG || CONFIG_FILE), false).catch(() => null);
  const content: unknown =
    text === null || syntaxError(withoutByteOrderMark(text)) !== null ? {} : JSON.parse(withoutByteOrderMark(text));
  const slack = isRecord(content) && isRecord(content.slack) ? content.slack : {};
  return (environment.ALB502_SLACK_MODE || slack.mode) === 'http' ? 'http' : 'socket';
}

/** The configuration from the content of the file and the environment. */
export function parseConfig(content: unknown, environment: Environment, file: string): Config {
  const values = isRecord(content) ? structuredClone(content) : content;
  const setBy = new Map<string, string>();
  for (const [variable, { path, number }] of Object.entries(VARIABLES)) {
    const text = environment[variable];
    if (text === undefined || text === '' || !isRecord(values)) continue;
    setBy.set(path.join('.'), variable);
    setPath(values, path, number ? numberOr(text) : text);
  }
  const read = Config.safeParse(values);
  const tokens = tokenPaths(content);
  if (read.success && tokens.length === 0) return read.data;
  const issues = read.success ? [] : read.error.issues;
  const faults = issues.map((issue) => {
    const variable = setBy.get(issue.path.join('.'));
    const place = variable ?? (formatPath(issue.path) || 'all of it');
    return { variable, text: `${place}: ${describeIssue(issue)}` };
  });
  for (const place of tokens)
    faults.push({ variable: undefined, text: `${place}: holds a Slack token; ${SECRETS_BELONG_IN_ENVIRONMENT}` });
  const named = faults.every(({ variable }) => variable !== undefined) ? 'the environment' : file;
  const count = faults.length === 1 ? 'a mistake' : `${faults.length} mistakes`;
  throw new Problem(`The configuration (${named}) has ${count}: ${faults.map(({ text }) => text).join('; ')}.`, 1);
}

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

/** Where the file holds a token of Slack, whatever the setting is. */
function tokenPaths(content: unknown, path: (string | number)[] = []): string[] {
  if (typeof content === 'string') return SLACK_TOKEN.test(content) ? [formatPath(path) || 'all of it'] : [];
  if (Array.isArray(content)) return content.flatMap((each, at) => tokenPaths(each, [...path, at]));
  if (!isRecord(content)) return [];
  return Object.entries(content).flatMap(([key, each]) => tokenPaths(each, [...path, key]));
}

/** The secrets that the mode needs. Throws Problem (exit 1) with everything that is missing or wrong; never with what is there. */
export function readSecrets(
  { slack }: { slack: Pick<Config['slack'], 'mode'> },
  environment: Environment = process.env,
): Secrets {
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

async function readIfPresent(file: string, isNamed: boolean): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'ENOENT' && !isNamed) return null;
    throw new Problem(`The configuration ${file} cannot be read: ${code === 'ENOENT' ? 'no such file' : code}.`, 1);
  }
}

function parseJson(text: string, file: string): unknown {
  const plain = withoutByteOrderMark(text);
  const fault = syntaxError(plain);
  if (fault === null) return JSON.parse(plain);
  throw new Problem(
    `The configuration ${file} is not JSON: line ${fault.line}, column ${fault.column}: ${fault.what}.`,
    1,
  );
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

/** A number where the text is one; otherwise the text, so that the message shows it. */
const numberOr = (text: string): unknown => (text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text));

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
