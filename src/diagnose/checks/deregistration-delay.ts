import { list, plural, wholeSeconds } from '../../format/wording.ts';
import { attachedGroups } from '../network-path/target-paths.ts';
import { unseenRequests } from '../no-errors.ts';
import { countErrors, withSignature } from '../traffic.ts';
import { defineCheck } from './check.ts';

const KEY = 'deregistration_delay.timeout_seconds';

export const deregistrationDelay = defineCheck({
  id: 'deregistration-delay',
  step: 6,
  subject: 'the deregistration delay',
  question: 'Do deregistered targets get enough time to finish their requests?',
  why: 'When the deregistration delay ends, the load balancer aborts requests still in flight with a 502; with 0 s it aborts them immediately.',
  fix: 'Set the deregistration delay above the longest request that should survive a deployment.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html',
  namedBy: ['deregistration-delay-elapsed', 'shutdown-before-drain', 'target-gone'],
  needs: ['targetGroups', 'targetGroupAttributes'],
  wants: ['loadBalancer', 'traffic'],

  evaluate(evidence) {
    const groups = attachedGroups(evidence).map((group) => ({
      ...group,
      delay: Number(evidence.targetGroupAttributes[group.TargetGroupArn]?.[KEY] ?? Number.NaN),
    }));
    if (groups.length === 0) return { outcome: 'not-applicable', summary: 'No target group with addresses is in use.' };
    const read = groups.filter(({ delay }) => Number.isFinite(delay));
    const facts = read.map(({ TargetGroupName, delay }) => ({
      label: `${TargetGroupName} deregistration delay`,
      value: delay,
      unit: 'seconds' as const,
    }));
    const aborted = evidence.traffic ? withSignature(evidence.traffic, 'no-response-aborted') : [];
    const cut = read.flatMap(({ TargetGroupArn, TargetGroupName, delay }) => {
      const errors = aborted.filter(({ target_group_arn }) => target_group_arn === TargetGroupArn);
      const count = plural(countErrors(errors), 'request');
      return errors.length > 0
        ? [
            `The load balancer ended ${count} to ${TargetGroupName} before any response; ${TargetGroupName} has a deregistration delay of ${wholeSeconds(delay)}.`,
          ]
        : [];
    });
    if (cut.length > 0) return { outcome: 'fail', summary: cut.join(' '), facts };
    if (read.length < groups.length) {
      const unread = groups
        .filter(({ delay }) => !Number.isFinite(delay))
        .map(({ TargetGroupName }) => TargetGroupName);
      return { outcome: 'unknown', summary: `Could not read the deregistration delay of ${list(unread)}.`, facts };
    }
    const says = list(read.map(({ TargetGroupName, delay }) => `${TargetGroupName} ${wholeSeconds(delay)}`));
    const abrupt = read.filter(({ delay }) => delay === 0).map(({ TargetGroupName }) => TargetGroupName);
    const unseen = unseenRequests(evidence.traffic);
    if (unseen !== null) {
      const when = abrupt.length > 0 ? 'immediately' : 'when the delay ends';
      return {
        outcome: 'unknown',
        summary: `Deregistration delay: ${says}. The load balancer aborts requests in flight ${when}; could not check whether any was aborted: ${unseen.words}.`,
        facts,
        ...(unseen.missing ? { missing: true } : {}),
      };
    }
    const remark =
      abrupt.length > 0
        ? `. When a target of ${list(abrupt)} is deregistered, its requests in flight are aborted immediately; none was aborted here`
        : '';
    return { outcome: 'pass', summary: `Deregistration delay: ${says}${remark}.`, facts };
  },
});
