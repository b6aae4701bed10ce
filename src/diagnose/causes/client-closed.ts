import {
  durationSpread,
  list,
  outOf,
  percent,
  plural,
  requestsOf,
  seconds,
  wholeSeconds,
} from '../../format/wording.ts';
import type { Judgement } from '../judgement.ts';
import { visibleTimer } from '../patterns/idle-timeouts.ts';
import { routeShares } from '../patterns/route-errors.ts';
import { describeTally } from '../patterns/tally.ts';
import { countErrors, type SampledError, type Traffic } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const clientClosed = defineCause({
  id: 'client-closed',
  title: 'Connection closed by the client',
  explanation:
    'The client gave up before the load balancer could answer (460); the target may have received the request.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html#http-460-issues',
  signatures: ['client-closed'],
  wants: ['attributes'],

  judge({ traffic, attributes }, _question, errors): Judgement {
    const timer = clientTimer(errors);
    const idle = attributes?.['idle_timeout.timeout_seconds'];
    const slow = gatewayTimeouts(traffic);
    const shares = routeShares(traffic, errors);
    return {
      kind: 'claims',
      claims: [{ errors, strength: 'confirmed' }],
      for: [
        `${requestsOf(countErrors(errors), traffic.errorCount)} ended with 460: the client closed${durationText(errors)}.`,
        ...(timer === null
          ? []
          : [
              `The failed requests lasted about ${wholeSeconds(timer)}, which points to a timeout in some clients${idle ? `; the load balancer waits ${idle} s` : ''}.`,
            ]),
        ...shares
          .slice(0, 3)
          .map(
            ({ route, share, requests, errors: own }) =>
              `${route}: ${outOf(countErrors(own), requests)} requests (${percent(share)})${meanDurationText(traffic, route)}.`,
          ),
        ...(slow > 0 ? [`${plural(slow, 'request')} of the same window ended in 504: the targets are slow.`] : []),
      ],
      against: [],
      missing: [],
      fix: {
        summary: `Make ${list(
          shares.map(({ route }) => route),
          3,
        )} faster, or raise the client's timeout above the response time and above the load balancer's idle timeout.`,
        commands: [],
        sideEffects: ['The target may have carried out a request that the client gave up on; a retry repeats it.'],
      },
      summary: `Clients gave up on ${plural(countErrors(errors), 'request')} (${describeTally(errors, (error) => error.route, 3)})${timer === null ? '' : ` after ${wholeSeconds(timer)},`} before the targets answered.`,
    };
  },
});

/** Whole seconds at which at least half of the errors, and at least three, ended; null if there is no such time. */
const clientTimer = (errors: readonly SampledError[]): number | null =>
  errors.length < 3 ? null : visibleTimer(errors);

function durationText(errors: readonly SampledError[]): string {
  const durations = errors.flatMap(({ elapsed }) => elapsed ?? []);
  return durations.length > 0 ? ` after ${durationSpread(durations)}` : '';
}

/** The load balancer's own 504s in the window, including those outside the question. */
const gatewayTimeouts = ({ log }: Traffic): number =>
  log.statuses
    .filter((pair) => pair.elb_status_code === '504' && pair.target_status_code === '-')
    .reduce((sum, pair) => sum + pair.requests, 0);

function meanDurationText({ log }: Traffic, route: string): string {
  const routeTotals = log.routes.find((one) => one.route === route);
  if (!routeTotals || routeTotals.succeeded === 0) return '; none succeeded';
  return `; those that succeeded took ${seconds(routeTotals.succeededMs / routeTotals.succeeded / 1000)} on average`;
}
