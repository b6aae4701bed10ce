/** IAM actions that name targets and their deployments, by service. */
export const NAMING_ACTIONS = {
  ecs: [
    'ecs:ListClusters',
    'ecs:ListServices',
    'ecs:DescribeServices',
    'ecs:ListTasks',
    'ecs:DescribeTasks',
    'ecs:DescribeTaskDefinition',
    'ecs:DescribeContainerInstances',
    'ecs:ListServiceDeployments',
    'ecs:DescribeServiceDeployments',
    'ecs:DescribeServiceRevisions',
  ],
  tags: ['elasticloadbalancing:DescribeTags'],
  scaling: ['autoscaling:DescribeScalingActivities', 'autoscaling:DescribeLifecycleHooks'],
  codeDeploy: ['codedeploy:ListDeployments', 'codedeploy:BatchGetDeployments'],
  aliases: ['lambda:GetAlias'],
} as const;

export type NamingAction = (typeof NAMING_ACTIONS)[keyof typeof NAMING_ACTIONS][number];
export type EcsAction = (typeof NAMING_ACTIONS.ecs)[number];
