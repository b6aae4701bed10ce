import { clock, number, outOf, percent, plural, seconds, spread } from '../../format/wording.ts';
import { notShown } from '../judgement/contradiction.ts';
import { targetLives } from '../patterns/churn.ts';
import { type ClosedParts, closedParts } from '../patterns/closed-connections.ts';
import type { TargetBurst } from '../patterns/error-bursts.ts';
import { INSTANT_SECONDS } from '../patterns/keep-alive.ts';
import { scattered } from '../patterns/route-errors.ts';
import { type Failure, type Traffic, weigh, withSignature } from '../traffic.ts';
import { defineCause } from './cause.ts';

const LATE = 3;

export const closedMidRequest = defineCause({
  id: 'closed-mid-request',
  title: 'Target closed the connection mid-request',
  explanation:
    'The target closes the connection after work on a request has begun: a crash, a kill, a restart, an early close.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html',
  wants: ['targetGroups'],

  judge({ traffic }) {
    const parts = closedParts(traffic);
    const aborted = abortedWithoutLeaving(traffic);
    if (parts.all.length + aborted.length === 0) return notShown(traffic, ['closed-before-response']);
    const crashed = parts.bursts.filter(
      (burst) => new Set(burst.errors.map((e) => e.route)).size > 1 || refusedThen(traffic, burst),
    );
    const crashErrors = crashed.flatMap((burst) => burst.errors);
    const restless = scattered(traffic, awayFromRace(parts));
    const possible = [
      ...aborted,
      ...parts.instantRest,
      ...(restless.length > 0 ? [] : parts.slowRest),
      ...parts.bursts.filter((burst) => !crashed.includes(burst)).flatMap((burst) => burst.errors),
      ...parts.wholeGroups.flatMap((group) => group.errors),
      ...parts.clocks.flatMap((cluster) => cluster.errors),
      // A target that is found unhealthy and leaves has crashed; when it was deregistered, shutdown-before-drain owns these.
      ...parts.leaving.flatMap((one) => one.errors),
    ];
    const [burst] = crashed;
    return {
      claims: [
        { errors: [...crashErrors, ...restless], strength: 'likely' },
        { errors: possible, strength: 'possible' },
      ],
      for: [
        ...crashed
          .slice(0, 3)
          .map(
            (b) =>
              `${plural(b.errors.length, 'request')} on ${b.target} ended together at ${clock(b.from)}, over ${plural(new Set(b.errors.map((e) => e.route)).size, 'route')}, after ${spread(b.errors.map((e) => e.target_processing_time))} of work: one event on that target${refusedThen(traffic, b) ? ', which refused connections then' : ''}.`,
          ),
        ...(crashed.length > 3 ? [`${plural(crashed.length - 3, 'more event')} of this kind.`] : []),
        ...(restless.length > 0
          ? [
              `${plural(restless.length, 'error')} after ${spread(restless.map((e) => e.target_processing_time))} of work, no two routes or durations alike; ${outOf(retried(restless), restless.length)} worked when repeated, and each took longer than any success of their route, so what is answered is not at fault.`,
            ]
          : []),
        ...(possible.length > 0
          ? [
              `${plural(possible.length, 'error')} closed ${spread(possible.map((e) => e.target_processing_time))} after being sent.`,
            ]
          : []),
      ],
      against: crashErrors.length + restless.length + possible.length === 0 ? [better(parts)] : [],
      missing: ['The application log for the trace ids of these requests: started and not finished would show it.'],
      // A route that always ends its process, or does so for some clients, fails like one that always answers badly.
      ruledOut: crashErrors.length + restless.length + possible.length + parts.routes.length === 0 && !parts.clients,
      ...(burst
        ? {
            summary: `Target ${burst.target} dropped ${plural(weigh(burst.errors), 'request')} in flight at ${clock(burst.from)}: it crashed or was killed.`,
          }
        : {}),
    };
  },

  fix({ traffic }) {
    const { bursts } = closedParts(traffic);
    const [burst] = bursts;
    return {
      summary: burst
        ? `Find out what ended the process on ${burst.target} at ${clock(burst.from)}: out of memory, a crash, a kill.`
        : 'Look the trace ids up in the application log: a request that started and did not finish names the crash or the early close.',
      commands: [
        ...(burst
          ? [
              `journalctl --since '${new Date(burst.from - 60_000).toISOString().slice(0, 19).replace('T', ' ')}' --utc   # on the host of ${burst.target}: oom-kill, segfault, exit codes`,
            ]
          : []),
        'aws ecs describe-tasks --cluster <cluster> --tasks <task> --query "tasks[].{stopped:stoppedReason,containers:containers[].{exit:exitCode,reason:reason}}"',
      ],
      sideEffects: [],
    };
  },
});

/** Seconds of work until it was closed; what the whole request took where the log has no other time. */
const _worked = (error: Failure): number =>
  error.target_processing_time >= 0 ? error.target_processing_time : (error.elapsed ?? 0);

/**
 * Ended without a response on a target that got new requests afterwards, or is not seen to have left: by the documentation an early close
 * may look so.
 */
function abortedWithoutLeaving(traffic: Traffic): Failure[] {
  const errors = withSignature(traffic, 'no-response-aborted');
  const lives = errors.length > 0 ? targetLives(traffic) : [];
  return errors.filter((error) =>
    lives.some(
      (life) =>
        life.target === error.target &&
        life.target_group_arn === error.target_group_arn &&
        (life.left !== true || life.lastSeen > error.at + 1_000),
    ),
  );
}

/** A process that is gone, or starts again, refuses what comes within this of its end, milliseconds. */
const STARTS_AGAIN_MS = 3_000;

const refusedThen = (traffic: Traffic, { target, from }: TargetBurst): boolean =>
  withSignature(traffic, 'connect-failed').some(
    (error) => error.target === target && error.at >= from - TOGETHER_MS && error.at <= from + STARTS_AGAIN_MS,
  );

/** What one event does, it does within this, milliseconds. */
const TOGETHER_MS = 20;

const retried = (errors: Failure[]): number => errors.filter((error) => error.retriedOk).length;

/** Where a race was measured, what closed hardly later may be of it: a busy target is late. */
function awayFromRace({ slowRest, race }: ClosedParts): Failure[] {
  const racing = new Set(race.map(({ measure }) => measure.target_group_arn));
  return slowRest.filter(
    (error) => !racing.has(error.target_group_arn) || error.target_processing_time > LATE * INSTANT_SECONDS,
  );
}

function better(parts: ClosedParts): string {
  const reasons = [
    ...parts.race.map(
      ({ measure, errors }) => `${number(errors.length)} at the idle edge of ${seconds(measure.seconds ?? 0)}`,
    ),
    ...parts.routes.map(
      (route) => `${number(route.errors.length)} on ${route.route}, which fails ${percent(route.share)} of the time`,
    ),
    ...(parts.clients
      ? [`${number(parts.clients.errors.length)} of ${plural(parts.clients.clients, 'client')} that failed each time`]
      : []),
    ...parts.leaving.map(({ life, errors }) => `${number(errors.length)} on ${life.target}, which left`),
  ];
  return `Every one follows a narrower pattern: ${reasons.join('; ')}.`;
}
