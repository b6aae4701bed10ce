import { describe, expect, it } from 'vitest';
import * as phrases from '../../src/render/phrases.ts';
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
  it('distinguish what a possible cause could explain from what a likely one explains', () => {
    const [likely, possible] = race.causes;
    expect(likely && phrases.causeTitle(likely, 149)).toBe('Keep-alive race: likely, explains 146 of 149 errors');
    expect(possible && phrases.causeTitle(possible, 149)).toBe(
      'Worker timeout: possible, could explain 3 of 149 errors',
    );
    expect(phrases.explainedErrors(1, 1)).toBe('the error');
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
