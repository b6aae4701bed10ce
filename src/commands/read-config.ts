/**
 * Reads the configuration from a file, the environment, the Systems Manager Parameter Store or Secrets Manager;
 * src/config.ts parses it.
 */
import { readFile } from 'node:fs/promises';
import { type Config, parseConfig } from '../config.ts';
import type { Environment } from '../environment-names.ts';
import { isRecord } from '../format/is-record.ts';
import { syntaxError, withoutByteOrderMark } from '../format/parse-json.ts';
import { errorCode, Problem } from '../problem.ts';

/** Read from the working directory if no other place is named. */
const CONFIG_FILE = 'alb502.json';

const IN_AWS = /^(ssm|secretsmanager):(.*)$/s;

/** A configuration that was read but not validated. */
interface ConfigContent {
  /** `{}` if there is no configuration. */
  content: unknown;
  /** Name in error messages: a file, a variable or an address in AWS. */
  source: string;
}

/**
 * Reads the configuration: `named`, else ALB502_CONFIG, else ALB502_CONFIG_JSON, else alb502.json if that exists; the
 * environment overrides it. Throws Problem: exit 1 with every mistake, exit 2 if AWS refuses access.
 */
export async function readConfig(named?: string, environment: Environment = process.env): Promise<Config> {
  const { content, source } = await readConfigContent(named, environment);
  return parseConfig(content, environment, source);
}

/** Like `readConfig`, without validation. Throws Problem likewise. */
export async function readConfigContent(
  named?: string,
  environment: Environment = process.env,
): Promise<ConfigContent> {
  const place = named ?? (environment.ALB502_CONFIG || undefined);
  const text = environment.ALB502_CONFIG_JSON || undefined;
  if (named === undefined && place !== undefined && text !== undefined)
    throw new Problem('ALB502_CONFIG and ALB502_CONFIG_JSON are both set: unset one.', 1);
  if (place === undefined && text !== undefined)
    return { content: parseJson(text, 'ALB502_CONFIG_JSON'), source: 'ALB502_CONFIG_JSON' };
  const source = place ?? CONFIG_FILE;
  const found = isStoredInAws(source) ? await readFromAws(source) : await readIfPresent(source, place !== undefined);
  return { content: found === null ? {} : parseJson(found, source), source };
}

/** Whether alb502.json would be read and is empty, as `alb502 setup config > alb502.json` leaves it to be read. */
export async function isConfigFileEmpty(named?: string, environment: Environment = process.env): Promise<boolean> {
  if (named !== undefined || environment.ALB502_CONFIG || environment.ALB502_CONFIG_JSON) return false;
  return (await readIfPresent(CONFIG_FILE, false)) === '';
}

/** Returns the Slack mode, even of an invalid configuration: it decides which secrets are required. */
export function slackModeOf(content: unknown, environment: Environment = process.env): Config['slack']['mode'] {
  const slack = isRecord(content) && isRecord(content.slack) ? content.slack : {};
  return (environment.ALB502_SLACK_MODE || slack.mode) === 'http' ? 'http' : 'socket';
}

/** Whether the configuration is stored in a parameter or a secret. */
export const isStoredInAws = (place: string): boolean => IN_AWS.test(place);

async function readFromAws(source: string): Promise<string> {
  const [, service = '', name = ''] = IN_AWS.exec(source) ?? [];
  if (name === '')
    throw new Problem(`The configuration ${source} names nothing: write ssm:/name or secretsmanager:name.`, 1);
  const { readParameter, readSecret } = await import('../collect/aws/stored-config.ts');
  const text = service === 'ssm' ? await readParameter(name) : await readSecret(name);
  if (text === null) throw new Problem(`The configuration ${source} holds no text.`, 1);
  return text;
}

async function readIfPresent(file: string, isNamed: boolean): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' && !isNamed) return null;
    throw new Problem(`The configuration ${file} cannot be read: ${code === 'ENOENT' ? 'no such file' : code}.`, 1);
  }
}

function parseJson(text: string, source: string): unknown {
  const plain = withoutByteOrderMark(text);
  const fault = syntaxError(plain);
  if (fault === null) return JSON.parse(plain);
  throw new Problem(
    `The configuration ${source} is not JSON: line ${fault.line}, column ${fault.column}: ${fault.what}.`,
    1,
  );
}
