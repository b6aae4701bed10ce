import { clock, list, number, outOf, plural, spread } from '../../format/wording.ts';
import { withoutErrors } from '../no-errors.ts';
import { type Episode, endedTogether, episodes } from '../patterns/grouped-by-pause.ts';
import { weigh } from '../traffic.ts';
import { type CheckVerdict, defineCheck } from './check.ts';

export const bursts = defineCheck({
  id: 'bursts',
  step: 1,
  question: 'Are the errors spread over time, or do bursts point at an event?',
  why: 'A burst has an event behind it (a deployment, a crash, a spike); a steady rate has a setting behind it.',
  fix: 'Look for what happened in the seconds before a burst: deployments, restarts, scaling, health changes.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html',
  needs: ['traffic'],
  wants: [],

  // A burst is a finding about the errors, not a fault by itself: it passes and says so.
  evaluate({ traffic }, question): CheckVerdict {
    const without = withoutErrors(traffic);
    if (without) return without;
    const { errors, log, total } = traffic;
    const readMs =
      Math.min(question.to, log.newest ?? question.to) - Math.max(question.from, log.oldest ?? question.from);
    const found = episodes(errors, readMs);
    const together = endedTogether(errors);
    const moment = together
      ? ` ${plural(weigh(together.errors), 'request')} ended together at ${clock(together.from)} after ${spread(together.errors.flatMap(({ elapsed }) => elapsed ?? []))}.`
      : '';
    if (found.length > 0)
      return {
        outcome: 'pass',
        summary: `${sentence(found, total)}${moment}`,
        facts: [{ label: 'bursts', value: found.length }],
      };
    if (together) return { outcome: 'pass', summary: moment.trim() };
    if (errors.length < 5) {
      return { outcome: 'not-applicable', summary: `${plural(total, 'error')}: too few to tell a burst.` };
    }
    const [first, last] = [errors[0]?.at ?? 0, errors[errors.length - 1]?.at ?? 0];
    return {
      outcome: 'pass',
      summary: `${plural(total, 'error')} from ${clock(first)} to ${clock(last)}, in no burst.`,
    };
  },
});

function sentence(found: Episode[], total: number): string {
  const held = Math.round(found.reduce((sum, burst) => sum + weigh(burst.errors), 0));
  const [only] = found;
  if (found.length === 1 && only)
    return `${held === total ? `All ${number(total)}` : `${outOf(held, total)} errors`} ${when(only)}.`;
  const each = found.map((burst) => `${number(weigh(burst.errors))} ${when(burst)}`);
  return `${outOf(held, total)} errors in ${found.length} bursts: ${list(each)}.`;
}

const when = ({ from, to }: Episode): string =>
  `within ${Math.max(1, Math.ceil((to - from) / 1000))} s from ${clock(from)}`;
