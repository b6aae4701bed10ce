/** The log of the bot: JSON lines, with ids and without what people wrote, payloads or secrets. */
import { inspect } from 'node:util';
import { type Logger as BoltLogger, LogLevel } from '@slack/bolt';
import { type DestinationStream, type Logger, pino } from 'pino';
import type { Config } from '../config.ts';

/** Tokens, the addresses that answers go to, the tickets of sockets, and signed addresses of AWS. */
const SECRET = [
  /\bx(?:ox[a-z]|app)-[\w-]+/g,
  /https?:\/\/[^\s"'\\]*\/(?:commands|actions|services|workflows|response)\/[^\s"'\\]+/g,
  /wss?:\/\/[^\s"'\\]+/g,
  /\b(?:X-Amz-[A-Za-z-]+|ticket|token|app_token)=[^\s"'&\\]+/g,
  /\bv0=[0-9a-f]{32,}/g,
];

/** Without anything that signs somebody in. */
export const scrubSecrets = (text: string): string =>
  SECRET.reduce((clean, pattern) => clean.replace(pattern, '[secret]'), text);

/** Keys whose values never belong in a log, wherever somebody puts them. */
const REDACTED = [
  'token',
  'botToken',
  'appToken',
  'signingSecret',
  'response_url',
  'trigger_id',
  'body',
  'payload',
  'headers',
];

/** Writes lines to `stream`. What is left of a secret after redaction by name is cut out of the line. */
export function openLog(level: Config['logLevel'], stream: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED.flatMap((key) => [key, `*.${key}`]), censor: '[redacted]' },
      serializers: { err: serializeError },
    },
    { write: (line: string) => stream.write(scrubSecrets(line)) },
  );
}

/** What went wrong and where. Errors of the SDKs carry requests, answers and headers with them, which are left out. */
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack } = error;
  const cause = error.cause instanceof Error ? { cause: error.cause.message } : {};
  const code = 'code' in error ? { code: String(error.code) } : {};
  const slack = 'data' in error && isSlackError(error.data) ? { slack: error.data.error } : {};
  return { type: name, message, ...code, ...slack, ...cause, stack };
}

const isSlackError = (data: unknown): data is { error: string } =>
  typeof data === 'object' && data !== null && 'error' in data && typeof data.error === 'string';

/** Bolt's own words in our log. Its debug lines hold whole payloads and are dropped whatever the level. */
export function boltLogger(log: Logger): BoltLogger {
  const words = (parts: unknown[]): string =>
    parts
      .map((part) =>
        typeof part === 'string' ? part : part instanceof Error ? part.message : inspect(part, { depth: 0 }),
      )
      .join(' ');
  return {
    debug() {},
    info: (...parts) => log.debug({ from: 'bolt' }, words(parts)),
    warn: (...parts) => log.warn({ from: 'bolt' }, words(parts)),
    error: (...parts) => log.error({ from: 'bolt' }, words(parts)),
    setLevel() {},
    getLevel: () => LogLevel.INFO,
    setName() {},
  };
}
