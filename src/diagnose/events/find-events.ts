import type { Question } from '../../evidence/question.ts';
import { CAUSE_IDS, type CauseId, causes } from '../causes/index.ts';
import { targetPresences } from '../patterns/churn.ts';
import { eventChecksText } from '../patterns/failed-health-checks.ts';
import { kubernetesSource, podsText } from '../targets/kubernetes.ts';
import { registrationOf } from '../targets/registration.ts';
import { splitByStage } from '../targets/tls.ts';
import type { SampledError, Traffic } from '../traffic.ts';
import { burstEvents } from './burst-events.ts';
import { callsOnTargets } from './calls.ts';
import { changeEvents } from './change.ts';
import type { EventCall, EventEvidence, EventKind, EventStanding } from './event.ts';
import { type EventOutline, joinOutlines } from './event-outline.ts';
import {
  crashText,
  cutOffText,
  diedText,
  errorsText,
  lostText,
  rolloutText,
  takenOutText,
  unconnectedText,
} from './event-sentences.ts';
import type { IncidentEvent } from './incident-event.ts';
import { onsetEvents } from './onset.ts';
import { errorsOf, eventOutlines, isRefused, isRejected } from './outlines.ts';
import { DEATHS, type EventReason, eventReason, type ReasonKind } from './reason.ts';

/** Returns events with asked errors; those with most errors first, then by time. */
export function findEvents(traffic: Traffic, evidence: EventEvidence, question: Question): IncidentEvent[] {
  const found = joinAlike(eventOutlines(traffic), traffic, evidence).flatMap((joined) =>
    describe(joined, traffic, evidence, question),
  );
  // Rules that block a path make targets fall silent, so changes are found first.
  const taken = new Set(found.filter(({ kind }) => kind !== 'target-lost').flatMap(({ errors }) => errors));
  const changes = changeEvents(traffic, evidence, taken, question);
  const changed = new Set(changes.flatMap(({ errors }) => errors));
  const others = found.filter(({ errors }) => !errors.some((error) => changed.has(error)));
  const explained = new Set([...others, ...changes].flatMap(({ errors }) => errors));
  const onsets = onsetEvents(traffic, evidence, explained, question);
  const begun = new Set([...explained, ...onsets.flatMap(({ errors }) => errors)]);
  return [...others, ...changes, ...onsets, ...burstEvents(traffic, begun, question)].sort(
    (a, b) =>
      b.errors.length - a.errors.length || a.from - b.from || (a.targets.join(' ') < b.targets.join(' ') ? -1 : 1),
  );
}

interface ExplainedOutline {
  outline: EventOutline;
  errors: SampledError[];
  reason: EventReason | null;
}

/**
 * Merges outlines with the same reason: targets of one service that went one after another, such as tasks that ran out
 * of memory, are one event.
 */
function joinAlike(outlines: readonly EventOutline[], traffic: Traffic, evidence: EventEvidence): ExplainedOutline[] {
  const explained = outlines.map((outline) => ({
    outline,
    errors: errorsOf(outline, traffic),
    reason: eventReason(outline, traffic, evidence),
  }));
  const groups = Map.groupBy<string | EventOutline, ExplainedOutline>(
    explained,
    ({ outline, reason }) => alikeKey(outline, reason) ?? outline,
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined || group.length === 1) return group;
    const outline = joinOutlines(group.map((each) => each.outline));
    const errors = new Set(group.flatMap((each) => each.errors));
    return [
      {
        outline,
        errors: traffic.errors.filter((error) => errors.has(error)),
        reason: eventReason(outline, traffic, evidence),
      },
    ];
  });
}

/** Returns a key that is equal for outlines of one event; null if the loss of one target says nothing about others. */
function alikeKey({ kind, target_group_arn }: EventOutline, reason: EventReason | null): string | null {
  if (reason === null || !IN_TURN.includes(reason.kind)) return null;
  // A service that replaces dead tasks looks like a rollout.
  if (kind === 'rollout' && !DEATHS.includes(reason.kind)) return null;
  const services = [...new Set(reason.owners.map(({ service, scalingGroup }) => service ?? scalingGroup))];
  return services.length === 1 && services[0] !== null ? `${target_group_arn} ${reason.kind} ${services[0]}` : null;
}

/** Reasons that hit the targets of a service one after another. */
const IN_TURN: readonly ReasonKind[] = [
  'out-of-memory',
  'exited',
  'failed-health-checks',
  'unhealthy',
  'scale-in',
  'spot',
];

function describe(
  { outline, errors, reason }: ExplainedOutline,
  traffic: Traffic,
  evidence: EventEvidence,
  question: Question,
): IncidentEvent[] {
  const [first] = errors;
  if (first === undefined) return [];
  const firstError = errors.reduce((least, { at }) => Math.min(least, at), first.at);
  const firstSent = errors.reduce((least, { at, elapsed }) => Math.min(least, at - 1000 * (elapsed ?? 0)), first.at);
  const { kind, targets, from, to, target_group_arn } = outline;
  const tls = mayBeTls(outline, errors, { traffic, evidence, question });
  // New targets that fail handshakes are a rollout; old ones go on to exist, and only their TLS is at fault.
  if (tls === 'is' && kind !== 'rollout') return [];
  const calls = callsOnTargets(
    { target_group_arn, targets, from, firstSent, firstError, loadBalancer: question.loadBalancer.name },
    evidence,
  );
  const drained = isGoneAfterBursts(outline, traffic)
    ? calls.find(({ name }) => name === 'DeregisterTargets')
    : undefined;
  // The process ended before the target was taken out, whatever the traffic looks like.
  const isDead = reason !== null && DEATHS.includes(reason.kind);
  const isTold = reason?.kind === 'stopped' && calls[0]?.name === 'StopTask';
  const isExplained = reason !== null && !isTold;
  const read = readingOf();
  const isUnhealthy = reason?.kind === 'failed-health-checks' || reason?.kind === 'unhealthy';
  const pods = kubernetesSource(target_group_arn, evidence.tags);
  const sentences = [
    isExplained ? explainedText(read, reason) : read.text,
    ...(isUnhealthy ? [] : eventChecksText(traffic, { arn: target_group_arn, targets, from, to: to ?? from })),
    ...(reason === null && pods !== null ? [`The targets are ${podsText(pods)}.`] : []),
  ];
  return [
    {
      kind: read.kind,
      standing: reason === null ? standingOf(outline, calls) : 'confirmed',
      from,
      to,
      targets,
      errors,
      causes: read.causes,
      summary: `${sentences.join(' ')} ${errorsText(errors)}`,
      calls,
      reason,
    },
  ];

  function readingOf(): { kind: EventKind; text: string; causes: CauseId[] } {
    const possible = tls === 'is' ? HANDSHAKES : causesOf(outline, evidence);
    if (isDead) return { kind: 'crash', text: diedText(outline, traffic), causes: [deathCause(errors)] };
    if (isExplained && kind === 'rollout' && reason.kind !== 'deployment')
      return { kind, text: takenOutText(outline, traffic), causes: possible };
    if (tls === 'may be' && kind === 'crash')
      return { kind, text: unconnectedText(outline, traffic), causes: ['connection-refused', 'tls-handshake-failure'] };
    if (drained !== undefined)
      return {
        kind: 'target-lost',
        text: cutOffText(outline, drained, traffic),
        causes: ['shutdown-before-drain'],
      };
    // The reason already says why a target was lost; naming a call would repeat it.
    const named = isExplained && kind === 'target-lost' ? [] : calls;
    const text = sentence(outline, traffic, evidence, named, firstError);
    return { kind, text, causes: tls === 'may be' ? withHandshakes(possible) : possible };
  }
}

/** Of several targets that went for good, the reason says it all; of others, it follows what the load balancer saw. */
function explainedText({ kind, text }: { kind: EventKind; text: string }, reason: EventReason): string {
  const saysAll = kind !== 'crash' || DEATHS.includes(reason.kind);
  return reason.lead !== null && saysAll ? `${reason.lead}.` : `${text.replace(/[.]$/, '')}: ${reason.clause}.`;
}

/** Whether the process closed its requests in flight and answered nothing afterwards: it was shutting down. */
const isGoneAfterBursts = (
  { kind, outages, bursts, target_group_arn, targets }: EventOutline,
  traffic: Traffic,
): boolean =>
  kind === 'crash' &&
  outages.length === 0 &&
  bursts.length === 1 &&
  targetPresences(traffic).some(
    (each) => each.target_group_arn === target_group_arn && targets.includes(each.target) && each.left === true,
  );

/**
 * Outages from which a process that keeps going down refuses connections; handshakes do not fail and recover that
 * often.
 */
const REFUSES_FROM = 3;

const withHandshakes = (causes: readonly CauseId[]): CauseId[] =>
  CAUSE_IDS.filter((id) => causes.includes(id) || id === 'tls-handshake-failure');

const HANDSHAKES: CauseId[] = ['tls-handshake-failure', 'protocol-mismatch'];

/** Whether these are failed TLS handshakes: the counts of a group that may speak HTTPS tell, or nothing in flight was closed. */
function mayBeTls(
  { kind, outages, bursts, target_group_arn }: EventOutline,
  errors: readonly SampledError[],
  { traffic, evidence, question }: { traffic: Traffic; evidence: EventEvidence; question: Question },
): 'is' | 'may be' | 'is not' {
  const protocol = evidence.targetGroups?.find(({ TargetGroupArn }) => TargetGroupArn === target_group_arn)?.Protocol;
  if ((protocol !== undefined && protocol !== 'HTTPS') || bursts.length > 0) return 'is not';
  // A failed handshake cuts off no request that was sent before.
  if (outages.some(({ inFlight }) => inFlight.length > 0)) return 'is not';
  if (errors.some(({ signature }) => signature === 'closed-before-response')) return 'is not';
  const counted = splitByStage([{ target_group_arn, errors: [...errors] }], { ...evidence, traffic }, question);
  const countOf = (isOfTls: boolean) =>
    counted.filter(({ tls }) => tls.tlsErrors === isOfTls).reduce((sum, part) => sum + part.errors.length, 0);
  if (2 * countOf(true) > errors.length) return 'is';
  if (2 * countOf(false) > errors.length) return 'is not';
  if (kind === 'target-lost') return outages.every(isRefused) ? 'may be' : 'is not';
  return kind !== 'crash' || outages.length >= REFUSES_FROM ? 'is not' : 'may be';
}

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
  if (outline.kind === 'crash') return crashText(outline, calls, traffic);
  return lostText(outline, calls, { traffic, stillRegistered: isStillRegistered(outline, evidence) });
}

/** Whether a silent target is still registered at the end of the log and no call removed it. */
function isStillRegistered({ outages, targets, target_group_arn }: EventOutline, evidence: EventEvidence): boolean {
  if (!evidence.targetHealth || outages.some(({ presence }) => presence?.left !== true)) return false;
  return targets.every((target) => {
    const state = registrationOf(target_group_arn, target, evidence)?.state;
    return state === 'unhealthy' || state === 'unavailable';
  });
}

/** How certain the event is: a call that names a target is evidence, and so are several failures in a row. */
function standingOf({ outages, bursts, kind }: EventOutline, calls: readonly EventCall[]): EventStanding {
  if (calls.length > 0 || kind === 'target-lost') return 'confirmed';
  return kind === 'crash' && outages.length + bursts.length > 2 ? 'confirmed' : 'likely';
}

const explaining = (what: 'rollout' | 'silence' | 'refusal'): CauseId[] =>
  causes.filter(({ events = [] }) => events.includes(what)).map(({ id }) => id);

function causesOf({ kind, outages, target_group_arn }: EventOutline, { targetGroups }: EventEvidence): CauseId[] {
  if (kind === 'rollout') return explaining('rollout');
  if (kind === 'crash') return [outages.length > 0 ? 'connection-refused' : 'closed-mid-request'];
  if (outages.every((outage) => isRefused(outage) || isRejected(outage))) return explaining('refusal');
  const protocol = targetGroups?.find(({ TargetGroupArn }) => TargetGroupArn === target_group_arn)?.Protocol;
  // An unfinished TLS handshake ends after 10 s, too.
  const silent = explaining('silence');
  return protocol === 'HTTP' ? silent : withHandshakes(silent);
}
