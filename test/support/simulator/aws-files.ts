/** The output of the AWS CLI at the time of asking, file by file, from the scenario and its final state. */
import type { HealthView } from './health.ts';
import {
  account,
  certificateArn,
  functionArn,
  listenerArn,
  loadBalancerArn,
  region,
  ruleArn,
  targetGroupArn,
} from './names.ts';
import { type Network, subnetOf, subnets, vpcId } from './network.ts';
import type { RouteSpec, Scenario, SecurityGroupRule, TargetGroupSpec } from './scenario.ts';
import type { Target } from './target.ts';

/** File name without `.json` to content. */
export type AwsFiles = Record<string, unknown>;

export function awsFiles(
  scenario: Scenario,
  targets: Target[],
  health: HealthView,
  network: Network,
  now: number,
): AwsFiles {
  const { loadBalancer, targetGroups } = scenario;
  const arn = loadBalancerArn(loadBalancer);
  const nodeZones = [...new Set(loadBalancer.nodes.map((node) => node.zone))];
  const arnOf = (group: TargetGroupSpec) => targetGroupArn(group.name, group.id);
  const byGroup = (
    content: (group: TargetGroupSpec) => unknown,
    of: (group: TargetGroupSpec) => boolean = () => true,
  ) => Object.fromEntries(targetGroups.filter(of).map((group) => [arnOf(group), content(group)]));
  const present = targets.filter((target) => target.registeredAt <= now && now < target.hostGoneAt);
  const lambdas = targetGroups.filter((group) => group.lambda !== undefined);
  const instances = present.filter((target) => target.spec.instanceId !== undefined);

  return {
    'describe-load-balancers': {
      LoadBalancers: [
        {
          LoadBalancerArn: arn,
          DNSName: `${loadBalancer.scheme === 'internal' ? 'internal-' : ''}${loadBalancer.name}-1974023788.${region}.elb.amazonaws.com`,
          CanonicalHostedZoneId: 'Z32O12XQLNTSW2',
          CreatedTime: '2024-03-11T09:26:12.920000+00:00',
          LoadBalancerName: loadBalancer.name,
          Scheme: loadBalancer.scheme,
          VpcId: vpcId,
          State: loadBalancer.state ?? { Code: 'active' },
          Type: 'application',
          AvailabilityZones: nodeZones.map((zone) => ({
            ZoneName: `${region}${zone}`,
            SubnetId: subnets.find((subnet) => subnet.zone === zone && subnet.public)?.id,
            LoadBalancerAddresses: [],
          })),
          SecurityGroups: network.loadBalancerGroups,
          IpAddressType: loadBalancer.dualstack === true ? 'dualstack' : 'ipv4',
        },
      ],
    },
    'describe-load-balancer-attributes': {
      [arn]: {
        Attributes: attributes({
          'access_logs.s3.enabled': 'true',
          'access_logs.s3.bucket': 'example-alb-logs',
          'access_logs.s3.prefix': '',
          'idle_timeout.timeout_seconds': String(loadBalancer.idleTimeoutSeconds),
          'deletion_protection.enabled': 'true',
          'routing.http2.enabled': 'true',
          'routing.http.drop_invalid_header_fields.enabled': 'false',
          'routing.http.xff_client_port.enabled': 'false',
          'routing.http.preserve_host_header.enabled': 'false',
          'routing.http.xff_header_processing.mode': 'append',
          'load_balancing.cross_zone.enabled': 'true',
          'routing.http.desync_mitigation_mode': 'defensive',
          'client_keep_alive.seconds': '3600',
          'waf.fail_open.enabled': 'false',
          'routing.http.x_amzn_tls_version_and_cipher_suite.enabled': 'false',
          'zonal_shift.config.enabled': 'false',
          'connection_logs.s3.enabled': 'false',
          'connection_logs.s3.bucket': '',
          'connection_logs.s3.prefix': '',
          'health_check_logs.s3.enabled': 'false',
          ...loadBalancer.attributes,
        }),
      },
    },
    'describe-listeners': { [arn]: { Listeners: [listener(scenario)] } },
    'describe-rules': { [listenerArn(loadBalancer)]: { Rules: rules(scenario, now) } },
    'describe-target-groups': { TargetGroups: targetGroups.map((group) => describeGroup(group, arn)) },
    'describe-target-group-attributes': byGroup((group) => ({ Attributes: groupAttributes(group) })),
    'describe-target-health': byGroup((group) => ({
      TargetHealthDescriptions: healthOf(scenario, group, targets, health, now),
    })),
    'describe-security-groups': { SecurityGroups: network.securityGroups.map(describeSecurityGroup) },
    'describe-network-acls': { NetworkAcls: network.networkAcls.map(describeNetworkAcl) },
    'describe-subnets': {
      Subnets: subnets.map((subnet) => ({
        AvailabilityZone: `${region}${subnet.zone}`,
        AvailableIpAddressCount: subnet.public ? (loadBalancer.freeAddresses ?? 231) : 187,
        CidrBlock: subnet.cidr,
        DefaultForAz: false,
        MapPublicIpOnLaunch: false,
        State: 'available',
        SubnetId: subnet.id,
        VpcId: vpcId,
        OwnerId: account,
        Ipv6CidrBlockAssociationSet: [],
        Tags: [{ Key: 'Name', Value: `${subnet.public ? 'public' : 'private'}-${subnet.zone}` }],
      })),
    },
    'describe-route-tables': { RouteTables: [true, false].map(routeTable) },
    'describe-network-interfaces': {
      NetworkInterfaces: [
        ...loadBalancer.nodes.map((node, i) => ({
          NetworkInterfaceId: `eni-0a7b${i}c6d5e4f30912`,
          Description: `ELB app/${loadBalancer.name}/${loadBalancer.id}`,
          InterfaceType: 'interface',
          RequesterId: 'amazon-elb',
          RequesterManaged: true,
          Status: 'in-use',
          AvailabilityZone: `${region}${node.zone}`,
          SubnetId: subnetOf(node.address)?.id,
          VpcId: vpcId,
          PrivateIpAddress: node.address,
          PrivateIpAddresses: [{ Primary: true, PrivateIpAddress: node.address }],
          Groups: groupsOf(network, network.loadBalancerGroups),
          Attachment: { DeviceIndex: 1, InstanceOwnerId: 'amazon-elb', Status: 'attached' },
          ...(node.publicAddress === undefined
            ? {}
            : { Association: { IpOwnerId: 'amazon-elb', PublicIp: node.publicAddress } }),
        })),
        ...present.map((target, i) => ({
          NetworkInterfaceId: `eni-0d2e${i.toString(16).padStart(2, '0')}f1a3b5c7d9e`,
          Description: target.spec.instanceId === undefined ? `arn:aws:ecs:${region}:${account}:attachment/${i}` : '',
          InterfaceType: 'interface',
          Status: 'in-use',
          AvailabilityZone: `${region}${target.zone}`,
          SubnetId: subnetOf(target.address)?.id,
          VpcId: vpcId,
          PrivateIpAddress: target.address,
          PrivateIpAddresses: [{ Primary: true, PrivateIpAddress: target.address }],
          Groups: groupsOf(network, network.targetGroups(target.address)),
          Attachment: {
            DeviceIndex: target.spec.instanceId === undefined ? 1 : 0,
            Status: 'attached',
            ...(target.spec.instanceId === undefined ? {} : { InstanceId: target.spec.instanceId }),
          },
        })),
      ],
    },
    'lookup-events': { Events: events(scenario, targets, now) },
    ...(targetGroups.some((group) => group.targetType === 'instance')
      ? {
          'describe-instances': {
            Reservations: [{ OwnerId: account, Instances: instances.map((target) => instance(target, network)) }],
          },
        }
      : {}),
    ...(lambdas.length > 0
      ? {
          'get-function-configuration': Object.fromEntries(
            lambdas.map((group) => [functionArn(group.lambda?.functionName ?? ''), functionConfiguration(group)]),
          ),
        }
      : {}),
  };
}

const attributes = (values: Record<string, string>) => Object.entries(values).map(([Key, Value]) => ({ Key, Value }));

function listener(scenario: Scenario): unknown {
  const { loadBalancer, targetGroups } = scenario;
  const usual = scenario.routes.find((route) => route.priority === undefined) ?? scenario.routes[0];
  const group = targetGroups.find((other) => other.name === usual?.group) ?? targetGroups[0];
  return {
    ListenerArn: listenerArn(loadBalancer),
    LoadBalancerArn: loadBalancerArn(loadBalancer),
    Port: loadBalancer.listener.port,
    Protocol: loadBalancer.listener.protocol,
    ...(loadBalancer.listener.protocol === 'HTTPS'
      ? {
          Certificates: [{ CertificateArn: certificateArn }],
          SslPolicy: loadBalancer.listener.sslPolicy ?? 'ELBSecurityPolicy-TLS13-1-2-2021-06',
        }
      : {}),
    DefaultActions: group === undefined ? [] : [forward(group)],
  };
}

function forward(group: TargetGroupSpec): unknown {
  const TargetGroupArn = targetGroupArn(group.name, group.id);
  return {
    Type: 'forward',
    TargetGroupArn,
    Order: 1,
    ForwardConfig: { TargetGroups: [{ TargetGroupArn, Weight: 1 }], TargetGroupStickinessConfig: { Enabled: false } },
  };
}

/** The listener's rules, those of a maintenance page included while it is on. */
function rules(scenario: Scenario, now: number): unknown[] {
  const { loadBalancer, targetGroups } = scenario;
  const second = (now - Date.parse(scenario.window.from)) / 1000;
  const found: { priority: number; rule: unknown }[] = [];
  const pattern = (route: RouteSpec) => route.path.replaceAll(/\{\w+\}/g, '*');
  const priorities = new Set(
    scenario.routes.flatMap((route) => (route.priority === undefined ? [] : [route.priority])),
  );
  const rule = (priority: number, values: string[], actions: unknown[]) => ({
    RuleArn: ruleArn(loadBalancer, `9683b2d02a6c${priority.toString(16).padStart(4, '0')}`),
    Priority: String(priority),
    Conditions: [{ Field: 'path-pattern', Values: values, PathPatternConfig: { Values: values } }],
    Actions: actions,
    IsDefault: false,
  });
  for (const priority of priorities) {
    const routes = scenario.routes.filter((route) => route.priority === priority);
    const group = targetGroups.find((other) => other.name === routes[0]?.group);
    if (group === undefined) continue;
    const actions = [
      ...(routes[0]?.authenticate
        ? [
            {
              Type: 'authenticate-oidc',
              Order: 1,
              AuthenticateOidcConfig: {
                Issuer: 'https://login.example.com',
                TokenEndpoint: 'https://login.example.com/token',
              },
            },
          ]
        : []),
      forward(group),
    ];
    found.push({ priority, rule: rule(priority, [...new Set(routes.map(pattern))].slice(0, 5), actions) });
  }
  for (const fault of scenario.faults ?? []) {
    if (fault.kind !== 'fixed-response' || second < (fault.from ?? -Infinity) || second >= (fault.to ?? Infinity))
      continue;
    const routes = scenario.routes.filter((route) => fault.routes?.includes(`${route.method} ${route.path}`) ?? true);
    const action = {
      Type: 'fixed-response',
      Order: 1,
      FixedResponseConfig: { StatusCode: String(fault.status), ContentType: 'text/plain', MessageBody: fault.body },
    };
    const values = fault.routes === undefined ? ['/*'] : [...new Set(routes.map(pattern))].slice(0, 5);
    found.push({ priority: fault.priority, rule: rule(fault.priority, values, [action]) });
  }
  found.sort((a, b) => a.priority - b.priority);
  const standard = listener(scenario) as { DefaultActions: unknown[] };
  return [
    ...found.map((entry) => entry.rule),
    {
      RuleArn: ruleArn(loadBalancer, '1e5bc0f5a1f0d2aa'),
      Priority: 'default',
      Conditions: [],
      Actions: standard.DefaultActions,
      IsDefault: true,
    },
  ];
}

function describeGroup(group: TargetGroupSpec, loadBalancer: string): unknown {
  const check = group.healthCheck ?? {};
  const common = {
    TargetGroupArn: targetGroupArn(group.name, group.id),
    TargetGroupName: group.name,
    LoadBalancerArns: [loadBalancer],
    TargetType: group.targetType,
    HealthCheckPath: check.path ?? '/health',
    HealthyThresholdCount: check.healthyThreshold ?? 5,
    UnhealthyThresholdCount: check.unhealthyThreshold ?? 2,
    Matcher: { HttpCode: '200' },
    IpAddressType: 'ipv4',
  };
  if (group.targetType === 'lambda')
    return { ...common, HealthCheckEnabled: false, HealthCheckIntervalSeconds: 35, HealthCheckTimeoutSeconds: 30 };
  return {
    ...common,
    Protocol: group.protocol,
    Port: group.port,
    VpcId: vpcId,
    HealthCheckProtocol: check.protocol ?? group.protocol,
    HealthCheckPort: check.port === undefined ? 'traffic-port' : String(check.port),
    HealthCheckEnabled: true,
    HealthCheckIntervalSeconds: check.intervalSeconds ?? 30,
    HealthCheckTimeoutSeconds: check.timeoutSeconds ?? 5,
    ProtocolVersion: 'HTTP1',
    ...(group.optimizer === undefined ? {} : { TargetControlPort: group.optimizer.controlPort }),
  };
}

function groupAttributes(group: TargetGroupSpec): unknown[] {
  if (group.targetType === 'lambda')
    return attributes({
      'lambda.multi_value_headers.enabled': 'false',
      'stickiness.enabled': 'false',
      ...group.attributes,
    });
  return attributes({
    'stickiness.enabled': 'false',
    'stickiness.type': 'lb_cookie',
    'stickiness.lb_cookie.duration_seconds': '86400',
    'deregistration_delay.timeout_seconds': String(group.deregistrationDelaySeconds ?? 300),
    'slow_start.duration_seconds': '0',
    'load_balancing.algorithm.type': 'round_robin',
    'load_balancing.algorithm.anomaly_mitigation': 'off',
    'load_balancing.cross_zone.enabled': 'use_load_balancer_configuration',
    'target_group_health.dns_failover.minimum_healthy_targets.count': '1',
    'target_group_health.unhealthy_state_routing.minimum_healthy_targets.count': '1',
    ...group.attributes,
  });
}

/** A target is draining until the deregistration delay is over, and then no longer listed. */
function healthOf(
  scenario: Scenario,
  group: TargetGroupSpec,
  targets: Target[],
  health: HealthView,
  now: number,
): unknown[] {
  if (group.targetType === 'lambda')
    return [
      {
        Target: { Id: functionArn(group.lambda?.functionName ?? ''), AvailabilityZone: 'all' },
        TargetHealth: {
          State: 'unavailable',
          Reason: 'Target.HealthCheckDisabled',
          Description: 'Health checks are disabled for this target',
        },
      },
    ];
  const delay = (group.deregistrationDelaySeconds ?? 300) * 1000;
  const listed = targets.filter(
    (target) => target.group === group && target.registeredAt <= now && now < target.deregisteredAt + delay,
  );
  return listed.map((target) => ({
    Target: {
      Id: target.spec.instanceId ?? target.address,
      Port: target.port,
      ...(target.spec.instanceId === undefined ? { AvailabilityZone: `${region}${target.zone}` } : {}),
    },
    HealthCheckPort: String(group.healthCheck?.port ?? target.port),
    TargetHealth: stateOf(scenario, target, health, now),
  }));
}

function stateOf(scenario: Scenario, target: Target, health: HealthView, now: number): unknown {
  if (now >= target.deregisteredAt)
    return {
      State: 'draining',
      Reason: 'Target.DeregistrationInProgress',
      Description: 'Target deregistration is in progress',
    };
  const opinions = scenario.loadBalancer.nodes.map((node) => health.at(node, target, now));
  const worst =
    opinions.find((opinion) => opinion.state === 'unhealthy') ??
    opinions.find((opinion) => opinion.state === 'initial');
  if (worst === undefined) return { State: 'healthy' };
  if (worst.state === 'initial')
    return { State: 'initial', Reason: 'Elb.InitialHealthChecking', Description: 'Initial health checks in progress' };
  const Description = worst.reason === 'Target.Timeout' ? 'Request timed out' : 'Health checks failed';
  return { State: 'unhealthy', Reason: worst.reason, Description };
}

function describeSecurityGroup(group: Network['securityGroups'][number]): unknown {
  return {
    GroupId: group.id,
    GroupName: group.name,
    Description: group.name,
    VpcId: vpcId,
    OwnerId: account,
    IpPermissions: group.ingress.map(permission),
    IpPermissionsEgress: group.egress.map(permission),
    Tags: [],
  };
}

function permission(permit: SecurityGroupRule): unknown {
  const Description = permit.description === undefined ? {} : { Description: permit.description };
  return {
    IpProtocol: permit.protocol,
    ...(permit.ports === undefined || permit.protocol === '-1'
      ? {}
      : { FromPort: permit.ports[0], ToPort: permit.ports[1] }),
    UserIdGroupPairs: permit.group === undefined ? [] : [{ ...Description, UserId: account, GroupId: permit.group }],
    IpRanges: permit.cidr === undefined ? [] : [{ ...Description, CidrIp: permit.cidr }],
    Ipv6Ranges: [],
    PrefixListIds: [],
  };
}

function describeNetworkAcl(acl: Network['networkAcls'][number], i: number): unknown {
  const entries = (list: typeof acl.ingress, Egress: boolean) => [
    ...list.map((rule) => ({
      CidrBlock: rule.cidr,
      Egress,
      ...(rule.ports === undefined || rule.protocol === '-1'
        ? {}
        : { PortRange: { From: rule.ports[0], To: rule.ports[1] } }),
      Protocol: rule.protocol === 'tcp' ? '6' : '-1',
      RuleAction: rule.action,
      RuleNumber: rule.number,
    })),
    { CidrBlock: '0.0.0.0/0', Egress, Protocol: '-1', RuleAction: 'deny', RuleNumber: 32767 },
  ];
  return {
    Associations: acl.subnets.map((SubnetId, k) => ({
      NetworkAclAssociationId: `aclassoc-0b${i}${k}d4c3e2f1a09b87`,
      NetworkAclId: acl.id,
      SubnetId,
    })),
    Entries: [...entries(acl.egress, true), ...entries(acl.ingress, false)],
    IsDefault: i === 0,
    NetworkAclId: acl.id,
    Tags: [],
    VpcId: vpcId,
    OwnerId: account,
  };
}

/** The public subnets reach the internet directly, the private ones through a NAT gateway; inside the network everything is local. */
function routeTable(isPublic: boolean): unknown {
  const RouteTableId = isPublic ? 'rtb-0f1e2d3c4b5a69788' : 'rtb-08192a3b4c5d6e7f0';
  return {
    Associations: subnets
      .filter((subnet) => subnet.public === isPublic)
      .map((subnet, i) => ({
        Main: false,
        RouteTableAssociationId: `rtbassoc-0${isPublic ? 1 : 2}${i}c3d4e5f60718293`,
        RouteTableId,
        SubnetId: subnet.id,
        AssociationState: { State: 'associated' },
      })),
    RouteTableId,
    Routes: [
      { DestinationCidrBlock: '10.0.0.0/16', GatewayId: 'local', Origin: 'CreateRouteTable', State: 'active' },
      {
        DestinationCidrBlock: '0.0.0.0/0',
        ...(isPublic ? { GatewayId: 'igw-0123456789abcdef0' } : { NatGatewayId: 'nat-0fedcba9876543210' }),
        Origin: 'CreateRoute',
        State: 'active',
      },
    ],
    VpcId: vpcId,
    OwnerId: account,
  };
}

const groupsOf = (network: Network, ids: string[]) =>
  ids.map((GroupId) => ({
    GroupId,
    GroupName: network.securityGroups.find((group) => group.id === GroupId)?.name ?? GroupId,
  }));

function instance(target: Target, network: Network): unknown {
  return {
    InstanceId: target.spec.instanceId,
    InstanceType: 'm7g.large',
    PrivateIpAddress: target.address,
    SubnetId: subnetOf(target.address)?.id,
    VpcId: vpcId,
    State: { Code: 16, Name: 'running' },
    StateTransitionReason: '',
    LaunchTime: '2026-10-30T08:11:42+00:00',
    SecurityGroups: groupsOf(network, network.targetGroups(target.address)),
  };
}

/** CloudTrail, newest first: registrations and deregistrations that happened, and the changes that the scenario names. */
function events(scenario: Scenario, targets: Target[], now: number): unknown[] {
  const found: { time: number; name: string; resource: string; by: string; parameters: unknown }[] = [];
  for (const target of targets) {
    const resource = targetGroupArn(target.group.name, target.group.id);
    const parameters = {
      targetGroupArn: resource,
      targets: [{ id: target.spec.instanceId ?? target.address, port: target.port }],
    };
    for (const [time, name] of [
      [target.registeredAt, 'RegisterTargets'],
      [target.deregisteredAt, 'DeregisterTargets'],
    ] as const)
      if (Number.isFinite(time) && time <= now)
        found.push({ time, name, resource, by: scenario.registeredBy ?? 'ecs-service-scheduler', parameters });
  }
  for (const change of scenario.changes ?? []) {
    const time = Date.parse(scenario.window.from) + change.at * 1000;
    const { event: name, resource, by = 'terraform', parameters = {} } = change;
    found.push({ time, name, resource, by, parameters });
  }
  found.sort((a, b) => b.time - a.time || (a.resource < b.resource ? -1 : 1));
  return found.map(({ time, name, resource, by, parameters }, i) => {
    const source = `${resource.includes(':elasticloadbalancing:') ? 'elasticloadbalancing' : 'ec2'}.amazonaws.com`;
    const id = `5f0e1d2c-3b4a-4958-8776-${(Math.floor(time / 1000) * 100 + i).toString(16).padStart(12, '0')}`;
    const when = new Date(time).toISOString().replace(/\.\d+Z$/, '');
    return {
      EventId: id,
      EventName: name,
      ReadOnly: 'false',
      EventTime: `${when}+00:00`,
      EventSource: source,
      Username: by,
      Resources: [{ ResourceName: resource }],
      CloudTrailEvent: JSON.stringify({
        eventVersion: '1.11',
        eventTime: `${when}Z`,
        eventSource: source,
        eventName: name,
        awsRegion: region,
        requestParameters: parameters,
        eventID: id,
        readOnly: false,
        recipientAccountId: account,
      }),
    };
  });
}

function functionConfiguration(group: TargetGroupSpec): unknown {
  const name = group.lambda?.functionName ?? '';
  return {
    FunctionName: name,
    FunctionArn: functionArn(name),
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    Timeout: group.lambda?.timeoutSeconds,
    MemorySize: group.lambda?.memoryMb ?? 256,
    LastModified: '2026-11-02T10:04:31.000+0000',
    State: 'Active',
    LastUpdateStatus: 'Successful',
    PackageType: 'Zip',
  };
}
