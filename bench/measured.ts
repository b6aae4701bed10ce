/**
 * Runs a bash command and measures it with all its children: wall time, CPU time, and the peak memory of a process
 * preloaded with peak.mjs.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Measured {
  /** Seconds; `cpu` is user and system time. */
  wall: number;
  cpu: number;
  /** Bytes; null if not measured. */
  peak: number | null;
  /** Standard output of the command. */
  stdout: string;
}

/** Throws if the command fails. `cwd`: its working folder. */
export function measured(command: string, cwd: string): Measured {
  const peakFile = join(tmpdir(), `alb502-peak-${process.pid}`);
  const { status, stdout, stderr } = spawnSync(
    'bash',
    ['-c', `TIMEFORMAT='%3R %3U %3S'; set -o pipefail; time { ${command}; }`],
    { cwd, encoding: 'utf8', maxBuffer: 2 ** 28, env: { ...process.env, BENCH_PEAK: peakFile, LC_ALL: 'C' } },
  );
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
  const [wall = 0, user = 0, system = 0] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  const peak = existsSync(peakFile) ? Number(readFileSync(peakFile, 'utf8')) : null;
  rmSync(peakFile, { force: true });
  return { wall, cpu: user + system, peak, stdout };
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The smallest value that at least this share of the values does not exceed. */
export const percentile = (numbers: readonly number[], share: number): number =>
  [...numbers].sort((a, b) => a - b)[Math.max(0, Math.ceil(share * numbers.length) - 1)] ?? Number.NaN;

export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
