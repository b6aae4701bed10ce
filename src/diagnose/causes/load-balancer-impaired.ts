import type { LoadBalancer, Subnet } from '../../evidence/aws.ts';
import type { Question } from '../../evidence/question.ts';
import { command } from '../../format/command.ts';
import { list, plural } from '../../format/wording.ts';
import { claimErrors, type Fix, type Judgement, untested } from '../judgement.ts';
import { countErrors, type SampledError } from '../traffic.ts';
import { defineCause } from './cause.ts';

/**
 * Free addresses that a load balancer subnet needs for scaling (load-balancer-troubleshooting.html and
 * application-load-balancers.html).
 */
const FREE_ADDRESSES = 8;

export const loadBalancerImpaired = defineCause({
  id: 'load-balancer-impaired',
  title: 'Impaired load balancer',
  explanation:
    'The load balancer cannot be set up or cannot scale, usually because its subnets have run out of addresses.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#load-balancer-state',
  signatures: ['inconsistent', 'other', 'connect-timeout'],
  wants: ['loadBalancer', 'subnets'],

  judge({ loadBalancer, subnets }, question, own): Judgement {
    const errors = own.filter(couldBeOfLoadBalancer);
    if (errors.length === 0) return untested();
    const impaired = loadBalancer?.State?.Code === 'active_impaired';
    const ownSubnets = subnetsOf(loadBalancer, subnets ?? []);
    const full = ownSubnets.filter(({ AvailableIpAddressCount: free }) => free !== undefined && free < FREE_ADDRESSES);
    const shown = [
      ...(impaired ? [`The load balancer is active_impaired now${stateReasonText(loadBalancer)}.`] : []),
      ...full.map(
        ({ SubnetId, AvailableIpAddressCount }) =>
          `Subnet ${SubnetId} has ${plural(AvailableIpAddressCount ?? 0, 'free address', 'free addresses')}; the load balancer needs ${FREE_ADDRESSES}.`,
      ),
    ];
    const missing = [
      ...(loadBalancer
        ? []
        : ['The state of the load balancer (elasticloadbalancing:DescribeLoadBalancers) could not be read.']),
      ...(subnets ? [] : ['Free addresses of its subnets (ec2:DescribeSubnets) could not be read.']),
    ];
    if (shown.length === 0) return untested(missing);
    return claimErrors(
      {
        claims: [{ errors, strength: 'possible' }],
        for: [...shown, `${plural(countErrors(errors), 'error')} of the load balancer could come from it.`],
        against: ['A state or a setting alone does not prove a cause: the errors may have another one.'],
        missing,
        fix: fixFor(ownSubnets, question),
      },
      untested(missing),
    );
  },
});

function fixFor(subnets: readonly Subnet[], question: Question): Fix {
  const own = subnets.map(({ SubnetId }) => SubnetId);
  return {
    summary: `Free addresses in its subnets (${own.length > 0 ? list(own) : 'a /27 or larger'}, at least ${FREE_ADDRESSES} free each), or move it to larger ones; if they are free, open a support case.`,
    commands: [
      command`aws elbv2 set-subnets --load-balancer-arn ${question.loadBalancer.arn ?? '<load-balancer-arn>'} --subnets ${['<subnet>', '<subnet>']}`,
    ],
    sideEffects: ['Changing subnets replaces the nodes of the load balancer in the zones concerned.'],
  };
}

/**
 * Errors that an impaired load balancer may answer itself: those of an unknown shape, and connect timeouts of a node
 * without a network.
 */
const couldBeOfLoadBalancer = ({ elb_status_code, target_status_code }: SampledError): boolean =>
  /^50[0234]$/.test(elb_status_code) && target_status_code === '-';

function subnetsOf(loadBalancer: LoadBalancer | undefined, subnets: Subnet[]): Subnet[] {
  const ids = loadBalancer?.AvailabilityZones?.flatMap(({ SubnetId }) => SubnetId ?? []) ?? [];
  return subnets.filter(({ SubnetId }) => ids.includes(SubnetId));
}

const stateReasonText = ({ State }: LoadBalancer): string =>
  State?.Reason ? ` (${State.Reason.replace(/\.$/, '')})` : '';
