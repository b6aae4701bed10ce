/**
 * Whole threads as people read them: root, checklist, verdict. Kept as files, so that reviewers see changes as readers
 * would.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checklistMessage, rootMessage, type ThreadState, verdictMessage } from '../../../src/slack/messages/index.ts';
import type { Message } from '../../../src/slack/messages/message.ts';
import { early, nothing, race, undecided } from '../../support/diagnoses.ts';
import { readMessage } from '../../support/slack/read-message.ts';
import { blockKitErrors, recordedDiagnosis, threadStateOf } from '../../support/slack/thread-states.ts';

const threadOf = (told: ThreadState): Message[] => [
  rootMessage(told),
  checklistMessage(told, null),
  verdictMessage(told),
];

const page = (messages: readonly Message[]): string => `${messages.map(readMessage).join('\n\n----\n\n')}\n`;

const threads: Record<string, ThreadState> = {
  'keep-alive-race': threadStateOf(race),
  'before-the-log': threadStateOf(early, { nextAttemptAt: '2026-11-20T03:01:00.000Z' }),
  'one-row-undecided': threadStateOf(undecided),
  'nothing-failed': threadStateOf(nothing),
  'nothing-to-read': threadStateOf(recordedDiagnosis('006-no-rows-yet'), { nextAttemptAt: '2026-11-16T03:01:00.000Z' }),
  'worker-timeout-beside-a-race': threadStateOf(recordedDiagnosis('001-keep-alive-race-beside-worker-timeout')),
  'security-group': threadStateOf(recordedDiagnosis('002-security-group-blocks-traffic-port')),
  'missing-evidence': threadStateOf(recordedDiagnosis('013-missing-evidence')),
  'healthy-with-an-unhealthy-target': threadStateOf(recordedDiagnosis('019-healthy-with-suspicious-setting')),
};

describe.each(Object.entries(threads))('%s', (name, told) => {
  it('reads as reviewed', async () => {
    await expect(page(threadOf(told))).toMatchFileSnapshot(join(import.meta.dirname, 'threads', `${name}.txt`));
  });

  it('is accepted by Slack, with and without plan and chart', () => {
    expect(threadOf(told).flatMap(blockKitErrors)).toEqual([]);
  });

  it('is summarised without blocks, for notifications and screen readers', () => {
    const [root, , verdict] = threadOf(told);
    expect(root?.text.split('\n')[0]).toContain(told.run.loadBalancer.name);
    expect(root?.text).toMatch(/Cause|Undecided between|Next step|Result|So far/);
    expect(verdict?.text.length).toBeLessThanOrEqual(3000);
  });
});

it('has no chart or plan in its fallback', () => {
  const types = threadOf(threadStateOf(race)).flatMap(({ blocks, plainBlocks = blocks }) =>
    plainBlocks.map(({ type }) => type),
  );
  expect(new Set(types)).toEqual(new Set(['rich_text', 'context', 'actions']));
});

it('says nothing about errors if neither the log nor CloudWatch does', () => {
  const unread = recordedDiagnosis('006-no-rows-yet');
  const uncounted = { ...unread, completeness: { ...unread.completeness, errorsInLog: 0, errorsInMetrics: null } };
  expect(readMessage(verdictMessage(threadStateOf(unread)))).toContain('0 of 99 errors counted by CloudWatch');
  expect(readMessage(verdictMessage(threadStateOf(uncounted)))).not.toMatch(/\b0 errors/);
});
