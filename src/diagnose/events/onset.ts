/**
 * Finds changes right after which errors began, if neither targets nor content show how the call caused them. Such an
 * event has no causes: its errors are judged as if there were no event, and the call is reported next to the result.
 */

import { errorsInMetrics } from '../../evidence/metrics.ts';
import type { Question } from '../../evidence/question.ts';
import { groupsOfService } from '../../evidence/workloads.ts';
import { plural, secondsBetween, utcTime } from '../../format/wording.ts';
import { binomialTail } from '../patterns/chance.ts';
import { type Mutation, mayAffect, mutations } from '../patterns/configuration-changes.ts';
import type { SignatureId } from '../signature.ts';
import { countErrors, groupBy, type SampledError, type Traffic, targetGroupName } from '../traffic.ts';
import { isRollout, namesAlike, namesIn, rareAmong } from './calls.ts';
import { beganAt, changedThing, OUTSIDE_AT_MOST } from './change.ts';
import type { EventCall, EventEvidence } from './event.ts';
import { spanText } from './event-sentences.ts';
import type { IncidentEvent } from './incident-event.ts';
import { revertOf } from './revert.ts';

const FROM_TARGETS: readonly SignatureId[] = [
  'connect-failed',
  'connect-timeout',
  'idle-timeout',
  'no-response-aborted',
  'closed-before-response',
  'target-response',
  'inconsistent',
];

/** Signatures of the errors that each call may cause. */
const REACHES: readonly { name: RegExp; signatures: readonly SignatureId[] }[] = [
  {
    name: /^(UpdateService|CreateDeployment|StartInstanceRefresh|UpdateAutoScalingGroup|UpdateStack|ExecuteChangeSet|UpdateNodegroupVersion|UpdateTaskSet)$/,
    signatures: FROM_TARGETS,
  },
  {
    name: /^(ModifyTargetGroup|ModifyTargetGroupAttributes|ModifyLoadBalancerAttributes|SetSubnets|ModifyListener|ModifyRule|CreateRule|DeleteRule|SetRulePriorities)$/,
    signatures: [...FROM_TARGETS, 'no-target', 'authentication-failure'],
  },
  {
    // A dropped packet gets no answer, so a rule never closes or refuses a connection.
    name: /^(SetSecurityGroups|(Authorize|Revoke)SecurityGroup(Ingress|Egress)|ModifySecurityGroupRules|ModifyNetworkInterfaceAttribute)$|NetworkAcl(Entry|Association)$|^(Create|Delete|Replace)Route$/,
    signatures: ['connect-timeout', 'idle-timeout', 'authentication-failure'],
  },
];

const WITHIN_MS = 60_000;
/** Until the first effect of a deployment, or of a rule that existing connections outlive; only for a call without rival. */
const DEPLOYING_MS = 30 * 60_000;
const LATER_WITHIN_MS = 15 * 60_000;
/** CloudTrail records whole seconds. */
const EARLIER_MS = 1_000;
const HOUR_MS = 3_600_000;
const ERRORS_NEEDED = 5;
/** Errors within a minute of the call that show a beginning; a single error does not. */
const AT_ONCE_NEEDED = 3;
/** Maximum probability that errors at a constant rate leave so few before the call. */
const MOST_BY_CHANCE = 1e-3;

/** Returns one event per call, from errors outside `taken`. */
export function onsetEvents(
  traffic: Traffic,
  evidence: EventEvidence,
  taken: ReadonlySet<SampledError>,
  question: Question,
): IncidentEvent[] {
  const all = mutations(evidence.changes ?? []);
  const isRare = rareAmong(all);
  const calls = all.filter((call) => signaturesOf(call).length > 0 && !isScaling(call));
  const groups = groupBy(traffic.errors, ({ signature, elb_status_code }) => `${signature} ${elb_status_code}`);
  const found = [...groups.values()].flatMap((own): Onset[] => {
    const [first] = own;
    if (first === undefined) return [];
    const reaching = calls.filter((call) => signaturesOf(call).includes(first.signature));
    const isOnset = ({ call, begins }: { call: Mutation; begins: number }) => {
      const errors = own.filter((error) => !taken.has(error) && isFrom(error, call.at));
      return (
        isTied(call, errors, evidence, question) &&
        isBegun(begins, errors, { own, traffic, evidence, question }) &&
        isRare(call, Math.max(WITHIN_MS, begins - call.at))
      );
    };
    // The nearest call is the one to look at first.
    const near = reaching
      .map((call) => ({ call, begins: call.at }))
      .findLast((one) => isFollowed(one.call, own) && isOnset(one));
    const later =
      near === undefined ? onlyCallBefore(own, reaching, all.filter(isRival(own, evidence, question))) : null;
    const { call, begins } = near ?? later ?? {};
    if (call === undefined || begins === undefined || (later !== null && !isOnset(later))) return [];
    const errors = own.filter((error) => !taken.has(error) && isFrom(error, call.at));
    return [{ call, errors, isOnlyOne: near === undefined }];
  });
  return [...groupBy(found, ({ call }) => `${all.indexOf(call)}`).values()].flatMap((same) => {
    const [first] = same;
    const errors = new Set(same.flatMap((one) => one.errors));
    const ordered = traffic.errors.filter((error) => errors.has(error));
    return first === undefined ? [] : [onsetEvent({ ...first, errors: ordered }, { all, traffic, evidence, question })];
  });
}

interface Onset {
  call: Mutation;
  errors: SampledError[];
  /** No error followed within a minute, but nothing else that may affect them changed in the hour before. */
  isOnlyOne: boolean;
}

/** What targets and automatic scaling do by themselves: it changes nothing that the requests depend on. */
const ROUTINE =
  /^(RegisterTargets|DeregisterTargets|SetDesiredCapacity|ExecutePolicy|RunInstances|TerminateInstances)$/;

/** Whether a call may have had a part in these errors, as far as its names show. */
function isRival(
  own: readonly SampledError[],
  evidence: EventEvidence,
  question: Question,
): (call: Mutation) => boolean {
  const arns = [...new Set(own.map(({ target_group_arn }) => target_group_arn))].filter((arn) => arn !== '-');
  const affects = mayAffect(question.loadBalancer.name, arns);
  return (call) =>
    affects(call) &&
    !ROUTINE.test(call.name) &&
    !isScaling(call) &&
    (namesIn(call.parameters).length === 0 || isTied(call, own, evidence, question));
}

/** The one change of the hour before the first of these errors, if it was not too long before them. */
function onlyCallBefore(
  own: readonly SampledError[],
  reaching: readonly Mutation[],
  rivals: readonly Mutation[],
): { call: Mutation; begins: number } | null {
  const begins = own.reduce((first, error) => Math.min(first, beganAt(error)), Number.POSITIVE_INFINITY);
  const [only, ...others] = rivals.filter(({ at }) => at > begins - HOUR_MS && at <= begins);
  if (only === undefined || others.length > 0 || !reaching.includes(only)) return null;
  return only.at >= begins - (isRollout(only) ? DEPLOYING_MS : LATER_WITHIN_MS) ? { call: only, begins } : null;
}

/** More or fewer tasks of the same kind: an answer to the load, and not a deployment. */
const isScaling = ({ name, parameters }: Mutation): boolean =>
  (name === 'UpdateService' || name === 'UpdateAutoScalingGroup') &&
  ('desiredCount' in parameters || 'desiredCapacity' in parameters) &&
  !['taskDefinition', 'forceNewDeployment', 'launchTemplate', 'launchConfigurationName'].some(
    (key) => key in parameters,
  );

const signaturesOf = ({ name }: Mutation): readonly SignatureId[] =>
  REACHES.find((reach) => reach.name.test(name))?.signatures ?? [];

const isFrom = (error: SampledError, at: number): boolean => beganAt(error) >= at - EARLIER_MS;

/** Whether errors follow within a minute and none came in the minute before; some calls are a response to errors. */
const isFollowed = ({ at: time }: Mutation, errors: readonly SampledError[]): boolean =>
  errors.some((error) => beganAt(error) >= time - EARLIER_MS && beganAt(error) <= time + WITHIN_MS) &&
  !errors.some(({ at }) => at >= time - WITHIN_MS && at < time - EARLIER_MS);

/** Whether the call changed a resource that these requests depend on. */
function isTied(
  call: Mutation,
  errors: readonly SampledError[],
  evidence: EventEvidence,
  { loadBalancer }: Question,
): boolean {
  if (errors.length === 0) return false;
  if (changedThing(call, errors, evidence, loadBalancer.name) !== null) return true;
  const groups = new Set(errors.map(({ target_group_arn }) => target_group_arn));
  const services = (evidence.services ?? []).filter((service) =>
    groupsOfService(service).some((arn) => groups.has(arn)),
  );
  const names = namesIn(call.parameters);
  return (
    services.some(({ serviceName }) => names.includes(serviceName)) ||
    namesAlike(call, [...[...groups].filter((arn) => arn !== '-').map(targetGroupName), loadBalancer.name])
  );
}

interface Surroundings {
  /** All errors of the kind, including those of events. */
  own: readonly SampledError[];
  traffic: Traffic;
  evidence: EventEvidence;
  question: Question;
}

/** Whether errors of this kind began within a minute of this time (epoch milliseconds), and did not run before it. */
function isBegun(
  begins: number,
  after: readonly SampledError[],
  { own, traffic, evidence, question }: Surroundings,
): boolean {
  const atOnce = after.filter((error) => beganAt(error) <= begins + WITHIN_MS);
  if (after.length < ERRORS_NEEDED || atOnce.length < AT_ONCE_NEEDED) return false;
  const { earlier } = traffic;
  const readFrom = earlier?.from ?? Math.max(question.from, traffic.log.oldest ?? question.from);
  const readBefore = begins - readFrom;
  if (readBefore < WITHIN_MS) return false;
  const [first] = after;
  const isAlike = (error: SampledError) =>
    error.signature === first?.signature && error.elb_status_code === first.elb_status_code;
  const lookedBack = (earlier?.traffic.errors ?? []).filter((error) => isAlike(error) && error.at < question.from);
  const before = countErrors([...lookedBack, ...own].filter((error) => !isFrom(error, begins)));
  const span = Math.max(1000, after.reduce((last, { at }) => Math.max(last, at), begins) - begins);
  const outside = Math.max(before / readBefore, ratePerHour(begins, after, evidence, question) / HOUR_MS);
  if (outside * span > OUTSIDE_AT_MOST * countErrors(after)) return false;
  // The errors within the minute must be more than a minute at the earlier rate.
  if (outside * WITHIN_MS > OUTSIDE_AT_MOST * countErrors(atOnce)) return false;
  const rows = after.length + own.length - own.filter((error) => isFrom(error, begins)).length + lookedBack.length;
  return binomialTail(after.length, rows, span / (readBefore + span)) <= MOST_BY_CHANCE;
}

/** What CloudWatch counted in the hour before the errors; 0 if it has no such counter. */
function ratePerHour(
  begins: number,
  [first]: readonly SampledError[],
  { metrics }: EventEvidence,
  question: Question,
): number {
  if (first === undefined || metrics === undefined || first.signature === 'target-response') return 0;
  const statuses = [`elb-${first.elb_status_code}`];
  return errorsInMetrics({ ...question, statuses, from: begins - HOUR_MS, to: begins }, metrics) ?? 0;
}

/** The event has ended if the log shows no further error for this long. */
const QUIET_MS = 60_000;

function onsetEvent(
  { call, errors, isOnlyOne }: Onset,
  {
    all,
    traffic,
    evidence,
    question,
  }: { all: readonly Mutation[]; traffic: Traffic; evidence: EventEvidence; question: Question },
): IncidentEvent {
  const times = errors.map(({ at }) => at);
  const first = times.reduce((least, at) => Math.min(least, at), Number.POSITIVE_INFINITY);
  const last = times.reduce((most, at) => Math.max(most, at), 0);
  const { undoing, command } = revertOf(call, all);
  const seconds = secondsBetween(call.at, first);
  const eventCall: EventCall = {
    ...{ name: call.name, at: call.at, user: call.user },
    secondsBefore: seconds,
    revert: undoing === null ? command : null,
  };
  const thing = namesIn(call.parameters)[0] ?? changedThing(call, errors, evidence, question.loadBalancer.name);
  const when = seconds <= 0 ? 'with' : `${seconds < 90 ? `${seconds} s` : spanText(1000 * seconds)} after`;
  const about = thing === null ? '' : ` for ${thing}`;
  const by = call.user === null ? '' : ` by ${call.user}`;
  return {
    kind: 'change',
    standing: 'possible',
    from: errors.reduce((least, error) => Math.min(least, beganAt(error)), first),
    to: (traffic.log.newest ?? last) - last >= QUIET_MS ? last : null,
    targets: [...new Set(errors.map(({ target }) => target))].filter((target) => target !== '-').sort(),
    errors,
    causes: [],
    summary: `${countErrors(errors) < 1.5 ? 'The error' : `The first of ${plural(countErrors(errors), 'error')}`} came ${when} ${call.name}${about}${by} at ${utcTime(call.at)}${isOnlyOne ? ', the only relevant change in the hour before' : ''}.`,
    calls: [eventCall],
    reason: null,
  };
}
