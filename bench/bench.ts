/**
 * The whole diagnosis, as it is installed, against `zcat *.log.gz | awk '$9 == 502'` and against `zcat` on two processes to nowhere, on the
 * same files, in turns; and whether that is as fast as it is meant to be.
 *
 *     node bench/bench.ts [--lines 0.5,1,2,4] [--rounds 5] [--sources | --engine] [--gate]
 *
 * --lines     millions of lines; logs are generated once under .bench/
 * --sources   runs the sources instead of the bundle, which is built first      --engine   reads the log without diagnosing
 * --gate      measures nothing else, and fails when an aim is not met
 *
 * Each figure is the median over the rounds; ratios are formed within a round. CPU time is user and system time of all processes of a command.
 * Files are read once before, so all runs find them in memory.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeIncident } from './generate.ts';
import { measured as measuredIn, median, quoted } from './measured.ts';

/** From so many million lines up. */
const AIM_FROM = 2;
/** CPU time over that of zcat, at most. */
const AIM_CPU = 1.5;
/** Wall time of the one-liner over that of the diagnosis, at least. Processes that share the machine disturb it: CPU time decides. */
const AIM_ONE_LINER = 1.5;
/** MiB, at most. */
const AIM_PEAK = 1024;
/** CPU time for a line of the largest log over that for a line of any other, at most. */
const AIM_GROWTH = 1.1;

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '0.5,1,2,4' },
    rounds: { type: 'string', default: '5' },
    sources: { type: 'boolean', default: false },
    engine: { type: 'boolean', default: false },
    gate: { type: 'boolean', default: false },
  },
});

const measured = (command: string) => measuredIn(command, root);
const node = `${quoted(process.execPath)} --import ${quoted(join(root, 'bench/peak.mjs'))}`;
const cli = values.sources ? 'src/cli.ts' : 'dist/cli.js';
const bytes = (folder: string) =>
  Number(execFileSync('bash', ['-c', `cat ${quoted(folder)}/logs/*.log.gz | wc -c`], { encoding: 'utf8' }));

interface Compared {
  millions: number;
  /** CPU time over that of zcat. */
  cpu: number;
  /** Seconds. */
  cpuSeconds: number;
  /** Wall time of the one-liner over that of the diagnosis. */
  oneLiner: number;
  /** MiB. */
  peak: number;
  /** Lines that are neither an entry nor a reject. */
  lost: number;
}

async function compare(millions: number, rounds: number): Promise<Compared> {
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
  const lost = lostLines(folder);
  const runs = Array.from({ length: rounds }, () => ({
    zcat: measured(commands.zcat),
    oneLiner: measured(commands.oneLiner),
    diagnosis: measured(commands.diagnosis),
  }));
  const of = (pick: (round: (typeof runs)[number]) => number) => median(runs.map(pick));
  const compared: Compared = {
    millions,
    cpu: of(({ diagnosis, zcat }) => diagnosis.cpu / zcat.cpu),
    cpuSeconds: of(({ diagnosis }) => diagnosis.cpu),
    oneLiner: of(({ oneLiner, diagnosis }) => oneLiner.wall / diagnosis.wall),
    peak: Math.max(...runs.map(({ diagnosis }) => diagnosis.peak ?? 0)) / 2 ** 20,
    lost,
  };
  const row = [
    millions.toFixed(1),
    (size / 1e6).toFixed(0),
    of(({ zcat }) => zcat.wall).toFixed(2),
    of(({ zcat }) => zcat.cpu).toFixed(2),
    of(({ oneLiner }) => oneLiner.wall).toFixed(2),
    of(({ oneLiner }) => oneLiner.cpu).toFixed(2),
    of(({ diagnosis }) => diagnosis.wall).toFixed(2),
    compared.cpuSeconds.toFixed(2),
    compared.cpu.toFixed(2),
    of(({ diagnosis, zcat }) => diagnosis.wall / zcat.wall).toFixed(2),
    compared.oneLiner.toFixed(2),
    (compared.cpuSeconds / millions).toFixed(2),
    compared.peak.toFixed(0),
    lost,
  ];
  process.stdout.write(`| ${row.join(' | ')} |\n`);
  return compared;
}

/** Lines of the files the engine takes, by `wc`, that it counts neither as entries nor as rejects. */
function lostLines(folder: string): number {
  const { stdout } = measured(`${node} bench/read.ts ${quoted(folder)}`);
  const read: { entries: number; rejected: { lines: number } } = JSON.parse(stdout);
  const { stdout: all } = measured(`cat ${quoted(folder)}/logs/*_app.shop.*.log.gz | zcat | wc -l`);
  return Number(all) - read.entries - read.rejected.lines;
}

/** The aims in words, each with what was measured and whether it is met. */
function judged(all: readonly Compared[]): { aim: string; isMet: boolean }[] {
  // Below, what a diagnosis takes however small the log is outweighs what a line takes.
  const large = all.filter(({ millions }) => millions >= AIM_FROM);
  const per = ({ cpuSeconds, millions }: Compared) => cpuSeconds / millions;
  const last = all.at(-1);
  const growth = last === undefined ? 0 : Math.max(...all.map((one) => per(last) / per(one)));
  const lost = all.reduce((sum, one) => sum + Math.abs(one.lost), 0);
  const named = (pick: (one: Compared) => number, digits: number) =>
    large.map((one) => pick(one).toFixed(digits)).join(', ');
  return [
    {
      aim: `CPU time at most ${AIM_CPU} times zcat's: ${named(({ cpu }) => cpu, 2)}`,
      isMet: large.every(({ cpu }) => cpu <= AIM_CPU),
    },
    {
      aim: `at least ${AIM_ONE_LINER} times as fast as the one-liner: ${named(({ oneLiner }) => oneLiner, 2)}`,
      isMet: large.every(({ oneLiner }) => oneLiner >= AIM_ONE_LINER),
    },
    {
      aim: `at most ${AIM_PEAK} MiB: ${named(({ peak }) => peak, 0)}`,
      isMet: large.every(({ peak }) => peak <= AIM_PEAK),
    },
    {
      aim: `a line of the largest log takes at most ${AIM_GROWTH} times as long as one of another: ${growth.toFixed(2)}`,
      isMet: growth <= AIM_GROWTH,
    },
    { aim: `every line is an entry or a reject: ${lost} are neither`, isMet: lost === 0 },
  ];
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
const sizes = values.lines
  .split(',')
  .map(Number)
  .sort((a, b) => a - b);
if (sizes.some((size) => !(size > 0))) throw new RangeError(`--lines ${values.lines}: give millions, such as 0.5,2`);
if (!values.sources && !values.engine) measured(`${quoted(process.execPath)} build.mjs`);

const what = values.engine ? 'the log engine alone' : `${cli} diagnose --from`;
process.stdout.write(
  `${what} · node ${process.version} · ${availableParallelism()} × ${cpus()[0]?.model ?? '?'} · ${rounds} rounds\n\n`,
);
const columns = [
  ...['M lines', 'MB gz', 'zcat ×2 s', 'CPU s', 'one-liner s', 'CPU s', 'diagnosis s', 'CPU s'],
  ...['CPU / zcat', 'wall / zcat ×2', 'one-liner / diagnosis', 'CPU µs a line', 'peak MiB', 'lines lost'],
];
process.stdout.write(`| ${columns.join(' | ')} |\n|${' -: |'.repeat(columns.length)}\n`);
const all: Compared[] = [];
for (const size of sizes) all.push(await compare(size, rounds));
process.stdout.write(`\nFrom ${AIM_FROM} million lines up:\n`);
for (const { aim, isMet } of sizes.some((size) => size >= AIM_FROM) ? judged(all) : []) {
  process.stdout.write(`- ${isMet ? 'met' : 'NOT MET'}: ${aim}\n`);
  if (values.gate && !isMet) process.exitCode = 1;
}
if (existsSync(join(root, 'dist/cli.js'))) {
  process.stdout.write(`\ndist/cli.js --help takes ${startUp().toFixed(2)} times as long as node -e 0\n`);
}
// What a live diagnosis adds to the round trips it needs; a gate and the engine alone are about the log.
if (!values.engine && !values.gate) {
  await import('./latency.ts');
  // The bot under load.
  await import('./slack.ts');
  await import('./alarms.ts');
}
