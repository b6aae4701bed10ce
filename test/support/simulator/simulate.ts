/**
 * Runs a scenario: clients ask, nodes forward, targets work and fail, all on one agenda. The result is what AWS would hand out
 * afterwards (log lines by node, metrics, describe answers) and, beside it, the truth.
 */
import { EventQueue } from './agenda.ts';
import { type AwsFiles, awsFiles } from './aws-files.ts';
import { Faults, targetsOf } from './faults.ts';
import { Health } from './health.ts';
import { logLine } from './log-line.ts';
import { type MetricSeries, metricsOf } from './metrics.ts';
import { certificateArn, loadBalancerPath, targetGroupArn } from './names.ts';
import { networkOf } from './network.ts';
import { LoadBalancerNode, type SimulationState } from './node.ts';
import { Random } from './random.ts';
import type { Row } from './row.ts';
import type { Scenario } from './scenario.ts';
import { Traffic } from './traffic.ts';

export interface Simulation {
  /** Rows in the order of their time. */
  rows: Row[];
  /** Log lines by the node's logged address, in the order of their time. */
  lines: Map<string, { time: number; line: string }[]>;
  metrics: MetricSeries[];
  aws: AwsFiles;
  truth: TruthOfWindow;
}

export interface TruthOfWindow {
  requests: number;
  /**
   * Errors of the window as the question counts them by default: 5xx of the load balancer, and 502, 503 and 504. Other 5xx of the
   * application count where nothing else failed, or where they are 1 % of the requests and three times the rest.
   */
  errors: number;
  byStatus: Record<string, number>;
  /** Errors by cause and by signature. */
  causes: Record<string, number>;
  signatures: Record<string, number>;
  /** 460s, beside the errors. */
  clientClosed: number;
}

/** `noise` makes more rows from those of the scenario: what goes on beside the incident. */
export function simulate(scenario: Scenario, noise: (rows: readonly Row[]) => Row[] = () => []): Simulation {
  const random = new Random(scenario.seed);
  const origin = Date.parse(scenario.window.from);
  const end = Date.parse(scenario.recorded?.to ?? scenario.window.to);
  const start = Date.parse(scenario.recorded?.from ?? scenario.window.from);
  const now = Date.parse(scenario.window.now);
  const agenda = new EventQueue();
  const network = networkOf(scenario);
  const targets = targetsOf(scenario, origin);
  const faults = new Faults(scenario.faults ?? [], origin);
  const { nodes: nodeSpecs } = scenario.loadBalancer;
  /** A minute of run-in fills the pools before the recording begins. */
  const runIn = start - 60_000;
  const health = new Health(agenda, network, nodeSpecs, targets, runIn, random.stream('health'));
  const world: SimulationState = {
    scenario,
    agenda,
    network,
    health,
    faults,
    targets,
    arnOf: (group) => targetGroupArn(group.name, group.id),
  };
  const nodes = nodeSpecs.map((spec, i) => new LoadBalancerNode(spec, world, random.stream(`node ${i}`)));
  const rows: Row[] = [];
  const keep = (row: Row) => {
    if (row.time >= start && row.time < end) rows.push(row);
  };
  new Traffic(scenario, agenda, nodes, { start: runIn, end, origin }, keep).begin(random.stream('traffic'));
  agenda.run(Math.max(now, end) + 1);
  rows.push(...noise(rows));
  rows.sort((a, b) => a.time - b.time || (a.traceId < b.traceId ? -1 : 1));

  const context = {
    loadBalancer: loadBalancerPath(scenario.loadBalancer),
    host: scenario.loadBalancer.host,
    certificateArn,
  };
  const lines = new Map<string, { time: number; line: string }[]>();
  for (const row of rows) {
    const own = lines.get(row.node) ?? [];
    own.push({ time: row.time, line: logLine(row, context) });
    lines.set(row.node, own);
  }
  return {
    rows,
    lines,
    metrics: metricsOf(scenario, rows, targets, health, { start, end }),
    aws: awsFiles(scenario, targets, health, network, now),
    truth: truthOf(rows, origin, Date.parse(scenario.window.to)),
  };
}

export function truthOf(rows: Row[], from: number, to: number): TruthOfWindow {
  const truth: TruthOfWindow = { requests: 0, errors: 0, byStatus: {}, causes: {}, signatures: {}, clientClosed: 0 };
  const count = (counts: Record<string, number>, key: string) => {
    counts[key] = (counts[key] ?? 0) + 1;
  };
  const own = rows.filter(({ time }) => time >= from && time < to);
  const failed = own.filter(({ elbStatus }) => elbStatus >= 500 && elbStatus <= 599);
  const isOfApplication = ({ elbStatus, targetStatus }: Row) =>
    targetStatus === elbStatus && (elbStatus < 502 || elbStatus > 504);
  const beside = failed.filter(isOfApplication);
  const rest = failed.length - beside.length;
  const leads = rest === 0 || (beside.length >= own.length / 100 && beside.length >= 3 * rest);
  truth.requests = own.length;
  truth.clientClosed = own.filter(({ elbStatus }) => elbStatus === 460).length;
  for (const row of failed) {
    if (isOfApplication(row) && !leads) continue;
    truth.errors++;
    count(truth.byStatus, String(row.elbStatus));
    count(truth.causes, row.truth?.cause ?? 'other');
    count(truth.signatures, row.truth?.signature ?? 'other');
  }
  return truth;
}
