/** The height of each recorded incident's thread before scrolling or pressing, as the local Slack draws it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { WebClient } from '@slack/web-api';
import { expect, it } from 'vitest';
import { checklistMessage, rootMessage, verdictMessage } from '../../../../src/slack/messages/index.ts';
import type { Message } from '../../../../src/slack/messages/message.ts';
import { localSlack } from '../local-slack-for-test.ts';
import { recordedDiagnosis, threadStateOf } from '../thread-states.ts';
import { chromiumPath, openBrowser } from './browser.ts';
import { threadPage } from './look-page.ts';

const incidents = readdirSync(join(import.meta.dirname, '../../../scenarios')).filter((name) => /^\d/.test(name));
/** Pixels: a thread pane of the desktop application, two of its screens. */
const [WIDTH, MOST] = [500, 1500];

it.skipIf(chromiumPath() === null)(
  'is two screens of a desktop at most (skipped where there is no Chromium)',
  async () => {
    const slack = await localSlack({ users: ['ada'], channels: ['alerts'] });
    const client = new WebClient(slack.botToken, { slackApiUrl: slack.apiUrl });
    const channel = 'C0ALERTS';
    const browser = await openBrowser();
    const page = await browser.newPage({ viewport: { width: WIDTH, height: 800 } });
    const post = async ({ text, blocks }: Message, thread_ts?: string) =>
      (
        await client.chat.postMessage({
          channel,
          text,
          blocks,
          unfurl_links: false,
          unfurl_media: false,
          ...(thread_ts === undefined ? {} : { thread_ts }),
        })
      ).ts ?? '';
    const heights: [string, number][] = [];
    try {
      for (const incident of incidents) {
        const state = threadStateOf(recordedDiagnosis(incident));
        const root = await post(rootMessage(state));
        await post(checklistMessage(state, null), root);
        await post(verdictMessage(state, 'U0ADA'), root);
        await page.setContent(threadPage(slack, 'alerts', 'ada', root));
        heights.push([incident, await page.locator('#replies').evaluate((element) => element.scrollHeight)]);
      }
    } finally {
      await browser.close();
    }
    expect(heights).toHaveLength(incidents.length);
    expect(heights.filter(([, height]) => height > MOST || height < 300)).toEqual([]);
  },
);
