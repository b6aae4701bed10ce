/** What ends requests that run into the idle timeout: on a stuck target, on routes that are too slow, behind a change. */
import type { CloudTrailEvent, TargetGroup } from '../../evidence/aws.ts';
import type { Question } from '../../evidence/question.ts';
import { command } from '../../format/command.ts';
import { list, seconds, utcTime, wholeSeconds } from '../../format/wording.ts';
import type { Fix } from '../judgement.ts';
import { splitTarget } from '../network-path/addresses.ts';
import { namesOf, type SampledError, type Traffic, targetGroupName } from '../traffic.ts';
import { type Mutation, mutations } from './configuration-changes.ts';
import { beforeRaising, longerIdleTimeout, setIdleTimeout } from './slow-requests.ts';
import type { StuckTargets } from './stuck-targets.ts';
import { tally } from './tally.ts';

/** The load balancer's longest idle timeout, seconds. */
const LONGEST = 4000;
/** A success this close to the idle timeout, as a share of it, shows that a longer one lets others finish. */
const NEAR = 0.5;

interface SlowRequests {
  errors: readonly SampledError[];
  /** The idle timeout that the errors show or that is configured, seconds. */
  limit: number;
  traffic: Traffic;
  changes: CloudTrailEvent[] | undefined;
  question: Question;
}

/** For requests that are slow on every target. */
export function slowRoutesFix({ errors, limit, traffic, changes, question }: SlowRequests): Fix {
  const routes = tally([...errors], (error) => error.route).map(({ name }) => name);
  const longestMs = longestSuccess(traffic, routes);
  const lowered = loweredBy(errors, limit, changes);
  const helps = longestMs === null || longestMs >= NEAR * 1000 * limit;
  const wanted = Math.min(LONGEST, Math.max(2 * limit, roundedUp((1.5 * (longestMs ?? 0)) / 1000)));
  const wait = `Find out what makes ${list(routes, 3)} slow (database, lock, upstream, too few workers), and set timeouts on its calls to databases and upstreams.`;
  const streaming = `Responses that are slow by design (server-sent events, LLM output, exports) must send headers immediately, then data at intervals well under ${wholeSeconds(limit)}.`;
  if (lowered !== null && longestMs !== null && longestMs > 1000 * limit)
    return {
      summary: `Raise the idle timeout to ${wholeSeconds(wanted)}: ${lowered.name}${lowered.user === null ? '' : ` by ${lowered.user}`} set it to ${wholeSeconds(limit)} at ${utcTime(lowered.at)}, and successes of ${list(routes, 3)} take up to ${seconds(longestMs / 1000)}. ${beforeRaising(wanted)}`,
      commands: [setIdleTimeout(question.loadBalancer.arn, wanted)],
      sideEffects: [],
      allowsSeconds: wanted,
    };
  if (!helps)
    return {
      summary: wait,
      commands: [],
      notes: [
        `A longer idle timeout does not help: successes of these routes took ${seconds((longestMs ?? 0) / 1000)} at most.`,
        streaming,
      ],
      sideEffects: [],
    };
  return {
    summary: wait,
    commands: [],
    notes: [streaming],
    sideEffects: [],
    stopgap: longerIdleTimeout(question.loadBalancer.arn, limit, wanted),
  };
}

const roundedUp = (value: number): number => 10 * Math.ceil(value / 10);

function longestSuccess({ log }: Traffic, routes: readonly string[]): number | null {
  const longest = log.routes
    .filter(({ route, succeeded }) => routes.includes(route) && succeeded > 0)
    .map(({ succeededMaxMs }) => succeededMaxMs);
  return longest.length === 0 ? null : Math.max(...longest);
}

/** The last call before these errors, if it set the idle timeout to this value. */
function loweredBy(
  errors: readonly SampledError[],
  limit: number,
  changes: CloudTrailEvent[] | undefined,
): Mutation | null {
  const first = Math.min(...errors.map(({ at }) => at));
  const [last] = mutations(changes ?? [])
    .filter(
      ({ name, at, text }) => name === 'ModifyLoadBalancerAttributes' && at < first && text.includes('idle_timeout'),
    )
    .sort((a, b) => b.at - a.at);
  return last !== undefined && JSON.stringify(last.parameters).includes(`"${limit}"`) ? last : null;
}

/** For targets that do not answer what their peers answer. */
export function stuckTargetsFix(stuck: StuckTargets, traffic: Traffic, groups: TargetGroup[] | undefined): Fix {
  const { target_group_arn: arn, targets, longestMs, warmUpMs } = stuck;
  const names = list(
    namesOf(
      traffic,
      targets.map(({ target }) => target),
    ),
    3,
  );
  const useless =
    longestMs === null
      ? []
      : [
          `A longer idle timeout does not help: the other targets answer these routes within ${seconds(longestMs / 1000)}.`,
        ];
  if (warmUpMs !== null)
    return {
      summary: `Let ${names} warm up before full traffic arrives: ${targets.length === 1 ? 'it had' : 'they had'} just joined ${targetGroupName(arn)}. Let the health check pass only once the application is warm, or raise its traffic slowly.`,
      commands: [
        command`aws elbv2 modify-target-group-attributes --target-group-arn ${arn} --attributes Key=slow_start.duration_seconds,Value=${slowStart(warmUpMs)}`,
      ],
      notes: ['Slow start needs the round robin algorithm.'],
      sideEffects: ['Every target that joins gets its full share only after that time.'],
    };
  const isInstance = groups?.find(({ TargetGroupArn }) => TargetGroupArn === arn)?.TargetType === 'instance';
  const words = targets.flatMap(({ target, lastSeen }) => {
    const end = splitTarget(target);
    const id = isInstance ? (traffic.owners.at(target, lastSeen, arn)?.instance ?? null) : (end?.address ?? null);
    return end === null || id === null ? [] : [`Id=${id},Port=${end.port}`];
  });
  return {
    summary: `Take ${names} out and see what its threads wait for (a deadlock, a full pool, a lost connection to a database), then restart ${targets.length === 1 ? 'it' : 'them'}.`,
    commands:
      words.length === 0 ? [] : [command`aws elbv2 deregister-targets --target-group-arn ${arn} --targets ${words}`],
    notes: [
      'A dump of all threads shows it: jstack (Java), py-spy dump (Python), kill -QUIT (Go).',
      ...useless,
      `${targets.length === 1 ? 'It was' : 'They were'} still chosen: let the health check take the path of these requests, so that it fails with them.`,
    ],
    sideEffects: [`The other targets of ${targetGroupName(arn)} get its requests.`],
  };
}

/** Seconds, 30 to 900 and whole half minutes. */
const slowStart = (lastedMs: number): number => Math.min(900, Math.max(30, 30 * Math.ceil(lastedMs / 30_000)));
