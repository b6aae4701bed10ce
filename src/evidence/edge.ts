/** The hops between clients and a load balancer, as collected and saved. */
import * as z from 'zod';
import { AwsName, Cidr } from './aws.ts';

const text = z.string();
const count = z.number();

/** A hop that forwards requests of clients to a load balancer. */
const HOP_KINDS = [
  'cloudfront',
  'cloudfront-vpc-origin',
  'api-gateway',
  'global-accelerator',
  'network-load-balancer',
  'application-load-balancer',
] as const;

/** Clients of failed requests whose address belongs to a hop; numbers as in `FailedRequest.client`, ascending. */
export const Hop = z.object({ kind: z.enum(HOP_KINDS), name: text.nullable(), clients: z.array(count) });
export type Hop = z.infer<typeof Hop>;

const TITLES: Record<Hop['kind'], string> = {
  cloudfront: 'CloudFront',
  'cloudfront-vpc-origin': 'CloudFront (VPC origin)',
  'api-gateway': 'API Gateway (VPC link)',
  'global-accelerator': 'Global Accelerator',
  'network-load-balancer': 'the Network Load Balancer',
  'application-load-balancer': 'the Application Load Balancer',
};

/** "CloudFront", "the Network Load Balancer shop-nlb". */
export const hopWords = ({ kind, name }: Pick<Hop, 'kind' | 'name'>): string =>
  name === null ? TITLES[kind] : `${TITLES[kind]} ${name}`;

/** A CloudFront distribution with the load balancer among its origins. */
const EdgeDistribution = z.object({
  id: AwsName,
  domainName: text,
  aliases: z.array(text),
  /** Whether it has other origins, which may have caused its errors. */
  hasOtherOrigins: z.boolean(),
});
export type EdgeDistribution = z.infer<typeof EdgeDistribution>;

/**
 * 5xx of the window that viewers got, counted by fields of the standard log:
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html#BasicDistributionFileFormat
 */
const EdgeErrorCount = z.object({
  status: text,
  /** x-edge-result-type and x-edge-detailed-result-type; "-" if the log lacks the field. */
  resultType: text,
  detailedResultType: text,
  /** Whether the viewer asked for a host name of the distribution; null if not recorded. */
  isOwnHost: z.boolean().nullable(),
  requests: count,
});
export type EdgeErrorCount = z.infer<typeof EdgeErrorCount>;

const EdgeLog = z.object({
  /** The location of the log in words, and the command that reads it. */
  where: text,
  source: text,
  /** Requests of any status; null if only errors were queried. */
  requests: count.nullable(),
  /** Sorted by requests, descending, then by the fields. */
  errors: z.array(EdgeErrorCount),
  cost: z.object({ bytesScanned: count, usd: count, queries: count }),
});
export type EdgeLog = z.infer<typeof EdgeLog>;

/** Something that could not be read; `what` names the part. */
const EdgeLimitation = z.object({
  what: z.enum(['ranges', 'distributions', 'log']),
  kind: z.enum(['denied', 'not-recorded', 'incomplete', 'failed']),
  sentence: text,
  iamStatement: text.nullable(),
});
export type EdgeLimitation = z.infer<typeof EdgeLimitation>;

/** What is in front of the load balancer, as far as it was read. */
export const Edge = z.object({
  /**
   * Addresses from which CloudFront reaches origins: the managed prefix lists
   * com.amazonaws.global.*cloudfront.origin-facing.
   */
  ranges: z.array(Cidr),
  distributions: z.array(EdgeDistribution),
  /** The standard logs of the distributions; null if none is delivered or none was read. */
  log: EdgeLog.nullable(),
  limitations: z.array(EdgeLimitation),
});
export type Edge = z.infer<typeof Edge>;
