/**
 * Finds groups whose targets answer every request with 400: a TLS port that receives plain HTTP, or an application that
 * rejects everything.
 */
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import type { SampledError, Traffic } from '../traffic.ts';
import { groupBy, targetGroupName, withSignature } from '../traffic.ts';

interface BadRequestGroup {
  target_group_arn: string;
  name: string;
  errors: SampledError[];
  requests: number;
  /** Whether a target's port or the health check's protocol indicates TLS. */
  tlsPort: boolean;
}

/** Below this number of requests, all of them may simply be bad requests. */
const ENOUGH_REQUESTS = 5;
const TLS_PORTS = ['443', '8443', '9443'];

export const isTlsPort = (port: string): boolean => TLS_PORTS.includes(port);

/** The number of requests that the group's targets answered, if every answer was 400; otherwise null. */
export function requestsAllAnswered400({ log }: Traffic, arn: string): number | null {
  const targets = log.targets.filter(({ target_group_arn }) => target_group_arn === arn);
  const requests = targets.reduce((sum, each) => sum + each.requests, 0);
  const bad = targets.reduce((sum, each) => sum + each.badRequests, 0);
  return requests >= ENOUGH_REQUESTS && bad >= requests ? requests : null;
}

/** Only groups that use HTTP to their targets, or whose protocol was not read. */
export function badRequestGroups({
  traffic,
  targetGroups,
}: Pick<DiagnosisEvidence, 'traffic'> & Partial<Pick<DiagnosisEvidence, 'targetGroups'>>): BadRequestGroup[] {
  const answered = withSignature(traffic, 'target-response').filter((error) => error.target_status_code === '400');
  return [...groupBy(answered, (error) => error.target_group_arn)].flatMap(([target_group_arn, errors]) => {
    const requests = requestsAllAnswered400(traffic, target_group_arn);
    const group = targetGroups?.find(({ TargetGroupArn }) => TargetGroupArn === target_group_arn);
    if (requests === null || group?.Protocol === 'HTTPS') return [];
    const ports = new Set(errors.map(({ target }) => target.slice(target.lastIndexOf(':') + 1)));
    const tlsPort = [...ports].some(isTlsPort) || group?.HealthCheckProtocol === 'HTTPS';
    return [{ target_group_arn, name: targetGroupName(target_group_arn), errors, requests, tlsPort }];
  });
}
