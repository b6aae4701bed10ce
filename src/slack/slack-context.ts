import type { WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Investigator } from '../investigate/investigator.ts';
import type { Episode } from '../runs/episode.ts';
import type { Mutes } from '../runs/mutes.ts';
import type { Run } from '../runs/run.ts';
import type { RunStore } from '../runs/runs.ts';
import type { Authorize } from './authorization.ts';
import type { Deduplicator } from './dedupe.ts';
import type { NamedAlarm } from './pasted-alert.ts';
import type { Seals } from './seals.ts';
import type { SlackThreads } from './thread/slack-threads.ts';

/** Looks up an alarm in CloudWatch; returns its load balancers as `app/<name>/<id>`. */
type LoadBalancersOfAlarm = (alarm: NamedAlarm, signal: AbortSignal) => Promise<string[]>;

/** Everything that answering in Slack needs. */
export interface SlackContext {
  config: Config;
  investigator: Investigator;
  threads: SlackThreads;
  runs: RunStore;
  authorize: Authorize;
  /** The episode whose thread this is; null for a person's question. */
  episodeOf(run: Run): Promise<Episode | null>;
  loadBalancersOfAlarm: LoadBalancersOfAlarm;
  /** Load balancers and alarms that open no threads for a while. */
  mutes: Mutes;
  /** A person's time zone (IANA name) from the Slack profile, else from the configuration. */
  zoneOf(user: string): Promise<string>;
  /** Client for calls that a user waits for: few retries. */
  slack: WebClient;
  seals: Seals;
  /** The bot's own user ID and name. */
  bot: { user: string; name: string };
  log: Logger;
  /** Epoch milliseconds. */
  now(): number;
  /** Button presses seen before. */
  presses: Deduplicator;
  /** Aborted when the bot stops. */
  signal: AbortSignal;
}
