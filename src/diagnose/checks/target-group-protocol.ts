import type { TargetGroup } from '../../evidence/aws.ts';
import { list, plural } from '../../format/wording.ts';
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import { attachedGroups, healthPortOf } from '../network-path/target-paths.ts';
import { unseenRequests } from '../no-errors.ts';
import { requestsAllAnswered400 } from '../patterns/bad-request-groups.ts';
import { groupBy } from '../traffic.ts';
import { defineCheck } from './check.ts';

export const targetGroupProtocol = defineCheck({
  id: 'target-group-protocol',
  step: 2,
  subject: 'the protocol of the target groups',
  question: 'Do the targets speak the protocol of their target group?',
  why: 'HTTP to a TLS port is closed immediately or answered with 400; TLS to a plaintext port fails in the handshake. Health checks may use another protocol and pass.',
  fix: 'Create a target group with the right protocol and point the listener to it: the protocol of a group cannot be changed.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html',
  namedBy: ['protocol-mismatch', 'tls-handshake-failure'],
  headline: 2,
  needs: ['targetGroups'],
  wants: ['loadBalancer', 'targetHealth', 'traffic'],

  evaluate(evidence) {
    const groups = attachedGroups(evidence);
    if (groups.length === 0) return { outcome: 'not-applicable', summary: 'No target group with addresses is in use.' };
    const facts = groups.map(({ TargetGroupName, Protocol = 'unknown' }) => ({
      label: TargetGroupName,
      value: Protocol,
    }));
    const findings = groups.flatMap(
      (group) => plaintextAnswers(group, evidence) ?? crossedProtocols(group, evidence) ?? [],
    );
    if (findings.length > 0) return { outcome: 'fail', summary: findings.join(' '), facts };
    const unknown = groups.filter(({ Protocol }) => Protocol === undefined);
    if (unknown.length > 0) {
      return {
        outcome: 'unknown',
        summary: `The protocol of ${list(unknown.map(({ TargetGroupName }) => TargetGroupName))} could not be read.`,
        facts,
      };
    }
    const differing = groups.filter(
      ({ Protocol, HealthCheckProtocol }) => HealthCheckProtocol !== undefined && HealthCheckProtocol !== Protocol,
    );
    const byProtocol = groupBy(groups, ({ Protocol = '' }) => Protocol);
    const says = list(
      [...byProtocol].map(([protocol, same]) => {
        const names = list(same.map(({ TargetGroupName }) => TargetGroupName));
        return `${names} ${same.length === 1 ? 'speaks' : 'speak'} ${protocol}`;
      }),
    );
    const remark = list(
      differing.map(
        ({ TargetGroupName, HealthCheckProtocol }) =>
          `health checks of ${TargetGroupName} use ${HealthCheckProtocol}, so they do not test the traffic protocol`,
      ),
    );
    const silent = groups.filter((group) => isSilent(group, evidence)).map(({ TargetGroupName }) => TargetGroupName);
    const unseen = unseenRequests(evidence.traffic);
    if (unseen !== null)
      return {
        outcome: 'unknown',
        summary: `${settingsText(byProtocol)}; could not check whether the targets speak it: ${unseen.words}.`,
        facts,
        ...(unseen.missing ? { missing: true } : {}),
      };
    const traffic =
      silent.length > 0
        ? `no target of ${list(silent)} answered a request, so no traffic shows it`
        : 'the traffic is consistent with that';
    return { outcome: 'pass', summary: `${says}; ${remark || traffic}.`, facts };
  },
});

/** "api and web are set to HTTP" */
const settingsText = (byProtocol: ReadonlyMap<string, TargetGroup[]>): string =>
  list(
    [...byProtocol].map(([protocol, same]) => {
      const names = list(same.map(({ TargetGroupName }) => TargetGroupName));
      return `${names} ${same.length === 1 ? 'is' : 'are'} set to ${protocol}`;
    }),
  );

type ProtocolEvidence = Partial<Pick<DiagnosisEvidence, 'targetHealth' | 'traffic'>>;

/** Whether requests were sent to the group and no target answered any. */
function isSilent({ TargetGroupArn }: TargetGroup, { traffic }: ProtocolEvidence): boolean {
  const targets = traffic?.log.targets.filter(({ target_group_arn }) => target_group_arn === TargetGroupArn) ?? [];
  return (
    targets.some(({ requests }) => requests > 0) && targets.every(({ requests, failures }) => failures >= requests)
  );
}

/** nginx and Go answer plain HTTP on a TLS port with their own status 400. */
function plaintextAnswers(
  { TargetGroupArn, TargetGroupName, Protocol }: TargetGroup,
  { traffic }: ProtocolEvidence,
): string | null {
  if (Protocol !== 'HTTP' || !traffic) return null;
  const requests = requestsAllAnswered400(traffic, TargetGroupArn);
  if (requests === null) return null;
  return `${TargetGroupName} speaks HTTP, and its targets answered each of ${plural(requests, 'request')} with 400, as a port that expects TLS does.`;
}

/**
 * Detects a health check that passes on the traffic port with the other protocol while no request was ever answered.
 */
function crossedProtocols(group: TargetGroup, { targetHealth, traffic }: ProtocolEvidence): string | null {
  const { TargetGroupArn, TargetGroupName, Protocol, HealthCheckProtocol } = group;
  if (!Protocol || !HealthCheckProtocol || Protocol === HealthCheckProtocol) return null;
  const healthy = (targetHealth?.[TargetGroupArn] ?? []).filter(
    ({ Target, TargetHealth }) => TargetHealth?.State === 'healthy' && Target.Port !== undefined,
  );
  const same = healthy.filter((each) => healthPortOf(group, each, each.Target.Port ?? 0) === each.Target.Port);
  const answered = traffic?.log.targets.some(
    (each) => each.target_group_arn === TargetGroupArn && each.lastSuccess !== null,
  );
  if (same.length === 0 || answered) return null;
  return `${TargetGroupName} speaks ${Protocol} to a port where ${HealthCheckProtocol} health checks pass (${plural(same.length, 'healthy target')}).`;
}
