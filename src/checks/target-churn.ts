import { targetLives } from '../patterns/churn.ts';
import { clock, list, plural } from '../wording.ts';
import { type CheckVerdict, defineCheck } from './check.ts';

export const targetChurn = defineCheck({
  id: 'target-churn',
  step: 6,
  question: 'Did the same targets serve throughout, with no errors in the last moments of one?',
  why: 'A target that leaves while requests are still sent to it fails them: a deployment, a scale-in, a crash.',
  fix: 'Let a target that is replaced keep serving until it is drained.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html',
  needs: ['traffic'],
  wants: [],

  evaluate({ traffic }): CheckVerdict {
    const lives = targetLives(traffic);
    if (lives.length === 0) return { outcome: 'not-applicable', summary: 'No request was given to a target.' };
    const left = lives.filter((life) => life.left === true).sort((a, b) => a.lastSeen - b.lastSeen);
    const joined = lives.filter((life) => life.joined === true);
    const open = lives.filter((life) => life.left === null && life.failures > 0);
    if (left.length === 0 && joined.length === 0) {
      const unsure =
        open.length > 0
          ? ` Whether ${list(open.map((life) => life.target))} left is not known: what was read ends too soon.`
          : '';
      return {
        outcome: open.length > 0 ? 'unknown' : 'pass',
        summary: `${plural(lives.length, 'target')} in the log, none seen to leave or join.${unsure}`,
      };
    }
    const failing = left.filter((life) =>
      traffic.errors.some((e) => e.target === life.target && e.at >= life.lastSeen - 90_000),
    );
    const went =
      left.length > 0
        ? `${plural(left.length, 'target')} left (${list(left.map((l) => `${l.target} at ${clock(l.lastSeen)}`))})`
        : 'none left';
    const came =
      joined.length > 0
        ? `${plural(joined.length, 'target')} joined (${list(joined.map((l) => `${l.target} at ${clock(l.firstSeen)}`))})`
        : 'none joined';
    return {
      outcome: failing.length > 0 ? 'fail' : 'pass',
      summary: `${went}, ${came}; ${failing.length > 0 ? `${plural(failing.length, 'target')} failed requests in the last 90 s before` : 'no errors in the last moments of any'}.`,
    };
  },
});
