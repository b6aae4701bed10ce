import type { MetricSeries, TargetGroup } from '../../evidence/aws.ts';
import type { FailedHealthChecks, Question } from '../../evidence/evidence.ts';
import { metricMaximum, metricMinimum, metricSum } from '../../evidence/metrics.ts';
import { list, number, plural, utcTimeSpan } from '../../format/wording.ts';
import { attachedGroups } from '../network-path/target-paths.ts';
import { nameOf, type Traffic, targetGroupName, withSignature } from '../traffic.ts';
import { defineCheck } from './check.ts';

const MINUTE = 60_000;

export const unhealthyHostsInMetrics = defineCheck({
  id: 'unhealthy-hosts-in-metrics',
  step: 6,
  question: 'Do the metrics and the health-check log show all targets healthy during the whole window?',
  why: 'Target health shows only the present. UnHealthyHostCount and HealthyHostCount cover the time of the errors; a health-check log shows which targets failed, when and why.',
  fix: 'Find out why health checks failed at that time: look at the health-check log, at task and instance events, and at the path to the health-check port.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html',
  symptom: true,
  headline: 2,
  needs: ['targetGroups', 'metrics'],
  wants: ['loadBalancer', 'traffic'],

  evaluate(evidence, question) {
    const groups = attachedGroups(evidence);
    if (groups.length === 0) return { outcome: 'not-applicable', summary: 'No target group with addresses is in use.' };
    const read = groups.map((group) => hostsOf(group, evidence.metrics, question));
    const facts = read.flatMap(({ name, unhealthy, healthy }) => [
      ...(unhealthy === null ? [] : [{ label: `highest UnHealthyHostCount of ${name}`, value: unhealthy }]),
      ...(healthy === null ? [] : [{ label: `lowest HealthyHostCount of ${name}`, value: healthy }]),
    ]);
    const findings = [
      ...read.flatMap((hosts) => finding(hosts) ?? []),
      ...(evidence.traffic === undefined ? [] : failedChecks(evidence.traffic)),
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
    return { outcome: 'pass', summary: `No unhealthy hosts in ${list(least)}.`, facts };
  },
});

const SHOWN = 3;

/**
 * "Health checks of feed-api task 91aa… (10.0.10.31) from 2 nodes failed from 07:44:00 to 07:45:10 UTC: 4 × 503
 * (ResponseCodeMismatch)."
 */
function failedChecks(traffic: Traffic): string[] {
  const { healthChecks = [] } = traffic.log;
  const sentences = healthChecks.slice(0, SHOWN).map(({ target, from, to, last, nodes, reasons }) => {
    const span = utcTimeSpan(from, to ?? last);
    const when = to === null ? span.replace(' to ', ' to at least ') : span;
    const sender = nodes.length === 0 ? '' : ` from ${plural(nodes.length, 'node')}`;
    const why = list(reasons.map(reasonText), SHOWN);
    return `Health checks of ${nameOf(traffic, target, from)}${sender} failed from ${when}: ${why}.`;
  });
  const more = healthChecks.length - sentences.length;
  return more > 0 ? [...sentences, `${plural(more, 'more time')} in the health-check log.`] : sentences;
}

const reasonText = ({ reason, statusCode, count }: FailedHealthChecks['reasons'][number]): string =>
  `${number(count)} × ${statusCode === '-' ? reason : `${statusCode} (${reason})`}`;

interface Hosts {
  name: string;
  unhealthy: number | null;
  healthy: number | null;
  /** Requests sent although too few hosts were healthy; null if not queried. */
  failedOpen: number | null;
}

function hostsOf(group: TargetGroup, metrics: MetricSeries[], question: Question): Hosts {
  const scope = { loadBalancer: question.loadBalancer, targetGroup: group.TargetGroupArn };
  const window = { from: Math.floor(question.from / MINUTE) * MINUTE, to: Math.ceil(question.to / MINUTE) * MINUTE };
  const first = (read: (stat: string) => number | null, stats: string[]): number | null =>
    stats.reduce<number | null>((found, stat) => found ?? read(stat), null);
  return {
    name: group.TargetGroupName,
    unhealthy: first(
      (stat) => metricMaximum(metrics, 'UnHealthyHostCount', scope, window, stat),
      ['Maximum', 'Average', 'Minimum'],
    ),
    healthy: first(
      (stat) => metricMinimum(metrics, 'HealthyHostCount', scope, window, stat),
      ['Minimum', 'Average', 'Maximum'],
    ),
    failedOpen: metricSum(metrics, 'UnhealthyRoutingRequestCount', scope, window),
  };
}

function finding({ name, unhealthy, healthy, failedOpen }: Hosts): string | null {
  const open = failedOpen
    ? ` ${plural(failedOpen, 'request was', 'requests were')} sent to unhealthy hosts because too few were healthy.`
    : '';
  if (healthy === 0) return `${name} had no healthy host for part of the window.${open}`;
  if (unhealthy !== null && unhealthy > 0)
    return `${name} had ${unhealthy === 1 ? '1 unhealthy host at some point' : `up to ${number(unhealthy)} unhealthy hosts at a time`} in the window.${open}`;
  return open === '' ? null : `${name}:${open}`;
}
