import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/incident/folder.ts';

const MODULE = join(import.meta.dirname, '../../src/collect/temporary-folder.ts');

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('is removed when %s ends the process', async (signal) => {
  const told = join(temporaryFolder(), 'told');
  const script = `
    import { writeFileSync } from 'node:fs';
    import { makeTemporaryFolder, removeFoldersAt } from ${JSON.stringify(MODULE)};
    removeFoldersAt(['SIGINT', 'SIGTERM', 'SIGHUP']);
    const folder = await makeTemporaryFolder('alb502-');
    writeFileSync(folder + '/log', 'a line');
    writeFileSync(${JSON.stringify(told)}, folder);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await eventually(() => expect(existsSync(told) && readFileSync(told, 'utf8')).toBeTruthy());
  child.kill(signal);
  expect(await ended).toEqual([null, signal]);
  expect(existsSync(readFileSync(told, 'utf8'))).toBe(false);
});
