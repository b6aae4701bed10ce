import type { CloudTrailEvent } from '../../evidence/aws.ts';
import { list, number, plural, utcTime } from '../../format/wording.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { splitTarget } from '../network-path/addresses.ts';
import { hostCommands } from '../network-path/host-commands.ts';
import {
  blockedVerdict,
  type CheckedPath,
  checkPaths,
  isRemark,
  pathFacts,
  relevantPaths,
  remarkText,
  unknownVerdict,
  unlessRoutesUnread,
} from '../network-path/port-verdicts.ts';
import { pathChanges } from '../network-path/rule-changes.ts';
import { targetPaths } from '../network-path/target-paths.ts';
import type { PathResult } from '../network-path/types.ts';
import { nameOf } from '../traffic.ts';
import { defineCheck } from './check.ts';

export const trafficPortPath = defineCheck({
  id: 'traffic-port-path',
  step: 5,
  subject: 'the path to the traffic ports',
  question: 'Does the configuration let traffic to every target through, and the responses back?',
  why: 'If a security group or network ACL drops the connection, the load balancer waits 10 s and answers 504.',
  fix: 'Allow the traffic port out of the load balancer and into the target, and TCP 1024-65535 back through both network ACLs.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-update-security-groups.html',
  namedBy: ['network-acl-blocked', 'security-group-blocked'],
  headline: 1,
  needs: ['targetGroups', 'loadBalancer', 'securityGroups'],
  wants: [
    'networkAcls',
    'subnets',
    'routeTables',
    'networkInterfaces',
    'instances',
    'prefixLists',
    'targetHealth',
    'traffic',
    'changes',
  ],

  evaluate(evidence, question) {
    const { traffic } = evidence;
    const targetText = (target: string) => (traffic === undefined ? target : nameOf(traffic, target));
    const checkedPaths = relevantPaths(checkPaths(targetPaths(evidence), evidence, 'traffic'));
    if (checkedPaths.length === 0) {
      return evidence.targetHealth || evidence.traffic
        ? { outcome: 'not-applicable', summary: 'No target with an address is registered or in the log.' }
        : {
            outcome: 'unknown',
            summary: 'Could not read target health or the log, so the targets are unknown.',
          };
    }
    const blocked = checkedPaths.filter((each) => each.answer.answer === 'blocked' && !isRemark(each));
    if (blocked.length > 0) return blockedVerdict(blocked, checkedPaths, 'a traffic port', targetText);
    const unknownPaths = checkedPaths.filter(({ answer }) => answer.answer === 'cannot-see');
    if (unknownPaths.length > 0) return unknownVerdict(unknownPaths, checkedPaths, 'a traffic port');

    const all = checkedPaths.length === 2 ? 'both' : `all ${checkedPaths.length}`;
    const open = openText(checkedPaths);
    const brief = checkedPaths.length === 1 ? 'the path is open' : `${all} paths open`;
    const remark = remarkText(checkedPaths.filter(isRemark));
    const cautions = checkedPaths.flatMap(({ answer }) => (answer.answer === 'allowed' ? answer.cautions : []));
    const caution = cautions[0] ? ` ${cautions[0]}` : '';
    const late = checkedPaths.filter(({ timeouts }) => timeouts > 0);
    const first = late[0] && splitTarget(late[0].path.target);
    if (!first) {
      const answered = checkedPaths.reduce((sum, each) => sum + (each.answered ?? 0), 0);
      const answering = checkedPaths.filter((each) => (each.answered ?? 0) > 0).length;
      const rows =
        answered === 0
          ? '.'
          : `; ${plural(answered, 'request')} to ${whoAnswered(answering, checkedPaths.length)} succeeded.`;
      const summary = `${open}${rows}${remark}${caution}`;
      return unlessRoutesUnread({ outcome: 'pass', summary, brief, facts: pathFacts(checkedPaths) }, evidence);
    }
    const timeouts = late.reduce((sum, each) => sum + each.timeouts, 0);
    const verdict: CheckVerdict = {
      outcome: 'pass',
      summary: `${open}. ${plural(timeouts, 'connection')} to ${list(late.map(({ path }) => targetText(path.target)))} still timed out: look inside the host${changeCaveat(late, evidence.changes, question.from)}.${remark}${caution}`,
      brief,
      facts: [
        ...pathFacts(checkedPaths),
        ...hostCommands(first.address, first.port).map((command) => ({ label: 'look inside', value: command })),
      ],
    };
    return unlessRoutesUnread(verdict, evidence);
  },
});

/** "The paths to all 3 registered targets are open": without the full stop. */
function openText(paths: readonly CheckedPath[]): string {
  const isRegistered = paths.map(({ path }) => path.registered);
  const registered = isRegistered.every(Boolean) ? 'registered ' : '';
  const logged = isRegistered.some(Boolean) ? '' : ' in the log';
  if (paths.length === 1) return `The path to the only ${registered}target${logged} is open`;
  return `The paths to ${paths.length === 2 ? 'both' : `all ${number(paths.length)}`} ${registered}targets${logged} are open`;
}

/** Continues the sentence about the open paths. */
const whoAnswered = (answering: number, targets: number): string =>
  targets === 1 ? 'it' : answering === targets ? 'them' : `${number(answering)} of them`;

/** Warns that the rules that were read are the current ones. */
function changeCaveat(
  late: readonly { answer: PathResult }[],
  events: readonly CloudTrailEvent[] | undefined,
  from: number,
): string {
  if (events === undefined) return ', unless the rules were different then (changes were not read)';
  const resources = [...new Set(late.flatMap(({ answer }) => answer.resources))];
  const change = pathChanges(events, resources).findLast(({ at }) => at >= from);
  return change
    ? `, unless the rules were different then: ${change.name} changed ${change.resource} at ${utcTime(change.at)}`
    : '';
}
