/**
 * The whole diagnosis against `zcat *.log.gz | awk '$9 == 502'` and against `zcat` on two processes to nowhere, on the same files, in turns.
 *
 *     node bench/bench.ts [--lines 0.5,1,2,4] [--rounds 5] [--dist] [--engine] [--gate 1.5]
 *
 * --lines   millions of lines; logs are generated once under .bench/
 * --dist    runs the bundle instead of the sources      --engine  reads the log without diagnosing
 * --gate    fails when the CPU time is more than so many times that of zcat, from two million lines up
 *
 * Each figure is the median over the rounds; ratios are formed within a round. CPU time is user and system time of all processes of a command.
 * Files are read once before, so all runs find them in memory.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeIncident } from './generate.ts';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '0.5,1,2,4' },
    rounds: { type: 'string', default: '5' },
    dist: { type: 'boolean', default: false },
    engine: { type: 'boolean', default: false },
    gate: { type: 'string' },
  },
});

interface Run {
  /** Seconds. */
  wall: number;
  cpu: number;
  /** Bytes; null where it is not measured. */
  peak: number | null;
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** Runs a bash command and measures it with all its children. Throws when it fails. */
function measured(command: string): Run {
  const peakFile = join(tmpdir(), `alb502-peak-${process.pid}`);
  const { status, stderr } = spawnSync(
    'bash',
    ['-c', `TIMEFORMAT='%3R %3U %3S'; set -o pipefail; time { ${command}; }`],
    {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, BENCH_PEAK: peakFile, LC_ALL: 'C' },
    },
  );
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
  const [wall = 0, user = 0, system = 0] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  const peak = existsSync(peakFile) ? Number(readFileSync(peakFile, 'utf8')) : null;
  rmSync(peakFile, { force: true });
  return { wall, cpu: user + system, peak };
}

const median = (numbers: readonly number[]): number => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
};

const node = `${quoted(process.execPath)} --import ${quoted(join(root, 'bench/peak.ts'))}`;
const cli = values.dist ? 'dist/cli.js' : 'src/cli.ts';
const bytes = (folder: string) =>
  Number(execFileSync('bash', ['-c', `cat ${quoted(folder)}/logs/*.log.gz | wc -c`], { encoding: 'utf8' }));

async function compare(millions: number, rounds: number): Promise<{ cpuRatio: number }> {
  const folder = join(root, '.bench', String(millions));
  if (!existsSync(join(folder, 'incident.json'))) {
    process.stderr.write(`generating ${millions} million lines in ${folder}\n`);
    rmSync(folder, { recursive: true, force: true });
    await writeIncident(folder, millions * 1_000_000);
  }
  const size = bytes(folder);
  const logs = `${quoted(folder)}/logs/*.log.gz`;
  const commands = {
    zcat: `ls ${logs} | xargs -P2 -n1 zcat > /dev/null`,
    oneLiner: `zcat ${logs} | awk '$9 == 502' > /dev/null`,
    diagnosis: values.engine
      ? `${node} bench/read.ts ${quoted(folder)} > /dev/null`
      : `${node} ${cli} diagnose --from ${quoted(folder)} --json > /dev/null`,
  };
  const runs = Array.from({ length: rounds }, () => ({
    zcat: measured(commands.zcat),
    oneLiner: measured(commands.oneLiner),
    diagnosis: measured(commands.diagnosis),
  }));
  const of = (pick: (round: (typeof runs)[number]) => number) => median(runs.map(pick));
  const cpuRatio = of(({ diagnosis, zcat }) => diagnosis.cpu / zcat.cpu);
  const row = [
    millions.toFixed(1),
    (size / 1e6).toFixed(0),
    of(({ zcat }) => zcat.wall).toFixed(2),
    of(({ oneLiner }) => oneLiner.wall).toFixed(2),
    of(({ diagnosis }) => diagnosis.wall).toFixed(2),
    of(({ diagnosis, zcat }) => diagnosis.wall / zcat.wall).toFixed(2),
    cpuRatio.toFixed(2),
    of(({ oneLiner, diagnosis }) => oneLiner.wall / diagnosis.wall).toFixed(2),
    of(({ diagnosis }) => (millions * 1_000_000) / diagnosis.wall / 1000).toFixed(0),
    (Math.max(...runs.map(({ diagnosis }) => diagnosis.peak ?? 0)) / 2 ** 20).toFixed(0),
  ];
  process.stdout.write(`| ${row.join(' | ')} |\n`);
  return { cpuRatio };
}

/** How long the program takes to say how it is used, in units of an empty program. */
function startUp(): number {
  const ratios = Array.from({ length: 11 }, () => {
    const empty = measured(`${quoted(process.execPath)} -e 0`);
    return measured(`${quoted(process.execPath)} dist/cli.js --help > /dev/null`).wall / empty.wall;
  });
  return median(ratios);
}

const rounds = Math.max(1, Number(values.rounds));
const sizes = values.lines.split(',').map(Number);
if (sizes.some((size) => !(size > 0))) throw new RangeError(`--lines ${values.lines}: give millions, such as 0.5,2`);

const what = values.engine ? 'the log engine alone' : `${cli} diagnose --from`;
process.stdout.write(
  `${what} · node ${process.version} · ${availableParallelism()} × ${cpus()[0]?.model ?? '?'} · ${rounds} rounds\n\n`,
);
process.stdout.write(
  '| M lines | MB gz | zcat ×2 s | one-liner s | diagnosis s | wall / zcat ×2 | CPU / zcat | one-liner / diagnosis | k lines/s | peak MiB |\n',
);
process.stdout.write('| -: | -: | -: | -: | -: | -: | -: | -: | -: | -: |\n');
const limit = values.gate === undefined ? null : Number(values.gate);
for (const size of sizes) {
  const { cpuRatio } = await compare(size, rounds);
  if (limit !== null && size >= 2 && cpuRatio > limit) {
    process.stderr.write(`CPU time is ${cpuRatio.toFixed(2)} times zcat's; at most ${limit} is wanted\n`);
    process.exitCode = 1;
  }
}
if (existsSync(join(root, 'dist/cli.js'))) {
  process.stdout.write(`\ndist/cli.js --help takes ${startUp().toFixed(2)} times as long as node -e 0\n`);
}
// What a live diagnosis adds to the round trips it needs; a gate and the engine alone are about the log.
if (!values.engine && values.gate === undefined) {
  await import('./latency.ts');
  // The bot under load.
  await import('./slack.ts');
  await import('./alarms.ts');
}
