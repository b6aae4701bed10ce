import type { Edge } from '../../evidence/edge.ts';
import { list, number, plural, requestsOf } from '../../format/wording.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { unseenRequests } from '../no-errors.ts';
import {
  askedStrangeHosts,
  type EdgeErrors,
  edgeErrors,
  edgeErrorsSentence,
  isMadeAtEdge,
} from '../patterns/edge-errors.ts';
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
    const unseen = unseenRequests(traffic);
    if (unseen !== null)
      return {
        outcome: 'unknown',
        summary: `Could not check whether requests come through another hop: ${unseen.words}.`,
        ...(unseen.missing ? { missing: true } : {}),
      };
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
  const { made, total, reasons } = errors;
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
  const fix = edgeFix(errors);
  return {
    outcome: 'fail',
    fix,
    // No cause behind the load balancer explains these.
    afterwards: fix,
    ...(askedStrangeHosts(errors) ? { settings: [HOST_FILTER] } : {}),
    summary: [
      edgeErrorsSentence(errors),
      ...(askedStrangeHosts(errors) ? [`CloudFront gives as the reason: ${why}.`] : []),
      ...others,
      ...through,
    ].join(' '),
    brief: `CloudFront generated ${number(made)} of the ${number(total)} 5xx`,
    facts,
  };
}

/** Answers at the edge what no origin serves. Source: CloudFront developer guide, "CloudFront Functions event structure". */
const HOST_FILTER =
  'function handler(event) { return ["<host name>"].includes(event.request.headers.host.value) ? event.request : { statusCode: 403 }; }   // CloudFront Function, viewer request';

const edgeFix = (errors: EdgeErrors): string =>
  askedStrangeHosts(errors)
    ? 'Reject unknown host names at the edge: a CloudFront Function that answers 403, and no wildcard name in DNS. CloudFront uses the Host header it forwards for the TLS handshake with the load balancer, whose certificate does not cover such names.'
    : `Look up ${plural(errors.reasons.length, 'result type')} in the CloudFront guide: ${list(errors.reasons.map((one) => one.detailedResultType))}.`;
