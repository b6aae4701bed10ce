/**
 * The bot without a workspace: `npm run slack:local` starts it with a local Slack and the recorded incidents, shows both in a browser, and
 * says how to type commands, press buttons and read the channel from a second terminal.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { recordedInvestigator } from '../../../src/investigate/recorded.ts';
import { SHORTCUTS } from '../../../src/slack/messages/actions.ts';
import { type LocalSlack, type Message, type Outcome, openLocalSlack, type View } from './local-slack.ts';
import { clientScript, lookContent, lookPage } from './look/look-page.ts';
import { readView } from './read-message.ts';

const PORT = Number(process.env.ALB502_LOCAL_PORT ?? 4502);
const HERE = `http://127.0.0.1:${PORT}`;
const USAGE = `In a browser: ${HERE}

Or in a second terminal:

  npm run slack:local -- command "my-alb last 15m"     types /alb502 my-alb last 15m; without words the form opens
  npm run slack:local -- mention "my-alb" --thread     mentions the bot, in the newest thread
  npm run slack:local -- read                          what the channel shows
  npm run slack:local -- press "Fix"                   presses the newest button of that name, or picks it from a menu
  npm run slack:local -- shortcut                      opens the form from the menu; "shortcut message" from the newest message
  npm run slack:local -- fill load_balancer=my-alb     fills in the form that is open and submits it
  npm run slack:local -- say "ALARM: my-alb"           writes a message
  npm run slack:local -- home                          opens the Home of the bot

  --user ben      as somebody else (ada, ben, eve)     --channel ops   elsewhere (alerts, ops; private: secret, without the bot)

Or with curl:

  curl ${HERE}/command -d 'my-alb last 15m'
  curl ${HERE}/read
  curl '${HERE}/press?user=ben' -d 'Fix'
`;

interface PlayQuestion {
  words: string;
  user: string;
  channel: string;
  /** The thread to post in; `newest` for that of the newest message. */
  thread: string | null;
  /** The message that is pressed; the newest with such a button where it is null. */
  ts: string | null;
  /** The page looks by itself for what comes of it. */
  isFromPage: boolean;
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    user: { type: 'string', default: 'ada' },
    channel: { type: 'string', default: 'alerts' },
    thread: { type: 'boolean', default: false },
  },
});
const [verb, ...words] = positionals;
if (verb === undefined) await start();
else await tell(verb, words.join(' '));

/** From the second terminal. */
async function tell(what: string, said: string): Promise<void> {
  const query = new URLSearchParams({
    user: values.user,
    channel: values.channel,
    ...(values.thread ? { thread: 'newest' } : {}),
  });
  try {
    const response = await fetch(`${HERE}/${what}?${query}`, { method: 'POST', body: said });
    process.stdout.write(await response.text());
    if (!response.ok) process.exitCode = 1;
  } catch {
    process.stderr.write(`Nothing listens at ${HERE}: start it with "npm run slack:local" in another terminal.\n`);
    process.exitCode = 1;
  }
}

async function start(): Promise<void> {
  const slack = await openLocalSlack({
    users: ['ada', 'ben', 'eve'],
    channels: ['alerts', 'ops', { name: 'secret', isPrivate: true, hasBot: false }],
    rateLimits: true,
  });
  const incidents = join(import.meta.dirname, '../../scenarios');
  const names: string[] = [];
  const control = await listen(slack, names).catch(async (error: unknown) => {
    await slack.close();
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  });
  const runs = await mkdtemp(join(tmpdir(), 'alb502-local-'));
  const bot = serve(slack, incidents, runs);
  bot.once('exit', (code) => {
    process.exitCode = code ?? 1;
    control.close();
    control.closeAllConnections();
    void Promise.all([slack.close(), rm(runs, { recursive: true, force: true })]);
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => bot.kill('SIGTERM'));
  await slack.until(() => slack.sockets.connections() > 0, 'the bot', 30_000);
  const known = (await recordedInvestigator([incidents])).listLoadBalancers();
  names.push(...known.map(({ name }) => name));
  process.stdout.write(
    `\nThe bot runs, in a Slack of its own. Recorded load balancers:\n\n${names.map((name) => `  ${name}`).join('\n')}\n\n${USAGE}\nCtrl-C ends it.\n\n`,
  );
}

/** `alb502 serve` as it is, with its log on this terminal; what it keeps goes to a temporary folder. */
function serve(slack: LocalSlack, incidents: string, runs: string): ChildProcess {
  const cli = join(import.meta.dirname, '../../../src/cli.ts');
  return spawn(process.execPath, [cli, 'serve', '--recorded', incidents], {
    cwd: tmpdir(),
    stdio: ['ignore', 'inherit', 'inherit'],
    // In a group of its own: Ctrl-C reaches it when the Slack here says so.
    detached: true,
    env: {
      ...process.env,
      SLACK_BOT_TOKEN: slack.botToken,
      SLACK_APP_TOKEN: slack.appToken,
      ALB502_SLACK_API_URL: slack.apiUrl,
      ALB502_SLACK_MODE: 'socket',
      ALB502_RUNS_FOLDER: runs,
      ALB502_HEALTH_PORT: '0',
    },
  });
}

function listen(slack: LocalSlack, loadBalancers: readonly string[]): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.method === 'GET' && sendPage(slack, loadBalancers, request, response)) return;
    answer(slack, request)
      .then((text) =>
        response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text.trimEnd()}\n`),
      )
      .catch((error: unknown) => {
        response.writeHead(400, { 'Content-Type': 'text/plain; charset=utf-8' });
        response.end(`${error instanceof Error ? error.message : String(error)}\n`);
      });
  });
  return new Promise((ready, fail) => {
    server.once('error', () =>
      fail(new Error(`Port ${PORT} is taken. Try: ALB502_LOCAL_PORT=${PORT + 1} npm run slack:local`)),
    );
    server.listen(PORT, '127.0.0.1', () => ready(server));
  });
}

/** What a browser asks for; false for anything else. */
function sendPage(
  slack: LocalSlack,
  loadBalancers: readonly string[],
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const { pathname, searchParams } = new URL(request.url ?? '/', HERE);
  const send = (type: string, body: string) => {
    response.writeHead(200, { 'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'no-store' }).end(body);
    return true;
  };
  if (pathname === '/') return send('text/html', lookPage(slack, loadBalancers));
  if (pathname === '/look-client.js') return send('text/javascript', clientScript());
  if (pathname !== '/look') return false;
  const look = {
    user: searchParams.get('user') ?? 'ada',
    channel: searchParams.get('channel') ?? 'alerts',
    thread: searchParams.get('thread'),
    home: searchParams.has('home'),
  };
  return send('application/json', JSON.stringify(lookContent(slack, look)));
}

async function answer(slack: LocalSlack, request: IncomingMessage): Promise<string> {
  const url = new URL(request.url ?? '/', HERE);
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  const asked: PlayQuestion = {
    words: Buffer.concat(parts).toString('utf8').trim(),
    user: url.searchParams.get('user') ?? 'ada',
    channel: url.searchParams.get('channel') ?? 'alerts',
    thread: url.searchParams.get('thread'),
    ts: url.searchParams.get('ts'),
    isFromPage: url.searchParams.has('page'),
  };
  const act = VERBS[url.pathname.slice(1)];
  if (act === undefined) return USAGE;
  return act(slack, asked);
}

const VERBS: Record<string, (slack: LocalSlack, asked: PlayQuestion) => Promise<string> | string> = {
  read: (slack, { channel, user }) => read(slack, channel, user),

  command: (slack, asked) => {
    const { words: text, channel, user } = asked;
    return whatComesOf(slack, asked, () => slack.command({ user, channel, text }));
  },

  mention: (slack, asked) => {
    const { words: text, channel, user } = asked;
    return whatComesOf(slack, asked, () => slack.mention({ user, text, channel, ...inThread(slack, asked) }));
  },

  say: (slack, asked) => {
    const { words: text, channel, user } = asked;
    slack.write({ user, channel, text, ...inThread(slack, asked) });
    return read(slack, channel, user);
  },

  press: async (slack, asked) => {
    const { words: label, user } = asked;
    const message = withButton(slack, asked, label);
    let question = '';
    const news = await whatComesOf(slack, asked, async () => {
      const pressed = await slack.press(message, label, user);
      if (pressed.confirmed !== null) question = `(Slack asks first: ${pressed.confirmed.text} Agreed.)\n\n`;
      return pressed;
    });
    return question + news;
  },

  shortcut: (slack, asked) => {
    const { words: which, channel, user } = asked;
    const message = slack.roots(channel).at(-1);
    const isOfMessage = which === 'message';
    if (isOfMessage && message === undefined) throw new Error('There is no message yet: write one with "say".');
    const chosen =
      isOfMessage && message !== undefined
        ? { callbackId: SHORTCUTS.message, message }
        : { callbackId: SHORTCUTS.global };
    return whatComesOf(slack, asked, () => slack.shortcut({ user, ...chosen }));
  },

  fill: async (slack, asked) => {
    const { words: text, user } = asked;
    const form = slack.views(user).at(-1);
    if (form === undefined) throw new Error('No form is open: open one with "shortcut", or "command" without words.');
    const filled = [...text.matchAll(/(\w+)=("[^"]*"|\S+)/g)].map(([, key = '', value = '']) => [
      key,
      value.replaceAll('"', ''),
    ]);
    let wrong: string[] = [];
    const news = await whatComesOf(slack, asked, async () => {
      const submitted = await slack.submit(form, Object.fromEntries(filled), user);
      wrong = Object.entries(submitted.errors).map(([input, what]) => `${input}: ${what}`);
      return submitted;
    });
    return wrong.length > 0 ? wrong.join('\n') : news;
  },

  submit: async (slack, { words: values, user }) => {
    const form = slack.views(user).at(-1);
    if (form === undefined) throw new Error('No form is open.');
    const { errors } = await slack.submit(form, JSON.parse(values), user);
    return JSON.stringify(errors);
  },

  close: (slack, { user }) => {
    slack.closeView(user);
    return '';
  },

  home: async (slack, { user }) => {
    const before = slack.home(user);
    await slack.openHome(user);
    // Each opening publishes a new one.
    await slack.until(() => slack.home(user) !== before, 'the Home', 5000);
    const view = slack.home(user);
    return view === null ? 'Nothing.' : formOf(view);
  },
};

const formOf = ({ content }: View): string =>
  readView({ ...content, blocks: Array.isArray(content.blocks) ? content.blocks : [] });

/** Does something, and tells what is new or has changed in the channel once nothing changes any more. */
async function whatComesOf(
  slack: LocalSlack,
  { channel, user, isFromPage }: PlayQuestion,
  act: () => Promise<{ outcome: Outcome }>,
): Promise<string> {
  const before = textsOf(slack, channel, user);
  const { outcome } = await act();
  if (!outcome.acknowledged) return `Slack says: /alb502 failed because the app did not respond (${outcome.because}).`;
  if (isFromPage) return '';
  await slack.silence(2500);
  const news = [...textsOf(slack, channel, user)]
    .filter(([ts, text]) => before.get(ts) !== text)
    .map(([, text]) => text);
  const form = slack.views(user).at(-1);
  if (form !== undefined) news.push(`A form is open:\n\n${formOf(form)}`);
  if (slack.refusals.length > 0) news.push(`Slack would refuse:\n${slack.refusals.join('\n')}`);
  return news.join('\n\n') || 'Nothing has changed.';
}

/** Each message that this person sees, here or in another channel, by channel and ts. */
function textsOf(slack: LocalSlack, here: string, user: string): Map<string, string> {
  const all = [...slack.workspace.channels.values()].flatMap(({ id, name }) =>
    slack.seen(id, user).map((message): [string, string] => {
      const where = name === here ? '' : `in ${name.startsWith('@') ? name : `#${name}`}: `;
      return [`${id} ${message.ts}`, where + slack.shown(message)];
    }),
  );
  return new Map(all);
}

function read(slack: LocalSlack, channel: string, user: string): string {
  return `#${slack.workspace.channel(channel).name}\n\n${slack.whatIsShown(channel, user) || 'Nothing yet.'}`;
}

const inThread = (slack: LocalSlack, { channel, thread }: PlayQuestion): { thread?: string } => {
  const ts = thread === 'newest' ? slack.roots(channel).at(-1)?.ts : thread;
  return ts == null ? {} : { thread: ts };
};

/** The message that was pressed, or the newest that offers it. */
function withButton(slack: LocalSlack, { channel, ts }: PlayQuestion, label: string): Message {
  const all = slack.workspace
    .channel(channel)
    .messages.toReversed()
    .filter((message) => ts === null || message.ts === ts);
  const found = all.find((message) => JSON.stringify(message.blocks).includes(JSON.stringify(label)));
  if (found === undefined) throw new Error(`No message in #${channel} has a button "${label}".`);
  return found;
}
