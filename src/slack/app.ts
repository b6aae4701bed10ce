/** The Bolt app: receiver, request limits and listeners. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { App, HTTPReceiver, type Receiver, SocketModeReceiver } from '@slack/bolt';
import type { ExtendedErrorHandlerArgs } from '@slack/bolt/dist/App.js';
import { WebClient, type WebClientOptions } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Config, Secrets } from '../config.ts';
import type { Investigator } from '../investigate/investigator.ts';
import type { ListingFailure } from '../investigate/live.ts';
import type { Mutes } from '../runs/mutes.ts';
import type { RunStore } from '../runs/runs.ts';
import { settleWithin } from '../runs/store/loop.ts';
import { openAskerZones } from './asker-zones.ts';
import { openAuthorization } from './authorization.ts';
import { CONNECTION_LIMITS, limitConnections, serverOptions } from './connection-limits.ts';
import { openDeduplicator } from './dedupe.ts';
import { onButtons } from './listeners/buttons.ts';
import { onFeedback } from './listeners/feedback.ts';
import { onForm } from './listeners/form.ts';
import { onHome } from './listeners/home.ts';
import { onMention } from './listeners/mention.ts';
import { onOptions } from './listeners/options.ts';
import { onShortcuts } from './listeners/shortcuts.ts';
import { onCommand } from './listeners/slash-command.ts';
import { onWatchedAlerts } from './listeners/watch.ts';
import { VIEWS } from './messages/actions.ts';
import { openSeals } from './seals.ts';
import type { SlackContext } from './slack-context.ts';
import { boltLogger } from './slack-log.ts';
import type { SlackThreads } from './thread/slack-threads.ts';

/** An HTTP route of our own. Errors are logged and answered with 500. */
export interface HttpRoute {
  path: string;
  method: 'GET' | 'POST';
  handle(request: IncomingMessage, response: ServerResponse): Promise<void> | void;
}

interface AppParts {
  config: Config;
  secrets: Secrets;
  investigator: Investigator;
  threads: SlackThreads;
  runs: RunStore;
  mutes: Mutes;
  /** The alarm episode of a run; null for a person's question. */
  episodeOf?: SlackContext['episodeOf'];
  /** Looks up an alarm in CloudWatch; if absent, alarms are not looked up. */
  loadBalancersOfAlarm?: SlackContext['loadBalancersOfAlarm'];
  log: Logger;
  /** Options of every Slack client, for tests. */
  clientOptions?: WebClientOptions;
  routes?: readonly HttpRoute[];
  /** Why load balancers could not be listed, for the Home tab. */
  failures?: () => readonly ListingFailure[];
  now?: () => number;
}

export interface SlackApp {
  /** Starts accepting requests; resolves to the port, or null in socket mode. */
  start(): Promise<number | null>;
  /** Accepts no more requests and waits at most this many milliseconds for running ones. */
  stop(milliseconds: number): Promise<void>;
  /** Whether Slack can reach the bot. */
  isReady(): boolean;
  /** For tests without a receiver. */
  app: App;
}

/** For calls that a user waits for; Slack gives up after three seconds. */
const INTERACTIVE = { retryConfig: { retries: 2, minTimeout: 250, maxTimeout: 2000 }, timeout: 10_000 } as const;
/** Waits minutes for Slack to return; after that the supervisor restarts the process. */
const SOCKET = {
  retryConfig: { retries: 20, minTimeout: 500, maxTimeout: 30_000, factor: 2 },
  timeout: 10_000,
} as const;

/** Slack redelivers events for hours, presses and commands only at once. */
const DELIVERY_MEMORY = { milliseconds: 6 * 60 * 60_000, most: 20_000 };
/** Two presses by one person within this time count once. */
const PRESS_MEMORY = { milliseconds: 4_000, most: 2_000 };
/** Slack's requests are far smaller. */
const BODY_LIMIT = 1024 * 1024;
/** Seconds. Bolt refuses older signatures, but not signatures dated in the future. */
const MAX_CLOCK_SKEW = 5 * 60;
/** Milliseconds. Slack renews a socket every few hours, with some seconds of pause. */
const MAX_RECONNECT = 30_000;

/** Opens the app and signs in to Slack. Throws Slack's error if the token is wrong. */
export async function openApp(parts: AppParts): Promise<SlackApp> {
  const { config, secrets, log, clientOptions = {}, now = Date.now } = parts;
  const logger = boltLogger(log);
  const slack = new WebClient(secrets.botToken, { ...INTERACTIVE, allowAbsoluteUrls: false, logger, ...clientOptions });
  const { user_id: user = '', bot_id: botId = '', team_id: home = '', user: name = 'alb502' } = await slack.auth.test();
  const shutdown = new AbortController();
  const slackContext: SlackContext = {
    config,
    investigator: parts.investigator,
    threads: parts.threads,
    runs: parts.runs,
    mutes: parts.mutes,
    authorize: openAuthorization({
      config,
      home,
      membersOf: async (usergroup) => (await slack.usergroups.users.list({ usergroup })).users ?? [],
      log,
      now,
    }),
    episodeOf: parts.episodeOf ?? (async () => null),
    loadBalancersOfAlarm: parts.loadBalancersOfAlarm ?? (async () => []),
    zoneOf: openAskerZones({
      standard: config.slack.timeZone,
      zoneInProfile: async (person) => (await slack.users.info({ user: person })).user?.tz,
      log,
      now,
    }),
    slack,
    seals: openSeals(secrets.botToken),
    bot: { user, name },
    log,
    now,
    presses: openDeduplicator({ ...PRESS_MEMORY, now }),
    signal: shutdown.signal,
  };

  const health: ConnectionHealth = { isStarted: false, isConnected: false, lostAt: 0 };
  const isReady = () =>
    health.isStarted && !shutdown.signal.aborted && (health.isConnected || now() - health.lostAt < MAX_RECONNECT);
  const routes = [...healthRoutes(isReady), ...(parts.routes ?? [])].map((route) => customRoute(route, log));
  const { receiver, socket } = receiverFor(config, secrets, { logger, clientOptions, routes });
  if (socket !== null) watchSocket(socket, health, now);

  const app = new App({
    token: secrets.botToken,
    botId,
    botUserId: user,
    // auth.test was called above.
    tokenVerificationEnabled: false,
    receiver,
    logger,
    clientOptions: { ...INTERACTIVE, ...clientOptions },
    convoStore: false,
    deferInitialization: true,
    extendedErrorHandler: true,
  });
  await app.init();
  app.error(async ({ error, context }: ExtendedErrorHandlerArgs) => {
    log.error({ err: error, user: context.userId, team: context.teamId }, 'could not answer an interaction');
  });

  const pendingAnswers = answerOnce(app, { now, log });
  onCommand(app, slackContext);
  onMention(app, slackContext);
  onShortcuts(app, slackContext);
  onForm(app, slackContext);
  onOptions(app, slackContext);
  onButtons(app, slackContext);
  onFeedback(app, slackContext);
  onWatchedAlerts(app, slackContext);
  onHome(app, slackContext, parts.failures ?? (() => []));
  app.view(new RegExp(`^(?!(?:${Object.values(VIEWS).join('|')})$)`), ({ ack }) => ack());

  return {
    app,
    isReady,
    async start() {
      const started: unknown = await app.start(config.slack.port, serverOptions(CONNECTION_LIMITS));
      limitConnections(started);
      health.isStarted = true;
      if (socket !== null) return config.healthPort;
      health.isConnected = true;
      return portOf(started);
    },
    async stop(milliseconds) {
      shutdown.abort();
      const allAnswered = Promise.allSettled([health.isStarted ? app.stop() : null, ...pendingAnswers]);
      await settleWithin(milliseconds, allAnswered);
    },
  };
}

interface ConnectionHealth {
  isStarted: boolean;
  isConnected: boolean;
  /** Epoch milliseconds. */
  lostAt: number;
}

function watchSocket(socket: SocketModeReceiver['client'], health: ConnectionHealth, now: () => number): void {
  socket.on('connected', () => {
    health.isConnected = true;
  });
  for (const event of ['disconnected', 'reconnecting', 'close']) {
    socket.on(event, () => {
      if (health.isConnected) health.lostAt = now();
      health.isConnected = false;
    });
  }
}

/** Ignores what Slack delivers again. Returns the answers on their way. */
function answerOnce(app: App, { now, log }: { now: () => number; log: Logger }): ReadonlySet<Promise<void>> {
  const deliveries = openDeduplicator({ ...DELIVERY_MEMORY, now });
  const pendingAnswers = new Set<Promise<void>>();
  app.use(async ({ body, context, next, ...rest }) => {
    const key = deliveryKey(body);
    if (key !== null && !deliveries.isFirst(key)) {
      log.info({ retry: context.retryNum, reason: context.retryReason }, 'delivered again, and answered already');
      // Bolt has already acknowledged events here.
      if ('ack' in rest && typeof rest.ack === 'function') await rest.ack();
      return;
    }
    const answer = next();
    pendingAnswers.add(answer);
    await answer.finally(() => pendingAnswers.delete(answer));
  });
  return pendingAnswers;
}

/** Built here because some options exist only on receivers. */
function receiverFor(
  { slack, healthPort }: Config,
  { appToken, signingSecret }: Secrets,
  { logger, clientOptions, routes }: ReceiverParts,
): { receiver: Receiver; socket: SocketModeReceiver['client'] | null } {
  if (slack.mode === 'http') {
    const receiver = new HTTPReceiver({
      signingSecret: signingSecret ?? '',
      endpoints: slack.path,
      port: slack.port,
      customRoutes: routes,
      bodyLimit: BODY_LIMIT,
      logger,
    });
    const { requestListener } = receiver;
    receiver.requestListener = (request, response) =>
      isSignedAhead(request) ? answerText(response, 401, 'signed for later') : requestListener(request, response);
    return { receiver, socket: null };
  }
  // A copy, because the socket client changes its options.
  const installerOptions = { port: healthPort, clientOptions: { ...SOCKET, ...clientOptions, logger } };
  const receiver = new SocketModeReceiver({
    appToken: appToken ?? '',
    installerOptions,
    customRoutes: routes,
    logger,
  });
  // Bolt creates this server and does not expose it.
  limitConnections(Reflect.get(receiver, 'httpServer'));
  return { receiver, socket: receiver.client };
}

/** A replayed request must not stay valid longer because its time lies in the future. */
const isSignedAhead = ({ headers }: IncomingMessage): boolean =>
  Number(headers['x-slack-request-timestamp']) > Date.now() / 1000 + MAX_CLOCK_SKEW;

interface ReceiverParts {
  logger: ReturnType<typeof boltLogger>;
  clientOptions: WebClientOptions;
  routes: CustomRoute[];
}

type CustomRoute = NonNullable<ConstructorParameters<typeof HTTPReceiver>[0]['customRoutes']>[number];

/** Bolt ignores a handler's rejected promise: the request would hang and the process would end. */
const customRoute = ({ path, method, handle }: HttpRoute, log: Logger): CustomRoute => ({
  path,
  method: [method],
  handler: (request, response) => {
    void (async () => {
      try {
        await handle(request, response);
      } catch (error) {
        log.error({ path, err: error }, 'could not answer a request');
        if (!response.headersSent) response.writeHead(500);
        response.end();
      }
    })();
  },
});

/** Health and readiness; a socket under renewal counts as ready for a while. */
const healthRoutes = (isReady: () => boolean): HttpRoute[] => [
  { path: '/healthz', method: 'GET', handle: (_, response) => answerText(response, 200, 'ok') },
  {
    path: '/readyz',
    method: 'GET',
    handle: (_, response) => (isReady() ? answerText(response, 200, 'ready') : answerText(response, 503, 'not ready')),
  },
];

function answerText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain' });
  response.end(`${text}\n`);
}

/** Key shared by all deliveries of one event, press or command; null for payloads that may repeat. */
function deliveryKey(body: object): string | null {
  if ('event_id' in body && typeof body.event_id === 'string') return body.event_id;
  if ('trigger_id' in body && typeof body.trigger_id === 'string') return body.trigger_id;
  return null;
}

function portOf(server: unknown): number | null {
  if (server === null || typeof server !== 'object' || !('address' in server)) return null;
  if (typeof server.address !== 'function') return null;
  const address = server.address() as AddressInfo | string | null;
  return address === null || typeof address === 'string' ? null : address.port;
}
