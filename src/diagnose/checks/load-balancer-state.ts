import { list, plural } from '../../format/wording.ts';
import { defineCheck } from './check.ts';

/** Free addresses that each subnet needs so that the load balancer can scale. */
const FREE_ADDRESSES = 8;

export const loadBalancerState = defineCheck({
  id: 'load-balancer-state',
  step: 6,
  subject: 'the state of the load balancer',
  question: 'Is the load balancer active, with enough free addresses to scale?',
  why: 'Each subnet needs 8 free addresses; otherwise the load balancer cannot add nodes, becomes active_impaired, and requests fail or time out.',
  fix: 'Free addresses in the subnets, or move the load balancer to larger ones (/27 at least).',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html',
  namedBy: ['load-balancer-impaired'],
  needs: ['loadBalancer'],
  wants: ['subnets'],

  evaluate({ loadBalancer, subnets }) {
    const state = loadBalancer.State?.Code;
    const reason = loadBalancer.State?.Reason ? ` (${loadBalancer.State.Reason})` : '';
    const zones = loadBalancer.AvailabilityZones ?? [];
    const free = zones.map(({ SubnetId, ZoneName }) => ({
      label: `${SubnetId ?? 'a subnet'}${ZoneName ? ` (${ZoneName})` : ''}`,
      free: subnets?.find((subnet) => subnet.SubnetId === SubnetId)?.AvailableIpAddressCount,
    }));
    const facts = [
      { label: 'state', value: state ?? 'unknown' },
      ...free.flatMap((each) =>
        each.free === undefined ? [] : [{ label: `free addresses in ${each.label}`, value: each.free }],
      ),
    ];
    const short = free.filter((each) => each.free !== undefined && each.free < FREE_ADDRESSES);
    const findings = [
      ...(state !== undefined && state !== 'active' ? [`The load balancer is ${state}${reason}.`] : []),
      ...short.map(
        (each) =>
          `${each.label} has ${plural(each.free ?? 0, 'free address', 'free addresses')}; it needs ${FREE_ADDRESSES}.`,
      ),
    ];
    if (findings.length > 0) return { outcome: 'fail', summary: findings.join(' '), facts };
    const zonesNotRead = free.filter((each) => each.free === undefined).map(({ label }) => label);
    if (state === undefined || zones.length === 0 || zonesNotRead.length > 0) {
      const what = [
        ...(state === undefined ? ['its state'] : []),
        ...(zones.length === 0 ? ['its subnets'] : []),
        ...zonesNotRead.map((label) => `the free addresses of ${label}`),
      ];
      return {
        outcome: 'unknown',
        summary: `The load balancer is ${state ?? 'in an unknown state'}; could not check ${list(what)}.`,
        facts,
      };
    }
    const least = Math.min(...free.map((each) => each.free ?? 0));
    return {
      outcome: 'pass',
      summary: `The load balancer is active, with at least ${plural(least, 'free address', 'free addresses')} in each of ${plural(zones.length, 'subnet')}.`,
      facts,
    };
  },
});
