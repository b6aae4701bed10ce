import { describe, expect, it } from 'vitest';
import { hopAddresses, withHops } from '../../src/collect/hop-addresses.ts';
import type { NetworkInterface } from '../../src/evidence/aws.ts';
import type { Collected } from '../../src/evidence/collected.ts';
import { logOf } from '../support/traffic/traffic-builder.ts';

const collected = <T>(value: T): Collected<T> => ({ status: 'collected', source: 'aws …', value });
const ARN = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop-prod/50dc6c495c0c9188';
const nic = (PrivateIpAddress: string, more: Partial<NetworkInterface>): NetworkInterface => ({
  NetworkInterfaceId: `eni-${PrivateIpAddress}`,
  PrivateIpAddress,
  ...more,
});

const RANGES = ['130.176.0.0/18', '2600:9000:5300::/45'];
const known = {
  edge: collected({ ranges: RANGES, distributions: [], log: null, limitations: [] }),
  loadBalancer: collected({ LoadBalancerArn: ARN, LoadBalancerName: 'shop-prod' }),
  securityGroups: collected([{ GroupId: 'sg-origin', GroupName: 'CloudFront-VPCOrigins-Service-SG' }]),
  networkInterfaces: collected([
    nic('10.0.0.5', { Description: 'ELB app/shop-prod/50dc6c495c0c9188' }),
    nic('10.0.0.6', { Description: 'ELB app/outer/60dc6c495c0c9188' }),
    nic('10.0.0.7', { Description: 'ELB net/shop-nlb/70dc6c495c0c9188', InterfaceType: 'network_load_balancer' }),
    nic('10.0.0.8', { InterfaceType: 'api_gateway_managed' }),
    nic('10.0.0.9', { InterfaceType: 'global_accelerator_managed' }),
    nic('10.0.0.10', { Groups: [{ GroupId: 'sg-origin' }] }),
    nic('10.0.0.11', { Description: 'an instance', Association: { PublicIp: '203.0.113.7' } }),
  ]),
};

describe('an address in front of the load balancer', () => {
  it.each([
    ['130.176.8.4', { kind: 'cloudfront', name: null }],
    ['2600:9000:5300::12', { kind: 'cloudfront', name: null }],
    ['10.0.0.6', { kind: 'application-load-balancer', name: 'outer' }],
    ['10.0.0.7', { kind: 'network-load-balancer', name: 'shop-nlb' }],
    ['10.0.0.8', { kind: 'api-gateway', name: null }],
    ['10.0.0.9', { kind: 'global-accelerator', name: null }],
    ['10.0.0.10', { kind: 'cloudfront-vpc-origin', name: null }],
    // Clients: the load balancer itself, an instance, anyone else, and what is no address.
    ['10.0.0.5', null],
    ['10.0.0.11', null],
    ['203.0.113.9', null],
    ['-', null],
  ])('%s', (address, hop) => {
    expect(hopAddresses(known)(address)).toEqual(hop);
  });
});

it.each([
  [
    'only where the addresses of CloudFront are unknown',
    [],
    [{ kind: 'cloudfront', name: '(by user agent)', clients: [1] }],
  ],
  ['not beside known addresses, since anyone can send it', RANGES, undefined],
])('takes the user agent of CloudFront for a sign %s', (_, ranges, hops) => {
  const log = logOf([], { clientAddresses: ['203.0.113.9', '203.0.113.10'], cloudFrontClients: [1] });
  const edge = collected({ ranges, distributions: [], log: null, limitations: [] });
  const { accessLog } = withHops({ ...known, edge, accessLog: collected(log) });
  expect(accessLog.status === 'collected' && accessLog.value.hops).toEqual(hops);
  expect(JSON.stringify(accessLog)).not.toContain('cloudFrontClients');
});

it('keeps client numbers and drops addresses, in the longer look-back, too', () => {
  const log = logOf([], { clientAddresses: ['203.0.113.9', '130.176.8.4', '130.176.9.4'] });
  const accessLog = collected({ ...log, earlier: { from: 0, log } });
  const hops = [{ kind: 'cloudfront', name: null, clients: [2, 3] }];
  const answer = withHops({ ...known, accessLog }).accessLog;
  expect(answer).toMatchObject({ value: { hops, earlier: { log: { hops } } } });
  expect(JSON.stringify(answer)).not.toMatch(/130\.176|203\.0/);
});
