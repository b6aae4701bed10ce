/**
 * What alb502 is told about AWS: a JSON file and the environment in, a Config out. Nothing has to be told for a single account: then the
 * credentials and the region are those of the AWS CLI. A wrong configuration is one Problem that names every mistake at once.
 */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { placeIn, syntaxError, withoutMark } from './collect/recorded/json.ts';
import { Problem } from './problem.ts';

/** Read when there is one in the working directory and no other is named. */
export const CONFIG_FILE = 'alb502.json';

const REGION = /^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/;
const ROLE = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/;
/** What Athena and Glue take without quotation marks, and hyphens. */
const IDENTIFIER = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,254}$/;
const S3_FOLDER = /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[\w!.*'()=/-]*)?$/;

const said = (input: unknown): string => JSON.stringify(input)?.slice(0, 80) ?? 'nothing';
const matching = (pattern: RegExp, what: string) =>
  z.string().regex(pattern, { error: ({ input }) => `${said(input)} is not ${what}` });

const Region = matching(REGION, 'a region, such as eu-west-1');
const Identifier = matching(IDENTIFIER, 'a name of letters, digits, underscores and hyphens');

const Account = z.strictObject({
  /** How it is called in messages. */
  name: z.string().min(1),
  /** Assumed with the standard credentials; without it those credentials themselves are used. */
  roleArn: matching(ROLE, 'the ARN of a role, such as arn:aws:iam::123456789012:role/alb502').optional(),
  externalId: matching(/^[\w+=,.@:/-]{2,1224}$/, 'an external id').optional(),
  /** Searched in this order; none means the region of the environment or the profile. */
  regions: z.array(Region).default([]),
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

export const Config = z.strictObject({
  accounts: z
    .array(Account)
    .min(1, { error: 'is empty; leave it out to use the credentials of the environment' })
    .default([{ name: 'default', regions: [] }]),
  athena: Athena.prefault({}),
  /** The most that the scans of one diagnosis may cost, by their upper bound. */
  maxUsd: z.number().nonnegative().default(1),
  deadlines: Deadlines.prefault({}),
});
export type Config = z.infer<typeof Config>;

type Environment = Readonly<Record<string, string | undefined>>;

/** Environment variables and what they set; each wins over the file. */
const VARIABLES: Record<string, { path: readonly [string, ...string[]]; number?: true }> = {
  ALB502_ATHENA_WORKGROUP: { path: ['athena', 'workGroup'] },
  ALB502_ATHENA_CATALOG: { path: ['athena', 'catalog'] },
  ALB502_ATHENA_DATABASE: { path: ['athena', 'database'] },
  ALB502_ATHENA_TABLE: { path: ['athena', 'table'] },
  ALB502_ATHENA_OUTPUT: { path: ['athena', 'outputLocation'] },
  ALB502_MAX_USD: { path: ['maxUsd'], number: true },
};

/**
 * Reads the configuration: the named file, else that of ALB502_CONFIG, else alb502.json where there is one; then the environment.
 * Throws Problem (exit 1) with everything that is wrong.
 */
export async function readConfig(named?: string, environment: Environment = process.env): Promise<Config> {
  const file = named ?? (environment.ALB502_CONFIG || undefined);
  const text = await contentOf(file ?? CONFIG_FILE, file !== undefined);
  return parseConfig(text === null ? {} : jsonOf(text, file ?? CONFIG_FILE), environment, file ?? CONFIG_FILE);
}

/** The configuration from the content of the file and the environment. */
export function parseConfig(content: unknown, environment: Environment, file: string): Config {
  const values = isRecord(content) ? structuredClone(content) : content;
  const setBy = new Map<string, string>();
  for (const [variable, { path, number }] of Object.entries(VARIABLES)) {
    const text = environment[variable];
    if (text === undefined || text === '' || !isRecord(values)) continue;
    setBy.set(path.join('.'), variable);
    put(values, path, number ? numberOr(text) : text);
  }
  const read = Config.safeParse(values);
  if (read.success) return read.data;
  const faults = read.error.issues.map((issue) => {
    const variable = setBy.get(issue.path.join('.'));
    const place = variable ?? (placeIn(issue.path) || 'all of it');
    return { variable, text: `${place}: ${wordsOf(issue)}` };
  });
  const named = faults.every(({ variable }) => variable !== undefined) ? 'the environment' : file;
  const count = faults.length === 1 ? 'a mistake' : `${faults.length} mistakes`;
  throw new Problem(`The configuration (${named}) has ${count}: ${faults.map(({ text }) => text).join('; ')}.`, 1);
}

function wordsOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    const known = issue.path.length === 0 ? ` (there are ${Object.keys(Config.shape).join(', ')})` : '';
    return `there is no setting ${issue.keys.map((key) => `"${key}"`).join(', ')}${known}`;
  }
  if (issue.code === 'invalid_type')
    return `must be ${issue.expected === 'object' ? 'an object' : `a ${issue.expected}`}`;
  if (issue.code === 'too_small')
    return issue.message.startsWith('is ') ? issue.message : `must be at least ${issue.minimum}`;
  return issue.message;
}

async function contentOf(file: string, isNamed: boolean): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'ENOENT' && !isNamed) return null;
    throw new Problem(`The configuration ${file} cannot be read: ${code === 'ENOENT' ? 'no such file' : code}.`, 1);
  }
}

function jsonOf(text: string, file: string): unknown {
  const plain = withoutMark(text);
  const fault = syntaxError(plain);
  if (fault === null) return JSON.parse(plain);
  throw new Problem(
    `The configuration ${file} is not JSON: line ${fault.line}, column ${fault.column}: ${fault.what}.`,
    1,
  );
}

function put(values: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path;
  if (rest.length === 0) {
    values[key] = value;
    return;
  }
  const inner = values[key] ?? {};
  if (!isRecord(inner)) return;
  values[key] = inner;
  put(inner, rest, value);
}

/** A number where the text is one; otherwise the text, so that the message shows it. */
const numberOr = (text: string): unknown => (text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text));

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
