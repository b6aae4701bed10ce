import { expect, it } from 'vitest';
import { renderJson } from '../../src/render/json.ts';
import { early, hostile, nothing, race, undecided } from '../support/diagnoses.ts';

it.each(Object.entries({ race, undecided, nothing, early, hostile }))(
  '%s: parses to the same diagnosis',
  (_, diagnosis) => {
    expect(JSON.parse(renderJson(diagnosis))).toEqual(diagnosis);
  },
);

it('is indented by two spaces and ends in one newline', () => {
  expect(renderJson(race)).toMatch(/^\{\n {2}"schema": 1,\n {2}"loadBalancer": \{\n {4}"name"/);
  expect(renderJson(race)).toMatch(/[^\n]\n$/);
});

it('does not depend on the order of statuses and signatures', () => {
  const of = (...pairs: [string, number][]) =>
    renderJson({ ...race, triage: { ...race.triage, byStatus: Object.fromEntries(pairs) } });
  expect(of(['000', 1], ['-', 2])).toBe(of(['-', 2], ['000', 1]));
});

it('contains no control or invisible character', () => {
  const text = renderJson({ ...hostile, gaps: ['\u009b31m \u202e \u{e0041} \u007f'] });
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  expect(JSON.parse(text)).toMatchObject({ gaps: ['\u009b31m \u202e \u{e0041} \u007f'] });
});
