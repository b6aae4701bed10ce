import { list, outOf, percent, plural } from '../../format/wording.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { noErrorsVerdict } from '../no-errors.ts';
import { routeShares, failingRoutes as routesThatFail } from '../patterns/route-errors.ts';
import { WITHOUT_TARGET } from '../signature.ts';
import { countErrors } from '../traffic.ts';
import { defineCheck } from './check.ts';

export const failingRoutesCheck = defineCheck({
  id: 'failing-routes',
  step: 4,
  subject: 'which routes fail',
  question: 'Do all routes succeed, apart from a small share of errors on each?',
  why: 'If one route nearly always fails while others succeed, the fault is in that route, not in the connection.',
  fix: 'Look at the raw response of the route from inside the VPC: curl --http1.1 --raw -sS -i http://<target>:<port>/<path>.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html#http-502-issues',
  symptom: true,
  headline: 1,
  needs: ['traffic'],
  wants: [],

  evaluate({ traffic }): CheckVerdict {
    const noErrors = noErrorsVerdict(traffic);
    if (noErrors) return noErrors;
    const unanswered = traffic.errors.filter(({ signature }) => signature !== 'target-response');
    if (unanswered.length === 0) {
      return {
        outcome: 'not-applicable',
        summary: 'All errors were sent by targets, and the load balancer accepted these responses.',
      };
    }
    const errors = unanswered.filter(({ signature }) => !WITHOUT_TARGET.has(signature));
    if (errors.length === 0) {
      return {
        outcome: 'not-applicable',
        summary: `${plural(countErrors(unanswered), 'request')} did not reach a target, so there is no response to check.`,
      };
    }
    const shares = routeShares(traffic, errors);
    const facts = shares
      .slice(0, 5)
      .map(({ route, share }) => ({ label: route, value: Math.round(share * 1e6) / 1e4, unit: 'percent' as const }));
    const failing = routesThatFail(traffic, errors);
    if (failing.length > 0) {
      const routes = failing.map(
        ({ route, errors: own, requests }) => `${route} (${outOf(countErrors(own), requests)})`,
      );
      const always = failing.every(({ errors: own, requests }) => countErrors(own) >= requests)
        ? 'always'
        : 'nearly always';
      return {
        outcome: 'fail',
        summary: `${list(routes)} ${always} ${failing.length === 1 ? 'fails' : 'fail'}, while other routes succeed.`,
        brief: `${plural(failing.length, 'route')} ${always} ${failing.length === 1 ? 'fails' : 'fail'}`,
        facts,
      };
    }
    const sent = errors.length < unanswered.length ? ' after the request was sent' : '';
    const failed = plural(shares.length, 'route');
    const top = worstRoute(shares);
    if (top === undefined)
      return {
        outcome: 'not-applicable',
        summary: `${failed} with errors${sent}; ${plural(traffic.log.requests, 'request')} in all, too few to compare routes.`,
        brief: 'too few requests to compare routes',
      };
    const worst = `${percent(top.share)} of its ${plural(top.requests, 'request')}`;
    const summary =
      shares.length === 1
        ? `Only ${top.route} has errors${sent}: ${worst}.`
        : `${failed} with errors${sent}; the worst is ${top.route}: ${worst}.`;
    return {
      outcome: 'pass',
      summary,
      // A share of only some errors would seem to contradict that of all.
      brief:
        top.share >= 1
          ? 'all requests of a route failed'
          : `no route always fails${sent === '' ? ` (worst: ${percent(top.share)})` : ''}`,
      facts,
    };
  },
});

/** The highest failing share, among routes with enough requests. */
const worstRoute = (shares: ReturnType<typeof routeShares>) =>
  shares
    .filter(({ requests }) => requests >= 5)
    .sort((a, b) => b.share - a.share || (a.route < b.route ? -1 : 1))
    .at(0);
