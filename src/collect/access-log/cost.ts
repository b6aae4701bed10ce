/**
 * The cost of reading the access log. Pure. Sizes use powers of ten, so that costs are never underestimated. Prices are
 * those of us-east-1, which most regions share:
 * https://aws.amazon.com/athena/pricing/ https://aws.amazon.com/s3/pricing/
 */
import type { Cost, CostEstimate } from '../../evidence/access-log.ts';
import { formatDollars, formatBytes as size, upperBoundWords } from '../../format/amounts.ts';
import { plural } from '../../format/wording.ts';

export const NO_COST: Cost = { bytesScanned: 0, usd: 0, queries: 0 };

const ATHENA_USD_PER_TB = 5;
const TB = 1e12;
const MB = 1e6;
const ATHENA_MINIMUM = 10 * MB;
const GET_USD = 0.4 / 1_000_000;
const LIST_USD = 5 / 1_000_000;
const EGRESS_USD_PER_GB = 0.09;
const KEYS_A_PAGE = 1000;

/** Cost of one query: rounded up to the megabyte, at least ten. */
export function athenaUsd(bytes: number): number {
  return (Math.max(ATHENA_MINIMUM, Math.ceil(bytes / MB) * MB) / TB) * ATHENA_USD_PER_TB;
}

/** Cost of the S3 requests; transfer is free within the region. */
export const s3Usd = (files: number, lists: number): number =>
  files * GET_USD + (lists + Math.floor(files / KEYS_A_PAGE)) * LIST_USD;

/** Cost of the transfer to alb502 if it runs outside AWS. */
const egressUsd = (bytes: number): number => (bytes / 1e9) * EGRESS_USD_PER_GB;

/** Estimates reading objects straight from S3, where every listed object is read. */
export function estimateS3(files: number, bytes: number, days: number): CostEstimate {
  const usd = s3Usd(files, days);
  return { files, bytes, usd, atMost: { bytes, usd: usd + egressUsd(bytes) } };
}

/** A diagnosis takes one scan, plus one of fewer files if connections were closed early. */
export const MOST_QUERIES = 2;

/** `dayBytes`: size of all files in the partitions read; null if unknown. `cutoff`: the workgroup's limit per query. */
export function estimateAthena(
  files: number,
  bytes: number,
  dayBytes: number | null,
  cutoff: number | null,
): CostEstimate {
  const each = dayBytes === null ? cutoff : cutoff === null ? dayBytes : Math.min(dayBytes, cutoff);
  return {
    files,
    bytes,
    usd: athenaUsd(bytes),
    atMost: each === null ? null : { bytes: each * MOST_QUERIES, usd: athenaUsd(each) * MOST_QUERIES },
  };
}

/**
 * US dollars: the most that a scan beside the first may cost (4 GB, about 30 million requests). The money is wasted when
 * no connection was closed early.
 */
const BESIDE_USD = 0.02;

/** Adds a scan that starts beside the first to an estimate of Athena; null if it is too dear or its bound is unknown. */
export function withScanBeside(estimate: CostEstimate): CostEstimate | null {
  const { bytes, atMost } = estimate;
  const usd = athenaUsd(bytes);
  if (atMost === null || usd > BESIDE_USD) return null;
  const share = (MOST_QUERIES + 1) / MOST_QUERIES;
  return { ...estimate, usd: estimate.usd + usd, atMost: { bytes: atMost.bytes * share, usd: atMost.usd * share } };
}

/** US dollars per GB that CloudWatch Logs Insights scans: https://aws.amazon.com/cloudwatch/pricing/ */
const INSIGHTS_USD_PER_GB = 0.005;

/** A slice whose result is full is queried again in halves. */
const INSIGHTS_SCANS = 2;

export const insightsUsd = (bytes: number): number => (bytes / 1e9) * INSIGHTS_USD_PER_GB;

/** `bytes`: size of the log group in the range, null if unknown. */
export function estimateInsights(bytes: number | null): CostEstimate {
  if (bytes === null) return { files: 0, bytes: 0, usd: 0, atMost: null };
  const most = bytes * INSIGHTS_SCANS;
  return { files: 0, bytes, usd: insightsUsd(bytes), atMost: { bytes: most, usd: insightsUsd(most) } };
}

/** Filtering events costs nothing; if they fill too many pages, a query follows where one is allowed. */
export function estimateFilter(bytes: number | null, mayQuery: boolean): CostEstimate {
  const { atMost, ...query } = estimateInsights(bytes);
  return { ...query, usd: 0, atMost: mayQuery && atMost !== null ? atMost : { bytes: bytes ?? 0, usd: 0 } };
}

/** Estimates counting all messages, and fetching those of failures and at most `fetched` bytes of the others. */
export function estimateCounting(bytes: number, fetched: number): CostEstimate {
  const scanned = 2 * bytes + Math.min(bytes, fetched);
  const most = scanned * INSIGHTS_SCANS;
  return { files: 0, bytes: scanned, usd: insightsUsd(scanned), atMost: { bytes: most, usd: insightsUsd(most) } };
}

/** "40 files, 340.0 MB: about $0.0017, at most 2.1 GB and $0.0105"; without files for a log group. */
export const estimateWords = (estimate: CostEstimate): string =>
  `${estimate.files === 0 ? '' : `${plural(estimate.files, 'file')}, `}${size(estimate.bytes)}: ${priceWords(estimate)}`;

/** "about $0.0017, at most 2.1 GB and $0.0105". */
export const priceWords = ({ usd, atMost }: CostEstimate): string =>
  `${usd < 0.0001 ? '' : 'about '}${formatDollars(usd)}, ${upperBoundWords(atMost)}`;

/** Adds the estimates of two reads. */
export function sumOfEstimates(one: CostEstimate, other: CostEstimate): CostEstimate {
  const [most, more] = [one.atMost, other.atMost];
  return {
    files: one.files + other.files,
    bytes: one.bytes + other.bytes,
    usd: one.usd + other.usd,
    atMost: most === null || more === null ? null : { bytes: most.bytes + more.bytes, usd: most.usd + more.usd },
  };
}
