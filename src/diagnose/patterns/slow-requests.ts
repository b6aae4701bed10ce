/** Sentences shared by the causes that involve an idle timeout. */

import type { Attributes, CloudTrailEvent } from '../../evidence/aws.ts';
import { type Command, command } from '../../format/command.ts';
import { number, outOf, percent, plural, requestsOf, seconds, utcTime, wholeSeconds } from '../../format/wording.ts';
import { contradictingSignatures } from '../contradicting-signatures.ts';
import { type Judgement, ruledOut, type Stopgap } from '../judgement.ts';
import type { SampledError, Traffic } from '../traffic.ts';
import { countErrors } from '../traffic.ts';
import { mutations } from './configuration-changes.ts';
import { endedTooSoon, type IdleTimeouts } from './idle-timeouts.ts';
import { routeShares } from './route-errors.ts';

/** "GET /report: 12 of 40 requests (30 %); those that succeeded took 48.2 s on average." */
export const routeSentences = (traffic: Traffic, errors: readonly SampledError[]): string[] =>
  routeShares(traffic, errors)
    .slice(0, 3)
    .map(({ route, errors: own, requests, share }) => {
      const routeTotals = traffic.log.routes.find((one) => one.route === route);
      const mean =
        routeTotals && routeTotals.succeeded > 0
          ? `the ${number(routeTotals.succeeded)} that succeeded took ${seconds(routeTotals.succeededMs / routeTotals.succeeded / 1000)} on average, ${seconds(routeTotals.succeededMaxMs / 1000)} at most`
          : 'none succeeded';
      return `${route}: ${outOf(countErrors(own), requests)} requests timed out (${percent(share)}); ${mean}.`;
    });

/** Says whether the timer that the errors reveal is the configured one, and which changes were recorded. */
export function timerSentences(
  { effective, configured }: IdleTimeouts,
  changes: CloudTrailEvent[] | undefined,
  traffic: Traffic,
): { agrees: boolean | null; sentence: string | null; changed: boolean } {
  if (effective === null || configured === null) return { agrees: null, sentence: null, changed: false };
  if (effective === configured) {
    return {
      agrees: true,
      sentence: `They end at the idle timeout of the load balancer: ${wholeSeconds(configured)}.`,
      changed: false,
    };
  }
  const last = Math.max(...traffic.errors.map((error) => error.at));
  const change = mutations(changes ?? []).find(
    ({ name, at, text }) => name === 'ModifyLoadBalancerAttributes' && at > last && text.includes('idle_timeout'),
  );
  return {
    agrees: false,
    changed: change !== undefined,
    sentence: `They end after ${wholeSeconds(effective)}, but the idle timeout is ${wholeSeconds(configured)} now: ${change ? `it was changed at ${utcTime(change.at)}` : 'it was changed since, or another timer ends them'}.`,
  };
}

/** The judgement if no error shows an idle timeout; durations shorter than the timer rule it out. */
export function judgeWithoutIdleTimeout(traffic: Traffic, attributes: Attributes | undefined): Judgement {
  const soon = endedTooSoon(traffic, attributes);
  const signature = contradictingSignatures(traffic, ['idle-timeout']);
  const numbers = soon
    ? `${requestsOf(traffic.errorCount, traffic.errorCount)} ended within ${seconds(soon.longest)} of arriving; ${attributes ? 'the idle timeout is' : 'an idle timeout is at least'} ${wholeSeconds(soon.limit)}.`
    : null;
  return ruledOut([numbers, signature].flatMap((sentence) => sentence ?? []));
}

export const attributesMissing = (attributes: Attributes | undefined): string[] =>
  attributes
    ? []
    : ['The configured idle timeout (elasticloadbalancing:DescribeLoadBalancerAttributes) could not be read.'];

export const setIdleTimeout = (arn: string | null, seconds: number): Command =>
  command`aws elbv2 modify-load-balancer-attributes --load-balancer-arn ${arn ?? '<load-balancer-arn>'} --attributes Key=idle_timeout.timeout_seconds,Value=${seconds}`;

/** The longest idle timeout that AWS allows: seconds. */
const MOST_IDLE_SECONDS = 4000;

/** Stands before a command that raises the idle timeout to this many seconds. */
export const beforeRaising = (raised: number): string =>
  `First make sure that the keep-alive timeout of every target is above ${wholeSeconds(raised)}, or keep-alive races begin.`;

/** Lets requests finish until the cause is fixed. `arn`: of the load balancer; `now`: its idle timeout; seconds. */
export function longerIdleTimeout(
  arn: string | null,
  now: number,
  raised = Math.min(MOST_IDLE_SECONDS, now * 2),
): Stopgap {
  return {
    summary: `Until the cause is fixed, raise the load balancer's idle timeout to ${wholeSeconds(raised)}. ${beforeRaising(raised)}`,
    commands: [setIdleTimeout(arn, raised)],
    undo: `Set the idle timeout back to ${wholeSeconds(now)} afterwards (Value=${now}).`,
    sideEffects: [`With ${wholeSeconds(raised)}, slow requests hold workers and clients longer.`],
    idleTimeoutSeconds: raised,
  };
}

export const errorCountText = (errors: readonly SampledError[]): string => plural(countErrors(errors), 'error');
