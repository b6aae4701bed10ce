/**
 * `alb502 health`: asks the bot on this machine whether it is up. For a container's HEALTHCHECK, so that its image
 * needs no curl.
 */
import { parseConfig } from '../config.ts';
import { Problem } from '../problem.ts';
import { isStoredInAws, readConfigContent } from './read-config.ts';

export interface HealthOptions {
  config?: string;
  port?: string;
  /** Checks whether questions reach the bot, not only whether it responds. */
  ready?: true;
}

/** Milliseconds. */
const PATIENCE = 5_000;

/**
 * Prints the bot's response. Throws Problem: exit 1 for the configuration, exit 2 without a response or with an error.
 */
export async function health({ config, port, ready }: HealthOptions): Promise<void> {
  const url = `http://127.0.0.1:${port === undefined ? await configuredPort(config) : portOf(port)}/${ready ? 'readyz' : 'healthz'}`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE) }).catch(() => null);
  if (answer === null)
    throw new Problem(`Nothing answers at ${url}: alb502 serve is not running, or uses another port.`, 2);
  const text = (await answer.text()).slice(0, 200).trim();
  if (!answer.ok) throw new Problem(`${url} answers ${answer.status}: ${text}`, 2);
  process.stdout.write(`${text}\n`);
}

/**
 * Returns the configured port. A configuration in AWS is not fetched, since every check would cost a call; the
 * environment or the default applies then.
 */
async function configuredPort(named: string | undefined): Promise<number> {
  const place = named ?? process.env.ALB502_CONFIG;
  const { content, source } =
    place !== undefined && isStoredInAws(place)
      ? { content: {}, source: 'the environment' }
      : await readConfigContent(named);
  const { slack, healthPort } = parseConfig(content, process.env, source);
  return slack.mode === 'http' ? slack.port : healthPort;
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new Problem(`--port ${text} is not a port: give a number from 1 to 65535.`, 1);
}
