import { wholeMinutes } from '../../evidence/metrics.ts';
import type { Question } from '../../evidence/question.ts';
import { outOf, plural } from '../../format/wording.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { NONE_CLOSED } from '../no-errors.ts';
import { correlation, type Incomparable, type Minute } from '../patterns/correlation.ts';
import { isInstant } from '../patterns/keep-alive.ts';
import { type Traffic, withSignature } from '../traffic.ts';
import { defineCheck } from './check.ts';

/** Correlation from which the rate counts as rising; its negative, as falling. */
const CLEAR = 0.5;
const MINUTE = 60_000;

export const rateAgainstTrafficCheck = defineCheck({
  id: 'rate-against-traffic',
  step: 3,
  subject: 'whether the error rate follows traffic',
  question: 'Does the share of connections closed before a response stay level or rise with traffic?',
  why: 'Connections stay idle longer when traffic is low: a share that falls as traffic rises supports a keep-alive race; a share that rises with traffic suggests overload.',
  fix: 'Compare the keep-alive timeout of the targets with the idle timeout of the load balancer.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html#http-502-issues',
  symptom: true,
  namedBy: ['keep-alive-race'],
  needs: ['traffic'],
  wants: [],

  evaluate({ traffic }, question): CheckVerdict {
    const closed = withSignature(traffic, 'closed-before-response');
    if (closed.length === 0) return { outcome: 'not-applicable', summary: NONE_CLOSED };
    const minutes = minutesOf(traffic, question);
    const r = correlation(minutes);
    if (typeof r === 'string') return { outcome: 'not-applicable', summary: WHY_NOT[r](minutes) };
    const facts = [{ label: 'correlation', value: Math.round(r * 100) / 100 }];
    const over = `(r = ${r.toFixed(2)} over ${plural(minutes.length, 'minute')})`;
    const falls = `The error rate falls when traffic rises ${over}`;
    if (r <= -CLEAR && !closed.some(isInstant))
      return { outcome: 'pass', summary: `${falls}, but no error came fast enough for a keep-alive race.`, facts };
    if (r <= -CLEAR)
      return { outcome: 'fail', summary: `${falls}.`, brief: 'errors fall when traffic rises', facts: [] };
    const failing = minutes.filter(({ errors }) => errors > 0).length;
    // If most minutes have no errors, the traffic of the others proves nothing.
    if (r >= CLEAR && 2 * failing < minutes.length)
      return {
        outcome: 'not-applicable',
        summary: `Errors in ${outOf(failing, minutes.length)} minutes: too few to compare with the traffic.`,
      };
    const how = r >= CLEAR ? 'rises with the traffic' : 'does not follow the traffic';
    return { outcome: 'pass', summary: `The error rate ${how} ${over}.`, facts };
  },
});

const WHY_NOT: Record<Incomparable, (minutes: readonly Minute[]) => string> = {
  'few errors': () => 'Too few connections were closed to compare the error rate with traffic.',
  'few minutes': (minutes) =>
    `${plural(minutes.length, 'whole minute')} with traffic: too few to compare the error rate with it.`,
  'steady traffic': () => 'Traffic was too steady to compare the error rate with it.',
};

/** Requests and closed requests of each whole UTC minute of the window with traffic. */
function minutesOf(traffic: Traffic, question: Question): Minute[] {
  const window = wholeMinutes(question);
  if (window === null) return [];
  const errors = new Map<number, number>();
  for (const { at, weight } of withSignature(traffic, 'closed-before-response')) {
    const minute = Math.floor(at / MINUTE) * MINUTE;
    errors.set(minute, (errors.get(minute) ?? 0) + weight);
  }
  return traffic.log.minutes
    .filter(({ minute }) => minute >= window.from && minute < window.to)
    .map(({ minute, requests }) => ({ requests, errors: errors.get(minute) ?? 0 }));
}
