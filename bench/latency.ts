/**
 * Measures the time that a live diagnosis adds to its necessary round trips: against endpoints on 127.0.0.1 where every
 * call takes 150 ms and a query 3 s, the time to the provisional and to the final diagnosis, next to their critical path.
 * A keep-alive race takes a second query: beside the first and, for comparison, after it.
 *
 *     node bench/latency.ts [--rounds 5]
 *
 * The critical path is the shortest chain of calls that each need the previous answer. It is measured in the same round,
 * call by call over an open connection, so that the endpoints are equally slow for both. Each figure is the median over
 * the rounds, without the first round, which loads modules. `as a command` is the whole process, from start to end.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readIncident } from '../src/collect/incident/incident-collectors.ts';
import { investigateWords } from '../src/commands/diagnose-live.ts';
import { incidentFolder } from '../test/support/aws/live-run.ts';
import { median } from './measured.ts';

/** Connect timeouts, which need no search for a keep-alive edge, and a keep-alive race, which does. */
const INCIDENTS = {
  timeouts: { folder: '002', name: 'checkout', cause: 'security-group-blocked' },
  race: { folder: '001', name: 'shop-prod', cause: 'keep-alive-race' },
} as const;
const CALL_MS = 150;
const QUERY_MS = 3000;
/** A limit that leaves no room for a scan beside the first: the search for a keep-alive edge starts after it. */
const TWO_SCANS = { maxUsd: '0.0001' };
/** Milliseconds beyond the critical path; those of the command that reads from S3. */
const AIM = 300;
const AIM_S3_COMMAND = 250;

type Step = 'account' | 's3' | 'athena' | 'query';

/** Chains of calls, each of which needs the previous one. */
const PATHS = {
  // DescribeLoadBalancers, DescribeTargetGroups, DescribeTargetHealth (or GetMetricData).
  provisional: ['account', 'account', 'account'],
  // DescribeLoadBalancers, DescribeLoadBalancerAttributes, ListObjectsV2, GetObject.
  s3: ['account', 'account', 's3', 's3'],
  // DescribeLoadBalancers, DescribeLoadBalancerAttributes, GetTables, StartQueryExecution, the query,
  // GetQueryExecution, GetQueryResults.
  athena: ['account', 'account', 'athena', 'athena', 'query', 'athena', 'athena'],
  // The same; the gaps fill three pages of GetQueryResults.
  race: ['account', 'account', 'athena', 'athena', 'query', 'athena', 'athena', 'athena', 'athena'],
  // The calls and the query of Athena once more, before those pages.
  inTurn: [
    ...(['account', 'account', 'athena', 'athena', 'query', 'athena', 'athena'] as const),
    ...(['athena', 'query', 'athena', 'athena', 'athena', 'athena'] as const),
  ],
} as const satisfies Record<string, readonly Step[]>;

// Ignore options of the other benchmarks.
const { values } = parseArgs({ strict: false, options: { rounds: { type: 'string', default: '5' } } });
const rounds = Math.max(1, Number(values.rounds));

/** Endpoints of the incident in a process of their own. */
async function serve({ folder }: { folder: string }) {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'endpoints.ts'), folder, `${CALL_MS}`, `${QUERY_MS}`],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
  return { child, environment: JSON.parse(String(line)) as Record<string, string> };
}
const served = { timeouts: await serve(INCIDENTS.timeouts), race: await serve(INCIDENTS.race) };
for (const name of ['AWS_PROFILE', 'AWS_SESSION_TOKEN', 'ALB502_CONFIG']) delete process.env[name];

const { environment } = served.timeouts;
const ADDRESS: Record<Exclude<Step, 'query'>, string> = {
  account: environment.AWS_ENDPOINT_URL ?? '',
  s3: environment.AWS_ENDPOINT_URL_S3 ?? '',
  athena: environment.AWS_ENDPOINT_URL_ATHENA ?? '',
};
const agent = new Agent({ keepAlive: true });

/** One call; its content does not matter, since every answer takes the same time. */
const call = (url: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { agent, method: 'POST' }, (answer) => answer.resume().on('end', resolve));
    asked.on('error', reject).end();
  });

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

const walk = (path: readonly Step[]): Promise<number> =>
  timed(async () => {
    for (const step of path) await (step === 'query' ? pause(QUERY_MS) : call(ADDRESS[step]));
  });

const minute = (at: number) => new Date(at).toISOString().slice(0, 16);
async function asked({ folder, name }: { folder: string; name: string }) {
  const { from, to, now } = await readIncident(incidentFolder(folder));
  return { words: `${name} from ${minute(from)} to ${minute(to)}`, now: now ?? Date.now() };
}
const questions = { timeouts: await asked(INCIDENTS.timeouts), race: await asked(INCIDENTS.race) };

interface Measured {
  provisional: number;
  final: number;
  queries: number;
}

async function diagnosed(
  which: keyof typeof INCIDENTS,
  engine: 'athena' | 'duckdb',
  options: { maxUsd?: string } = {},
): Promise<Measured> {
  Object.assign(process.env, served[which].environment);
  const started = performance.now();
  let provisional = Number.NaN;
  const { diagnosis } = await investigateWords(
    questions[which].words,
    { engine, ...options },
    {
      now: questions[which].now,
      signal: new AbortController().signal,
      onInterimDiagnosis: () => {
        provisional = performance.now() - started;
      },
    },
  );
  if (diagnosis.verdict.cause !== INCIDENTS[which].cause) throw new Error(`diagnosed ${diagnosis.verdict.summary}`);
  return { provisional, final: performance.now() - started, queries: diagnosis.cost.queries };
}

const command = (engine: string): Promise<number> =>
  timed(async () => {
    const cli = join(import.meta.dirname, '../dist/cli.js');
    Object.assign(process.env, served.timeouts.environment);
    const words = questions.timeouts.words.split(' ');
    const child = spawn(process.execPath, [cli, 'diagnose', ...words, '--engine', engine], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`the command ended with ${code}`);
  });

async function round() {
  return {
    paths: {
      provisional: await walk(PATHS.provisional),
      s3: await walk(PATHS.s3),
      athena: await walk(PATHS.athena),
      race: await walk(PATHS.race),
      inTurn: await walk(PATHS.inTurn),
    },
    athena: await diagnosed('timeouts', 'athena'),
    s3: await diagnosed('timeouts', 'duckdb'),
    race: await diagnosed('race', 'athena'),
    raceInTurn: await diagnosed('race', 'athena', TWO_SCANS),
    commands: { athena: await command('athena'), s3: await command('duckdb') },
  };
}
type Round = Awaited<ReturnType<typeof round>>;

try {
  await round();
  const all: Round[] = [];
  for (let left = rounds; left > 0; left--) all.push(await round());
  const [one] = all;
  const queries = `${one?.athena.queries}, ${one?.race.queries} of the race`;
  process.stdout.write(
    `\na live diagnosis, ${CALL_MS} ms a call, ${QUERY_MS / 1000} s a query (${queries}) · ${rounds} rounds, medians\n\n`,
  );
  process.stdout.write(
    '| | ms | critical path ms | over it ms | ratio | aim ms | met |\n| - | -: | -: | -: | -: | -: | - |\n',
  );
  const rows: [what: string, time: (one: Round) => number, path: (one: Round) => number, aim?: number][] = [
    ['time to the provisional diagnosis', ({ athena }) => athena.provisional, ({ paths }) => paths.provisional],
    ['time to the final one, by Athena', ({ athena }) => athena.final, ({ paths }) => paths.athena],
    ['the same, a keep-alive race', ({ race }) => race.final, ({ paths }) => paths.race],
    ['the same, searched after the first query', ({ raceInTurn }) => raceInTurn.final, ({ paths }) => paths.inTurn],
    ['time to the final one, S3-direct', ({ s3 }) => s3.final, ({ paths }) => paths.s3],
    ['as a command, by Athena', ({ commands }) => commands.athena, ({ paths }) => paths.athena],
    ['as a command, S3-direct', ({ commands }) => commands.s3, ({ paths }) => paths.s3, AIM_S3_COMMAND],
  ];
  for (const [what, time, path, aim = AIM] of rows) {
    const over = median(all.map((one) => time(one) - path(one)));
    const cells = [
      what,
      median(all.map(time)).toFixed(0),
      median(all.map(path)).toFixed(0),
      over.toFixed(0),
      median(all.map((one) => time(one) / path(one))).toFixed(2),
      String(aim),
      over <= aim ? 'yes' : 'no',
    ];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
  }
} finally {
  agent.destroy();
  for (const { child } of Object.values(served)) child.stdin.end();
}
