import { plural, requestsOf } from '../../format/wording.ts';
import { claimErrors, type Fix, type Judgement, untested } from '../judgement.ts';
import { withoutHops } from '../patterns/hops.ts';
import { describeTally } from '../patterns/tally.ts';
import { countErrors, type SampledError } from '../traffic.ts';
import { defineCause } from './cause.ts';

/** load-balancer-troubleshooting.html, HTTP 501, 505 and 507. */
const STATUSES: Readonly<Record<string, { meaning: string; fix: string }>> = {
  '501': {
    meaning:
      'an unsupported Transfer-Encoding header (only chunked and identity are), or a WebSocket upgrade to a group with a target optimizer',
    fix: 'Let clients send Transfer-Encoding: chunked or none.',
  },
  '505': {
    meaning: 'an HTTP version that the load balancer does not know',
    fix: 'Let clients send HTTP/1.0, HTTP/1.1 or HTTP/2.',
  },
  '507': {
    meaning: 'a redirect URL over 8 KB',
    fix: 'Shorten the redirect of the listener rule, or the query that it carries along.',
  },
};

export const unsupportedRequest = defineCause({
  id: 'unsupported-request',
  title: 'Request not supported by the load balancer',
  explanation:
    'The load balancer refused the request itself: its transfer encoding (501), its HTTP version (505), or a redirect URL too long (507).',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html#http-501-issues',
  signatures: ['other'],
  wants: [],

  judge({ traffic }, _question, own): Judgement {
    const errors = withoutTarget(own);
    const statuses = [...new Set(errors.map((error) => error.elb_status_code))].sort();
    const clients = new Set(withoutHops(traffic, errors).map(({ client }) => client)).size;
    return claimErrors(
      {
        claims: [{ errors, strength: 'confirmed' }],
        for: [
          ...statuses.map((status) => {
            const count = countErrors(errors.filter((error) => error.elb_status_code === status));
            return `${requestsOf(count, traffic.errorCount)} ended with ${status}: ${STATUSES[status]?.meaning ?? ''}.`;
          }),
          `On ${describeTally(errors, (error) => error.route)}${clients === 0 ? '' : `, from ${plural(clients, 'client')}`}.`,
        ],
        against: [],
        missing: [],
        fix: fixFor(statuses),
        summary: `The load balancer refused ${plural(countErrors(errors), 'request')} on ${describeTally(errors, ({ route }) => route, 2)} with ${describeTally(errors, (error) => error.elb_status_code)}: ${STATUSES[statuses[0] ?? '']?.meaning ?? ''}.`,
      },
      untested(),
    );
  },
});

function fixFor(statuses: readonly string[]): Fix {
  const [first = 'Look at what these clients send.', ...others] = statuses.flatMap(
    (status) => STATUSES[status]?.fix ?? [],
  );
  return { summary: first, commands: [], notes: others, sideEffects: [] };
}

const withoutTarget = (errors: readonly SampledError[]): SampledError[] =>
  errors.filter((error) => error.elb_status_code in STATUSES && error.target_status_code === '-');
