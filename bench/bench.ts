/**
 * Measures the installed diagnosis against `zcat *.log.gz | awk '$9 == 502'` and against `zcat` in two processes without
 * output, in turns on the same files, and compares the results with the aims.
 *
 *     node bench/bench.ts [--lines 1,4,10] [--traffic ordinary,heavy] [--rounds 5] [--sources | --engine] [--gate] [--write]
 *
 * --lines     millions of lines, 1 and 4 if not given; logs are generated once under .bench/
 * --sources   runs the sources instead of the bundle, which is otherwise built first
 * --engine    reads the log without diagnosing
 * --gate      measures nothing of AWS or Slack, and fails if an aim is missed on a quiet machine
 * --write     writes docs/bench.md and the table of the README
 *
 * Times are medians over the rounds, the peak is the highest; ratios are formed within a round. CPU time is user and system time of all
 * processes of a command. Files are read once before, so that all runs find them in memory.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { TRAFFIC, type Traffic, writeIncident } from './generate.ts';
import { measured as measuredIn, median, quoted } from './measured.ts';
import { benchPage, type Compared, judged, readmeTable, tableHead, tableRow } from './report.ts';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '1,4' },
    traffic: { type: 'string', default: TRAFFIC.join(',') },
    rounds: { type: 'string', default: '5' },
    sources: { type: 'boolean', default: false },
    engine: { type: 'boolean', default: false },
    gate: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

const measured = (command: string) => measuredIn(command, root);
const node = `${quoted(process.execPath)} --import ${quoted(join(root, 'bench/peak.mjs'))}`;
const cli = values.sources ? 'src/cli.ts' : 'dist/cli.js';

/** The files of the load balancer in question, as a pattern of the shell: the diagnosis skips the others by their names. */
function ownFiles(folder: string): string {
  const { loadBalancer }: { loadBalancer: string } = JSON.parse(readFileSync(join(folder, 'incident.json'), 'utf8'));
  return `${quoted(folder)}/logs/*_${quoted(loadBalancer.replaceAll('/', '.'))}_*.log.gz`;
}

async function compare(traffic: Traffic, millions: number, rounds: number): Promise<Compared> {
  const folder = join(root, '.bench', `${traffic}-${millions}`);
  if (!existsSync(join(folder, 'incident.json'))) {
    process.stderr.write(`generating ${millions} million lines in ${folder}\n`);
    rmSync(folder, { recursive: true, force: true });
    await writeIncident(folder, millions * 1_000_000, traffic);
  }
  const logs = ownFiles(folder);
  const size = Number(measured(`cat ${logs} | wc -c`).stdout) / 1e6;
  const commands = {
    zcat: `ls ${logs} | xargs -P2 -n1 zcat > /dev/null`,
    oneLiner: `zcat ${logs} | awk '$9 == 502' > /dev/null`,
    diagnosis: values.engine
      ? `${node} bench/read.ts ${quoted(folder)} > /dev/null`
      : `${node} ${cli} diagnose --from ${quoted(folder)} --json > /dev/null`,
  };
  const lost = lostLines(folder, logs);
  const busy = await busyShare();
  const runs = Array.from({ length: rounds }, () => ({
    zcat: measured(commands.zcat),
    oneLiner: measured(commands.oneLiner),
    diagnosis: measured(commands.diagnosis),
  }));
  const of = (pick: (round: (typeof runs)[number]) => number) => median(runs.map(pick));
  const cpu = runs.map(({ diagnosis, zcat }) => diagnosis.cpu / zcat.cpu);
  const compared: Compared = {
    ...{ traffic, millions, size, lost, busy },
    diagnosis: of(({ diagnosis }) => diagnosis.wall),
    zcat: of(({ zcat }) => zcat.wall),
    oneLiner: of(({ oneLiner }) => oneLiner.wall),
    cpuSeconds: of(({ diagnosis }) => diagnosis.cpu),
    cpu: median(cpu),
    cpuRange: [Math.min(...cpu), Math.max(...cpu)],
    wall: of(({ diagnosis, zcat }) => diagnosis.wall / zcat.wall),
    faster: of(({ oneLiner, diagnosis }) => oneLiner.wall / diagnosis.wall),
    peak: Math.max(...runs.map(({ diagnosis }) => diagnosis.peak ?? 0)) / 2 ** 20,
  };
  process.stdout.write(tableRow(compared));
  return compared;
}

/** Lines of the files that the engine counts neither as entries nor as rejects; `wc` counts all lines. */
function lostLines(folder: string, logs: string): number {
  const { stdout } = measured(`${node} bench/read.ts ${quoted(folder)}`);
  const read: { entries: number; rejected: { lines: number } } = JSON.parse(stdout);
  const { stdout: all } = measured(`cat ${logs} | zcat | wc -l`);
  return Number(all) - read.entries - read.rejected.lines;
}

/** Share of the CPU time that other processes use, measured over two seconds. */
async function busyShare(): Promise<number> {
  const times = () =>
    cpus().reduce(
      ({ idle, all }, { times: own }) => ({
        idle: idle + own.idle,
        all: all + Object.values(own).reduce((sum, time) => sum + time, 0),
      }),
      { idle: 0, all: 0 },
    );
  const before = times();
  await pause(2000);
  const after = times();
  return 1 - (after.idle - before.idle) / (after.all - before.all);
}

/** Time until the program prints its help, as a multiple of an empty program. */
function startUp(): number {
  const ratios = Array.from({ length: 11 }, () => {
    const empty = measured(`${quoted(process.execPath)} -e 0`);
    return measured(`${quoted(process.execPath)} dist/cli.js --help > /dev/null`).wall / empty.wall;
  });
  return median(ratios);
}

/** Share of the CPU time that other processes may use before the rounds of each log, if aims are to be judged. */
const QUIET = 0.05;

const rounds = Math.max(1, Number(values.rounds));
const sizes = values.lines
  .split(',')
  .map(Number)
  .sort((a, b) => a - b);
if (sizes.some((size) => !(size > 0))) throw new RangeError(`--lines ${values.lines}: give millions, such as 0.5,2`);
const kinds = TRAFFIC.filter((traffic) => values.traffic.split(',').includes(traffic));
if (kinds.length === 0) throw new RangeError(`--traffic ${values.traffic}: give ${TRAFFIC.join(' or ')}`);
if (values.write && (values.engine || values.sources))
  throw new RangeError('--write needs the whole diagnosis of the bundle: leave out --engine and --sources');
if (!values.sources && !values.engine) measured(`${quoted(process.execPath)} build.mjs`);

const machine = `Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown processor'}`;
const what = values.engine ? 'the log engine alone' : `${cli} diagnose --from`;
process.stdout.write(`${what} · ${machine} · ${rounds} rounds\n\n${tableHead()}`);
const all: Compared[] = [];
for (const traffic of kinds) for (const size of sizes) all.push(await compare(traffic, size, rounds));
process.stdout.write('\n');
// Other work on the machine lengthens every time, and ratios scatter.
const busiest = Math.max(...all.map(({ busy }) => busy));
const isQuiet = busiest <= QUIET;
for (const { aim, isMet } of judged(all)) {
  process.stdout.write(`- ${isMet ? 'met' : 'NOT MET'}: ${aim}\n`);
  if (values.gate && isQuiet && !isMet) process.exitCode = 1;
}
if (!isQuiet) {
  const share = (100 * busiest).toFixed(0);
  process.stdout.write(
    `\nOther processes used up to ${share} % of the CPU; aims are judged on a quiet machine only.\n`,
  );
}
if (values.write && !isQuiet) throw new Error('--write needs a quiet machine, and wrote nothing');
if (values.write) {
  const run = { machine, date: new Date().toISOString().slice(0, 10), rounds };
  writeFileSync(join(root, 'docs/bench.md'), benchPage(all, run));
  const readme = join(root, 'README.md');
  const [before, after] = readFileSync(readme, 'utf8').split(
    /(?<=<!-- bench:start -->\n)[\s\S]*(?=<!-- bench:end -->)/,
  );
  if (after === undefined)
    throw new Error('README.md has no place for the table: <!-- bench:start --> to <!-- bench:end -->');
  writeFileSync(readme, before + readmeTable(all, run) + after);
}
if (existsSync(join(root, 'dist/cli.js'))) {
  process.stdout.write(`\ndist/cli.js --help takes ${startUp().toFixed(2)} times as long as node -e 0\n`);
}
// Measures the time that a live diagnosis adds to its round trips; --gate, --engine and --write measure only the log.
if (!values.engine && !values.gate && !values.write) {
  await import('./latency.ts');
  // Measures the bot under load.
  await import('./slack.ts');
  await import('./alarms.ts');
}
