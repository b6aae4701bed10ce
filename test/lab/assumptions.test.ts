/** docs/assumptions.md is what the list says, and no verdict is surer than what it rests on. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Diagnosis } from '../../src/diagnose/diagnosis.ts';
import { assumptions, assumptionsPage, tooSure } from './assumptions.ts';

const root = join(import.meta.dirname, '../..');

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
});
