/** The access log of requests that a test lists one by one: answered or failed, each on a target at a time. */
import type { AccessLog, FailedRequest, TargetTraffic, UnansweredRun } from '../../../src/evidence/access-log.ts';
import { API, failed, logOf, MINUTE, START } from './traffic-builder.ts';

export interface ServedRequest {
  /** Seconds after the start of the window at which it was sent to the target. */
  sent: number;
  target: string;
  route?: string;
  /** Absent: the target answered, after `took` seconds (0.02 unless it says otherwise). */
  failure?: FailedRequest;
  took?: number;
}

/** The access log that an engine would return for these requests: rows, routes, targets and runs of unanswered dispatches. */
export function servedLog(requests: readonly ServedRequest[], part: Partial<AccessLog> = {}): AccessLog {
  const failures = requests.flatMap(({ failure }) => failure ?? []);
  return logOf(failures, {
    requests: requests.length,
    minutes: minutesOf(requests),
    targets: targetsOf(requests),
    routes: routesOf(requests),
    outages: outagesOf(requests),
    newest: Math.max(...requests.map(endOf)),
    oldest: Math.min(...requests.map(endOf)),
    ...part,
  });
}

const endOf = ({ sent, failure, took = 0.02 }: ServedRequest): number => failure?.at ?? START + 1000 * (sent + took);

const minutesOf = (requests: readonly ServedRequest[]): AccessLog['minutes'] =>
  [...Map.groupBy(requests, (request) => Math.floor(endOf(request) / MINUTE) * MINUTE)]
    .map(([minute, own]) => ({ minute, requests: own.length }))
    .sort((a, b) => a.minute - b.minute);

const grouped = <T>(items: readonly T[], key: (item: T) => string): [string, T[]][] =>
  [...Map.groupBy(items, key)].sort(([a], [b]) => (a < b ? -1 : 1));

const targetsOf = (requests: readonly ServedRequest[]): TargetTraffic[] =>
  grouped(requests, ({ target }) => target).map(([target, own]) => {
    const ends = own.map(endOf);
    const answers = own.filter(({ failure }) => failure === undefined).map(endOf);
    return {
      target_group_arn: API,
      target,
      node: '10.0.0.10',
      requests: own.length,
      failures: own.length - answers.length,
      badRequests: 0,
      firstSeen: Math.min(...ends),
      lastSeen: Math.max(...ends),
      firstSuccess: answers.length > 0 ? Math.min(...answers) : null,
      lastSuccess: answers.length > 0 ? Math.max(...answers) : null,
    };
  });

const routesOf = (requests: readonly ServedRequest[]): AccessLog['routes'] =>
  grouped(requests, ({ route = 'GET /orders' }) => route).map(([route, own]) => {
    const failures = own.filter(({ failure }) => failure !== undefined).length;
    const succeeded = own.length - failures;
    return { route, requests: own.length, failures, succeeded, succeededMs: succeeded * 20, succeededMaxMs: 20 };
  });

function outagesOf(requests: readonly ServedRequest[]): UnansweredRun[] {
  return grouped(requests, ({ target }) => target).flatMap(([target, own]) => {
    const runs: UnansweredRun[] = [];
    let open = null as UnansweredRun | null;
    let lastAnswer: number | null = null;
    const close = (nextAnswer: number | null) => {
      if (open && open.failures > 1) runs.push({ ...open, nextAnswer });
      open = null;
    };
    for (const request of [...own].sort((a, b) => a.sent - b.sent)) {
      const sent = START + 1000 * request.sent;
      if (request.failure === undefined) {
        close(sent);
        lastAnswer = Math.max(lastAnswer ?? 0, endOf(request));
        continue;
      }
      open = open
        ? { ...open, last: sent, failures: open.failures + 1 }
        : { target_group_arn: API, target, lastAnswer, nextAnswer: null, first: sent, last: sent, failures: 1 };
    }
    close(null);
    return runs;
  });
}

type Failing = 'connect-failed' | 'connect-timeout' | 'idle-timeout' | 'closed-before-response' | 'no-response-aborted';

/** How long each kind of failure takes, seconds; a close takes as long as it says. */
const TAKES: Readonly<Record<Failing, number>> = {
  'connect-failed': 0.002,
  'connect-timeout': 10.001,
  'idle-timeout': 60.004,
  'closed-before-response': 0.05,
  'no-response-aborted': 0.4,
};

/** A request that fails in this way. */
export function failing(
  kind: Failing,
  sent: number,
  target: string,
  { route = 'GET /orders', took = TAKES[kind] }: { route?: string; took?: number } = {},
): ServedRequest {
  const times =
    kind === 'closed-before-response'
      ? { request_processing_time: 0, target_processing_time: took }
      : kind === 'connect-failed' || kind === 'connect-timeout'
        ? {}
        : { request_processing_time: 0 };
  const failure = failed(kind, sent + took, { target, route, elapsed: took, ...times });
  return { sent, target, route, failure: { ...failure, trace_id: `${failure.trace_id}-${target}` } };
}

/** Requests `every` seconds from `from` to `to` that the target answers. */
export function answering(target: string, from: number, to: number, every = 1, route = 'GET /orders'): ServedRequest[] {
  const count = Math.max(0, Math.ceil((to - from) / every));
  return Array.from({ length: count }, (_, index) => ({ sent: from + index * every, target, route }));
}
