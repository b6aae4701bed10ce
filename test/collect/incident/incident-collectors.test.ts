import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { collect } from '../../../src/collect/collect.ts';
import {
  type QuestionOverrides,
  questionToRecording,
  readIncident,
  recordedCollectors,
} from '../../../src/collect/incident/incident-collectors.ts';
import type { AccessLog } from '../../../src/evidence/access-log.ts';
import { type EvidenceName, NAMING_EVIDENCE } from '../../../src/evidence/evidence.ts';
import {
  ACCOUNT,
  AWS_FILES,
  type Contents,
  ECS,
  GROUP_ARN,
  INCIDENT,
  incidentFolder,
  LB,
  LB_ARN,
  LISTENER_ARN,
  LOAD_BALANCERS,
  temporaryFolder,
} from '../../support/incident/folder.ts';

const ACCESS_LOG_LINES = `http 2026-11-20T02:45:00.000000Z ${LB} 192.0.2.7:41000 10.0.1.5:8080 0.000 0.001 -1 502 - 116 277 "GET http://shop.example:80/ HTTP/1.1" "curl/8" - - ${GROUP_ARN} "Root=1-693ac6ee-3bda59cb0f9d3c69591e8c87" "-" "-" 0 2026-11-20T02:45:00.000000Z "forward" "-" "-"\n`;
const OWN: QuestionOverrides = { loadBalancer: null, window: null, statuses: null };
const at = (clock: string) => Date.parse(`2026-11-20T${clock}:00Z`);

async function evidenceOf(contents: Contents, asked: Partial<QuestionOverrides> = {}) {
  const incident = await readIncident(incidentFolder(contents));
  const question = questionToRecording(incident, { ...OWN, ...asked });
  return collect(recordedCollectors(incident, question));
}

const questionIn = async (contents: Contents, asked: Partial<QuestionOverrides> = {}) =>
  questionToRecording(await readIncident(incidentFolder(contents)), { ...OWN, ...asked });

describe('a folder that is not an incident', () => {
  it('is reported with its reason', async () => {
    const dir = temporaryFolder();
    const file = join(dir, 'file');
    writeFileSync(file, '');
    const not = async (path: string, why: string) =>
      expect(readIncident(path)).rejects.toMatchObject({
        message: `${path} is not an incident folder: ${why}.`,
        exitCode: 1,
      });
    await not(join(dir, 'nowhere'), 'there is no such folder');
    await not(file, 'it is not a folder');
    await not(dir, 'it has no incident.json');
  });
});

describe('a malformed file is reported with the place', () => {
  const broken = (contents: Contents) => expect(readIncident(incidentFolder(contents))).rejects;
  it.each([
    [
      'no JSON',
      { 'incident.json': '{"loadBalancer": "x",\n "from": ' },
      'incident.json: line 2, column 10: expected a value, found the end of the file.',
    ],
    [
      'no load balancer',
      { 'incident.json': { from: INCIDENT.from, to: INCIDENT.to } },
      'incident.json: loadBalancer: expected string, got nothing.',
    ],
    [
      'an invalid time',
      { 'incident.json': { ...INCIDENT, from: 'yesterday' } },
      'incident.json: from: expected an ISO 8601 time, got "yesterday".',
    ],
    [
      'an invalid day',
      { 'incident.json': { ...INCIDENT, from: '2026-02-31T00:00:00Z' } },
      'incident.json: from: expected an ISO 8601 time, got "2026-02-31T00:00:00Z".',
    ],
    [
      'a number for a time',
      { 'incident.json': { ...INCIDENT, now: 5 } },
      'incident.json: now: expected string, got number.',
    ],
    [
      'a list for an object',
      { 'aws/describe-load-balancers.json': [] },
      'aws/describe-load-balancers.json: expected object, got array.',
    ],
    [
      'a number for an ARN',
      {
        'aws/describe-target-groups.json': {
          TargetGroups: [
            { TargetGroupArn: 'a', TargetGroupName: 'a' },
            { TargetGroupArn: 3, TargetGroupName: 'b' },
          ],
        },
      },
      'aws/describe-target-groups.json: TargetGroups[1].TargetGroupArn: expected string, got number.',
    ],
    [
      'the wrong shape below an ARN',
      { 'aws/describe-target-health.json': { [GROUP_ARN]: { TargetHealthDescriptions: [{}] } } },
      `aws/describe-target-health.json: ["${GROUP_ARN}"].TargetHealthDescriptions[0].Target: expected object, got nothing.`,
    ],
    [
      'the wrong shape without an ARN',
      { 'aws/describe-target-health.json': { TargetHealthDescriptions: [{}] } },
      'aws/describe-target-health.json: TargetHealthDescriptions[0].Target: expected object, got nothing.',
    ],
    [
      'metrics that do not add up',
      {
        'metrics.json': [
          { MetricName: 'RequestCount', Dimensions: {}, Stat: 'Sum', Period: 60, Timestamps: [], Values: [1] },
        ],
      },
      'metrics.json: [0].Values: expected as many values as timestamps.',
    ],
    [
      'a metric without a period',
      {
        'metrics.json': [
          { MetricName: 'RequestCount', Dimensions: {}, Stat: 'Sum', Period: 0, Timestamps: [], Values: [] },
        ],
      },
      'metrics.json: [0].Period: expected a number of seconds above 0, got 0.',
    ],
    ['a folder for a file', { 'metrics.json/x': '' }, 'metrics.json: it is a folder.'],
    [
      'several at once',
      { 'incident.json': '', 'metrics.json': {}, 'aws/lookup-events.json': '{]' },
      "incident.json: line 1, column 1: expected a value, found the end of the file; metrics.json: expected array, got object; aws/lookup-events.json: line 1, column 2: expected a name in double quotes, found ']'.",
    ],
    [
      'answers of the access log',
      {
        'access-log.json': {
          source: 'select 1',
          from: INCIDENT.from,
          to: INCIDENT.to,
          statuses: ['5xx'],
          accessLog: { lines: 'many' },
        },
      },
      'access-log.json: accessLog.files: expected object, got nothing, accessLog.lines: expected number, got string, accessLog.entries: expected number, got nothing, and 15 more.',
    ],
  ])('%s', async (_, contents, message) => {
    await broken(contents).toMatchObject({ message, exitCode: 2 });
  });

  it('whatever the question', async () => {
    await broken({ 'aws/describe-load-balancer-attributes.json': { 'arn:of:another': {} } }).toMatchObject({
      exitCode: 2,
    });
  });
});

describe('recorded evidence', () => {
  it('is read from the files', async () => {
    const evidence = await evidenceOf(AWS_FILES);
    const values = Object.fromEntries(
      Object.entries(evidence).map(([name, one]) => [name, one.status === 'collected' ? one.value : one.reason]),
    );
    expect(values).toMatchObject({
      loadBalancer: { LoadBalancerArn: LB_ARN, CanonicalHostedZoneId: 'Z2P70J7EXAMPLE' },
      attributes: { 'access_logs.s3.enabled': 'false', 'idle_timeout.timeout_seconds': '60' },
      listeners: [{ Port: 80 }],
      rules: { [LISTENER_ARN]: [{ Priority: '10', Conditions: [{ Field: 'path-pattern' }] }] },
      targetGroups: [{ TargetGroupName: 'my-targets', Matcher: { HttpCode: '200' } }],
      targetGroupAttributes: { [GROUP_ARN]: { 'deregistration_delay.timeout_seconds': '300' } },
      targetHealth: { [GROUP_ARN]: [{ Target: { Id: 'i-0f76fade' } }] },
      securityGroups: [{ GroupId: 'sg-5943793c' }],
      networkAcls: [{ NetworkAclId: 'acl-0ea1f54ca7EXAMPLE' }],
      subnets: [{ SubnetId: 'subnet-8360a9e7' }],
      routeTables: [{ RouteTableId: 'rtb-1' }],
      networkInterfaces: [{ NetworkInterfaceId: 'eni-1' }],
      instances: [{ InstanceId: 'i-0f76fade' }],
      prefixLists: { 'pl-1': [{ Cidr: '10.0.0.0/8' }] },
      functions: {},
      tags: [{ ResourceArn: GROUP_ARN }],
      services: [{ serviceName: 'feed' }],
      tasks: [{ stoppedAt: '2026-11-20T02:41:00Z' }],
      taskDefinitions: { [`${ECS}:task-definition/feed:47`]: {} },
      scalingActivities: { web: [{ StartTime: '2026-11-20T02:41:00Z' }] },
      serviceDeployments: [{ status: 'IN_PROGRESS' }],
      serviceRevisions: [{ serviceRevisionArn: `${ECS}:service-revision/main/feed/47` }],
      lifecycleHooks: { web: [{ LifecycleHookName: 'drain' }] },
      codeDeployments: [{ deploymentId: 'd-ABCDEF123' }],
      changes: [{ EventName: 'ModifyTargetGroupAttributes' }],
      metrics: [{ Values: [3] }],
      accessLog: 'the recording has neither logs/ nor access-log.json',
    });
  });

  it.each<[EvidenceName, string, string]>([
    ['loadBalancer', 'aws/describe-load-balancers.json', 'aws elbv2 describe-load-balancers --names my-load-balancer'],
    [
      'attributes',
      'aws/describe-load-balancer-attributes.json',
      `aws elbv2 describe-load-balancer-attributes --load-balancer-arn ${LB_ARN}`,
    ],
    ['listeners', 'aws/describe-listeners.json', `aws elbv2 describe-listeners --load-balancer-arn ${LB_ARN}`],
    ['rules', 'aws/describe-rules.json', `aws elbv2 describe-rules --listener-arn ${LISTENER_ARN}`],
    [
      'targetGroups',
      'aws/describe-target-groups.json',
      `aws elbv2 describe-target-groups --load-balancer-arn ${LB_ARN}`,
    ],
    [
      'targetGroupAttributes',
      'aws/describe-target-group-attributes.json',
      `aws elbv2 describe-target-group-attributes --target-group-arn ${GROUP_ARN}`,
    ],
    [
      'targetHealth',
      'aws/describe-target-health.json',
      `aws elbv2 describe-target-health --include AnomalyDetection --target-group-arn ${GROUP_ARN}`,
    ],
    [
      'securityGroups',
      'aws/describe-security-groups.json',
      'aws ec2 describe-security-groups --filters Name=vpc-id,Values=vpc-3ac0fb5f',
    ],
    [
      'networkAcls',
      'aws/describe-network-acls.json',
      'aws ec2 describe-network-acls --filters Name=vpc-id,Values=vpc-3ac0fb5f',
    ],
    ['subnets', 'aws/describe-subnets.json', 'aws ec2 describe-subnets --filters Name=vpc-id,Values=vpc-3ac0fb5f'],
    [
      'routeTables',
      'aws/describe-route-tables.json',
      'aws ec2 describe-route-tables --filters Name=vpc-id,Values=vpc-3ac0fb5f',
    ],
    [
      'networkInterfaces',
      'aws/describe-network-interfaces.json',
      'aws ec2 describe-network-interfaces --filters Name=vpc-id,Values=vpc-3ac0fb5f',
    ],
    [
      'instances',
      'aws/describe-instances.json',
      'aws ec2 describe-instances --filters Name=vpc-id,Values=vpc-3ac0fb5f',
    ],
    [
      'functions',
      'aws/get-function-configuration.json',
      "aws lambda get-function-configuration --function-name '<each function>'",
    ],
    [
      'functionAliases',
      'aws/get-alias.json',
      "aws lambda get-alias --function-name '<each function>' --name '<alias>'",
    ],
    ['tags', 'aws/describe-tags.json', `aws elbv2 describe-tags --resource-arns ${LB_ARN} ${GROUP_ARN}`],
    [
      'services',
      'aws/ecs-describe-services.json',
      `aws ecs describe-services --cluster ${ECS}:cluster/main --services feed`,
    ],
    [
      'tasks',
      'aws/ecs-describe-tasks.json',
      `aws ecs describe-tasks --cluster ${ECS}:cluster/main --tasks ${ECS}:task/main/8f3c`,
    ],
    [
      'taskDefinitions',
      'aws/ecs-describe-task-definition.json',
      `aws ecs describe-task-definition --task-definition ${ECS}:task-definition/feed:47`,
    ],
    [
      'containerInstances',
      'aws/ecs-describe-container-instances.json',
      "aws ecs describe-container-instances --cluster '<each cluster>' --container-instances '<each container instance>'",
    ],
    [
      'scalingActivities',
      'aws/describe-scaling-activities.json',
      'aws autoscaling describe-scaling-activities --auto-scaling-group-name web',
    ],
    [
      'serviceDeployments',
      'aws/ecs-describe-service-deployments.json',
      `aws ecs describe-service-deployments --service-deployment-arns ${ECS}:service-deployment/main/feed/Hq3v`,
    ],
    [
      'serviceRevisions',
      'aws/ecs-describe-service-revisions.json',
      `aws ecs describe-service-revisions --service-revision-arns ${ECS}:service-revision/main/feed/47`,
    ],
    [
      'lifecycleHooks',
      'aws/describe-lifecycle-hooks.json',
      'aws autoscaling describe-lifecycle-hooks --auto-scaling-group-name web',
    ],
    [
      'codeDeployments',
      'aws/batch-get-deployments.json',
      'aws deploy batch-get-deployments --deployment-ids d-ABCDEF123',
    ],
    [
      'changes',
      'aws/lookup-events.json',
      'aws cloudtrail lookup-events --lookup-attributes AttributeKey=ReadOnly,AttributeValue=false --start-time 2026-11-19T02:40:00Z --end-time 2026-11-20T03:10:01Z',
    ],
    ['edge', 'edge.json', 'aws cloudfront list-distributions'],
  ])('%s says if its file is missing, and how to get it', async (name, file, source) => {
    const { [file]: _, ...others } = AWS_FILES;
    const evidence = await evidenceOf(others);
    if (name !== 'loadBalancer' && name !== 'targetGroups') {
      const missing = Object.keys(evidence).filter((one) => Reflect.get(evidence, one).status === 'unavailable');
      expect(missing.sort()).toEqual(['accessLog', name].sort());
    }
    const isExactFromItself =
      name === 'targetGroups' || name === 'loadBalancer' || NAMING_EVIDENCE.some((one) => one === name);
    const known = isExactFromItself ? expect.anything() : source;
    const reason = `${file} is not in the incident folder`;
    expect(evidence[name]).toEqual({ status: 'unavailable', source: known, kind: 'not-recorded', reason });
    expect((await evidenceOf(AWS_FILES))[name].source).toBe(source);
  });

  it('searches changes from the oldest one in the folder on', async () => {
    const old = { EventName: 'ModifyListener', EventTime: '2026-11-09T08:00:00Z' };
    const { changes } = await evidenceOf({ ...AWS_FILES, 'aws/lookup-events.json': JSON.stringify({ Events: [old] }) });
    expect(changes.source).toContain('--start-time 2026-11-09T08:00:00Z ');
  });

  it('may be almost empty', async () => {
    const evidence = await evidenceOf({ 'expected.json': '{', 'aws/unknown.json': 'x' });
    expect(Object.values(evidence).map(({ status }) => status)).toEqual(Array(30).fill('unavailable'));
  });

  it('may have nulls for unset values, and a byte order mark', async () => {
    const evidence = await evidenceOf({
      ...AWS_FILES,
      'aws/describe-load-balancers.json': `\uFEFF${JSON.stringify({ NextToken: null, LoadBalancers: [{ ...LOAD_BALANCERS.LoadBalancers[0], VpcId: null }] })}`,
    });
    expect(evidence.loadBalancer).toMatchObject({
      status: 'collected',
      value: { LoadBalancerName: 'my-load-balancer' },
    });
  });

  it('belongs to the load balancer of the question', async () => {
    const other = {
      ...LOAD_BALANCERS.LoadBalancers[0],
      LoadBalancerName: 'other',
      LoadBalancerArn: `${ACCOUNT}:loadbalancer/app/other/1`,
    };
    const groups = [
      { TargetGroupArn: GROUP_ARN, TargetGroupName: 'mine', LoadBalancerArns: [LB_ARN] },
      { TargetGroupArn: 'theirs', TargetGroupName: 'theirs', LoadBalancerArns: [other.LoadBalancerArn] },
      { TargetGroupArn: 'loose', TargetGroupName: 'loose', LoadBalancerArns: [] },
      { TargetGroupArn: 'unsaid', TargetGroupName: 'unsaid' },
    ];
    const health = { TargetHealthDescriptions: [] };
    const evidence = await evidenceOf({
      ...AWS_FILES,
      'aws/describe-load-balancers.json': { LoadBalancers: [other, ...LOAD_BALANCERS.LoadBalancers] },
      'aws/describe-load-balancer-attributes.json': { [other.LoadBalancerArn]: { Attributes: [] } },
      'aws/describe-target-groups.json': { TargetGroups: groups },
      'aws/describe-target-health.json': { [GROUP_ARN]: health, theirs: health, since: health },
      'aws/describe-rules.json': { [`${ACCOUNT}:listener/app/other/1/2`]: { Rules: [] } },
    });
    expect(evidence.attributes).toMatchObject({
      reason: 'aws/describe-load-balancer-attributes.json has no entry for my-load-balancer',
    });
    expect(evidence.rules).toMatchObject({
      reason: 'aws/describe-rules.json has no entry for any listener of the load balancer',
    });
    expect(evidence.targetGroups).toMatchObject({
      value: [{ TargetGroupName: 'mine' }, { TargetGroupName: 'loose' }, { TargetGroupName: 'unsaid' }],
    });
    expect(evidence.targetHealth).toEqual({
      status: 'collected',
      source: expect.anything(),
      value: { [GROUP_ARN]: [], since: [] },
    });
  });

  it('includes a target group that only a rule uses', async () => {
    const evidence = await evidenceOf({
      ...AWS_FILES,
      'aws/describe-target-groups.json': {
        TargetGroups: [
          {
            TargetGroupArn: GROUP_ARN,
            TargetGroupName: 'shared',
            LoadBalancerArns: [`${ACCOUNT}:loadbalancer/app/other/1`],
          },
        ],
      },
    });
    expect(evidence.targetGroups).toMatchObject({ value: [{ TargetGroupName: 'shared' }] });
  });

  it('may be the raw output of one call', async () => {
    const bare = (name: string) => {
      const file = `aws/${name}.json`;
      return { [file]: Object.values(Object(AWS_FILES[file]))[0] };
    };
    const evidence = await evidenceOf({
      ...AWS_FILES,
      ...bare('describe-load-balancer-attributes'),
      ...bare('describe-listeners'),
      ...bare('describe-rules'),
      ...bare('describe-target-group-attributes'),
      ...bare('describe-target-health'),
      'aws/get-function-configuration.json': { FunctionName: 'f', FunctionArn: 'arn:f', Timeout: 3 },
    });
    const keyed = await evidenceOf(AWS_FILES);
    expect({ ...evidence, functions: null }).toEqual({ ...keyed, functions: null });
    expect(evidence.functions).toMatchObject({ value: { 'arn:f': { Timeout: 3 } } });
  });

  it('is not guessed when a raw output fits two target groups', async () => {
    const evidence = await evidenceOf({
      ...AWS_FILES,
      'aws/describe-target-groups.json': {
        TargetGroups: [
          { TargetGroupArn: 'a', TargetGroupName: 'a' },
          { TargetGroupArn: 'b', TargetGroupName: 'b' },
        ],
      },
      'aws/describe-target-health.json': { TargetHealthDescriptions: [] },
    });
    expect(evidence.targetHealth).toMatchObject({
      reason: 'aws/describe-target-health.json does not say which target group it is about',
    });
  });

  it('says why it could not be collected at the time', async () => {
    const denied = {
      source: `aws elbv2 describe-listeners --load-balancer-arn ${LB_ARN}`,
      reason: 'elasticloadbalancing:DescribeListeners was denied',
    };
    const evidence = await evidenceOf({
      'incident.json': { ...INCIDENT, unavailable: { listeners: denied, accessLog: denied } },
    });
    expect(evidence.listeners).toEqual({ status: 'unavailable', ...denied });
    expect(evidence.accessLog).toEqual({ status: 'unavailable', ...denied });
  });

  it('treats an empty file, left by a denied command, as missing', async () => {
    const evidence = await evidenceOf({ ...AWS_FILES, 'aws/describe-target-health.json': '', 'metrics.json': ' \n' });
    expect([evidence.targetHealth.status, evidence.metrics.status]).toEqual(['unavailable', 'unavailable']);
    expect(evidence.targetGroups.status).toBe('collected');
  });

  it('has dimensions as the AWS CLI prints them', async () => {
    const LoadBalancer = 'app/shop/0123';
    const series = { MetricName: 'RequestCount', Stat: 'Sum', Period: 60, Timestamps: [], Values: [] };
    const evidence = await evidenceOf({
      ...AWS_FILES,
      'metrics.json': [{ ...series, Dimensions: [{ Name: 'LoadBalancer', Value: LoadBalancer }] }],
    });
    expect(evidence.metrics).toMatchObject({ value: [{ ...series, Dimensions: { LoadBalancer } }] });
  });

  it('has metrics only for its own time', async () => {
    const asked = (from: string, to: string) => evidenceOf(AWS_FILES, { window: { from: at(from), to: at(to) } });
    expect((await asked('02:41', '02:55')).metrics).toMatchObject({ status: 'collected' });
    expect((await asked('02:30', '02:55')).metrics).toMatchObject({
      reason: 'metrics.json was recorded for 2026-11-20T02:40:00.000Z to 2026-11-20T02:55:00.000Z only',
    });
  });
});

describe('the load balancer', () => {
  const several = {
    'aws/describe-load-balancers.json': {
      LoadBalancers: ['shop-prod', 'shop-staging', 'Blog', 'shop']
        .map((name, id) => ({
          LoadBalancerName: name,
          LoadBalancerArn: `${ACCOUNT}:loadbalancer/app/${name}/${id}`,
          DNSName: `${name}-${id}.us-west-2.elb.amazonaws.com`,
          Type: 'application',
        }))
        .concat({
          LoadBalancerName: 'tcp',
          LoadBalancerArn: `${ACCOUNT}:loadbalancer/net/tcp/9`,
          DNSName: 'tcp',
          Type: 'network',
        }),
    },
    'incident.json': { ...INCIDENT, loadBalancer: 'shop' },
  };

  it.each([
    [null, 'shop'],
    ['shop-prod', 'shop-prod'],
    [`${ACCOUNT}:loadbalancer/app/Blog/2`, 'Blog'],
    ['app/shop-staging/1', 'shop-staging'],
    ['shop', 'shop'],
    ['blog', 'Blog'],
    ['stag', 'shop-staging'],
    ['dualstack.SHOP-prod-0.us-west-2.elb.amazonaws.com.', 'shop-prod'],
  ])('%s is %s', async (loadBalancer, name) => {
    expect((await questionIn(several, { loadBalancer })).loadBalancer.name).toBe(name);
  });

  it.each([
    [
      'sho',
      "'sho' matches 3 load balancers: shop, shop-prod, shop-staging. Try: shop last 15m, or shop-prod last 15m.",
    ],
    [
      'cart',
      "No load balancer 'cart'. There are: Blog, shop, shop-prod, shop-staging. Try: Blog last 15m, or Blog from 02:40 to 02:55.",
    ],
    [
      'tcp',
      "No load balancer 'tcp'. There are: Blog, shop, shop-prod, shop-staging. Try: shop last 15m, or shop from 02:40 to 02:55.",
    ],
    [
      'app/shop/77',
      "No load balancer 'app/shop/77'. There are: Blog, app/shop/3, shop-prod, shop-staging. Try: shop last 15m, or shop from 02:40 to 02:55.",
    ],
  ])('%s is refused, with the candidates', async (loadBalancer, message) => {
    await expect(questionIn(several, { loadBalancer })).rejects.toMatchObject({ message, exitCode: 1 });
  });

  it('in incident.json must be one of those described', async () => {
    const contents = { ...several, 'incident.json': { ...INCIDENT, loadBalancer: 'cart' } };
    await expect(questionIn(contents)).rejects.toMatchObject({ exitCode: 1 });
  });

  it.each([
    ['my-load-balancer', { arn: null }],
    [LB, { arn: null, resource: LB }],
    [LB_ARN, { arn: LB_ARN }],
  ])('in incident.json is enough if none is described: %s', async (loadBalancer, known) => {
    const contents = { 'incident.json': { ...INCIDENT, loadBalancer } };
    const question = await questionIn(contents);
    expect(question.loadBalancer).toEqual({ name: 'my-load-balancer', ...known });
    expect((await questionIn(contents, { loadBalancer: 'my-load' })).loadBalancer).toEqual(question.loadBalancer);
    await expect(questionIn(contents, { loadBalancer: 'other' })).rejects.toMatchObject({
      message:
        "No load balancer 'other'. There is: my-load-balancer. Try: my-load-balancer last 15m, or my-load-balancer from 02:40 to 02:55.",
      exitCode: 1,
    });
  });

  it.each([[LB], [LB_ARN]])(
    'in incident.json by name only is told apart by the id asked for: %s',
    async (loadBalancer) => {
      const contents = { 'incident.json': { ...INCIDENT, loadBalancer: 'my-load-balancer' } };
      const question = await questionIn(contents, { loadBalancer });
      expect(question.loadBalancer).toEqual({ name: 'my-load-balancer', arn: null, resource: LB });
    },
  );

  describe('a name that another load balancer in the log also has', () => {
    const other = 'app/my-load-balancer/0000000000000000';
    const contents = {
      'incident.json': { ...INCIDENT, loadBalancer: 'my-load-balancer' },
      'logs/a.log': ACCESS_LOG_LINES,
      'logs/b.log': ACCESS_LOG_LINES.replaceAll(LB, other),
    };

    it.each([LB, other])('is found by its id: %s', async (loadBalancer) => {
      const { accessLog } = await evidenceOf(contents, { loadBalancer });
      expect(accessLog).toMatchObject({ value: { entries: 2, requests: 1 } });
    });

    it('is not guessed', async () => {
      await expect(evidenceOf(contents)).rejects.toMatchObject({
        message: `'my-load-balancer' matches 2 load balancers: ${other}, ${LB}.`,
        exitCode: 1,
      });
    });
  });

  it('is not another one of the same name when incident.json gives its id', async () => {
    const contents = { 'incident.json': { ...INCIDENT, loadBalancer: LB } };
    await expect(questionIn(contents, { loadBalancer: 'app/my-load-balancer/77' })).rejects.toMatchObject({
      exitCode: 1,
    });
  });

  it('takes its ARN from other files when it is not described', async () => {
    const { 'aws/describe-load-balancers.json': _, ...others } = AWS_FILES;
    expect((await questionIn(others)).loadBalancer).toEqual({ name: 'my-load-balancer', arn: LB_ARN });
  });
});

describe('the window and now', () => {
  it('come from the incident', async () => {
    const question = await questionIn({
      'incident.json': { ...INCIDENT, now: '2026-11-20T02:56:00Z', statuses: ['502'] },
    });
    expect(question).toMatchObject({ from: at('02:40'), to: at('02:55'), now: at('02:56'), statuses: ['502'] });
  });

  it('are UTC without a zone, in any time zone of the machine', async () => {
    vi.stubEnv('TZ', 'America/New_York');
    onTestFinished(() => void vi.unstubAllEnvs());
    const question = await questionIn({
      'incident.json': { ...INCIDENT, from: '2026-11-20T02:40', to: '2026-11-20T04:55:00+02:00' },
    });
    expect(question).toMatchObject({ from: at('02:40'), to: at('02:55') });
  });

  it('is over 15 minutes after the recorded and the asked end when incident.json has no now', async () => {
    expect((await questionIn({})).now).toBeGreaterThan(at('03:10'));
    const asked = await questionIn({}, { window: { from: at('02:50'), to: at('03:30') } });
    expect(asked.now).toBeGreaterThan(at('03:45'));
  });

  it('may be overridden by the question', async () => {
    const asked = { window: { from: at('02:41'), to: at('02:42') }, statuses: ['504'] };
    expect(await questionIn({}, asked)).toMatchObject({ ...asked.window, statuses: ['504'] });
    expect((await questionIn({})).statuses).toEqual(['gateway']);
  });

  it.each([
    [
      'reversed',
      {},
      { from: at('02:55'), to: at('02:40') },
      'The window ends at 2026-11-20T02:40:00Z, not after it starts at 2026-11-20T02:55:00Z.',
    ],
    [
      'empty',
      {},
      { from: at('02:55'), to: at('02:55') },
      'The window ends at 2026-11-20T02:55:00Z, not after it starts at 2026-11-20T02:55:00Z.',
    ],
    [
      'in the future',
      {},
      { from: at('03:40'), to: at('03:55') },
      'The window starts at 2026-11-20T03:40:00Z, in the future of the recording (2026-11-20T03:10:01Z).',
    ],
    [
      'reversed in the recording',
      { to: '2026-11-20T02:30:00Z' },
      null,
      "incident.json: the recording's window ends at 2026-11-20T02:30:00Z, not after it starts at 2026-11-20T02:40:00Z.",
    ],
    [
      'in the future of the recording',
      { now: '2026-11-20T02:30:00Z' },
      null,
      "incident.json: the recording's window starts at 2026-11-20T02:40:00Z, in the future of the recording (2026-11-20T02:30:00Z).",
    ],
  ])('are refused if the window is %s', async (_, incident, window, message) => {
    await expect(questionIn({ 'incident.json': { ...INCIDENT, ...incident } }, { window })).rejects.toMatchObject({
      message,
      exitCode: 1,
    });
  });
});

const NOTHING: AccessLog = {
  files: { read: 0, outsideWindow: 0, connectionLogs: 0, healthCheckLogs: 0, bytes: 0, unreadable: [] },
  lines: 0,
  entries: 0,
  rejected: { lines: 0, files: 0, first: null },
  otherLoadBalancers: 0,
  oldest: null,
  newest: null,
  requests: 0,
  minutes: [],
  targets: [],
  statuses: [],
  failures: [],
  failuresTotal: 0,
  failureShapes: [],
  failedClients: 0,
  retriedOk: 0,
  routes: [],
  idleGaps: [],
};

describe('access-log.json', () => {
  const answers = {
    'access-log.json': {
      source: 'SELECT 1',
      from: INCIDENT.from,
      to: INCIDENT.to,
      statuses: ['504', '502'],
      accessLog: NOTHING,
    },
  };

  it('answers the recorded question', async () => {
    const collected = { status: 'collected', source: 'SELECT 1', value: NOTHING };
    expect((await evidenceOf(answers)).accessLog).toEqual(collected);
    expect((await evidenceOf(answers, { statuses: ['502', '504'] })).accessLog).toEqual(collected);
  });

  it.each<[string, Partial<QuestionOverrides>]>([
    ['another window', { window: { from: at('02:41'), to: at('02:55') } }],
    ['other statuses', { statuses: ['5xx'] }],
  ])('answers no other question: %s', async (_, asked) => {
    await expect(evidenceOf(answers, asked)).rejects.toMatchObject({
      message:
        'access-log.json holds 504, 502 of my-load-balancer from 2026-11-20T02:40:00Z to 2026-11-20T02:55:00Z and nothing else: ask for that.',
      exitCode: 1,
    });
  });
});
