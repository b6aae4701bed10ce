/** The Bolt app: the receiver, what is let in, and who answers what. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { App, HTTPReceiver, type Receiver, SocketModeReceiver } from '@slack/bolt';
import type { ExtendedErrorHandlerArgs } from '@slack/bolt/dist/App.js';
import { WebClient, type WebClientOptions } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Config, Secrets } from '../config.ts';
import type { Investigator } from '../investigate/investigator.ts';
import type { RunStore } from '../runs/runs.ts';
import type { SlackContext } from './ask.ts';
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
import { boltLogger } from './slack-log.ts';
import type { SlackThreads } from './thread/slack-threads.ts';

/** A path of ours beside that of Slack. What it throws is logged and answered with 500. */
export interface HttpRoute {
  path: string;
  method: 'GET' | 'POST';
  handle(request: IncomingMessage, response: ServerResponse): Promise<void> | void;
}

export interface AppParts {
  config: Config;
  secrets: Secrets;
  investigator: Investigator;
  threads: SlackThreads;
  runs: RunStore;
  /** The episode whose thread a run is; null for that of a person. */
  episodeOf?: SlackContext['episodeOf'];
  /** Asks CloudWatch; without it no alarm is looked up. */
  loadBalancersOfAlarm?: SlackContext['loadBalancersOfAlarm'];
  log: Logger;
  /** Of every call to Slack: where it is, in tests. */
  clientOptions?: WebClientOptions;
  routes?: readonly HttpRoute[];
  /** Why load balancers could not be listed, for the home. */
  failures?: () => readonly string[];
  now?: () => number;
}

export interface SlackApp {
  /** Takes requests from now on; resolves to the port, null where there is none. */
  start(): Promise<number | null>;
  /** Takes no more; waits for what is being answered, at most so many milliseconds. */
  stop(milliseconds: number): Promise<void>;
  /** Whether questions reach it. */
  isReady(): boolean;
  /** For tests without a receiver. */
  app: App;
}

/** Calls that somebody waits for: Slack itself gives up after three seconds. */
const INTERACTIVE = { retryConfig: { retries: 2, minTimeout: 250, maxTimeout: 2000 }, timeout: 10_000 } as const;
/** An outage of Slack is waited out, some minutes; then whoever watches the process starts it again. */
const SOCKET = {
  retryConfig: { retries: 20, minTimeout: 500, maxTimeout: 30_000, factor: 2 },
  timeout: 10_000,
} as const;

/** Events are delivered again for hours; a press or a command only at once. */
const DELIVERY_MEMORY = { milliseconds: 6 * 60 * 60_000, most: 20_000 };
/** Of two presses by one person within this time, one counts. */
const PRESS_MEMORY = { milliseconds: 4_000, most: 2_000 };
/** What Slack sends is far smaller. */
const BODY_LIMIT = 1024 * 1024;
/** Seconds. Bolt refuses requests that were signed longer ago than this, and none that were signed for later. */
const MAX_CLOCK_SKEW = 5 * 60;
/** A socket is renewed every few hours, and gone for some seconds then. */
const MAX_RECONNECT = 30_000;

/** Signs in to Slack. Throws what Slack says when the token is wrong. */
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
    bot: { user, name },
    log,
    now,
    presses: openDeduplicator({ ...PRESS_MEMORY, now }),
    signal: shutdown.signal,
  };

  const health = { isStarted: false, isConnected: false, lostAt: 0 };
  const isReady = () =>
    health.isStarted && !shutdown.signal.aborted && (health.isConnected || now() - health.lostAt < MAX_RECONNECT);
  const routes = [...healthRoutes(isReady), ...(parts.routes ?? [])].map((route) => customRoute(route, log));
  const { receiver, socket } = receiverFor(config, secrets, { logger, clientOptions, routes });
  socket?.on('connected', () => {
    health.isConnected = true;
  });
  for (const event of ['disconnected', 'reconnecting', 'close']) {
    socket?.on(event, () => {
      if (health.isConnected) health.lostAt = now();
      health.isConnected = false;
    });
  }

  const app = new App({
    token: secrets.botToken,
    botId,
    botUserId: user,
    // It was asked for above.
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
    log.error({ err: error, user: context.userId, team: context.teamId }, 'an interaction was not answered');
  });

  const deliveries = openDeduplicator({ ...DELIVERY_MEMORY, now });
  const pendingAnswers = new Set<Promise<void>>();
  app.use(async ({ body, context, next, ...rest }) => {
    const key = deliveryKey(body);
    if (key !== null && !deliveries.isFirst(key)) {
      log.info({ retry: context.retryNum, reason: context.retryReason }, 'delivered again, and answered already');
      // Events are acknowledged by then.
      if ('ack' in rest && typeof rest.ack === 'function') await rest.ack();
      return;
    }
    const answer = next();
    pendingAnswers.add(answer);
    await answer.finally(() => pendingAnswers.delete(answer));
  });
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
      const timeout = new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
      await Promise.race([allAnswered, timeout]);
    },
  };
}

/** Built here, for the app itself would leave out what only a receiver can be told. */
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
  // A copy of its own: the client of the socket writes into these.
  const installerOptions = { port: healthPort, clientOptions: { ...SOCKET, ...clientOptions, logger } };
  const receiver = new SocketModeReceiver({
    appToken: appToken ?? '',
    installerOptions,
    customRoutes: routes,
    logger,
  });
  // Bolt makes this server itself, and shows it to nobody.
  limitConnections(Reflect.get(receiver, 'httpServer'));
  return { receiver, socket: receiver.client };
}

/** A request that was taken from somewhere and kept must not be good for longer because its time was set ahead. */
const isSignedAhead = ({ headers }: IncomingMessage): boolean =>
  Number(headers['x-slack-request-timestamp']) > Date.now() / 1000 + MAX_CLOCK_SKEW;

interface ReceiverParts {
  logger: ReturnType<typeof boltLogger>;
  clientOptions: WebClientOptions;
  routes: CustomRoute[];
}

type CustomRoute = NonNullable<ConstructorParameters<typeof HTTPReceiver>[0]['customRoutes']>[number];

/** Bolt does not look at what a handler's promise becomes: the request would hang, and the process end. */
const customRoute = ({ path, method, handle }: HttpRoute, log: Logger): CustomRoute => ({
  path,
  method: [method],
  handler: (request, response) => {
    void (async () => {
      try {
        await handle(request, response);
      } catch (error) {
        log.error({ path, err: error }, 'a request was not answered');
        if (!response.headersSent) response.writeHead(500);
        response.end();
      }
    })();
  },
});

/** Alive, and reached by Slack: a socket that is being renewed counts for a while. */
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

/** What is the same in every delivery of one event, press or command; null for what may come twice. */
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
