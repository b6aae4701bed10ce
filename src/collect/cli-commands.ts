/**
 * The AWS CLI commands with which an operator can see a piece of evidence. Pure. A live run and a recorded one use the
 * same command, so that both give the same diagnosis.
 */

import type { Evidence, EvidenceName, NamingEvidenceName } from '../evidence/evidence.ts';
import type { Question } from '../evidence/question.ts';
import { type Command, command } from '../format/command.ts';
import { resourceOf } from './find-load-balancer.ts';

/** Known context; each detail makes a command more specific. */
export interface CommandDetails {
  vpcId?: string | undefined;
  listenerArns?: string[];
  targetGroupArns?: string[];
  functionArns?: string[];
  prefixListIds?: string[];
  clusterArns?: string[];
  serviceNames?: string[];
  taskArns?: string[];
  taskDefinitionArns?: string[];
  containerInstanceArns?: string[];
  serviceDeploymentArns?: string[];
  serviceRevisionArns?: string[];
  scalingGroups?: string[];
  deploymentIds?: string[];
  /** Epoch milliseconds of the oldest known change. */
  oldestChange?: number;
}

const onlyOrEach = (values: readonly string[] | undefined, what: string): string =>
  values?.length === 1 && values[0] !== undefined ? values[0] : `<each ${what}>`;

const inVpc = (vpcId: string | undefined): string[] =>
  vpcId === undefined ? [] : ['--filters', `Name=vpc-id,Values=${vpcId}`];

/** Milliseconds before the window from which changes are searched. */
export const CHANGES_BEFORE = 24 * 3_600_000;

/** CodeDeploy deployments are searched from an hour before the window, milliseconds. */
export const deploymentsSince = ({ from }: Pick<Question, 'from'>): number => from - 3_600_000;

const clustersOf = (items: readonly { clusterArn?: string | undefined }[]): string[] =>
  [...new Set(items.flatMap(({ clusterArn }) => clusterArn ?? []))].sort();

/** The details that each piece of evidence adds to its own command. */
export const NAMING_DETAILS: { [Name in NamingEvidenceName]: (value: Evidence[Name]) => CommandDetails } = {
  functionAliases: (value) => ({ functionArns: Object.keys(value) }),
  tags: (value) => ({
    targetGroupArns: value.map(({ ResourceArn }) => ResourceArn).filter((arn) => !arn.includes(':loadbalancer/')),
  }),
  services: (value) => ({
    clusterArns: clustersOf(value),
    serviceNames: value.map(({ serviceName }) => serviceName),
  }),
  tasks: (value) => ({ clusterArns: clustersOf(value), taskArns: value.map(({ taskArn }) => taskArn) }),
  taskDefinitions: (value) => ({ taskDefinitionArns: Object.keys(value) }),
  containerInstances: (value) => ({
    containerInstanceArns: value.map(({ containerInstanceArn }) => containerInstanceArn),
  }),
  serviceDeployments: (value) => ({
    serviceDeploymentArns: value.map(({ serviceDeploymentArn }) => serviceDeploymentArn),
  }),
  serviceRevisions: (value) => ({ serviceRevisionArns: value.map(({ serviceRevisionArn }) => serviceRevisionArn) }),
  scalingActivities: (value) => ({ scalingGroups: Object.keys(value) }),
  lifecycleHooks: (value) => ({ scalingGroups: Object.keys(value) }),
  codeDeployments: (value) => ({ deploymentIds: value.flatMap(({ deploymentId }) => deploymentId ?? []) }),
};

const iso = (time: number): string => new Date(time).toISOString().replace('.000Z', 'Z');

export function commandFor(
  name: Exclude<EvidenceName, 'accessLog'>,
  question: Question,
  details: CommandDetails,
): Command {
  const { loadBalancer, from, to, now } = question;
  const arn = loadBalancer.arn ?? `<ARN of ${loadBalancer.name}>`;
  const between = ['--start-time', iso(from), '--end-time', iso(to)];
  switch (name) {
    case 'loadBalancer':
      return command`aws elbv2 describe-load-balancers --names ${loadBalancer.name}`;
    case 'attributes':
      return command`aws elbv2 describe-load-balancer-attributes --load-balancer-arn ${arn}`;
    case 'listeners':
      return command`aws elbv2 describe-listeners --load-balancer-arn ${arn}`;
    case 'rules':
      return command`aws elbv2 describe-rules --listener-arn ${onlyOrEach(details.listenerArns, 'listener')}`;
    case 'targetGroups':
      return command`aws elbv2 describe-target-groups --load-balancer-arn ${arn}`;
    case 'targetGroupAttributes':
      return command`aws elbv2 describe-target-group-attributes --target-group-arn ${onlyOrEach(details.targetGroupArns, 'target group')}`;
    case 'targetHealth':
      return command`aws elbv2 describe-target-health --include AnomalyDetection --target-group-arn ${onlyOrEach(details.targetGroupArns, 'target group')}`;
    case 'securityGroups':
      return command`aws ec2 describe-security-groups ${inVpc(details.vpcId)}`;
    case 'networkAcls':
      return command`aws ec2 describe-network-acls ${inVpc(details.vpcId)}`;
    case 'subnets':
      return command`aws ec2 describe-subnets ${inVpc(details.vpcId)}`;
    case 'routeTables':
      return command`aws ec2 describe-route-tables ${inVpc(details.vpcId)}`;
    case 'networkInterfaces':
      return command`aws ec2 describe-network-interfaces ${inVpc(details.vpcId)}`;
    case 'instances':
      return command`aws ec2 describe-instances ${inVpc(details.vpcId)}`;
    case 'prefixLists':
      return command`aws ec2 get-managed-prefix-list-entries --prefix-list-id ${onlyOrEach(details.prefixListIds, 'prefix list')}`;
    case 'functions':
      return command`aws lambda get-function-configuration --function-name ${onlyOrEach(details.functionArns, 'function')}`;
    case 'functionAliases':
      return command`aws lambda get-alias --function-name ${onlyOrEach(details.functionArns, 'function')} --name ${'<alias>'}`;
    case 'tags':
      return command`aws elbv2 describe-tags --resource-arns ${[arn, ...(details.targetGroupArns ?? ['<each target group>'])]}`;
    case 'services':
      return command`aws ecs describe-services --cluster ${onlyOrEach(details.clusterArns, 'cluster')} --services ${onlyOrEach(details.serviceNames, 'service')}`;
    case 'tasks':
      return command`aws ecs describe-tasks --cluster ${onlyOrEach(details.clusterArns, 'cluster')} --tasks ${onlyOrEach(details.taskArns, 'task, running and stopped')}`;
    case 'taskDefinitions':
      return command`aws ecs describe-task-definition --task-definition ${onlyOrEach(details.taskDefinitionArns, 'task definition')}`;
    case 'containerInstances':
      return command`aws ecs describe-container-instances --cluster ${onlyOrEach(details.clusterArns, 'cluster')} --container-instances ${onlyOrEach(details.containerInstanceArns, 'container instance')}`;
    case 'scalingActivities':
      return command`aws autoscaling describe-scaling-activities --auto-scaling-group-name ${onlyOrEach(details.scalingGroups, 'Auto Scaling group')}`;
    case 'lifecycleHooks':
      return command`aws autoscaling describe-lifecycle-hooks --auto-scaling-group-name ${onlyOrEach(details.scalingGroups, 'Auto Scaling group')}`;
    case 'serviceDeployments':
      return command`aws ecs describe-service-deployments --service-deployment-arns ${onlyOrEach(details.serviceDeploymentArns, 'deployment of list-service-deployments')}`;
    case 'serviceRevisions':
      return command`aws ecs describe-service-revisions --service-revision-arns ${onlyOrEach(details.serviceRevisionArns, 'revision of list-service-deployments')}`;
    case 'codeDeployments':
      return command`aws deploy batch-get-deployments --deployment-ids ${onlyOrEach(details.deploymentIds, 'deployment of list-deployments')}`;
    case 'changes':
      return command`aws cloudtrail lookup-events --lookup-attributes AttributeKey=ReadOnly,AttributeValue=false --start-time ${iso(Math.min(from - CHANGES_BEFORE, details.oldestChange ?? from))} --end-time ${iso(now)}`;
    case 'edge':
      return command`aws cloudfront list-distributions`;
    case 'metrics': {
      const value = resourceOf(loadBalancer.arn) ?? `app/${loadBalancer.name}/<id>`;
      return command`aws cloudwatch get-metric-statistics --namespace AWS/ApplicationELB --metric-name HTTPCode_ELB_5XX_Count --dimensions Name=LoadBalancer,Value=${value} ${between} --period 60 --statistics Sum`;
    }
  }
}
