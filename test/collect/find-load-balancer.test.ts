import { expect, it } from 'vitest';
import { findLoadBalancer } from '../../src/collect/find-load-balancer.ts';

const MANY = [
  'api',
  'billing',
  'blog',
  'cart',
  'checkout',
  'edge',
  'search',
  'shop-dev',
  'shop-prod',
  'shop-stage',
  'web',
];
const candidates = MANY.map((name) => ({ name, arn: null }));

it.each([
  ['shopprod', 'shop-prod, shop-dev,'],
  ['ship-prod', 'shop-prod,'],
  ['chekcout', 'checkout,'],
])('suggests the names closest to %j if there are too many to list', (typed, nearest) => {
  expect(() => findLoadBalancer(typed, candidates, ' in eu-west-1')).toThrow(
    `No load balancer '${typed}' in eu-west-1. The closest of 11: ${nearest}`,
  );
});
