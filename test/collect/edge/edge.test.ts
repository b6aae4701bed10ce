/** Hops in front of a live load balancer, through the real clients: CloudFront's own log in S3 and in CloudWatch Logs. */
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fetchEdge } from '../../../src/collect/edge/fetch-edge.ts';
import { question } from '../../support/aws/live-log-session.ts';
import { sessionIn } from '../../support/aws/live-run.ts';
import { DENIED, type Files, type LocalAccount, openAccount } from '../../support/aws/recorded-account.ts';
import { serveLogs } from '../../support/cloudwatch-logs/server.ts';
import { ARN } from '../../support/s3/log-bucket.ts';
import { serveS3 } from '../../support/s3/server.ts';

afterEach(() => vi.unstubAllEnvs());

const ID = 'E2QWRUHAPOMQZL';
const DISTRIBUTION = `arn:aws:cloudfront::123456789012:distribution/${ID}`;
const DNS = 'shop-123456789.eu-west-1.elb.amazonaws.com';
const loadBalancer = { LoadBalancerArn: ARN, LoadBalancerName: 'shop', DNSName: DNS };

const origins = (...Items: object[]) => ({ Items });
const distribution = (more: object = {}) => ({
  Id: ID,
  ARN: DISTRIBUTION,
  DomainName: 'd111111abcdef8.cloudfront.net',
  Aliases: { Items: ['shop.example.com'] },
  Origins: origins({ Id: 'alb', DomainName: DNS }),
  ...more,
});
const listed = (...Items: object[]): Files => ({
  'describe-managed-prefix-lists': { PrefixLists: [{ PrefixListId: 'pl-4fa04526' }] },
  'get-managed-prefix-list-entries': { 'pl-4fa04526': { Entries: [{ Cidr: '130.176.0.0/18' }] } },
  'cloudfront-list-distributions': { DistributionList: { IsTruncated: false, Items } },
});

const delivered = (type: string, resource: string, format: string) => ({
  sources: [{ name: 'edge', resourceArns: [DISTRIBUTION], logType: 'ACCESS_LOGS' }],
  deliveries: [
    {
      deliverySourceName: 'edge',
      deliveryDestinationType: type,
      deliveryDestinationArn: 'arn:aws:logs:us-east-1:123456789012:delivery-destination:d',
    },
  ],
  destinations: [
    {
      name: 'd',
      arn: 'arn:aws:logs:us-east-1:123456789012:delivery-destination:d',
      deliveryDestinationType: type,
      outputFormat: format,
      deliveryDestinationConfiguration: { destinationResourceArn: resource },
    },
  ],
});

interface Situation {
  files?: Files;
  logs?: Parameters<typeof serveLogs>[0];
  objects?: Map<string, Uint8Array>;
  remaining?: number | null;
  prepare?: (account: LocalAccount) => void;
  /** Addresses by name. */
  dns?: Record<string, string[]>;
  scheme?: string;
}

const ADDRESSES = ['198.51.100.1', '198.51.100.2'];

async function edgeOf({
  files = listed(distribution()),
  logs = {},
  objects = new Map(),
  remaining = null,
  prepare,
  dns = { [DNS]: ADDRESSES },
  scheme = 'internet-facing',
}: Situation) {
  const account = await openAccount(files);
  prepare?.(account);
  const s3 = await serveS3({ name: 'edge-logs', objects });
  const local = await serveLogs(logs);
  vi.stubEnv('AWS_ENDPOINT_URL_S3', s3.endpoint);
  vi.stubEnv('AWS_ENDPOINT_URL_CLOUDWATCH_LOGS', local.endpoint);
  vi.stubEnv('AWS_ENDPOINT_URL_CLOUDWATCH', local.endpoint);
  const session = sessionIn('eu-west-1');
  const call = { session, options: { abortSignal: session.signal } };
  const edge = await fetchEdge(call, {
    question,
    loadBalancer: { ...loadBalancer, Scheme: scheme },
    remainingUsd: async () => remaining,
    lookUp: async (name) => dns[name] ?? Promise.reject(new Error(`ENOTFOUND ${name}`)),
  });
  return { edge, local };
}

const fields = (time: string, host: string, detailed: string, status = '502') => ({
  date: '2026-03-10',
  time,
  'sc-status': status,
  'x-edge-result-type': status === '502' ? 'Error' : 'Miss',
  'x-edge-detailed-result-type': detailed,
  'x-host-header': host,
});
const RECORDS = [
  fields('12:01:00', 'dev.app.example.com', 'OriginConnectError'),
  fields('12:02:00', 'prod.admin.example.com', 'OriginConnectError'),
  fields('12:03:00', 'shop.example.com', 'Error'),
  fields('12:04:00', 'shop.example.com', 'Miss', '200'),
  fields('12:30:00', 'shop.example.com', 'Error'),
];
const ERRORS = [
  { status: '502', resultType: 'Error', detailedResultType: 'OriginConnectError', isOwnHost: false, requests: 2 },
  { status: '502', resultType: 'Error', detailedResultType: 'Error', isOwnHost: true, requests: 1 },
];
const json = RECORDS.map((one) => JSON.stringify(one));
const names = Object.keys(RECORDS[0] ?? {});
const w3c = ['#Version: 1.0', `#Fields: ${names.join(' ')}`, ...RECORDS.map((one) => Object.values(one).join('\t'))];
const fileOf = (lines: readonly string[]) =>
  new Map([[`AWSLogs/123456789012/CloudFront/${ID}.2026-03-10-12.abcdef01.gz`, gzipSync(`${lines.join('\n')}\n`)]]);
/** The standard log (legacy) that the distribution's own configuration names. */
const legacyLog = (Prefix: string, Enabled = true): Files => ({
  ...listed(distribution()),
  'cloudfront-get-distribution-config': {
    DistributionConfig: { Logging: { Enabled, IncludeCookies: false, Bucket: 'edge-logs.s3.amazonaws.com', Prefix } },
  },
});
const legacyFile = (prefix: string) =>
  new Map([[`${prefix}${ID}.2026-03-10-12.abcdef01.gz`, gzipSync(`${w3c.join('\n')}\n`)]]);
const events = json.map((message, index) => ({ timestamp: question.from + index * 1000, message }));

describe('the 5xx that CloudFront logged', () => {
  const inS3 = (format: string) => delivered('S3', 'arn:aws:s3:::edge-logs', format);
  const inGroup = delivered('CWL', 'arn:aws:logs:us-east-1:123456789012:log-group:/aws/cloudfront/edge:*', 'json');
  it.each<[string, Situation, object]>([
    ['in S3, JSON', { logs: inS3('json'), objects: fileOf(json) }, { requests: 4, errors: ERRORS }],
    ['in S3, W3C', { logs: inS3('w3c'), objects: fileOf(w3c) }, { requests: 4, errors: ERRORS }],
    ['in S3, by its own configuration (legacy)', { files: legacyLog(''), objects: legacyFile('') }, { errors: ERRORS }],
    ['in S3, likewise below a prefix', { files: legacyLog('cf/'), objects: legacyFile('cf/') }, { errors: ERRORS }],
    [
      'in CloudWatch Logs, few',
      { logs: { ...inGroup, events, incomingBytes: 4000 } },
      { requests: 4, errors: ERRORS, cost: { usd: 0 } },
    ],
    [
      'in CloudWatch Logs, many: counted by a query',
      {
        logs: {
          ...inGroup,
          incomingBytes: 1_000_000_000,
          counts: [
            { ...withoutTime(fields('', 'dev.app.example.com', 'OriginConnectError')), requests: '1800' },
            { ...withoutTime(fields('', 'x.y.example.com', 'OriginConnectError')), requests: '509' },
            { ...withoutTime(fields('', 'shop.example.com', 'Error')), requests: '18' },
          ],
        },
        remaining: 1,
      },
      {
        requests: null,
        errors: [
          { ...ERRORS[0], requests: 2309 },
          { ...ERRORS[1], requests: 18 },
        ],
        cost: { bytesScanned: 1_000_000_000, usd: 0.005, queries: 1 },
      },
    ],
  ])('%s', async (_, situation, log) => {
    const { edge } = await edgeOf(situation);
    expect(edge.limitations).toEqual([]);
    expect(edge).toMatchObject({ ranges: ['130.176.0.0/18'], log });
  });

  it.each<[string, Situation, RegExp]>([
    ['delivered nowhere', {}, /E2QWRUHAPOMQZL delivers no standard log: how many 5xx it made itself is unknown/],
    [
      'whose own logging is off',
      { files: legacyLog('', false) },
      /E2QWRUHAPOMQZL delivers no standard log: how many 5xx it made itself is unknown/,
    ],
    [
      'where its own configuration may not be read',
      { prepare: (account) => account.always('cloudfront:GetDistributionConfig', DENIED) },
      /Could not check where the standard log of CloudFront distribution E2QWRUHAPOMQZL is: cloudfront:GetDistributionConfig/,
    ],
    [
      'delivered only to Firehose',
      { logs: delivered('FH', 'arn:aws:firehose:us-east-1:123456789012:deliverystream/edge', 'json') },
      /it goes to Firehose \(stream edge/,
    ],
    ['with denied deliveries', { logs: { denied: 'DescribeDeliveries' } }, /logs:DescribeDeliveries on \S+ was denied/],
    [
      'that costs more than may be spent',
      { logs: { ...inGroup, incomingBytes: 1_000_000_000, counts: [] }, remaining: 0.001 },
      /could cost more than \$0\.001/,
    ],
    [
      'of more than is queried',
      { logs: { ...inGroup, incomingBytes: 3_000_000_000, counts: [] } },
      /3\.0 GB in the window, and 2\.0 GB at most are queried/,
    ],
    [
      'with a denied query',
      { logs: { ...inGroup, incomingBytes: 1_000_000_000, denied: 'StartQuery' } },
      /logs:StartQuery .* was denied/,
    ],
  ])('%s are a gap', async (_, situation, sentence) => {
    const { edge } = await edgeOf(situation);
    expect(edge.log).toBeNull();
    expect(edge.limitations).toEqual([
      expect.objectContaining({ what: 'log', sentence: expect.stringMatching(sentence) }),
    ]);
  });
});

function withoutTime({ date: _, time: __, ...rest }: ReturnType<typeof fields>) {
  return rest;
}

describe('a distribution is in front of the load balancer', () => {
  const found = {
    id: ID,
    domainName: 'd111111abcdef8.cloudfront.net',
    aliases: ['shop.example.com'],
    hasOtherOrigins: false,
  };
  const vpcOrigins = {
    'cloudfront-list-vpc-origins': {
      VpcOriginList: { IsTruncated: false, Items: [{ Id: 'vo_1', OriginEndpointArn: ARN }] },
    },
  };
  it.each<[string, Files, object[]]>([
    ['by its DNS name', listed(distribution()), [found]],
    [
      'by its DNS name for IPv6 too, in capitals',
      listed(distribution({ Origins: origins({ DomainName: `dualstack.${DNS.toUpperCase()}` }) })),
      [found],
    ],
    [
      'among other origins',
      listed(distribution({ Origins: origins({ DomainName: DNS }, { DomainName: 'x.s3.amazonaws.com' }) })),
      [{ ...found, hasOtherOrigins: true }],
    ],
    [
      'as a VPC origin',
      {
        ...listed(
          distribution({ Origins: origins({ DomainName: 'internal', VpcOriginConfig: { VpcOriginId: 'vo_1' } }) }),
        ),
        ...vpcOrigins,
      },
      [found],
    ],
    [
      'not by a VPC origin of another load balancer',
      {
        ...listed(
          distribution({ Origins: origins({ DomainName: 'internal', VpcOriginConfig: { VpcOriginId: 'vo_2' } }) }),
        ),
        ...vpcOrigins,
      },
      [],
    ],
    ['not by another name', listed(distribution({ Origins: origins({ DomainName: 'origin.example.com' }) })), []],
    ['not if there is none', listed(), []],
  ])('%s', async (_, files, distributions) => {
    expect((await edgeOf({ files })).edge).toMatchObject({ distributions });
  });
});

describe('a distribution with an origin of another name', () => {
  const named = listed(distribution({ Origins: origins({ DomainName: 'Origin.example.com' }) }));
  const incomplete = [expect.objectContaining({ what: 'distributions', kind: 'incomplete' })];
  it.each<[string, Omit<Situation, 'files'>, isFound: boolean, limitations: unknown[]]>([
    [
      'that resolves to an address of the load balancer is in front',
      { dns: { [DNS]: ADDRESSES, 'origin.example.com': ['198.51.100.2', '198.51.100.9'] } },
      true,
      [],
    ],
    [
      'that resolves to other addresses is not',
      { dns: { [DNS]: ADDRESSES, 'origin.example.com': ['198.51.100.9'] } },
      false,
      [],
    ],
    ['that resolves to nothing is not', { dns: { [DNS]: ADDRESSES } }, false, []],
    ['may be missed if DNS does not answer', { dns: {} }, false, incomplete],
    [
      'is not in front of an internal load balancer, whose addresses others have too',
      { scheme: 'internal', dns: { [DNS]: ['10.0.0.5'], 'origin.example.com': ['10.0.0.5'] } },
      false,
      [],
    ],
  ])('%s', async (_, situation, isFound, limitations) => {
    const { edge } = await edgeOf({ files: named, ...situation });
    expect(edge.distributions.map(({ id }) => id)).toEqual(isFound ? [ID] : []);
    expect(edge.limitations.filter(({ what }) => what === 'distributions')).toEqual(limitations);
  });
});

it.each([
  ['ec2:DescribeManagedPrefixLists', 'ranges', 'Could not check which clients are CloudFront'],
  ['ec2:GetManagedPrefixListEntries', 'ranges', 'Could not check which clients are CloudFront'],
  ['cloudfront:ListDistributions', 'distributions', 'Could not check which CloudFront distribution is in front'],
  ['cloudfront:ListVpcOrigins', 'distributions', 'Could not check which CloudFront distribution is in front'],
])('is limited with a statement if %s is denied', async (action, what, sentence) => {
  const files = listed(
    distribution({ Origins: origins({ DomainName: 'internal', VpcOriginConfig: { VpcOriginId: 'vo_1' } }) }),
  );
  const { edge } = await edgeOf({ files, prepare: (account) => account.always(action, DENIED) });
  expect(edge.limitations).toContainEqual({
    what,
    kind: 'denied',
    sentence: `${sentence}: ${action} was denied.`,
    iamStatement: JSON.stringify({ Effect: 'Allow', Action: action, Resource: '*' }),
  });
});
