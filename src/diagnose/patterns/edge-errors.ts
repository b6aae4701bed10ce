/** Counts 5xx that CloudFront answered itself, without the load balancer. */
import type { Edge, EdgeErrorCount } from '../../evidence/edge.ts';
import { ownValue } from '../../format/own-value.ts';
import { list, number, percent } from '../../format/wording.ts';

/**
 * Values of x-edge-detailed-result-type for requests that reached no origin. Excludes values that may occur after an
 * origin was asked, such as OriginCommError and OriginReadError:
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html#BasicDistributionFileFormat
 */
const NEVER_SENT: Record<string, string> = {
  OriginConnectError: 'could not connect to the origin',
  OriginDnsError: "could not resolve the origin's name",
  InvalidRequest: 'the request was invalid',
  InvalidRequestBlocked: 'access was blocked',
  InvalidRequestCertificate: 'the certificate did not match the distribution',
  InvalidRequestHeader: 'a header was invalid',
  InvalidRequestMethod: 'the distribution does not take the method',
  ClientGeoBlocked: "the viewer's country is blocked",
  LimitExceeded: 'a limit of CloudFront was exceeded',
  CapacityExceeded: 'the edge location had no capacity',
};

export interface EdgeErrors {
  /** 5xx that viewers got. */
  total: number;
  /** 5xx of requests that reached no origin. */
  made: number;
  /** By reason, most first. */
  reasons: { detailedResultType: string; words: string; requests: number }[];
  /** Errors made at the edge for other host names than the distribution's own; null if the log has no host. */
  strangeHosts: number | null;
}

/** Null if no log of the edge was read. */
export function edgeErrors(edge: Edge | undefined): EdgeErrors | null {
  if (!edge?.log) return null;
  const { errors } = edge.log;
  const made = errors.filter(({ detailedResultType }) => ownValue(NEVER_SENT, detailedResultType) !== undefined);
  const reasons = new Map<string, number>();
  for (const { detailedResultType, requests } of made)
    reasons.set(detailedResultType, (reasons.get(detailedResultType) ?? 0) + requests);
  return {
    total: requestsOf(errors),
    made: requestsOf(made),
    reasons: [...reasons]
      .map(([detailedResultType, requests]) => ({
        detailedResultType,
        words: ownValue(NEVER_SENT, detailedResultType) ?? '',
        requests,
      }))
      .sort((a, b) => b.requests - a.requests || (a.detailedResultType < b.detailedResultType ? -1 : 1)),
    strangeHosts: made.some(({ isOwnHost }) => isOwnHost === null)
      ? null
      : requestsOf(made.filter(({ isOwnHost }) => isOwnHost === false)),
  };
}

const requestsOf = (counts: readonly EdgeErrorCount[]): number =>
  counts.reduce((sum, { requests }) => sum + requests, 0);

/** Fewer errors or a smaller share are not worth reporting. */
const [FEW, SMALL_SHARE] = [5, 0.05];

/** Whether the edge made so many errors that a verdict on the load balancer must start with them. */
export const isMadeAtEdge = ({ made, total }: EdgeErrors): boolean => made >= FEW && made >= SMALL_SHARE * total;

/** Reasons that are named in one sentence. */
const REASONS_NAMED = 3;

/** Whether most of them asked for other host names than the distribution's own. */
export const askedStrangeHosts = ({ made, strangeHosts }: EdgeErrors): boolean =>
  strangeHosts !== null && 2 * strangeHosts > made;

/** "CloudFront generated 2,309 of the 2,327 5xx responses (99 %) itself: the requests were for host names that the load balancer's certificate does not cover." */
export function edgeErrorsSentence(errors: EdgeErrors): string {
  const { made, total, reasons, strangeHosts } = errors;
  const why =
    askedStrangeHosts(errors) && strangeHosts !== null
      ? `${strangeHosts === made ? 'the requests were' : `${number(strangeHosts)} requests were`} for host names that the load balancer's certificate does not cover`
      : list(
          reasons.slice(0, REASONS_NAMED).map(({ words, requests }) => `${words} (${number(requests)})`),
          REASONS_NAMED,
        );
  return `CloudFront generated ${number(made)} of the ${number(total)} 5xx responses (${percent(made / Math.max(1, total))}) itself: ${why}.`;
}
