import { list } from '../../format/wording.ts';
import { targetPaths } from '../network-path/target-paths.ts';
import type { PathResult } from '../network-path/types.ts';
import { defineCheck } from './check.ts';

export const securityGroupReferences = defineCheck({
  id: 'security-group-references',
  step: 5,
  subject: 'which security groups the rules refer to',
  question: 'Are the security groups that rules between load balancer and targets reference attached?',
  why: 'A rule that references a group matches only interfaces in that group. When the load balancer changes groups, the rule stays but matches nothing.',
  fix: "Reference the load balancer's current security group, or attach the referenced group to it again.",
  reference: 'https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html',
  needs: ['targetGroups', 'loadBalancer', 'securityGroups'],
  wants: ['networkInterfaces', 'instances', 'subnets', 'networkAcls', 'prefixLists', 'targetHealth', 'traffic'],

  evaluate(evidence) {
    const paths = targetPaths(evidence);
    // A target that left has no interface any more, so it counts only if nothing is registered.
    const now = paths.filter(({ registered }) => registered);
    const counted = now.length > 0 ? now : paths;
    const answers = counted.flatMap(({ traffic, health }) => [traffic, ...(health ? [health] : [])]);
    if (answers.length === 0) {
      return evidence.targetHealth || evidence.traffic
        ? { outcome: 'not-applicable', summary: 'No target with an address is registered or in the log.' }
        : {
            outcome: 'unknown',
            summary: 'Could not read target health or the log, so the targets are unknown.',
            missing: true,
          };
    }
    const dangling = answers
      .flatMap((answer) => (answer.answer === 'blocked' ? answer.blocks : []))
      .filter(({ danglingReferences }) => danglingReferences.length > 0);
    const [first] = dangling;
    if (first) {
      const named = [...new Set(dangling.flatMap(({ danglingReferences }) => danglingReferences))].sort();
      return {
        outcome: 'fail',
        summary: `${first.sentence}.`,
        facts: named.map((id) => ({ label: 'referenced, not attached', value: id })),
      };
    }
    const missing = [...new Set(answers.flatMap(missingGroups))];
    if (missing.length > 0) return { outcome: 'unknown', summary: `Could not check ${list(missing)}.`, missing: true };
    const groups = evidence.loadBalancer.SecurityGroups ?? [];
    return {
      outcome: 'pass',
      summary: `Every security group that the targets' rules allow is attached to the load balancer (${list(groups)}).`,
    };
  },
});

const missingGroups = (answer: PathResult): string[] =>
  answer.answer === 'allowed' ? [] : answer.missing.filter(({ by }) => by === 'security-group').map(({ what }) => what);
