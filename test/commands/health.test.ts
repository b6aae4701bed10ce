/** `alb502 health`, as a container runs it. */
import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';

const run = promisify(execFile);
const cli = join(import.meta.dirname, '../../src/cli.ts');
let server: Server;
let port: number;

beforeAll(async () => {
  server = createServer(({ url }, response) => {
    response.writeHead(url === '/healthz' ? 200 : 503).end(url === '/healthz' ? 'ok' : 'no socket');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.close();
});

async function health(words: string[], environment: Record<string, string> = {}) {
  const env = { PATH: process.env.PATH ?? '', ...environment };
  const answer = run(process.execPath, [cli, 'health', ...words], { env });
  return await answer.then(
    ({ stdout }) => ({ code: 0, says: stdout.trim() }),
    (error: { code: number; stderr: string }) => ({ code: error.code, says: error.stderr.trim() }),
  );
}

it.each([
  { name: 'the port of the environment', environment: () => ({ ALB502_HEALTH_PORT: `${port}` }) },
  {
    name: 'the port of Slack with http',
    environment: () => ({ ALB502_CONFIG_JSON: `{"slack":{"mode":"http","port":${port}}}` }),
  },
  {
    name: 'the environment alone if the configuration is stored in AWS',
    environment: () => ({ ALB502_CONFIG: 'ssm:/alb502', ALB502_HEALTH_PORT: `${port}` }),
  },
])('calls $name', async ({ environment }) => {
  expect(await health([], environment())).toEqual({ code: 0, says: 'ok' });
});

it('fails if Slack cannot reach the bot', async () => {
  expect(await health(['--ready', '--port', `${port}`])).toEqual({
    code: 2,
    says: `http://127.0.0.1:${port}/readyz answers 503: no socket`,
  });
});

it('fails if nothing answers', async () => {
  const free = await freePort();
  expect(await health(['--port', `${free}`])).toEqual({
    code: 2,
    says: `Nothing answers at http://127.0.0.1:${free}/healthz: alb502 serve is not running, or uses another port.`,
  });
});

it('rejects an invalid port', async () => {
  expect(await health(['--port', 'http'])).toEqual({
    code: 1,
    says: '--port http is not a port: give a number from 1 to 65535.',
  });
});
