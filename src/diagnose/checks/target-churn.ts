import { list, number, outOf, plural, utcTime, utcTimeSpan } from '../../format/wording.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { type TargetPresence, targetPresences } from '../patterns/churn.ts';
import { wasReplaced } from '../patterns/failed-connects.ts';
import { removalReason } from '../targets/deregistration.ts';
import { isStillRegistered, type RegistrationEvidence, registrationOf } from '../targets/registration.ts';
import { nameOf, type Traffic, targetGroupName, withSignature } from '../traffic.ts';
import { defineCheck } from './check.ts';

export const targetChurn = defineCheck({
  id: 'target-churn',
  step: 6,
  subject: 'whether targets joined or left',
  question: 'Did the same targets serve the whole window, or leave without errors and without emptying their group?',
  why: 'Requests fail when a target leaves (deployment, scale-in, crash) while it still receives them.',
  fix: 'Keep targets running until they are drained.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html',
  symptom: true,
  isTimed: true,
  headline: 1,
  needs: ['traffic'],
  wants: ['targetHealth', 'instances', 'networkInterfaces', 'metrics', 'changes'],

  evaluate({ traffic, ...known }): CheckVerdict {
    const presences = targetPresences(traffic);
    if (presences.length === 0) return { outcome: 'not-applicable', summary: 'No request reached a target.' };
    const emptied = emptiedGroups(traffic, presences);
    const silent = presences
      .filter(({ left, target_group_arn }) => left === true || emptied.has(target_group_arn))
      .sort((a, b) => a.lastSeen - b.lastSeen);
    // Silent does not mean gone: failed health checks may have stopped traffic to a registered target.
    const unhealthy = silent.filter(
      (presence) =>
        removalReason(presence, presence.lastSeen, wasReplaced(presence, traffic), known).reason === 'unhealthy',
    );
    const isUnhealthy = new Set(unhealthy);
    const left = silent.filter((presence) => !isUnhealthy.has(presence));
    const joined = presences.filter((presence) => presence.joined === true);
    // Only the log leaves it open whether they left; a target that is still registered did not.
    const unclear = presences.filter((presence) => presence.left === null && presence.failures > 0);
    const stayed = unclear.filter((presence) => isStaying(presence, known));
    const open = unclear.filter((presence) => !stayed.includes(presence));
    const takenOut =
      unhealthy.length > 0
        ? ` No requests to ${timesText(unhealthy, 'lastSeen', traffic, 'since')}: unhealthy${stayedText(unhealthy, known)}.`
        : '';
    if (left.length === 0 && joined.length === 0) {
      return open.length > 0
        ? { outcome: 'unknown', summary: `${unsureText(presences, open, stayed, traffic)}${takenOut}` }
        : {
            outcome: 'pass',
            summary: `${presencesText(presences.length, traffic)} in the log; none joined${unhealthy.every((presence) => isStaying(presence, known)) ? ' or left' : ''}.${stayed.length > 0 ? ` ${registeredText(stayed, traffic)}` : ''}${takenOut}`,
          };
    }
    const lastErrors = new Map<string, number>();
    for (const { target, at } of traffic.errors) lastErrors.set(target, Math.max(at, lastErrors.get(target) ?? at));
    const failing = left.filter(({ target, lastSeen }) => (lastErrors.get(target) ?? -Infinity) >= lastSeen - 90_000);
    const empty = [...new Set(left.map(({ target_group_arn }) => target_group_arn).filter((arn) => emptied.has(arn)))];
    const after = empty.length > 0 ? ` Requests to ${list(empty.map(targetGroupName))} then found no target.` : '';
    const summary = `${movesText(joined, left, traffic)}${lastErrorsText(joined, left, failing)}.${after}${takenOut}`;
    if (failing.length === 0 && empty.length === 0) return { outcome: 'pass', summary };
    return { outcome: 'fail', summary, brief: briefMoves(joined, left) };
  },
});

/** "4 targets"; "4 addresses" if one of them went from one service's task to another's. */
const presencesText = (count: number, { owners, log }: Traffic): string =>
  log.targets.some(({ target, target_group_arn, lastSeen }) => owners.intruder(target, lastSeen, target_group_arn))
    ? plural(count, 'address', 'addresses')
    : plural(count, 'target');

/** "2 targets left, 1 joined", "3 targets joined and later left". */
function briefMoves(joined: readonly TargetPresence[], left: readonly TargetPresence[]): string {
  const isSame = joined.length === left.length && joined.every((presence) => left.includes(presence));
  return isSame
    ? `${plural(left.length, 'target')} joined and later left`
    : `${plural(left.length, 'target')} left, ${joined.length === 0 ? 'none' : number(joined.length)} joined`;
}

/** "3 targets joined and later left (…)", "2 targets joined (…) and 1 target left (last entry: …)": without the full stop. */
function movesText(joined: readonly TargetPresence[], left: readonly TargetPresence[], traffic: Traffic): string {
  const gone = new Set(left);
  const briefly = joined.filter((presence) => gone.has(presence));
  const came = joined.filter((presence) => !briefly.includes(presence));
  const went = left.filter((presence) => !briefly.includes(presence));
  const nameText = ({ target, lastSeen }: TargetPresence) => nameOf(traffic, target, lastSeen);
  const noun = briefly.length > 0 ? 'other target' : 'target';
  return list([
    ...(briefly.length > 0
      ? [
          `${plural(briefly.length, 'target')} joined and later left (${list(briefly.map((one) => `${nameText(one)} from ${utcTimeSpan(one.firstSeen, one.lastSeen)}`))})`,
        ]
      : []),
    ...(came.length > 0 ? [`${plural(came.length, noun)} joined (${timesText(came, 'firstSeen', traffic)})`] : []),
    ...(went.length > 0
      ? [
          `${plural(went.length, noun)} left (last ${went.length === 1 ? 'entry' : 'entries'}: ${timesText(went, 'lastSeen', traffic)})`,
        ]
      : []),
    ...(joined.length === 0 ? ['none joined'] : []),
    ...(left.length === 0 ? ['none left'] : []),
  ]);
}

/** "; each of the 3 that left had failed requests in its last 90 s" */
function lastErrorsText(
  joined: readonly TargetPresence[],
  left: readonly TargetPresence[],
  failing: readonly TargetPresence[],
): string {
  if (left.length === 0) return '';
  if (failing.length === 0) return `; no errors in ${left.length === 1 ? 'its' : 'their'} last 90 s`;
  const which = joined.every((presence) => left.includes(presence)) ? '' : ' that left';
  const isEvery = failing.length === left.length;
  const who = !isEvery
    ? `${outOf(failing.length, left.length)}${which}`
    : failing.length === 1
      ? which === ''
        ? 'it'
        : 'the one that left'
      : `${failing.length === 2 ? 'both targets' : `each of the ${number(failing.length)}`}${which}`;
  const their = failing.length === 1 || (isEvery && failing.length > 2) ? 'its' : 'their';
  return `; ${who} had failed requests in ${their} last 90 s`;
}

/** Groups in which requests found no target, and no target got a request after that: all their targets had left. */
function emptiedGroups(traffic: Traffic, presences: readonly TargetPresence[]): ReadonlySet<string> {
  const since = new Map<string, number>();
  for (const { target_group_arn: arn, at } of withSignature(traffic, 'no-target'))
    since.set(arn, Math.min(at, since.get(arn) ?? at));
  const isEmptied = ([arn, first]: [string, number]) =>
    presences.every(({ target_group_arn, lastSeen }) => target_group_arn !== arn || lastSeen < first);
  return new Set([...since].filter(isEmptied).map(([arn]) => arn));
}

const timesText = (
  presences: readonly TargetPresence[],
  when: 'firstSeen' | 'lastSeen',
  traffic: Traffic,
  at = 'at',
): string =>
  list(
    presences.map(
      (presence) => `${nameOf(traffic, presence.target, presence.lastSeen)} ${at} ${utcTime(presence[when])}`,
    ),
  );

const namesText = (presences: readonly TargetPresence[], traffic: Traffic): string =>
  list(presences.map((presence) => nameOf(traffic, presence.target, presence.lastSeen)));

/** "10.0.1.5:8080 and 10.0.1.6:8080 are still registered." */
const registeredText = (stayed: readonly TargetPresence[], traffic: Traffic): string =>
  `${namesText(stayed, traffic)} ${stayed.length === 1 ? 'is' : 'are'} still registered.`;

function unsureText(
  presences: readonly TargetPresence[],
  open: readonly TargetPresence[],
  stayed: readonly TargetPresence[],
  traffic: Traffic,
): string {
  const certain = presences.length - open.length;
  return [
    `${plural(presences.length, 'target')} in the log: none joined, ${number(certain)} certainly stayed.`,
    ...(stayed.length > 0 ? [registeredText(stayed, traffic)] : []),
    `Could not tell whether ${namesText(open, traffic)} left: the log ends too soon.`,
  ].join(' ');
}

const isStaying = ({ target_group_arn, target }: TargetPresence, known: RegistrationEvidence): boolean =>
  isStillRegistered(registrationOf(target_group_arn, target, known));

/** Whether these targets are registered now, if that is known and the same for all. */
function stayedText(unhealthy: readonly TargetPresence[], known: RegistrationEvidence): string {
  const states = unhealthy.map(
    ({ target_group_arn, target }) => registrationOf(target_group_arn, target, known)?.state,
  );
  if (states.every((state) => state === 'absent')) return ' and no longer registered';
  return states.every((state) => state !== undefined && state !== 'absent') ? ' but still registered' : '';
}
