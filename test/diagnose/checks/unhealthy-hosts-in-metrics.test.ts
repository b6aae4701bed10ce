import { describe, expect, it } from 'vitest';
import { unhealthyHostsInMetrics } from '../../../src/diagnose/checks/unhealthy-hosts-in-metrics.ts';
import type { FailedHealthChecks } from '../../../src/evidence/access-log.ts';
import type { MetricSeries } from '../../../src/evidence/aws.ts';
import { baseEvidence, describeVerdict, lambda } from '../../support/network/two-healthy-targets.ts';
import { API, MINUTE, question, START, several, target, trafficOf } from '../../support/traffic/traffic-builder.ts';

type Input = Parameters<typeof unhealthyHostsInMetrics.evaluate>[0];
const judge = (part: Partial<Input>) =>
  describeVerdict(unhealthyHostsInMetrics.evaluate({ ...baseEvidence, metrics: [], ...part }, question));

/** One value a minute, from the start of the window. */
const series = (MetricName: string, Stat: string, ...Values: number[]): MetricSeries => ({
  MetricName,
  Stat,
  Period: 60,
  Dimensions: { LoadBalancer: 'app/shop-prod/50dc6c495c0c9188', TargetGroup: API.split(':').at(-1) ?? '' },
  Timestamps: Values.map((_, i) => new Date(START + i * MINUTE).toISOString()),
  Values,
});
const steady = [series('UnHealthyHostCount', 'Maximum', 0, 0, 0), series('HealthyHostCount', 'Minimum', 3, 2, 3)];

const withHealthChecks = (part: Partial<FailedHealthChecks>) =>
  trafficOf([], {
    healthChecks: [
      {
        ...{ targetGroup: 'api', target: '10.0.1.5:8080', nodes: ['10.0.0.10', '10.0.1.10'], failures: 4 },
        ...{ from: START + MINUTE, to: null, last: START + MINUTE + 40_000 },
        reasons: [
          { reason: 'TargetError', statusCode: '503', count: 3 },
          { reason: 'TimedOut', statusCode: '-', count: 1 },
        ],
        ...part,
      },
    ],
  });

describe('unhealthy-hosts-in-metrics', () => {
  it.each<{ name: string; part: Partial<Input>; says: string }>([
    {
      name: 'healthy throughout',
      part: { metrics: steady },
      says: 'pass: No unhealthy hosts in api (at least 2 healthy).',
    },
    {
      name: 'one unhealthy for a minute',
      part: { metrics: [series('UnHealthyHostCount', 'Maximum', 0, 1, 0)] },
      says: 'fail: api had 1 unhealthy host in the minute 02:41 UTC.',
    },
    {
      name: 'uses an average if there is no maximum',
      part: { metrics: [series('UnHealthyHostCount', 'Average', 0, 2)] },
      says: 'fail: api had up to 2 unhealthy hosts at a time in the minute 02:41 UTC.',
    },
    {
      name: 'unhealthy twice',
      part: { metrics: [series('UnHealthyHostCount', 'Maximum', 0, 1, 0, 1, 0)] },
      says: 'fail: api had 1 unhealthy host in some minutes from 02:41 to 02:43 UTC.',
    },
    {
      name: 'unhealthy for two minutes',
      part: { metrics: [series('UnHealthyHostCount', 'Maximum', 0, 1, 1, 0)] },
      says: 'fail: api had 1 unhealthy host in each minute from 02:41 to 02:42 UTC.',
    },
    {
      name: 'unhealthy, by metrics of five minutes',
      part: { metrics: [{ ...series('UnHealthyHostCount', 'Maximum', 1), Period: 300 }] },
      says: 'fail: api had 1 unhealthy host from 02:40:00 to 02:45:00 UTC.',
    },
    {
      name: 'none healthy',
      part: {
        metrics: [
          series('UnHealthyHostCount', 'Maximum', 3),
          series('HealthyHostCount', 'Minimum', 0),
          series('UnhealthyRoutingRequestCount', 'Sum', 40),
        ],
      },
      says: 'fail: api had no healthy host in the minute 02:40 UTC. 40 requests were sent to unhealthy hosts because too few were healthy.',
    },
    {
      name: 'none healthy before the first request, as in a new deployment',
      part: {
        metrics: [series('UnHealthyHostCount', 'Maximum', 0, 0, 0), series('HealthyHostCount', 'Minimum', 0, 0, 2)],
        traffic: trafficOf([], { targets: [target('10.0.1.5:8080', { firstSeen: START + 2 * MINUTE })] }),
      },
      says: 'pass: No unhealthy hosts in api (at least 2 healthy).',
    },
    {
      name: 'none healthy in the minute of the first request',
      part: {
        metrics: [series('UnHealthyHostCount', 'Maximum', 0, 0, 0), series('HealthyHostCount', 'Minimum', 0, 0, 2)],
        traffic: trafficOf([], { targets: [target('10.0.1.5:8080', { firstSeen: START + 2 * MINUTE - 1 })] }),
      },
      says: 'fail: api had no healthy host in the minute 02:41 UTC.',
    },
    {
      name: 'fail-open only',
      part: { metrics: [...steady, series('UnhealthyRoutingRequestCount', 'Sum', 1)] },
      says: 'fail: api: 1 request was sent to unhealthy hosts because too few were healthy.',
    },
    {
      name: 'unhealthy an hour later',
      part: {
        metrics: [
          ...steady,
          { ...series('UnHealthyHostCount', 'Maximum', 1), Timestamps: [new Date(START + 60 * MINUTE).toISOString()] },
        ],
      },
      says: 'pass: No unhealthy hosts in api (at least 2 healthy).',
    },
    {
      name: 'the health-check log says which target, when and why',
      part: { metrics: steady, traffic: withHealthChecks({ to: START + 2 * MINUTE }) },
      says: 'fail: 10.0.1.5:8080 failed health checks from 2 load balancer nodes from 02:41:00 to 02:42:00 UTC: 3 × 503 (TargetError) and 1 × TimedOut. Even so, CloudWatch counted no unhealthy host.',
    },
    {
      name: 'a target that is not seen to pass again',
      part: {
        metrics: [series('UnHealthyHostCount', 'Maximum', 0, 1, 0)],
        traffic: withHealthChecks({ to: null, nodes: [] }),
      },
      says: 'fail: api had 1 unhealthy host in the minute 02:41 UTC. 10.0.1.5:8080 failed health checks from 02:41:00 to at least 02:41:40 UTC: 3 × 503 (TargetError) and 1 × TimedOut.',
    },
    {
      name: 'a group that lost all its targets: its lowest count is from before',
      part: { metrics: steady, traffic: trafficOf(several(3, 'no-target')) },
      says: 'pass: No unhealthy hosts in api (while it had targets).',
    },
    { name: 'not asked', part: {}, says: 'unknown: UnHealthyHostCount of api has no data in the window.' },
    {
      name: 'only Lambda',
      part: { targetGroups: [lambda] },
      says: 'not-applicable: No target group with addresses is in use.',
    },
  ])('$name', ({ part, says }) => expect(judge(part)).toBe(says));
});
