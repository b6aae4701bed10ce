/**
 * Reads health-check logs: when health checks of a target failed, why, and which nodes saw it. Fields:
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-health-check-logs.html
 */
import type { FailedHealthChecks } from '../../evidence/access-log.ts';
import type { Window } from '../../evidence/question.ts';
import { byText } from '../../format/by-text.ts';
import { readPieces, type WantedLoadBalancer } from './log-files.ts';

/** A health check. `at`: its start in epoch milliseconds. */
interface HealthCheck {
  at: number;
  /** "address:port"; the ARN of a Lambda function. */
  target: string;
  /** The name of the target group. */
  targetGroup: string;
  passed: boolean;
  statusCode: string;
  reason: string;
  /** Address of the load balancer node; "-" if not recorded. */
  node: string;
}

/** type, time, latency, target_addr, target_group_id, status, status_code, reason_code, elb, ip_address. */
const LINE =
  /^[a-z][a-z0-9]{0,15} (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z) (?:-|[\d.]{1,20}) ([\w.:[\]/-]{1,200}) ([\w-]{1,64}) (PASS|FAIL) ([\d-]{1,8}) ([A-Za-z-]{1,40})(?: ([\w/-]{1,80}) ([\da-fA-F.:-]{1,45}))?$/;

/** Parses a line without its line break; null for any other line and for health checks of another load balancer. */
export function parseHealthCheck(line: string, wanted: WantedLoadBalancer): HealthCheck | null {
  const [, time = '', target = '', targetGroup = '', status, statusCode = '', reason = '', elb = '-', node = '-'] =
    LINE.exec(line) ?? [];
  const at = Date.parse(time);
  if (status === undefined || Number.isNaN(at) || !isOf(elb, wanted)) return null;
  return { at, target, targetGroup, passed: status === 'PASS', statusCode, reason, node };
}

/** A line that names no load balancer belongs to the load balancer of its file. */
function isOf(elb: string, { name, id }: WantedLoadBalancer): boolean {
  const [, ownName, ownId] = elb.split('/');
  return elb === '-' || (ownName === name && (id === null || ownId === id));
}

/** Fewest failures in a row that make a target unhealthy (UnhealthyThresholdCount is 2 to 10). */
const FEWEST_FAILURES = 2;
/** Most periods kept from one log: those with most failures. */
const SPANS = 500;

/** Returns periods of failing health checks that overlap the window, by start, target group and target. */
export function failedHealthChecks(checks: readonly HealthCheck[], window: Window): FailedHealthChecks[] {
  const ordered = checks.toSorted((a, b) => a.at - b.at);
  const byTarget = Map.groupBy(ordered, ({ targetGroup, target }) => `${targetGroup} ${target}`);
  return [...byTarget.values()]
    .flatMap(spansOf)
    .filter(({ from, to, failures }) => failures >= FEWEST_FAILURES && from < window.to && (to ?? from) >= window.from)
    .sort((a, b) => b.failures - a.failures || a.from - b.from || byText(a.target, b.target))
    .slice(0, SPANS)
    .sort((a, b) => a.from - b.from || byText(a.targetGroup, b.targetGroup) || byText(a.target, b.target));
}

/**
 * Takes the checks of one target in order of time. A period ends once every node that saw a failure has seen a success.
 */
function spansOf(checks: readonly HealthCheck[]): FailedHealthChecks[] {
  const spans: FailedHealthChecks[] = [];
  let failed: HealthCheck[] = [];
  let lastPassed: number | null = null;
  const failing = new Set<string>();
  for (const check of checks) {
    if (!check.passed) {
      failed.push(check);
      failing.add(check.node);
    } else if (failing.delete(check.node) && failing.size === 0) {
      spans.push(spanOf(failed, { to: check.at, lastPassed }));
      failed = [];
    }
    if (check.passed && failed.length === 0) lastPassed = check.at;
  }
  return failed.length === 0 ? spans : [...spans, spanOf(failed, { to: null, lastPassed })];
}

function spanOf(
  failed: readonly HealthCheck[],
  { to, lastPassed }: { to: number | null; lastPassed: number | null },
): FailedHealthChecks {
  const [first] = failed;
  const reasons = Map.groupBy(failed, ({ reason, statusCode }) => `${reason} ${statusCode}`);
  return {
    ...{ targetGroup: first?.targetGroup ?? '-', target: first?.target ?? '-', from: first?.at ?? 0, to },
    lastPassed,
    last: failed.at(-1)?.at ?? 0,
    failures: failed.length,
    nodes: [...new Set(failed.map(({ node }) => node))].filter((node) => node !== '-').sort(byText),
    reasons: [...reasons.values()]
      .map((own) => ({ reason: own[0]?.reason ?? '-', statusCode: own[0]?.statusCode ?? '-', count: own.length }))
      .sort((a, b) => b.count - a.count || byText(a.reason, b.reason) || byText(a.statusCode, b.statusCode)),
  };
}

/** More than 100 targets behind six nodes produce in two hours with a check every 5 s. */
const MOST_CHECKS = 1_000_000;

/** Reads up to `MOST_CHECKS` health checks from a file; throws if it is damaged. */
export async function readHealthChecks(
  path: string,
  compressed: boolean,
  wanted: WantedLoadBalancer,
): Promise<HealthCheck[]> {
  const checks: HealthCheck[] = [];
  for await (const line of healthCheckLines(path, compressed)) {
    const check = parseHealthCheck(line, wanted);
    if (check !== null) checks.push(check);
    if (checks.length >= MOST_CHECKS) break;
  }
  return checks;
}

/** Longer than any line of a health-check log. */
const LONGEST_LINE = 1024;

/** Returns the lines of a file that are health checks of any load balancer. They contain nothing about clients. */
export async function* healthCheckLines(path: string, compressed: boolean): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of readPieces(path, compressed)) {
    const lines = (rest + piece.toString('latin1')).split(/\r?\n/);
    rest = (lines.pop() ?? '').slice(0, LONGEST_LINE);
    for (const line of lines) if (LINE.test(line)) yield line;
  }
  if (LINE.test(rest)) yield rest;
}
