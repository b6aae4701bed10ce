/** Events as the traffic shows them: rollouts first, then targets lost, then crashes; an error belongs to the first that takes it. */
import { oncePerTraffic, type SampledError, type Traffic } from '../traffic.ts';
import { closeBursts } from './close-bursts.ts';
import { type CloseBurst, type EventOutline, onsetOf, sorted } from './event-outline.ts';
import { type TargetOutage, targetKey, targetOutages } from './outages.ts';
import { rollouts } from './rollout.ts';
import type { SentFailure } from './sent-failures.ts';

/** Targets that fall silent within this of each other are lost together. */
const TOGETHER_MS = 30_000;

/** In the order above, then by time. */
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
  return [...replaced, ...lost, ...crashes(crashed, closeBursts(traffic, inOutages))];
});

/** The outline that an asked error belongs to. */
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

/** The asked errors of an outline, in the order of `Traffic.errors`. */
export const errorsOf = (outline: EventOutline, traffic: Traffic): SampledError[] =>
  traffic.errors.filter((error) => outlineOf(traffic).get(error) === outline);

/** Seconds: a connection that is refused later than this was rejected on the way, or its SYN was sent again. */
const LATE_REJECTION = 0.9;
const MOST_LATE = 0.1;

/** Connections were refused at once by the host, as they are when a process is not there. */
export function isRefused({ failures }: Pick<TargetOutage, 'failures'>): boolean {
  const refused = failures.filter(({ signature }) => signature === 'connect-failed');
  const timedOut = failures.filter(({ signature }) => signature === 'connect-timeout');
  const late = refused.filter(({ request }) => (request.elapsed ?? 0) >= LATE_REJECTION);
  return refused.length > timedOut.length && late.length + timedOut.length <= MOST_LATE * failures.length;
}

/** Connections were rejected, some only after the SYN was sent again: a firewall or a router says so, or a host that is not there. */
export const isRejected = (outage: Pick<TargetOutage, 'failures'>): boolean =>
  !isRefused(outage) &&
  outage.failures.filter(({ signature }) => signature === 'connect-failed').length > outage.failures.length / 2;

/** Refused, and answered again; or cut off by what was read while it was still chosen. */
const isRestart = (outage: TargetOutage): boolean =>
  isRefused(outage) && (outage.nextAnswer !== null || outage.presence?.left === false);

/** The last SYN of a connection that times out after 10 s is sent this long after the first (tcp(7)), milliseconds. */
const LAST_SYN_MS = 7_000;

/** It answered others while SYNs were still sent to it in vain: its backlog was full, or packets were lost, and it was not gone. */
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
