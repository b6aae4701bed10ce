/**
 * `npm run slack:measure`: asks the bot about every recorded incident, and prints words, buttons and heights of its root message and
 * thread. `-- --pictures DIR` keeps a picture of each thread as a desktop and a phone show it; `--readme` draws those of the README;
 * words after that choose incidents.
 */
import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { startBot } from '../../../../src/commands/serve.ts';
import { parseConfig } from '../../../../src/config.ts';
import { type LocalSlack, type Message, openLocalSlack } from '../local-slack.ts';
import { readMessage } from '../read-message.ts';
import { openBrowser } from './browser.ts';
import { lookContent, lookPage, threadPage } from './look-page.ts';

/** Pixels: a thread pane of the desktop application, and a phone. */
const WIDTHS = { desktop: 500, phone: 390 } as const;
const ROOT = join(import.meta.dirname, '../../../..');
const SCENARIOS = join(ROOT, 'test/scenarios');
/** The incident that the README shows. */
const SHOWN = '001-';

/** Of one incident. Heights in pixels. */
export interface ThreadSize {
  incident: string;
  rootWords: number;
  threadWords: number;
  buttons: number;
  desktop: number;
  phone: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { pictures: { type: 'string' }, readme: { type: 'boolean', default: false } },
});
const incidents = readdirSync(SCENARIOS)
  .sort()
  .map((name) => join(SCENARIOS, name))
  .filter((dir) => positionals.length === 0 || positionals.some((words) => basename(dir).includes(words)));
await measure(values.readme ? incidents.filter((dir) => basename(dir).startsWith(SHOWN)) : incidents);

async function measure(dirs: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'alb502-measure-'));
  const browser = await openBrowser();
  const page = await browser.newPage();
  process.stdout.write('incident                                        root  thread  buttons  desktop  phone\n');
  try {
    for (const dir of dirs) {
      const slack = await openLocalSlack({ users: ['ada', 'ben'], channels: ['alerts'] });
      const root = await answered(slack, dir, join(folder, basename(dir)));
      const size = await sizeOf(page, slack, root, basename(dir));
      process.stdout.write(
        `${size.incident.padEnd(46)} ${String(size.rootWords).padStart(5)} ${String(size.threadWords).padStart(7)} ${String(size.buttons).padStart(8)} ${String(size.desktop).padStart(8)} ${String(size.phone).padStart(6)}\n`,
      );
      if (values.readme) await drawReadme(page, slack, root);
      await slack.close();
    }
  } finally {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The root message of the thread that the bot opens about an incident, once nothing more comes. */
async function answered(slack: LocalSlack, dir: string, folder: string): Promise<Message> {
  const config = parseConfig(
    { healthPort: 0, logLevel: 'error', runs: { folder }, slack: { mode: 'socket' } },
    {},
    'the configuration',
  );
  const secrets = { botToken: slack.botToken, appToken: slack.appToken, signingSecret: slack.signingSecret };
  const bot = await startBot(config, secrets, [dir], { slackApiUrl: slack.apiUrl, pace: 0, stream: process.stderr });
  await slack.until(() => slack.sockets.connections() > 0, 'the bot', 30_000);
  await slack.command({ user: 'ada', channel: 'alerts', text: basename(dir).split('-', 2).join('-') });
  // Where nothing was read there is no verdict to post.
  const isAnswered = (text: string) => !/queued|diagnosing|reading the access log/.test(text);
  await slack.until(
    () => slack.callsOf('chat.postMessage').length >= 2 && isAnswered(slack.roots('alerts')[0]?.text ?? 'queued'),
    'the answer',
    60_000,
  );
  await slack.silence(2500);
  await bot.stop();
  const [root] = slack.roots('alerts');
  if (root === undefined) throw new Error(`${basename(dir)} has no thread.`);
  return root;
}

async function sizeOf(page: Page, slack: LocalSlack, root: Message, incident: string): Promise<ThreadSize> {
  const messages = [root, ...slack.thread('alerts', root.ts)];
  const words = (text: string) => text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
  const heights: number[] = [];
  for (const [name, width] of Object.entries(WIDTHS)) {
    await page.setViewportSize({ width, height: 800 });
    await page.setContent(threadPage(slack, 'alerts', 'ada', root.ts));
    heights.push(await page.locator('#replies').evaluate((element) => element.scrollHeight));
    if (values.pictures === undefined) continue;
    await mkdir(values.pictures, { recursive: true });
    await page.screenshot({ path: join(values.pictures, `${incident}-${name}.png`), fullPage: true });
  }
  const [desktop = 0, phone = 0] = heights;
  return {
    incident,
    rootWords: words(readMessage(root)),
    threadWords: messages.reduce((sum, message) => sum + words(readMessage(message)), 0),
    buttons: await page.locator('#replies .button').count(),
    desktop,
    phone,
  };
}

/** The pictures of the README: channel and thread side by side, and the thread on a phone. */
async function drawReadme(page: Page, slack: LocalSlack, root: Message): Promise<void> {
  const images = join(ROOT, 'docs/images');
  await mkdir(images, { recursive: true });
  const content = lookContent(slack, { user: 'ada', channel: 'alerts', thread: root.ts, home: false });
  await page.setViewportSize({ width: 1200, height: 900 });
  await page.setContent(lookPage(slack, []));
  for (const [id, html] of Object.entries({ messages: content.messages, replies: content.replies }))
    await page.locator(`#${id}`).evaluate((element, drawn) => Object.assign(element, { innerHTML: drawn }), html);
  await page.locator('#thread').evaluate((element) => element.removeAttribute('hidden'));
  await page.screenshot({ path: join(images, 'slack-desktop.png') });
  await page.setViewportSize({ width: WIDTHS.phone, height: 844 });
  await page.setContent(threadPage(slack, 'alerts', 'ada', root.ts));
  await page.screenshot({ path: join(images, 'slack-phone.png') });
}
