/** Probes every call of a diagnosis except those for the access log, each once and small. */
import { CloudFrontClient, ListDistributionsCommand } from '@aws-sdk/client-cloudfront';
import { CloudTrailClient, LookupEventsCommand } from '@aws-sdk/client-cloudtrail';
import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import {
  DescribeInstancesCommand,
  DescribeManagedPrefixListsCommand,
  DescribeNetworkAclsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  EC2Client,
  GetManagedPrefixListEntriesCommand,
} from '@aws-sdk/client-ec2';
import {
  DescribeListenersCommand,
  DescribeRulesCommand,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { Session } from '../collect/aws/session.ts';
import { list, plural } from '../format/wording.ts';
import type { DoctorFinding } from './finding.ts';
import { checkNamingPermissions } from './naming-permissions.ts';
import { type Probe, probeFinding } from './probe.ts';

/** A nonexistent prefix list: an allowed call gets "not found". */
const NO_PREFIX_LIST = 'pl-00000000';
/** A nonexistent function, for the same reason. */
const NO_FUNCTION = 'alb502-no-such-function';
const MINUTE = 60_000;

/** `loadBalancerArn`: a load balancer to probe; null skips calls that need a listener or target group. */
export async function checkPermissions(
  session: Session,
  { loadBalancerArn, account, now }: { loadBalancerArn: string | null; account: string; now: number },
): Promise<DoctorFinding[]> {
  const probes = [
    ...networkProbes(session),
    ...otherProbes(session, { account, now }),
    ...(loadBalancerArn === null ? [] : await loadBalancerProbes(session, loadBalancerArn)),
  ];
  const naming = checkNamingPermissions(session, { loadBalancerArn, functions: functionsOf(session, account) });
  const findings = (await Promise.all(probes.map((probe) => probeFinding(session, probe)))).filter(
    (one) => one !== null,
  );
  const allowed = probes.length - findings.length;
  const untried = untriedFindings(probes, loadBalancerArn);
  if (allowed === 0) return [...findings, ...untried, ...(await naming)];
  const tried = `${allowed === probes.length ? 'all' : `${allowed} of`} ${plural(probes.length, 'call')} for configuration, network, metrics and changes allowed`;
  return [{ about: 'Permissions', state: 'ok', text: tried }, ...findings, ...untried, ...(await naming)];
}

/** Calls that need an ARN, skipped if no load balancer is named or it has no such resource. */
const NEED_ARN = [
  'DescribeListeners',
  'DescribeTargetGroups',
  'DescribeRules',
  'DescribeTargetGroupAttributes',
  'DescribeTargetHealth',
];

function untriedFindings(probes: readonly Probe[], loadBalancerArn: string | null): DoctorFinding[] {
  const tried = new Set(probes.map(({ action }) => action));
  const untried = NEED_ARN.filter((action) => !tried.has(`elasticloadbalancing:${action}`));
  if (untried.length === 0) return [];
  const why =
    loadBalancerArn === null
      ? 'no load balancer is named; alb502 doctor <name> tries them'
      : 'there is no listener or no target group to ask about';
  return [{ about: 'Permission', state: 'untried', text: `elasticloadbalancing:${list(untried)}: ${why}` }];
}

/** Returns an ARN that matches every function of the account, for a policy. */
function functionsOf({ place: { region } }: Session, account: string): string {
  const partition = region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
  return `arn:${partition}:lambda:${region}:${account}:function:*`;
}

const everywhere = '*';

function networkProbes(session: Session): Probe[] {
  const client = session.client(EC2Client);
  const MaxResults = 5;
  const probe = (action: string, without: string, call: Probe['call']): Probe => ({
    action: `ec2:${action}`,
    resource: everywhere,
    without,
    call,
  });
  return [
    probe('DescribeSecurityGroups', 'whether a security group blocks the path is unknown', (options) =>
      client.send(new DescribeSecurityGroupsCommand({ MaxResults }), options),
    ),
    probe('DescribeNetworkAcls', 'whether a network ACL blocks the path is unknown', (options) =>
      client.send(new DescribeNetworkAclsCommand({ MaxResults }), options),
    ),
    probe('DescribeSubnets', 'which subnets the path crosses is unknown', (options) =>
      client.send(new DescribeSubnetsCommand({ MaxResults }), options),
    ),
    probe('DescribeRouteTables', 'whether there is a route to a target is unknown', (options) =>
      client.send(new DescribeRouteTablesCommand({ MaxResults }), options),
    ),
    probe('DescribeNetworkInterfaces', 'which security groups a target has is unknown', (options) =>
      client.send(new DescribeNetworkInterfacesCommand({ MaxResults }), options),
    ),
    probe('DescribeInstances', 'whether an instance is stopped or gone is unknown', (options) =>
      client.send(new DescribeInstancesCommand({ MaxResults }), options),
    ),
    probe('DescribeManagedPrefixLists', 'which clients are edge locations of CloudFront is unknown', (options) =>
      client.send(new DescribeManagedPrefixListsCommand({ MaxResults }), options),
    ),
    probe('GetManagedPrefixListEntries', 'what rules with a prefix list let through is unknown', (options) =>
      client.send(new GetManagedPrefixListEntriesCommand({ PrefixListId: NO_PREFIX_LIST }), options),
    ),
  ];
}

function otherProbes(session: Session, { account, now }: { account: string; now: number }): Probe[] {
  return [
    {
      action: 'cloudwatch:GetMetricData',
      resource: everywhere,
      without: 'there is no count to compare the access log with, and no answer before it arrives',
      call: (options) =>
        session.client(CloudWatchClient).send(
          new GetMetricDataCommand({
            StartTime: new Date(now - 5 * MINUTE),
            EndTime: new Date(now),
            MetricDataQueries: [
              {
                Id: 'any',
                MetricStat: {
                  Metric: { Namespace: 'AWS/ApplicationELB', MetricName: 'RequestCount' },
                  Period: 60,
                  Stat: 'Sum',
                },
              },
            ],
          }),
          options,
        ),
    },
    {
      action: 'cloudfront:ListDistributions',
      resource: everywhere,
      without: 'whether CloudFront made errors that never reached a load balancer is unknown',
      call: (options) => session.client(CloudFrontClient).send(new ListDistributionsCommand({ MaxItems: 1 }), options),
    },
    {
      action: 'cloudtrail:LookupEvents',
      resource: everywhere,
      without: 'what was changed before the errors is unknown',
      call: (options) =>
        session
          .client(CloudTrailClient)
          .send(
            new LookupEventsCommand({ MaxResults: 1, StartTime: new Date(now - MINUTE), EndTime: new Date(now) }),
            options,
          ),
    },
    {
      action: 'lambda:GetFunctionConfiguration',
      resource: functionsOf(session, account),
      without: 'the timeouts of Lambda targets are unknown',
      call: (options) =>
        session.client(LambdaClient).send(new GetFunctionConfigurationCommand({ FunctionName: NO_FUNCTION }), options),
    },
  ];
}

async function loadBalancerProbes(session: Session, LoadBalancerArn: string): Promise<Probe[]> {
  const client = session.client(ElasticLoadBalancingV2Client);
  const abortSignal = AbortSignal.any([session.signal, AbortSignal.timeout(session.deadline)]);
  const probe = (action: string, without: string, call: Probe['call']): Probe => ({
    action: `elasticloadbalancing:${action}`,
    resource: everywhere,
    without,
    call,
  });
  const listeners = client.send(new DescribeListenersCommand({ LoadBalancerArn }), { abortSignal });
  const groups = client.send(new DescribeTargetGroupsCommand({ LoadBalancerArn }), { abortSignal });
  const [listenerAnswer, targetGroupAnswer] = await Promise.allSettled([listeners, groups]);
  const ListenerArn =
    listenerAnswer.status === 'fulfilled' ? listenerAnswer.value.Listeners?.[0]?.ListenerArn : undefined;
  const TargetGroupArn =
    targetGroupAnswer.status === 'fulfilled' ? targetGroupAnswer.value.TargetGroups?.[0]?.TargetGroupArn : undefined;
  return [
    probe('DescribeListeners', 'how requests are received and routed is unknown', () => listeners),
    probe('DescribeTargetGroups', 'protocols and ports of the targets are unknown', () => groups),
    ...(ListenerArn === undefined
      ? []
      : [
          probe('DescribeRules', 'rules that answer by themselves are unknown', (options) =>
            client.send(new DescribeRulesCommand({ ListenerArn }), options),
          ),
        ]),
    ...(TargetGroupArn === undefined
      ? []
      : [
          probe('DescribeTargetGroupAttributes', 'the deregistration delay is unknown', (options) =>
            client.send(new DescribeTargetGroupAttributesCommand({ TargetGroupArn }), options),
          ),
          probe('DescribeTargetHealth', 'which targets are registered and healthy is unknown', (options) =>
            client.send(new DescribeTargetHealthCommand({ TargetGroupArn }), options),
          ),
        ]),
  ];
}
