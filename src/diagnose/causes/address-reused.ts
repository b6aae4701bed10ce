import { command } from '../../format/command.ts';
import { list, plural, requestsOf, utcTime } from '../../format/wording.ts';
import { claimErrors, type Fix, type Judgement, ruledOut } from '../judgement.ts';
import { splitTarget } from '../network-path/addresses.ts';
import { targetName } from '../targets/target-name.ts';
import type { TargetOwner } from '../targets/target-owners.ts';
import { countErrors, groupBy, type SampledError, type Traffic, targetGroupName } from '../traffic.ts';
import { defineCause } from './cause.ts';

/** Errors on one target while another service's task had its address or port. */
interface Intrusion {
  target: string;
  arn: string;
  owner: TargetOwner;
  /** The previous owner of the address, if it belonged to the target group's service; null if unknown. */
  before: TargetOwner | null;
  errors: SampledError[];
}

const SHOWN = 3;

export const addressReused = defineCause({
  id: 'address-reused',
  title: 'Target address reused by another service',
  explanation:
    'The address or the port of a target that stopped went to a task of another service while it was still registered: that service gets the requests.',
  reference: 'https://docs.aws.amazon.com/AmazonECS/latest/developerguide/alb.html',
  signatures: [
    'connect-failed',
    'connect-timeout',
    'idle-timeout',
    'no-response-aborted',
    'closed-before-response',
    'target-response',
  ],
  wants: ['targetGroups'],

  judge({ traffic, targetGroups }, _question, errors): Judgement {
    const found = intrusions(traffic, errors);
    const strays = found.flatMap((one) => one.errors);
    const known = errors.filter((error) => ownerOf(traffic, error)?.targetGroups != null);
    return claimErrors(
      {
        claims: [{ errors: strays, strength: 'confirmed' }],
        for: [
          ...found.slice(0, SHOWN).map(intrusionText),
          ...(found.length > SHOWN
            ? [`${plural(found.length - SHOWN, 'more target shows', 'more targets show')} the same.`]
            : []),
        ],
        against: [],
        missing: [],
        fix: fixFor(found, targetGroups?.some(isOfInstances(found)) ?? false),
        summary: `${requestsOf(countErrors(strays), traffic.errorCount)} went to another service: ${list(found.map(takenText), SHOWN)}.`,
      },
      ruledOut(
        known.length === errors.length
          ? [
              `${requestsOf(countErrors(errors), countErrors(errors))} went to tasks of the service that the target group belongs to.`,
            ]
          : [],
      ),
    );
  },
});

/** When the load balancer chose the target; epoch milliseconds. */
const sentAt = ({ at, elapsed }: SampledError): number => at - (elapsed ?? 0) * 1000;

const ownerOf = ({ owners }: Traffic, error: SampledError): TargetOwner | null =>
  owners.at(error.target, sentAt(error), error.target_group_arn);

/** Grouped by target, in the order of their first error. */
function intrusions(traffic: Traffic, errors: readonly SampledError[]): Intrusion[] {
  const strays = errors.flatMap((error) => {
    const owner = traffic.owners.intruder(error.target, sentAt(error), error.target_group_arn);
    return owner === null ? [] : [{ error, owner }];
  });
  const byTask = Map.groupBy(strays, ({ error, owner }) => `${error.target_group_arn} ${error.target} ${owner.task}`);
  return [...byTask.values()].flatMap((own) => {
    const [first] = own;
    if (first === undefined) return [];
    const { target, target_group_arn: arn } = first.error;
    const before = traffic.owners
      .all(target)
      .findLast((one) => one.targetGroups?.includes(arn) && (one.startedAt ?? 0) < (first.owner.startedAt ?? 0));
    return [{ target, arn, owner: first.owner, before: before ?? null, errors: own.map(({ error }) => error) }];
  });
}

/** "checkout task 41d0… (10.0.2.113:32771) got the port of a target of feed at 03:00:00 UTC" */
const takenText = ({ target, arn, owner }: Intrusion): string =>
  `${targetName(target, owner)} got the ${owner.isByPort ? 'port' : 'address'} of a target of ${targetGroupName(arn)} at ${utcTime(owner.startedAt ?? 0)}`;

function intrusionText(intrusion: Intrusion): string {
  const { target, before, errors } = intrusion;
  const stop = before?.stoppedAt == null ? '' : ` and stopped at ${utcTime(before.stoppedAt)}`;
  const had = before === null ? '' : `; ${targetName(target, before)} had it before${stop}`;
  return `${takenText(intrusion)}${had}. ${plural(countErrors(errors), 'error')} since then.`;
}

const isOfInstances =
  (found: readonly Intrusion[]) =>
  ({ TargetGroupArn, TargetType }: { TargetGroupArn: string; TargetType?: string | undefined }): boolean =>
    TargetType === 'instance' && found.some(({ arn }) => arn === TargetGroupArn);

function fixFor(found: readonly Intrusion[], isInstance: boolean): Fix {
  const byGroup = [...groupBy(found, ({ arn }) => arn)];
  return {
    summary: `Deregister ${list([...new Set(found.map(({ target, owner, arn }) => `${targetName(target, owner)} from ${targetGroupName(arn)}`))], SHOWN)}, then find out why the ${found.every(({ owner }) => owner.isByPort) ? 'port' : 'address'} stayed registered after its task had stopped.`,
    commands: byGroup.flatMap(([arn, own]) => [
      command`aws elbv2 deregister-targets --target-group-arn ${arn} --targets ${[...new Set(own.flatMap(targetWord))]}`,
      command`aws elbv2 describe-target-health --target-group-arn ${arn}`,
    ]),
    notes: [
      isInstance
        ? 'With dynamic host ports, the next task on the instance may get the same port; in network mode awsvpc, each task has its own address.'
        : 'A subnet with few free addresses gives them out again within seconds.',
      'ECS deregisters the targets of its services; a script or controller that registers targets must deregister them before the task stops.',
    ],
    sideEffects: ['The target gets no more requests from this target group.'],
  };
}

/** "Id=i-0ab,Port=32771": on instances, the port alone identifies the task. */
function targetWord({ target, owner }: Intrusion): string[] {
  const end = splitTarget(target);
  if (end === null) return [];
  return [`Id=${owner.isByPort ? (owner.instance ?? end.address) : end.address},Port=${end.port}`];
}
