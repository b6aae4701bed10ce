import { describe, expect, it } from 'vitest';
import { fixedResponse } from '../../../src/diagnose/causes/fixed-response.ts';
import { noRegisteredTargets } from '../../../src/diagnose/causes/no-registered-targets.ts';
import { targetOptimizer } from '../../../src/diagnose/causes/target-optimizer.ts';
import { judgementOf } from '../../support/judgement.ts';
import { API, failed, question, START, several, target, trafficOf } from '../../support/traffic/traffic-builder.ts';

const group = (part = {}) => ({ targetGroups: [{ TargetGroupArn: API, TargetGroupName: 'api', ...part }] });
const rejects = (...Values: number[]) => ({
  metrics: [
    {
      MetricName: 'TargetControlRequestRejectCount',
      Dimensions: { LoadBalancer: 'app/shop-prod/50dc6c495c0c9188', TargetGroup: 'targetgroup/api/0123456789abcdef' },
      Stat: 'Sum',
      Period: 60,
      Timestamps: Values.map((_, i) => new Date(START + i * 60_000).toISOString()),
      Values,
    },
  ],
});
const pair = (elb_status_code: string, target_status_code: string) => ({
  target_group_arn: API,
  elb_status_code,
  target_status_code,
  requests: 10,
});
const twenty = several(20, 'no-target');

function judged(known = {}, log = {}) {
  const scene = { traffic: trafficOf(twenty, log), ...known };
  return [noRegisteredTargets, targetOptimizer].flatMap((cause) =>
    judgementOf(cause, scene, question).claims.map(({ strength }) => `${cause.id} ${strength}`),
  );
}

describe('no-registered-targets and target-optimizer', () => {
  it('keep their ids', () =>
    expect([noRegisteredTargets.id, targetOptimizer.id]).toEqual(['no-registered-targets', 'target-optimizer']));

  it.each([
    ['a group without a target control port', group(), {}, ['no-registered-targets confirmed']],
    ['an unknown group', {}, {}, ['no-registered-targets possible', 'target-optimizer possible']],
    [
      'an unknown group, but every request failed this way',
      {},
      { statuses: [pair('503', '-')] },
      ['no-registered-targets likely', 'target-optimizer possible'],
    ],
    [
      'an unknown group, and some requests succeeded',
      {},
      { statuses: [pair('200', '200'), pair('503', '-')] },
      ['no-registered-targets possible', 'target-optimizer possible'],
    ],
    [
      'only a target control port',
      group({ TargetControlPort: 3000 }),
      {},
      ['no-registered-targets possible', 'target-optimizer possible'],
    ],
    [
      'the agent refused as many',
      { ...group({ TargetControlPort: 3000 }), ...rejects(12, 8) },
      {},
      ['target-optimizer confirmed'],
    ],
    [
      'the agent refused none',
      { ...group({ TargetControlPort: 3000 }), ...rejects() },
      {},
      ['no-registered-targets confirmed'],
    ],
    [
      'the agent refused a few',
      { ...group({ TargetControlPort: 3000 }), ...rejects(3) },
      {},
      ['no-registered-targets possible', 'target-optimizer possible'],
    ],
  ])('%s', (_, known, log, claims) => {
    expect(judged(known, log)).toEqual(claims);
  });

  it.each([
    ['nothing registered', [], 'No target is registered in api now.'],
    [
      'all unused',
      [{ Target: { Id: 'i-01' }, TargetHealth: { State: 'unused', Reason: 'Target.NotInUse' } }],
      'api has 1 target now: 1 unused (Target.NotInUse).',
    ],
  ])('reports the current health: %s', (_, described, sentence) => {
    const known = { traffic: trafficOf(twenty), ...group(), targetHealth: { [API]: described } };
    expect(judgementOf(noRegisteredTargets, known, question).for).toContain(sentence);
  });

  it('name the group in headline and command', () => {
    const known = { traffic: trafficOf(twenty), ...group() };
    expect(judgementOf(noRegisteredTargets, known, question).summary).toBe(
      'api had no usable target: 20 requests got 503.',
    );
    expect(judgementOf(noRegisteredTargets, known, question).fix.commands[0]).toContain(API);
  });

  it('names the node whose zone has no target, where the other nodes reach theirs', () => {
    const errors = several(20, 'no-target', () => ({ node: '10.0.1.142' }));
    const log = { targets: [target('10.0.10.40:8080', { node: '10.0.0.37' })] };
    const { summary, fix } = judgementOf(
      noRegisteredTargets,
      { traffic: trafficOf(errors, log), ...group() },
      question,
    );
    expect(summary).toBe(
      'api had no target in the zone of the load balancer node 10.0.1.142: 20 requests got 503 there, and the other nodes reached its targets.',
    );
    expect(fix.commands[0]).toContain('load_balancing.cross_zone.enabled,Value=true');
    const everywhere = { targets: [target('10.0.10.40:8080', { node: '10.0.1.142' })] };
    const scene = { traffic: trafficOf(errors, everywhere), ...group() };
    expect(judgementOf(noRegisteredTargets, scene, question).summary).toBe(
      'api had no usable target: 20 requests got 503.',
    );
  });

  const inState = (State: string, Reason?: string) => ({
    Target: { Id: '10.0.1.5', Port: 8080 },
    TargetHealth: { State, ...(Reason === undefined ? {} : { Reason }) },
  });
  const GREEN = API.replace('targetgroup/api', 'targetgroup/api-green');
  const service = (desiredCount: number, runningCount = 0) => ({
    services: [
      {
        ...{ serviceArn: 'arn:aws:ecs:eu-west-1:1:service/main/feed', serviceName: 'feed', clusterArn: 'main' },
        ...{ desiredCount, runningCount, loadBalancers: [{ targetGroupArn: API }] },
        deployments: [{ id: 'ecs-svc/1', desiredCount: 3 }],
      },
    ],
  });
  const controller = {
    tags: [
      {
        ResourceArn: API,
        Tags: [
          { Key: 'elbv2.k8s.aws/cluster', Value: 'prod' },
          { Key: 'ingress.k8s.aws/stack', Value: 'shop/web' },
        ],
      },
    ],
  };
  const rules = {
    'arn:listener': [
      { RuleArn: 'arn:rule', Priority: '10', IsDefault: false, Actions: [{ Type: 'forward', TargetGroupArn: API }] },
    ],
  };

  it.each([
    {
      name: 'an ECS service scaled to 0',
      known: { targetHealth: { [API]: [] }, ...service(0) },
      headline: 'No target is registered in target group api: 20 requests got 503.',
      remedy: 'Raise the desired count of the ECS service feed: it is 0.',
      runs: 'aws ecs update-service --cluster main --service feed --desired-count 3',
    },
    {
      name: 'an ECS service without a running task',
      known: { targetHealth: { [API]: [] }, ...service(3) },
      headline: 'No target is registered in target group api: 20 requests got 503.',
      remedy: 'See why no task of the ECS service feed runs (3 wanted): its events and its stopped tasks tell.',
      runs: 'aws ecs describe-services --cluster main --services feed',
    },
    {
      name: 'an Ingress whose pods are not ready',
      known: { targetHealth: { [API]: [inState('draining', 'Target.DeregistrationInProgress')] }, ...controller },
      headline: 'The only target of target group api is draining, and no other is registered: 20 requests got 503.',
      remedy: 'Give the Service behind ingress web a ready pod: the controller registers only ready pods',
      runs: 'kubectl get pods,endpointslices -n shop',
    },
    {
      name: 'a deployment that filled another group',
      known: { targetHealth: { [API]: [], [GREEN]: [inState('healthy')] }, rules },
      headline: 'No target is registered in target group api: 20 requests got 503.',
      remedy: 'Send the requests for api to api-green, which has 1 healthy target and gets none',
      runs: `aws elbv2 modify-rule --rule-arn arn:rule --actions Type=forward,TargetGroupArn=${GREEN}`,
    },
    {
      name: 'targets in their first health checks',
      known: { targetHealth: { [API]: [inState('initial', 'Elb.InitialHealthChecking')] } },
      headline: 'No target of target group api has passed its first health checks yet: 20 requests got 503.',
      remedy: 'a new target gets requests only after it passes a health check',
      runs: 'aws elbv2 describe-target-health',
    },
    {
      name: 'stopped instances',
      known: { targetHealth: { [API]: [inState('unused', 'Target.InvalidState')] } },
      headline: 'The only target of target group api is stopped or terminated: 20 requests got 503.',
      remedy: 'Start or replace 10.0.1.5',
      runs: 'aws ec2 describe-instances',
    },
    {
      name: 'a zone that is not enabled',
      known: { targetHealth: { [API]: [inState('unused', 'Target.NotInUse')] } },
      headline:
        'The only target of target group api is in a zone that the load balancer does not use: 20 requests got 503.',
      remedy: 'Enable the zone of the targets on the load balancer',
      runs: 'aws elbv2 describe-target-health',
    },
    {
      name: 'a group that has targets again',
      known: { targetHealth: { [API]: [inState('healthy')] } },
      headline: 'api had no usable target: 20 requests got 503.',
      remedy: 'Keep targets of api registered until others are healthy',
      runs: 'aws elbv2 describe-target-health',
    },
  ])('name why the group is empty, and what fills it: $name', ({ known, headline, remedy, runs }) => {
    const { summary, fix } = judgementOf(
      noRegisteredTargets,
      { traffic: trafficOf(twenty), ...group(), ...known },
      question,
    );
    expect(summary).toBe(headline);
    expect(fix.summary).toContain(remedy);
    expect(fix.commands[0]).toContain(runs);
  });

  it.each([
    [
      'authenticates',
      [
        { Type: 'authenticate-oidc', Order: 1 },
        { Type: 'forward', Order: 2, TargetGroupArn: API },
      ],
    ],
    [
      'forwards to other groups as well',
      [{ Type: 'forward', ForwardConfig: { TargetGroups: [{ TargetGroupArn: API }, { TargetGroupArn: `${API}0` }] } }],
    ],
  ])('only show a rule that %s', (_, Actions) => {
    const more = { 'arn:listener': [{ RuleArn: 'arn:rule', Priority: '10', IsDefault: false, Actions }] };
    const known = { targetHealth: { [API]: [], [GREEN]: [inState('healthy')] }, rules: more, ...group() };
    const { fix } = judgementOf(noRegisteredTargets, { traffic: trafficOf(twenty), ...known }, question);
    expect(fix.summary).toContain('api-green');
    expect(fix.commands).toEqual(['aws elbv2 describe-rules --listener-arn arn:listener']);
    expect(fix.notes?.join(' ')).toContain('keep its authentication and its other target groups');
  });

  it('send nothing to a group that gets requests already', () => {
    const known = { targetHealth: { [API]: [], [GREEN]: [inState('healthy')] }, rules, ...group() };
    const busy = { statuses: [{ ...pair('200', '200'), target_group_arn: GREEN }] };
    const { fix } = judgementOf(noRegisteredTargets, { traffic: trafficOf(twenty, busy), ...known }, question);
    expect(fix.summary).not.toContain('api-green');
  });

  it('rule each other out: a 503 without a target and a configured one', () => {
    const configured = trafficOf(several(20, 'fixed-response'));
    expect(judgementOf(fixedResponse, { traffic: trafficOf(twenty) }, question)).toMatchObject({
      ruledOut: true,
      against: ['All 20 failed requests found no target to connect to.'],
    });
    expect(judgementOf(noRegisteredTargets, { traffic: configured }, question)).toMatchObject({
      ruledOut: true,
      against: ['All 20 failed requests got a fixed response of a listener rule.'],
    });
    expect(judgementOf(fixedResponse, { traffic: trafficOf(several(3, 'connect-failed')) }, question).ruledOut).toBe(
      false,
    );
  });

  it('attribute an undocumented 503 to the optimizer only if it rejected requests', () => {
    const traffic = trafficOf([failed('inconsistent', 60, { elb_status_code: '503' })]);
    expect(judgementOf(targetOptimizer, { traffic, ...group() }, question).claims).toEqual([]);
    expect(judgementOf(targetOptimizer, { traffic, ...rejects(1) }, question).claims).toMatchObject([
      { strength: 'confirmed' },
    ]);
  });
});
