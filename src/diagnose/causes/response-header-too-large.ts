import { ruledOutBySignature } from '../judgement/contradiction.ts';
import { badResponse } from '../patterns/invalid-responses.ts';
import { defineCause } from './cause.ts';

export const responseHeaderTooLarge = defineCause({
  id: 'response-header-too-large',
  title: 'Response headers over 32 KB',
  explanation:
    'The headers of the response are larger than 32 KB in total, the most the load balancer takes from a target.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html',
  wants: [],

  judge({ traffic }) {
    const { all, claimed, reasons, against } = badResponse(traffic);
    if (all.length === 0) return ruledOutBySignature(traffic, ['closed-before-response']);
    return {
      claims: [{ errors: claimed, strength: 'possible' }],
      for: reasons,
      against,
      missing: claimed.length > 0 ? ['The size of the response headers: no log field and no metric holds it.'] : [],
      ruledOut: claimed.length === 0,
    };
  },

  fix() {
    return {
      summary:
        'Measure the response headers of a failing request inside the network and cut what grows: Set-Cookie, tokens, Content-Security-Policy.',
      commands: ['curl -sS -o /dev/null -D - http://<target>:<port>/<path> | wc -c   # more than 32768 is refused'],
      sideEffects: [],
    };
  },
});
