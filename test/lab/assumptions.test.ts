/** docs/assumptions.md is what the list says, and no verdict is surer than what it rests on. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readIncident } from '../../src/collect/incident/incident-collectors.ts';
import { diagnoseRecording } from '../../src/commands/diagnose-command.ts';
import type { Diagnosis } from '../../src/diagnose/diagnosis.ts';
import { captureNames, captureRoot } from '../accuracy/captures.ts';
import { assumptions, assumptionsPage } from './assumptions.ts';

const root = join(import.meta.dirname, '../..');

const unproven = new Set(
  assumptions.filter(({ standing }) => standing === 'assumed').flatMap(({ verdicts }) => verdicts as string[]),
);
const tooSure = ({ causes }: Diagnosis) =>
  causes.filter(({ id, standing }) => standing === 'confirmed' && unproven.has(id)).map(({ id }) => id);

it('docs/assumptions.md lists the assumptions (--update=all rewrites it)', async () => {
  await expect(assumptionsPage()).toMatchFileSnapshot(join(root, 'docs/assumptions.md'));
});

it('covers pool order, received_bytes, time, and FIN against RST', () => {
  expect(assumptions.map(({ about }) => about)).toEqual(
    expect.arrayContaining(['Pool order', '`received_bytes`', '`time`', 'FIN and RST']),
  );
});

describe('a verdict based on an assumption is at most likely', () => {
  it.each(globSync('test/scenarios/*/diagnosis.json', { cwd: root }).sort())('%s', (file) => {
    expect(tooSure(JSON.parse(readFileSync(join(root, file), 'utf8')) as Diagnosis)).toEqual([]);
  });

  it.each(captureNames())('for the capture %s', async (name) => {
    const { diagnosis } = await diagnoseRecording(await readIncident(join(captureRoot, name)), '');
    expect(tooSure(diagnosis)).toEqual([]);
  });
});
