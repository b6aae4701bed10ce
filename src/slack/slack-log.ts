/** The bot's log: JSON lines with IDs, without users' text, payloads or secrets. */
import { inspect } from 'node:util';
import { type Logger as BoltLogger, LogLevel } from '@slack/bolt';
import { type DestinationStream, type Logger, pino } from 'pino';
import type { Config } from '../config.ts';

/** Tokens, response URLs, socket tickets and signed AWS URLs. */
const SECRET = [
  /\bx(?:ox[a-z]|app)-[\w-]+/g,
  /https?:\/\/[^\s"'\\]*\/(?:commands|actions|services|workflows|response)\/[^\s"'\\]+/g,
  /wss?:\/\/[^\s"'\\]+/g,
  /\b(?:X-Amz-[A-Za-z-]+|ticket|token|app_token)=[^\s"'&\\]+/g,
  /\bv0=[0-9a-f]{32,}/g,
];

/** Removes credentials from a text. */
export const scrubSecrets = (text: string): string =>
  SECRET.reduce((clean, pattern) => clean.replace(pattern, '[secret]'), text);

/** Keys whose values are never logged, at any depth. */
const REDACTED = new Set([
  'token',
  'botToken',
  'appToken',
  'signingSecret',
  'response_url',
  'trigger_id',
  'body',
  'payload',
  'headers',
]);

/** Works on the written line, because Pino's own redaction covers only paths of a known depth. */
const redactKeys = (line: string): string =>
  `${JSON.stringify(JSON.parse(line, (key, value: unknown) => (REDACTED.has(key) ? '[redacted]' : value)))}\n`;

/** Writes lines to `stream`. Secrets that remain after redaction by key are cut from the line. */
export function openLog(level: Config['logLevel'], stream: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: serializeError },
    },
    { write: (line: string) => stream.write(scrubSecrets(redactKeys(line))) },
  );
}

/** Message and stack of an error, without the requests, responses and headers that SDK errors carry. */
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

/** Writes Bolt's messages to our log. Its debug lines hold whole payloads and are always dropped. */
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
