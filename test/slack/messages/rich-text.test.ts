import { expect, it } from 'vitest';
import { copyable, line, partsMessage } from '../../../src/slack/messages/rich-text.ts';

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
