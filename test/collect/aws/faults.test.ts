/** The evidence when AWS refuses, throttles, is slow or silent, and when the user interrupts. */
import { describe, expect, it } from 'vitest';
import { liveCollectors } from '../../../src/collect/aws/aws-collectors.ts';
import { fetchChanges } from '../../../src/collect/aws/cloudtrail.ts';
import { findLive } from '../../../src/collect/aws/load-balancer.ts';
import { collect } from '../../../src/collect/collect.ts';
import { diagnose } from '../../../src/diagnose/diagnose.ts';
import type { AccessLog } from '../../../src/evidence/access-log.ts';
import type { Collected } from '../../../src/evidence/collected.ts';
import { type EvidenceName, type EvidenceSet, NAMING_EVIDENCE } from '../../../src/evidence/evidence.ts';
import { collectLive, incidentFolder, readRecorded, sessionIn } from '../../support/aws/live-run.ts';
import { DENIED, type Files, filesOf, openAccount, THROTTLED } from '../../support/aws/recorded-account.ts';

/** Each action, the evidence it collects, and the evidence that cannot be asked for without it. */
const ACTIONS: [action: string, name: EvidenceName, depending: EvidenceName[]][] = [
  ['elasticloadbalancing:DescribeLoadBalancerAttributes', 'attributes', []],
  ['elasticloadbalancing:DescribeListeners', 'listeners', ['rules']],
  ['elasticloadbalancing:DescribeRules', 'rules', []],
  [
    'elasticloadbalancing:DescribeTargetGroups',
    'targetGroups',
    [
      'targetGroupAttributes',
      'targetHealth',
      'instances',
      'functions',
      'functionAliases',
      'tags',
      'services',
      'tasks',
      'taskDefinitions',
      'containerInstances',
      'serviceDeployments',
      'serviceRevisions',
      'scalingActivities',
      'lifecycleHooks',
    ],
  ],
  ['elasticloadbalancing:DescribeTargetGroupAttributes', 'targetGroupAttributes', []],
  [
    'elasticloadbalancing:DescribeTargetHealth',
    'targetHealth',
    ['functions', 'functionAliases', 'scalingActivities', 'lifecycleHooks'],
  ],
  ['ec2:DescribeSecurityGroups', 'securityGroups', ['prefixLists']],
  ['ec2:DescribeNetworkAcls', 'networkAcls', []],
  ['ec2:DescribeSubnets', 'subnets', []],
  ['ec2:DescribeRouteTables', 'routeTables', []],
  ['ec2:DescribeNetworkInterfaces', 'networkInterfaces', []],
  ['ec2:DescribeInstances', 'instances', ['scalingActivities', 'lifecycleHooks']],
  ['ec2:GetManagedPrefixListEntries', 'prefixLists', []],
  ['lambda:GetFunctionConfiguration', 'functions', []],
  ['lambda:GetAlias', 'functionAliases', []],
  ['elasticloadbalancing:DescribeTags', 'tags', []],
  [
    'ecs:ListClusters',
    'services',
    ['tasks', 'taskDefinitions', 'containerInstances', 'serviceDeployments', 'serviceRevisions'],
  ],
  [
    'ecs:ListServices',
    'services',
    ['tasks', 'taskDefinitions', 'containerInstances', 'serviceDeployments', 'serviceRevisions'],
  ],
  [
    'ecs:DescribeServices',
    'services',
    ['tasks', 'taskDefinitions', 'containerInstances', 'serviceDeployments', 'serviceRevisions'],
  ],
  ['ecs:ListTasks', 'tasks', ['containerInstances']],
  ['ecs:DescribeTasks', 'tasks', ['containerInstances']],
  ['ecs:DescribeTaskDefinition', 'taskDefinitions', []],
  ['ecs:DescribeContainerInstances', 'containerInstances', []],
  ['ecs:ListServiceDeployments', 'serviceDeployments', ['serviceRevisions']],
  ['ecs:DescribeServiceDeployments', 'serviceDeployments', []],
  ['ecs:DescribeServiceRevisions', 'serviceRevisions', []],
  ['autoscaling:DescribeScalingActivities', 'scalingActivities', []],
  ['autoscaling:DescribeLifecycleHooks', 'lifecycleHooks', []],
  ['codedeploy:ListDeployments', 'codeDeployments', []],
  ['codedeploy:BatchGetDeployments', 'codeDeployments', []],
  ['cloudtrail:LookupEvents', 'changes', []],
  ['cloudwatch:GetMetricData', 'metrics', []],
];

/** The account of the Lambda incident, with an instance target and a prefix list besides: every action is called. */
function wholeAccount(): Files {
  const files = structuredClone(filesOf(incidentFolder('011')));
  const [loadBalancer] = files['describe-load-balancers'].LoadBalancers;
  const arn = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/fleet/c3d1f09a5b7e2468';
  files['describe-target-groups'].TargetGroups.push({
    TargetGroupArn: arn,
    TargetGroupName: 'fleet',
    TargetType: 'instance',
    Protocol: 'HTTP',
    Port: 80,
    VpcId: loadBalancer.VpcId,
    LoadBalancerArns: [loadBalancer.LoadBalancerArn],
  });
  files['describe-target-group-attributes'][arn] = { Attributes: [] };
  files['describe-target-health'][arn] = {
    TargetHealthDescriptions: ['i-1', 'i-2'].map((Id) => ({
      Target: { Id, Port: 80 },
      HealthCheckPort: '80',
      TargetHealth: { State: 'healthy' },
    })),
  };
  const instance = (InstanceId: string, VpcId?: string) => ({
    InstanceId,
    State: { Name: VpcId === undefined ? 'terminated' : 'running' },
    ...(VpcId === undefined ? {} : { VpcId, PrivateIpAddress: '10.0.1.9' }),
    Tags: [{ Key: 'aws:autoscaling:groupName', Value: 'fleet-asg' }],
  });
  files['describe-instances'] = {
    Reservations: [{ Instances: [instance('i-1', loadBalancer.VpcId)] }, { Instances: [instance('i-2')] }],
  };
  const permission = { IpProtocol: 'tcp', FromPort: 443, ToPort: 443, PrefixListIds: [{ PrefixListId: 'pl-1' }] };
  files['describe-security-groups'].SecurityGroups[0].IpPermissions = [permission];
  files['get-managed-prefix-list-entries'] = {
    'pl-1': { Entries: ['10.1.0.0/16', '10.2.0.0/16', '10.3.0.0/16'].map((Cidr) => ({ Cidr })) },
  };
  addWorkloads(files, arn);
  return files;
}

/** A service behind the group, its task on an instance, a group of instances, a deployment, and an alias of the function. */
function addWorkloads(files: Files, targetGroupArn: string): void {
  const ecs = (kind: string, name: string) => `arn:aws:ecs:eu-west-1:123456789012:${kind}/${name}`;
  const clusterArn = ecs('cluster', 'main');
  const taskDefinition = ecs('task-definition', 'fleet:3');
  const containerInstanceArn = ecs('container-instance', 'main/1f');
  files['ecs-describe-services'] = {
    services: [
      {
        ...{ serviceArn: ecs('service', 'main/fleet'), serviceName: 'fleet', clusterArn, taskDefinition },
        loadBalancers: [{ targetGroupArn, containerName: 'app', containerPort: 80 }],
        deploymentConfiguration: { strategy: 'CANARY' },
        deployments: [{ id: 'ecs-svc/1', taskDefinition, createdAt: '2026-11-20T02:00:00+00:00' }],
      },
    ],
  };
  files['ecs-describe-tasks'] = {
    tasks: ['RUNNING', 'STOPPED'].map((lastStatus) => ({
      ...{ taskArn: ecs('task', `main/${lastStatus.toLowerCase()}`), clusterArn, lastStatus, containerInstanceArn },
      ...{ taskDefinitionArn: taskDefinition, group: 'service:fleet', startedAt: '2026-11-20T02:01:00+00:00' },
    })),
  };
  files['ecs-describe-task-definition'] = {
    [taskDefinition]: { taskDefinition: { taskDefinitionArn: taskDefinition, family: 'fleet', revision: 3 } },
  };
  files['ecs-describe-container-instances'] = {
    containerInstances: [{ containerInstanceArn, ec2InstanceId: 'i-1' }],
  };
  const revisionArn = ecs('service-revision', 'main/fleet/3');
  files['ecs-describe-service-deployments'] = {
    serviceDeployments: [
      {
        serviceDeploymentArn: ecs('service-deployment', 'main/fleet/1'),
        ...{ serviceArn: ecs('service', 'main/fleet'), createdAt: '2026-11-20T02:00:00+00:00' },
        targetServiceRevision: { arn: revisionArn },
      },
    ],
  };
  files['ecs-describe-service-revisions'] = { serviceRevisions: [{ serviceRevisionArn: revisionArn, taskDefinition }] };
  files['describe-lifecycle-hooks'] = { 'fleet-asg': { LifecycleHooks: [{ LifecycleHookName: 'drain' }] } };
  files['describe-scaling-activities'] = {
    'fleet-asg': { Activities: [{ ActivityId: 'a-1', AutoScalingGroupName: 'fleet-asg', StatusCode: 'Successful' }] },
  };
  files['batch-get-deployments'] = { deploymentsInfo: [{ deploymentId: 'd-ABCDEF123', status: 'Succeeded' }] };
  files['describe-tags'] = {
    TagDescriptions: [{ ResourceArn: targetGroupArn, Tags: [{ Key: 'elbv2.k8s.aws/cluster', Value: 'prod' }] }],
  };
  const health: { TargetHealthDescriptions: { Target: { Id: string } }[] }[] = Object.values(
    files['describe-target-health'],
  );
  const [target] = health
    .flatMap((group) => group.TargetHealthDescriptions)
    .filter(({ Target }) => Target.Id.includes(':function:'));
  if (target === undefined) throw new Error('the incident has no function');
  const plain = target.Target.Id;
  target.Target.Id = `${plain}:live`;
  files['get-function-configuration'][target.Target.Id] = files['get-function-configuration'][plain];
  files['get-alias'] = { [target.Target.Id]: { AliasArn: target.Target.Id, Name: 'live', FunctionVersion: '7' } };
}

const unavailableIn = (evidence: EvidenceSet): string[] =>
  Object.entries(evidence)
    .filter(([, one]) => one.status === 'unavailable')
    .map(([name]) => name)
    .sort();

const reasonOf = (one: Collected<unknown>): string => (one.status === 'unavailable' ? one.reason : 'collected');

describe('with every permission', () => {
  it('collects everything, and finds a terminated target outside the VPC', async () => {
    await openAccount(wholeAccount());
    const { evidence } = await collectLive('011');
    expect(unavailableIn(evidence)).toEqual([]);
    expect(evidence.instances).toMatchObject({ value: [{ InstanceId: 'i-1' }, { InstanceId: 'i-2' }] });
    expect(evidence.prefixLists).toMatchObject({
      source: 'aws ec2 get-managed-prefix-list-entries --prefix-list-id pl-1',
      value: { 'pl-1': [{ Cidr: '10.1.0.0/16' }, { Cidr: '10.2.0.0/16' }, { Cidr: '10.3.0.0/16' }] },
    });
  });

  it('calls only actions that read', async () => {
    const account = await openAccount(wholeAccount());
    await collectLive('011');
    const called = [...new Set(account.asked.map(({ action }) => action))].sort();
    const inFront = ['cloudfront:ListDistributions', 'ec2:DescribeManagedPrefixLists'];
    const found = ['elasticloadbalancing:DescribeLoadBalancers', ...inFront, ...ACTIONS.map(([action]) => action)];
    expect(called).toEqual(found.sort());
  });
});

describe.each(ACTIONS)('%s', (action, name, depending) => {
  it('becomes a gap with name and IAM statement when denied, and the others go on', async () => {
    const account = await openAccount(wholeAccount());
    account.always(action, DENIED);
    const { question, evidence } = await collectLive('011');
    const reason = `${action} was denied`;
    const iamStatement = `{"Effect":"Allow","Action":"${action}","Resource":"*"}`;
    expect(evidence[name]).toMatchObject({ kind: 'denied', reason, iamStatement });
    for (const one of depending) {
      expect(reasonOf(evidence[one])).toContain(reason);
      expect(evidence[one]).toMatchObject({ kind: 'denied', iamStatement });
    }
    expect(unavailableIn(evidence)).toEqual([name, ...depending].sort());
    const { gaps } = diagnose(question, evidence);
    const named = gaps.filter((gap) => gap.includes(`${action} was denied`));
    const isName = NAMING_EVIDENCE.some((one) => one === name);
    expect(named).toHaveLength(isName ? 1 : named.length || 1);
    expect(named.join()).toContain(`"${action}"`);
  });
});

describe('slow answers of AWS', () => {
  it('are retried after throttling', async () => {
    const account = await openAccount(wholeAccount());
    for (const [action] of ACTIONS) account.meets(action, THROTTLED);
    const { evidence } = await collectLive('011', { deadline: 30_000 });
    expect(unavailableIn(evidence)).toEqual([]);
  }, 40_000);

  it.each(ACTIONS.filter(([, , depending]) => depending.length > 0))(
    'make %s a gap after the deadline if they never come, and what needs it; the others are there',
    async (action, name, depending) => {
      const account = await openAccount(wholeAccount());
      account.always(action, 'silence');
      const { evidence } = await collectLive('011', { deadline: 3000 });
      expect(reasonOf(evidence[name])).toBe(`${action} got no answer within 3 s`);
      expect(unavailableIn(evidence)).toEqual([name, ...depending].sort());
    },
    20_000,
  );

  it('are waited for until the deadline', async () => {
    const account = await openAccount(wholeAccount());
    account.always('ec2:DescribeSubnets', { wait: 700 });
    const { evidence } = await collectLive('011');
    expect(unavailableIn(evidence)).toEqual([]);
  });
});

describe('broken answers', () => {
  const ACTION = 'ec2:DescribeSubnets';
  const expired = { code: 'ExpiredToken', message: 'The security token included in the request is expired' };
  it.each([
    [
      'the connection is cut',
      'disconnect' as const,
      /^ec2:DescribeSubnets failed: its endpoint in eu-west-1 cannot be reached/,
    ],
    ['the credentials have expired', expired, /^ec2:DescribeSubnets failed: the credentials have expired$/],
    ['something is broken', { code: 'InternalError', status: 500 }, /^ec2:DescribeSubnets failed: InternalError$/],
  ])(
    '%s',
    async (_, fault, reason) => {
      const account = await openAccount(wholeAccount());
      account.always(ACTION, fault);
      const { evidence } = await collectLive('011', { deadline: 10_000 });
      expect(reasonOf(evidence.subnets)).toMatch(reason);
      expect(unavailableIn(evidence)).toEqual(['subnets']);
    },
    30_000,
  );

  it('do not count as zero when CloudWatch could not read a metric', async () => {
    const files = filesOf(incidentFolder('002'));
    const broken = files.metrics.find((one: { MetricName: string }) => one.MetricName === 'HTTPCode_ELB_504_Count');
    broken.StatusCode = 'InternalError';
    await openAccount(files);
    const { evidence } = await collectLive('002');
    const named = evidence.metrics.status === 'collected' ? evidence.metrics.value.map((one) => one.MetricName) : [];
    expect(named).toContain('HTTPCode_ELB_502_Count');
    expect(named).not.toContain('HTTPCode_ELB_504_Count');
  });

  it('may have another shape', async () => {
    const files = wholeAccount();
    files['get-function-configuration'] = Object.fromEntries(
      Object.keys(files['get-function-configuration']).map((arn) => [arn, { Timeout: 'soon' }]),
    );
    await openAccount(files);
    const { evidence } = await collectLive('011');
    expect(reasonOf(evidence.functions)).toMatch(/answered in an unknown format \(Timeout: /);
  });
});

describe('pages', () => {
  it.each([1, 2])('of %i hold as much as one', async (items) => {
    const account = await openAccount(wholeAccount());
    const whole = await collectLive('011');
    account.paged(items);
    const paged = await collectLive('011');
    expect(paged.evidence).toEqual(whole.evidence);
  });

  it('stop with the recent changes when they reach back far enough', async () => {
    const files = filesOf(incidentFolder('009'));
    const { question } = await readRecorded('009');
    const event = (minutesBefore: number) => ({
      EventName: 'UpdateService',
      EventTime: new Date(question.from - minutesBefore * 60_000).toISOString(),
    });
    const account = await openAccount(files);
    account.paged(1);
    files['lookup-events'] = { Events: Array.from({ length: 40 }, (_, index) => event(index * 10)) };
    const some = (await collectLive('009')).evidence.changes;
    expect(some).toMatchObject({ status: 'collected', value: { length: 20 } });
    files['lookup-events'] = { Events: Array.from({ length: 40 }, (_, index) => event(index)) };
    expect(reasonOf((await collectLive('009')).evidence.changes)).toMatch(
      /^CloudTrail has more than 20 changes since /,
    );
  });

  it('are said to be empty when none of those read has a change', async () => {
    const account = await openAccount(filesOf(incidentFolder('009')));
    account.paged(0);
    const { question } = await readRecorded('009');
    const session = sessionIn('eu-west-1');
    const call = { session, options: { abortSignal: session.signal } };
    await expect(fetchChanges(call, question)).rejects.toThrow(
      'CloudTrail returned 20 pages without changes, and the rest was not read',
    );
  });
});

describe('round trips', () => {
  it.each([
    ['its name', 'checkout'],
    ['a part of its name', 'check'],
  ])('are at most four in sequence, asked by %s', async (_, asked) => {
    const account = await openAccount(filesOf(incidentFolder('002')));
    account.inRounds(500);
    const { evidence } = await collectLive('002', { asked });
    expect(unavailableIn(evidence)).toEqual([]);
    expect(account.rounds().length).toBeLessThanOrEqual(4);
  });

  it('are at most three with an ARN, because its calls run in parallel', async () => {
    const files = filesOf(incidentFolder('002'));
    const account = await openAccount(files);
    account.inRounds(500);
    await collectLive('002', { asked: files['describe-load-balancers'].LoadBalancers[0].LoadBalancerArn });
    const [first, ...others] = account.rounds();
    expect(new Set(first)).toEqual(
      new Set([
        'cloudtrail:LookupEvents',
        'cloudwatch:GetMetricData',
        'codedeploy:ListDeployments',
        'ecs:ListClusters',
        'elasticloadbalancing:DescribeListeners',
        'elasticloadbalancing:DescribeLoadBalancerAttributes',
        'elasticloadbalancing:DescribeLoadBalancers',
        'elasticloadbalancing:DescribeTargetGroups',
      ]),
    );
    expect(others.length).toBeLessThanOrEqual(2);
  });

  it('are at most six with every kind of target', async () => {
    const account = await openAccount(wholeAccount());
    account.inRounds(500);
    await collectLive('011');
    const rounds = account.rounds();
    expect(rounds.map((round) => new Set(round).size)).toEqual([1, 14, 10, 5, 5, 2]);
    expect(rounds[3]?.sort()).toEqual([
      'ec2:DescribeInstances',
      'ecs:DescribeServices',
      'ecs:DescribeTasks',
      'lambda:GetAlias',
      'lambda:GetFunctionConfiguration',
    ]);
    expect(rounds[4]?.sort()).toEqual([
      'autoscaling:DescribeLifecycleHooks',
      'autoscaling:DescribeScalingActivities',
      'ecs:DescribeContainerInstances',
      'ecs:DescribeTaskDefinition',
      'ecs:ListServiceDeployments',
    ]);
    expect(rounds[5]?.sort()).toEqual(['ecs:DescribeServiceDeployments', 'ecs:DescribeServiceRevisions']);
  });
});

describe('before the access log is read', () => {
  const log = (value: Promise<Collected<AccessLog>>) => ({ source: 'the log', collect: () => value });

  it('reports metrics and configuration', async () => {
    await openAccount(filesOf(incidentFolder('002')));
    const { question, accessLog } = await readRecorded('002');
    const found = await findLive(question.loadBalancer.name, [sessionIn('eu-west-1')]);
    const told: EvidenceSet[] = [];
    const { promise, resolve } = Promise.withResolvers<Collected<AccessLog>>();
    const collectors = liveCollectors({
      remainingUsd: async () => null,
      found,
      question,
      accessLog: () => log(promise),
    });
    const final = collect(collectors, undefined, (early) => {
      told.push(early);
      resolve(accessLog.collect());
    });
    expect(unavailableIn(await final)).toEqual([]);
    expect(told).toHaveLength(1);
    const [early] = told;
    // What else is slow may be there or not.
    const slow: string[] = ['changes', 'edge', 'functions', 'rules', ...NAMING_EVIDENCE];
    expect(early && unavailableIn(early).filter((name) => !slow.includes(name))).toEqual(['accessLog']);
    expect(early && diagnose(question, early).verdict).toMatchObject({
      standing: 'undecided',
      summary: expect.stringMatching(
        /^2 of 4 paths .* blocked.*CloudWatch counts \d+.*the access log is still being read/,
      ),
    });
  });
});

describe('an interruption', () => {
  it.each([
    ['while the load balancer is looked for', 'elasticloadbalancing:DescribeLoadBalancers'],
    ['while evidence is collected', 'ec2:DescribeNetworkInterfaces'],
    ['while AWS throttles', 'cloudwatch:GetMetricData'],
  ])('leaves nothing running: %s', async (_, action) => {
    const account = await openAccount(filesOf(incidentFolder('002')));
    account.always(action, action === 'cloudwatch:GetMetricData' ? THROTTLED : 'silence');
    const interruption = new AbortController();
    const running = collectLive('002', { signal: interruption.signal, deadline: 60_000 });
    await expect.poll(() => account.asked.some((call) => call.action === action)).toBe(true);
    interruption.abort();
    await expect(running).rejects.toMatchObject({ name: 'Problem', exitCode: 130 });
    await expect.poll(() => account.open()).toBe(0);
    // What was sent before is read by then.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const called = account.asked.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(account.asked.length).toBe(called);
  });
});
