/** Commands pasted into real shells, with programs that only record how they are called. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Interactive shells, with comments, history and job control as users have them. */
const SHELLS = {
  bash: ['--norc', '--noprofile', '-i', '-s'],
  zsh: ['-f', '-i', '-s'],
} as const;
export type ShellName = keyof typeof SHELLS;

/** What the commands call; `next` marks where one ends. */
const PROGRAMS =
  'alb502 awk aws cat curl find getenforce grep head journalctl kubectl next nmap nstat openssl ss sudo sysctl ufw wc zcat'.split(
    ' ',
  );

const pathOf = (shell: ShellName): string | undefined => [`/bin/${shell}`, `/usr/bin/${shell}`].find(existsSync);

/** The shells of this machine; CI has both. */
export const shellsHere = (Object.keys(SHELLS) as ShellName[]).filter((shell) => pathOf(shell) !== undefined);

export interface Paste {
  /** For each command: the programs it ran, each with its arguments. */
  calls: string[][][];
  /** Names of files that stood in the working folder afterwards. */
  filesCreated: string[];
}

/** Pastes the commands into one interactive shell, one after another. */
export function paste(shell: ShellName, commands: readonly string[]): Paste {
  const folder = mkdtempSync(join(tmpdir(), 'alb502-paste-'));
  const [programs, home, record] = [join(folder, 'bin'), join(folder, 'home'), join(folder, 'record')];
  try {
    mkdirSync(programs);
    mkdirSync(home);
    writeFileSync(record, '');
    for (const name of PROGRAMS) {
      const path = join(programs, name);
      // One write for each call: those of a pipe run at the same time.
      writeFileSync(path, `#!/bin/sh\nprintf '%s\\0' ${name} "$@" '' '\n' >> '${record}'\n`);
      chmodSync(path, 0o755);
    }
    const text = commands.map((command, index) => `${command}\nnext ${index}\n`).join('');
    spawnSync(pathOf(shell) ?? shell, SHELLS[shell], {
      input: text,
      cwd: home,
      env: { PATH: programs, HOME: home, HISTFILE: '', LC_ALL: 'C.UTF-8' },
      timeout: 120_000,
    });
    return { calls: callsIn(readFileSync(record, 'utf8'), commands.length), filesCreated: readdirSync(home) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function callsIn(record: string, count: number): string[][][] {
  const calls: string[][][] = [];
  let current: string[][] = [];
  for (const one of record.split('\0\0\n\0')) {
    const [program = '', ...args] = one.split('\0');
    if (program === '') continue;
    if (program !== 'next') current.push([program, ...args]);
    else if (args[0] === String(calls.length)) {
      calls.push(current);
      current = [];
    }
  }
  return [...calls, ...Array<string[][]>(Math.max(0, count - calls.length)).fill([])];
}
