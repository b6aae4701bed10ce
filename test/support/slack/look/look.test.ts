/**
 * The page of `npm run slack:local` in a browser, as a new user uses it. ALB502_PICTURES names a folder for
 * screenshots.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../free-port.ts';
import { chromiumPath, openBrowser } from './browser.ts';

const PLAY = join(import.meta.dirname, '../play.ts');
const hasBrowser = chromiumPath() !== null;
if (!hasBrowser)
  console.warn('The page of the local Slack was not looked at: there is no Chromium (ALB502_CHROMIUM names one).');

describe.skipIf(!hasBrowser)('the page of the local Slack (skipped without Chromium)', () => {
  let page: Page;
  let close = async () => {};
  const port = freePort();

  beforeAll(async () => {
    const env = { ...process.env, ALB502_LOCAL_PORT: String(await port) };
    const play = spawn(process.execPath, [PLAY], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(play, 'exit');
    await new Promise<void>((ready) => {
      let printed = '';
      play.stdout.setEncoding('utf8').on('data', (part: string) => {
        printed += part;
        if (printed.includes('Ctrl-C ends it.')) ready();
      });
    });
    const browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    await page.goto(`http://127.0.0.1:${await port}/`);
    close = async () => {
      await browser.close();
      play.kill('SIGINT');
      await ended;
    };
  });
  afterAll(() => close());

  const picture = async (name: string) => {
    const folder = process.env.ALB502_PICTURES;
    if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  };
  const type = async (text: string) => {
    await page.locator('#channel .say input').fill(text);
    await page.locator('#channel .say button').click();
  };

  it('answers a typed command in a thread next to the channel', async () => {
    await type('/alb502 003-connection');
    await page.locator('#messages button.replies').first().click({ timeout: 45_000 });
    await expect.poll(() => page.locator('#replies').textContent()).toMatch(/connection refused[\s\S]*Fix/);
    await picture('thread-desktop');
  });

  it('answers a button below the message', async () => {
    await page.locator('#replies [data-press="Evidence"], #replies [data-press="Log"]').first().click();
    await expect.poll(() => page.locator('#replies article').count()).toBeGreaterThan(3);
    await picture('thread-after-press');
  });

  it('opens, checks and submits the form', async () => {
    await page.locator('[data-do="shortcut"]').click();
    await page.locator('#modal [name="load_balancer"]').fill('web-prod');
    await page.locator('#modal [name="window"]').fill('recently');
    await picture('form');
    await page.locator('#modal [name="channel"]').fill('alerts');
    await page.locator('#modal [type="submit"]').click();
    await expect
      .poll(() => page.locator('#modal em').allTextContents())
      .toContainEqual(expect.stringContaining('"recently"'));
    await page.locator('#modal [data-do="close"]').click();
    await expect.poll(() => page.locator('#shade').isHidden()).toBe(true);
  });

  it('tells one person that the text was not understood', async () => {
    await type('/alb502 web_prod');
    await expect
      .poll(() => page.locator('#messages').textContent())
      .toMatch(/Only visible to you[\s\S]*Didn't understand "web_prod"/);
  });

  it('shows the Home of the bot', async () => {
    await page.locator('[data-do="home"]').click();
    await expect.poll(() => page.locator('#messages').textContent()).toContain('web-prod');
    await picture('home');
    await page.locator('[data-do="home"]').click();
  });

  it('shows only the thread on a phone, with no line wider than the screen', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await expect.poll(() => page.locator('#channel').isHidden()).toBe(true);
    expect(await page.locator('#replies').evaluate((list) => list.scrollWidth - list.clientWidth)).toBe(0);
    await picture('thread-phone');
  });
});

it('names in one sentence the port that is taken', async () => {
  const { createServer } = await import('node:http');
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  const number = address !== null && typeof address === 'object' ? address.port : 0;
  const play = spawn(process.execPath, [PLAY], { env: { ...process.env, ALB502_LOCAL_PORT: String(number) } });
  let said = '';
  play.stderr.setEncoding('utf8').on('data', (part: string) => {
    said += part;
  });
  const [code] = await once(play, 'exit');
  taken.close();
  expect([code, said]).toEqual([
    1,
    `Port ${number} is taken. Try: ALB502_LOCAL_PORT=${number + 1} npm run slack:local\n`,
  ]);
});
