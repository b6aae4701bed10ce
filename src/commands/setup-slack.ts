/** `alb502 setup slack`: prints the manifest of the Slack app. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../problem.ts';
import { packageRoot } from './package-root.ts';
import { printNotice } from './print-notice.ts';

export interface SetupSlackOptions {
  /** Address of the bot, for HTTP. */
  http?: string;
  optional?: true;
}

/** Placeholder address in the manifest lines for HTTP. */
const EXAMPLE = 'https://bot.example.com';

/** Comment at the start of the manifest, on Socket Mode, and the one for HTTP in its place. */
const ABOUT_SOCKET_MODE = /^(?:#.*\n)+/;
const ABOUT_HTTP =
  '# The Slack app, for requests over HTTP: create it at api.slack.com/apps, "From a manifest", and install it (SLACK_BOT_TOKEN).\n';

/** Prints the manifest on stdout, and instructions on stderr. Throws Problem (exit 1) if `http` is not an address. */
export async function setupSlack({ http, optional }: SetupSlackOptions): Promise<void> {
  let manifest = await readFile(join(packageRoot(), 'manifest.yml'), 'utf8');
  if (optional) manifest = manifest.replaceAll('# optional: ', '');
  if (http !== undefined)
    manifest = manifest
      .replace(ABOUT_SOCKET_MODE, ABOUT_HTTP)
      .replaceAll('# http: ', '')
      .replaceAll(EXAMPLE, originOf(http))
      .replace('socket_mode_enabled: true', 'socket_mode_enabled: false');
  process.stdout.write(manifest);
  printNotice('Create the app from this at api.slack.com/apps, "From a manifest", and install it. Then set:');
  printNotice('  SLACK_BOT_TOKEN       xoxb-…, under "OAuth & Permissions"');
  if (http === undefined)
    printNotice(
      '  SLACK_APP_TOKEN       xapp-…, under "Basic Information", "App-Level Tokens", with connections:write',
    );
  else printNotice('  SLACK_SIGNING_SECRET  under "Basic Information"; and slack.mode to http');
}

function originOf(address: string): string {
  const url = URL.parse(address);
  if (url?.protocol === 'https:' && url.pathname === '/' && url.username === '' && url.search === '') return url.origin;
  throw new Problem(
    `--http ${JSON.stringify(address)} is not an address that Slack can call. Try: --http ${EXAMPLE}`,
    1,
  );
}
