/** The real Bolt app before a local Slack; the threads behind it only note what is asked of them, and post one message for each. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebClient } from '@slack/web-api';
import { onTestFinished } from 'vitest';
import { type Config, parseConfig } from '../../../src/config.ts';
import { DEFAULT_STATUSES } from '../../../src/evidence/statuses.ts';
import type { Investigator, LoadBalancerRef } from '../../../src/investigate/investigator.ts';
import type { ListingFailure } from '../../../src/investigate/live.ts';
import { Problem } from '../../../src/problem.ts';
import { resolveWindow } from '../../../src/query/window.ts';
import { type Mutes, openMutes } from '../../../src/runs/mutes.ts';
import { inState, newRun, type Run } from '../../../src/runs/run.ts';
import { openRunStore, type RunStore } from '../../../src/runs/runs.ts';
import { openFolderStore } from '../../../src/runs/store/folder-store.ts';
import { openApp, type SlackApp } from '../../../src/slack/app.ts';
import type { PostResult } from '../../../src/slack/delivery/slack-poster.ts';
import { ACTIONS } from '../../../src/slack/messages/actions.ts';
import { openLog } from '../../../src/slack/slack-log.ts';
import type { OpenResult, ThreadRequest } from '../../../src/slack/thread/open.ts';
import type { SlackThreads } from '../../../src/slack/thread/slack-threads.ts';
import type { LocalSlack, Options } from './local-slack.ts';
import { localSlack } from './local-slack-for-test.ts';

const ref = (name: string, account = 'default', id = '50dc6c495c0c9188'): LoadBalancerRef => ({
  name,
  arn: `arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/${name}/${id}`,
  account,
  region: 'eu-west-1',
});

interface RecordedCalls {
  opened: ThreadRequest[];
  /** Answers that buttons asked for, as `extra key`. */
  answered: string[];
  again: { id: string; window: { from: number; to: number } | undefined }[];
  refreshed: string[];
  /** What was looked for in AWS. */
  found: string[];
}

export interface Bot {
  slack: LocalSlack;
  asked: RecordedCalls;
  runs: RunStore;
  mutes: Mutes;
  app: SlackApp;
  /** Where it listens: for Slack, or for health. */
  port: number;
  /** The lines of the log. */
  log: string[];
  /** What `open` answers instead of a thread. */
  next: { opened?: OpenResult; answer?: PostResult | 'already' | 'no-such-run' };
}

export interface BotOptions {
  config?: object;
  slack?: Options;
  mode?: 'http' | 'socket';
  loadBalancers?: LoadBalancerRef[];
  now?: () => number;
  healthPort?: number;
  /** Of the run records, kept after the test. */
  folder?: string;
  failures?: ListingFailure[];
  /** Names of the load balancers of each alarm. */
  alarms?: Record<string, string[]>;
}

const QUIET = { unfurl_links: false, unfurl_media: false };

/** Runs until the test is over, which fails when anything was sent that Slack would refuse. */
export async function openBot(options: BotOptions = {}): Promise<Bot> {
  const { mode = 'http', now = Date.now } = options;
  const slack = await localSlack(options.slack);
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'alb502-bot-')));
  if (options.folder === undefined) onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const content: { slack?: object } = { ...options.config };
  const config: Config = parseConfig(
    { logLevel: 'debug', healthPort: options.healthPort ?? 0, ...content, slack: { ...content.slack, mode, port: 0 } },
    {},
    'alb502.json',
  );
  const store = await openFolderStore(folder);
  const runs = openRunStore(store, { retentionDays: 30 });
  const log: string[] = [];
  const asked: RecordedCalls = { opened: [], answered: [], again: [], refreshed: [], found: [] };
  const next: Bot['next'] = {};
  const web = new WebClient(slack.botToken, { slackApiUrl: slack.apiUrl });
  const mutes = openMutes(store, { now, log: { error: (fields) => void log.push(JSON.stringify(fields)) } });
  const app = await openApp({
    config,
    secrets: { botToken: slack.botToken, appToken: slack.appToken, signingSecret: slack.signingSecret },
    investigator: investigatorOf(options.loadBalancers ?? [ref('shop-prod'), ref('edge')], asked, now),
    threads: threadsOf({ asked, next, runs, web, now }),
    runs,
    mutes,
    log: openLog('debug', { write: (line) => void log.push(line) }),
    clientOptions: { slackApiUrl: slack.apiUrl },
    failures: () => options.failures ?? [],
    loadBalancersOfAlarm: async ({ alarm }) =>
      (options.alarms?.[alarm] ?? []).map((name) => ref(name).arn?.split(':loadbalancer/')[1] ?? ''),
    now,
  });
  const port = await app.start();
  onTestFinished(() => app.stop(1000));
  if (mode === 'http') slack.deliverTo(`http://127.0.0.1:${port}/slack/events`);
  else await slack.until(() => slack.sockets.connections() > 0, 'a connection of the bot');
  return { slack, asked, runs, mutes, app, port: port ?? 0, log, next };
}

export { ref as loadBalancer };

function investigatorOf(known: LoadBalancerRef[], asked: RecordedCalls, now: () => number): Investigator {
  return {
    listLoadBalancers: () => known,
    async find(name, accounts) {
      asked.found.push(name);
      const found = known.find((one) => (one.name === name || one.arn === name) && accounts.includes(one.account));
      if (found === undefined) throw new Problem(`There is no load balancer '${name}'.`, 1);
      return found;
    },
    resolveQuestion: ({ statuses, ...asked }, loadBalancer) => ({
      loadBalancer,
      ...resolveWindow(asked, { now: now() }),
      now: now(),
      statuses: statuses ?? [...DEFAULT_STATUSES],
    }),
    investigate: () => Promise.reject(new Error('Nothing is investigated here.')),
  };
}

function threadsOf({
  asked,
  next,
  runs,
  web,
  now,
}: Pick<Bot, 'asked' | 'next' | 'runs'> & { web: WebClient; now: () => number }): SlackThreads {
  const taken = new Set<string>();
  return {
    async open(request) {
      asked.opened.push(request);
      if (next.opened !== undefined) return next.opened;
      const { askedBy, question, channel, parentTs } = request;
      const made = newRun({ askedBy, question, channel, parentTs, now: now() });
      const { ts = '' } = await web.chat.postMessage({
        channel,
        text: `${question.loadBalancer.name} ${made.id}`,
        blocks: pressable(made.id),
        ...(parentTs === null ? {} : { thread_ts: parentTs }),
        ...QUIET,
      });
      const run: Run = await runs.create({
        ...inState(made, { state: 'final' }),
        attempts: 1,
        thread: { ...made.thread, root: ts },
      });
      return { opened: run, ended: Promise.resolve(run) };
    },
    async askAgain(id, window) {
      asked.again.push({ id, window });
      const run = await runs.read(id);
      if (run === null) throw new Error('no such run');
      return run;
    },
    async refresh(id) {
      asked.refreshed.push(id);
    },
    reply: async () => 'already',
    async answer(id, extra, key) {
      if (next.answer !== undefined) return next.answer;
      const run = await runs.read(id);
      if (run === null) return 'no-such-run';
      if (run.replies[key] !== undefined || taken.has(key)) return 'already';
      taken.add(key);
      asked.answered.push(`${extra} ${key}`);
      const { channel, root } = run.thread;
      const { ts = '' } = await web.chat.postMessage({ channel, text: extra, thread_ts: root ?? '', ...QUIET });
      await runs.change(id, (current) => ({
        ...current,
        replies: { ...current.replies, [key]: { state: 'posted', ts } },
      }));
      return { ts };
    },
    resume: async () => {},
    stop: async () => {},
    load: () => ({ running: 0, waiting: 0 }),
  };
}

/** A root message with everything that can be pressed. */
function pressable(run: string) {
  const button = (text: string, action_id: string) => ({
    type: 'button' as const,
    text: { type: 'plain_text' as const, text },
    action_id,
    value: run,
  });
  const option = (text: string, what: string) => ({
    text: { type: 'plain_text' as const, text },
    value: `${what}:${run}`,
  });
  return [
    { type: 'section' as const, text: { type: 'mrkdwn' as const, text: run } },
    {
      type: 'actions' as const,
      elements: [
        button('Fix', ACTIONS.detail('fix')),
        button('Evidence', ACTIONS.detail('evidence')),
        button('Ask again', ACTIONS.askAgain),
        button('Widen', ACTIONS.widen),
        button('Right', ACTIONS.right),
        button('Wrong', ACTIONS.wrong),
        {
          type: 'overflow' as const,
          action_id: ACTIONS.more,
          options: [option('Log lines', 'log-lines'), option('Timeline', 'timeline')],
        },
      ],
    },
    {
      type: 'actions' as const,
      elements: [
        {
          type: 'button' as const,
          text: { type: 'plain_text' as const, text: 'Documentation' },
          action_id: 'link',
          url: 'https://docs.aws.amazon.com/',
        },
      ],
    },
  ];
}
