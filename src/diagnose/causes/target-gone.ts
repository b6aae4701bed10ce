import { list, plural } from '../../format/wording.ts';
import {
  CONNECT_TIMEOUT_EVIDENCE,
  evidenceAgainstDrops,
  findConnectTimeouts,
  isBlocked,
  timeoutText,
} from '../connect-timeouts/connect-timeouts.ts';
import { countErrors } from '../traffic.ts';
import type { Strength } from './cause.ts';
import { defineCause } from './cause.ts';

const STRENGTHS: Strength[] = ['confirmed', 'likely', 'possible'];

export const targetGone = defineCause({
  id: 'target-gone',
  title: 'Target was already gone',
  explanation:
    'The load balancer still chose a target that had been deregistered, stopped or terminated: nothing answers at its address any more.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html',
  wants: CONNECT_TIMEOUT_EVIDENCE,

  judge(evidence, question) {
    const { sentences, everyOther } = evidenceAgainstDrops(evidence);
    const pairs = findConnectTimeouts(evidence, question);
    const changesRead = evidence.changes !== undefined;
    const left = pairs.filter((pair) => pair.exit.strength !== null && !isBlocked(pair, changesRead));
    const sure = left.filter(({ exit }) => exit.strength !== 'possible');
    return {
      claims: STRENGTHS.map((strength) => ({
        strength,
        errors: left.filter(({ exit }) => exit.strength === strength).flatMap(({ errors }) => errors),
      })).filter(({ errors }) => errors.length > 0),
      for:
        left.length > 0
          ? [timeoutText(left, evidence), ...firstFourDistinct(left.flatMap(({ exit }) => exit.for))]
          : [],
      against: [...firstFourDistinct(pairs.flatMap(({ exit }) => exit.against)), ...sentences],
      missing: left.length > sure.length ? missing(evidence) : [],
      // Where nothing is known of a target it cannot be ruled out.
      ruledOut: everyOther && left.length === 0 && pairs.every(({ exit }) => exit.against.length > 0),
      ...(sure.length > 0
        ? {
            summary: `${list([...new Set(sure.map(({ target }) => target))])} had left, and ${plural(countErrors(sure.flatMap(({ errors }) => errors)), 'connection')} to ${new Set(sure.map(({ target }) => target)).size === 1 ? 'it' : 'them'} timed out at 10 s.`,
          }
        : {}),
    };
  },

  fix({ traffic }) {
    const error = traffic.errors.find(({ signature }) => signature === 'connect-timeout');
    return {
      summary:
        'Deregister a target first, and stop it only when the load balancer has stopped sending: some 15 s to 70 s later, and after its last request.',
      commands: [
        'lifecycle: { preStop: { exec: { command: ["sleep", "30"] } } }   # Kubernetes; terminationGracePeriodSeconds above it',
        'aws autoscaling put-lifecycle-hook --auto-scaling-group-name <group> --lifecycle-hook-name drain --lifecycle-transition autoscaling:EC2_INSTANCE_TERMINATING --heartbeat-timeout 120',
        ...(error && error.target_group_arn !== '-'
          ? [`aws elbv2 describe-target-health --target-group-arn ${error.target_group_arn}`]
          : []),
      ],
      sideEffects: ['Deployments and scale-in take longer by that time.'],
    };
  },
});

function missing({ targetHealth, changes }: { targetHealth?: unknown; changes?: unknown }): string[] {
  return [
    ...(targetHealth === undefined ? ['Could not look at target health: whether the target is still registered.'] : []),
    ...(changes === undefined
      ? ['Changes (CloudTrail) were not read: when the target was deregistered or stopped.']
      : []),
  ];
}

const firstFourDistinct = (sentences: string[]): string[] => [...new Set(sentences)].slice(0, 4);
