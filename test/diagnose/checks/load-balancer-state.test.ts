import { describe, expect, it } from 'vitest';
import { loadBalancerState } from '../../../src/diagnose/checks/load-balancer-state.ts';
import { network } from '../../support/network/network.ts';
import { describeVerdict } from '../../support/network/two-healthy-targets.ts';
import { question } from '../../support/traffic/traffic-builder.ts';

type Input = Parameters<typeof loadBalancerState.evaluate>[0];
const active = { ...network.loadBalancer, State: { Code: 'active' } };
const free = (count?: number) =>
  network.subnets.map((subnet) => ({
    ...subnet,
    ...(count === undefined ? {} : { AvailableIpAddressCount: subnet.SubnetId === 'subnet-b' ? count : 200 }),
  }));
const judge = (part: Partial<Input>) =>
  describeVerdict(loadBalancerState.evaluate({ loadBalancer: active, subnets: free(200), ...part }, question));

describe('load-balancer-state', () => {
  it.each<{ name: string; part: Partial<Input>; says: string }>([
    {
      name: 'active, with room',
      part: {},
      says: 'pass: The load balancer is active, with at least 200 free addresses in each of 2 subnets.',
    },
    {
      name: 'impaired',
      part: { loadBalancer: { ...active, State: { Code: 'active_impaired', Reason: 'no free addresses' } } },
      says: 'fail: The load balancer is active_impaired (no free addresses).',
    },
    {
      name: 'seven free addresses are one too few',
      part: { subnets: free(7) },
      says: 'fail: subnet-b (eu-west-1b) has 7 free addresses; it needs 8.',
    },
    {
      name: 'eight are enough',
      part: { subnets: free(8) },
      says: 'pass: The load balancer is active, with at least 8 free addresses in each of 2 subnets.',
    },
    {
      name: 'free addresses were not seen',
      part: { subnets: free() },
      says: 'unknown: The load balancer is active; could not check the free addresses of subnet-a (eu-west-1a) and the free addresses of subnet-b (eu-west-1b).',
    },
    {
      name: 'the state was not seen',
      part: { loadBalancer: network.loadBalancer },
      says: 'unknown: The load balancer is in an unknown state; could not check its state.',
    },
  ])('$name', ({ part, says }) => expect(judge(part)).toBe(says));
});
