import { list, number, plural, utcTime } from '../../format/wording.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { type TargetPresence, targetPresences } from '../patterns/churn.ts';
import { wasReplaced } from '../patterns/failed-connects.ts';
import { removalReason } from '../targets/deregistration.ts';
import { type RegistrationEvidence, registrationOf } from '../targets/registration.ts';
import { nameOf, type Traffic } from '../traffic.ts';
import { defineCheck } from './check.ts';

export const targetChurn = defineCheck({
  id: 'target-churn',
  step: 6,
  question: 'Did the same targets serve the whole window, or leave without errors?',
  why: 'When a target leaves while it still receives requests, they fail: a deployment, a scale-in, a crash.',
  fix: 'Keep targets running until they are drained.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html',
  symptom: true,
  headline: 1,
  needs: ['traffic'],
  wants: ['targetHealth', 'instances', 'networkInterfaces', 'metrics', 'changes'],

  evaluate({ traffic, ...known }): CheckVerdict {
    const presences = targetPresences(traffic);
    if (presences.length === 0) return { outcome: 'not-applicable', summary: 'No request reached a target.' };
    const silent = presences.filter((presence) => presence.left === true).sort((a, b) => a.lastSeen - b.lastSeen);
    // Silent does not mean gone: failed health checks may have stopped traffic to a registered target.
    const unhealthy = silent.filter(
      (presence) =>
        removalReason(presence, presence.lastSeen, wasReplaced(presence, presences), known).reason === 'unhealthy',
    );
    const isUnhealthy = new Set(unhealthy);
    const left = silent.filter((presence) => !isUnhealthy.has(presence));
    const joined = presences.filter((presence) => presence.joined === true);
    const open = presences.filter((presence) => presence.left === null && presence.failures > 0);
    const takenOut =
      unhealthy.length > 0
        ? ` ${list(unhealthy.map((presence) => `${nameOf(traffic, presence.target, presence.lastSeen)} stopped receiving requests at ${utcTime(presence.lastSeen)}`))}: unhealthy${stayedText(unhealthy, known)}.`
        : '';
    if (left.length === 0 && joined.length === 0) {
      const unsure =
        open.length > 0
          ? ` Could not tell whether ${list(open.map((presence) => nameOf(traffic, presence.target, presence.lastSeen)))} left: the log ends too soon.`
          : '';
      return {
        outcome: open.length > 0 ? 'unknown' : 'pass',
        summary: `${plural(presences.length, 'target')} in the log; none joined or left.${takenOut}${unsure}`,
        ...(open.length > 0 ? { brief: `could not tell whether ${plural(open.length, 'target')} left` } : {}),
      };
    }
    const lastErrors = new Map<string, number>();
    for (const { target, at } of traffic.errors) lastErrors.set(target, Math.max(at, lastErrors.get(target) ?? at));
    const failing = left.filter(({ target, lastSeen }) => (lastErrors.get(target) ?? -Infinity) >= lastSeen - 90_000);
    const went =
      left.length > 0 ? `${plural(left.length, 'target')} left (${timesText(left, 'lastSeen', traffic)})` : 'none left';
    const came =
      joined.length > 0
        ? `${plural(joined.length, 'target')} joined (${timesText(joined, 'firstSeen', traffic)})`
        : 'none joined';
    const last =
      failing.length > 0
        ? `${plural(failing.length, 'target')} failed requests in the last 90 s before`
        : 'no errors in their last 90 s';
    const summary = `${went}, ${came}; ${last}.${takenOut}`;
    if (failing.length === 0) return { outcome: 'pass', summary };
    const brief = `${plural(left.length, 'target')} left, ${joined.length === 0 ? 'none' : number(joined.length)} joined`;
    return { outcome: 'fail', summary, brief };
  },
});

const timesText = (presences: TargetPresence[], when: 'firstSeen' | 'lastSeen', traffic: Traffic): string =>
  list(
    presences.map((presence) => `${nameOf(traffic, presence.target, presence.lastSeen)} at ${utcTime(presence[when])}`),
  );

/** Names targets that are still registered because only health checks took them out. */
const stayedText = (unhealthy: readonly TargetPresence[], known: RegistrationEvidence): string =>
  unhealthy.every(({ target_group_arn, target }) => {
    const state = registrationOf(target_group_arn, target, known)?.state;
    return state !== undefined && state !== 'absent';
  })
    ? ', but still registered'
    : '';
