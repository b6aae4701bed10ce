/**
 * EC2: the network between the load balancer and a target. Reads whole VPCs, so that anything missing is known not to
 * exist.
 */
import {
  EC2Client,
  type Filter,
  paginateDescribeInstances,
  paginateDescribeNetworkAcls,
  paginateDescribeNetworkInterfaces,
  paginateDescribeRouteTables,
  paginateDescribeSecurityGroups,
  paginateDescribeSubnets,
  paginateGetManagedPrefixListEntries,
} from '@aws-sdk/client-ec2';
import * as z from 'zod';
import {
  Instance,
  NetworkAcl,
  NetworkInterface,
  PrefixListEntry,
  RouteTable,
  SecurityGroup,
  Subnet,
  type TargetHealthDescription,
} from '../../evidence/aws.ts';
import { type Call, collectItems, toCliJson } from './call.ts';
import { chunks } from './chunks.ts';

/** Maximum items of a page (API reference, DescribeNetworkInterfaces and others; GetManagedPrefixListEntries). */
const PAGE = 1000;
const PREFIX_LIST_PAGE = 100;
/** Maximum values of one filter (EC2 user guide, "List and filter your resources"). */
const FILTER_VALUES = 200;

interface EC2Pages {
  client: EC2Client;
  pageSize: number;
}

const paged = ({ session }: Call, pageSize = PAGE): EC2Pages => ({ client: session.client(EC2Client), pageSize });

const inVpc = (vpcId: string): { Filters: Filter[] } => ({ Filters: [{ Name: 'vpc-id', Values: [vpcId] }] });

export async function fetchSecurityGroups(call: Call, vpcId: string): Promise<SecurityGroup[]> {
  const pages = paginateDescribeSecurityGroups(paged(call), inVpc(vpcId), call.options);
  return z.array(SecurityGroup).parse(toCliJson(await collectItems(pages, (page) => page.SecurityGroups)));
}

export async function fetchNetworkAcls(call: Call, vpcId: string): Promise<NetworkAcl[]> {
  const pages = paginateDescribeNetworkAcls(paged(call), inVpc(vpcId), call.options);
  return z.array(NetworkAcl).parse(toCliJson(await collectItems(pages, (page) => page.NetworkAcls)));
}

export async function fetchSubnets(call: Call, vpcId: string): Promise<Subnet[]> {
  const pages = paginateDescribeSubnets(paged(call), inVpc(vpcId), call.options);
  return z.array(Subnet).parse(toCliJson(await collectItems(pages, (page) => page.Subnets)));
}

export async function fetchRouteTables(call: Call, vpcId: string): Promise<RouteTable[]> {
  const pages = paginateDescribeRouteTables(paged(call), inVpc(vpcId), call.options);
  return z.array(RouteTable).parse(toCliJson(await collectItems(pages, (page) => page.RouteTables)));
}

/** Includes the interfaces of targets and of the load balancer's nodes. */
export async function fetchNetworkInterfaces(call: Call, vpcId: string): Promise<NetworkInterface[]> {
  const pages = paginateDescribeNetworkInterfaces(paged(call), inVpc(vpcId), call.options);
  return z.array(NetworkInterface).parse(toCliJson(await collectItems(pages, (page) => page.NetworkInterfaces)));
}

/** Instances of the VPC, and registered ones outside it: a terminated instance no longer belongs to a VPC. */
export async function fetchInstances(
  call: Call,
  vpcId: string,
  health: Promise<Record<string, TargetHealthDescription[]>>,
): Promise<Instance[]> {
  const [here, groups] = await Promise.all([instances(call, inVpc(vpcId).Filters), health]);
  const listedIds = new Set(here.map(({ InstanceId }) => InstanceId));
  const registered = new Set(Object.values(groups).flatMap((targets) => targets.map(({ Target }) => Target.Id)));
  const missing = [...registered].filter((id) => id.startsWith('i-') && !listedIds.has(id)).sort();
  const elsewhere = chunks(missing, FILTER_VALUES).map((Values) => instances(call, [{ Name: 'instance-id', Values }]));
  return [...here, ...(await Promise.all(elsewhere)).flat()];
}

async function instances(call: Call, Filters: Filter[]): Promise<Instance[]> {
  const pages = paginateDescribeInstances(paged(call), { Filters }, call.options);
  const found = await collectItems(pages, (page) => page.Reservations?.flatMap(({ Instances }) => Instances ?? []));
  return z.array(Instance).parse(toCliJson(found));
}

/** The prefix lists that the security groups' rules reference; ascending. */
export const referencedPrefixLists = (groups: readonly SecurityGroup[]): string[] =>
  [
    ...new Set(
      groups
        .flatMap(({ IpPermissions = [], IpPermissionsEgress = [] }) => [...IpPermissions, ...IpPermissionsEgress])
        .flatMap(({ PrefixListIds = [] }) => PrefixListIds.map(({ PrefixListId }) => PrefixListId)),
    ),
  ].sort();

/** By prefix list id. */
export async function fetchPrefixLists(call: Call, ids: readonly string[]): Promise<Record<string, PrefixListEntry[]>> {
  const each = ids.map(async (PrefixListId) => {
    const pages = paginateGetManagedPrefixListEntries(paged(call, PREFIX_LIST_PAGE), { PrefixListId }, call.options);
    const entries = await collectItems(pages, (page) => page.Entries);
    return [PrefixListId, z.array(PrefixListEntry).parse(toCliJson(entries))] as const;
  });
  return Object.fromEntries(await Promise.all(each));
}
