/**
 * Finds CloudFront distributions with the load balancer as an origin: by its DNS name, another name, or as a VPC
 * origin.
 */
import {
  CloudFrontClient,
  type DistributionSummary,
  ListDistributionsCommand,
  ListVpcOriginsCommand,
} from '@aws-sdk/client-cloudfront';
import type { LoadBalancer } from '../../evidence/aws.ts';
import type { EdgeDistribution } from '../../evidence/edge.ts';
import { type Call, callAws } from '../aws/call.ts';
import type { Session } from '../aws/session.ts';
import { type EdgePart, edgeLimitation } from './edge-part.ts';
import { type AddressLookup, isNamedByOwner, lookUpAddresses, namesOfLoadBalancer } from './origin-names.ts';

/** A distribution and its ARN, which log deliveries name. */
export interface FoundDistribution extends EdgeDistribution {
  arn: string;
}

type OriginOf = Pick<LoadBalancer, 'DNSName' | 'LoadBalancerArn' | 'Scheme'>;

/** Milliseconds. CloudFront has no VPC endpoint, and the diagnosis must not wait for it if it is unreachable. */
const REACHED_WITHIN = 4000;
/** Pages of up to 100 distributions. */
const PAGES = 20;

/** Returns the distributions, sorted by id. */
export async function fetchDistributions(
  { session }: Call,
  origin: OriginOf,
  lookUp: AddressLookup = lookUpAddresses,
): Promise<EdgePart<FoundDistribution[]>> {
  const impatient: Session = { ...session, deadline: Math.min(session.deadline, REACHED_WITHIN) };
  const listed = await callAws(
    impatient,
    'cloudfront:ListDistributions',
    () => undefined,
    (call) => listDistributions(call),
  );
  if (!('value' in listed)) return { value: [], limitations: [notKnown(listed)] };
  const { distributions, isWhole } = listed.value;
  const usesVpcOrigins = distributions.some(({ Origins }) => Origins?.Items?.some((one) => one.VpcOriginConfig));
  const vpcOrigins = usesVpcOrigins
    ? await callAws(
        impatient,
        'cloudfront:ListVpcOrigins',
        () => undefined,
        (call) => vpcOriginsOf(call, origin),
      )
    : { value: [] };
  const { names, isIncomplete } = await namesOfLoadBalancer(
    otherNames(distributions, origin),
    origin.DNSName ?? '',
    lookUp,
  );
  const own: OwnOrigins = { names, vpcOrigins: 'value' in vpcOrigins ? vpcOrigins.value : [] };
  return {
    value: distributions
      .flatMap((one) => foundDistribution(one, origin, own) ?? [])
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
    limitations: [
      ...('value' in vpcOrigins ? [] : [notKnown(vpcOrigins)]),
      ...(isIncomplete
        ? [
            edgeLimitation(
              'distributions',
              'Could not check whether CloudFront reaches the load balancer by another name: DNS did not answer for all names.',
            ),
          ]
        : []),
      ...(isWhole
        ? []
        : [edgeLimitation('distributions', `Only the first ${PAGES * 100} CloudFront distributions were looked at.`)]),
    ],
  };
}

const notKnown = (failure: Parameters<typeof edgeLimitation>[2] & { reason: string }) =>
  edgeLimitation(
    'distributions',
    `Could not check which CloudFront distribution is in front: ${failure.reason}.`,
    failure,
  );

async function listDistributions({ session, options }: Call) {
  const client = session.client(CloudFrontClient);
  const distributions: DistributionSummary[] = [];
  let Marker: string | undefined;
  for (let page = 0; page < PAGES; page++) {
    const { DistributionList } = await client.send(
      new ListDistributionsCommand({ MaxItems: 100, ...(Marker === undefined ? {} : { Marker }) }),
      options,
    );
    distributions.push(...(DistributionList?.Items ?? []));
    Marker = DistributionList?.IsTruncated ? DistributionList.NextMarker : undefined;
    if (Marker === undefined) return { distributions, isWhole: true };
  }
  return { distributions, isWhole: false };
}

/** Returns the ids of VPC origins that point to the load balancer. */
async function vpcOriginsOf({ session, options }: Call, { LoadBalancerArn }: OriginOf): Promise<string[]> {
  const client = session.client(CloudFrontClient);
  const ids: string[] = [];
  let Marker: string | undefined;
  do {
    const { VpcOriginList } = await client.send(
      new ListVpcOriginsCommand({ MaxItems: 100, ...(Marker === undefined ? {} : { Marker }) }),
      options,
    );
    for (const { Id, OriginEndpointArn } of VpcOriginList?.Items ?? [])
      if (OriginEndpointArn === LoadBalancerArn && Id !== undefined) ids.push(Id);
    Marker = VpcOriginList?.IsTruncated ? VpcOriginList.NextMarker : undefined;
  } while (Marker !== undefined);
  return ids;
}

interface OwnOrigins {
  /** Names that lead to the load balancer, in lower case. */
  names: ReadonlySet<string>;
  /** IDs of VPC origins. */
  vpcOrigins: readonly string[];
}

/** Names of origins that may lead to the load balancer. CloudFront cannot reach an internal one by a name. */
function otherNames(distributions: readonly DistributionSummary[], { Scheme, DNSName }: OriginOf): string[] {
  if (Scheme === 'internal' || DNSName === undefined) return [];
  const names = distributions
    .flatMap(({ Origins }) => Origins?.Items ?? [])
    .map((one) => one.DomainName?.toLowerCase());
  return [...new Set(names.filter((name) => name !== undefined).filter(isNamedByOwner))].sort();
}

/** Returns null if the load balancer is not an origin of this distribution. */
function foundDistribution(
  { Id = '', ARN = '', DomainName = '', Aliases, Origins }: DistributionSummary,
  { DNSName = '' }: OriginOf,
  { names: others, vpcOrigins }: OwnOrigins,
): FoundDistribution | null {
  const names = DNSName === '' ? [] : [DNSName.toLowerCase(), `dualstack.${DNSName.toLowerCase()}`];
  const origins = Origins?.Items ?? [];
  const own = origins.filter(
    (origin) =>
      names.includes(origin.DomainName?.toLowerCase() ?? '') ||
      others.has(origin.DomainName?.toLowerCase() ?? '') ||
      vpcOrigins.includes(origin.VpcOriginConfig?.VpcOriginId ?? ''),
  );
  if (own.length === 0) return null;
  return {
    id: Id,
    arn: ARN,
    domainName: DomainName,
    aliases: [...(Aliases?.Items ?? [])].sort(),
    hasOtherOrigins: own.length < origins.length,
  };
}
