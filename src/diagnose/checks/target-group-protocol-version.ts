import type { TargetGroup } from '../../evidence/aws.ts';
import { list, plural } from '../../format/wording.ts';
import { attachedGroups } from '../network-path/target-paths.ts';
import { unseenRequests } from '../no-errors.ts';
import { groupBy, type Traffic } from '../traffic.ts';
import { defineCheck } from './check.ts';

/** Requests without a success from which the version is suspect. */
const ENOUGH_REQUESTS = 5;

export const targetGroupProtocolVersion = defineCheck({
  id: 'target-group-protocol-version',
  step: 2,
  subject: 'the protocol version of the target groups',
  question: 'Do clients and targets use the protocol version of the target group?',
  why: 'A request in another version gets a 464; a target that does not speak HTTP/2 closes the connection.',
  fix: 'Create a target group with the right version and point the listener to it: the version of a group cannot be changed.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html',
  needs: ['targetGroups'],
  wants: ['loadBalancer', 'traffic'],

  evaluate(evidence) {
    const groups = attachedGroups(evidence);
    if (groups.length === 0) return { outcome: 'not-applicable', summary: 'No target group with addresses is in use.' };
    const facts = groups.map((group) => ({ label: group.TargetGroupName, value: versionOf(group) }));
    const { traffic } = evidence;
    const findings = traffic
      ? groups.flatMap((group) => mismatched(group, traffic) ?? unanswered(group, traffic) ?? [])
      : [];
    if (findings.length > 0) return { outcome: 'fail', summary: findings.join(' '), facts };
    const special = groups.filter((group) => versionOf(group) !== 'HTTP1');
    const unseen = unseenRequests(traffic);
    if (unseen !== null) {
      const set = list(
        [...groupBy(groups, versionOf)].map(
          ([version, same]) =>
            `${groupNames(same)} ${same.length === 1 ? 'is' : 'are'} set to ${version === 'HTTP1' ? 'HTTP/1.1' : version}`,
        ),
      );
      return {
        outcome: 'unknown',
        summary: `${set}; could not check whether the traffic is consistent with that: ${unseen.words}.`,
        facts,
        ...(unseen.missing ? { missing: true } : {}),
      };
    }
    const summary =
      special.length > 0
        ? `${list(special.map((group) => `${group.TargetGroupName} uses ${versionOf(group)}`))}; requests succeeded or none were sent.`
        : `${groupNames(groups)} ${groups.length === 1 ? 'uses' : 'use'} HTTP/1.1 with keep-alive.`;
    return { outcome: 'pass', summary, facts };
  },
});

/** The group's version; HTTP1 is the default. */
const versionOf = ({ ProtocolVersion }: TargetGroup): string => ProtocolVersion ?? 'HTTP1';
const groupNames = (groups: TargetGroup[]): string => list(groups.map(({ TargetGroupName }) => TargetGroupName));

/** 464: the request's protocol version does not match the group's. */
function mismatched(group: TargetGroup, { log }: Traffic): string | null {
  const count = log.statuses
    .filter((each) => each.target_group_arn === group.TargetGroupArn && each.elb_status_code === '464')
    .reduce((sum, { requests }) => sum + requests, 0);
  if (count === 0) return null;
  return `${plural(count, 'request')} to ${group.TargetGroupName} got a 464: the group takes ${versionOf(group)}, and they came in another version.`;
}

function unanswered(group: TargetGroup, { log }: Traffic): string | null {
  if (versionOf(group) === 'HTTP1') return null;
  const targets = log.targets.filter(({ target_group_arn }) => target_group_arn === group.TargetGroupArn);
  const requests = targets.reduce((sum, each) => sum + each.requests, 0);
  if (requests < ENOUGH_REQUESTS || targets.some(({ lastSuccess }) => lastSuccess !== null)) return null;
  const failures = targets.reduce((sum, each) => sum + each.failures, 0);
  if (failures < requests) return null;
  return `None of ${plural(requests, 'request')} to ${group.TargetGroupName} succeeded over ${versionOf(group)}: its targets may speak HTTP/1.1 only.`;
}
