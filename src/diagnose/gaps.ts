/**
 * Lists what could not be checked: one gap per missing evidence, one for all names of targets, and one per limitation of
 * the log.
 */

import { type EvidenceName, type EvidenceSet, NAMING_EVIDENCE } from '../evidence/evidence.ts';
import { NAMING_ACTIONS } from '../evidence/naming-actions.ts';
import { number, plural, sentenceCase } from '../format/wording.ts';
import type { Gap } from './diagnosis.ts';
import type { Traffic } from './traffic.ts';

/** The names of the evidence in sentences. */
export const EVIDENCE_TITLE: Record<EvidenceName, string> = {
  accessLog: 'the access log',
  metrics: 'CloudWatch metrics',
  loadBalancer: 'the load balancer',
  attributes: 'load balancer attributes (idle timeout, access logging)',
  listeners: 'listeners',
  rules: 'listener rules',
  targetGroups: 'target groups',
  targetGroupAttributes: 'target group attributes (deregistration delay, routing)',
  targetHealth: 'target health',
  securityGroups: 'security groups',
  networkAcls: 'network ACLs',
  subnets: 'subnets',
  networkInterfaces: 'network interfaces of the targets',
  instances: 'instances',
  routeTables: 'route tables',
  prefixLists: 'prefix lists',
  functions: 'Lambda functions',
  functionAliases: 'aliases of Lambda functions',
  tags: 'tags of the target groups',
  services: 'ECS services',
  tasks: 'ECS tasks',
  taskDefinitions: 'ECS task definitions',
  containerInstances: 'ECS container instances',
  serviceDeployments: 'ECS service deployments',
  serviceRevisions: 'ECS service revisions',
  scalingActivities: 'Auto Scaling activities',
  lifecycleHooks: 'lifecycle hooks of Auto Scaling groups',
  codeDeployments: 'CodeDeploy deployments',
  changes: 'recent changes (CloudTrail)',
  edge: 'CloudFront and other hops in front of the load balancer',
};

export function gapsOf(evidence: EvidenceSet, traffic: Traffic | null): Gap[] {
  const used = Object.keys(EVIDENCE_TITLE).filter(
    (name): name is EvidenceName => name in evidence && matters(name as EvidenceName, evidence),
  );
  const unavailable = used.flatMap((name): Gap[] => {
    const item = evidence[name];
    if (item.status === 'collected') return [];
    const { kind = 'failed', iamStatement = null, reason } = item;
    const sentence = `${sentenceCase(EVIDENCE_TITLE[name])}: ${reason}.`;
    return [{ kind, sentence, iamStatement, evidence: name }];
  });
  const names = namingGaps(evidence, unavailable);
  const log = traffic?.log;
  const edge = edgeGaps(evidence, traffic);
  const limits = (log?.unanswered ?? []).map((limit): Gap => ({ ...limit, evidence: 'accessLog' }));
  const unreadable = (log?.files.unreadable ?? []).map(({ file, reason, lines }) =>
    logGap(
      `${file}: ${reason}${lines > 0 ? `; ${plural(lines, 'line')} of it ${lines === 1 ? 'was' : 'were'} used` : ''}.`,
    ),
  );
  const capped =
    log && log.failuresTotal > log.failures.length
      ? [
          logGap(
            `Patterns were judged on a sample of ${number(log.failures.length)} of ${number(log.failuresTotal)} failed requests, chosen by trace ID; all counts are exact.`,
          ),
        ]
      : [];
  return [...unavailable, ...names, ...edge, ...limits, ...unreadable, ...capped];
}

/** Evidence that names targets and their deployments, and every action needed to read it. */
const NAMING_FEATURES: readonly { evidence: readonly EvidenceName[]; actions: readonly string[] }[] = [
  {
    evidence: ['services', 'tasks', 'taskDefinitions', 'containerInstances', 'serviceDeployments', 'serviceRevisions'],
    actions: NAMING_ACTIONS.ecs,
  },
  {
    evidence: ['scalingActivities', 'lifecycleHooks'],
    actions: NAMING_ACTIONS.scaling,
  },
  { evidence: ['codeDeployments'], actions: NAMING_ACTIONS.codeDeploy },
  { evidence: ['tags'], actions: NAMING_ACTIONS.tags },
  { evidence: ['functionAliases'], actions: NAMING_ACTIONS.aliases },
  { evidence: ['instances'], actions: ['ec2:DescribeInstances'] },
];

/** One gap for all refused naming calls, so that a thread stays short; it has the first refused call of each feature. */
function namingGaps(evidence: EvidenceSet, others: readonly Gap[]): Gap[] {
  const statements = new Set(others.map(({ iamStatement }) => iamStatement));
  const refused = NAMING_FEATURES.flatMap(({ evidence: names, actions }) => {
    const first = names.flatMap((name) => {
      const item = evidence[name];
      if (item.status === 'collected' || item.kind !== 'denied') return [];
      // The call that it depends on has a gap already.
      const { iamStatement = null } = item;
      return iamStatement !== null && statements.has(iamStatement) ? [] : [{ name, ...item }];
    })[0];
    return first === undefined ? [] : [{ ...first, actions: first.iamStatement ? actions : [] }];
  });
  const [first] = refused;
  if (first === undefined) return [];
  const missing = refused.flatMap(({ actions }) => actions);
  return [
    {
      kind: 'denied',
      sentence: `Names and deployments of targets: ${refused.map(({ reason }) => reason).join('; ')}.`,
      iamStatement:
        missing.length === 0
          ? null
          : JSON.stringify({ Effect: 'Allow', Action: missing.length === 1 ? missing[0] : missing, Resource: '*' }),
      evidence: first.name,
    },
  ];
}

/** Checks of the edge that could not be made, if they matter in this case. */
function edgeGaps({ edge }: EvidenceSet, traffic: Traffic | null): Gap[] {
  if (edge.status === 'unavailable') return [];
  const { limitations, distributions } = edge.value;
  const isSeen =
    distributions.length > 0 || (traffic?.log.hops ?? []).some(({ kind }) => kind.startsWith('cloudfront'));
  // Without the address ranges, it is unknown whether CloudFront is in front.
  const isUnknown = limitations.some(({ what }) => what === 'ranges');
  // Without the list of distributions, errors that one made itself would go unnoticed.
  return limitations
    .filter(({ kind }) => isSeen || isUnknown || kind === 'denied')
    .map(({ kind, sentence, iamStatement }): Gap => ({ kind, sentence, iamStatement, evidence: 'edge' }));
}

const logGap = (sentence: string): Gap => ({
  kind: 'incomplete',
  sentence,
  iamStatement: null,
  evidence: 'accessLog',
});

/** A gap as one sentence with its remedy: `gaps` of the JSON. */
export const gapSentence = ({ sentence, iamStatement }: Gap): string =>
  iamStatement === null ? sentence : `${sentence} Allow it with ${iamStatement}`;

/** Evidence that this case would not have used is not a gap. */
function matters(name: EvidenceName, evidence: EvidenceSet): boolean {
  if (name === 'functions') return hasLambda(evidence);
  if (name === 'prefixLists') return usesPrefixLists(evidence);
  if (name === 'instances') return hasInstanceTargets(evidence);
  if (NAMING_EVIDENCE.some((one) => one === name)) return false;
  // Used only if present; a recording may lack them.
  const item = evidence[name];
  const isNeeded = name !== 'routeTables' && name !== 'rules' && name !== 'edge';
  return isNeeded || (item.status === 'unavailable' && item.kind !== undefined && item.kind !== 'not-recorded');
}

const hasLambda = ({ targetGroups, accessLog }: EvidenceSet): boolean =>
  (targetGroups.status === 'collected' && targetGroups.value.some((group) => group.TargetType === 'lambda')) ||
  (accessLog.status === 'collected' && accessLog.value.failures.some((f) => f.error_reason.startsWith('Lambda')));

const usesPrefixLists = ({ securityGroups }: EvidenceSet): boolean =>
  securityGroups.status === 'collected' &&
  securityGroups.value.some((group) =>
    [...(group.IpPermissions ?? []), ...(group.IpPermissionsEgress ?? [])].some(
      (p) => (p.PrefixListIds ?? []).length > 0,
    ),
  );

const hasInstanceTargets = ({ targetGroups }: EvidenceSet): boolean =>
  targetGroups.status === 'collected' && targetGroups.value.some((group) => group.TargetType === 'instance');
