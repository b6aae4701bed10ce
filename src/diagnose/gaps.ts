/** What could not be looked at, said once each, by the name of what is unknown for it. */
import type { EvidenceName, EvidenceSet } from '../evidence/evidence.ts';
import { plural } from '../format/wording.ts';
import type { Traffic } from './traffic.ts';

const UNKNOWN_WITHOUT: Record<EvidenceName, string> = {
  accessLog: 'who failed, and how',
  metrics: 'how complete the log is',
  loadBalancer: 'the state and the subnets of the load balancer',
  attributes: 'the idle timeout and where logs go',
  listeners: 'the protocols of the listeners',
  rules: 'the listener rules',
  targetGroups: 'protocol, port and health check of the target groups',
  targetGroupAttributes: 'the deregistration delay',
  targetHealth: 'target health',
  securityGroups: 'the security groups',
  networkAcls: 'the network ACLs',
  subnets: 'the subnets',
  networkInterfaces: 'which network interfaces the targets have',
  instances: 'the state of the instances',
  routeTables: 'the routes',
  prefixLists: 'the addresses behind prefix lists',
  functions: 'the timeout of the Lambda functions',
  changes: 'what was changed before and since',
};

export function gapsOf(evidence: EvidenceSet, traffic: Traffic | null): string[] {
  const names = Object.keys(UNKNOWN_WITHOUT).filter(
    (name): name is EvidenceName => name in evidence && matters(name as EvidenceName, evidence),
  );
  const unavailable = names.flatMap((name) => {
    const item = evidence[name];
    return item.status === 'unavailable' ? [`${item.reason}: unknown ${UNKNOWN_WITHOUT[name]}.`] : [];
  });
  const log = traffic?.log;
  const unreadable = (log?.files.unreadable ?? []).map(
    ({ file, reason, lines }) =>
      `${file}: ${reason}${lines > 0 ? `; ${plural(lines, 'line')} of it ${lines === 1 ? 'was' : 'were'} used` : ''}.`,
  );
  const capped =
    log && log.failuresTotal > log.failures.length
      ? [
          `Patterns were judged on ${log.failures.length} of ${log.failuresTotal} failed requests, chosen by trace id; all counts are exact.`,
        ]
      : [];
  return [...unavailable, ...(log?.unanswered ?? []), ...unreadable, ...capped];
}

/** What nothing in this case would have used is not a gap. */
function matters(name: EvidenceName, evidence: EvidenceSet): boolean {
  if (name === 'functions') return hasLambda(evidence);
  if (name === 'prefixLists') return usesPrefixLists(evidence);
  if (name === 'instances') return hasInstanceTargets(evidence);
  // Read only where they say something; their absence blocks no check.
  return name !== 'routeTables' && name !== 'rules';
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
