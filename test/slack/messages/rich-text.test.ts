import { expect, it } from 'vitest';
import { copyable, line, partsMessage, smallPrint } from '../../../src/slack/messages/rich-text.ts';

it('keeps a number and its unit on one line, except in text to copy', () => {
  const { text, blocks } = partsMessage([
    line({ bold: 'web-prod' }, ': 17 × 502, 2.1 % of 5 requests until 04:30 UTC, the last after 49 s; 41 kB read'),
    copyable('sleep 49 s'),
  ]);
  const sent = JSON.stringify(blocks);
  expect(sent).toContain(
    ': 17\u00a0×\u00a0502, 2.1\u00a0% of 5 requests until 04:30\u00a0UTC, the last after 49\u00a0s; 41\u00a0kB read',
  );
  expect(sent).toContain('sleep 49 s');
  expect(text).toContain('17 × 502');
});

it.each([
  '*bold*',
  '_italic_',
  '~struck~',
  '`code`',
  'prod:fire:api',
  ':flag-de: :+1: :100:',
  '*half',
  'GET /_x_/*',
  "_it's_",
  'é_x_',
])('shows %s in small print as it is, with mentions but no links beside it', (name) => {
  const link = { href: 'https://slack.com/archives/C0ALERTS/p1234567890123456', label: name };
  expect(smallPrint(['Alarm ', link, ' (', name, ') muted by ', { user: 'U0ALICE' }, ' today'])).toEqual([
    {
      type: 'context',
      elements: [
        { type: 'plain_text', text: `Alarm ${name} (${name}) muted by`, emoji: false },
        { type: 'mrkdwn', text: '<@U0ALICE>', verbatim: true },
        { type: 'plain_text', text: 'today', emoji: false },
      ],
    },
  ]);
});

it.each(['my_alb-5xx', 'since 02:44:10 UTC', '2026-11-18T02:44:10.123Z', '12 > 3 & 1 < 2', '1:2', 'a: b: c', 'x_y_z'])(
  'keeps links in small print beside %s, which is no markup',
  (name) => {
    const [block] = smallPrint([name, { href: 'https://slack.com/archives/C0ALERTS/p1234567890123456', label: name }]);
    expect(block).toMatchObject({
      elements: [{ type: 'mrkdwn', text: expect.stringContaining('<https://slack.com') }],
    });
  },
);
