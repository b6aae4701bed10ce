import type { LoadBalancer, Subnet } from '../../evidence/aws.ts';
import { list, plural } from '../../format/wording.ts';
import { NO_MATCHING_ERRORS } from '../judgement/unseen.ts';
import { countErrors, type SampledError, type Traffic, withSignature } from '../traffic.ts';
import { defineCause } from './cause.ts';

/** A subnet of a load balancer needs eight free addresses to scale (load-balancer-troubleshooting.html and application-load-balancers.html). */
const FREE_ADDRESSES = 8;

export const loadBalancerImpaired = defineCause({
  id: 'load-balancer-impaired',
  title: 'The load balancer itself is impaired',
  explanation: 'The load balancer cannot set up or scale, mostly because its subnets have run out of addresses.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#load-balancer-state',
  wants: ['loadBalancer', 'subnets'],

  judge({ traffic, loadBalancer, subnets }) {
    const errors = candidates(traffic);
    if (errors.length === 0) return NO_MATCHING_ERRORS;
    const impaired = loadBalancer?.State?.Code === 'active_impaired';
    const own = subnetsOf(loadBalancer, subnets ?? []);
    const full = own.filter(({ AvailableIpAddressCount: free }) => free !== undefined && free < FREE_ADDRESSES);
    const shown = [
      ...(impaired ? [`The load balancer is active_impaired now${stateReasonText(loadBalancer)}.`] : []),
      ...full.map(
        ({ SubnetId, AvailableIpAddressCount }) =>
          `Subnet ${SubnetId} has ${plural(AvailableIpAddressCount ?? 0, 'free address', 'free addresses')}; the load balancer needs ${FREE_ADDRESSES}.`,
      ),
    ];
    return {
      claims: shown.length > 0 ? [{ errors, strength: 'possible' }] : [],
      for:
        shown.length > 0
          ? [...shown, `${plural(countErrors(errors), 'error')} of the load balancer could come of it.`]
          : [],
      against:
        shown.length > 0
          ? ['A state and a setting alone show no cause: the errors may have another one.']
          : healthText(loadBalancer, own),
      missing: [
        ...(loadBalancer
          ? []
          : ['The state of the load balancer (elasticloadbalancing:DescribeLoadBalancers) was not read.']),
        ...(subnets ? [] : ['Free addresses of its subnets (ec2:DescribeSubnets) were not read.']),
      ],
      ruledOut: false,
    };
  },

  fix({ loadBalancer, subnets }, question) {
    const own = subnetsOf(loadBalancer, subnets ?? []).map(({ SubnetId }) => SubnetId);
    return {
      summary: `Free addresses in its subnets (${own.length > 0 ? list(own) : 'a /27 or larger'}, at least ${FREE_ADDRESSES} free each), or move it to larger ones; if they are free, open a support case.`,
      commands: [
        `aws elbv2 set-subnets --load-balancer-arn ${question.loadBalancer.arn ?? '<load-balancer-arn>'} --subnets <subnet> <subnet>`,
      ],
      sideEffects: ['Changing subnets replaces the nodes of the load balancer in the zones concerned.'],
    };
  },
});

/** Errors of the load balancer with a shape of its own, or with the connect timeout that a node without a network gives. */
const candidates = (traffic: Traffic): SampledError[] =>
  withSignature(traffic, 'inconsistent', 'other', 'connect-timeout').filter(
    ({ elb_status_code, target_status_code }) => /^50[0234]$/.test(elb_status_code) && target_status_code === '-',
  );

function subnetsOf(loadBalancer: LoadBalancer | undefined, subnets: Subnet[]): Subnet[] {
  const ids = loadBalancer?.AvailabilityZones?.flatMap(({ SubnetId }) => SubnetId ?? []) ?? [];
  return subnets.filter(({ SubnetId }) => ids.includes(SubnetId));
}

const stateReasonText = ({ State }: LoadBalancer): string =>
  State?.Reason ? ` (${State.Reason.replace(/\.$/, '')})` : '';

function healthText(loadBalancer: LoadBalancer | undefined, own: Subnet[]): string[] {
  const state = loadBalancer?.State?.Code;
  const counts = own.flatMap(({ AvailableIpAddressCount }) => AvailableIpAddressCount ?? []);
  return [
    ...(state ? [`The load balancer is ${state} now.`] : []),
    ...(counts.length > 0
      ? [`Each of its subnets has ${plural(Math.min(...counts), 'free address', 'free addresses')} or more.`]
      : []),
  ];
}
