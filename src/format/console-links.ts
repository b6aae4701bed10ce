/**
 * Builds AWS console links from region and name alone. Each partition has its own console (AWS China, GovCloud user
 * guides).
 */

const HOST = 'console';

const consoleOf = (region: string): string => {
  if (region.startsWith('cn-')) return `https://${region}.${HOST}.amazonaws.cn`;
  if (region.startsWith('us-gov-')) return `https://${region}.${HOST}.amazonaws-us-gov.com`;
  return `https://${region}.${HOST}.aws.amazon.com`;
};

/** A region; other text gets no link. */
const REGION = /^[a-z]{2}(-[a-z]+)+-\d$/;

const link = (region: string, path: string): string | null =>
  REGION.test(region) ? `${consoleOf(region)}${path}` : null;

const ARN =
  /^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:loadbalancer\/app\/[A-Za-z0-9-]{1,32}\/[0-9a-f]{1,32}$/;

/** Links to the load balancer; null if its ARN is unknown. */
export const loadBalancerLink = (region: string, arn: string | null): string | null =>
  arn !== null && ARN.test(arn)
    ? link(region, `/ec2/home?region=${region}#LoadBalancer:loadBalancerArn=${arn};tab=listeners`)
    : null;

/** Links to the metrics of the load balancer; null if its ARN is unknown. */
export const metricsLink = (region: string, arn: string | null): string | null =>
  arn !== null && ARN.test(arn)
    ? link(region, `/ec2/home?region=${region}#LoadBalancer:loadBalancerArn=${arn};tab=monitoring`)
    : null;

/** Links to a bucket; null if the name is invalid in S3 (S3 user guide, bucket naming rules). */
export const bucketLink = (region: string, bucket: string): string | null =>
  /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) ? link(region, `/s3/buckets/${bucket}?region=${region}`) : null;

/** Also encodes marks that encodeURIComponent keeps and that end a link in a message. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);

export const alarmLink = (region: string, name: string): string | null =>
  name.isWellFormed() ? link(region, `/cloudwatch/home?region=${region}#alarmsV2:alarm/${encoded(name)}`) : null;
