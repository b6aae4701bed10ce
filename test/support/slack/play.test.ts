/** `npm run slack:local`, used from two terminals. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { freePort } from '../free-port.ts';

const PLAY = join(import.meta.dirname, 'play.ts');

it('answers commands, buttons and a reader in another terminal until it is stopped', async () => {
  const env = { ...process.env, ALB502_LOCAL_PORT: String(await freePort()) };
  const first = spawn(process.execPath, [PLAY], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(first, 'exit');
  onTestFinished(() => void first.kill('SIGTERM'));
  const second = async (...words: string[]): Promise<string> =>
    (await promisify(execFile)(process.execPath, [PLAY, ...words], { env })).stdout;

  let printed = '';
  await new Promise<void>((ready) => {
    first.stdout.setEncoding('utf8').on('data', (part: string) => {
      printed += part;
      if (printed.includes('Ctrl-C ends it.')) ready();
    });
  });
  expect(printed).toMatch(/Recorded load balancers:[\s\S]*shop-prod[\s\S]*npm run slack:local -- command/);

  expect(await second('command', '003-connection')).toMatch(/web-prod/);
  expect(await second('press', 'Fix commands', '--user', 'ben')).toMatch(
    /A form is open:[\s\S]*Fix: Connection refused/,
  );
  expect(await second('press', 'Evidence', '--user', 'ben')).toMatch(/Evidence for and against each cause/);
  expect(await second('read')).toMatch(/#alerts\n\nalb502\n[\s\S]*│[\s\S]*Evidence for and against/);
  await expect(second('press', 'Nothing')).rejects.toMatchObject({
    stdout: 'No message in #alerts has a button "Nothing".\n',
  });
  await second('say', 'ALARM: checkout has too many 502');
  expect(await second('shortcut', 'message')).toMatch(/Window: \[from 2026-11-12T14:10Z to 2026-11-12T14:25Z\]/);
  expect(await second('fill')).toMatch(/sg-0e9d8c7b6a5f41302/);
  const answer = await fetch(`http://127.0.0.1:${env.ALB502_LOCAL_PORT}/command`, { method: 'POST', body: 'help' });
  expect(await answer.text()).toMatch(/only visible to ada[\s\S]*my-alb last 15m/);

  first.kill('SIGINT');
  expect(await ended).toEqual([0, null]);
  await expect(second('read')).rejects.toMatchObject({ stderr: expect.stringMatching(/npm run slack:local/) });
}, 240_000);
