import {
  blockedVerdict,
  checkPaths,
  isRemark,
  pathFacts,
  remarkText,
  unknownVerdict,
  unlessRoutesUnread,
} from '../network-path/port-verdicts.ts';
import { targetPaths } from '../network-path/target-paths.ts';
import { defineCheck } from './check.ts';

export const healthPortPath = defineCheck({
  id: 'health-port-path',
  step: 5,
  subject: 'the path to the health-check ports',
  question: 'Does the configuration let health checks reach every target?',
  why: 'A target whose health-check port is blocked counts as unhealthy; when all targets are unhealthy, the load balancer sends requests to all of them.',
  fix: 'Allow the health-check port out of the load balancer and into the target, like the traffic port.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html',
  needs: ['targetGroups', 'loadBalancer', 'securityGroups'],
  wants: ['networkAcls', 'subnets', 'routeTables', 'networkInterfaces', 'instances', 'prefixLists', 'targetHealth'],

  evaluate(evidence) {
    if (!evidence.targetHealth) {
      return {
        outcome: 'unknown',
        summary: 'Could not read target health, so the targets are unknown.',
      };
    }
    const paths = targetPaths(evidence).filter(({ healthPort }) => healthPort !== null);
    if (paths.length === 0) return { outcome: 'not-applicable', summary: 'No registered target has health checks.' };
    // The traffic port has its own check.
    const checkedPaths = checkPaths(
      paths.filter(({ healthPort, trafficPort }) => healthPort !== trafficPort),
      evidence,
      'health',
    );
    if (checkedPaths.length === 0) {
      return { outcome: 'not-applicable', summary: 'Health checks use the traffic port of every target.' };
    }
    const blocked = checkedPaths.filter((each) => each.answer.answer === 'blocked' && !isRemark(each));
    if (blocked.length > 0) return blockedVerdict(blocked, checkedPaths, 'a health-check port');
    const unknownPaths = checkedPaths.filter(({ answer }) => answer.answer === 'cannot-see');
    if (unknownPaths.length > 0) return unknownVerdict(unknownPaths, checkedPaths, 'a health-check port');
    const open =
      checkedPaths.length === 1
        ? 'The path to the health-check port is open.'
        : `All ${checkedPaths.length} paths to the health-check ports are open.`;
    const summary = `${open}${remarkText(checkedPaths.filter(isRemark))}`;
    return unlessRoutesUnread({ outcome: 'pass', summary, facts: pathFacts(checkedPaths) }, evidence);
  },
});
