import { number, outOf, plural } from '../../format/wording.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { noErrorsVerdict } from '../no-errors.ts';
import { describeTally } from '../patterns/tally.ts';
import { countErrors, nameOf, withSignature } from '../traffic.ts';
import { defineCheck } from './check.ts';

export const errorOrigin = defineCheck({
  id: 'error-origin',
  step: 1,
  question: 'Were all errors made by the load balancer, none by a target?',
  why: 'If the target sent the error, look in the application; if the load balancer made it, look between the two.',
  fix: "Look these requests up in the application's log; the load balancer only relayed the status.",
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
      return {
        outcome: 'pass',
        summary: `${plural(own, 'error')} made by the load balancer, none by a target.`,
        facts,
      };
    return {
      outcome: 'fail',
      summary: `${outOf(byTarget, traffic.errorCount)} errors came from a target itself (${describeTally(relayed, ({ target }) => nameOf(traffic, target))}), ${own === 0 ? 'none' : number(own)} from the load balancer.`,
      brief: `${outOf(byTarget, traffic.errorCount)} errors came from a target itself`,
      facts,
    };
  },
});
