import type { TargetHealthDescription } from '../../evidence/aws.ts';
import { type Command, command } from '../../format/command.ts';
import { durationSpread, list, plural, requestsOf } from '../../format/wording.ts';
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import { claimErrors, type Fix, type Judgement, ruledOut, type Strength, untested } from '../judgement.ts';
import { instanceById } from '../network-path/instance-lookup.ts';
import { currentHealthText, type NoTargetGroup, noTargetGroups } from '../patterns/no-target.ts';
import { type EmptyGroupEvidence, emptinessOf, emptinessText, emptyGroupFix } from '../targets/empty-groups.ts';
import { platformOf } from '../targets/platform.ts';
import { countErrors, type Traffic } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const noRegisteredTargets = defineCause({
  id: 'no-registered-targets',
  title: 'No target in the target group',
  explanation:
    'The target group had no registered target, or all of its targets were unused (stopped, or in a zone that is not enabled).',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html#http-503-issues',
  signatures: ['no-target'],
  breakingCalls: [{ name: /^DeregisterTargets$/, verb: 'emptied target group', outcome: 'requests found no target' }],
  wants: [
    'targetGroups',
    'targetHealth',
    'metrics',
    'loadBalancer',
    'instances',
    'rules',
    'services',
    'tags',
    'changes',
  ],

  judge(evidence, question): Judgement {
    const { traffic } = evidence;
    const groups = noTargetGroups(traffic, evidence, question);
    const judged = groups.flatMap((group) => {
      const strength = strengthOf(group);
      return strength === null ? [] : [{ ...group, strength }];
    });
    const excludedGroups = groups.filter((group) => strengthOf(group) === null);
    const sure = judged.filter(({ strength }) => strength !== 'possible');
    const refused = excludedGroups.map(
      ({ name, rejected }) => `The target optimizer of ${name} refused ${plural(rejected ?? 0, 'request')}.`,
    );
    const allRefused = countErrors(excludedGroups.flatMap((group) => group.errors)) === traffic.errorCount;
    return claimErrors(
      {
        claims: judged,
        for: judged.flatMap((group) => [
          `${requestsOf(countErrors(group.errors), traffic.errorCount)} found no target in ${group.name} and ended after ${durationSpread(group.errors.flatMap(({ elapsed }) => elapsed ?? []))}.`,
          ...(group.everyRequest ? [`Every request to ${group.name} in the window failed like this.`] : []),
          ...(group.health ? [currentHealthText(group.name, group.health)] : []),
          ...(group.emptyNodes.length > 0
            ? [
                `All of them on ${nodesText(group.emptyNodes)}, which reached no target of ${group.name}; the other nodes did.`,
              ]
            : []),
        ]),
        against: [
          ...refused,
          ...judged
            .filter(({ optimizer }) => optimizer === true)
            .map(({ name }) => `${name} uses a target optimizer, which answers 503 as well when no target is ready.`),
        ],
        missing: missingEvidenceText(judged),
        fix: fixFor(sure.length > 0 ? sure : judged, evidence, traffic),
        ...(sure.length > 0 && {
          summary: summaryOf(sure),
        }),
      },
      allRefused ? ruledOut(refused) : untested(),
    );
  },
});

const nodesText = (nodes: readonly string[]): string =>
  `the load balancer ${nodes.length === 1 ? 'node' : 'nodes'} ${list(nodes)}`;

/** "api had no usable target: …", or which nodes found none. */
function summaryOf(groups: readonly NoTargetGroup[]): string {
  const names = list(groups.map(({ name }) => name));
  const requests = plural(countErrors(groups.flatMap(({ errors }) => errors)), 'request');
  const [first] = groups;
  if (groups.length !== 1 || first === undefined) return `${names} had no usable target: ${requests} got 503.`;
  if (first.emptyNodes.length > 0)
    return `${names} had no target in the zone of ${nodesText(first.emptyNodes)}: ${requests} got 503 there, and the other nodes reached its targets.`;
  const why = first.health === null ? null : emptinessText(first.name, first.health);
  return why === null ? `${names} had no usable target: ${requests} got 503.` : `${why}: ${requests} got 503.`;
}

type ZoneEvidence = Partial<Pick<DiagnosisEvidence, 'loadBalancer' | 'instances' | 'changes'>>;

function fixFor(groups: readonly NoTargetGroup[], evidence: ZoneEvidence & EmptyGroupEvidence, traffic: Traffic): Fix {
  const reasons = new Set(groups.map(({ health }) => emptinessOf(health)));
  const [reason] = reasons;
  const describe = groups.map(
    ({ target_group_arn: arn }) => command`aws elbv2 describe-target-health --target-group-arn ${arn}`,
  );
  if (reasons.size === 1 && reason === 'zone off') return zoneFix(groups, evidence, describe);
  if (reasons.size === 1 && reason === 'stopped') {
    const ids = [...new Set(groups.flatMap(({ health }) => health ?? []).map(({ Target }) => Target.Id))].sort();
    return {
      summary: `Start or replace ${list(ids, 3)}: every registered instance is stopped or terminated.`,
      commands: [command`aws ec2 describe-instances --instance-ids ${ids.slice(0, INSTANCES_NAMED)}`, ...describe],
      sideEffects: ['An instance gets requests again as soon as its health checks pass.'],
    };
  }
  const empty = groups.filter(({ emptyNodes }) => emptyNodes.length > 0);
  if (groups.length > 0 && empty.length === groups.length) return emptyZoneFix(empty, describe);
  const [first] = groups;
  const specific = first && emptyGroupFix(first.target_group_arn, first.health, evidence, traffic);
  if (specific) return specific;
  const names = list(groups.map(({ name }) => name));
  const behind = names === '' ? '' : ` behind ${names}`;
  const isOne = groups.length < 2;
  const raise = isOne ? 'if it is 0, raise it' : 'raise each that is 0';
  const sideEffects = ['A newly registered target gets requests once it passes a health check.'];
  const errors = groups.flatMap((group) => group.errors);
  if (platformOf(errors, traffic, evidence) === 'ecs')
    return {
      summary: `Check the desired ${isOne ? 'count of the ECS service' : 'counts of the ECS services'}${behind}; ${raise}.`,
      commands: [
        ...describe,
        command`aws ecs describe-services --cluster ${'<cluster>'} --services ${'<service>'} --query ${'services[0].[desiredCount,runningCount,events[:10]]'}`,
        command`aws ecs update-service --cluster ${'<cluster>'} --service ${'<service>'} --desired-count ${'<count>'}`,
      ],
      notes: [
        isOne
          ? `If the count is not 0, read the service's events: they say why no task is registered${names === '' ? '' : ` in ${names}`}.`
          : "If a count is not 0, read the service's events: they say why none of its tasks is registered.",
      ],
      sideEffects,
    };
  return {
    summary: `Check the desired ${isOne ? 'count of the ECS service or Auto Scaling group' : 'counts of the ECS services or Auto Scaling groups'}${behind}; ${raise}.`,
    commands: groups.flatMap(({ target_group_arn: arn }) => [
      command`aws elbv2 describe-target-health --target-group-arn ${arn}`,
      command`aws elbv2 register-targets --target-group-arn ${arn} --targets ${'Id=<instance-or-address>'}`,
    ]),
    notes: [
      'Register targets by hand only if no service or group manages them.',
      'Only targets in a zone that is enabled on the load balancer get requests.',
    ],
    sideEffects,
  };
}

const INSTANCES_NAMED = 10;

/** For groups without cross-zone routing where one zone has no targets. */
const emptyZoneFix = (groups: readonly NoTargetGroup[], describe: readonly Command[]): Fix => ({
  summary: `Run targets of ${list(groups.map(({ name }) => name))} in every enabled zone, or let each node use the targets of all zones (cross-zone load balancing).`,
  commands: [
    ...groups.map(
      ({ target_group_arn: arn }) =>
        command`aws elbv2 modify-target-group-attributes --target-group-arn ${arn} --attributes Key=load_balancing.cross_zone.enabled,Value=true`,
    ),
    ...describe,
  ],
  sideEffects: ['Requests then cross zones, and the targets of the other zones get all of them.'],
});

/** For targets in a zone where the load balancer has no subnet; they get no traffic. */
function zoneFix(
  groups: readonly NoTargetGroup[],
  { loadBalancer, instances }: ZoneEvidence,
  describe: readonly Command[],
): Fix {
  const zoneOf = ({ Target }: TargetHealthDescription): string | undefined =>
    instanceById(instances, Target.Id)?.Placement?.AvailabilityZone ?? Target.AvailabilityZone;
  const enabled = loadBalancer?.AvailabilityZones ?? [];
  const zones = [...new Set(groups.flatMap(({ health }) => health ?? []).flatMap((each) => zoneOf(each) ?? []))]
    .filter((zone) => !enabled.some(({ ZoneName }) => ZoneName === zone))
    .sort();
  const where = zones.length > 0 ? list(zones) : 'the zone of the targets';
  const subnets = enabled.flatMap(({ SubnetId }) => SubnetId ?? []);
  return {
    summary: `Enable ${where} on the load balancer (all targets are unused, Target.NotInUse), or run targets in a zone that is enabled.`,
    commands: [
      ...(loadBalancer && subnets.length > 0
        ? [
            command`aws elbv2 set-subnets --load-balancer-arn ${loadBalancer.LoadBalancerArn} --subnets ${[...subnets, ...(zones.length > 0 ? zones : ['new']).map((zone) => `<subnet in ${zone}>`)]}`,
          ]
        : []),
      ...describe,
    ],
    notes: ['set-subnets names all subnets: those that are left out are taken away.'],
    sideEffects: ['The load balancer gets a node in each new zone, and its DNS name an address there.'],
  };
}

/** Null if a target optimizer's agent refused as many requests. */
function strengthOf({ optimizer, rejected, everyRequest, errors }: NoTargetGroup): Strength | null {
  if (rejected !== null && rejected > 0) return rejected >= 0.9 * countErrors(errors) ? null : 'possible';
  if (optimizer === false || rejected === 0) return 'confirmed';
  return optimizer === null && everyRequest ? 'likely' : 'possible';
}

function missingEvidenceText(groups: NoTargetGroup[]): string[] {
  const unread = groups.filter(({ optimizer }) => optimizer === null).map(({ name }) => name);
  const unhealthy = groups.filter(({ health }) => health === null).map(({ name }) => name);
  return [
    ...(unread.length > 0
      ? [`The configuration of ${list(unread)} (elasticloadbalancing:DescribeTargetGroups) could not be read.`]
      : []),
    ...(unhealthy.length > 0 ? [`Target health of ${list(unhealthy)} could not be read.`] : []),
  ];
}
