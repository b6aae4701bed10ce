import { list } from '../../format/wording.ts';
import { ruledOutBySignature } from '../judgement/contradiction.ts';
import { badResponse } from '../patterns/invalid-responses.ts';
import { defineCause } from './cause.ts';

export const malformedResponse = defineCause({
  id: 'malformed-response',
  title: 'Malformed HTTP response',
  explanation:
    'The target answers with something that is not valid HTTP or holds an invalid header; the load balancer discards it.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html',
  wants: [],

  judge({ traffic }) {
    const { all, claimed, reasons, against } = badResponse(traffic);
    if (all.length === 0) return ruledOutBySignature(traffic, ['closed-before-response']);
    return {
      claims: [{ errors: claimed, strength: 'possible' }],
      for: reasons,
      against,
      missing:
        claimed.length > 0
          ? ['The application log for the trace ids: finished with success would show that the response was at fault.']
          : [],
      ruledOut: claimed.length === 0,
    };
  },

  fix({ traffic }) {
    const { routes } = badResponse(traffic);
    return {
      summary:
        'Look at the raw response of the failing request from inside the network, then correct the header or body that breaks it.',
      commands: [
        `curl --http1.1 --raw -sS -i http://<target>:<port>/<path> | head -c 4096 | cat -A   # ${routes.length > 0 ? list(routes) : 'a failing route'}`,
      ],
      sideEffects: [],
    };
  },
});
