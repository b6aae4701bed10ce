import { list } from '../../format/wording.ts';
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import { namesOf, type Traffic } from '../traffic.ts';

/**
 * Whether the traffic port of a target speaks plain HTTP, judged by a passing health check on the same port: true over
 * HTTP, false over HTTPS, null if unknown.
 */
export function plaintextPorts(evidence: Partial<Pick<DiagnosisEvidence, 'targetGroups' | 'targetHealth'>>) {
  return (arn: string, target: string): boolean | null => {
    const group = evidence.targetGroups?.find((g) => g.TargetGroupArn === arn);
    const port = target.slice(target.lastIndexOf(':') + 1);
    if (!group || (group.HealthCheckPort !== 'traffic-port' && group.HealthCheckPort !== port)) return null;
    const healthy =
      evidence.targetHealth?.[arn]?.some(({ TargetHealth }) => TargetHealth?.State === 'healthy') ?? false;
    if (!healthy) return null;
    return group.HealthCheckProtocol === 'HTTP' ? true : group.HealthCheckProtocol === 'HTTPS' ? false : null;
  };
}

/**
 * Commands that tell a port with failing TLS handshakes from one that expects plain HTTP, for targets "address:port".
 */
export function plaintextTest(targets: readonly string[], traffic: Traffic): string[] {
  const distinct = [...new Set(targets)];
  const [target] = distinct;
  if (target === undefined) return [];
  return [
    `Whether ${list(namesOf(traffic, distinct), 3)} ${distinct.length === 1 ? 'expects' : 'expect'} plain HTTP: run "curl -v http://${target}/" and "openssl s_client -connect ${target}" from inside the VPC.`,
  ];
}
