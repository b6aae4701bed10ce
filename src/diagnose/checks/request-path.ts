import type { Edge } from '../../evidence/edge.ts';
import { list, number, plural, requestsOf } from '../../format/wording.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { type EdgeErrors, edgeErrors, edgeErrorsSentence, isMadeAtEdge } from '../patterns/edge-errors.ts';
import { errorsThroughHops, hopNames } from '../patterns/hops.ts';
import type { Traffic } from '../traffic.ts';
import { defineCheck } from './check.ts';

export const requestPath = defineCheck({
  id: 'request-path',
  step: 1,
  question: 'Did the load balancer see nearly all 5xx that users got?',
  why: 'CloudFront answers some requests itself. Such errors are in its own log alone, and nothing behind the load balancer causes them.',
  fix: 'Look at x-edge-detailed-result-type and x-host-header in the standard log of the distribution.',
  reference:
    'https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html#BasicDistributionFileFormat',
  symptom: true,
  needs: [],
  wants: ['edge', 'traffic'],

  evaluate({ edge, traffic }): CheckVerdict {
    const atEdge = edgeErrors(edge);
    const through = traffic === undefined ? [] : throughHops(traffic);
    if (atEdge !== null && edge !== undefined) return readAtEdge(atEdge, edge, through);
    const isBehindCloudFront =
      (edge?.distributions.length ?? 0) > 0 ||
      (traffic?.log.hops ?? []).some(({ kind }) => kind === 'cloudfront' || kind === 'cloudfront-vpc-origin');
    if (isBehindCloudFront) {
      const ids = (edge?.distributions ?? []).map(({ id }) => id);
      const which = ids.length === 0 ? 'CloudFront' : `CloudFront (${list(ids)})`;
      return {
        outcome: 'unknown',
        summary: [
          `${which} is in front; how many 5xx it made itself is in its own log, which was not read.`,
          ...through,
        ].join(' '),
      };
    }
    if (through.length > 0) return { outcome: 'pass', summary: through.join(' ') };
    return { outcome: 'not-applicable', summary: 'No CDN or proxy was detected in front of the load balancer.' };
  },
});

function throughHops(traffic: Traffic): string[] {
  const errors = errorsThroughHops(traffic).reduce((sum, one) => sum + one.errors, 0);
  return errors === 0
    ? []
    : [
        `${requestsOf(Math.round(errors), traffic.errorCount)} came through ${hopNames(traffic)}: their client addresses are not those of users.`,
      ];
}

/** The number of distinct reasons listed. */
const REASONS_NAMED = 3;

function readAtEdge(errors: EdgeErrors, { distributions }: Edge, through: readonly string[]): CheckVerdict {
  const { made, total, reasons, strangeHosts } = errors;
  const facts = [
    { label: '5xx that users got', value: total, unit: 'requests' as const },
    { label: 'made by CloudFront', value: made, unit: 'requests' as const },
  ];
  if (total === 0) return { outcome: 'pass', summary: ['CloudFront logged no 5xx.', ...through].join(' '), facts };
  const others = distributions.some(({ hasOtherOrigins }) => hasOtherOrigins)
    ? ['The distribution has other origins too: some of the rest may be theirs.']
    : [];
  if (!isMadeAtEdge(errors))
    return {
      outcome: 'pass',
      summary: [
        `CloudFront generated ${number(made)} of the ${number(total)} 5xx that users got; the rest came from its origins.`,
        ...others,
        ...through,
      ].join(' '),
      facts,
    };
  const why = list(
    reasons.slice(0, REASONS_NAMED).map(({ words, requests }) => `${words} (${number(requests)})`),
    REASONS_NAMED,
  );
  const hosts =
    strangeHosts === null || strangeHosts === 0
      ? []
      : [
          `${strangeHosts === made ? 'All' : number(strangeHosts)} of them asked for host names that the distribution does not serve.`,
        ];
  return {
    outcome: 'fail',
    summary: [edgeErrorsSentence(errors), `Why: ${why}.`, ...hosts, ...others, ...through].join(' '),
    brief: `CloudFront generated ${number(made)} of the ${number(total)} 5xx`,
    facts,
    fix:
      strangeHosts !== null && 2 * strangeHosts > made
        ? 'Answer names that you do not serve at the edge: no wildcard name in DNS, or a CloudFront Function that answers 403. CloudFront uses the Host header it forwards for the TLS handshake with the load balancer, whose certificate does not cover such names.'
        : `Look up ${plural(reasons.length, 'result type')} in the CloudFront guide: ${list(reasons.map((one) => one.detailedResultType))}.`,
  };
}
