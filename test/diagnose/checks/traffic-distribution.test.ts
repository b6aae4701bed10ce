import { describe, expect, it } from 'vitest';
import { trafficDistribution } from '../../../src/diagnose/checks/traffic-distribution.ts';
import type { MetricSeries, TargetHealthDescription } from '../../../src/evidence/aws.ts';
import { baseEvidence, describeVerdict, lambda, traffic } from '../../support/network/two-healthy-targets.ts';
import { API, LB, question, several } from '../../support/traffic/traffic-builder.ts';

type Input = Parameters<typeof trafficDistribution.evaluate>[0];
const set = (attributes: Record<string, string> = {}) => ({ targetGroupAttributes: { [API]: attributes } });
const judge = (part: Partial<Input>) =>
  describeVerdict(trafficDistribution.evaluate({ ...baseEvidence, ...set(), ...part }, question));
const failing = { traffic: traffic(several(3, 'connect-timeout')) };
const counted = (MetricName: string, value: number): { metrics: MetricSeries[] } => ({
  metrics: [
    {
      MetricName,
      Dimensions: { LoadBalancer: 'app/shop-prod/50dc6c495c0c9188', TargetGroup: 'targetgroup/api/0123456789abcdef' },
      Stat: 'Maximum',
      Period: 60,
      Timestamps: [new Date(question.from).toISOString()],
      Values: [value],
    },
  ],
});
const healthyIn = (zone: string, more: Partial<TargetHealthDescription> = {}): TargetHealthDescription => ({
  Target: { Id: '10.0.1.5', Port: 8080, AvailabilityZone: zone },
  TargetHealth: { State: 'healthy' },
  ...more,
});
const sick = (zone: string) => healthyIn(zone, { TargetHealth: { State: 'unhealthy' } });
const zones = {
  loadBalancer: {
    LoadBalancerArn: LB,
    LoadBalancerName: 'shop-prod',
    AvailabilityZones: [{ ZoneName: 'eu-west-1a' }, { ZoneName: 'eu-west-1b' }],
  },
};

describe('traffic-distribution', () => {
  it.each<{ name: string; part: Partial<Input>; says: string }>([
    {
      name: 'no setting',
      part: {},
      says: 'pass: Requests to api are spread by round robin across all zones.',
    },
    {
      name: 'fewer targets are healthy than the threshold of the group needs',
      part: {
        ...set({ 'target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage': '60' }),
        targetHealth: { [API]: [healthyIn('eu-west-1a'), sick('eu-west-1a'), sick('eu-west-1b')] },
        ...failing,
      },
      says: 'fail: 1 of 3 targets of api is healthy now, fewer than the 2 needed: unhealthy targets get requests too.',
    },
    {
      name: 'a zone has too few healthy targets of its own',
      part: {
        ...zones,
        ...set({
          'load_balancing.cross_zone.enabled': 'false',
          'target_group_health.dns_failover.minimum_healthy_targets.count': '1',
          'target_group_health.unhealthy_state_routing.minimum_healthy_targets.count': 'off',
        }),
        targetHealth: { [API]: [healthyIn('eu-west-1a'), sick('eu-west-1b')] },
        ...failing,
      },
      says: 'fail: 0 of 1 target of api in eu-west-1b is healthy now, fewer than the 1 that DNS failover needs: DNS leaves eu-west-1b out.',
    },
    {
      name: 'Automatic Target Weights are on, and found nothing',
      part: {
        ...set({
          'load_balancing.algorithm.type': 'weighted_random',
          'load_balancing.algorithm.anomaly_mitigation': 'on',
        }),
        ...failing,
      },
      says: 'pass: Requests to api are spread by weighted random with Automatic Target Weights across all zones.',
    },
    {
      name: 'anomalous targets got less while requests failed',
      part: { ...counted('MitigatedHostCount', 1), ...failing },
      says: 'fail: Automatic Target Weights sent fewer requests to 1 anomalous target of api.',
    },
    {
      name: 'an anomalous target while nothing failed is a remark',
      part: counted('AnomalousHostCount', 2),
      says: 'pass: Requests to api are spread by round robin across all zones. 2 targets of api were anomalous beside the others.',
    },
    {
      name: 'a zonal shift, by the health of the targets now',
      part: {
        targetHealth: { [API]: [healthyIn('eu-west-1a', { AdministrativeOverride: { State: 'zonal_shift_active' } })] },
        ...failing,
      },
      says: 'fail: A zonal shift took 1 target of api out of use.',
    },
    {
      name: 'cross-zone is off, and one zone has fewer targets',
      part: {
        ...set({ 'load_balancing.cross_zone.enabled': 'false' }),
        ...zones,
        targetHealth: { [API]: [healthyIn('eu-west-1a'), healthyIn('eu-west-1a'), healthyIn('eu-west-1b')] },
        ...failing,
      },
      says: 'pass: Requests to api are spread by round robin within each zone. Cross-zone load balancing is off for api, so a target of a zone with few gets more: 2 healthy targets in eu-west-1a and 1 healthy target in eu-west-1b.',
    },
    {
      name: 'the attributes of the group were not seen',
      part: { targetGroupAttributes: {} },
      says: 'unknown: The attributes of api were not seen.',
    },
    {
      name: 'a function has no zones',
      part: { targetGroups: [lambda] },
      says: 'not-applicable: No target group with addresses is in use.',
    },
  ])('$name', ({ part, says }) => expect(judge(part)).toBe(says));
});
