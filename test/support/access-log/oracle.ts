/** The expected answers of the log engine, computed line by line with the entry parser. */
import { elapsed, instant, type LogEntry, parseLine } from '../../../src/collect/access-log/entry.ts';
import { route } from '../../../src/collect/access-log/request-route.ts';
import { signatureFields } from '../../../src/diagnose/signature.ts';
import type {
  AccessLog,
  FailedRequest,
  FailureShape,
  ScaleCount,
  UnansweredRun,
} from '../../../src/evidence/access-log.ts';
import type { Question } from '../../../src/evidence/question.ts';
import { statusMatcher } from '../../../src/evidence/statuses.ts';

export interface LogFile {
  file: string;
  /** By the file name. */
  node: string | null;
  lines: string[];
}

export type Answer = Omit<AccessLog, 'files' | 'idleGaps'>;

interface Item {
  entry: LogEntry;
  at: number;
  client: string;
  route: string;
  node: string | null;
  group: string;
}

const text = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const answeredBelow500 = (entry: LogEntry) => /^[0-4]/.test(entry.target_status_code);

/** Of files in order; the load balancer is given as app/name/id. */
export function expectedAnswer(files: readonly LogFile[], loadBalancer: string, question: Question): Answer {
  const isAsked = statusMatcher(question.statuses);
  const isFailed = (status: string) =>
    status.startsWith('5') ||
    ['460', '463', '464'].includes(status) ||
    ['-', status].some((target) => isAsked({ elb_status_code: status, target_status_code: target }));
  const items: Item[] = [];
  const rejected: AccessLog['rejected'] = { lines: 0, files: 0, first: null };
  let lines = 0;
  let others = 0;
  for (const { file, node, lines: own } of files) {
    let rejects = 0;
    for (const [index, line] of own.entries()) {
      if (line === '') continue;
      lines += 1;
      const parsed = parseLine(line);
      if ('rejected' in parsed) {
        rejects += 1;
        rejected.first ??= { file, line: index + 1, text: '' };
        continue;
      }
      const entry = asWritten(parsed.entry);
      if (entry.elb !== loadBalancer) {
        others += 1;
        continue;
      }
      items.push({
        entry,
        at: instant(entry.time) ?? Number.NaN,
        client: entry.client === '-' ? '-' : entry.client.replace(/:[0-9]+$/, ''),
        route: asQuoted(route(parsed.entry.request_line ?? '-')),
        node: entry.ip_address === undefined || entry.ip_address === '-' ? node : entry.ip_address,
        group: entry.target_group_arn ?? '-',
      });
    }
    rejected.lines += rejects;
    rejected.files += rejects > 0 ? 1 : 0;
  }
  const window = items.filter(({ at }) => at >= question.from && at < question.to);
  const failed = window.filter(({ entry }) => isFailed(entry.elb_status_code));
  const isRetried = (item: Item) =>
    (isAsked(item.entry) || item.entry.elb_status_code.startsWith('5')) &&
    items.some(
      (next) =>
        next.client === item.client &&
        next.route === item.route &&
        next.at > item.at &&
        next.at <= item.at + 30_000 &&
        /^[0-4]/.test(next.entry.elb_status_code) &&
        !isFailed(next.entry.elb_status_code),
    );
  const rows = failed
    .map((item) => ({ ...item, retriedOk: isRetried(item) }))
    .sort(
      (a, b) =>
        a.at - b.at ||
        text(a.entry.trace_id ?? '-', b.entry.trace_id ?? '-') ||
        text(a.client, b.client) ||
        text(a.route, b.route),
    );
  const numbers = [...new Set(rows.map(({ client }) => client))];
  const failures = rows.map(
    ({ entry, at, client, route, node, group, retriedOk }): FailedRequest => ({
      at,
      elapsed: elapsed(entry),
      client: numbers.indexOf(client) + 1,
      route,
      node,
      type: entry.type,
      target: entry.target,
      request_processing_time: entry.request_processing_time,
      target_processing_time: entry.target_processing_time,
      response_processing_time: entry.response_processing_time,
      elb_status_code: entry.elb_status_code,
      target_status_code: entry.target_status_code,
      received_bytes: entry.received_bytes,
      sent_bytes: entry.sent_bytes,
      target_group_arn: group,
      trace_id: entry.trace_id ?? '-',
      matched_rule_priority: entry.matched_rule_priority ?? '-',
      actions_executed: entry.actions_executed ?? '-',
      error_reason: entry.error_reason ?? '-',
      classification_reason: entry.classification_reason ?? '-',
      retriedOk,
    }),
  );
  const ats = items.map(({ at }) => at);
  return {
    lines,
    entries: lines - rejected.lines,
    rejected,
    otherLoadBalancers: others,
    oldest: ats.length > 0 ? Math.min(...ats) : null,
    newest: ats.length > 0 ? Math.max(...ats) : null,
    requests: window.length,
    minutes: groups(window, ({ at }) => String(minuteOf(at))).map(([minute, own]) => ({
      minute: Number(minute),
      requests: own.length,
    })),
    targets: groups(items, ({ group, entry, node }) => JSON.stringify([group, entry.target, node ?? '-'])).map(
      ([, own]) => {
        const [first] = own;
        if (first === undefined) throw new Error('a group has members');
        const inside = own.filter((item) => window.includes(item));
        const seen = own.map(({ at }) => at);
        const good = own.filter(({ entry }) => answeredBelow500(entry)).map(({ at }) => at);
        return {
          target_group_arn: first.group,
          target: first.entry.target,
          node: first.node,
          requests: inside.length,
          failures: inside.filter(({ entry }) => isFailed(entry.elb_status_code)).length,
          badRequests: inside.filter(({ entry }) => entry.target_status_code === '400').length,
          firstSeen: Math.min(...seen),
          lastSeen: Math.max(...seen),
          firstSuccess: good.length > 0 ? Math.min(...good) : null,
          lastSuccess: good.length > 0 ? Math.max(...good) : null,
        };
      },
    ),
    statuses: groups(window, ({ group, entry }) =>
      [group, entry.elb_status_code, entry.target_status_code]
        .map((part) => (part === '-' ? '\u0000-' : part))
        .join('\u0000'),
    ).map(([, own]) => ({
      target_group_arn: own[0]?.group ?? '',
      elb_status_code: own[0]?.entry.elb_status_code ?? '',
      target_status_code: own[0]?.entry.target_status_code ?? '',
      requests: own.length,
    })),
    failures,
    failuresTotal: failures.length,
    failureShapes: groups(failures, (failure) => JSON.stringify(shapeOf(failure))).map(([, own]) => {
      const [first] = own;
      if (first === undefined) throw new Error('a group has members');
      const times = own.map(({ at }) => at);
      return {
        ...shapeOf(first),
        count: own.length,
        retriedOk: own.filter((failure) => failure.retriedOk).length,
        first: Math.min(...times),
        last: Math.max(...times),
      };
    }),
    failedClients: new Set(failures.filter(isAsked).map((f) => f.client)).size,
    clientAddresses: numbers,
    retriedOk: failures.filter((failure) => failure.retriedOk).length,
    routes: groups(window, (item) => item.route)
      .map(([route, own]) => {
        const good = own.filter(({ entry }) => answeredBelow500(entry));
        const times = good.map(({ entry }) => Math.round(entry.target_processing_time * 1000)).filter((ms) => ms >= 0);
        return {
          route,
          requests: own.length,
          failures: own.filter(({ entry }) => isFailed(entry.elb_status_code)).length,
          succeeded: good.length,
          succeededMs: times.reduce((sum, ms) => sum + ms, 0),
          succeededMaxMs: Math.max(0, ...times),
          times: steps(times),
          sizes: steps(
            good
              .filter(({ entry }) => entry.target_processing_time >= 0)
              .map(({ entry }) => Math.min(2_147_483_647, entry.received_bytes)),
          ),
        };
      })
      .filter(({ failures: count }) => count > 0)
      .sort((a, b) => b.failures - a.failures || text(a.route, b.route)),
    slowest: slowestRoutes(window),
    badRequestRoutes: badRequestRoutes(window),
    outages: unansweredRuns(items, window, question),
  };
}

/** The routes of target groups that answered every request with 400, those with most requests first. */
function badRequestRoutes(window: readonly Item[]): AccessLog['badRequestRoutes'] {
  return groups(window, ({ group }) => group)
    .filter(([arn, own]) => arn !== '-' && own.every(({ entry }) => entry.target_status_code === '400'))
    .flatMap(([arn, own]) =>
      groups(own, ({ route }) => route).map(([route, same]) => ({
        ...{ target_group_arn: arn, route, requests: same.length },
      })),
    )
    .sort((a, b) => b.requests - a.requests || text(a.target_group_arn, b.target_group_arn) || text(a.route, b.route))
    .slice(0, 30);
}

/** The routes with an answer of 100 ms or more, those first that took longest in sum. */
function slowestRoutes(window: readonly Item[]): AccessLog['slowest'] {
  const routes = groups(
    window.filter(({ entry }) => entry.target_status_code !== '-' && entry.target_processing_time >= 0),
    ({ route }) => route,
  ).map(([route, own]) => {
    const times = own.map(({ entry }) => Math.round(entry.target_processing_time * 1000));
    return {
      route,
      answeredMs: times.reduce((sum, ms) => sum + ms, 0),
      slowest: Math.max(...times),
      times: steps(times),
    };
  });
  const slow = routes
    .filter(({ slowest }) => slowest >= 100)
    .sort((a, b) => b.answeredMs - a.answeredMs || text(a.route, b.route))
    .map(({ slowest: _, ...one }) => one);
  return {
    answeredMs: slow.length === 0 ? 0 : routes.reduce((sum, { answeredMs }) => sum + answeredMs, 0),
    routes: slow.slice(0, 50),
  };
}

/** Two or more dispatches in a row that a target did not answer, but for those between two answers of one slot. */
function unansweredRuns(items: readonly Item[], window: readonly Item[], question: Question): UnansweredRun[] {
  const slotMs = Math.max(100, Math.ceil((question.to - question.from) / 100_000));
  const slotOf = (at: number) => Math.floor(at / slotMs);
  const isAnswer = ({ entry }: Item) => entry.target_status_code !== '-';
  const chosen = items.filter(
    (item) =>
      item.entry.target !== '-' &&
      (isAnswer(item) || (item.entry.elb_status_code.startsWith('5') && window.includes(item))),
  );
  return groups(chosen, ({ group, entry }) => JSON.stringify([group, entry.target])).flatMap(([, own]) => {
    const sent = own
      .map((item) => ({ item, at: dispatchOf(item), answered: isAnswer(item) }))
      .sort((a, b) => a.at - b.at || Number(b.answered) - Number(a.answered));
    const answers = sent.filter(({ answered }) => answered);
    const isBetween = (at: number) => {
      const slot = answers.filter((answer) => slotOf(answer.at) === slotOf(at)).map((answer) => answer.at);
      return slot.length > 0 && at >= Math.min(...slot) && at <= Math.max(...slot);
    };
    const kept = sent.filter(({ at, answered }) => answered || !isBetween(at));
    const firsts = kept.flatMap(({ answered }, index) =>
      !answered && (index === 0 || kept[index - 1]?.answered) ? [index] : [],
    );
    return firsts.flatMap((index) => {
      const end = kept.findIndex(({ answered }, at) => answered && at > index);
      const run = kept.slice(index, end === -1 ? undefined : end);
      const before = kept.slice(0, index).filter(({ answered }) => answered);
      const first = run[0];
      if (first === undefined || run.length < 2) return [];
      return [
        {
          target_group_arn: first.item.group,
          target: first.item.entry.target,
          lastAnswer: before.length === 0 ? null : Math.max(...before.map(({ item }) => item.at)),
          nextAnswer: end === -1 ? null : (kept[end]?.at ?? null),
          first: first.at,
          last: run[run.length - 1]?.at ?? first.at,
          failures: run.length,
        },
      ];
    });
  });
}

function dispatchOf({ entry, at }: Item): number {
  const { target_processing_time: target, request_processing_time: request } = entry;
  if (target >= 0) return at - Math.round(target * 1000);
  const whole = elapsed(entry);
  if (entry.target_status_code !== '-' || whole === null) return at;
  const created = at - whole * 1000;
  return micro(request < 0 ? created : created + request * 1000);
}

const micro = (ms: number) => Math.round(ms * 1000) / 1000;

/** Eight steps for each doubling. */
function steps(values: readonly number[]): ScaleCount[] {
  const counts = new Map<number, number>();
  for (const value of values) {
    const step = Math.floor(8 * Math.log2(value + 0.5));
    counts.set(step, (counts.get(step) ?? 0) + 1);
  }
  return [...counts].map(([step, requests]) => ({ step, requests })).sort((a, b) => a.step - b.step);
}

const asQuoted = (text: string) => text.replaceAll('\\"', '\\x22');

/** A quote that a tool put back behind a backslash is what the load balancer wrote again. */
function asWritten(entry: LogEntry): LogEntry {
  const written = { ...entry };
  for (const name of ['trace_id', 'actions_executed', 'error_reason', 'classification_reason'] as const) {
    const value = entry[name];
    if (value !== undefined) written[name] = asQuoted(value);
  }
  return written;
}

const minuteOf = (at: number) => Math.floor(at / 60_000) * 60_000;

function shapeOf(failure: FailedRequest): Omit<FailureShape, 'count' | 'retriedOk' | 'first' | 'last'> {
  const { elapsed, error_reason, fixedResponse, hasTarget, hasTargetGroup } = signatureFields(failure);
  const reached = (value: number) => (value < 0 ? -1 : 0);
  return {
    minute: minuteOf(failure.at),
    elb_status_code: failure.elb_status_code,
    target_status_code: failure.target_status_code,
    request_processing_time: reached(failure.request_processing_time),
    target_processing_time: reached(failure.target_processing_time),
    response_processing_time: reached(failure.response_processing_time),
    elapsed,
    error_reason,
    fixedResponse,
    hasTarget,
    hasTargetGroup,
  };
}

function groups<T>(items: readonly T[], key: (item: T) => string): [string, T[]][] {
  const found = new Map<string, T[]>();
  for (const item of items) found.set(key(item), [...(found.get(key(item)) ?? []), item]);
  return [...found].sort(([a], [b]) => text(a, b));
}
