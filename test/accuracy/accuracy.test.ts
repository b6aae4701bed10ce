/**
 * The incidents of the suite, each judged once as it is and once with ordinary noise beside it. What is expected of each stands in its
 * family; here it is only compared, and docs/accuracy.md kept true (`vitest run test/accuracy/accuracy.test.ts --update=all` rewrites it).
 */

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CAUSE_IDS } from '../../src/diagnose/causes/index.ts';
import type { Diagnosis } from '../../src/diagnose/diagnosis.ts';
import { tooSure } from '../lab/assumptions.ts';
import { captureNames, LAB_FAMILY, scoreCapture } from './captures.ts';
import { families } from './families.ts';
import { withNoise } from './noise.ts';
import { accuracyPage } from './report.ts';
import { RECORDED_FAMILY, recordedNames, type ScoredIncident, scoreIncident, scoreRecorded } from './run.ts';

const TIMEOUT = 120_000;
const scored: ScoredIncident[] = [];

function expectScore(one: ScoredIncident): void {
  scored.push(one);
  const allowed = one.shortfall === undefined ? ['right', 'undecided rightly'] : ['undecided needlessly'];
  expect(allowed, one.remarks.join('; ')).toContain(one.outcome);
}

describe(RECORDED_FAMILY, () => {
  it.each(recordedNames())('%s', async (name) => expectScore(await scoreRecorded(name)), TIMEOUT);
});

const verdictOf = ({ verdict: { cause, standing, between } }: Diagnosis) => ({ cause, standing, between });

describe.each(families)('$title', ({ title, incidents }) => {
  it.each(incidents)(
    '$name',
    async (incident) => {
      const plain = await scoreIncident(title, incident);
      expectScore(plain);
      // Who asks for 4xx asks for the noise.
      if (plain.expected.statuses !== undefined) return;
      const noisy = await scoreIncident(title, withNoise(incident, plain.diagnosis.triage.errors === 0));
      expect(verdictOf(noisy.diagnosis), 'with noise').toEqual(verdictOf(plain.diagnosis));
    },
    TIMEOUT,
  );
});

describe(LAB_FAMILY, () => {
  it.each(captureNames())(
    '%s',
    async (name) => {
      const one = await scoreCapture(name);
      scored.push(one);
      // What is not right is listed with its reason, never hidden.
      if (one.shortfall === undefined)
        expect(['right', 'undecided rightly'], one.remarks.join('; ')).toContain(one.outcome);
      else expect(['undecided needlessly', 'wrong'], 'no shortfall any more').toContain(one.outcome);
    },
    TIMEOUT,
  );
});

describe('the accuracy suite', () => {
  it('has at least sixty incidents, each with its own name', () => {
    expect(scored.length).toBeGreaterThanOrEqual(60);
    expect(new Set(scored.map(({ name }) => name)).size).toBe(scored.length);
  });

  it('covers every cause', () => {
    const expected = new Set(
      scored.flatMap(({ expected: { verdict, between, betweenAtLeast, explains } }) => [
        verdict.cause,
        ...(between ?? []),
        ...(betweenAtLeast ?? []),
        ...Object.keys(explains ?? {}),
      ]),
    );
    expect(CAUSE_IDS.filter((id) => !expected.has(id))).toEqual([]);
  });

  it('confirms no cause that rests on an assumption about the load balancer', () => {
    const surer = scored.flatMap(({ name, diagnosis }) => tooSure(diagnosis).map((cause) => `${name}: ${cause}`));
    expect(surer).toEqual([]);
  });

  it('gives the results in docs/accuracy.md', async () => {
    await expect(accuracyPage(scored)).toMatchFileSnapshot(join(import.meta.dirname, '../../docs/accuracy.md'));
  });
});
