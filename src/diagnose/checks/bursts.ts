import { durationSpread, list, number, outOf, plural, utcMinute, utcTime, utcTimeSpan } from '../../format/wording.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { eventOutlines } from '../events/outlines.ts';
import { noErrorsVerdict } from '../no-errors.ts';
import { type Burst, findBursts, largestSimultaneousBurst } from '../patterns/grouped-by-pause.ts';
import { countErrors, type Traffic } from '../traffic.ts';
import { defineCheck } from './check.ts';

export const bursts = defineCheck({
  id: 'bursts',
  step: 1,
  subject: 'whether the errors came in bursts',
  question: 'Are the errors spread evenly over time, without bursts?',
  why: 'A burst points to an event (a deployment, a crash, a spike); a steady rate points to a setting.',
  fix: 'Find out what happened in the seconds before a burst: deployments, restarts, scaling, health changes.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html',
  symptom: true,
  isTimed: true,
  needs: ['traffic'],
  wants: [],

  // A burst describes the errors and is not a fault, so the check passes and reports it.
  evaluate({ traffic }, question): CheckVerdict {
    const noErrors = noErrorsVerdict(traffic);
    if (noErrors) return noErrors;
    const { errors, log, errorCount } = traffic;
    const readMs =
      Math.min(question.to, log.newest ?? question.to) - Math.max(question.from, log.oldest ?? question.from);
    const burstsFound = findBursts(errors, readMs);
    const together = largestSimultaneousBurst(errors);
    const moment = together
      ? ` ${plural(countErrors(together.errors), 'request')} failed at the same moment, ${utcTime(together.from)}, after ${durationSpread(together.errors.flatMap(({ elapsed }) => elapsed ?? []))}.`
      : '';
    if (burstsFound.length > 0)
      return {
        outcome: 'pass',
        summary: `${burstsSentence(burstsFound, errorCount)}${moment}`,
        facts: [{ label: 'bursts', value: burstsFound.length }],
      };
    if (together) return { outcome: 'pass', summary: moment.trim() };
    if (errors.length < 5) {
      return { outcome: 'not-applicable', summary: `${plural(errorCount, 'error')}: too few to show a burst.` };
    }
    const [first, last] = [errors[0]?.at ?? 0, errors[errors.length - 1]?.at ?? 0];
    const outages = eventOutlines(traffic).reduce((sum, outline) => sum + outline.outages.length, 0);
    return {
      outcome: 'pass',
      summary: `${plural(errorCount, 'error')} from ${utcTimeSpan(first, last)}${outages > 0 ? `, in ${plural(outages, 'burst')}` : `; ${busiestMinute(traffic)}`}.`,
    };
  },
});

/** "at most 22 in one minute (02:44 UTC)": steady errors have no minute that stands out. */
function busiestMinute({ shapes }: Traffic): string {
  const minutes = [...Map.groupBy(shapes, ({ minute }) => minute)]
    .map(([minute, own]) => ({ minute, errors: own.reduce((sum, { count }) => sum + count, 0) }))
    .sort((a, b) => b.errors - a.errors || a.minute - b.minute);
  const [most] = minutes;
  return most === undefined
    ? 'no minute is known'
    : `at most ${number(most.errors)} in one minute (${utcMinute(most.minute)})`;
}

function burstsSentence(burstsFound: Burst[], total: number): string {
  const held = Math.round(burstsFound.reduce((sum, burst) => sum + countErrors(burst.errors), 0));
  const [only] = burstsFound;
  if (burstsFound.length === 1 && only)
    return `${held === total ? `All ${number(total)}` : `${outOf(held, total)} errors`} ${spanText(only)}.`;
  const each = burstsFound.map((burst) => `${number(countErrors(burst.errors))} ${spanText(burst)}`);
  return `${outOf(held, total)} errors in ${burstsFound.length} bursts: ${list(each)}.`;
}

const spanText = ({ from, to }: Burst): string =>
  `within ${Math.max(1, Math.ceil((to - from) / 1000))} s from ${utcTime(from)}`;
