/** The measurements as a table, with their aims. Pure. */
import type { Traffic } from './generate.ts';

/** Medians of one log over the rounds; ratios are formed within a round. */
export interface Compared {
  traffic: Traffic;
  millions: number;
  /** MB, compressed. */
  size: number;
  /** Seconds of wall time: the diagnosis, `zcat` in two processes, and `zcat | awk`. */
  diagnosis: number;
  zcat: number;
  oneLiner: number;
  /** Seconds of CPU time of the diagnosis. */
  cpuSeconds: number;
  /** CPU time relative to zcat, with the smallest and largest of any round. */
  cpu: number;
  cpuRange: readonly [number, number];
  /** Wall time relative to zcat in two processes. */
  wall: number;
  /** Wall time of the one-liner relative to the diagnosis. */
  faster: number;
  /** MiB. */
  peak: number;
  /** Lines that are neither an entry nor a reject. */
  lost: number;
  /** Share of the CPU time that other processes used before the first round. */
  busy: number;
}

/** When and where the rounds were run. `machine`: processors and Node; `date`: YYYY-MM-DD. */
interface BenchRun {
  machine: string;
  date: string;
  rounds: number;
}

/**
 * An aim applies from `from` million lines up to the next aim.
 */
const AIMS = [
  { from: 1, cpu: 1.1, wall: 1, faster: 0 },
  { from: 4, cpu: 0.7, wall: 0.65, faster: 3.5 },
] as const;
/** MiB at most. */
const AIM_PEAK = 1024;
/** Highest ratio of CPU time per line between the largest log and a smaller one of the same traffic. */
const AIM_GROWTH = 1.1;

export interface Judged {
  aim: string;
  isMet: boolean;
}

/** The aims as sentences, each with its measurement and whether it is met. */
export function judged(all: readonly Compared[]): Judged[] {
  const list = (of: readonly Compared[], pick: (one: Compared) => number, digits: number) =>
    of.map((one) => `${pick(one).toFixed(digits)} (${one.traffic} ${one.millions} M)`).join(', ');
  const bySize = AIMS.flatMap((aim, index): Judged[] => {
    const below = AIMS[index + 1]?.from ?? Number.POSITIVE_INFINITY;
    const of = all.filter(({ millions }) => millions >= aim.from && millions < below);
    if (of.length === 0) return [];
    const size =
      below === Number.POSITIVE_INFINITY ? `from ${aim.from} M lines up` : `from ${aim.from} M to ${below} M lines`;
    return [
      {
        aim: `CPU time ${size} at most ${aim.cpu} times that of zcat: ${list(of, ({ cpu }) => cpu, 2)}`,
        isMet: of.every(({ cpu }) => cpu <= aim.cpu),
      },
      {
        aim: `wall time ${size} at most ${aim.wall} times that of two zcat: ${list(of, ({ wall }) => wall, 2)}`,
        isMet: of.every(({ wall }) => wall <= aim.wall),
      },
      ...(aim.faster === 0
        ? []
        : [
            {
              aim: `${size} at least ${aim.faster} times as fast as zcat | awk: ${list(of, ({ faster }) => faster, 1)}`,
              isMet: of.every(({ faster }) => faster >= aim.faster),
            },
          ]),
    ];
  });
  const largestOf = (of: Traffic): Compared =>
    all.filter(({ traffic }) => traffic === of).reduce((a, b) => (b.millions > a.millions ? b : a));
  const smaller = all.filter((one) => one !== largestOf(one.traffic));
  /** How much more a line of the largest log takes than one of a smaller log of the same traffic, at most. */
  const growth = (pick: (one: Compared) => number) =>
    Math.max(
      ...smaller.map((one) => {
        const largest = largestOf(one.traffic);
        return pick(largest) / largest.millions / (pick(one) / one.millions);
      }),
    );
  const peakGrowth = growth(({ peak }) => peak);
  const cpuGrowth = growth(({ cpuSeconds }) => cpuSeconds);
  const lost = all.reduce((sum, one) => sum + Math.abs(one.lost), 0);
  return [
    ...bySize,
    {
      aim: `peak memory at most ${AIM_PEAK} MiB: ${list(all, ({ peak }) => peak, 0)}`,
      isMet: all.every(({ peak }) => peak <= AIM_PEAK),
    },
    ...(smaller.length === 0
      ? []
      : [
          {
            aim: `peak memory for a line of the largest log less than for one of a smaller log: ${peakGrowth.toFixed(2)} times`,
            isMet: peakGrowth < 1,
          },
          {
            aim: `CPU time for a line of the largest log at most ${AIM_GROWTH} times that of a smaller log: ${cpuGrowth.toFixed(2)}`,
            isMet: cpuGrowth <= AIM_GROWTH,
          },
        ]),
    { aim: `every line is an entry or a reject: ${lost} are neither`, isMet: lost === 0 },
  ];
}

const COLUMNS = [
  'Log',
  'M lines',
  'MB gz',
  'Diagnosis',
  '2 × `zcat`',
  '`zcat \\| awk`',
  'CPU',
  'CPU / `zcat`',
  'wall / 2 × `zcat`',
  'faster than `zcat \\| awk`',
  'Peak',
  'Lines lost',
];

export const tableHead = (): string => `| ${COLUMNS.join(' | ')} |\n| - |${' -: |'.repeat(COLUMNS.length - 1)}\n`;

export function tableRow(one: Compared): string {
  const seconds = (value: number) => `${value.toFixed(1)} s`;
  const [least, most] = one.cpuRange;
  const cells = [
    ...[one.traffic, one.millions.toFixed(1), one.size.toFixed(0)],
    ...[one.diagnosis, one.zcat, one.oneLiner, one.cpuSeconds].map(seconds),
    `${one.cpu.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`,
    ...[one.wall.toFixed(2), `${one.faster.toFixed(1)} ×`, `${one.peak.toFixed(0)} MiB`, String(one.lost)],
  ];
  return `| ${cells.join(' | ')} |\n`;
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

/** Returns the table of one run for the README. */
export function readmeTable(all: readonly Compared[], { machine, date }: BenchRun): string {
  const rows = all.map(
    ({ traffic, millions, size, diagnosis, wall, cpu }) =>
      `| ${traffic} | ${millions.toFixed(1)} | ${size.toFixed(0)} | ${diagnosis.toFixed(1)} s | ${wall.toFixed(2)} | ${cpu.toFixed(2)} |\n`,
  );
  return `| Log | M lines | MB gz | Whole diagnosis | wall / 2 × \`zcat\` | CPU / \`zcat\` |
| - | -: | -: | -: | -: | -: |
${rows.join('')}
${date}, ${machine}.
`;
}

/** Returns the page docs/bench.md of one run. */
export function benchPage(all: readonly Compared[], run: BenchRun): string {
  const aims = judged(all).map(({ aim, isMet }) => `- ${isMet ? 'Met' : 'Not met'}: ${aim}.\n`);
  return `# How fast the embedded engine is

A whole diagnosis, start-up included, of log files in the page cache, beside \`zcat\` of the same files in two processes, and beside
\`zcat *.log.gz | awk '$9 == 502'\`. Times are medians of ${run.rounds === 1 ? 'one round' : `${run.rounds} rounds`}, the peak is the highest; the commands take turns, and ratios are formed within a round.
CPU time is user and system time of all processes of a command.

Measured on ${run.date}: ${run.machine}. Before the rounds, other processes used at most ${percent(Math.max(...all.map(({ busy }) => busy)))} of the CPU.

${tableHead()}${all.map(tableRow).join('')}
"ordinary" and "heavy" are the two generated logs of \`bench/generate.ts\` and \`bench/generate-heavy.ts\`: about 740 and 1,000 bytes a line. In
the heavy one, 1 % of the requests fail, and 300,000 clients ask 240 targets. Files of other load balancers in the folder are read by none of
the commands.

## Aims

${aims.join('')}
\`npm run bench -- --lines ${[...new Set(all.map(({ millions }) => millions))].join(',')} --write\` measures again, and rewrites this page and the table of the README.
`;
}
