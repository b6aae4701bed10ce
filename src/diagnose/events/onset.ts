/**
 * Finds changes right after which errors began, if neither targets nor content show how the call caused them. Such an
 * event has no causes: its errors are judged as if there were no event, and the call is reported next to the result.
 */
import type { Question } from '../../evidence/evidence.ts';
import { errorsInMetrics } from '../../evidence/metrics.ts';
import { groupsOfService } from '../../evidence/workloads.ts';
import { plural, utcTime } from '../../format/wording.ts';
import { binomialTail } from '../patterns/chance.ts';
import { type Mutation, mutations } from '../patterns/configuration-changes.ts';
import type { SignatureId } from '../signature.ts';
import { countErrors, groupBy, type SampledError, type Traffic, targetGroupName } from '../traffic.ts';
import { isRare, namesAlike, namesIn } from './calls.ts';
import { beganAt, changedThing, OUTSIDE_AT_MOST } from './change.ts';
import type { EventCall, EventEvidence, IncidentEvent } from './event.ts';
import { secondsBetween } from './event-sentences.ts';
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
  const calls = all.filter((call) => signaturesOf(call).length > 0 && !isScaling(call));
  const groups = groupBy(traffic.errors, ({ signature, elb_status_code }) => `${signature} ${elb_status_code}`);
  const found = [...groups.values()].flatMap((own) => {
    const [first] = own;
    // The nearest call is the best one to look at first.
    const call = calls.findLast((one) => {
      if (first === undefined || !signaturesOf(one).includes(first.signature) || !isBefore(one, own)) return false;
      const errors = own.filter((error) => !taken.has(error) && isAfter(error, one));
      return (
        isTied(one, errors, evidence, question) &&
        isBegun(one, errors, { own, traffic, evidence, question }) &&
        isRare(one, all, WITHIN_MS)
      );
    });
    return call === undefined
      ? []
      : [{ call, errors: own.filter((error) => !taken.has(error) && isAfter(error, call)) }];
  });
  return [...groupBy(found, ({ call }) => `${all.indexOf(call)}`).values()].flatMap((same) => {
    const [first] = same;
    const errors = new Set(same.flatMap((one) => one.errors));
    const ordered = traffic.errors.filter((error) => errors.has(error));
    return first === undefined ? [] : [onsetEvent(first.call, ordered, { all, traffic, evidence, question })];
  });
}

/** Whether the call only changes the number of equal tasks: that responds to load and is no deployment. */
const isScaling = ({ name, parameters }: Mutation): boolean =>
  (name === 'UpdateService' || name === 'UpdateAutoScalingGroup') &&
  ('desiredCount' in parameters || 'desiredCapacity' in parameters) &&
  !['taskDefinition', 'forceNewDeployment', 'launchTemplate', 'launchConfigurationName'].some(
    (key) => key in parameters,
  );

const signaturesOf = ({ name }: Mutation): readonly SignatureId[] =>
  REACHES.find((reach) => reach.name.test(name))?.signatures ?? [];

const isAfter = (error: SampledError, call: Mutation): boolean => beganAt(error) >= call.at - EARLIER_MS;

/** Whether errors follow within a minute and none came in the minute before, because some calls respond to errors. */
const isBefore = ({ at: time }: Mutation, errors: readonly SampledError[]): boolean =>
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

/** Whether errors of this kind began within a minute of the call and were not there before it. */
function isBegun(
  call: Mutation,
  after: readonly SampledError[],
  { own, traffic, evidence, question }: Surroundings,
): boolean {
  const atOnce = after.filter((error) => beganAt(error) <= call.at + WITHIN_MS);
  if (after.length < ERRORS_NEEDED || atOnce.length < AT_ONCE_NEEDED) return false;
  const { earlier } = traffic;
  const readFrom = earlier?.from ?? Math.max(question.from, traffic.log.oldest ?? question.from);
  const readBefore = call.at - readFrom;
  if (readBefore < WITHIN_MS) return false;
  const [first] = after;
  const isAlike = (error: SampledError) =>
    error.signature === first?.signature && error.elb_status_code === first.elb_status_code;
  const lookedBack = (earlier?.traffic.errors ?? []).filter((error) => isAlike(error) && error.at < question.from);
  const before = countErrors([...lookedBack, ...own].filter((error) => !isAfter(error, call)));
  const span = Math.max(1000, after.reduce((last, { at }) => Math.max(last, at), call.at) - call.at);
  const outside = Math.max(before / readBefore, ratePerHour(call, after, evidence, question) / HOUR_MS);
  if (outside * span > OUTSIDE_AT_MOST * countErrors(after)) return false;
  // The errors within the minute must be more than a minute at the earlier rate.
  if (outside * WITHIN_MS > OUTSIDE_AT_MOST * countErrors(atOnce)) return false;
  const rows = after.length + own.length - own.filter((error) => isAfter(error, call)).length + lookedBack.length;
  return binomialTail(after.length, rows, span / (readBefore + span)) <= MOST_BY_CHANCE;
}

/** Errors that CloudWatch counted in the hour before the call; 0 if no counter exists. */
function ratePerHour(
  call: Mutation,
  [first]: readonly SampledError[],
  { metrics }: EventEvidence,
  question: Question,
): number {
  if (first === undefined || metrics === undefined || first.signature === 'target-response') return 0;
  const statuses = [`elb-${first.elb_status_code}`];
  return errorsInMetrics({ ...question, statuses, from: call.at - HOUR_MS, to: call.at }, metrics) ?? 0;
}

/** The event has ended if the log shows no further error for this long. */
const QUIET_MS = 60_000;

function onsetEvent(
  call: Mutation,
  errors: SampledError[],
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
  const told: EventCall = {
    ...{ name: call.name, at: call.at, user: call.user },
    secondsBefore: seconds,
    revert: undoing === null ? command : null,
  };
  const thing = namesIn(call.parameters)[0] ?? changedThing(call, errors, evidence, question.loadBalancer.name);
  const when = seconds > 0 ? `${seconds} s after` : 'with';
  const of = thing === null ? '' : ` of ${thing}`;
  const by = call.user === null ? '' : ` by ${call.user}`;
  return {
    kind: 'change',
    standing: 'possible',
    from: errors.reduce((least, error) => Math.min(least, beganAt(error)), first),
    to: (traffic.log.newest ?? last) - last >= QUIET_MS ? last : null,
    targets: [...new Set(errors.map(({ target }) => target))].filter((target) => target !== '-').sort(),
    errors,
    causes: [],
    summary: `${plural(countErrors(errors), 'error')} began ${when} ${call.name}${of}${by} at ${utcTime(call.at)}.`,
    calls: [told],
    reason: null,
  };
}
