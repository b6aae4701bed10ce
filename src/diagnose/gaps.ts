/** Lists what could not be checked: one gap per missing evidence, and one per limitation of the log. */
import { type EvidenceName, type EvidenceSet, NAMING_EVIDENCE } from '../evidence/evidence.ts';
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
  targetGroupAttributes: 'target group attributes (deregistration delay)',
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
  const names = Object.keys(EVIDENCE_TITLE).filter(
    (name): name is EvidenceName => name in evidence && matters(name as EvidenceName, evidence),
  );
  const unavailable = names.flatMap((name): Gap[] => {
    const item = evidence[name];
    if (item.status === 'collected') return [];
    const { kind = 'failed', iamStatement = null, reason } = item;
    const sentence = `${sentenceCase(EVIDENCE_TITLE[name])}: ${reason}.`;
    return [{ kind, sentence, iamStatement, evidence: name }];
  });
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
  return [...unavailable, ...edge, ...limits, ...unreadable, ...capped];
}

/** Checks of the edge that could not be made, if they matter in this case. */
function edgeGaps({ edge }: EvidenceSet, traffic: Traffic | null): Gap[] {
  if (edge.status === 'unavailable') return [];
  const { limitations, distributions } = edge.value;
  const isSeen =
    distributions.length > 0 || (traffic?.log.hops ?? []).some(({ kind }) => kind.startsWith('cloudfront'));
  // Without the address ranges, it is unknown whether CloudFront is in front.
  const isUnknown = limitations.some(({ what }) => what === 'ranges');
  return limitations
    .filter(() => isSeen || isUnknown)
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
  // The doctor reports these permissions once; in a thread, only names are missing.
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
