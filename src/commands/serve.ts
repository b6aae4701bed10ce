/** `alb502 serve`: runs the bot until it is stopped. */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { type Config, parseConfig, readSecrets, type Secrets } from '../config.ts';
import type { Investigator } from '../investigate/investigator.ts';
import type { ListingFailure, LiveInvestigator } from '../investigate/live.ts';
import { Problem } from '../problem.ts';
import { openStore } from '../runs/open-store.ts';
import type { Run } from '../runs/run.ts';
import { openLoop } from '../runs/store/loop.ts';
import type { TimerClock } from '../slack/delivery/edit-rate-limiter.ts';
import { slackErrorCode } from '../slack/slack-error-code.ts';
import { readConfigContent, slackModeOf } from './read-config.ts';

export interface ServeOptions {
  /** The configuration file. */
  config?: string;
  /** Checks tokens, configuration and permissions, then exits. */
  check?: true;
  /** Folders of recorded incidents to use instead of AWS, to try the bot. */
  recorded?: string[];
}

/** Milliseconds. Orchestrators kill after 30 s, so this leaves time for the last messages. */
export const DEADLINE = 15_000;
const LIST_INTERVAL_MS = 5 * 60_000;
const SWEEP_INTERVAL_MS = 24 * 60 * 60_000;
/** Milliseconds between pieces of recorded evidence, so that a user who tries the bot sees progress. */
const PACE = 150;

/**
 * Runs the bot; resolves when everything has stopped. Throws Problem: exit 1 for the configuration, 2 for Slack or the
 * run store.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { config, secrets } = await readSettings(options.config);
  if (options.check) {
    const { check } = await import('./serve-check.ts');
    return check(config, secrets);
  }
  const stopped = Promise.withResolvers<string>();
  onSignals(stopped.resolve);
  const starting = startBot(config, secrets, options.recorded ?? []);
  const bot = await Promise.race([starting, stopped.promise.then(() => startedWithin(starting, START_GRACE))]);
  // No work is running yet, and Slack may never answer the start.
  if (bot === null) process.exit(0);
  // The process then ends with the error on stderr, and its supervisor restarts it.
  process.on('uncaughtExceptionMonitor', (error) => bot.log.fatal({ err: error }, 'uncaught error'));
  const why = await stopped.promise;
  bot.log.info({ why }, 'stopping');
  await bot.stop();
  bot.log.info('stopped');
  // Abandoned calls must not keep the process alive.
  setTimeout(() => process.exit(), 500).unref();
}

/** Milliseconds to wait for a start after a stop request. */
const START_GRACE = 3_000;

const startedWithin = (starting: Promise<Bot>, milliseconds: number): Promise<Bot | null> =>
  Promise.race([starting, new Promise<null>((late) => setTimeout(late, milliseconds, null).unref())]);

/** Reads configuration and secrets. Throws Problem (exit 1) that lists every mistake in both. */
async function readSettings(file: string | undefined): Promise<{ config: Config; secrets: Secrets }> {
  const problems: string[] = [];
  const read = await readConfigContent(file).catch(collectProblem(problems));
  let config: Config | null = null;
  let secrets: Secrets | null = null;
  try {
    if (read !== null) config = parseConfig(read.content, process.env, read.source);
  } catch (error) {
    collectProblem(problems)(error);
  }
  const mode = config?.slack.mode ?? slackModeOf(read?.content);
  try {
    secrets = readSecrets({ slack: { mode } }, process.env);
  } catch (error) {
    collectProblem(problems)(error);
  }
  if (config !== null && secrets !== null) return { config, secrets };
  throw new Problem(problems.join(' '), 1);
}

const collectProblem =
  (problems: string[]) =>
  (error: unknown): null => {
    if (!(error instanceof Problem)) throw error;
    problems.push(error.message);
    return null;
  };

/** The first signal requests a stop; the second exits at once. */
function onSignals(stop: (why: string) => void): void {
  let isStopRequested = false;
  for (const [signal, number] of [
    ['SIGTERM', 15],
    ['SIGINT', 2],
  ] as const) {
    process.on(signal, () => {
      if (isStopRequested) process.exit(128 + number);
      isStopRequested = true;
      stop(signal);
    });
  }
}

/** A running bot, also in tests. */
export interface Bot {
  log: Logger;
  /** Port for Slack's requests or health checks; null without one. */
  port: number | null;
  isReady(): boolean;
  stop(): Promise<void>;
}

interface BotEnvironment {
  /** Slack's API address; defaults to Slack itself. */
  slackApiUrl?: string | undefined;
  stream?: { write(line: string): unknown };
  /** Milliseconds between pieces of recorded evidence. */
  pace?: number;
  /** Clock for posts and edits. */
  clock?: TimerClock;
}

/** Starts the bot. Throws Problem when Slack refuses the token, or the run store cannot be opened. */
export async function startBot(
  config: Config,
  secrets: Secrets,
  recorded: readonly string[],
  { slackApiUrl = process.env.ALB502_SLACK_API_URL, stream = process.stdout, pace = PACE, clock }: BotEnvironment = {},
): Promise<Bot> {
  const [
    { openLog },
    { openApp },
    { openPoster },
    { openSlackThreads },
    { openLimits },
    { mentionsOf, openAlarmProcessor },
    { lookupByName },
    { openMeter },
  ] = await Promise.all([
    import('../slack/slack-log.ts'),
    import('../slack/app.ts'),
    import('../slack/delivery/post.ts'),
    import('../slack/thread/slack-threads.ts'),
    import('../runs/limits.ts'),
    import('../alarms/alarms.ts'),
    import('../alarms/affected-load-balancers.ts'),
    import('../metrics/meter.ts'),
  ]);
  const log = openLog(config.logLevel, { write: (line) => void stream.write(line) });
  const store = await openStore(config);
  const [{ openRunStore }, { openMutes }] = await Promise.all([import('../runs/runs.ts'), import('../runs/mutes.ts')]);
  const { now = Date.now } = store;
  const runs = openRunStore(store, { retentionDays: config.runs.retentionDays, now });
  const meter = openMeter(config, { stream, log });
  const { failures, close, ...opened } = await openInvestigator(config, recorded, pace, log);
  const investigator = meter.investigator(opened.investigator);
  const clientOptions = slackApiUrl ? { slackApiUrl } : {};
  const poster = meter.poster(openPoster({ token: secrets.botToken, clientOptions, log, ...(clock ? { clock } : {}) }));
  const owner = `${hostname()}-${process.pid}-${crypto.randomUUID()}`;
  const episodeOf = async ({ askedBy }: Run) => (askedBy.kind === 'alarm' ? alarms.episode(askedBy.episode) : null);
  const shared = { config, store, runs, poster, investigator, log, owner, now };
  const limits = openLimits(config.limits);
  const threads = meter.threads(openSlackThreads({ ...shared, limits, episodeOf, mentionOf: mentionsOf(config) }));
  const alarms = openAlarmProcessor({ ...shared, threads, sqs: { onReceived: meter.onReceived } });
  const { routes } = alarms;
  const app = await openApp({
    config,
    secrets,
    investigator,
    threads,
    runs,
    mutes: openMutes(store, { now, log }),
    episodeOf,
    ...(recorded.length > 0 ? {} : { loadBalancersOfAlarm: lookupByName(config) }),
    log,
    clientOptions,
    failures,
    routes,
  }).catch(toSlackProblem('the bot token'));
  const port = await app
    .start()
    .catch(toSlackProblem(config.slack.mode === 'socket' ? 'the app-level token' : 'a start'));
  await threads.resume();
  await alarms.resume();
  await alarms.start();
  meter.start({ isReady: app.isReady, messagesLost: () => alarms.counts.poison + alarms.counts.failed });
  const sweeping = openLoop(
    SWEEP_INTERVAL_MS,
    async () => {
      const removed = await runs.sweep();
      if (removed > 0) log.info({ removed }, 'runs beyond their retention removed');
    },
    (error) => log.error({ err: error }, 'a scheduled task failed'),
  );
  void sweeping.start();
  log.info({ mode: config.slack.mode, port, accounts: config.accounts.map(({ name }) => name) }, 'started');

  return {
    log,
    port,
    isReady: app.isReady,
    async stop() {
      sweeping.stop();
      close();
      await Promise.all([app.stop(DEADLINE), alarms.stop(DEADLINE), threads.stop(DEADLINE)]);
      await poster.close();
      await meter.stop();
    },
  };
}

/** Opens the investigator for AWS, which lists load balancers every few minutes, or for recorded incidents. */
async function openInvestigator(
  config: Config,
  recorded: readonly string[],
  pace: number,
  log: Logger,
): Promise<{ investigator: Investigator; failures: () => readonly ListingFailure[]; close(): void }> {
  if (recorded.length > 0) {
    const { recordedInvestigator } = await import('../investigate/recorded.ts');
    const [account] = config.accounts;
    const investigator = await recordedInvestigator(recorded, { account: account?.name ?? 'default', pace });
    log.warn({ recorded: investigator.listLoadBalancers().length }, 'answering from recorded incidents, not from AWS');
    return { investigator, failures: () => [], close() {} };
  }
  const { liveInvestigator } = await import('../investigate/live.ts');
  const investigator: LiveInvestigator = liveInvestigator(config);
  const stopListing = new AbortController();
  let lastReported = '';
  const list = async (): Promise<void> => {
    await investigator.refresh(stopListing.signal);
    const failures = investigator.failures().map(({ sentence }) => sentence);
    // Report changes only.
    if (failures.join() !== lastReported && !stopListing.signal.aborted) {
      lastReported = failures.join();
      if (failures.length > 0) log.warn({ failures }, 'load balancers could not be listed');
      else log.info({ loadBalancers: investigator.listLoadBalancers().length }, 'can list load balancers again');
    }
  };
  const listing = openLoop(LIST_INTERVAL_MS, list, (error) =>
    log.error({ err: error }, 'load balancers could not be listed'),
  );
  void listing.start();
  return {
    investigator,
    failures: () => investigator.failures(),
    close() {
      listing.stop();
      stopListing.abort();
    },
  };
}

/** Turns Slack's error code into a Problem. */
const toSlackProblem =
  (what: string) =>
  (error: unknown): never => {
    const code = slackErrorCode(error);
    if (code === null) throw error;
    throw new Problem(`Slack refused ${what}: ${code}; alb502 serve --check says more.`, 2);
  };
