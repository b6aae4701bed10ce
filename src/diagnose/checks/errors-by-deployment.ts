import type { NetworkInterface } from '../../evidence/aws.ts';
import { list, outOf } from '../../format/wording.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { eventOutlines } from '../events/outlines.ts';
import { splitTarget } from '../network-path/addresses.ts';
import { deploymentErrors, deploymentSentence } from '../patterns/deployment-errors.ts';
import {
  failingRevisionSentence,
  failingRevisions,
  revisionErrors,
  revisionsSentence,
} from '../patterns/revision-errors.ts';
import { deploymentsOf } from '../targets/deployments.ts';
import { ECS_TASK, interfaceOwner } from '../targets/interface-owner.ts';
import type { Traffic } from '../traffic.ts';
import { defineCheck } from './check.ts';

/** The number of deployments in the summary, newest first. */
const TOLD = 3;

export const errorsByDeployment = defineCheck({
  id: 'errors-by-deployment',
  step: 6,
  subject: 'deployments',
  question: 'Do all revisions fail alike, and did no deployment change the error rate?',
  why: 'If the errors began with a deployment, or only its revision has them, it is the first suspect; if old and new targets fail alike, it is not.',
  fix: 'Roll back to the previous revision, then compare how the two revisions handle the failing requests.',
  reference: 'https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-options.html',
  symptom: true,
  needs: ['traffic'],
  wants: [
    'changes',
    'codeDeployments',
    'networkInterfaces',
    'scalingActivities',
    'serviceDeployments',
    'serviceRevisions',
    'services',
    'targetGroups',
  ],

  evaluate({ traffic, networkInterfaces = [], ...evidence }, question): CheckVerdict {
    if (traffic.errorCount === 0)
      return { outcome: 'not-applicable', summary: 'The log has no error to compare with deployments.' };
    const { changes, codeDeployments, scalingActivities, serviceDeployments, services } = evidence;
    const read = [changes, codeDeployments, scalingActivities, serviceDeployments, services];
    const deployed = deploymentErrors(deploymentsOf(evidence, question), traffic, question);
    const failing = failingRevisions(traffic);
    const alike = revisionErrors(traffic).filter(
      ([first]) => !failing.some(({ service, cluster }) => service === first?.service && cluster === first.cluster),
    );
    if (deployed.length === 0 && failing.length === 0 && alike.length === 0) {
      if (read.every((one) => one === undefined))
        return {
          outcome: 'unknown',
          summary: `Could not check deployments: there is no data from CloudTrail, ECS, CodeDeploy or Auto Scaling.${addressesSentence(traffic, networkInterfaces)}`,
          missing: true,
        };
      return {
        outcome: 'not-applicable',
        summary: `${noRecordText(traffic)}${addressesSentence(traffic, networkInterfaces)}`,
      };
    }
    const suspects = deployed.filter(
      ({ change, revisionsAlike }) => (change === 'began' || change === 'ended') && !revisionsAlike,
    );
    const sentences = [
      ...failing.map(failingRevisionSentence),
      ...deployed.slice(-TOLD).map((one) =>
        deploymentSentence(
          one,
          failing.some(({ revision }) => revision === one.deployment.revision),
        ),
      ),
      ...alike.map(revisionsSentence),
    ];
    const [revision] = failing;
    const brief =
      revision === undefined
        ? `the errors began with ${suspects[0]?.deployment.name}`
        : `only ${revision.revision} fails`;
    return failing.length > 0 || suspects.length > 0
      ? { outcome: 'fail', summary: sentences.join(' '), brief }
      : { outcome: 'pass', summary: sentences.join(' ') };
  },
});

const failingTargets = ({ errors }: Traffic): string[] =>
  [...new Set(errors.map(({ target }) => target))].filter((target) => target !== '-');

/** " Their addresses are those of ECS tasks (6 of 6)." Empty if their owners are known by name. */
function addressesSentence(traffic: Traffic, interfaces: readonly NetworkInterface[]): string {
  const targets = failingTargets(traffic);
  const owners = targets.flatMap((target) =>
    traffic.owners.all(target).length > 0
      ? []
      : (interfaceOwner(splitTarget(target)?.address ?? target, interfaces) ?? []),
  );
  const counted = [...Map.groupBy(owners, (owner) => owner)]
    .sort(([a, left], [b, right]) => right.length - left.length || (a < b ? -1 : 1))
    .map(([owner, own]) => {
      const words = owner === ECS_TASK && own.length > 1 ? 'ECS tasks' : owner;
      return targets.length === 1 ? words : `${words} (${outOf(own.length, targets.length)})`;
    });
  if (counted.length === 0) return '';
  return targets.length === 1
    ? ` Its address is that of ${list(counted)}.`
    : ` Their addresses are those of ${list(counted)}.`;
}

/** Targets may be replaced without a deployment, or by one that neither ECS nor CodeDeploy has a record of. */
const noRecordText = (traffic: Traffic): string =>
  eventOutlines(traffic).some(({ kind }) => kind === 'rollout')
    ? 'Targets left and others joined, without a deployment on record (ECS, CodeDeploy, instance refresh).'
    : failingTargets(traffic).length > 0
      ? `Found no deployment of the failing ${failingTargets(traffic).length === 1 ? 'target' : 'targets'} (ECS, CodeDeploy, instance refresh).`
      : 'Found no deployment (ECS, CodeDeploy, instance refresh).';
