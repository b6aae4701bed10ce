import type { Attributes, TargetGroup, TargetHealthDescription } from '../../evidence/aws.ts';
import { metricMaximum } from '../../evidence/metrics.ts';
import type { Question } from '../../evidence/question.ts';
import { list, plural, sentenceCase } from '../../format/wording.ts';
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import { attachedGroups } from '../network-path/target-paths.ts';
import { defineCheck } from './check.ts';

const MINUTE = 60_000;

export const trafficDistribution = defineCheck({
  id: 'traffic-distribution',
  step: 6,
  subject: 'how requests are spread over the targets',
  question: 'Does the load balancer send requests to all healthy targets of every zone alike?',
  why: 'Cross-zone load balancing, Automatic Target Weights and zonal shift decide which targets get requests; a zone or a few targets may carry all of them.',
  fix: 'End the zonal shift or mend what it avoids; run as many targets in each zone, or turn cross-zone load balancing on; compare the anomalous targets with their peers.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html#target-group-attributes',
  symptom: true,
  needs: ['targetGroups', 'targetGroupAttributes'],
  wants: ['loadBalancer', 'attributes', 'targetHealth', 'metrics', 'traffic'],

  evaluate(evidence, question) {
    const groups = attachedGroups(evidence);
    if (groups.length === 0) return { outcome: 'not-applicable', summary: 'No target group with addresses is in use.' };
    const read = groups.flatMap((group) => {
      const attributes = evidence.targetGroupAttributes[group.TargetGroupArn];
      return attributes ? [distributionOf(group, attributes, evidence, question)] : [];
    });
    const facts = read.map(({ name, algorithm }) => ({ label: `${name} algorithm`, value: algorithm }));
    const findings = read.flatMap(findingsOf);
    // Avoiding targets on purpose is a fault only if requests fail.
    if (findings.length > 0 && evidence.traffic?.errorCount !== 0)
      return { outcome: 'fail', summary: findings.join(' '), facts };
    if (read.length < groups.length) {
      const unread = groups.filter(({ TargetGroupArn }) => !evidence.targetGroupAttributes[TargetGroupArn]);
      return {
        outcome: 'unknown',
        summary: `The attributes of ${list(unread.map(({ TargetGroupName }) => TargetGroupName))} were not seen.`,
        facts,
      };
    }
    const remarks = [...findings, ...read.flatMap(unevenText)].map((sentence) => ` ${sentence}`).join('');
    return { outcome: 'pass', summary: `${sentenceCase(ordinaryText(read))}.${remarks}`, facts };
  },
});

type DistributionEvidence = Partial<
  Pick<DiagnosisEvidence, 'loadBalancer' | 'attributes' | 'targetHealth' | 'metrics' | 'traffic'>
>;

interface Distribution {
  name: string;
  /** The algorithm in words. */
  algorithm: string;
  crossZone: boolean;
  /** Zones with their number of healthy targets, if cross-zone is off and the numbers differ. */
  uneven: { zone: string; targets: number }[];
  /** The largest number of anomalous hosts, over the window or now. */
  anomalous: number;
  mitigated: number;
  shifted: number;
  /** Zones with fewer healthy targets than a threshold of the group; across zones, the whole group. */
  short: ShortZone[];
}

interface ShortZone {
  /** Null for all zones together. */
  zone: string | null;
  healthy: number;
  registered: number;
  /** Healthy targets needed, below which unhealthy targets get requests too; null if there are enough. */
  routing: number | null;
  /** Healthy targets needed, below which DNS leaves the zone out; null if there are enough. */
  dns: number | null;
}

function distributionOf(
  group: TargetGroup,
  attributes: Attributes,
  { loadBalancer, attributes: own, targetHealth, metrics }: DistributionEvidence,
  question: Question,
): Distribution {
  const health = targetHealth?.[group.TargetGroupArn] ?? [];
  const window = { from: Math.floor(question.from / MINUTE) * MINUTE, to: Math.ceil(question.to / MINUTE) * MINUTE };
  const scope = { loadBalancer: question.loadBalancer, targetGroup: group.TargetGroupArn };
  const most = (metric: string, now: number): number =>
    Math.max(now, metricMaximum(metrics ?? [], metric, scope, window) ?? 0);
  const setting = attributes['load_balancing.cross_zone.enabled'] ?? 'use_load_balancer_configuration';
  // On an Application Load Balancer itself, cross-zone is always on.
  const crossZone =
    (setting === 'use_load_balancer_configuration' ? own?.['load_balancing.cross_zone.enabled'] : setting) !== 'false';
  const healthy = health.filter(({ TargetHealth }) => TargetHealth?.State === 'healthy');
  const zones = (loadBalancer?.AvailabilityZones ?? []).flatMap(({ ZoneName }) => ZoneName ?? []).sort();
  const perZone = zones.map((zone) => ({
    zone,
    targets: healthy.filter(({ Target }) => Target.AvailabilityZone === zone).length,
  }));
  const scopes = crossZone ? [null] : zones;
  const known = healthy.length > 0 && healthy.every(({ Target }) => Target.AvailabilityZone !== undefined);
  const isUneven = !crossZone && known && new Set(perZone.map(({ targets }) => targets)).size > 1;
  return {
    name: group.TargetGroupName,
    algorithm: algorithmText(attributes),
    crossZone,
    uneven: isUneven ? perZone : [],
    anomalous: most(
      'AnomalousHostCount',
      health.filter((each) => each.AnomalyDetection?.Result === 'anomalous').length,
    ),
    mitigated: most(
      'MitigatedHostCount',
      health.filter((each) => each.AnomalyDetection?.MitigationInEffect === 'yes').length,
    ),
    shifted: most(
      'ActiveZonalShiftHostCount',
      health.filter((each) => each.AdministrativeOverride?.State === 'zonal_shift_active').length,
    ),
    short: scopes.flatMap((zone) => shortZone(zone, health, attributes)),
  };
}

/** States that a threshold does not count: the target is leaving, or was never in use. */
const NOT_COUNTED = ['draining', 'unused'];

/**
 * Applies the target group health thresholds: the larger of a count and a percentage. "off" or an unread threshold
 * requires none.
 */
function shortZone(
  zone: string | null,
  health: readonly TargetHealthDescription[],
  attributes: Attributes,
): ShortZone[] {
  const own = health.filter(
    ({ Target, TargetHealth }) =>
      (zone === null || Target.AvailabilityZone === zone) && !NOT_COUNTED.includes(TargetHealth?.State ?? ''),
  );
  const healthy = own.filter(({ TargetHealth }) => TargetHealth?.State === 'healthy').length;
  const needed = (action: string): number | null => {
    const read = (unit: string) => {
      const value = Number(attributes[`target_group_health.${action}.minimum_healthy_targets.${unit}`]);
      return Number.isFinite(value) ? value : 0;
    };
    const least = Math.max(read('count'), Math.ceil((own.length * read('percentage')) / 100));
    return healthy < least ? least : null;
  };
  const routing = needed('unhealthy_state_routing');
  const dns = zone === null ? null : needed('dns_failover');
  return own.length > 0 && (routing !== null || dns !== null)
    ? [{ zone, healthy, registered: own.length, routing, dns }]
    : [];
}

const ALGORITHMS: Record<string, string> = {
  round_robin: 'round robin',
  least_outstanding_requests: 'fewest outstanding requests',
  weighted_random: 'weighted random',
};

function algorithmText(attributes: Attributes): string {
  const type = attributes['load_balancing.algorithm.type'] ?? 'round_robin';
  const mitigates = attributes['load_balancing.algorithm.anomaly_mitigation'] === 'on';
  return `${ALGORITHMS[type] ?? 'another algorithm'}${mitigates ? ' with Automatic Target Weights' : ''}`;
}

function shortText(name: string, { zone, healthy, registered, routing, dns }: ShortZone): string[] {
  const who = `${healthy} of ${plural(registered, 'target')} of ${name}${zone === null ? '' : ` in ${zone}`} ${healthy === 1 || registered === 1 ? 'is' : 'are'} healthy now`;
  return [
    ...(routing === null ? [] : [`${who}, fewer than the ${routing} needed: unhealthy targets get requests too.`]),
    ...(dns === null ? [] : [`${who}, fewer than the ${dns} that DNS failover needs: DNS leaves ${zone} out.`]),
  ];
}

function findingsOf({ name, anomalous, mitigated, shifted, short }: Distribution): string[] {
  return [
    ...short.flatMap((each) => shortText(name, each)),
    ...(shifted > 0 ? [`A zonal shift took ${plural(shifted, 'target')} of ${name} out of use.`] : []),
    ...(mitigated > 0
      ? [`Automatic Target Weights sent fewer requests to ${plural(mitigated, 'anomalous target')} of ${name}.`]
      : anomalous > 0
        ? [`${plural(anomalous, 'target')} of ${name} ${anomalous === 1 ? 'was' : 'were'} anomalous beside the others.`]
        : []),
  ];
}

const unevenText = ({ name, uneven }: Distribution): string[] =>
  uneven.length === 0
    ? []
    : [
        `Cross-zone load balancing is off for ${name}, so a target of a zone with few gets more: ${list(
          uneven.map(({ zone, targets }) => `${plural(targets, 'healthy target')} in ${zone}`),
          6,
        )}.`,
      ];

/**
 * "requests to api and web are spread by round robin across all zones": one sentence for groups with equal settings.
 */
function ordinaryText(read: readonly Distribution[]): string {
  const alike = Map.groupBy(
    read,
    ({ algorithm, crossZone }) => `by ${algorithm}${crossZone ? ' across all zones' : ' within each zone'}`,
  );
  return list([...alike].map(([how, own]) => `requests to ${list(own.map(({ name }) => name))} are spread ${how}`));
}
