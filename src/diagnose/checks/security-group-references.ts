import { list } from '../../format/wording.ts';
import type { PathResult } from '../network-path/path.ts';
import { targetPaths } from '../network-path/target-paths.ts';
import { defineCheck } from './check.ts';

export const securityGroupReferences = defineCheck({
  id: 'security-group-references',
  step: 5,
  question: 'Do the rules between load balancer and targets name security groups that are really attached?',
  why: 'A rule that names a group matches only interfaces that carry it now: when the load balancer changes groups, the rule stays and admits nobody.',
  fix: 'Name the group that the load balancer carries now, or attach the named group to it again.',
  reference: 'https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html',
  needs: ['targetGroups', 'loadBalancer', 'securityGroups'],
  wants: ['networkInterfaces', 'instances', 'subnets', 'networkAcls', 'prefixLists', 'targetHealth', 'traffic'],

  evaluate(evidence) {
    const paths = targetPaths(evidence);
    // Targets that left have no interface any more; they count only when nothing is registered.
    const now = paths.filter(({ registered }) => registered);
    const counted = now.length > 0 ? now : paths;
    const answers = counted.flatMap(({ traffic, health }) => [traffic, ...(health ? [health] : [])]);
    if (answers.length === 0) {
      return evidence.targetHealth || evidence.traffic
        ? { outcome: 'not-applicable', summary: 'No target with an address is registered, and the log names none.' }
        : {
            outcome: 'unknown',
            summary: 'Could not check the targets: neither target health nor the log could be read.',
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
        facts: named.map((id) => ({ label: 'named, not attached', value: id })),
      };
    }
    const missing = [...new Set(answers.flatMap(missingGroups))];
    if (missing.length > 0) return { outcome: 'unknown', summary: `Could not check ${list(missing)}.`, missing: true };
    const groups = evidence.loadBalancer.SecurityGroups ?? [];
    return {
      outcome: 'pass',
      summary: `No rule for these ports depends on a group that is not attached; the load balancer carries ${list(groups)}.`,
    };
  },
});

const missingGroups = (answer: PathResult): string[] =>
  answer.answer === 'allowed' ? [] : answer.missing.filter(({ by }) => by === 'security-group').map(({ what }) => what);
