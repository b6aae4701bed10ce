import { command } from '../../format/command.ts';
import { durationSpread, list, number, plural, requestsOf, utcTime, wholeSeconds } from '../../format/wording.ts';
import { IDLE_TIMEOUT_CHANGED } from '../breaking-call.ts';
import { claimErrors, type Fix, type Judgement, type Strength, untested } from '../judgement.ts';
import { answeredAtSameTime } from '../patterns/equal-timers.ts';
import { slowRoutesFix, stuckTargetsFix } from '../patterns/idle-timeout-fix.ts';
import { type IdleTimeouts, idleTimeouts, isBodiless, methodOf, SMALL_BODY } from '../patterns/idle-timeouts.ts';
import {
  attributesMissing,
  errorCountText,
  judgeWithoutIdleTimeout,
  routeSentences,
  timerSentences,
} from '../patterns/slow-requests.ts';
import { type StuckTargets, stuckTargets } from '../patterns/stuck-targets.ts';
import { describeTally } from '../patterns/tally.ts';
import { countErrors, namesOf, type SampledError, type Traffic, targetGroupName } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const slowTarget = defineCause({
  id: 'slow-target',
  title: 'Target slower than the idle timeout',
  explanation: 'The target accepted the request and sent no response before the idle timeout of the load balancer.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html#http-504-issues',
  signatures: ['idle-timeout'],
  breakingCalls: [IDLE_TIMEOUT_CHANGED],
  curedByIdleTimeout: true,
  wants: ['attributes', 'changes', 'targetGroups'],

  judge({ traffic, attributes, changes, targetGroups }, question): Judgement {
    const parts = idleTimeouts(traffic, attributes);
    const timer = timerSentences(parts, changes, traffic);
    const claims = claimsOf(parts, timer.agrees === false && !timer.changed);
    const own = claims.flatMap(({ errors }) => errors);
    const bodied = [...parts.upload, ...parts.either];
    const took = durationText(own);
    const shown =
      took === null ? '' : `; they ended after ${took}${timer.agrees ? ", the load balancer's idle timeout" : ''}`;
    const limit = parts.effective ?? parts.configured;
    const same = limit === null ? [] : answeredAtSameTime(traffic, own, limit);
    const stuck = same.length > 0 ? null : stuckTargets(traffic, own);
    return claimErrors(
      {
        claims,
        for: [
          `${requestsOf(countErrors(own), traffic.errorCount)} reached the target and got no response${shown}.`,
          ...(parts.target.length > 0
            ? [
                `${requestsOf(countErrors(parts.target), traffic.errorCount)} had ${uploadText(parts.target)} (${bodies(parts.target)}).`,
              ]
            : []),
          ...(timer.sentence && timer.agrees && took === null ? [timer.sentence] : []),
          ...(same.length > 0 && limit !== null
            ? [
                `A proxy in the target answered ${plural(countErrors(same), 'request')} on the same routes with 504 after the same ${wholeSeconds(limit)}.`,
              ]
            : []),
          ...(stuck === null ? [] : [stuckText(stuck, traffic)]),
          ...routeSentences(traffic, own),
        ],
        against: [
          ...(timer.sentence && timer.agrees === false ? [timer.sentence] : []),
          ...(parts.early.length > 0 ? [earlySentence(parts)] : []),
          ...parts.short.map(
            ({ route, errors, median, usual }) =>
              `${errorCountText(errors)} on ${route} had sent ${number(median)} bytes (median) of about ${number(usual)}: the body had not arrived.`,
          ),
          ...(bodied.length > 0
            ? [`${errorCountText(bodied)} may still have been sending a body: a slow upload would look the same.`]
            : []),
        ],
        missing: attributesMissing(attributes),
        fix:
          same.length > 0 && limit !== null
            ? proxyFix(limit)
            : stuck === null
              ? slowRoutesFix({ errors: own, limit: limit ?? 60, traffic, changes, question })
              : stuckTargetsFix(stuck, traffic, targetGroups),
        summary: summaryText(own, { limit: parts.effective, same, stuck, traffic }),
      },
      untested(),
    );
  },

  judgeWithoutErrors: ({ traffic, attributes }) => judgeWithoutIdleTimeout(traffic, attributes),
});

function summaryText(
  own: SampledError[],
  {
    limit,
    same,
    stuck,
    traffic,
  }: { limit: number | null; same: SampledError[]; stuck: StuckTargets | null; traffic: Traffic },
): string {
  const within = limit === null ? 'the idle timeout' : wholeSeconds(limit);
  const count = plural(countErrors(own), 'request');
  if (stuck !== null)
    return `${stuckNames(stuck, traffic)} did not answer ${count} within ${within}; ${peersText(stuck)}.`;
  const proxy =
    same.length > 0
      ? ` A proxy in the target gave up at the same ${within}: ${plural(countErrors(same), '504')} more.`
      : '';
  return `${count} to ${describeTally(own, (error) => error.route, 3)} got no response within ${within}.${proxy}`;
}

const peersText = ({ peers }: StuckTargets): string =>
  `${plural(peers, 'other target')} of the group answered the same routes`;

const stuckNames = ({ targets, target_group_arn }: StuckTargets, traffic: Traffic): string =>
  `${list(
    namesOf(
      traffic,
      targets.map(({ target }) => target),
    ),
    3,
  )} (${targetGroupName(target_group_arn)})`;

function stuckText(stuck: StuckTargets, traffic: Traffic): string {
  const joined = stuck.targets.filter((target) => target.joined === true);
  const since =
    joined.length === stuck.targets.length
      ? ` It got its first request at ${utcTime(Math.min(...joined.map(({ firstSeen }) => firstSeen)))}.`
      : '';
  return `Nearly all of them were sent to ${stuckNames(stuck, traffic)}; ${peersText(stuck)}.${since}`;
}

/** If both hops time out at once, a longer idle timeout changes only who answers the 504. */
const proxyFix = (limit: number): Fix => ({
  summary: `Look at the proxy in the target and its upstream: the proxy waits ${wholeSeconds(limit)} for an answer, as long as the load balancer.`,
  commands: [
    command`grep -E 'upstream timed out|no live upstreams' /var/log/nginx/error.log`,
    command`nginx -T | grep -E 'proxy_pass|upstream|resolver|proxy_read_timeout'`,
  ],
  notes: [
    'nginx resolves upstream names once, at its start: it keeps asking the old address of an upstream that moved.',
    'A longer idle timeout of the load balancer only changes who answers with 504.',
  ],
  sideEffects: [],
});

/**
 * Lowers the strength in two cases: the timer differs from the current configuration without a recorded change, or the
 * method has a body (few bytes came, and no field shows whether more was expected).
 */
function claimsOf(
  { target, sameRoute, upload, either, early, effective }: IdleTimeouts,
  differs: boolean,
): { errors: SampledError[]; strength: Strength }[] {
  const fixed = effective !== null && target.length >= 3;
  return [
    { errors: target.filter(isBodiless), strength: !differs ? 'confirmed' : fixed ? 'likely' : 'possible' },
    { errors: target.filter((error) => !isBodiless(error)), strength: !differs || fixed ? 'likely' : 'possible' },
    { errors: sameRoute, strength: 'likely' },
    { errors: [...upload, ...either, ...early], strength: 'possible' },
  ];
}

/** "30.0 s to 31.2 s"; null if no duration is known. */
const durationText = (errors: SampledError[]): string | null => {
  const known = errors.flatMap(({ elapsed }) => elapsed ?? []);
  return known.length > 0 ? durationSpread(known) : null;
};

/** What they still had to upload. */
function uploadText(errors: readonly SampledError[]): string {
  if (errors.every(isBodiless)) return 'no body to upload';
  const isSmall = errors.every((error) => isBodiless(error) || error.received_bytes < SMALL_BODY);
  return isSmall ? 'almost nothing to upload' : 'sent the whole body';
}

const bodies = (errors: SampledError[]): string =>
  `${describeTally(errors, methodOf)}; at most ${number(Math.max(...errors.map((error) => error.received_bytes)))} bytes each, headers included`;

function earlySentence({ early, effective, configured }: IdleTimeouts): string {
  const limit = effective ?? configured;
  const when =
    limit === null ? 'at no common whole second, as a timer would' : `before the timer of ${wholeSeconds(limit)}`;
  const took = durationText(early);
  return `${errorCountText(early)} ended${took === null ? '' : ` after ${took}`}, ${when}.`;
}
