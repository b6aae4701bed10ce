import type { NetworkInterface, TargetGroup } from '../../evidence/aws.ts';
import { type Command, command } from '../../format/command.ts';
import { list, plural, seconds } from '../../format/wording.ts';
import { outageFix } from '../events/outage-fix.ts';
import { claimErrors, type Fix, type Judgement, ruledOut } from '../judgement.ts';
import { splitTarget } from '../network-path/addresses.ts';
import { type FailedConnects, failedConnects } from '../patterns/failed-connects.ts';
import { removalReason } from '../targets/deregistration.ts';
import { ECS_TASK, interfaceOwner } from '../targets/interface-owner.ts';
import { isNodePort, nodePortCommands } from '../targets/node-port.ts';
import { isStillRegistered, type Registration, registrationOf } from '../targets/registration.ts';
import { splitByStage } from '../targets/tls.ts';
import { countErrors, groupBy, nameOf, namesOf, type SampledError, type Traffic } from '../traffic.ts';
import { defineCause } from './cause.ts';

/**
 * Milliseconds for which nodes may still choose a deregistered target; a later refusal came from a registered target.
 */
const LINGER_MS = 90_000;

/** The number of targets described one by one. */
const SHOWN = 3;

const failsFor = (errors: readonly SampledError[]): number => {
  const times = errors.map((error) => error.at);
  return Math.max(...times) - Math.min(...times);
};

export const connectionRefused = defineCause({
  id: 'connection-refused',
  title: 'Connection refused while in service',
  explanation:
    'The target answers the connection attempt with a reset or as unreachable: nothing listens on the port, the process crashed, or a firewall rejects.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html',
  signatures: ['connect-failed'],
  events: ['rollout', 'refusal'],
  wants: ['targetGroups', 'targetHealth', 'instances', 'networkInterfaces', 'metrics', 'changes'],

  judge(evidence, question, errors): Judgement {
    const { traffic } = evidence;
    const byTarget = groupBy(errors, ({ target }) => target);
    const durations = new Map([...byTarget].map(([target, own]) => [target, failsFor(own)]));
    const judged = splitByStage(failedConnects(traffic), evidence, question).map((part) => {
      const registration = registrationOf(part.target_group_arn, part.target, evidence);
      const hasDied = diedByItself(part, traffic);
      const left =
        !hasDied && part.inLastMoments && part.presence?.left === true && part.presence.lastSuccess !== null
          ? removalReason(
              part.presence,
              Math.min(...part.errors.map(({ at }) => at)),
              part.replaced,
              evidence,
              nameOf(traffic, part.target, part.errors[0]?.at),
            )
          : null;
      const stays =
        hasDied ||
        left?.reason === 'unhealthy' ||
        part.presence?.left === false ||
        (part.presence !== null && !part.inLastMoments) ||
        (durations.get(part.target) ?? 0) > LINGER_MS ||
        isStillRegistered(registration);
      return { ...part, left, stays, registration };
    });
    const refusedConnects = judged.filter((part) => part.tls.connectionErrors !== false);
    const sure = refusedConnects.filter(
      (part) => part.tls.excluded && part.stays && part.left?.reason !== 'deregistered',
    );
    const maybe = refusedConnects.filter((part) => !sure.includes(part) && part.left?.reason !== 'deregistered');
    const unhealthy = [...new Map(sure.map((part) => [part.target, part])).values()].flatMap(
      ({ target, registration }) =>
        registration && !['healthy', 'absent'].includes(registration.state)
          ? [
              `${nameOf(traffic, target)} is ${registration.state} now${registration.reason ? ` (${registration.reason})` : ''}.`,
            ]
          : [],
    );
    const sureErrors = sure.flatMap((part) => part.errors);
    const leaving = judged.filter((part) => part.left?.reason === 'deregistered');
    const against = [
      ...leavingText(leaving, judged.length === leaving.length, traffic),
      ...judged.flatMap((part) =>
        part.left?.reason !== 'deregistered' && part.tls.connectionErrors === false ? [part.tls.sentence] : [],
      ),
    ];
    const missing = [
      ...new Set(
        maybe.flatMap((part) =>
          part.tls.excluded
            ? [
                `Whether ${nameOf(traffic, part.target, part.errors[0]?.at)} was being shut down: its state in the target group is unknown.`,
              ]
            : part.tls.missing,
        ),
      ),
    ];
    return claimErrors(
      {
        claims: [
          { errors: sureErrors, strength: 'confirmed' },
          { errors: maybe.flatMap((part) => part.errors), strength: 'possible' },
        ],
        for: [
          ...refusalTexts(refusedConnects, traffic),
          ...unhealthy.slice(0, 2),
          ...[...new Set(sure.map((part) => part.tls.sentence))],
        ],
        against,
        missing,
        fix:
          outageFix(traffic, errors, evidence.targetHealth) ??
          fixFor(sure.length > 0 ? sure : maybe, traffic, evidence),
        ...(sure.length > 0
          ? {
              summary: `${list([...new Set(sure.map((part) => nameOf(traffic, part.target, part.errors[0]?.at)))])} refused ${plural(countErrors(sureErrors), 'connection')}: nothing is listening, or a firewall rejects them.`,
            }
          : {}),
      },
      ruledOut(against, missing),
    );
  },
});

/** Whether ECS reports that the process ended by itself: then it was deregistered because it died, not the reverse. */
function diedByItself({ target, target_group_arn, errors }: FailedConnects, { owners }: Traffic): boolean {
  const exit = owners.at(target, errors[0]?.at ?? 0, target_group_arn)?.exit?.kind;
  return exit === 'out-of-memory' || exit === 'exited';
}

/** Refusals of targets that were being taken away: a consequence, not the cause. */
function leavingText(leaving: readonly FailedConnects[], isAll: boolean, traffic: Traffic): string[] {
  const errors = leaving.flatMap((part) => part.errors);
  if (errors.length === 0) return [];
  const targets = [...new Set(leaving.map(({ target, errors: own }) => nameOf(traffic, target, own[0]?.at)))];
  const count = countErrors(errors);
  return [
    `${isAll && Math.round(count) > 1 ? 'All ' : ''}${plural(count, 'refused connection')} to ${list(targets)} ${Math.round(count) === 1 ? 'is' : 'are'} explained by target shutdown before draining.`,
  ];
}

/** One sentence per target, most errors first. */
function refusalTexts(parts: readonly FailedConnects[], traffic: Traffic): string[] {
  const targets = [
    ...groupBy(parts, ({ target, groupName, errors }) => {
      const name = nameOf(traffic, target, errors[0]?.at);
      return name === target ? `${target} (${groupName})` : `${name} in ${groupName}`;
    }),
  ]
    .map(([name, own]) => ({ name, errors: own.flatMap(({ errors }) => errors) }))
    .sort((a, b) => countErrors(b.errors) - countErrors(a.errors) || (a.name < b.name ? -1 : 1));
  const shown = targets.slice(0, SHOWN).map(({ name, errors }) => {
    const count = countErrors(errors);
    const elapsed = errors.flatMap((error) => error.elapsed ?? []);
    const within = elapsed.length === 0 ? '' : ` within ${seconds(Math.max(...elapsed))}`;
    return `${plural(count, 'connection')} to ${name} ${Math.round(count) === 1 ? 'was' : 'were'} refused${within}; a dropped SYN would time out after 10 s.`;
  });
  return targets.length > SHOWN ? [...shown, `${plural(targets.length - SHOWN, 'more target')} did the same.`] : shown;
}

interface PlaceEvidence {
  targetGroups?: readonly TargetGroup[];
  networkInterfaces?: readonly NetworkInterface[];
}

interface RefusedConnects extends FailedConnects {
  registration: Registration | null;
}

function fixFor(
  parts: readonly RefusedConnects[],
  traffic: Traffic,
  { targetGroups, networkInterfaces }: PlaceEvidence,
): Fix {
  const groupOf = (arn: string) => targetGroups?.find(({ TargetGroupArn }) => TargetGroupArn === arn);
  const targets = [...new Set(parts.map(({ target }) => target))];
  const ports = [...new Set(targets.map((target) => target.slice(target.lastIndexOf(':') + 1)))].sort();
  const arns = [...new Set(parts.map(({ target_group_arn }) => target_group_arn))].filter((arn) => arn !== '-').sort();
  if (parts.length > 0 && parts.every((part) => isNodePort(part.target, groupOf(part.target_group_arn)))) {
    return {
      summary: `Give the Service behind node port ${list(ports)} a ready pod: a node rejects connections for a Service that has none.`,
      commands: [
        ...ports.flatMap((port) => nodePortCommands(Number(port))),
        command`kubectl get pods -A -o wide`,
        ...arns.map((arn) => command`aws elbv2 describe-target-health --target-group-arn ${arn}`),
      ],
      notes: ['endpointslices lists the ready pods of each Service; look for pods that are not ready or crash-loop.'],
      sideEffects: [],
    };
  }
  if (parts.length > 0 && parts.every((part) => isTask(part, traffic, networkInterfaces)))
    return taskFix(parts, traffic, arns);
  return {
    summary: `Start the process that should listen on ${list(namesOf(traffic, targets))}, and find out why it stopped.`,
    commands: [
      ...ports.map((port) => command`ss -tlnp ${`sport = :${port}`}`),
      command`sudo nft list ruleset; sudo iptables -S`,
      command`sysctl net.ipv4.tcp_abort_on_overflow; nstat -az TcpExtListenOverflows`,
      ...arns.map((arn) => command`aws elbv2 describe-target-health --target-group-arn ${arn}`),
    ],
    notes: [
      'Run these on the target: ss shows whether a process listens on the port; nft and iptables show whether a firewall rule rejects connections.',
      'A full accept queue refuses connections only if tcp_abort_on_overflow is 1 (sysctl).',
    ],
    sideEffects: [],
  };
}

/** Whether an ECS task has the address, by ECS or by what its network interface is now, and has not recovered. */
function isTask(
  { target, target_group_arn, errors, registration }: RefusedConnects,
  { owners }: Traffic,
  networkInterfaces: readonly NetworkInterface[] | undefined,
): boolean {
  if (registration?.state !== 'unhealthy' && registration?.state !== 'unavailable') return false;
  const owner = owners.at(target, errors[0]?.at ?? 0, target_group_arn);
  if (owner !== null) return owner.task !== null && owner.exit === null;
  return interfaceOwner(splitTarget(target)?.address ?? target, networkInterfaces) === ECS_TASK;
}

/** Nobody starts a process in a task: its service starts another task. */
function taskFix(parts: readonly FailedConnects[], traffic: Traffic, arns: readonly string[]): Fix {
  const targets = [...new Map(parts.map((part) => [part.target, part])).values()].map((part) => {
    const owner = traffic.owners.at(part.target, part.errors[0]?.at ?? 0, part.target_group_arn);
    const name = nameOf(traffic, part.target, part.errors[0]?.at);
    return { owner, target: part.target, name: name === part.target ? `the ECS task at ${name}` : name };
  });
  const [, ...others] = targets;
  return {
    summary: `Read the log of ${list(targets.map(({ name }) => name))}, then stop ${others.length === 0 ? 'the task: the ECS service starts another' : 'these tasks: the ECS service starts others'}.`,
    commands: [
      ...targets
        .slice(0, SHOWN)
        .flatMap(({ owner, target }) => [
          ...(owner?.task == null ? [findTask(target)] : []),
          command`aws ecs stop-task --cluster ${owner?.cluster ?? '<cluster>'} --task ${owner?.task ?? `<task at ${target}>`}`,
        ]),
      ...arns.map((arn) => command`aws elbv2 describe-target-health --target-group-arn ${arn}`),
    ],
    notes: ["The last lines of the task's log may say why nothing listens on the port."],
    sideEffects: [],
  };
}

/** Prints the ARN of the task with this address: ECS lists the address among the details of the task's attachment. */
const findTask = (target: string): Command =>
  command`aws ecs describe-tasks --cluster ${'<cluster>'} --tasks $(aws ecs list-tasks --cluster ${'<cluster>'} --query ${'taskArns[]'} --output text) --query ${`tasks[?attachments[].details[?value==\`"${splitTarget(target)?.address ?? target}"\`][]].taskArn`}`;
