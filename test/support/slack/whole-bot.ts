/** The whole bot in one test: as `alb502 serve` starts it, with recorded incidents for AWS and a local Slack. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { type Bot, startBot } from '../../../src/commands/serve.ts';
import { parseConfig } from '../../../src/config.ts';
import { openRunStore } from '../../../src/runs/runs.ts';
import { openFolderStore } from '../../../src/runs/store/folder-store.ts';
import { eventually } from '../eventually.ts';
import type { LocalSlack, Message, Options } from './local-slack.ts';
import { localSlack } from './local-slack-for-test.ts';

export const SCENARIOS = join(import.meta.dirname, '../../scenarios');

export interface BotOptions {
  mode?: 'socket' | 'http';
  /** Further configuration. */
  config?: Record<string, unknown>;
  /** Incident folders. */
  recorded?: string[];
  /** Milliseconds that each piece of evidence takes. */
  pace?: number;
  slack?: Options & { mayRefuse?: boolean };
}

export interface RunningBot {
  slack: LocalSlack;
  /** The lines of its log. */
  log: Record<string, unknown>[];
  /** Stops the bot and starts another one on the same records, as a deployment does. */
  restart(): Promise<void>;
  /** Starts a second bot on the same records; Slack sends each request to one of them. */
  another(): Promise<void>;
  stop(): Promise<void>;
  /** Resolves when every thread is up to date. */
  settled(): Promise<void>;
}

/** Runs until the test is over. */
export async function runBot({
  mode = 'socket',
  config = {},
  recorded = [SCENARIOS],
  pace = 0,
  slack: options = {},
}: BotOptions = {}): Promise<RunningBot> {
  const slack = await localSlack(options);
  const folder = await mkdtemp(join(tmpdir(), 'alb502-bot-'));
  const settings = parseConfig(
    {
      healthPort: 0,
      logLevel: 'info',
      runs: { folder },
      limits: { perUser: 20, perHour: 200 },
      ...config,
      slack: { mode, port: 0, ...(typeof config.slack === 'object' ? config.slack : {}) },
    },
    {},
    'the configuration of the test',
  );
  const log: Record<string, unknown>[] = [];
  const secrets = { botToken: slack.botToken, appToken: slack.appToken, signingSecret: slack.signingSecret };
  const start = async (): Promise<Bot> => {
    const started = await startBot(settings, secrets, recorded, {
      slackApiUrl: slack.apiUrl,
      pace,
      stream: { write: (line) => log.push(JSON.parse(line)) },
    });
    if (mode === 'http') slack.deliverTo(`http://127.0.0.1:${started.port}/slack/events`);
    return started;
  };
  let bots: Bot[] = [await start()];
  const stop = async (): Promise<void> => {
    await Promise.all(bots.map((bot) => bot.stop()));
    bots = [];
  };
  onTestFinished(async () => {
    await stop();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    slack,
    log,
    stop,
    settled: async () => {
      const runs = openRunStore(await openFolderStore(folder), { retentionDays: 90 });
      await eventually(async () => {
        const recent = await runs.recent(50);
        const atWork = recent.filter(
          ({ state, outbox, lease }) =>
            state === 'queued' || state === 'running' || outbox.kind !== 'empty' || lease !== null,
        );
        expect(atWork.map(({ id }) => id)).toEqual([]);
      });
    },
    restart: async () => {
      await stop();
      bots = [await start()];
    },
    another: async () => {
      bots.push(await start());
    },
  };
}

/** The root of a thread opened by the bot in a channel, once it shows its answer: the first one, or another. */
export function waitForAnswer(slack: LocalSlack, channel = 'alerts', count = 1): Promise<Message> {
  const isAnswered = (root: Message): boolean =>
    !/looking|waiting/i.test(root.text) && slack.thread(channel, root.ts).length >= 2;
  return slack.until(() => {
    const root = slack.roots(channel).filter(({ user }) => user === slack.workspace.bot.user)[count - 1];
    return root !== undefined && isAnswered(root) ? root : null;
  }, 'the answer');
}
