import { clock, list, plural } from '../../format/wording.ts';
import { type TargetLife, targetLives } from '../patterns/churn.ts';
import { wasReplaced } from '../patterns/failed-connects.ts';
import { departure } from '../targets/deregistration.ts';
import { type CheckVerdict, defineCheck } from './check.ts';

export const targetChurn = defineCheck({
  id: 'target-churn',
  step: 6,
  question: 'Did the same targets serve throughout, with no errors in the last moments of one?',
  why: 'A target that leaves while requests are still sent to it fails them: a deployment, a scale-in, a crash.',
  fix: 'Let a target that is replaced keep serving until it is drained.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html',
  needs: ['traffic'],
  wants: ['targetHealth', 'instances', 'networkInterfaces', 'metrics', 'changes'],

  evaluate({ traffic, ...known }): CheckVerdict {
    const lives = targetLives(traffic);
    if (lives.length === 0) return { outcome: 'not-applicable', summary: 'No request was given to a target.' };
    const silent = lives.filter((life) => life.left === true).sort((a, b) => a.lastSeen - b.lastSeen);
    // Silent is not gone: health checks may have taken a registered target out.
    const unhealthy = silent.filter(
      (life) => departure(life, life.lastSeen, wasReplaced(life, lives), known).how === 'unhealthy',
    );
    const left = silent.filter((life) => !unhealthy.includes(life));
    const joined = lives.filter((life) => life.joined === true);
    const open = lives.filter((life) => life.left === null && life.failures > 0);
    const takenOut =
      unhealthy.length > 0
        ? ` ${seenAt(unhealthy, 'lastSeen')} got no request any more: health checks took it out, it did not leave.`
        : '';
    if (left.length === 0 && joined.length === 0) {
      const unsure =
        open.length > 0
          ? ` Whether ${list(open.map((life) => life.target))} left is not known: what was read ends too soon.`
          : '';
      return {
        outcome: open.length > 0 ? 'unknown' : 'pass',
        summary: `${plural(lives.length, 'target')} in the log, none seen to leave or join.${takenOut}${unsure}`,
      };
    }
    const failing = left.filter((life) =>
      traffic.errors.some((e) => e.target === life.target && e.at >= life.lastSeen - 90_000),
    );
    const went = left.length > 0 ? `${plural(left.length, 'target')} left (${seenAt(left, 'lastSeen')})` : 'none left';
    const came =
      joined.length > 0 ? `${plural(joined.length, 'target')} joined (${seenAt(joined, 'firstSeen')})` : 'none joined';
    const last =
      failing.length > 0
        ? `${plural(failing.length, 'target')} failed requests in the last 90 s before`
        : 'no errors in the last moments of any';
    return { outcome: failing.length > 0 ? 'fail' : 'pass', summary: `${went}, ${came}; ${last}.${takenOut}` };
  },
});

const seenAt = (lives: TargetLife[], when: 'firstSeen' | 'lastSeen'): string =>
  list(lives.map((life) => `${life.target} at ${clock(life[when])}`));
