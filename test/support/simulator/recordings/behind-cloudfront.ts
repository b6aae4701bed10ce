/** A load balancer behind CloudFront, after a public post-mortem whose first version blamed a node for what the edge had answered. */
import { counts, type Recording, share } from '../recording.ts';
import { group, loadBalancer, people, quarterHour, shopRoutes, targets } from './shop.ts';

/** Scanners ask a wildcard name for hosts that no certificate covers, while one target crashes for a moment. */
export const bogusHostsAtTheEdge: Recording = {
  name: '039-bogus-hosts-answered-at-the-edge',
  scenario: {
    seed: 1038,
    loadBalancer: loadBalancer('site-prod', '3d8f1a6c5b7e9024', {
      host: 'site.example.com',
      edgeNetworks: ['130.176.8', '130.176.20', '64.252.75'],
    }),
    ...quarterHour('2026-11-21T10:30:00Z'),
    targetGroups: [
      group('site', '90ab12cd34ef5678', targets('10.0.10.40', '10.0.11.40', '10.0.11.41'), {
        healthCheck: { unhealthyThreshold: 2 },
      }),
    ],
    routes: shopRoutes('site'),
    clients: [people(9)],
    faults: [{ kind: 'crash', target: '10.0.11.40', at: 312 }],
  },
  edge: ({ truth }) => ({
    ranges: ['130.176.0.0/18', '64.252.64.0/18'],
    distributions: [
      {
        id: 'E2QWRUHAPOMQZL',
        domainName: 'd111111abcdef8.cloudfront.net',
        aliases: ['*.site.example.com', 'site.example.com'],
        hasOtherOrigins: false,
      },
    ],
    log: {
      where: 'S3 (s3://example-edge-logs, JSON)',
      source:
        "aws s3 cp s3://example-edge-logs/AWSLogs/123456789012/CloudFront/ edge --recursive --exclude '*' --include 'E2QWRUHAPOMQZL.2026-11-21*'",
      requests: 40_218,
      errors: [
        {
          status: '502',
          resultType: 'Error',
          detailedResultType: 'OriginConnectError',
          isOwnHost: false,
          requests: 2_309,
        },
        ...Object.entries(truth.byStatus).map(([status, requests]) => ({
          status,
          resultType: 'Error',
          detailedResultType: 'Error',
          isOwnHost: true,
          requests,
        })),
      ],
      cost: { bytesScanned: 5_120_000, usd: 0.0000098, queries: 0 },
    },
    limitations: [],
  }),
  expected: (simulation) => ({
    verdict: { cause: 'connection-refused', standing: ['confirmed', 'likely'] },
    explains: { 'connection-refused': share(simulation, 'connection-refused') },
    ruledOut: ['security-group-blocked', 'network-acl-blocked'],
    mustNotClaim: ['keep-alive-race', 'target-gone', 'slow-target', 'load-balancer-impaired'],
    ...counts(simulation),
    steps: { '1': 'fail' },
    why: 'CloudFront answered 2,309 requests of scanners for host names that no certificate covers with 502, and they never reached the load balancer. The few errors in its own log are of a target that crashed at 10:35:12. Whoever counts the 5xx of users blames that target for a hundred times as many; and the addresses in the log are those of edge locations, not of clients.',
  }),
};
