/**
 * Measures the time that a live diagnosis adds to its necessary round trips: against endpoints on 127.0.0.1 where every
 * call takes 150 ms and a query 3 s, the time to the provisional and to the final diagnosis, next to their critical path.
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

/** Its errors are connect timeouts, which need no second query. */
const INCIDENT = '002';
const CALL_MS = 150;
const QUERY_MS = 3000;
/** Milliseconds beyond the critical path. */
const AIM = 300;

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
} as const satisfies Record<string, readonly Step[]>;

// Ignore options of the other benchmarks.
const { values } = parseArgs({ strict: false, options: { rounds: { type: 'string', default: '5' } } });
const rounds = Math.max(1, Number(values.rounds));

const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? NaN;

const endpoints = spawn(
  process.execPath,
  [join(import.meta.dirname, 'endpoints.ts'), INCIDENT, `${CALL_MS}`, `${QUERY_MS}`],
  { stdio: ['pipe', 'pipe', 'inherit'] },
);
const [line] = await once(endpoints.stdout.setEncoding('utf8'), 'data');
const environment = JSON.parse(String(line)) as Record<string, string>;
for (const name of ['AWS_PROFILE', 'AWS_SESSION_TOKEN', 'ALB502_CONFIG']) delete process.env[name];
Object.assign(process.env, environment);

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

const incident = await readIncident(incidentFolder(INCIDENT));
const minute = (at: number) => new Date(at).toISOString().slice(0, 16);
const words = `checkout from ${minute(incident.from)} to ${minute(incident.to)}`;

interface Measured {
  provisional: number;
  final: number;
  queries: number;
}

async function diagnosed(engine: 'athena' | 'duckdb'): Promise<Measured> {
  const started = performance.now();
  let provisional = Number.NaN;
  const { diagnosis } = await investigateWords(
    words,
    { engine },
    {
      now: incident.now ?? Date.now(),
      signal: new AbortController().signal,
      onInterimDiagnosis: () => {
        provisional = performance.now() - started;
      },
    },
  );
  if (diagnosis.verdict.cause !== 'security-group-blocked') throw new Error(`diagnosed ${diagnosis.verdict.summary}`);
  return { provisional, final: performance.now() - started, queries: diagnosis.cost.queries };
}

const command = (engine: string): Promise<number> =>
  timed(async () => {
    const cli = join(import.meta.dirname, '../dist/cli.js');
    const child = spawn(process.execPath, [cli, 'diagnose', ...words.split(' '), '--engine', engine], {
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
    },
    athena: await diagnosed('athena'),
    s3: await diagnosed('duckdb'),
    commands: { athena: await command('athena'), s3: await command('duckdb') },
  };
}
type Round = Awaited<ReturnType<typeof round>>;

try {
  await round();
  const all: Round[] = [];
  for (let left = rounds; left > 0; left--) all.push(await round());
  const queries = all[0]?.athena.queries ?? 0;
  process.stdout.write(
    `\na live diagnosis, ${CALL_MS} ms a call, ${QUERY_MS / 1000} s a query (${queries} of them) · ${rounds} rounds, medians\n\n`,
  );
  process.stdout.write(
    '| | ms | critical path ms | over it ms | ratio | within 300 ms |\n| - | -: | -: | -: | -: | - |\n',
  );
  const rows: [what: string, time: (one: Round) => number, path: (one: Round) => number][] = [
    ['time to the provisional diagnosis', ({ athena }) => athena.provisional, ({ paths }) => paths.provisional],
    ['time to the final one, by Athena', ({ athena }) => athena.final, ({ paths }) => paths.athena],
    ['time to the final one, S3-direct', ({ s3 }) => s3.final, ({ paths }) => paths.s3],
    ['as a command, by Athena', ({ commands }) => commands.athena, ({ paths }) => paths.athena],
    ['as a command, S3-direct', ({ commands }) => commands.s3, ({ paths }) => paths.s3],
  ];
  for (const [what, time, path] of rows) {
    const over = median(all.map((one) => time(one) - path(one)));
    const cells = [
      what,
      median(all.map(time)).toFixed(0),
      median(all.map(path)).toFixed(0),
      over.toFixed(0),
      median(all.map((one) => time(one) / path(one))).toFixed(2),
      over <= AIM ? 'yes' : 'no',
    ];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
  }
} finally {
  agent.destroy();
  endpoints.stdin.end();
}
