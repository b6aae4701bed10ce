import type { FailedHealthChecks } from '../../evidence/access-log.ts';
import type { MetricSeries, TargetGroup } from '../../evidence/aws.ts';
import { metricPeriods, metricSum, type Point } from '../../evidence/metrics.ts';
import type { Question } from '../../evidence/question.ts';
import { list, number, plural, utcTime, utcTimeSpan } from '../../format/wording.ts';
import { attachedGroups } from '../network-path/target-paths.ts';
import { nameOf, type Traffic, targetGroupName, withSignature } from '../traffic.ts';
import { defineCheck } from './check.ts';

const MINUTE = 60_000;

export const unhealthyHostsInMetrics = defineCheck({
  id: 'unhealthy-hosts-in-metrics',
  step: 6,
  subject: 'whether hosts were unhealthy',
  question: 'Do the metrics and the health-check log show all targets healthy during the whole window?',
  why: 'Target health shows only the present. UnHealthyHostCount and HealthyHostCount cover the time of the errors; a health-check log shows which targets failed, when and why.',
  fix: 'Find out why health checks failed at that time: look at the health-check log, at task and instance events, and at the path to the health-check port.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html',
  symptom: true,
  isTimed: true,
  headline: 2,
  needs: ['targetGroups', 'metrics'],
  wants: ['loadBalancer', 'traffic'],

  evaluate(evidence, question) {
    const groups = attachedGroups(evidence);
    if (groups.length === 0) return { outcome: 'not-applicable', summary: 'No target group with addresses is in use.' };
    const read = groups.map((group) =>
      hostsOf(group, evidence.metrics, question, firstRequest(group, evidence.traffic)),
    );
    const facts = read.flatMap(({ name, unhealthy, healthy }) => [
      ...(unhealthy === null ? [] : [{ label: `highest UnHealthyHostCount of ${name}`, value: unhealthy }]),
      ...(healthy === null ? [] : [{ label: `lowest HealthyHostCount of ${name}`, value: healthy }]),
    ]);
    const logged = evidence.traffic === undefined ? [] : failedChecks(evidence.traffic);
    const isUnseen = logged.length > 0 && read.every(({ unhealthy }) => unhealthy === 0);
    const findings = [
      ...read.flatMap((hosts) => finding(hosts) ?? []),
      ...logged,
      ...(isUnseen ? ['Even so, CloudWatch counted no unhealthy host.'] : []),
    ];
    if (findings.length > 0)
      return { outcome: 'fail', summary: findings.join(' '), brief: 'health checks failed in the window', facts };
    const notRead = read.filter(({ unhealthy }) => unhealthy === null).map(({ name }) => name);
    if (notRead.length > 0) {
      return {
        outcome: 'unknown',
        summary: `UnHealthyHostCount of ${list(notRead)} has no data in the window.`,
        facts,
      };
    }
    // An empty group has no data, so its lowest count is from before.
    const empty = evidence.traffic === undefined ? [] : withSignature(evidence.traffic, 'no-target');
    const emptied = new Set(empty.map(({ target_group_arn: arn }) => targetGroupName(arn)));
    const least = read.map(({ name, healthy }) =>
      emptied.has(name)
        ? `${name} (while it had targets)`
        : healthy === null
          ? name
          : `${name} (at least ${healthy} healthy)`,
    );
    const where = least.length > 1 ? `in these groups: ${list(least)}` : `in ${list(least)}`;
    return { outcome: 'pass', summary: `No unhealthy hosts ${where}.`, facts };
  },
});

const SHOWN = 3;

/**
 * "feed-api task 91aa… (10.0.10.31) failed health checks from 2 load balancer nodes from 07:44:00 to 07:45:10 UTC: 4 × 503
 * (TargetError)."
 */
function failedChecks(traffic: Traffic): string[] {
  const { healthChecks = [] } = traffic.log;
  const sentences = healthChecks.slice(0, SHOWN).map(({ target, from, to, last, nodes, reasons }) => {
    const when = to === null ? utcTimeSpan(from, last, 'to at least') : utcTimeSpan(from, to);
    const which =
      nodes.length === 0 ? 'health checks' : `health checks from ${plural(nodes.length, 'load balancer node')}`;
    const why = list(reasons.map(reasonText), SHOWN);
    return `${nameOf(traffic, target, from)} failed ${which} from ${when}: ${why}.`;
  });
  const more = healthChecks.length - sentences.length;
  return more > 0 ? [...sentences, `${plural(more, 'more time')} in the health-check log.`] : sentences;
}

const reasonText = ({ reason, statusCode, count }: FailedHealthChecks['reasons'][number]): string =>
  `${number(count)} × ${statusCode === '-' ? reason : `${statusCode} (${reason})`}`;

interface Hosts {
  name: string;
  /** The highest UnHealthyHostCount, and the lowest HealthyHostCount since it got requests; null without data. */
  unhealthy: number | null;
  healthy: number | null;
  /** "in the minute 02:41 UTC": when it had an unhealthy host, and when it had no healthy one; null if never. */
  withUnhealthy: string | null;
  withoutHealthy: string | null;
  /** Requests sent although too few hosts were healthy; null if not queried. */
  failedOpen: number | null;
}

/** `usedFrom`: see firstRequest. */
function hostsOf(group: TargetGroup, metrics: MetricSeries[], question: Question, usedFrom: number | null): Hosts {
  const scope = { loadBalancer: question.loadBalancer, targetGroup: group.TargetGroupArn };
  const window = { from: Math.floor(question.from / MINUTE) * MINUTE, to: Math.ceil(question.to / MINUTE) * MINUTE };
  const read = (metric: string, stats: string[]): Point[] =>
    stats.map((stat) => metricPeriods(metrics, metric, scope, window, stat)).find((points) => points.length > 0) ?? [];
  const unhealthy = read('UnHealthyHostCount', ['Maximum', 'Average', 'Minimum']);
  // Targets of a new deployment register before it gets traffic.
  const healthy = read('HealthyHostCount', ['Minimum', 'Average', 'Maximum']).filter(
    ({ at, period }) => at + period > (usedFrom ?? 0),
  );
  return {
    name: group.TargetGroupName,
    unhealthy: unhealthy.length === 0 ? null : Math.max(...unhealthy.map(({ value }) => value)),
    healthy: healthy.length === 0 ? null : Math.min(...healthy.map(({ value }) => value)),
    withUnhealthy: timeText(unhealthy, (value) => value > 0),
    withoutHealthy: timeText(healthy, (value) => value === 0),
    failedOpen: metricSum(metrics, 'UnhealthyRoutingRequestCount', scope, window),
  };
}

/** When the log has the first request to the group, epoch milliseconds; null if it has none or was not read. */
const firstRequest = ({ TargetGroupArn }: TargetGroup, traffic: Traffic | undefined): number | null =>
  (traffic?.log.targets ?? [])
    .filter(({ target_group_arn }) => target_group_arn === TargetGroupArn)
    .reduce<number | null>((first, { firstSeen }) => Math.min(first ?? firstSeen, firstSeen), null);

/** When the condition held, by minute or longer period: "in each minute from 02:41 to 02:44 UTC". */
function timeText(points: readonly Point[], holds: (value: number) => boolean): string | null {
  const during = points.filter(({ value }) => holds(value));
  const [first, last] = [during[0], during.at(-1)];
  if (first === undefined || last === undefined) return null;
  const isAlways = points.filter(({ at }) => at >= first.at && at <= last.at).length === during.length;
  if (first.period !== MINUTE)
    return `${isAlways ? '' : 'at times '}from ${utcTimeSpan(first.at, last.at + last.period)}`;
  if (first === last) return `in the minute ${minuteOf(first)} UTC`;
  return `in ${isAlways ? 'each minute' : 'some minutes'} from ${minuteOf(first)} to ${minuteOf(last)} UTC`;
}

const minuteOf = ({ at }: Point): string => utcTime(at).slice(0, 5);

function finding({ name, unhealthy, withUnhealthy, withoutHealthy, failedOpen }: Hosts): string | null {
  const open = failedOpen
    ? ` ${plural(failedOpen, 'request was', 'requests were')} sent to unhealthy hosts because too few were healthy.`
    : '';
  if (withoutHealthy !== null) return `${name} had no healthy host ${withoutHealthy}.${open}`;
  if (unhealthy !== null && withUnhealthy !== null)
    return `${name} had ${unhealthy === 1 ? '1 unhealthy host' : `up to ${number(unhealthy)} unhealthy hosts at a time`} ${withUnhealthy}.${open}`;
  return open === '' ? null : `${name}:${open}`;
}
