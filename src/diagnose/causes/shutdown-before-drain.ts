import { command } from '../../format/command.ts';
import { list, number, plural, seconds, utcTime } from '../../format/wording.ts';
import type { CauseEvidence } from '../diagnosis-evidence.ts';
import { outlineOf } from '../events/outlines.ts';
import { claimErrors, type Fix, type Judgement, ruledOut, untested } from '../judgement.ts';
import { type TargetPresence, targetPresences } from '../patterns/churn.ts';
import { closedParts } from '../patterns/closed-connections.ts';
import { failedConnects, wasReplaced } from '../patterns/failed-connects.ts';
import { removalReason } from '../targets/deregistration.ts';
import { type DrainTimes, drainNotes, drainSettings, drainTimes } from '../targets/drain-times.ts';
import { platformOf } from '../targets/platform.ts';
import { isStillRegistered, registrationOf } from '../targets/registration.ts';
import { targetKey } from '../targets/target-key.ts';
import {
  countErrors,
  groupBy,
  nameOf,
  namesOf,
  type SampledError,
  type Traffic,
  targetGroupName,
  withSignature,
} from '../traffic.ts';
import { defineCause } from './cause.ts';

const WANTS = [
  'targetHealth',
  'instances',
  'networkInterfaces',
  'metrics',
  'changes',
  'targetGroupAttributes',
  'tags',
] as const;

/** The number of targets described one by one. */
const SHOWN = 3;

export const shutdownBeforeDrain = defineCause({
  id: 'shutdown-before-drain',
  title: 'Target shutdown before draining',
  explanation:
    'A target that is being replaced stops listening or closes its connections while the load balancer still sends it requests.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html',
  signatures: ['connect-failed', 'closed-before-response'],
  events: ['rollout', 'refusal'],
  wants: WANTS,

  judge(evidence): Judgement {
    const { traffic } = evidence;
    const leaving = exitingTargets(traffic);
    const others = uncertainExits(evidence, leaving);
    if (leaving.length === 0) {
      if (!others.open) return ruledOut([stayedText(evidence)]);
      return claimErrors(
        {
          claims: [{ errors: others.possible, strength: 'possible' }],
          for: others.for,
          against: others.against,
          missing: others.missing,
          fix: fixFor(others.possible, evidence),
        },
        untested(others.missing),
      );
    }
    const judged = leaving.map((part) => ({
      ...part,
      ...removalReason(
        part.presence,
        firstOf(part.errors),
        part.replaced,
        evidence,
        nameOf(traffic, part.presence.target, firstOf(part.errors)),
      ),
    }));
    const deregistered = judged.filter(({ reason }) => reason === 'deregistered');
    const unknown = judged.filter(({ reason }) => reason === 'unknown');
    const inTurn =
      deregistered.length > 1
        ? `${plural(deregistered.length, 'target')} left one after the other: ${list(deregistered.map((g) => `${nameOf(traffic, g.presence.target, g.presence.lastSeen)} at ${utcTime(g.presence.lastSeen)}`))}.`
        : null;
    const tookOut = judged.filter(({ reason }) => reason === 'unhealthy').map(({ sentence }) => sentence);
    return claimErrors(
      {
        claims: [
          { errors: deregistered.filter(({ sure }) => sure).flatMap(({ errors }) => errors), strength: 'confirmed' },
          { errors: deregistered.filter(({ sure }) => !sure).flatMap(({ errors }) => errors), strength: 'likely' },
          { errors: [...unknown.flatMap(({ errors }) => errors), ...others.possible], strength: 'possible' },
        ],
        for: [
          ...(inTurn ? [inTurn] : []),
          ...[...deregistered, ...unknown]
            .slice(0, SHOWN)
            .map(({ errors, sentence }) => `${sentence} ${plural(errors.length, 'request')} failed as it left.`),
          ...(deregistered.length + unknown.length > SHOWN
            ? [`${moreTargets(deregistered.length + unknown.length - SHOWN)}.`]
            : []),
          ...others.for,
        ],
        against: [...tookOut, ...others.against],
        missing: [
          ...(unknown.length > 0
            ? ['Deregistration events (lookup-events) or target health at the time would settle it.']
            : []),
          ...others.missing,
        ],
        fix: fixFor(
          (deregistered.length > 0 ? deregistered : unknown).flatMap(({ errors }) => errors),
          evidence,
        ),
        ...(deregistered.length > 0
          ? {
              summary: `${plural(deregistered.length, 'target')} shut down before the load balancer stopped sending: ${plural(countErrors(deregistered.flatMap((g) => g.errors)), 'request')} failed as ${deregistered.length === 1 ? 'it' : 'they'} left.`,
            }
          : {}),
      },
      // A target that left says nothing about errors of other targets.
      others.open ? untested(others.missing) : ruledOut(tookOut),
    );
  },
});

function fixFor(errors: readonly SampledError[], evidence: CauseEvidence<(typeof WANTS)[number]>): Fix {
  const times = drainTimes(evidence.traffic, errors);
  const platform = platformOf(errors, evidence.traffic, evidence);
  const arns = [...new Set(errors.map(({ target_group_arn }) => target_group_arn))].filter((arn) => arn !== '-').sort();
  const others = arns.filter((arn) => delayOf(arn, evidence) !== times.delay);
  return {
    summary:
      platform === 'kubernetes'
        ? 'Delay SIGTERM (preStop sleep) until the load balancer stops sending requests; then finish the requests in flight and exit.'
        : 'Keep serving after SIGTERM until the load balancer stops sending requests; then finish the requests in flight and exit.',
    commands: others.map(
      (arn) =>
        command`aws elbv2 modify-target-group-attributes --target-group-arn ${arn} --attributes Key=deregistration_delay.timeout_seconds,Value=${times.delay}`,
    ),
    settings: drainSettings(times, platform),
    notes: drainNotes(times, platform),
    sideEffects: [
      ...others.flatMap((arn) => loweredDelay(arn, delayOf(arn, evidence), times)),
      `Each target stops ${times.sleep} s later.`,
    ],
  };
}

/** A shorter delay cuts what a draining target still works on. */
const loweredDelay = (arn: string, now: number, { delay, longest }: DrainTimes): string[] =>
  Number.isFinite(now) && now > delay
    ? [
        `The aws command lowers the deregistration delay of ${targetGroupName(arn)} from ${now} s to ${delay} s: requests that run longer on a draining target are cut off${longest > 0 ? ` (none did: the longest took ${seconds(longest)})` : ''}.`,
      ]
    : [];

/** "One more target shows the same" */
const moreTargets = (count: number): string =>
  count === 1 ? 'One more target shows the same' : `${number(count)} more targets show the same`;

const delayOf = (arn: string, { targetGroupAttributes }: CauseEvidence<(typeof WANTS)[number]>): number =>
  Number(targetGroupAttributes?.[arn]?.['deregistration_delay.timeout_seconds']);

const firstOf = (errors: readonly SampledError[]): number => Math.min(...errors.map(({ at }) => at));

/** Errors of targets that left: failed connections and closed requests, one entry per target. */
function exitingTargets(traffic: Traffic) {
  const refusedConnects = failedConnects(traffic).flatMap(({ presence, errors, inLastMoments }) =>
    inLastMoments && presence?.left === true && presence.lastSuccess !== null ? [{ presence, errors }] : [],
  );
  const closed = closedParts(traffic).leaving;
  const merged = new Map<
    string,
    { presence: (typeof refusedConnects)[number]['presence']; errors: (typeof refusedConnects)[number]['errors'] }
  >();
  for (const { presence, errors } of [...refusedConnects, ...closed]) {
    const key = targetKey(presence);
    merged.set(key, { presence, errors: [...(merged.get(key)?.errors ?? []), ...errors] });
  }
  return [...merged.values()]
    .map((part) => ({ ...part, replaced: wasReplaced(part.presence, traffic) }))
    .sort((a, b) => a.presence.lastSeen - b.presence.lastSeen || (a.presence.target < b.presence.target ? -1 : 1));
}

/** Milliseconds before the end of the log within which a target that failed may have been leaving. */
const AT_END_MS = 60_000;

function stayedText(evidence: CauseEvidence<(typeof WANTS)[number]>): string {
  const { traffic } = evidence;
  const failing = new Set(traffic.errors.map((error) => error.target).filter((target) => target !== '-'));
  const own = targetPresences(traffic).filter(({ target }) => failing.has(target));
  // If they fail as the log ends, only their registration shows that they stayed.
  const isAtEnd = traffic.errors.some(({ at }) => at > (traffic.log.newest ?? 0) - AT_END_MS);
  if (isAtEnd && own.length > 0 && own.every((presence) => !mayBeLeaving(presence, evidence)))
    return `${failing.size === 1 ? 'The failing target is' : `${failing.size === 2 ? 'Both' : `All ${number(failing.size)}`} failing targets are`} still registered.`;
  const end = traffic.log.newest;
  const who =
    failing.size === 1
      ? 'The failing target did not leave'
      : `${failing.size === 2 ? 'Neither' : 'None'} of the ${number(failing.size)} failing targets left`;
  return `${who} before the end of the log${end === null ? '' : ` (${utcTime(end)})`}.`;
}

interface UncertainExits {
  /** Whether it is unknown if the errors' targets were leaving. */
  open: boolean;
  possible: SampledError[];
  for: string[];
  against: string[];
  missing: string[];
}

/** Errors that a leaving target can cause, on targets that did not visibly leave. */
function uncertainExits(
  evidence: CauseEvidence<(typeof WANTS)[number]>,
  leaving: ReturnType<typeof exitingTargets>,
): UncertainExits {
  const { traffic } = evidence;
  const explainedErrors = new Set(leaving.flatMap(({ errors }) => errors));
  const failing = new Set(
    withSignature(traffic, 'connect-failed', 'closed-before-response').filter((error) => !explainedErrors.has(error)),
  );
  const failingOn = groupBy([...failing], targetKey);
  const possibleExits = targetPresences(traffic).flatMap((presence) => {
    const errors = presence.left === null ? (failingOn.get(targetKey(presence)) ?? []) : [];
    return errors.length > 0 ? [{ presence, errors }] : [];
  });
  const possiblyLeaving = closedParts(traffic).possiblyLeaving.flatMap(({ presence, errors }) => {
    const own = errors.filter((error) => failing.has(error));
    return own.length > 0 ? [{ presence, errors: own }] : [];
  });
  const [first] = possiblyLeaving;
  const silent = possibleExits
    .filter(({ presence }) => mayBeLeaving(presence, evidence))
    .flatMap(({ errors }) => errors);
  return {
    open: possiblyLeaving.length + possibleExits.length > 0,
    possible: [
      ...possiblyLeaving.flatMap(({ errors }) => errors),
      ...silent.filter((error) => outlineOf(traffic).get(error)?.kind === 'target-lost'),
    ],
    for: first
      ? [
          `${plural(first.errors.length, 'request')} failed just before ${nameOf(traffic, first.presence.target)} got its last one at ${utcTime(first.presence.lastSeen)}.`,
        ]
      : [],
    against: first ? ['Connections to targets that stayed were closed too.'] : [],
    missing: [
      ...(first ? ['The application log for the trace IDs: a shutdown at that time would settle it.'] : []),
      ...(possibleExits.length > 0
        ? [
            `Whether ${list(
              namesOf(
                traffic,
                possibleExits.map(({ presence }) => presence.target),
              ),
            )} left is unknown: the log ends too soon.`,
          ]
        : []),
    ],
  };
}

/** Whether nothing shows that the target is still registered. */
const mayBeLeaving = (
  { target, target_group_arn }: TargetPresence,
  evidence: CauseEvidence<(typeof WANTS)[number]>,
): boolean => !isStillRegistered(registrationOf(target_group_arn, target, evidence));
