/** Estimates the monthly cost of an access log for each destination. Pure. */
import { formatBytes, formatDollars } from '../format/amounts.ts';

/**
 * US dollars per GB, in us-east-1 for the first 10 TB a month. Vended logs: https://aws.amazon.com/cloudwatch/pricing/
 * ; storage: https://aws.amazon.com/s3/pricing/
 */
const VENDED_TO_S3 = 0.25;
const VENDED_TO_LOG_GROUP = 0.5;
const KEPT_IN_S3 = 0.023;
const KEPT_IN_LOG_GROUP = 0.03;

/** Bytes of a line, and the share of them that remains after compression. */
const LINE_BYTES = 700;
const COMPRESSED = 0.15;
const GB = 1e9;

interface LogCosts {
  /** Bytes a month before compression. */
  bytes: number;
  /** US dollars a month, with logs kept for a month. */
  ownFiles: number;
  vendedFiles: number;
  logGroup: number;
}

export function logCosts(requestsPerMonth: number): LogCosts {
  const bytes = requestsPerMonth * LINE_BYTES;
  const size = bytes / GB;
  const inS3 = size * COMPRESSED * KEPT_IN_S3;
  return {
    bytes,
    ownFiles: inS3,
    vendedFiles: size * VENDED_TO_S3 + inS3,
    logGroup: size * VENDED_TO_LOG_GROUP + size * COMPRESSED * KEPT_IN_LOG_GROUP,
  };
}

/** "about 7.6 GB of log a month: own files in S3 $0.03, vended to S3 $1.93, to CloudWatch Logs $3.86". */
export function logCostsText(requestsPerMonth: number): string {
  const { bytes, ownFiles, vendedFiles, logGroup } = logCosts(requestsPerMonth);
  const [own, vended, group] = [ownFiles, vendedFiles, logGroup].map((usd) => formatDollars(usd));
  return `about ${formatBytes(bytes)} a month at the rate of the last hour, kept for 30 days at prices of us-east-1: own files in S3 ${own}, vended to S3 ${vended}, vended to CloudWatch Logs ${group}; Athena adds $0.005 for each GB it reads, Logs Insights $0.005 for each GB of the group`;
}
