import type { Question } from '../../evidence/evidence.ts';
import { CAUSE_IDS, type CauseId } from '../cause-ids.ts';
import { kubernetesSource, podsText } from '../targets/kubernetes.ts';
import { registrationOf } from '../targets/registration.ts';
import type { SampledError, Traffic } from '../traffic.ts';
import { callsOnTargets } from './calls.ts';
import { changeEvents } from './change.ts';
import type { EventCall, EventEvidence, EventStanding, IncidentEvent } from './event.ts';
import type { EventOutline } from './event-outline.ts';
import { errorsOf, eventOutlines, isRefused, isRejected } from './outlines.ts';
import { eventReason, type ReasonKind } from './reason.ts';
import { crashText, diedText, errorsText, lostText, rolloutText } from './words.ts';

/** The events with errors that were asked about: those with most of them first, then by time. */
export function findEvents(traffic: Traffic, evidence: EventEvidence, question: Question): IncidentEvent[] {
  const found = eventOutlines(traffic).flatMap((outline) => describe(outline, traffic, evidence, question));
  // Rules that close a path make targets fall silent: the change is the origin.
  const taken = new Set(found.filter(({ kind }) => kind !== 'target-lost').flatMap(({ errors }) => errors));
  const changes = changeEvents(traffic, evidence, taken, question.loadBalancer.name);
  const changed = new Set(changes.flatMap(({ errors }) => errors));
  const others = found.filter(({ errors }) => !errors.some((error) => changed.has(error)));
  return [...others, ...changes].sort(
    (a, b) =>
      b.errors.length - a.errors.length || a.from - b.from || (a.targets.join(' ') < b.targets.join(' ') ? -1 : 1),
  );
}

function describe(
  outline: EventOutline,
  traffic: Traffic,
  evidence: EventEvidence,
  question: Question,
): IncidentEvent[] {
  const errors = errorsOf(outline, traffic);
  const [first] = errors;
  if (first === undefined) return [];
  const firstError = errors.reduce((least, { at }) => Math.min(least, at), first.at);
  const { kind, targets, from, to, target_group_arn } = outline;
  const calls = callsOnTargets(
    { target_group_arn, targets, from, firstError, loadBalancer: question.loadBalancer.name },
    evidence,
  );
  const reason = eventReason(outline, traffic, evidence);
  // Its process ended before it was taken out, whatever that looks like from outside.
  const isDead = reason !== null && DEATHS.includes(reason.kind);
  const what = isDead ? diedText(outline, traffic) : sentence(outline, traffic, evidence, calls, firstError);
  const isTold = reason?.kind === 'stopped' && calls[0]?.name === 'StopTask';
  const pods = kubernetesSource(target_group_arn, evidence.tags);
  const told = [
    what,
    ...(reason === null || isTold ? [] : [reason.sentence]),
    ...(reason === null && pods !== null ? [`Its targets are ${podsText(pods)}.`] : []),
  ];
  const summary = `${told.join(' ')} ${errorsText(errors)}`;
  return [
    {
      kind: isDead ? 'crash' : kind,
      standing: reason === null ? standingOf(outline, calls) : 'confirmed',
      from,
      to,
      targets,
      errors,
      causes: isDead ? [deathCause(errors)] : causesOf(outline, evidence),
      summary,
      calls,
      reason,
    },
  ];
}

/** Reasons that end a process while it still gets requests. */
const DEATHS: readonly ReasonKind[] = ['out-of-memory', 'exited'];

const deathCause = (errors: readonly SampledError[]): CauseId =>
  errors.some(({ signature }) => signature === 'connect-failed') ? 'connection-refused' : 'closed-mid-request';

function sentence(
  outline: EventOutline,
  traffic: Traffic,
  evidence: EventEvidence,
  calls: readonly EventCall[],
  firstError: number,
): string {
  if (outline.kind === 'rollout') return rolloutText(outline, calls, { failedSince: firstError, traffic });
  if (outline.kind === 'crash') return crashText(outline, traffic);
  return lostText(outline, calls, { traffic, stillRegistered: isStillRegistered(outline, evidence) });
}

/** Silent to the end of the log, and yet a member of its group, and no call took it out. */
function isStillRegistered({ outages, targets, target_group_arn }: EventOutline, evidence: EventEvidence): boolean {
  if (!evidence.targetHealth || outages.some(({ presence }) => presence?.left !== true)) return false;
  return targets.every((target) => {
    const state = registrationOf(target_group_arn, target, evidence)?.state;
    return state === 'unhealthy' || state === 'unavailable';
  });
}

/** A call that names a target shows it; several times in a row is no chance either. */
function standingOf({ outages, bursts, kind }: EventOutline, calls: readonly EventCall[]): EventStanding {
  if (calls.length > 0 || kind === 'target-lost') return 'confirmed';
  return kind === 'crash' && outages.length + bursts.length > 2 ? 'confirmed' : 'likely';
}

const NO_ANSWER: readonly CauseId[] = [
  'security-group-blocked',
  'network-acl-blocked',
  'target-gone',
  'target-unreachable',
];
const REPLACED: readonly CauseId[] = [
  'connection-refused',
  'closed-mid-request',
  'deregistration-delay-elapsed',
  'shutdown-before-drain',
  'target-gone',
  'target-unreachable',
];

function causesOf({ kind, outages, target_group_arn }: EventOutline, { targetGroups }: EventEvidence): CauseId[] {
  if (kind === 'rollout') return CAUSE_IDS.filter((id) => REPLACED.includes(id));
  if (kind === 'crash') return [outages.length > 0 ? 'connection-refused' : 'closed-mid-request'];
  if (outages.every((outage) => isRefused(outage) || isRejected(outage)))
    return ['connection-refused', 'shutdown-before-drain'];
  const protocol = targetGroups?.find(({ TargetGroupArn }) => TargetGroupArn === target_group_arn)?.Protocol;
  // A TLS handshake that does not finish ends after 10 s as well.
  return CAUSE_IDS.filter((id) => NO_ANSWER.includes(id) || (id === 'tls-handshake-failure' && protocol !== 'HTTP'));
}
