import type { AccessLog } from '../../evidence/access-log.ts';
import type { TargetGroup, TargetHealthDescription } from '../../evidence/aws.ts';
import { list, plural } from '../../format/wording.ts';
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import { locate } from '../network-path/addresses.ts';
import { attachedGroups, healthPortOf } from '../network-path/target-paths.ts';
import { unseenRequests } from '../no-errors.ts';
import { groupBy } from '../traffic.ts';
import { defineCheck } from './check.ts';

export const registeredPort = defineCheck({
  id: 'registered-port',
  step: 2,
  subject: 'the registered ports',
  question: 'Are the targets registered on the port that they listen on?',
  why: 'Each registration can have its own port, and health checks can use another: a healthy target says nothing about a port that is not checked.',
  fix: 'Register the target on the port that the application listens on, and check that port.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-register-targets.html',
  namedBy: ['connection-refused', 'network-acl-blocked', 'security-group-blocked', 'target-unreachable'],
  headline: 1,
  needs: ['targetGroups', 'targetHealth'],
  wants: ['loadBalancer', 'traffic', 'instances', 'networkInterfaces'],

  evaluate(evidence) {
    const groups = attachedGroups(evidence);
    const logged = groupBy(evidence.traffic?.log.targets ?? [], ({ target_group_arn, target }) =>
      targetKey(target_group_arn, target.replace(/[[\]]/g, '')),
    );
    const registeredTargets = groups.flatMap((group) =>
      (evidence.targetHealth[group.TargetGroupArn] ?? []).map((description) =>
        targetPorts(group, description, evidence, logged),
      ),
    );
    if (registeredTargets.length === 0)
      return { outcome: 'not-applicable', summary: 'No target with an address is registered.' };
    const silent = registeredTargets.filter(
      ({ requests, answered, healthy, port, healthPort }) =>
        requests > 0 && answered === false && healthy && healthPort !== port,
    );
    const [first] = silent;
    if (first) {
      const requests = plural(
        silent.reduce((sum, one) => sum + one.requests, 0),
        'request',
      );
      return {
        outcome: 'fail',
        summary: `${list(silent.map(({ label }) => label))}: health checks pass on port ${first.healthPort}, but none of ${requests} on port ${first.port} succeeded.`,
        brief: `${plural(silent.length, 'target')} answered no request`,
        afterwards: `Let the health checks use the traffic port too, so that they notice when requests cannot reach it.`,
        facts: portFacts(registeredTargets),
      };
    }
    const groupsWithoutHealth = groups.filter(({ TargetGroupArn }) => !evidence.targetHealth[TargetGroupArn]);
    if (groupsWithoutHealth.length > 0) {
      return {
        outcome: 'unknown',
        summary: `Could not check the registered targets of ${list(groupsWithoutHealth.map(({ TargetGroupName }) => TargetGroupName))}.`,
      };
    }
    const verdict = { summary: describePorts(registeredTargets), facts: portFacts(registeredTargets) };
    const unseen = unseenRequests(evidence.traffic);
    if (unseen !== null && registeredTargets.some(isCheckedElsewhere)) {
      const summary = `${verdict.summary} Could not check whether requests succeed there: ${unseen.words}.`;
      return { ...verdict, outcome: 'unknown', summary, ...(unseen.missing ? { missing: true } : {}) };
    }
    const isApart = registeredTargets.some(isCheckedElsewhere);
    return { ...verdict, outcome: 'pass', ...(isApart ? { brief: 'match; health checks use another port' } : {}) };
  },
});

interface RegisteredTarget {
  label: string;
  groupName: string;
  groupPort: number | undefined;
  port: number;
  healthPort: number | null;
  healthy: boolean;
  requests: number;
  /** Null if it got no request, or without a log. */
  answered: boolean | null;
}

const targetKey = (targetGroup: string, target: string): string => `${targetGroup} ${target}`;

function targetPorts(
  group: TargetGroup,
  description: TargetHealthDescription,
  evidence: Partial<Pick<DiagnosisEvidence, 'instances' | 'networkInterfaces'>>,
  logged: ReadonlyMap<string, AccessLog['targets']>,
): RegisteredTarget {
  const { Id, Port } = description.Target;
  const port = Port ?? group.Port ?? 0;
  const address = locate(Id, evidence, group.VpcId).label;
  const rowsInLog = logged.get(targetKey(group.TargetGroupArn, `${address}:${port}`)) ?? [];
  return {
    label: `${group.TargetGroupName} ${address}:${port}`,
    groupName: group.TargetGroupName,
    groupPort: group.Port,
    port,
    healthPort: healthPortOf(group, description, port),
    healthy: description.TargetHealth?.State === 'healthy',
    requests: rowsInLog.reduce((sum, { requests }) => sum + requests, 0),
    answered: rowsInLog.length === 0 ? null : rowsInLog.some(({ lastSuccess }) => lastSuccess !== null),
  };
}

const isCheckedElsewhere = ({ port, healthPort }: RegisteredTarget): boolean =>
  healthPort !== null && healthPort !== port;

function describePorts(registeredTargets: RegisteredTarget[]): string {
  const others = registeredTargets.filter(({ port, groupPort }) => groupPort !== undefined && port !== groupPort);
  const unchecked = registeredTargets.filter(isCheckedElsewhere);
  const ports = [...new Set(registeredTargets.map(({ groupName, port }) => `${groupName} ${port}`))].sort();
  const remarks = [
    ...(others.length > 0
      ? [`${plural(others.length, 'registration')} with a port other than the group's (valid)`]
      : []),
    ...(unchecked.length > 0
      ? [
          `health checks of ${list([...new Set(unchecked.map(({ groupName }) => groupName))])} use port ${unchecked[0]?.healthPort} and say nothing about the traffic port`,
        ]
      : []),
  ];
  return `Registered ports: ${list(ports, 6)}${remarks.length > 0 ? `; ${remarks.join('; ')}` : `; health checks use the same ${ports.length > 1 ? 'ports' : 'port'}`}.`;
}

const portFacts = (registeredTargets: RegisteredTarget[]) =>
  registeredTargets.slice(0, 20).map(({ label, healthPort }) => ({
    label,
    value: healthPort === null ? 'not checked' : `checked on port ${healthPort}`,
  }));
