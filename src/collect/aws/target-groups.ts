/** Elastic Load Balancing: target groups, their attributes, and the current health of their targets. */
import {
  DescribeTargetGroupAttributesCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  paginateDescribeTargetGroups,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import * as z from 'zod';
import { type Attributes, TargetGroup, TargetHealthDescription } from '../../evidence/aws.ts';
import { type Call, collectItems, toCliJson } from './call.ts';
import { parseAttributes } from './load-balancer.ts';

/** Maximum items of a page (API reference, DescribeTargetGroups). */
const PageSize = 400;

const client = ({ session }: Call) => session.client(ElasticLoadBalancingV2Client);

export async function fetchTargetGroups(call: Call, LoadBalancerArn: string): Promise<TargetGroup[]> {
  const pages = paginateDescribeTargetGroups({ client: client(call) }, { LoadBalancerArn, PageSize }, call.options);
  return z.array(TargetGroup).parse(toCliJson(await collectItems(pages, (page) => page.TargetGroups)));
}

/** By target group ARN. */
export const fetchTargetGroupAttributes = (
  call: Call,
  groups: readonly TargetGroup[],
): Promise<Record<string, Attributes>> =>
  forEach(groups, async (TargetGroupArn) =>
    parseAttributes(
      await client(call).send(new DescribeTargetGroupAttributesCommand({ TargetGroupArn }), call.options),
    ),
  );

/** By target group ARN. The call is not paginated. */
export const fetchTargetHealth = (
  call: Call,
  groups: readonly TargetGroup[],
): Promise<Record<string, TargetHealthDescription[]>> =>
  forEach(groups, async (TargetGroupArn) => {
    const command = new DescribeTargetHealthCommand({ TargetGroupArn, Include: ['AnomalyDetection'] });
    const { TargetHealthDescriptions } = await client(call).send(command, call.options);
    return z.array(TargetHealthDescription).parse(toCliJson(TargetHealthDescriptions ?? []));
  });

async function forEach<T>(
  groups: readonly TargetGroup[],
  answer: (arn: string) => Promise<T>,
): Promise<Record<string, T>> {
  const each = groups.map(async ({ TargetGroupArn }) => [TargetGroupArn, await answer(TargetGroupArn)] as const);
  return Object.fromEntries(await Promise.all(each));
}
