/** The account itself: that moto holds what a scenario says, before anything is asked about it. */
import { GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { DescribeTargetHealthCommand, paginateDescribeTargetGroups } from '@aws-sdk/client-elastic-load-balancing-v2';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { beforeAll, expect, inject, it } from 'vitest';
import { type BuiltLoadBalancer, build, clientsOf, createSharedResources, reset } from './account.ts';
import { blocked, keepAlive } from './scenarios.ts';

const endpoint = inject('endpoint');
const clients = clientsOf(endpoint);
let shop: BuiltLoadBalancer;
let checkout: BuiltLoadBalancer;

beforeAll(async () => {
  await reset(endpoint);
  const surroundings = await createSharedResources(clients, 'example-alb-logs');
  shop = await build(surroundings, keepAlive(Date.now()));
  checkout = await build(surroundings, blocked(Date.now()));
});

it('holds the log files of both load balancers', async () => {
  const { Contents = [] } = await clients.s3.send(new ListObjectsV2Command({ Bucket: 'example-alb-logs' }));
  for (const { scenario } of [shop, checkout]) {
    const { name, id } = scenario.loadBalancer;
    expect(Contents.filter(({ Key = '' }) => Key.includes(`_app.${name}.${id}_`)).length).toBeGreaterThanOrEqual(6);
  }
});

it('holds their targets', async () => {
  const groups = [];
  for await (const page of paginateDescribeTargetGroups({ client: clients.elbv2 }, { LoadBalancerArn: checkout.arn })) {
    groups.push(...(page.TargetGroups ?? []));
  }
  expect(groups.map(({ TargetGroupName }) => TargetGroupName)).toEqual(['checkout']);
  const { TargetHealthDescriptions = [] } = await clients.elbv2.send(
    new DescribeTargetHealthCommand({ TargetGroupArn: groups[0]?.TargetGroupArn }),
  );
  expect(TargetHealthDescriptions).toHaveLength(4);
});

it('has the metrics that CloudWatch would have', async () => {
  const { scenario, simulation } = shop;
  const { window, loadBalancer } = scenario;
  const { MetricDataResults = [] } = await clients.cloudwatch.send(
    new GetMetricDataCommand({
      StartTime: new Date(window.from),
      EndTime: new Date(window.to),
      MetricDataQueries: [
        {
          Id: 'errors',
          MetricStat: {
            Metric: {
              Namespace: 'AWS/ApplicationELB',
              MetricName: 'HTTPCode_ELB_502_Count',
              Dimensions: [{ Name: 'LoadBalancer', Value: `app/${loadBalancer.name}/${loadBalancer.id}` }],
            },
            Period: 60,
            Stat: 'Sum',
          },
        },
      ],
    }),
  );
  const counted = MetricDataResults[0]?.Values?.reduce((sum, value) => sum + value, 0);
  expect(counted).toBeGreaterThan(0);
  expect(counted).toBe(simulation.truth.byStatus['502']);
});
