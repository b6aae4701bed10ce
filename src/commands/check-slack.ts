/** Checks the bot's access to Slack and to the channels it posts in. */

import { WebClient } from '@slack/web-api';
import type { Config, Secrets } from '../config.ts';
import { errorMessage } from '../problem.ts';
import { SLACK_UNREACHABLE, slackErrorCode } from '../slack/slack-error-code.ts';
import type { CheckResult } from './check-result.ts';

/** Scopes of manifest.yml, with the feature that each enables. */
const SCOPES = {
  commands: 'the command and the shortcuts',
  'chat:write': 'every answer',
  'files:write': 'post-mortems as files',
  'app_mentions:read': 'mentions in threads',
} as const;

/** Logs nothing: the results report errors. */
const SILENT = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {}, getLevel: () => LEVEL, setName() {} };
const LEVEL = 'error' as Parameters<
  NonNullable<NonNullable<ConstructorParameters<typeof WebClient>[1]>['logger']>['setLevel']
>[0];

/** Checks the tokens and their scopes, then each configured channel. */
export async function checkSlack(
  config: Config,
  secrets: Secrets,
  slackApiUrl: string | undefined,
): Promise<CheckResult[]> {
  const options = {
    retryConfig: { retries: 1, minTimeout: 250, maxTimeout: 1000 },
    timeout: 10_000,
    logger: SILENT,
    ...(slackApiUrl ? { slackApiUrl } : {}),
  };
  const bot = new WebClient(secrets.botToken, options);
  const token = await checkBotToken(bot, config);
  const socket =
    config.slack.mode === 'socket' ? [await checkAppToken(new WebClient(secrets.appToken ?? '', options))] : [];
  const isIn = token[0]?.state === 'ok';
  return [...token, ...socket, ...(isIn ? await checkChannels(bot, config) : [])];
}

/** Returns the channels for alarms and those the bot watches, each once with its use. */
function channelsOf({ alarms, slack }: Config): Map<string, string> {
  const uses: [string, string][] = [
    ...slack.watch.channels.map((channel): [string, string] => [channel, 'slack.watch']),
    ...alarms.routes.map(({ channel }): [string, string] => [channel, 'alarms.routes']),
    ...(alarms.defaultChannel === undefined
      ? []
      : [[alarms.defaultChannel, 'alarms.defaultChannel'] satisfies [string, string]]),
  ];
  return new Map(uses);
}

async function checkChannels(slack: WebClient, config: Config): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const [channel, use] of channelsOf(config)) {
    const result = await checkChannel(slack, channel, use);
    results.push(result);
    // All other channels would give the same result.
    if (result.state === 'note') break;
  }
  return results;
}

async function checkChannel(slack: WebClient, channel: string, use: string): Promise<CheckResult> {
  const what = 'channel';
  try {
    const { channel: found } = await slack.conversations.info({ channel });
    const name = `#${found?.name ?? channel} (${channel}, ${use})`;
    if (found?.is_archived) return { what, detail: `${name}: it is archived; name another channel`, state: 'missing' };
    if (found?.is_member) return { what, detail: name, state: 'ok' };
    return { what, detail: `${name}: the bot is not in it; type /invite there`, state: 'missing' };
  } catch (error) {
    const code = slackErrorCode(error);
    if (code === 'missing_scope') {
      const detail =
        'whether the bot is in its channels cannot be checked without the scopes channels:read and groups:read';
      return { what, detail, state: 'note' };
    }
    const reason =
      code === 'channel_not_found'
        ? 'there is no such channel, or it is private and the bot is not in it; type /invite there'
        : (code ?? errorMessage(error));
    return { what, detail: `${channel} (${use}): ${reason}`, state: 'missing' };
  }
}

async function checkBotToken(slack: WebClient, { slack: { allow } }: Config): Promise<CheckResult[]> {
  const what = 'bot token';
  try {
    const { user = '', team = '', team_id: id = '', response_metadata } = await slack.auth.test();
    const granted = response_metadata?.scopes ?? [];
    const needed = {
      ...SCOPES,
      ...(allow.userGroups.length > 0 ? { 'usergroups:read': 'slack.allow.userGroups' } : {}),
    };
    const missingScopes = Object.entries(needed).filter(([scope]) => granted.length > 0 && !granted.includes(scope));
    const scopes = missingScopes.map(
      ([scope, use]): CheckResult => ({
        what: 'scope',
        detail: `${scope}, for ${use}: add it under "OAuth & Permissions" of the app, and install the app again`,
        state: 'missing',
      }),
    );
    return [{ what, detail: `@${user} in ${team} (${id})`, state: 'ok' }, ...scopes];
  } catch (error) {
    return [{ what, detail: tokenError(error, 'SLACK_BOT_TOKEN'), state: 'missing' }];
  }
}

async function checkAppToken(slack: WebClient): Promise<CheckResult> {
  const what = 'app-level token';
  try {
    // The returned WebSocket URL is not used and expires.
    await slack.apps.connections.open();
    return { what, detail: 'may open a socket', state: 'ok' };
  } catch (error) {
    return { what, detail: tokenError(error, 'SLACK_APP_TOKEN'), state: 'missing' };
  }
}

/** Where to find the token that works. */
const PLACES = {
  SLACK_BOT_TOKEN: 'copy the one that begins with xoxb- from "OAuth & Permissions" of the app',
  SLACK_APP_TOKEN:
    'create one with the scope connections:write under "Basic Information", "App-Level Tokens"; it begins with xapp-',
} as const;

function tokenError(error: unknown, variable: keyof typeof PLACES): string {
  const code = slackErrorCode(error);
  if (code === null) return `${variable}: ${errorMessage(error)}`;
  if (code === SLACK_UNREACHABLE) return `${variable} was not checked: Slack cannot be reached; check the network`;
  return `Slack refuses ${variable} (${code}): ${PLACES[variable]}`;
}
