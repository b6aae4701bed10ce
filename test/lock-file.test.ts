import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('says of every package of the lock file what its content hashes to', () => {
  const lock: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '../package-lock.json'), 'utf8'));
  const packages = Object.entries((lock as { packages: Record<string, { integrity?: string }> }).packages);
  expect(packages.length).toBeGreaterThan(200);
  expect(packages.filter(([path, { integrity }]) => path !== '' && !integrity?.startsWith('sha512-'))).toEqual([]);
});
