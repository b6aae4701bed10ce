import { describe, expect, it } from 'vitest';
import type { Diagnosis, TimelineBucket } from '../../../src/diagnose/diagnosis.ts';
import { SIGNATURE_IDS } from '../../../src/diagnose/signature.ts';
import { timelineAnswer } from '../../../src/slack/messages/details/error-timeline.ts';
import { race } from '../../support/diagnoses.ts';
import { fc } from '../../support/property.ts';
import { readMessage } from '../../support/slack/read-message.ts';
import { blockKitErrors } from '../../support/slack/thread-states.ts';

const START = Date.parse('2026-11-20T23:00:00.000Z');
const at = (ms: number): string => new Date(START + ms).toISOString();

/** Buckets of so many minutes each. */
const over = (
  count: number,
  minutes: number,
  bySignature: (index: number) => TimelineBucket['bySignature'],
): Diagnosis => ({
  ...race,
  timeline: Array.from({ length: count }, (_, index) => ({
    from: at(index * minutes * 60_000),
    to: at((index + 1) * minutes * 60_000),
    requests: 100,
    bySignature: bySignature(index),
  })),
});

const read = (diagnosis: Diagnosis): string[] => readMessage(timelineAnswer(diagnosis)).split('\n');
const chartOf = (diagnosis: Diagnosis): string[] => {
  const lines = read(diagnosis);
  const start = lines.findIndex((line) => line.includes('[chart:'));
  const end = lines.findIndex((line) => line.startsWith('*Errors and requests'));
  return start < 0 ? [] : lines.slice(start, end);
};

describe('errors over time', () => {
  it.each<[string, Diagnosis, string]>([
    ['15 minutes', over(15, 1, () => ({ 'idle-timeout': 1 })), '[chart: Errors a minute, UTC, 23:00 to 23:14]'],
    ['an hour', over(60, 1, () => ({ 'idle-timeout': 1 })), '[chart: Errors per 3 min, UTC, 23:00 to 23:57]'],
    [
      'over midnight',
      over(60, 2, () => ({ 'idle-timeout': 1 })),
      '[chart: Errors per 6 min, UTC, 11-20 23:00 to 11-21 00:54]',
    ],
    [
      'a week',
      over(60, 168, () => ({ 'idle-timeout': 1 })),
      '[chart: Errors per 8 h 24 min, UTC, 11-20 23:00 to 11-27 14:36]',
    ],
  ])('over %s have at most 20 points, with days if there are several', (_, diagnosis, title) => {
    expect(chartOf(diagnosis)[0]?.trim()).toBe(title);
    expect(blockKitErrors(timelineAnswer(diagnosis))).toEqual([]);
  });

  it('show six kinds, with the rarest ones joined', () => {
    const diagnosis = over(3, 1, () => Object.fromEntries(SIGNATURE_IDS.map((id, index) => [id, 20 - index])));
    const lines = chartOf(diagnosis);
    expect(lines).toHaveLength(7);
    expect(lines.at(-1)?.trim()).toBe('9 other kinds: 99 99 99');
  });

  it('are left out for one error or none', () => {
    expect(chartOf(over(3, 1, (index) => (index === 1 ? { other: 1 } : {})))).toEqual([]);
    expect(chartOf(over(3, 1, () => ({})))).toEqual([]);
    expect(chartOf({ ...race, timeline: [] })).toEqual([]);
  });

  it('are text when Slack accepts no chart, and have words for screen readers', () => {
    const { text, plainBlocks } = timelineAnswer(race);
    expect(readMessage({ text, blocks: plainBlocks })).toMatch(
      /closed-before-response {5}149 {2}[▁▂▃▄▅▆▇█]{15} {2}peak 17 at 02:46:00/,
    );
    expect(text).toContain('149 errors, all closed by the target; peak 17 in 1 min from 02:46 UTC.');
  });

  it('are accepted by Slack with any counts', () => {
    const counts = fc.dictionary(fc.constantFrom(...SIGNATURE_IDS), fc.integer({ min: 0, max: 1e9 }));
    fc.assert(
      fc.property(fc.array(counts, { maxLength: 60 }), fc.integer({ min: 1, max: 200 }), (all, minutes) => {
        expect(blockKitErrors(timelineAnswer(over(all.length, minutes, (index) => all[index] ?? {})))).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});
