import { describe, expect, it } from 'vitest';
import { renderMarkdown } from '../../src/render/markdown.ts';
import * as phrases from '../../src/render/phrases.ts';
import { renderTerminal } from '../../src/render/terminal.ts';
import { early, nothing, race, undecided } from '../support/diagnoses.ts';

describe('units', () => {
  it.each([
    [0, '0 s'],
    [0.004, '4 ms'],
    [0.0005, '0.5 ms'],
    [6, '6 s'],
    [11.083, '11.083 s'],
    [3600, '3,600 s'],
  ])('%d seconds are %s', (value, text) => {
    expect(phrases.formatSeconds(value)).toBe(text);
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [12_400_000, '12.4 MB'],
    [1_500_000_000_000_000, '1500.0 TB'],
  ])('%d bytes are %s', (value, text) => {
    expect(phrases.formatBytes(value)).toBe(text);
  });

  it.each([
    [0, '$0'],
    [0.00001, 'under $0.0001'],
    [0.0125, '$0.0125'],
    [3.5, '$3.50'],
  ])('%d dollars are %s', (value, text) => {
    expect(phrases.formatDollars(value)).toBe(text);
  });

  it('repeats the date only if it differs', () => {
    expect(phrases.windowSpan('2026-11-20T02:40:00.000Z', '2026-11-20T02:55:00.000Z')).toBe(
      '2026-11-20 02:40:00–02:55:00 UTC',
    );
    expect(phrases.windowSpan('2026-11-20T23:50:00.000Z', '2026-11-21T00:05:00.000Z')).toBe(
      '2026-11-20 23:50:00–2026-11-21 00:05:00 UTC',
    );
  });
});

describe('sentences', () => {
  it('say how complete the log is', () => {
    expect(phrases.completenessSentence(race)).toBe(
      '149 of 149 errors counted by CloudWatch are in the log; newest entry 02:59:58 UTC',
    );
    expect(phrases.completenessSentence(early)).toBe(
      '0 of 149 errors counted by CloudWatch are in the log so far; newest entry 02:38:07 UTC; 2 unreadable lines',
    );
    expect(phrases.completenessSentence(undecided)).toBe(
      '1 error by the load balancer, not compared with CloudWatch; newest entry 06:19:41 UTC',
    );
    expect(phrases.completenessSentence(nothing)).toBe(
      'no error of the load balancer in the log, none counted by CloudWatch; newest entry 02:59:58 UTC',
    );
    const blind = { errorsInLog: null, errorsInMetrics: 3, newestEntry: null, unreadableLines: null };
    expect(phrases.completenessSentence({ ...race, completeness: blind })).toBe(
      'CloudWatch counts 3 errors; no entry read',
    );
  });

  it('distinguish what a possible cause could explain from what a likely one explains', () => {
    const [likely, possible] = race.causes;
    expect(likely && phrases.causeTitle(likely, 149)).toBe('Keep-alive race (likely) explains 146 of 149 errors');
    expect(possible && phrases.causeTitle(possible, 149)).toBe(
      'Worker timeout (possible) could explain 3 of 149 errors',
    );
    expect(phrases.explainedErrors(1, 1)).toBe('1 of 1 error');
    expect(phrases.explainedErrors(0.5, null)).toBe('50 % of the errors');
  });

  it('give facts with units, and the number of others', () => {
    const facts = [
      { label: 'measured', value: 5, unit: 'seconds' as const },
      { label: 'requests', value: 71_204 },
      { label: 'state', value: 'active' },
    ];
    expect(phrases.factsWords(facts)).toBe('measured: 5 s · requests: 71,204 · state: active');
    expect(phrases.factsWords(facts, 1)).toBe('measured: 5 s · … and 2 more');
    expect(phrases.factsWords([])).toBe('');
  });
});

it('list every cause exactly once', () => {
  for (const diagnosis of [race, undecided, nothing, early]) {
    const { main, ...lists } = phrases.sortCauses(diagnosis);
    const ids = [...(main ? [main] : []), ...Object.values(lists).flat()].map(({ id }) => id);
    expect(ids.toSorted()).toEqual(diagnosis.causes.map(({ id }) => id).toSorted());
  }
});

it('list the look-alikes of the errors seen', () => {
  expect(phrases.sortCauses(race).lookAlikes.map(({ id }) => id)).toEqual([
    'malformed-response',
    'response-header-too-large',
    'closed-mid-request',
  ]);
});

describe('a provisional diagnosis', () => {
  const read = { ...early, triage: { ...early.triage, requests: 0 } };

  it('says what is known so far, and when more will be', () => {
    expect(phrases.provisionalSentence(read)).toMatch(
      /^Provisional: 0 of 149 errors .* so far; .*[.] Ask again at 03:01:00 UTC[.]$/,
    );
    expect(phrases.provisionalSentence(race)).toBeNull();
  });

  it('does not suggest waiting for a log that cannot be read', () => {
    expect(phrases.provisionalSentence(early)).not.toMatch(/again/);
  });
});

describe('the cost', () => {
  const cost = (queries: number, usd: number) =>
    phrases.costSentence({ ...race, cost: { bytesScanned: 12_400_000, queries, usd } });

  it('is absent if nothing was asked', () => {
    expect(cost(0, 0)).toBe('12.4 MB read');
    expect(cost(0, 0.00002)).toBe('12.4 MB read, under $0.0001');
    expect(cost(2, 0.0001)).toBe('12.4 MB read, 2 queries, $0.0001');
  });

  it('follows earlier sentences, with how the log was read', () => {
    const estimate = { files: 9, bytes: 12_400_000, usd: 0.0001, atMost: { bytes: 80_000_000, usd: 0.0004 } };
    const read = { ...race, reading: { how: 'from S3 directly: 9 files, 12.4 MB, as asked', estimate } };
    const told = phrases.costAndEstimate(read);
    expect(told).toMatch(/^12[.]4 MB read, .*; estimated 12[.]4 MB, at most 80[.]0 MB and [$]0[.]0004$/);
    expect(
      phrases.costAndEstimate({ ...read, reading: { ...read.reading, estimate: { ...estimate, atMost: null } } }),
    ).toMatch(/; estimated 12[.]4 MB, at most an unknown amount$/);
    expect(phrases.costAndEstimate(race)).toBe(phrases.costSentence(race));
    expect(renderTerminal(read, { columns: 100, colour: false })).toContain(
      `\nRead       from S3 directly: 9 files, 12.4 MB, as asked\nCost       ${told}\n`,
    );
    expect(renderMarkdown(read)).toContain(`\nRead from S3 directly: 9 files, 12.4 MB, as asked.\n\n${told}\n`);
    expect(renderTerminal(race, { columns: 100, colour: false })).not.toMatch(/^Read /m);
  });
});
