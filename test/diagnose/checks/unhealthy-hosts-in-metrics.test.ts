import { describe, expect, it } from 'vitest';
import { unhealthyHostsInMetrics } from '../../../src/diagnose/checks/unhealthy-hosts-in-metrics.ts';
import type { MetricSeries } from '../../../src/evidence/aws.ts';
import { baseEvidence, describeVerdict, lambda } from '../../support/network/two-healthy-targets.ts';
import { API, MINUTE, question, START } from '../../support/traffic/traffic-builder.ts';

type Seen = Parameters<typeof unhealthyHostsInMetrics.evaluate>[0];
const judge = (part: Partial<Seen>) =>
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

describe('unhealthy-hosts-in-metrics', () => {
  it.each<{ name: string; part: Partial<Seen>; says: string }>([
    {
      name: 'healthy throughout',
      part: { metrics: steady },
      says: 'pass: No unhealthy hosts in api (at least 2 healthy).',
    },
    {
      name: 'one unhealthy for a minute',
      part: { metrics: [series('UnHealthyHostCount', 'Maximum', 0, 1, 0)] },
      says: 'fail: api had up to 1 unhealthy host in the window.',
    },
    {
      name: 'an average is used where there is no maximum',
      part: { metrics: [series('UnHealthyHostCount', 'Average', 0, 2)] },
      says: 'fail: api had up to 2 unhealthy hosts in the window.',
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
      says: 'fail: api had no healthy host for part of the window. 40 requests were sent to unhealthy hosts because too few were healthy.',
    },
    {
      name: 'fail-open alone',
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
    { name: 'not asked', part: {}, says: 'unknown: UnHealthyHostCount of api has no data in the window.' },
    {
      name: 'only Lambda',
      part: { targetGroups: [lambda] },
      says: 'not-applicable: No target group with addresses is in use.',
    },
  ])('$name', ({ part, says }) => expect(judge(part)).toBe(says));
});
