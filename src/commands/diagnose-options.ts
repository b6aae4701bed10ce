/** Options of `alb502 diagnose`. */
import type { LogEngine } from '../collect/aws/live-log-read.ts';
import { Problem } from '../problem.ts';
import { parseDuration } from '../query/parse-question.ts';

export interface DiagnoseOptions {
  /** Folder of a recorded incident; without it, a load balancer in AWS is diagnosed. */
  from?: string;
  region?: string;
  profile?: string;
  /** The configuration file. */
  config?: string;
  engine?: LogEngine;
  /** As typed. */
  maxUsd?: string;
  /** How far before the window the access log is also read, for the keep-alive measurement; as typed. */
  lookBack?: string;
  save?: string;
  /** Retries until the diagnosis is final. */
  wait?: true;
  json?: true;
  markdown?: true;
  /** Shows only the parts of requests that are safe to share. */
  redact?: true;
}

/** Returns milliseconds; null without the option. Throws Problem (exit 1) for an invalid duration. */
export function parseLookBack({ lookBack: text }: DiagnoseOptions): number | null {
  if (text === undefined) return null;
  const seconds = parseDuration(text);
  if (seconds !== null) return seconds * 1000;
  throw new Problem(`Didn't understand --look-back "${text}". Use a duration of at most 7 days: --look-back 24h.`, 1);
}

/** Markdown is always redacted, since it is meant to be shared; a terminal shows requests as sent. */
export const isRedacted = ({ redact, markdown }: DiagnoseOptions): boolean => redact === true || markdown === true;
