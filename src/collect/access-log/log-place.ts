/** Where a load balancer delivers its logs in S3, from its attributes and its ARN. */
import type { Attributes } from '../../evidence/aws.ts';
import { type DeliveredLog, logOf } from '../../evidence/delivered-log.ts';
import type { FieldOrder } from './vended/reorder-files.ts';

/** How to find the objects of a vended delivery. */
export interface VendedLayout {
  /** The key of a day's folder, with the variables `{yyyy}`, `{MM}` and `{dd}`. */
  template: string;
  /** Whether the load balancer writes its own files to the same folders. */
  isShared: boolean;
  /** Of plain records that do not say so themselves: their fields in another order than usual, and their delimiter. */
  order?: FieldOrder;
  /** Whether the days in the keys are those of another time zone than UTC. */
  isLocalTime?: boolean;
}

/** Where a load balancer delivers its access log. */
export interface LogPlace {
  bucket: string;
  /** Prefix of all log files of this account and region, including the slash before the year. */
  root: string;
  account: string;
  region: string;
  /** aws, aws-cn, aws-us-gov */
  partition: string;
  loadBalancer: { name: string; id: string };
  /** For a vended delivery; absent if the load balancer writes its own files. */
  vended?: VendedLayout;
  /** Of a vended delivery; see `DeliveredLog`. */
  format?: string | null;
  stream?: string;
}

/** The place as a destination of the log. */
export const logAt = ({ bucket, root, format = null, stream }: LogPlace): DeliveredLog =>
  logOf({ service: 's3', name: `${bucket}/${root}`, format, stream });

const ARN = /^arn:([^:]+):elasticloadbalancing:([^:]+):([0-9]{12}):loadbalancer\/app\/([^/]+)\/([^/]+)$/;

/**
 * Returns null if the attributes disable delivery to S3 or name no bucket. Throws RangeError if the ARN is not that of
 * an Application Load Balancer.
 */
export function logPlace(attributes: Attributes, loadBalancerArn: string): LogPlace | null {
  const { account, region, ...rest } = placeInArn(loadBalancerArn);
  const bucket = attributes['access_logs.s3.bucket'] ?? '';
  if (attributes['access_logs.s3.enabled'] !== 'true' || bucket === '') return null;
  const root = rootOf(attributes['access_logs.s3.prefix'] ?? '', { account, region });
  return { bucket, root, account, region, ...rest };
}

/** Where the load balancer itself writes its health-check log, which may be another bucket; null if it writes none. */
export function healthCheckPlace(attributes: Attributes, loadBalancerArn: string): LogPlace | null {
  const { account, region, ...rest } = placeInArn(loadBalancerArn);
  const bucket = attributes['health_check_logs.s3.bucket'] ?? '';
  if (attributes['health_check_logs.s3.enabled'] !== 'true' || bucket === '') return null;
  const root = rootOf(attributes['health_check_logs.s3.prefix'] ?? '', { account, region });
  return { bucket, root, account, region, ...rest };
}

function rootOf(prefix: string, { account, region }: { account: string; region: string }): string {
  const trimmed = prefix.replace(/^[/]+|[/]+$/g, '');
  return `${trimmed === '' ? '' : `${trimmed}/`}AWSLogs/${account}/elasticloadbalancing/${region}/`;
}

/**
 * Reads the place from a load balancer's ARN. Throws RangeError if the ARN is not that of an Application Load Balancer.
 */
export function placeInArn(
  loadBalancerArn: string,
): Pick<LogPlace, 'account' | 'region' | 'partition' | 'loadBalancer'> {
  const [, partition, region, account, name, id] = ARN.exec(loadBalancerArn) ?? [];
  if (!partition || !region || !account || !name || !id)
    throw new RangeError(`${loadBalancerArn} is not the ARN of an Application Load Balancer`);
  return { account, region, partition, loadBalancer: { name, id } };
}
