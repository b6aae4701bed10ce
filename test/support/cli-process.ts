/** Runs the command as an operator does, in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './incident/folder.ts';
import type { LocalSlack } from './slack/local-slack.ts';

const entry = join(import.meta.dirname, '../../src/cli.ts');

/** A run of the command, with what it has printed. */
export interface CliProcess {
  child: ChildProcess;
  said(): string;
  complained(): string;
  /** Exit code. */
  ended: Promise<number | null>;
}

/** Runs in an empty folder, in which there may be an alb502.json. */
export function alb502(words: string[], env: Record<string, string>, config?: object): CliProcess {
  const cwd = temporaryFolder();
  if (config !== undefined) writeFileSync(join(cwd, 'alb502.json'), JSON.stringify(config));
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [entry, ...words], {
    cwd,
    env: { PATH, ALB502_HEALTH_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([code]) => (typeof code === 'number' ? code : null));
  return { child, said: () => stdout, complained: () => stderr, ended };
}

export const tokens = (slack: LocalSlack) => ({
  SLACK_BOT_TOKEN: slack.botToken,
  SLACK_APP_TOKEN: slack.appToken,
  ALB502_SLACK_API_URL: slack.apiUrl,
});
