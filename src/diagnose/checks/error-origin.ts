import { number, outOf } from '../../format/wording.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { noErrorsVerdict } from '../no-errors.ts';
import { describeTally } from '../patterns/tally.ts';
import { countErrors, withSignature } from '../traffic.ts';
import { defineCheck } from './check.ts';

export const errorOrigin = defineCheck({
  id: 'error-origin',
  step: 1,
  question: 'Are the targets free of errors that they answered themselves?',
  why: 'An error that the target sent is found in the application; one that the load balancer made is found between the two.',
  fix: 'Look in the log of the application for the requests that carry the same status twice; the load balancer only relayed them.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html#load-balancer-http-error-codes',
  symptom: true,
  headline: 1,
  needs: ['traffic'],
  wants: [],

  evaluate({ traffic }): CheckVerdict {
    const noErrors = noErrorsVerdict(traffic);
    if (noErrors) return noErrors;
    const relayed = withSignature(traffic, 'target-response');
    const byTarget = Math.round(countErrors(relayed));
    const own = traffic.errorCount - byTarget;
    const facts = [
      { label: 'made by the load balancer', value: own, unit: 'requests' as const },
      { label: 'made by a target', value: byTarget, unit: 'requests' as const },
    ];
    if (byTarget === 0)
      return { outcome: 'pass', summary: `${number(own)} by the load balancer, none by a target.`, facts };
    return {
      outcome: 'fail',
      summary: `${outOf(byTarget, traffic.errorCount)} errors came from a target itself (${describeTally(relayed, (error) => error.target)}), ${own === 0 ? 'none' : number(own)} from the load balancer.`,
      facts,
    };
  },
});
