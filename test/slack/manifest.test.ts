/** The Slack app as it is created from manifest.yml, and the code that answers it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { SHORTCUTS } from '../../src/slack/messages/actions.ts';

const root = join(import.meta.dirname, '../..');
const text = readFileSync(join(root, 'manifest.yml'), 'utf8');
const socketMode = parse(text);
/** As the comments of the file say. */
const http = parse(text.replaceAll('# http: ', '').replace('socket_mode_enabled: true', 'socket_mode_enabled: false'));

/** Slack's own schema (slackapi/manifest-schema, 2.0.0) is not part of this project. */
const schemaFile = process.env.ALB502_SLACK_MANIFEST_SCHEMA ?? join(root, '../shared/slack-manifest.schema.json');
const hasSchema = existsSync(schemaFile);
if (!hasSchema)
  console.warn("manifest.yml was not held against Slack's schema: no file at ALB502_SLACK_MANIFEST_SCHEMA.");

describe.each([
  ['Socket Mode', socketMode],
  ['HTTP', http],
])('the manifest for %s', (_, manifest) => {
  it.skipIf(!hasSchema)("is valid by Slack's schema (skipped if ALB502_SLACK_MANIFEST_SCHEMA names no file)", () => {
    const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
    const validate = ajv.compile(JSON.parse(readFileSync(schemaFile, 'utf8')));
    validate(manifest);
    expect(validate.errors ?? []).toEqual([]);
  });

  it('requests the scopes that the bot uses, and no others', () => {
    expect(manifest.oauth_config.scopes).toEqual({
      bot: ['commands', 'chat:write', 'files:write', 'app_mentions:read'],
    });
  });

  it('declares everything the bot answers', () => {
    const { features, settings } = manifest;
    expect(features.slash_commands.map(({ command }: { command: string }) => command)).toEqual(['/alb502']);
    expect(features.slash_commands[0].should_escape).toBe(false);
    expect(
      features.shortcuts.map(({ type, callback_id }: { type: string; callback_id: string }) => [type, callback_id]),
    ).toEqual([
      ['global', SHORTCUTS.global],
      ['message', SHORTCUTS.message],
    ]);
    expect(settings.event_subscriptions.bot_events).toEqual(['app_mention', 'app_home_opened']);
    expect(settings.interactivity.is_enabled).toBe(true);
    expect(features.app_home.home_tab_enabled).toBe(true);
  });
});

it('needs no address in Socket Mode, and one for all requests over HTTP', () => {
  expect(JSON.stringify(socketMode)).not.toContain('http');
  const url = 'https://bot.example.com/slack/events';
  expect(http.settings.socket_mode_enabled).toBe(false);
  expect(http.features.slash_commands[0].url).toBe(url);
  expect(http.settings.event_subscriptions.request_url).toBe(url);
  expect(http.settings.interactivity).toMatchObject({ request_url: url, message_menu_options_url: url });
});

describe('with the optional lines', () => {
  const optional = parse(text.replaceAll('# optional: ', ''));

  it('requests the scopes for user groups, time zones, recovery and slack.watch', () => {
    expect(optional.oauth_config.scopes.bot.slice(4)).toEqual([
      'channels:history',
      'groups:history',
      'channels:read',
      'groups:read',
      'usergroups:read',
      'users:read',
    ]);
    expect(optional.settings.event_subscriptions.bot_events.slice(2)).toEqual(['message.channels', 'message.groups']);
  });

  it('explains each scope to the reviewer of the app', () => {
    const review = readFileSync(join(root, 'docs/slack-app-review.md'), 'utf8');
    for (const scope of optional.oauth_config.scopes.bot) expect(review).toContain(`\`${scope}\``);
  });
});
