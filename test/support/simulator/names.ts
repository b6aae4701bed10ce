/** ARNs and names of one made-up account. */
import type { LoadBalancerSpec } from './scenario.ts';

export const account = '123456789012';
export const region = 'eu-west-1';
const elb = `arn:aws:elasticloadbalancing:${region}:${account}`;

/** As in the log and in the LoadBalancer dimension. */
export const loadBalancerPath = (spec: LoadBalancerSpec) => `app/${spec.name}/${spec.id}`;
export const loadBalancerArn = (spec: LoadBalancerSpec) => `${elb}:loadbalancer/${loadBalancerPath(spec)}`;
export const targetGroupArn = (name: string, id: string) => `${elb}:targetgroup/${name}/${id}`;
export const listenerArn = (spec: LoadBalancerSpec) => `${elb}:listener/${loadBalancerPath(spec)}/6c1d0e9b8a7f5432`;
export const ruleArn = (spec: LoadBalancerSpec, id: string) =>
  `${elb}:listener-rule/${loadBalancerPath(spec)}/6c1d0e9b8a7f5432/${id}`;
export const functionArn = (name: string) => `arn:aws:lambda:${region}:${account}:function:${name}`;
export const certificateArn = `arn:aws:acm:${region}:${account}:certificate/8f3c2b1a-5d6e-4f70-9a8b-1c2d3e4f5a6b`;
