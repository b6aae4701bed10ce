import { command } from '../../format/command.ts';
import { list, plural, requestsOf, utcTime } from '../../format/wording.ts';
import { claimErrors, type Fix, type Judgement, untested } from '../judgement.ts';
import { badRequestGroups } from '../patterns/bad-request-groups.ts';
import { targetPresences } from '../patterns/churn.ts';
import { describeTally, describeTargets, tally } from '../patterns/tally.ts';
import { countErrors, nameOf, type SampledError, type Traffic, traceRoots } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const targetGenerated = defineCause({
  id: 'target-generated',
  title: 'Error returned by the target',
  explanation: 'The application in the target sent this status itself; the load balancer only relayed it.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html#load-balancer-http-error-codes',
  signatures: ['target-response'],
  splitByStatus: true,
  wants: ['targetGroups'],

  judge(evidence, _question, errors): Judgement {
    const { traffic } = evidence;
    // A web server that gets plain HTTP on a TLS port answers 400 before any application sees the request.
    const bad = badRequestGroups(evidence);
    const unsure = new Set(bad.flatMap((group) => group.errors));
    const sure = errors.filter((error) => !unsure.has(error));
    const statuses = tally(errors, (error) => error.target_status_code).map(({ name }) => name);
    const targets = describeTargets(errors, ({ target }) => nameOf(traffic, target));
    return claimErrors(
      {
        claims: [
          { errors: sure, strength: 'confirmed' },
          { errors: [...unsure], strength: 'possible' },
        ],
        for: [
          `${requestsOf(countErrors(errors), traffic.errorCount)} ended with the status that the target sent (${describeTally(errors, (error) => error.target_status_code)}); the load balancer only relayed it.`,
          `By target: ${targets}.`,
          `By route: ${describeTally(errors, (error) => error.route)}.`,
        ],
        against: [],
        missing: bad.map(
          ({ name }) =>
            `Whether the port of ${name} expects TLS: every request there was answered 400. To find out, run curl -vk https://<target>:<port>/ from inside the VPC.`,
        ),
        fix: fixFor(errors),
        summary: `${mayBeOfProxy(errors) ? 'A proxy or the application in the target' : 'The application itself'} answered ${plural(countErrors(errors), 'request')}${onRoute(errors)} with ${list(statuses)} (${placeOf(errors, traffic)}); the load balancer only relayed ${Math.round(countErrors(errors)) === 1 ? 'this response' : 'these responses'}.`,
      },
      untested(),
    );
  },
});

/** " on POST /orders" for a single route; otherwise "". */
function onRoute(errors: readonly SampledError[]): string {
  const routes = new Set(errors.map(({ route }) => route));
  const [route] = routes;
  return routes.size === 1 ? ` on ${route}` : '';
}

/** The number of targets that the headline counts one by one. */
const TARGETS_NAMED = 3;

/** "7 from 10.0.1.5:8080 and 2 from 10.0.1.6:8080", "6 targets", "all 4 targets that joined from 08:09:43 UTC on". */
function placeOf(errors: readonly SampledError[], traffic: Traffic): string {
  const targets = new Set(errors.map(({ target }) => target));
  if (targets.size <= TARGETS_NAMED) return describeTargets(errors, ({ target }) => nameOf(traffic, target));
  const groups = new Set(errors.map(({ target_group_arn }) => target_group_arn));
  const own = targetPresences(traffic).filter(({ target_group_arn }) => groups.has(target_group_arn));
  const fresh = own.filter(({ joined }) => joined === true);
  const isOfNew =
    fresh.length === targets.size && fresh.every(({ target }) => targets.has(target)) && own.length > fresh.length;
  return isOfNew
    ? `all ${plural(targets.size, 'target')} that joined from ${utcTime(Math.min(...fresh.map(({ firstSeen }) => firstSeen)))} on`
    : plural(targets.size, 'target');
}

/**
 * Statuses that applications rarely send (RFC 9110, 15.6.3 and 15.6.5); proxies such as nginx or Envoy send them when
 * their upstream fails.
 */
const isOfProxy = (errors: readonly SampledError[]): boolean =>
  errors.every(({ target_status_code }) => target_status_code === '502' || target_status_code === '504');

/** Whether a proxy may have sent one of them. */
const mayBeOfProxy = (errors: readonly SampledError[]): boolean =>
  errors.some(({ target_status_code }) => ['502', '503', '504'].includes(target_status_code));

function fixFor(errors: readonly SampledError[]): Fix {
  const ids = traceRoots(errors).slice(0, 3);
  const search = ids.length > 0 ? [command`grep -F ${ids.flatMap((id) => ['-e', id])} ${'<application log>'}`] : [];
  if (errors.length > 0 && isOfProxy(errors))
    return {
      summary:
        'Look in the error log of the proxy in the target (nginx, Envoy, a sidecar): 502 is an upstream it cannot reach or understand, 504 one that is too slow.',
      commands: [
        command`grep -E 'upstream|connect\(\) failed|timed out|reset by peer' /var/log/nginx/error.log`,
        command`kubectl logs ${'<pod>'} -c istio-proxy`,
        ...search,
      ],
      notes: ['The load balancer only relays this error. If no proxy runs there, the application sent it.'],
      sideEffects: [],
    };
  return {
    summary:
      "Search the application's log for these requests. The load balancer only relays the error, so none of its settings helps.",
    commands: search,
    sideEffects: [],
  };
}
