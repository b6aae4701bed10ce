/**
 * Measures the keep-alive measurement over a day of logs against one plain scan of the same files (`zcat` without output,
 * one process):
 *
 *     node bench/keep-alive.ts [--lines 10] [--rounds 3]
 *
 * --lines   millions of lines; logs are generated once under .bench/
 *
 * Measures two ways: the engine reads all files with the whole day as its window, which answers every question including
 * the gaps; and a diagnosis of the last 15 minutes looks back over all files (`--look-back`), which reads its own files
 * first and then all. Each figure is the median over the rounds; ratios are formed within a round. Files are read once
 * before.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeIncident } from './generate.ts';
import { type Measured, measured, median, quoted } from './measured.ts';

const QUARTER_MS = 15 * 60_000;

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: { lines: { type: 'string', default: '10' }, rounds: { type: 'string', default: '3' } },
});
const millions = Number(values.lines);
const rounds = Math.max(1, Number(values.rounds));
if (!(millions > 0)) throw new RangeError(`--lines ${values.lines}: give millions, such as 10`);

const folder = join(root, '.bench', `ordinary-${millions}`);
if (!existsSync(join(folder, 'incident.json'))) {
  process.stderr.write(`generating ${millions} million lines in ${folder}\n`);
  rmSync(folder, { recursive: true, force: true });
  await writeIncident(folder, millions * 1_000_000, 'ordinary');
}
const { to } = JSON.parse(readFileSync(join(folder, 'incident.json'), 'utf8')) as { to: string };
const minute = (time: number) => new Date(time).toISOString().slice(0, 16);
const quarter = `from ${minute(Date.parse(to) - QUARTER_MS)} to ${minute(Date.parse(to))}`;
const node = `${quoted(process.execPath)} --import ${quoted(join(root, 'bench/peak.mjs'))}`;
const diagnose = `${node} src/cli.ts diagnose --from ${quoted(folder)} ${quarter} --json`;
const commands = {
  scan: `cat ${quoted(folder)}/logs/*.log.gz | zcat > /dev/null`,
  whole: `${node} bench/read.ts ${quoted(folder)}`,
  quarter: diagnose,
  lookBack: `${diagnose} --look-back 7d`,
};
type Name = keyof typeof commands;
const names = Object.keys(commands) as Name[];

measured(commands.scan, root);
const runs = Array.from(
  { length: rounds },
  () => Object.fromEntries(names.map((name) => [name, measured(commands[name], root)])) as Record<Name, Measured>,
);
const LABELS: Record<Name, string> = {
  scan: 'zcat to nowhere',
  whole: 'the engine, all questions and the gaps',
  quarter: 'a diagnosis of the last 15 minutes',
  lookBack: 'the same with --look-back over all',
};
process.stdout.write(
  `${millions} million lines · node ${process.version} · ${availableParallelism()} × ${cpus()[0]?.model ?? '?'} · ${rounds} rounds\n\n| | wall s | CPU s | wall / scan | CPU / scan | peak MiB |\n| - | -: | -: | -: | -: | -: |\n`,
);
for (const name of names) {
  const of = (pick: (run: Record<Name, Measured>) => number, digits = 2) => median(runs.map(pick)).toFixed(digits);
  const peak = Math.max(...runs.map((run) => run[name].peak ?? 0)) / 2 ** 20;
  const row = [
    LABELS[name],
    of((run) => run[name].wall, 1),
    of((run) => run[name].cpu, 1),
    of((run) => run[name].wall / run.scan.wall),
    of((run) => run[name].cpu / run.scan.cpu),
    peak > 0 ? peak.toFixed(0) : '-',
  ];
  process.stdout.write(`| ${row.join(' | ')} |\n`);
}
/** Per target group: examined errors, controls, and number of gaps. */
const { gaps } = JSON.parse(runs[0]?.whole.stdout ?? '{}') as { gaps?: unknown[] };
for (const gap of gaps ?? []) process.stdout.write(`\n${JSON.stringify(gap)}`);
process.stdout.write('\n');
