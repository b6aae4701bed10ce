import { command } from '../../format/command.ts';
import { durationSpread, list, number, outOf, plural, seconds, utcTime } from '../../format/wording.ts';
import { ruledOutBySignature } from '../contradicting-signatures.ts';
import { outageFix } from '../events/outage-fix.ts';
import { outlineOf } from '../events/outlines.ts';
import { claimErrors, type Fix, type Judgement, ruledOut, untested } from '../judgement.ts';
import { describeTask } from '../network-path/host-commands.ts';
import { presenceOf } from '../patterns/churn.ts';
import { type ClosedParts, closedParts } from '../patterns/closed-connections.ts';
import type { TargetBurst } from '../patterns/error-bursts.ts';
import { INSTANT_SECONDS } from '../patterns/keep-alive.ts';
import { findScatteredErrors } from '../patterns/route-errors.ts';
import { countErrors, nameOf, type SampledError, type Traffic, targetGroupName, withSignature } from '../traffic.ts';
import { defineCause } from './cause.ts';

const LATE_FACTOR = 3;

export const closedMidRequest = defineCause({
  id: 'closed-mid-request',
  title: 'Connection closed by the target mid-request',
  explanation:
    'The target closes the connection after it has started work on a request: a crash, a kill, a restart, an early close.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html',
  signatures: ['closed-before-response', 'no-response-aborted'],
  events: ['rollout'],
  wants: [],

  judge({ traffic }): Judgement {
    const parts = closedParts(traffic);
    const aborted = abortedWhileServing(traffic);
    if (parts.all.length + aborted.length === 0) return ruledOutBySignature(traffic, ['closed-before-response']);
    const crashed = parts.bursts.filter(
      (burst) => new Set(burst.errors.map((e) => e.route)).size > 1 || refusedAfterwards(traffic, burst),
    );
    const crashErrors = crashed.flatMap((burst) => burst.errors);
    const mayBeRace = new Set(parts.measures.flatMap(({ edge }) => edge?.maybeAtEdge ?? []));
    const scatteredErrors = findScatteredErrors(
      traffic,
      slowErrorsOutsideRace(parts).filter((error) => !mayBeRace.has(error)),
    );
    const inCrash = [...parts.all, ...aborted].filter((error) => outlineOf(traffic).get(error)?.kind === 'crash');
    const sure = new Set([...crashErrors, ...inCrash, ...scatteredErrors]);
    const sureErrors = [...sure];
    const otherwise = [
      ...aborted,
      ...parts.instantRest,
      ...parts.slowRest.filter((error) => scatteredErrors.length === 0 || mayBeRace.has(error)),
      ...parts.bursts.filter((burst) => !crashed.includes(burst)).flatMap((burst) => burst.errors),
      ...parts.wholeGroups.flatMap((group) => group.errors),
      ...parts.durationClusters.flatMap((cluster) => cluster.errors),
      // A target that turns unhealthy and leaves has crashed. If it was deregistered, shutdown-before-drain claims
      // these.
      ...parts.leaving.flatMap((one) => one.errors),
      ...parts.cutUploads.flatMap((upload) => upload.errors),
      // A route that ends its process on every request looks like a route with an invalid response.
      ...parts.routes.flatMap((route) => route.errors),
    ];
    const possible = otherwise.filter((error) => !sure.has(error));
    const [burst] = crashed;
    return claimErrors(
      {
        claims: [
          { errors: sureErrors, strength: 'likely' },
          { errors: possible, strength: 'possible' },
        ],
        for: [
          ...crashed
            .slice(0, 3)
            .map(
              (b) =>
                `${plural(b.errors.length, 'request')} on ${nameOf(traffic, b.target, b.from)} failed at the same moment, ${utcTime(b.from)}, over ${plural(new Set(b.errors.map((e) => e.route)).size, 'route')}, after ${durationSpread(b.errors.map((e) => e.target_processing_time))} of work: one event on that target${refusedAfterwards(traffic, b) ? ', which refused connections then' : ''}.`,
            ),
          ...(crashed.length > 3 ? [`${plural(crashed.length - 3, 'more event')} of this kind.`] : []),
          ...(scatteredErrors.length > 0
            ? [
                `${plural(scatteredErrors.length, 'error')} after ${durationSpread(scatteredErrors.map((e) => e.target_processing_time))} of work (no fixed duration), on many routes; each took longer than any success on its route. ${outOf(retried(scatteredErrors), scatteredErrors.length)} succeeded on a retry.`,
              ]
            : []),
          ...(possible.length > 0
            ? [
                `${plural(possible.length, 'connection')} closed ${durationSpread(possible.map((e) => e.target_processing_time))} after the request was sent.`,
              ]
            : []),
        ],
        against: [],
        missing: ["The application's log: whether the request started and never finished."],
        fix:
          outageFix(traffic, sureErrors.length > 0 ? sureErrors : possible) ??
          fixFor(traffic, burst ?? parts.bursts[0], sureErrors[0] ?? possible[0]),
        ...(burst
          ? {
              summary: `${nameOf(traffic, burst.target, burst.from) === burst.target ? `Target ${burst.target}` : nameOf(traffic, burst.target, burst.from)} dropped ${plural(countErrors(burst.errors), 'request')} in flight at ${utcTime(burst.from)}: it crashed or was killed.`,
            }
          : scatteredErrors.length > 0
            ? { summary: scatteredText(scatteredErrors) }
            : {}),
      },
      // Requests of some clients may also crash the process.
      parts.clients ? untested() : ruledOut([narrowerPatternText(parts, traffic)]),
    );
  },
});

function fixFor(traffic: Traffic, burst: TargetBurst | undefined, first: SampledError | undefined): Fix {
  const name = burst === undefined ? null : nameOf(traffic, burst.target, burst.from);
  const failed = burst?.errors[0] ?? first;
  const owner = failed === undefined ? null : traffic.owners.at(failed.target, failed.at, failed.target_group_arn);
  return {
    summary: burst
      ? `Find out what ended the process on ${name} at ${utcTime(burst.from)}: out of memory, a crash, a kill.`
      : "Read the application's log around the error: look for an exception, a kill or a restart.",
    commands: [
      ...(burst
        ? [
            command`journalctl --since ${`${new Date(burst.from - 60_000).toISOString().slice(0, 19).replace('T', ' ')} UTC`} --utc`,
          ]
        : []),
      ...describeTask(owner),
    ],
    ...(burst ? { notes: [`On the host of ${name}, look for oom-kill, segfault and exit codes.`] } : {}),
    sideEffects: [],
  };
}

/**
 * Errors without a response on a target that got new requests afterwards, or that did not visibly leave. AWS documents
 * that an early close may look like this.
 */
function abortedWhileServing(traffic: Traffic): SampledError[] {
  return withSignature(traffic, 'no-response-aborted').filter((error) => {
    const presence = presenceOf(traffic, error);
    return presence !== null && (presence.left !== true || presence.lastSeen > error.at + 1_000);
  });
}

/** Milliseconds for which a process that ended or restarts refuses connections. */
const STARTS_AGAIN_MS = 3_000;

const refusedAfterwards = (traffic: Traffic, { target, from }: TargetBurst): boolean =>
  withSignature(traffic, 'connect-failed').some(
    (error) => error.target === target && error.at >= from - TOGETHER_MS && error.at <= from + STARTS_AGAIN_MS,
  );

/** Milliseconds within which the effects of one event fall. */
const TOGETHER_MS = 20;

const routesOf = (errors: readonly SampledError[]): string[] => [...new Set(errors.map(({ route }) => route))];

/**
 * "Targets of web closed 27 connections mid-request, after 232 ms to 5.59 s of work, on 6 routes: a crash, a kill or an
 * early close."
 */
function scatteredText(errors: readonly SampledError[]): string {
  const groups = [...new Set(errors.map((error) => targetGroupName(error.target_group_arn)))].sort();
  return `Targets of ${list(groups, 3)} closed ${plural(countErrors(errors), 'connection')} mid-request, after ${durationSpread(errors.map((error) => error.target_processing_time))} of work, on ${plural(routesOf(errors).length, 'route')}: a crash, a kill or an early close.`;
}

const retried = (errors: SampledError[]): number => errors.filter((error) => error.retriedOk).length;

/** If a race was measured, slightly later closes may belong to it, because a busy target closes late. */
function slowErrorsOutsideRace({ slowRest, race }: ClosedParts): SampledError[] {
  const racing = new Set(race.map(({ measure }) => measure.target_group_arn));
  return slowRest.filter(
    (error) => !racing.has(error.target_group_arn) || error.target_processing_time > LATE_FACTOR * INSTANT_SECONDS,
  );
}

function narrowerPatternText(parts: ClosedParts, traffic: Traffic): string {
  const reasons = [
    ...parts.race.map(({ edge, errors }) =>
      edge.kind === 'at-once'
        ? `${number(errors.length)} right after a response`
        : `${number(errors.length)} at the idle edge of ${seconds(edge.seconds)}`,
    ),
    ...parts.leaving.map(
      ({ presence, errors }) => `${number(errors.length)} on ${nameOf(traffic, presence.target)}, which left`,
    ),
  ];
  return `Every one follows a narrower pattern: ${reasons.join('; ')}.`;
}
