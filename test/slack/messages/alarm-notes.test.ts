import { expect, it } from 'vitest';
import { misplacedMessage, sentencesMessage, stormMessage } from '../../../src/slack/messages/alarm-notes.ts';
import { unknownAlarmMessage } from '../../../src/slack/messages/index.ts';
import type { Message } from '../../../src/slack/messages/message.ts';
import { HOSTILE_TEXTS } from '../../support/incident/hostile.ts';
import { slackFaults } from '../../support/incident/outputs.ts';
import { readMessage } from '../../support/slack/read-message.ts';
import { blockKitErrors } from '../../support/slack/thread-states.ts';

const storm = (waiting: { loadBalancer: string; alarm: string }[]): Message =>
  stormMessage({ since: '2026-11-20T02:44:00.000Z', count: waiting.length, waiting, later: 0, isFull: false });

it('lists the load balancers of a storm, and says how many more there are', () => {
  const waiting = Array.from({ length: 17 }, (_, at) => ({ loadBalancer: `lb-${at}`, alarm: `lb-${at}-502` }));
  const text = readMessage(storm(waiting));
  expect(text).toMatch(/^\*17 more load balancers in ALARM\* since 02:44:00 UTC/);
  expect(text).toContain('  • lb-14: lb-14-502\nand 2 more. To diagnose one now: `/alb502 my-alb last 15m`');
});

it('mentions the channel of a misplaced thread, and nothing that only looks like one', () => {
  expect(JSON.stringify(misplacedMessage({ channel: 'C0SHOP', code: null }).blocks)).toContain(
    '{"type":"channel","channel_id":"C0SHOP"}',
  );
  const other = misplacedMessage({ channel: '<!channel>', code: '<!here>' });
  expect(slackFaults(other)).toEqual([]);
});

it.each(Object.entries(HOSTILE_TEXTS))('shows a name or sentence written for %s as text on one line', (_, text) => {
  const notes = [
    storm([{ loadBalancer: text, alarm: text }]),
    sentencesMessage([text]),
    unknownAlarmMessage({ alarm: text, why: 'unknown', sentences: [text] }),
  ];
  for (const note of notes) {
    expect(slackFaults(note)).toEqual([]);
    expect(blockKitErrors(note)).toEqual([]);
    expect(readMessage(note).split('\n').length).toBeLessThan(4);
    expect(JSON.stringify(note.blocks)).not.toContain('"mrkdwn"');
  }
});
