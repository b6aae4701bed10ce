/** Groups 503 rows without an available target, and whether the group uses a target optimizer. */
import type { TargetHealthDescription } from '../../evidence/aws.ts';
import { metricSum } from '../../evidence/metrics.ts';
import type { Question } from '../../evidence/question.ts';
import { list, plural } from '../../format/wording.ts';
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import type { SampledError, Traffic } from '../traffic.ts';
import { countErrors, groupBy, targetGroupName, withSignature } from '../traffic.ts';

type NoTargetEvidence = Partial<Pick<DiagnosisEvidence, 'targetGroups' | 'targetHealth' | 'metrics'>>;

export interface NoTargetGroup {
  target_group_arn: string;
  name: string;
  errors: SampledError[];
  /**
   * Whether the group has a target control port, which lets an agent reject requests. Null if the group was not read.
   */
  optimizer: boolean | null;
  /** TargetControlRequestRejectCount over the window; null if not queried. */
  rejected: number | null;
  /** Whether every request of the group in the window, counted by status, ended this way. */
  everyRequest: boolean;
  health: TargetHealthDescription[] | null;
  /**
   * Nodes that found no target while others reached targets of the group, sorted; empty if no node or every node found
   * none.
   */
  emptyNodes: string[];
}

/** By target group, most errors first. */
export function noTargetGroups(traffic: Traffic, evidence: NoTargetEvidence, question: Question): NoTargetGroup[] {
  return [...groupBy(withSignature(traffic, 'no-target'), (error) => error.target_group_arn)]
    .map(([target_group_arn, errors]) => {
      const group = evidence.targetGroups?.find(({ TargetGroupArn }) => TargetGroupArn === target_group_arn);
      return {
        target_group_arn,
        name: targetGroupName(target_group_arn),
        errors,
        optimizer: group ? group.TargetControlPort !== undefined : null,
        rejected: rejectCount(target_group_arn, evidence.metrics, question),
        everyRequest: everyRequestFailed(traffic, target_group_arn),
        health: evidence.targetHealth?.[target_group_arn] ?? null,
        emptyNodes: emptyNodes(target_group_arn, errors, traffic),
      };
    })
    .sort(
      (a, b) => countErrors(b.errors) - countErrors(a.errors) || (a.target_group_arn < b.target_group_arn ? -1 : 1),
    );
}

/** Without cross-zone routing, a node reaches no target if its zone has none. */
function emptyNodes(arn: string, errors: readonly SampledError[], { log }: Traffic): string[] {
  const failing = new Set(errors.flatMap(({ node }) => node ?? []));
  const sending = new Set(
    log.targets
      .filter(({ target_group_arn, target }) => target_group_arn === arn && target !== '-')
      .flatMap(({ node }) => node ?? []),
  );
  const isSplit =
    sending.size > 0 && errors.every(({ node }) => node !== null) && [...failing].every((node) => !sending.has(node));
  return isSplit ? [...failing].sort() : [];
}

/** The longest period used for recent metrics, milliseconds. */
const PERIOD = 300_000;

/** TargetControlRequestRejectCount of a group over all periods that overlap the window; null if not queried. */
export const rejectCount = (
  targetGroup: string,
  metrics: DiagnosisEvidence['metrics'] | undefined,
  { loadBalancer, from, to }: Question,
): number | null => {
  const around = { from: Math.floor(from / PERIOD) * PERIOD, to: Math.ceil(to / PERIOD) * PERIOD };
  return metrics ? metricSum(metrics, 'TargetControlRequestRejectCount', { loadBalancer, targetGroup }, around) : null;
};

function everyRequestFailed({ log }: Traffic, arn: string): boolean {
  const own = log.statuses.filter(({ target_group_arn }) => target_group_arn === arn);
  return own.length > 0 && own.every((pair) => pair.elb_status_code === '503' && pair.target_status_code === '-');
}

/** "no target is registered in api now", "api has 2 targets now: 2 unused (Target.NotInUse)". */
export function currentHealthText(name: string, health: TargetHealthDescription[]): string {
  if (health.length === 0) return `No target is registered in ${name} now.`;
  const states = new Map<string, number>();
  for (const { TargetHealth } of health) {
    const state = [
      TargetHealth?.State ?? 'unknown',
      ...(TargetHealth?.Reason ? [`(${TargetHealth.Reason})`] : []),
    ].join(' ');
    states.set(state, (states.get(state) ?? 0) + 1);
  }
  const counted = [...states].sort(([a], [b]) => (a < b ? -1 : 1)).map(([state, count]) => `${count} ${state}`);
  return `${name} has ${plural(health.length, 'target')} now: ${list(counted)}.`;
}
