/** The chunks of the bundle are found by name, and everything else as Node finds it. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/incident/folder.ts';

const source = join(import.meta.dirname, '../../src/commands/resolve-chunks.ts');

/** What an import from a folder like dist/ gives, with or without the hook. */
function imported(specifier: string, isHooked = true): string {
  const folder = temporaryFolder();
  copyFileSync(source, join(folder, 'resolve-chunks.mts'));
  // Node would take a chunk for CommonJS, and refuse it.
  writeFileSync(join(folder, 'package.json'), '{"type":"commonjs"}');
  writeFileSync(join(folder, 'chunk-AB12.js'), 'export const from = "dist";');
  mkdirSync(join(folder, 'below'));
  writeFileSync(join(folder, 'below/package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'below/chunk-AB12.js'), 'export const from = "below";');
  writeFileSync(join(folder, 'below/index.js'), 'export * from "./chunk-AB12.js";');
  const hook = 'import { resolveChunks } from "./resolve-chunks.mts"; resolveChunks();';
  const entry = `${isHooked ? hook : ''} console.log((await import(${JSON.stringify(specifier)})).from);`;
  writeFileSync(join(folder, 'entry.mjs'), entry);
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'entry.mjs')], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : stderr;
}

it.each([
  ['./chunk-AB12.js', 'dist'],
  ['./below/chunk-AB12.js', 'below'],
  ['./below/index.js', 'below'],
  ['node:buffer', 'undefined'],
])('%s is from %s', (specifier, from) => {
  expect(imported(specifier)).toBe(from);
});

it('asks Node for a chunk without the hook', () => {
  expect(imported('./chunk-AB12.js', false)).toContain('SyntaxError');
});
