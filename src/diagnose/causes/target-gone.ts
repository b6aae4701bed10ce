import { command } from '../../format/command.ts';
import { list, plural } from '../../format/wording.ts';
import { judgeWithoutTimeouts } from '../connect-timeouts/blocked-path.ts';
import { CONNECT_TIMEOUT_EVIDENCE, type ConnectTimeoutEvidence } from '../connect-timeouts/connect-timeout-evidence.ts';
import {
  type ConnectTimeout,
  evidenceAgainstDrops,
  findConnectTimeouts,
  isBlocked,
  timeoutText,
} from '../connect-timeouts/connect-timeouts.ts';
import { claimErrors, claimsByStrength, type Fix, type Judgement, ruledOut, untested } from '../judgement.ts';
import { drainNotes, drainSettings, drainTimes } from '../targets/drain-times.ts';
import { platformOf } from '../targets/platform.ts';
import { isStillRegistered } from '../targets/registration.ts';
import { countErrors, nameOf } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const targetGone = defineCause({
  id: 'target-gone',
  title: 'Target already gone',
  explanation:
    'The load balancer still chose a target that had been deregistered, stopped or terminated: nothing answers at its address any more.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html',
  signatures: ['connect-timeout'],
  events: ['rollout', 'silence'],
  wants: CONNECT_TIMEOUT_EVIDENCE,

  judge(evidence, question): Judgement {
    const { sentences, everyOther } = evidenceAgainstDrops(evidence.traffic);
    const pairs = findConnectTimeouts(evidence, question);
    const changesRead = evidence.changes !== undefined;
    const left = pairs.filter((pair) => pair.exit.strength !== null && !isBlocked(pair, changesRead));
    const sure = left.filter(({ exit }) => exit.strength !== 'possible');
    const sureTargets = [...new Set(sure.map(({ target }) => target))];
    const against = [...firstFourDistinct(reasonsAgainst(pairs)), ...sentences];
    // Without any information about a target, its exit cannot be ruled out.
    const known = everyOther && pairs.every(({ exit }) => exit.against.length > 0);
    return claimErrors(
      {
        claims: claimsByStrength(left, ({ exit }) => exit.strength),
        for: [timeoutText(left, evidence), ...firstFourDistinct(left.flatMap(({ exit }) => exit.for))],
        against,
        missing: left.length > sure.length ? missing(evidence) : [],
        fix: fixFor(sure.length > 0 ? sure : left, evidence),
        ...(sure.length > 0
          ? {
              summary: `${list(sureTargets.map((target) => nameOf(evidence.traffic, target, sure[0]?.errors[0]?.at)))} had left, and ${plural(countErrors(sure.flatMap(({ errors }) => errors)), 'connection')} to ${sureTargets.length === 1 ? 'it' : 'them'} timed out at 10 s.`,
            }
          : {}),
      },
      known ? ruledOut(against) : untested(),
    );
  },

  judgeWithoutErrors: judgeWithoutTimeouts,
});

/** EC2 warns two minutes before it reclaims a spot instance (EC2 user guide, spot interruption notices). */
const SPOT_FIX: Fix = {
  summary:
    'Act on the spot interruption notice, 2 min ahead: deregister the instance from its target groups, let it finish its requests, and start its replacement.',
  settings: ['ECS_ENABLE_SPOT_INSTANCE_DRAINING=true   # ECS agent on the instance'],
  commands: [
    command`aws autoscaling update-auto-scaling-group --auto-scaling-group-name ${'<group>'} --capacity-rebalance`,
  ],
  notes: [
    'On Kubernetes, aws-node-termination-handler or the interruption queue of Karpenter drains the node; an EventBridge rule on "EC2 Spot Instance Interruption Warning" can deregister it elsewhere.',
  ],
  sideEffects: ['Capacity rebalancing replaces instances at risk earlier than spot would take them.'],
};

function fixFor(left: readonly ConnectTimeout[], { traffic, changes, tags }: ConnectTimeoutEvidence): Fix {
  if (changes?.some(({ EventName }) => EventName === 'BidEvictedEvent')) return SPOT_FIX;
  const errors = left.flatMap((each) => each.errors);
  const times = drainTimes(traffic, errors);
  const platform = platformOf(errors, traffic, { tags, changes });
  const arns = [...new Set(left.map(({ arn }) => arn))].filter((arn) => arn !== '-').sort();
  return {
    summary:
      'Deregister a target first, and stop it only when the load balancer has stopped sending: some 15 s to 70 s later, and after its last request.',
    settings: drainSettings(times, platform),
    commands: [
      ...(platform === null ? [lifecycleHook(times.grace)] : []),
      ...arns.map((arn) => command`aws elbv2 describe-target-health --target-group-arn ${arn}`),
    ],
    notes: drainNotes(times, platform),
    sideEffects: ['Deployments and scale-in take longer by that time.'],
  };
}

/** Keeps an instance of an Auto Scaling group running until it is drained. */
const lifecycleHook = (graceSeconds: number) =>
  command`aws autoscaling put-lifecycle-hook --auto-scaling-group-name ${'<group>'} --lifecycle-hook-name drain --lifecycle-transition autoscaling:EC2_INSTANCE_TERMINATING --heartbeat-timeout ${Math.max(120, graceSeconds)}`;

function missing({ targetHealth, changes }: { targetHealth?: unknown; changes?: unknown }): string[] {
  return [
    ...(targetHealth === undefined ? ['Could not check target health: whether the target is still registered.'] : []),
    ...(changes === undefined
      ? ['Changes (CloudTrail) could not be read: they would show when the target was deregistered or stopped.']
      : []),
  ];
}

/** Targets that are all still registered share a sentence. */
function reasonsAgainst(pairs: readonly ConnectTimeout[]): string[] {
  const isThere = ({ exit, registration }: ConnectTimeout) => exit.strength === null && isStillRegistered(registration);
  const names = [...new Set(pairs.filter(isThere).map(({ name }) => name))];
  const apart = names.length < 2 ? pairs : pairs.filter((pair) => !isThere(pair));
  return [
    ...(names.length < 2 ? [] : [`${list(names, 4)} are still registered.`]),
    ...apart.flatMap(({ exit }) => exit.against),
  ];
}

const firstFourDistinct = (sentences: string[]): string[] => [...new Set(sentences)].slice(0, 4);
