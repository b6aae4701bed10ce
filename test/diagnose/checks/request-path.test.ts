import { describe, expect, it } from 'vitest';
import { requestPath } from '../../../src/diagnose/checks/request-path.ts';
import type { Edge, EdgeErrorCount } from '../../../src/evidence/edge.ts';
import { question, several, trafficOf } from '../../support/traffic/traffic-builder.ts';

const distribution = { id: 'E2QWRUHAPOMQZL', domainName: 'd1.cloudfront.net', aliases: [], hasOtherOrigins: false };
const error = (requests: number, detailedResultType: string, isOwnHost: boolean | null = true): EdgeErrorCount => ({
  status: '502',
  resultType: 'Error',
  detailedResultType,
  isOwnHost,
  requests,
});
const edgeWith = (more: Partial<Edge>): Edge => ({
  ranges: [],
  distributions: [distribution],
  log: null,
  limitations: [],
  ...more,
});
const logged = (...errors: EdgeErrorCount[]): Edge =>
  edgeWith({
    log: {
      where: 'S3',
      source: 'aws s3 cp …',
      requests: 40_000,
      errors,
      cost: { bytesScanned: 0, usd: 0, queries: 0 },
    },
  });

const through = (kind: 'cloudfront' | 'network-load-balancer', name: string | null = null) =>
  trafficOf(
    several(5, 'connect-failed', () => ({ client: 1 })),
    { hops: [{ kind, name, clients: [1] }] },
  );

describe('request-path', () => {
  it.each([
    [
      'most 5xx are answers of the edge to strange hosts',
      { edge: logged(error(2309, 'OriginConnectError', false), error(18, 'Error')), traffic: through('cloudfront') },
      'fail',
      "CloudFront generated 2,309 of the 2,327 5xx responses (99 %) itself: the requests were for host names that the load balancer's certificate does not cover. CloudFront logged this as: could not connect to the origin (2,309). All 5 failed requests to the load balancer came through CloudFront, so the client addresses in the load balancer's log are not the users'.",
    ],
    [
      'a few 5xx are of the edge',
      { edge: logged(error(3, 'OriginDnsError'), error(200, 'Error')) },
      'pass',
      'CloudFront generated 3 of the 203 5xx responses that users got; the rest came from its origins.',
    ],
    [
      'a result that may come after the origin was asked counts as the origin',
      { edge: logged(error(200, 'OriginCommError'), error(200, 'OriginReadError')) },
      'pass',
      'CloudFront generated 0 of the 400 5xx',
    ],
    ['the edge logged no 5xx', { edge: logged() }, 'pass', 'CloudFront logged no 5xx.'],
    [
      'a distribution without a log is in front',
      { edge: edgeWith({}) },
      'unknown',
      'CloudFront (E2QWRUHAPOMQZL) is in front; how many 5xx it made itself is in its own log, which was not read.',
    ],
    [
      'clients are edge locations of an unknown distribution',
      { traffic: through('cloudfront') },
      'unknown',
      'CloudFront is in front',
    ],
    [
      'distributions may not be listed',
      {
        edge: edgeWith({
          distributions: [],
          limitations: [{ what: 'distributions', kind: 'denied', sentence: 'Could not check.', iamStatement: null }],
        }),
        traffic: trafficOf(several(5, 'connect-failed')),
      },
      'unknown',
      'Could not check whether a CloudFront distribution is in front: they may not be listed.',
    ],
    [
      'a Network Load Balancer hides the clients',
      { traffic: through('network-load-balancer', 'shop-nlb') },
      'pass',
      "All 5 failed requests to the load balancer came through the Network Load Balancer shop-nlb, so the client addresses in the load balancer's log are not the users'.",
    ],
    [
      'nothing was found in front',
      { traffic: trafficOf(several(5, 'connect-failed')) },
      'not-applicable',
      'No CDN or proxy was detected in front',
    ],
  ])('%s', (_, evidence, outcome, summary) => {
    const verdict = requestPath.evaluate(evidence, question);
    expect(verdict).toMatchObject({ outcome, summary: expect.stringContaining(summary) });
  });
});
