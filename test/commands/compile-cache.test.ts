/** The cache of compiled code: only in a folder that no other user can write to, and always silent. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/incident/folder.ts';

const { NODE_COMPILE_CACHE: _, NODE_DISABLE_COMPILE_CACHE: __, ...environment } = process.env;
const cli = join(import.meta.dirname, '../../src/cli.ts');
const own = `alb502-code-${process.getuid?.() ?? 'own'}`;

/** The command with this folder for temporary files. */
const version = (folder: string) =>
  spawnSync(process.execPath, [cli, '--version'], {
    env: { ...environment, TMPDIR: folder, TEMP: folder, TMP: folder },
    encoding: 'utf8',
  });

const WELL = { status: 0, stderr: '', stdout: expect.stringMatching(/^\d+[.]\d+[.]\d+\n$/) };

it('is kept in a folder of this user only', () => {
  const folder = temporaryFolder();
  expect(version(folder)).toMatchObject(WELL);
  expect(readdirSync(folder)).toEqual([own]);
  if (process.platform !== 'win32') expect(statSync(join(folder, own)).mode & 0o777).toBe(0o700);
  expect(readdirSync(join(folder, own), { recursive: true }).length).toBeGreaterThan(2);
  expect(version(folder)).toMatchObject(WELL);
});

it.skipIf(process.platform === 'win32').each<[string, (path: string, other: string) => void]>([
  ['others may write to', (path) => chmodSync(mkdirSync(path, { recursive: true }) ?? path, 0o777)],
  ['is a link', (path, other) => symlinkSync(other, path)],
  ['is a file', (path) => writeFileSync(path, '')],
])('is not kept if the folder %s', (_, make) => {
  const [folder, other] = [temporaryFolder(), temporaryFolder()];
  chmodSync(other, 0o700);
  make(join(folder, own), other);
  expect(version(folder)).toMatchObject(WELL);
  expect(readdirSync(other)).toEqual([]);
  expect(statSync(join(folder, own)).isDirectory() ? readdirSync(join(folder, own)) : []).toEqual([]);
});

it('is not needed if there is no temporary folder', () => {
  const nowhere = join(temporaryFolder(), 'nowhere');
  expect(version(nowhere)).toMatchObject(WELL);
  expect(existsSync(nowhere)).toBe(false);
});
