/**
 * Every recorded incident, diagnosed as the command does it. `expected.json` says what must and must not be concluded, from how the
 * incident was made. `diagnosis.json` and `thread.txt` hold what comes out: whoever reviews a change reads what an operator would see.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readIncident } from '../src/collect/incident/incident-collectors.ts';
import { diagnoseRecording } from '../src/commands/diagnose-command.ts';
import type { CauseResult, Diagnosis } from '../src/diagnose/diagnosis.ts';
import { renderJson } from '../src/render/json.ts';
import { renderTerminal } from '../src/render/terminal.ts';
import type { Expectation } from './support/simulator/recording.ts';

const root = join(import.meta.dirname, 'scenarios');
const names = readdirSync(root)
  .filter((name) => /^\d/.test(name))
  .sort();

const expectationOf = (name: string) =>
  JSON.parse(readFileSync(join(root, name, 'expected.json'), 'utf8')) as Expectation;

it('there are at least ten', () => {
  expect(names.length).toBeGreaterThanOrEqual(10);
});

describe.each(names)('%s', (name) => {
  const folder = join(root, name);
  const words = expectationOf(name).statuses?.join(' ') ?? '';
  const diagnoseOnce = async () => (await diagnoseRecording(await readIncident(folder), words)).diagnosis;
  const diagnosed = diagnoseOnce();

  it('comes to the right verdict', async () => {
    const { verdict } = await diagnosed;
    const expected = expectationOf(name);
    expect({ cause: verdict.cause, between: verdict.between }).toEqual({
      cause: expected.verdict.cause,
      between: expected.between === undefined ? verdict.between : expect.toSatisfy(sameAs(expected.between)),
    });
    expect([expected.verdict.standing].flat()).toContain(verdict.standing);
  });

  it('explains the errors that each cause explains, rules out what can be, and claims nothing else', async () => {
    const { causes } = await diagnosed;
    const { explains = {}, ruledOut, mustNotClaim } = expectationOf(name);
    for (const [id, [least, most]] of Object.entries(explains)) {
      const cause = byId(causes, id);
      expect(['confirmed', 'likely'], `${id}: ${cause.standing}`).toContain(cause.standing);
      expect(cause.explains, id).toBeGreaterThanOrEqual(least);
      expect(cause.explains, id).toBeLessThanOrEqual(most);
    }
    expect(ruledOut.map((id) => [id, byId(causes, id).standing])).toEqual(ruledOut.map((id) => [id, 'ruled-out']));
    expect(causes.filter((cause) => mustNotClaim.includes(cause.id) && isClaimed(cause)).map(({ id }) => id)).toEqual(
      [],
    );
  });

  it('counts what happened', async () => {
    const { triage, signatures } = await diagnosed;
    const { requests, errors, byStatus, signatures: bySignature } = expectationOf(name);
    const counted = {
      requests: triage.requests,
      errors: triage.errors,
      byStatus: triage.byStatus,
      signatures: Object.fromEntries(signatures.map(({ id, count }) => [id, count])),
    };
    expect(counted).toEqual({
      requests: requests ?? counted.requests,
      errors: errors ?? counted.errors,
      byStatus: byStatus ?? counted.byStatus,
      signatures: bySignature ?? counted.signatures,
    });
  });

  it('goes through the steps', async () => {
    const { steps } = await diagnosed;
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    for (const [number, outcomes] of Object.entries(expectationOf(name).steps ?? {})) {
      const step = steps.find(({ step }) => String(step) === number);
      expect([outcomes].flat(), `step ${number}`).toContain(step?.outcome);
    }
  });

  it('keeps the contract of the diagnosis', async () => {
    keepsTheContract(await diagnosed);
  });

  it('names whose every target is, wherever a sentence has its address', async () => {
    const diagnosis = await diagnosed;
    const said = sentencesOf(diagnosis);
    const bare = (diagnosis.owners ?? []).flatMap(({ target, name: named }) =>
      said.filter((sentence) => sentence.replaceAll(named, '').replaceAll(`(${target})`, '').includes(target)),
    );
    expect(bare).toEqual([]);
  });

  it('reads as it did, to the byte, twice', async () => {
    const diagnosis = await diagnosed;
    const json = renderJson(diagnosis);
    expect(renderJson(await diagnoseOnce())).toBe(json);
    await expect(json).toMatchFileSnapshot(join(folder, 'diagnosis.json'));
    await expect(renderTerminal(diagnosis, { columns: 80, colour: false })).toMatchFileSnapshot(
      join(folder, 'thread.txt'),
    );
  });
});

const isClaimed = ({ standing }: CauseResult) => standing === 'confirmed' || standing === 'likely';

const sameAs = (ids: string[]) => (found: string[]) => found.toSorted().join() === ids.toSorted().join();

function byId(causes: CauseResult[], id: string): CauseResult {
  const cause = causes.find((one) => one.id === id);
  if (cause === undefined) throw new Error(`There is no cause ${id}.`);
  return cause;
}

/** All that a person reads as a sentence: no commands, no facts. */
function sentencesOf({ verdict, events = [], causes, steps }: Diagnosis): string[] {
  return [
    verdict.summary,
    ...(verdict.decidedBy === null ? [] : [verdict.decidedBy]),
    ...events.map(({ summary }) => summary),
    ...causes.flatMap((cause) => [...cause.for, ...cause.against, ...cause.missing, cause.fix?.summary ?? '']),
    ...steps.flatMap(({ findings }) => findings.map(({ summary }) => summary)),
  ];
}

/** True of every diagnosis. */
function keepsTheContract({ triage, signatures, causes, verdict, keepAlive, steps }: Diagnosis): void {
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  if (triage.errors !== null) {
    expect(sum(Object.values(triage.byStatus))).toBe(triage.errors);
    expect(sum(signatures.map(({ count }) => count))).toBe(triage.errors);
  }
  expect(sum(causes.filter(isClaimed).map((cause) => cause.explains))).toBeLessThanOrEqual(1 + 1e-9);
  expect(verdict.cause === null).toBe(verdict.standing === 'undecided' || verdict.standing === 'none');
  if (verdict.cause !== null) expect(causes[0]?.id).toBe(verdict.cause);
  if (verdict.standing === 'undecided') expect(verdict.decidedBy).toMatch(/\S/);
  if (verdict.standing === 'none') expect(triage.errors).toBe(0);
  expect(new Set(causes.map(({ id }) => id)).size).toBe(causes.length);
  expect(triage.routes.length).toBeLessThanOrEqual(10);
  if (!signatures.some(({ id }) => id === 'closed-before-response')) expect(keepAlive).toBeNull();
  for (const { outcome, findings } of steps) {
    const worst = (['fail', 'unknown', 'pass'] as const).find((one) =>
      findings.some((finding) => finding.outcome === one),
    );
    expect(outcome).toBe(worst ?? 'not-applicable');
    for (const finding of findings) {
      expect(finding.summary).toMatch(/\S/);
      if (finding.outcome !== 'fail') expect(finding.fix).toBeNull();
    }
  }
}
