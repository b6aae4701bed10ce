/** A headless Chromium: Debian's, or the one that ALB502_CHROMIUM names. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Null if there is none. */
export const chromiumPath = (): string | null =>
  [process.env.ALB502_CHROMIUM ?? '', ...PLACES].find((path) => path !== '' && existsSync(path)) ?? null;

/** Throws an Error that says what to install. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (executablePath === null)
    throw new Error('There is no Chromium. Try: apt-get install chromium, or name one in ALB502_CHROMIUM.');
  // Containers give the browser neither a sandbox nor much shared memory.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}
