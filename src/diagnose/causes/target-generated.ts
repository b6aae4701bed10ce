import { list, outOf, plural } from '../../format/wording.ts';
import { NO_MATCHING_ERRORS } from '../judgement/unseen.ts';
import { badRequestGroups } from '../patterns/bad-request-groups.ts';
import { describeTally, tally } from '../patterns/tally.ts';
import { countErrors, withSignature } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const targetGenerated = defineCause({
  id: 'target-generated',
  title: 'The target answered with the error',
  explanation: 'The application in the target sent this status itself; the load balancer only relayed it.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html#load-balancer-http-error-codes',
  wants: ['targetGroups'],

  judge(evidence) {
    const { traffic } = evidence;
    const errors = withSignature(traffic, 'target-response');
    if (errors.length === 0) return NO_MATCHING_ERRORS;
    // A web server that gets plain HTTP where it expects TLS answers 400 before any application sees the request.
    const bad = badRequestGroups(evidence);
    const unsure = new Set(bad.flatMap((group) => group.errors));
    const sure = errors.filter((error) => !unsure.has(error));
    const statuses = tally(errors, (error) => error.target_status_code).map(({ name }) => name);
    const targets = describeTally(errors, (error) => error.target);
    return {
      claims: [
        { errors: sure, strength: 'confirmed' },
        ...(unsure.size > 0 ? [{ errors: [...unsure], strength: 'possible' as const }] : []),
      ],
      for: [
        `${outOf(countErrors(errors), traffic.errorCount)} errors carry the status that the target sent (${describeTally(errors, (error) => error.target_status_code)}): the load balancer relayed them.`,
        `From ${targets}.`,
        `On ${describeTally(errors, (error) => error.route)}.`,
      ],
      against: [],
      missing: bad.map(
        ({ name }) =>
          `Whether the port of ${name} expects TLS: every request there was answered 400 (curl -vk https://<target>:<port>/ from inside tells).`,
      ),
      ruledOut: false,
      summary: `The application itself answered ${plural(countErrors(errors), 'request')} with ${list(statuses)} (${targets}); the load balancer only relayed it.`,
    };
  },

  fix({ traffic }) {
    const ids = withSignature(traffic, 'target-response')
      .map((error) => error.trace_id)
      .filter((id) => id !== '-')
      .slice(0, 3);
    return {
      summary:
        "Look in the application's log for these requests; nothing on the load balancer makes or mends this error.",
      commands: ids.length > 0 ? [`grep -F ${ids.map((id) => `-e '${id}'`).join(' ')} <application log>`] : [],
      sideEffects: [],
    };
  },
});
