/** What protocol and metrics of a target group say about failures while connecting: TCP or TLS. */

import type { Question } from '../../evidence/evidence.ts';
import { metricSum } from '../../evidence/metrics.ts';
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import { targetGroupName } from '../traffic.ts';

export interface TlsAssessment {
  /** HTTP, HTTPS, or null when the target group could not be read. */
  protocol: string | null;
  /** TLS can have no part in it: the group speaks HTTP, or the metric was asked and is zero while connection errors are not. */
  excluded: boolean;
  /** Connections failed (TargetConnectionErrorCount above zero); null when the metric was not asked. */
  connectionErrors: boolean | null;
  tlsErrors: boolean | null;
  sentence: string;
  missing: string[];
}

type TlsEvidence = Partial<Pick<DiagnosisEvidence, 'targetGroups' | 'metrics'>>;

export function assessTls(arn: string, { targetGroups, metrics }: TlsEvidence, question: Question): TlsAssessment {
  const protocol = targetGroups?.find((group) => group.TargetGroupArn === arn)?.Protocol ?? null;
  const name = targetGroupName(arn);
  const connection = metricErrorCount(metrics, 'TargetConnectionErrorCount', arn, question);
  const tls = metricErrorCount(metrics, 'TargetTLSNegotiationErrorCount', arn, question);
  if (protocol === 'HTTP') {
    // A connection that failed is in the metric too, so zero there would only mean a late or missing metric.
    return {
      protocol,
      excluded: true,
      connectionErrors: true,
      tlsErrors: false,
      sentence: `${name} speaks HTTP to its targets: no TLS handshake takes part.`,
      missing: [],
    };
  }
  if (tls === 0 && connection === null) {
    return {
      protocol,
      excluded: true,
      connectionErrors: null,
      tlsErrors: false,
      sentence: `${name}: TargetTLSNegotiationErrorCount is 0.`,
      missing: [],
    };
  }
  if (tls !== null && connection !== null && tls !== connection && Math.min(tls, connection) === 0) {
    return {
      protocol,
      excluded: tls === 0,
      connectionErrors: connection > 0,
      tlsErrors: tls > 0,
      sentence: `${name}: TargetTLSNegotiationErrorCount ${tls}, TargetConnectionErrorCount ${connection}.`,
      missing: [],
    };
  }
  const missing = [
    ...(protocol === null ? [`The protocol of target group ${name} could not be read.`] : []),
    ...(tls === null || connection === null
      ? [`TargetTLSNegotiationErrorCount and TargetConnectionErrorCount of ${name} would tell TLS from TCP.`]
      : []),
  ];
  return {
    protocol,
    excluded: false,
    connectionErrors: null,
    tlsErrors: null,
    sentence: `${name}: TLS and TCP failures cannot be told apart.`,
    missing,
  };
}

/**
 * Sum over the minutes that meet the window: of the target group, or zero when the whole load balancer has none. Null when it was not asked.
 */
function metricErrorCount(
  metrics: DiagnosisEvidence['metrics'] | undefined,
  metric: string,
  arn: string,
  question: Question,
): number | null {
  const { loadBalancer } = question;
  const window = { from: Math.floor(question.from / MINUTE) * MINUTE, to: Math.ceil(question.to / MINUTE) * MINUTE };
  const own = metricSum(metrics ?? [], metric, { loadBalancer, targetGroup: arn }, window);
  if (own !== null) return own;
  // A zero of the whole is a zero of each part; more than zero may belong to another group.
  return metricSum(metrics ?? [], metric, { loadBalancer }, window) === 0 ? 0 : null;
}

const MINUTE = 60_000;
