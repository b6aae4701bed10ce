/** Decides from the protocol and two metrics whether connection failures of a target group are TCP or TLS failures. */

import { metricCounts, type Point } from '../../evidence/metrics.ts';
import type { Question } from '../../evidence/question.ts';
import { number } from '../../format/wording.ts';
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import { byTarget, type TargetConnectTimeouts } from '../patterns/failed-connects.ts';
import { CONNECT_TIMEOUT_FROM, CONNECT_TIMEOUT_TO } from '../signature.ts';
import {
  countErrors,
  groupBy,
  oncePerTraffic,
  type SampledError,
  type Traffic,
  targetGroupName,
  withSignature,
} from '../traffic.ts';

export interface TlsAssessment {
  /** HTTP or HTTPS; null if the target group was not read. */
  protocol: string | null;
  /** Whether TLS is excluded: the group uses HTTP to its targets, or the metrics show only failed connections. */
  excluded: boolean;
  /** Whether connections failed; null if unknown. */
  connectionErrors: boolean | null;
  tlsErrors: boolean | null;
  sentence: string;
  missing: string[];
}

type TlsEvidence = Pick<DiagnosisEvidence, 'traffic'> & Partial<Pick<DiagnosisEvidence, 'targetGroups' | 'metrics'>>;

/** The part that failed: the TCP connection or the TLS handshake. */
type ConnectStage = 'tcp' | 'tls';

const TLS_COUNT = 'TargetTLSNegotiationErrorCount';
const TCP_COUNT = 'TargetConnectionErrorCount';

/**
 * Largest share of errors that may be counted in a neighbouring minute or not at all, because metrics and rows use
 * different times.
 */
const MOST_APART = 0.1;

/**
 * Whether a 502 came after 10 s without a sent request. A TCP timeout would be a 504, so a TLS handshake did not
 * finish.
 */
export const isHandshakeTimeout = (error: SampledError): boolean =>
  error.signature === 'inconsistent' &&
  error.elb_status_code === '502' &&
  error.target !== '-' &&
  error.target_status_code === '-' &&
  error.request_processing_time < 0 &&
  error.elapsed !== null &&
  error.elapsed >= CONNECT_TIMEOUT_FROM &&
  error.elapsed < CONNECT_TIMEOUT_TO;

/** Handshake timeouts by target, with whether the target answered any request. */
export const handshakeTimeouts = (traffic: Traffic): TargetConnectTimeouts[] =>
  byTarget(traffic, withSignature(traffic, 'inconsistent').filter(isHandshakeTimeout));

/** Assesses all connection failures of the group together. */
export function assessTls(arn: string, evidence: TlsEvidence, question: Question): TlsAssessment {
  const stages = stagesOf(arn, evidence, question);
  const kinds = new Set(stages.errors.map(stages.stageOf));
  return assessmentOf(stages, kinds.size === 1 ? ([...kinds][0] ?? null) : null);
}

/** Splits parts, each with errors of one target group, into TCP failures, TLS failures and undecided failures. */
export function splitByStage<Part extends { target_group_arn: string; errors: SampledError[] }>(
  parts: readonly Part[],
  evidence: TlsEvidence,
  question: Question,
): (Part & { tls: TlsAssessment })[] {
  // A group may have hundreds of parts, one for each target.
  const known = new Map<string, Stages>();
  const stagesIn = (arn: string): Stages => {
    const stages = known.get(arn) ?? stagesOf(arn, evidence, question);
    known.set(arn, stages);
    return stages;
  };
  return parts.flatMap((part) => {
    const stages = stagesIn(part.target_group_arn);
    return (['tcp', 'tls', null] as const).flatMap((stage) => {
      const errors = part.errors.filter((error) => stages.stageOf(error) === stage);
      return errors.length > 0 ? [{ ...part, errors, tls: assessmentOf(stages, stage) }] : [];
    });
  });
}

interface Stages {
  protocol: string | null;
  /** The group's failures while connecting. */
  errors: SampledError[];
  stageOf(error: SampledError): ConnectStage | null;
  sentence: string;
  missing: string[];
}

const assessmentOf = ({ protocol, sentence, missing }: Stages, stage: ConnectStage | null): TlsAssessment => ({
  protocol,
  excluded: stage === 'tcp',
  connectionErrors: stage === null ? null : stage === 'tcp',
  tlsErrors: stage === null ? null : stage === 'tls',
  sentence,
  missing: stage === null ? missing : [],
});

const connectErrorsByGroup = oncePerTraffic((traffic) =>
  groupBy(
    [
      ...withSignature(traffic, 'connect-failed', 'connect-timeout'),
      ...withSignature(traffic, 'inconsistent').filter(isHandshakeTimeout),
    ],
    ({ target_group_arn }) => target_group_arn,
  ),
);

function stagesOf(arn: string, { traffic, targetGroups, metrics }: TlsEvidence, question: Question): Stages {
  const protocol = targetGroups?.find((group) => group.TargetGroupArn === arn)?.Protocol ?? null;
  const name = targetGroupName(arn);
  const errors = connectErrorsByGroup(traffic).get(arn) ?? [];
  if (protocol === 'HTTP') {
    const sentence = `${name} uses HTTP to its targets, so there is no TLS handshake.`;
    return { protocol, errors, stageOf: () => 'tcp', sentence, missing: [] };
  }
  const counts = countsOf(arn, metrics, question);
  return {
    protocol,
    errors,
    stageOf: stageByCounts(errors, counts, traffic.log.newest),
    sentence: countsSentence(name, errors, counts, traffic.log.newest),
    missing: [
      ...(protocol === null ? [`The protocol of target group ${name} could not be read.`] : []),
      ...(counts.tls === null || counts.tcp === null
        ? [`${TLS_COUNT} and ${TCP_COUNT} of ${name} would separate TLS from TCP failures.`]
        : []),
    ],
  };
}

interface Counts {
  /** Null if it was not queried. */
  tls: Point[] | null;
  tcp: Point[] | null;
}

function countsOf(arn: string, metrics: DiagnosisEvidence['metrics'] | undefined, question: Question): Counts {
  const { loadBalancer, from, to } = question;
  const read = (metric: string): Point[] | null => {
    const own = metricCounts(metrics ?? [], metric, { loadBalancer, targetGroup: arn }, { from, to });
    if (own !== null) return own;
    // If the total of the load balancer is zero, each group's count is zero; a positive total may belong to another
    // group.
    const whole = metricCounts(metrics ?? [], metric, { loadBalancer }, { from, to });
    return whole !== null && sumOf(whole) === 0 ? [] : null;
  };
  return { tls: read(TLS_COUNT), tcp: read(TCP_COUNT) };
}

const sumOf = (points: readonly Point[]): number => points.reduce((sum, { value }) => sum + value, 0);

const isIn = ({ at, period }: Point, error: SampledError): boolean => error.at >= at && error.at < at + period;

/** Whether a counter follows the errors minute by minute, over the whole window or as far as the log was delivered. */
const follows = (points: readonly Point[] | null, errors: readonly SampledError[], newest: number | null): boolean =>
  points !== null && (matches(points, errors) || (newest !== null && matches(...before(newest, points, errors))));

/** The whole periods before the newest entry, with their errors. */
function before(newest: number, points: readonly Point[], errors: readonly SampledError[]): [Point[], SampledError[]] {
  const whole = points.filter(({ at, period }) => at + period <= newest);
  const end = points.reduce((least, { at, period }) => (at + period > newest ? Math.min(least, at) : least), newest);
  return [whole, errors.filter(({ at }) => at < end)];
}

function matches(points: readonly Point[], errors: readonly SampledError[]): boolean {
  if (errors.length === 0) return false;
  const counted = points.map((point) => ({
    value: point.value,
    logged: countErrors(errors.filter((error) => isIn(point, error))),
  }));
  const covered = counted.reduce((sum, { logged }) => sum + logged, 0);
  const total = countErrors(errors);
  const apart = counted.reduce((sum, { value, logged }) => sum + Math.abs(value - logged), 0) + (total - covered);
  return apart <= MOST_APART * total;
}

/**
 * If a counter follows all errors, or counts while the other counter does not, it decides for all; otherwise each
 * period is decided alone.
 */
function stageByCounts(
  errors: readonly SampledError[],
  { tls, tcp }: Counts,
  newest: number | null,
): (error: SampledError) => ConnectStage | null {
  const [byTls, byTcp] = [follows(tls, errors, newest), follows(tcp, errors, newest)];
  if (byTls !== byTcp) return () => (byTls ? 'tls' : 'tcp');
  if (tls !== null && tcp === null && sumOf(tls) === 0) return () => 'tcp';
  if (tls !== null && tcp !== null && (sumOf(tls) === 0) !== (sumOf(tcp) === 0))
    return () => (sumOf(tls) === 0 ? 'tcp' : 'tls');
  if (tls === null || tcp === null) return () => null;
  const valueAt = (points: readonly Point[], error: SampledError): number =>
    points.find((point) => isIn(point, error))?.value ?? 0;
  return (error) => {
    const [ofTls, ofTcp] = [valueAt(tls, error), valueAt(tcp, error)];
    return (ofTls === 0) === (ofTcp === 0) ? null : ofTls === 0 ? 'tcp' : 'tls';
  };
}

function countsSentence(
  name: string,
  errors: readonly SampledError[],
  { tls, tcp }: Counts,
  newest: number | null,
): string {
  const total = number(countErrors(errors));
  for (const [points, metric] of [
    [tls, TLS_COUNT],
    [tcp, TCP_COUNT],
  ] as const) {
    if (points !== null && follows(points, errors, newest))
      return matches(points, errors)
        ? `${metric} of ${name} is ${number(sumOf(points))} and matches the ${total} errors in the log minute by minute.`
        : `${metric} of ${name} follows the errors minute by minute, as far as the log was delivered.`;
  }
  const counted = [
    ...(tls === null ? [] : [`${TLS_COUNT} ${number(sumOf(tls))}`]),
    ...(tcp === null ? [] : [`${TCP_COUNT} ${number(sumOf(tcp))}`]),
  ];
  return counted.length === 0
    ? `${name}: the metrics cannot separate TLS from TCP failures.`
    : `${name}: ${counted.join(', ')}, beside ${total} errors of the log.`;
}
