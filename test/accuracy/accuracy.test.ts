/**
 * The incidents of the suite, each judged once. What is expected of each stands in its family; here it is only compared, and the table in
 * the README kept true (`vitest -u test/accuracy/accuracy.test.ts` rewrites it).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CAUSE_IDS } from '../../src/diagnose/cause-ids.ts';
import { families } from './families.ts';
import { reportOf } from './report.ts';
import { runSuite, type ScoredIncident } from './run.ts';

let scored: ScoredIncident[];
beforeAll(async () => {
  scored = await runSuite();
});

const scoreOf = (name: string) => scored.find((one) => one.name === name);

describe('the suite', () => {
  it('holds at least sixty incidents, each by a name of its own', () => {
    expect(scored.length).toBeGreaterThanOrEqual(60);
    expect(new Set(scored.map(({ name }) => name)).size).toBe(scored.length);
  });

  it('is wrong about none', () => {
    const wrong = scored.filter(({ outcome }) => outcome === 'wrong');
    expect(wrong.map(({ name, remarks }) => [name, remarks])).toEqual([]);
  });

  it('says why wherever something is left open that need not be, and nowhere else', () => {
    const open = scored.filter(({ outcome }) => outcome === 'undecided needlessly');
    expect(open.map(({ name }) => name)).toEqual(
      scored.filter(({ shortfall }) => shortfall !== undefined).map(({ name }) => name),
    );
  });

  it('names every cause', () => {
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

  it('is what the README says', async () => {
    const readme = join(import.meta.dirname, '../../README.md');
    const text = readFileSync(readme, 'utf8');
    const [before = '', rest = ''] = text.split('<!-- score:start -->');
    const [, after = ''] = rest.split('<!-- score:end -->');
    const current = `${before}<!-- score:start -->\n${reportOf(scored)}\n<!-- score:end -->${after}`;
    await expect(current).toMatchFileSnapshot(readme);
  });
});

describe.each(families)('$title', ({ incidents }) => {
  it.each(incidents)('$name', ({ name, shortfall }) => {
    const score = scoreOf(name);
    const allowed = shortfall === undefined ? ['right', 'undecided rightly'] : ['undecided needlessly'];
    expect(allowed, score?.remarks.join('; ')).toContain(score?.outcome);
  });
});
