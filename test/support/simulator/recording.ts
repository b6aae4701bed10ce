/** A recorded incident: a scenario, what is left out of or added to its folder, and what a diagnosis must and must not say. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Edge } from '../../../src/evidence/edge.ts';
import { type LogFile, logFiles } from './log-files.ts';
import { loadBalancerPath } from './names.ts';
import { Random } from './random.ts';
import type { Row } from './row.ts';
import type { Scenario } from './scenario.ts';
import { type Simulation, simulate } from './simulate.ts';

export interface Recording {
  name: string;
  scenario: Scenario;
  /** Leave these out of the folder: names of files in aws/, 'aws', 'metrics'. */
  without?: string[];
  /** Changes the log files: files that have not arrived, damage, files of another kind. */
  logs?: (files: LogFile[], simulation: Simulation) => LogFile[];
  aws?: (files: Record<string, unknown>) => Record<string, unknown>;
  /** Hops in front, with the 5xx in its log. */
  edge?: (simulation: Simulation) => Edge;
  /** How far before the window the access log is read too, for the keep-alive measurement. */
  lookBackSeconds?: number;
  expected: (simulation: Simulation) => Expectation;
  /** More requests than the scenario has. */
  noise?: (rows: readonly Row[]) => Row[];
}

/** What the diagnosis must say, from the truth and the contract. */
export interface Expectation {
  /** Asked statuses, where not every 5xx. */
  statuses?: string[];
  verdict: { cause: string | null; standing: string | string[] };
  /** For undecided verdicts: exactly these, or, where what is seen may narrow it differently, these at least. */
  between?: string[];
  betweenAtLeast?: string[];
  /** Share of the errors that a confirmed or likely cause explains: at least, at most. */
  explains?: Record<string, [number, number]>;
  /** Standing must be ruled-out. */
  ruledOut: string[];
  /** Standing must be neither confirmed nor likely. */
  mustNotClaim: string[];
  /** The verdict's sentence must contain these. */
  names?: string[];
  /** Neither the verdict's sentence nor a fix may contain these. */
  mustNotName?: string[];
  /** Over the readable log; null where the log cannot tell. */
  errors?: number;
  requests?: number;
  byStatus?: Record<string, number>;
  signatures?: Record<string, number>;
  /** Outcomes by step number. */
  steps?: Record<string, string | string[]>;
  why: string;
}

export function writeRecording(
  recording: Recording,
  root: string,
): { simulation: Simulation; expected: Expectation; bytes: number } {
  const { scenario } = recording;
  const folder = join(root, recording.name);
  clear(folder);
  const simulation = simulate(scenario, recording.noise);
  let bytes = 0;
  const write = (path: string, content: string | Buffer) => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    bytes += content.length;
  };
  const json = (path: string, value: unknown) => write(path, readable(value));
  const left = new Set(recording.without ?? []);

  json('incident.json', {
    loadBalancer: loadBalancerPath(scenario.loadBalancer),
    ...scenario.window,
    ...(recording.lookBackSeconds === undefined ? {} : { lookBack: recording.lookBackSeconds }),
  });
  const files = logFiles(scenario.loadBalancer, simulation.lines, new Random(scenario.seed).stream('file names'));
  for (const file of (recording.logs ?? ((same) => same))(files, simulation)) write(`logs/${file.path}`, file.bytes);
  if (!left.has('metrics'))
    write('metrics.json', `[\n${simulation.metrics.map((series) => JSON.stringify(series)).join(',\n')}\n]\n`);
  if (!left.has('aws'))
    for (const [name, content] of Object.entries((recording.aws ?? ((same) => same))(simulation.aws)))
      if (!left.has(name)) json(`aws/${name}.json`, content);
  if (recording.edge !== undefined) json('edge.json', recording.edge(simulation));
  const expected = recording.expected(simulation);
  json('expected.json', expected);
  return { simulation, expected, bytes };
}

/** Removes what a recording consists of; what others keep beside it stays. */
export function clear(folder: string): void {
  for (const part of ['incident.json', 'logs', 'metrics.json', 'edge.json', 'aws', 'expected.json'])
    rmSync(join(folder, part), { recursive: true, force: true });
}

/** JSON with the outer levels on lines of their own. */
export function readable(value: unknown, indent = '', levels = 3): string {
  const end = indent === '' ? '\n' : '';
  if (levels === 0 || typeof value !== 'object' || value === null || Object.keys(value).length === 0)
    return JSON.stringify(value) + end;
  const inner = `${indent} `;
  const parts = Object.entries(value).map(
    ([key, part]) =>
      `${inner}${Array.isArray(value) ? '' : `${JSON.stringify(key)}: `}${readable(part, inner, levels - 1)}`,
  );
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  return `${open}\n${parts.join(',\n')}\n${indent}${close}${end}`;
}

/** Counts of the window, as every expectation states them. */
export function counts({ truth }: Simulation): Pick<Expectation, 'requests' | 'errors' | 'byStatus' | 'signatures'> {
  return { requests: truth.requests, errors: truth.errors, byStatus: truth.byStatus, signatures: truth.signatures };
}

/** The share of errors that really had a cause, with room for rows that cannot show it. */
export function share({ truth }: Simulation, cause: string, below = 0.05, above = 0.03): [number, number] {
  const exact = (truth.causes[cause] ?? 0) / Math.max(1, truth.errors);
  return [Math.max(0, round(exact - below)), Math.min(1, round(exact + above))];
}

const round = (value: number) => Math.round(value * 1000) / 1000;
