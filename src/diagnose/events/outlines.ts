/**
 * Finds events in the traffic: first rollouts, then lost targets, then crashes. An error belongs to the first event
 * that takes it.
 */
import { targetKey } from '../targets/target-key.ts';
import { oncePerTraffic, type SampledError, type Traffic } from '../traffic.ts';
import { closeBursts } from './close-bursts.ts';
import { withEveryKill } from './crash-route.ts';
import { type CloseBurst, type EventOutline, onsetOf, sorted } from './event-outline.ts';
import { type TargetOutage, targetOutages } from './outages.ts';
import { rollouts } from './rollout.ts';
import type { SentFailure } from './sent-failures.ts';

/** Milliseconds; targets that fall silent within this time were lost together. */
const TOGETHER_MS = 30_000;

/** Returns the outlines in the order above, then by time. */
export const eventOutlines = oncePerTraffic((traffic: Traffic): EventOutline[] => {
  const replaced = rollouts(traffic);
  const taken = new Set(replaced.flatMap(({ failures }) => failures));
  const outages = targetOutages(traffic).filter(({ failures }) => !failures.some((failure) => taken.has(failure)));
  const crashedTargets = new Set(outages.filter(isRestart).map(targetKey));
  const isLost = (outage: TargetOutage) =>
    !isRestart(outage) && !(isRefused(outage) && outage.nextAnswer === null && crashedTargets.has(targetKey(outage)));
  const lost = lostTogether(
    outages.filter((outage) => isLost(outage) && outage.lastAnswer !== null && !dropsSyns(outage)),
  );
  const crashed = outages.filter((outage) => !isLost(outage));
  const inOutages = new Set([...taken, ...outages.flatMap(({ failures }) => failures)]);
  const beside = new Set([...replaced, ...lost].flatMap(({ failures }) => failures));
  return [
    ...replaced,
    ...lost,
    ...crashes(crashed, closeBursts(traffic, inOutages)).map((outline) => withEveryKill(outline, traffic, beside)),
  ];
});

/** Returns the outline to which an asked error belongs. */
export const outlineOf = oncePerTraffic(
  (traffic: Traffic): ReadonlyMap<SampledError, EventOutline> =>
    new Map(
      eventOutlines(traffic)
        .toReversed()
        .flatMap((outline) =>
          outline.failures.flatMap(({ error }) => (error === null ? [] : [[error, outline] as const])),
        ),
    ),
);

/** Returns the asked errors of an outline, in the order of `Traffic.errors`. */
export const errorsOf = (outline: EventOutline, traffic: Traffic): SampledError[] =>
  traffic.errors.filter((error) => outlineOf(traffic).get(error) === outline);

/** Seconds; a later refusal came from a device on the path, or after a second SYN. */
const LATE_REJECTION = 0.9;
const MOST_LATE = 0.1;

/** Whether the host refused connections at once, as it does without a listening process. */
export function isRefused({ failures }: Pick<TargetOutage, 'failures'>): boolean {
  const refused = failures.filter(({ signature }) => signature === 'connect-failed');
  const timedOut = failures.filter(({ signature }) => signature === 'connect-timeout');
  const late = refused.filter(({ request }) => (request.elapsed ?? 0) >= LATE_REJECTION);
  return refused.length > timedOut.length && late.length + timedOut.length <= MOST_LATE * failures.length;
}

/** Whether some refusals came only after a second SYN: from a firewall or a router, for example for a missing host. */
export const isRejected = (outage: Pick<TargetOutage, 'failures'>): boolean =>
  !isRefused(outage) &&
  outage.failures.filter(({ signature }) => signature === 'connect-failed').length > outage.failures.length / 2;

/** Whether the target refused connections and later answered, or was still chosen when the log ended. */
const isRestart = (outage: TargetOutage): boolean =>
  isRefused(outage) && (outage.nextAnswer !== null || outage.presence?.left === false);

/** Milliseconds from the first to the last SYN of a connection that times out after 10 s (tcp(7)). */
const LAST_SYN_MS = 7_000;

/**
 * Whether SYNs got no reply while the target answered other requests: it was up, but its backlog was full or packets
 * were lost.
 */
function dropsSyns({ failures, nextAnswer }: TargetOutage): boolean {
  const timedOut = failures.filter(({ signature }) => signature === 'connect-timeout');
  const inVain = timedOut.filter(({ sent }) => nextAnswer !== null && sent + LAST_SYN_MS > nextAnswer);
  return 2 * inVain.length > timedOut.length;
}

function lostTogether(outages: readonly TargetOutage[]): EventOutline[] {
  const clusters: TargetOutage[][] = [];
  for (const outage of [...outages].sort((a, b) => onsetOf(a) - onsetOf(b) || (targetKey(a) < targetKey(b) ? -1 : 1))) {
    const cluster = clusters.find((each) =>
      each.some(
        (other) =>
          Math.abs(onsetOf(outage) - onsetOf(other)) <= TOGETHER_MS &&
          outage.target_group_arn === other.target_group_arn &&
          isRefused(other) === isRefused(outage),
      ),
    );
    if (cluster) cluster.push(outage);
    else clusters.push([outage]);
  }
  return clusters.map((own) => outlineFrom('target-lost', own, []));
}

function crashes(outages: readonly TargetOutage[], bursts: readonly CloseBurst[]): EventOutline[] {
  const arns = sorted([...outages, ...bursts].map(({ target_group_arn }) => target_group_arn));
  return arns.map((arn) =>
    outlineFrom(
      'crash',
      outages.filter(({ target_group_arn }) => target_group_arn === arn),
      bursts.filter(({ target_group_arn }) => target_group_arn === arn),
    ),
  );
}

function outlineFrom(
  kind: 'target-lost' | 'crash',
  outages: readonly TargetOutage[],
  bursts: readonly CloseBurst[],
): EventOutline {
  const failures: SentFailure[] = [...outages, ...bursts].flatMap((each) => each.failures);
  const ends = outages.map(({ nextAnswer, presence, last }) => nextAnswer ?? (presence?.left === true ? last : null));
  return {
    kind,
    target_group_arn: [...outages, ...bursts][0]?.target_group_arn ?? '-',
    targets: sorted([...outages, ...bursts].map(({ target }) => target)),
    outages: [...outages].sort((a, b) => onsetOf(a) - onsetOf(b) || (a.target < b.target ? -1 : 1)),
    bursts: [...bursts],
    failures,
    from: Math.min(...outages.map(onsetOf), ...bursts.map(({ at }) => at)),
    to: ends.includes(null) ? null : Math.max(...ends.map((end) => end ?? 0), ...bursts.map(({ at }) => at)),
  };
}
