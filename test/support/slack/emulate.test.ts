/** A second Slack, by others and independent of ours: threads, edits, files and forms of the bot as they are kept there. */
import { webApi } from '@slack/bolt';
import { createEmulator } from 'emulate';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openPoster } from '../../../src/slack/delivery/post.ts';
import type { Poster, PostResult } from '../../../src/slack/delivery/slack-poster.ts';
import { formView } from '../../../src/slack/messages/index.ts';
import { freePort } from '../free-port.ts';

const TOKEN = 'xoxb-test';
const BOT = { user_id: 'U0ALBBOT', app_id: 'A0ALB502', bot_id: 'B0ALB', bot_user_id: 'U0ALBBOT' };
const RUN = '20261119t024012-5f3a9c1e';

let emulator: { url: string; reset(): unknown; close(): Promise<unknown> };
let client: webApi.WebClient;
let poster: Poster;
let channel: string;

beforeAll(async () => {
  const port = await freePort();
  emulator = await createEmulator({
    service: 'slack',
    port,
    // Without it files are uploaded to "localhost", where it does not listen.
    baseUrl: `http://127.0.0.1:${port}`,
    seed: {
      slack: {
        team: { name: 'Acme', domain: 'acme' },
        users: [{ name: 'ada' }],
        channels: [{ name: 'alerts' }],
        oauth_apps: [
          {
            client_id: '1.2',
            client_secret: 's',
            app_id: BOT.app_id,
            name: 'ALB502',
            redirect_uris: ['http://localhost/x'],
            bot_id: BOT.bot_id,
            bot_user_id: BOT.bot_user_id,
            bot_name: 'alb502',
          },
        ],
        tokens: [
          {
            token: TOKEN,
            type: 'bot',
            ...BOT,
            scopes: ['chat:write', 'files:write', 'channels:history', 'channels:read'],
          },
        ],
        signing_secret: 'shh',
        strict_scopes: true,
      },
    },
  });
  const clientOptions = { slackApiUrl: `${emulator.url}/api/` };
  client = new webApi.WebClient(TOKEN, clientOptions);
  poster = openPoster({ token: TOKEN, clientOptions, log: pino({ level: 'silent' }) });
});
beforeEach(async () => {
  emulator.reset();
  const { channels = [] } = await client.conversations.list();
  channel = channels.find(({ name }) => name === 'alerts')?.id ?? '';
});
afterAll(async () => {
  await poster.close();
  await emulator.close();
});

const message = (text: string) => ({ text, blocks: [{ type: 'section', text: { type: 'plain_text', text } }] });
function tsOf(posted: PostResult): string {
  if ('ts' in posted) return posted.ts;
  throw new Error(`not posted: ${posted.code}`);
}
const thread = async (ts: string) =>
  (await client.conversations.replies({ channel, ts, include_all_metadata: true })).messages ?? [];

it('keeps the thread of a run, which is found again by its id', async () => {
  const root = tsOf(await poster.post({ channel, thread: null }, message('shop-prod · looking'), RUN));
  await poster.post({ channel, thread: root }, message('Found shop-prod.'), `${RUN}/checklist`);
  await poster.post({ channel, thread: root }, message('A keep-alive race.'), `${RUN}/verdict`);
  expect((await thread(root)).map(({ text }) => text)).toEqual([
    'shop-prod · looking',
    'Found shop-prod.',
    'A keep-alive race.',
  ]);
  expect(await poster.find({ channel, thread: null }, RUN)).toEqual({ ts: root });
  expect(await poster.find({ channel, thread: root }, `${RUN}/step-3`)).toBeNull();
});

it('edits text and blocks in place', async () => {
  const root = tsOf(await poster.post({ channel, thread: null }, message('looking'), RUN));
  expect(tsOf(await poster.edit(channel, root, message('final')))).toBe(root);
  const [kept, ...others] = await thread(root);
  expect(others).toEqual([]);
  expect([kept?.text, kept?.blocks]).toEqual(['final', message('final').blocks]);
  expect(await poster.find({ channel, thread: null }, RUN)).toEqual({ ts: root });
});

it('shows progress, and the last state after it', async () => {
  const root = tsOf(await poster.post({ channel, thread: null }, message('looking'), RUN));
  for (const step of ['one', 'two', 'three']) poster.progress(channel, root, message(step));
  await poster.edit(channel, root, message('final'));
  expect((await thread(root))[0]?.text).toBe('final');
});

it('puts a file into the thread', async () => {
  const root = tsOf(await poster.post({ channel, thread: null }, message('final'), RUN));
  const file = {
    filename: 'post-mortem.md',
    title: 'Post-mortem',
    content: '# shop-prod\n',
    comment: 'The post-mortem.',
  };
  const posted = await poster.upload({ channel, thread: root }, file);
  expect(posted).not.toHaveProperty('refused');
  const [, reply] = await thread(root);
  expect(reply?.text).toContain('The post-mortem.');
  expect(reply?.files?.map(({ name, title }) => [name, title])).toEqual([['post-mortem.md', 'Post-mortem']]);
});

it('refuses what is not there', async () => {
  expect(await poster.post({ channel: 'C0NOWHERE', thread: null }, message('a'))).toMatchObject({
    code: 'channel_not_found',
  });
  expect(await poster.edit(channel, '1.000001', message('a'))).toMatchObject({
    refused: 'gone',
    code: 'message_not_found',
  });
});

it('opens the form, and changes it', async () => {
  const generated = await fetch(`${emulator.url}/api/views.generateTriggerId`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${TOKEN}` },
  });
  const { trigger_id } = (await generated.json()) as { trigger_id: string };
  const view = formView({});
  const opened = await client.views.open({ trigger_id, view });
  expect(opened.view?.callback_id).toBe(view.callback_id);
  const { hash = '', id = '' } = opened.view ?? {};
  const updated = await client.views.update({ view_id: id, hash, view: formView({ window: 'last 15m' }) });
  expect(JSON.stringify(updated.view?.blocks)).toContain('last 15m');
  await expect(client.views.open({ trigger_id, view })).rejects.toThrow(/exchanged_trigger_id/);
});
