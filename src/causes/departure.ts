/** What health, metrics and the log say of a target that got no request any more: deregistered, or only found unhealthy. */
import type { Known } from '../checks/check.ts';
import { deregistrationTimes } from '../patterns/changes.ts';
import type { TargetLife } from '../patterns/churn.ts';
import { targetGroupName } from '../traffic.ts';
import { clock } from '../wording.ts';
import { type RegistrationEvidence, registrationOf } from './registration.ts';

export interface Departure {
  /** deregistered: it left the group; unhealthy: it is still registered and was taken out by health checks; unknown: nothing tells. */
  how: 'deregistered' | 'unhealthy' | 'unknown';
  /** A source outside the log says so: an API call of that time, or its state. */
  sure: boolean;
  sentence: string;
}

/** Nodes may go on choosing a target for this long after it was deregistered. */
const LINGER_MS = 120_000;

/** `replaced`: another target of the group appeared meanwhile, as in a deployment. */
export function departure(
  life: TargetLife,
  replaced: boolean,
  known: RegistrationEvidence & Partial<Pick<Known, 'metrics' | 'changes'>>,
): Departure {
  const registration = registrationOf(life.target_group_arn, life.target, known);
  const gone = `${life.target} got its last request at ${clock(life.lastSeen)} and none since`;
  const call = deregistrationTimes(life.target_group_arn, life.target, known).findLast(
    (at) => at <= life.lastSeen + LINGER_MS,
  );
  if (call !== undefined && life.lastSeen - call <= LINGER_MS) {
    return { how: 'deregistered', sure: true, sentence: `${gone}; CloudTrail has it deregistered at ${clock(call)}.` };
  }
  if (registration?.state === 'draining')
    return { how: 'deregistered', sure: true, sentence: `${gone}; it is draining.` };
  if (registration && registration.state !== 'absent') {
    return { how: 'unhealthy', sure: true, sentence: `${gone}; it is still registered, ${registration.state}.` };
  }
  const unhealthy = unhealthyCount(life, known.metrics);
  if (unhealthy !== null && unhealthy > 0 && !replaced) {
    return {
      how: 'unhealthy',
      sure: true,
      sentence: `${gone}; UnHealthyHostCount rose to ${unhealthy}, so health checks took it out.`,
    };
  }
  if (replaced)
    return { how: 'deregistered', sure: false, sentence: `${gone}; another target of the group took over.` };
  // Absent now proves nothing by itself, but with no unhealthy host at the time only deregistration is left.
  if (registration?.state === 'absent' && unhealthy === 0) {
    return {
      how: 'deregistered',
      sure: false,
      sentence: `${gone}; it is not registered now, and no host was unhealthy at the time.`,
    };
  }
  return {
    how: 'unknown',
    sure: false,
    sentence: `${gone}; whether it was deregistered or found unhealthy is not known.`,
  };
}

/** Largest UnHealthyHostCount of the target group in what was asked; null when it was not asked. */
function unhealthyCount(life: TargetLife, metrics: Known['metrics'] | undefined): number | null {
  const name = targetGroupName(life.target_group_arn);
  const series = (metrics ?? []).filter(
    (m) => m.MetricName === 'UnHealthyHostCount' && m.Dimensions.TargetGroup?.split('/')[1] === name,
  );
  if (series.length === 0) return null;
  return Math.max(0, ...series.flatMap((m) => m.Values));
}
