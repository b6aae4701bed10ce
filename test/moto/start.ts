/** Bundles the command, starts the moto server for the tests of this folder and stops it after them. MOTO_PYTHON names a Python that has it. */
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where moto answers. */
    endpoint: string;
  }
}

export default async function start(project: TestProject): Promise<() => Promise<void>> {
  execFileSync(process.execPath, [join(import.meta.dirname, '../../build.mjs')]);
  const python = process.env.MOTO_PYTHON ?? 'python3';
  const server = spawn(python, [join(import.meta.dirname, 'server.py')], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve()));
  let complaint = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = `${complaint}${text}`.slice(-2000);
  });
  const port = await new Promise<string>((resolve, reject) => {
    server.once('error', reject);
    server.stdout.setEncoding('utf8').once('data', (text: string) => resolve(text.trim()));
    ended.then(() =>
      reject(
        new Error(
          `moto does not start with ${python}: pip install -r test/moto/requirements.txt, and MOTO_PYTHON names the Python that has it.\n${complaint}`,
        ),
      ),
    );
  });
  project.provide('endpoint', `http://127.0.0.1:${port}`);
  return async () => {
    server.stdin.end();
    await ended;
  };
}
