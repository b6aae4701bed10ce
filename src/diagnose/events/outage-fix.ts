/** Fixes for outages of targets: a crash, or targets without a listening process. */
import type { TargetHealthDescription } from '../../evidence/aws.ts';
import { command } from '../../format/command.ts';
import { list, plural, seconds, utcTime } from '../../format/wording.ts';
import type { Fix } from '../judgement.ts';
import { splitTarget } from '../network-path/addresses.ts';
import { describePod, describeTask } from '../network-path/host-commands.ts';
import { targetPresences } from '../patterns/churn.ts';
import { namesOf, type SampledError, type Traffic, targetGroupName } from '../traffic.ts';
import { crashRoute } from './crash-route.ts';
import { type EventOutline, onsetOf, sorted } from './event-outline.ts';
import { spanText } from './event-sentences.ts';
import { isRejected, outlineOf } from './outlines.ts';
import type { SentFailure } from './sent-failures.ts';

/** Returns null unless most of these errors come from one crash, from lost targets, or from new ones not yet ready. */
export function outageFix(
  traffic: Traffic,
  errors: readonly SampledError[],
  targetHealth?: Record<string, TargetHealthDescription[]>,
): Fix | null {
  const counts = new Map<EventOutline, number>();
  for (const error of errors) {
    const outline = outlineOf(traffic).get(error);
    if (outline) counts.set(outline, (counts.get(outline) ?? 0) + 1);
  }
  const [most] = [...counts].sort((a, b) => b[1] - a[1] || a[0].from - b[0].from);
  if (!most || most[1] < errors.length / 2) return null;
  if (most[0].kind === 'rollout') return notReadyFix(most[0], traffic);
  const outline = withErrors(most[0], new Set(errors));
  if (outline.kind === 'crash') return crashFix(outline, traffic);
  return outline.kind === 'target-lost' ? lostFix(outline, traffic, targetHealth?.[outline.target_group_arn]) : null;
}

/** Limits the outages to these errors, because a fix must name only claimed targets. */
function withErrors(outline: EventOutline, errors: ReadonlySet<SampledError>): EventOutline {
  const isClaimed = ({ failures }: { failures: readonly SentFailure[] }): boolean =>
    failures.some(({ error }) => error !== null && errors.has(error));
  const outages = outline.outages.filter(isClaimed);
  const bursts = outline.bursts.filter(isClaimed);
  const starts = [...outages.map(onsetOf), ...bursts.map(({ at }) => at)];
  return {
    ...outline,
    outages,
    bursts,
    targets: sorted([...outages, ...bursts].map(({ target }) => target)),
    from: Math.min(outline.to ?? Number.POSITIVE_INFINITY, ...starts),
  };
}

/** For a rollout whose new targets got requests before they listened; null if its errors lie elsewhere. */
function notReadyFix({ failures, targets, target_group_arn: arn }: EventOutline, traffic: Traffic): Fix | null {
  const fresh = targetPresences(traffic).filter(
    ({ joined, lastSuccess, target, target_group_arn }) =>
      joined === true && lastSuccess !== null && target_group_arn === arn && targets.includes(target),
  );
  const waits = failures.flatMap(({ request, sent }) => {
    const own = fresh.find(({ target }) => target === request.target);
    return own === undefined ? [] : [sent - own.firstSeen];
  });
  if (waits.length <= failures.length / 2) return null;
  return {
    summary: `Send requests to new targets of ${targetGroupName(arn)} only once they listen: requests failed up to ${seconds(Math.max(...waits) / 1000)} after a target got its first one.`,
    commands: [
      command`kubectl label namespace ${'<namespace>'} elbv2.k8s.aws/pod-readiness-gate-inject=enabled`,
      command`aws elbv2 describe-target-groups --target-group-arns ${arn}`,
    ],
    notes: [
      'A health check on a port or path of its own must fail until the traffic port answers.',
      'In Kubernetes, the readiness probe asks the traffic port, and the readiness gate waits for the load balancer; in ECS, a sidecar starts after the application.',
    ],
    sideEffects: ['A rollout then waits until each new target has started.'],
  };
}

const TIMES_SHOWN = 4;
const BEFORE_MS = 60_000;

function crashFix(outline: EventOutline, traffic: Traffic): Fix {
  const { targets, outages, bursts, from } = outline;
  const route = crashRoute(outline, traffic);
  const times = [...outages.map(onsetOf), ...bursts.map(({ at }) => at)].sort((a, b) => a - b);
  const when =
    times.length <= TIMES_SHOWN
      ? ` at ${list(times.map(utcTime))}`
      : `, ${plural(times.length, 'time')} from ${utcTime(from)} on`;
  const where = targets.length <= 3 ? list(namesOf(traffic, targets)) : plural(targets.length, 'target');
  const [first] = targets;
  const owner = first === undefined ? null : traffic.owners.at(first, from, outline.target_group_arn);
  const since = new Date(from - BEFORE_MS).toISOString().slice(0, 19).replace('T', ' ');
  return {
    summary: route
      ? `Find out how ${route.route} ends the process on ${where}${when}: ${route.count} of ${route.of} times it cut off such a request. Until then, block or route that request elsewhere.`
      : `Find out what ends the process on ${where}${when}. Exit code 137 means killed, mostly out of memory; 143 means stopped by the platform, as after failed health checks; other codes mean a crash.`,
    commands: [
      // An ECS task is not a pod.
      ...(owner?.task || first === undefined ? [] : [describePod(addressOf(first))]),
      command`journalctl --utc --since ${since}`,
      ...describeTask(owner),
    ],
    sideEffects: [],
  };
}

const addressOf = (target: string): string => splitTarget(target)?.address ?? target;

function lostFix(
  outline: EventOutline,
  traffic: Traffic,
  registered: readonly TargetHealthDescription[] | undefined,
): Fix | null {
  const { targets, target_group_arn: arn, outages } = outline;
  // A host that refuses at once is up; only its process is missing.
  if (!outages.every(isRejected)) return null;
  if (outages.every(({ presence }) => presence?.left === true)) {
    if (registered === undefined) return null;
    const ids = targets.flatMap((target) => {
      const end = splitTarget(target);
      return registered.some(({ Target }) => Target.Id === end?.address) && end
        ? [`Id=${end.address},Port=${end.port}`]
        : [];
    });
    if (ids.length === 0) return null;
    return {
      summary: `Deregister ${list(namesOf(traffic, targets))}: nothing has answered there since ${utcTime(Math.min(...outages.map(onsetOf)))}. Then find out why ${targets.length === 1 ? 'it was' : 'they were'} not deregistered (controller, deployment script, failed deletion).`,
      commands: [
        command`aws elbv2 deregister-targets --target-group-arn ${arn} --targets ${ids}`,
        command`aws elbv2 describe-target-health --target-group-arn ${arn}`,
        command`kubectl get pods -A -o wide; kubectl get targetgroupbindings -A`,
      ],
      sideEffects: [],
    };
  }
  const delays = outages.flatMap(({ failures }) => failures.map(({ request }) => (request.elapsed ?? 0) * 1000));
  return {
    summary: `Look for a firewall or router that rejects connections to ${list(namesOf(traffic, targets))}: the rejection took up to ${spanText(Math.max(...delays))}, too long for a closed port.`,
    commands: [
      command`sudo nft list ruleset; sudo iptables -S`,
      command`kubectl get networkpolicies -A`,
      command`aws elbv2 describe-target-health --target-group-arn ${arn}`,
    ],
    sideEffects: [],
  };
}
