import type { Listener } from '../../evidence/aws.ts';
import { list } from '../../format/wording.ts';
import { edgeAnswer } from '../network-path/load-balancer-edge.ts';
import { defineCheck } from './check.ts';

export const listenerPortIngress = defineCheck({
  id: 'listener-port-ingress',
  step: 5,
  subject: 'whether clients can reach the listener ports',
  question: 'Do the security groups of the load balancer let clients in on every listener port?',
  why: 'Without an inbound rule for a listener port, clients time out, and neither the access log nor any metric shows it.',
  fix: "Allow the listener port in the load balancer's security group, from the addresses of the clients.",
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-update-security-groups.html',
  needs: ['loadBalancer', 'securityGroups', 'listeners'],
  wants: ['prefixLists'],

  evaluate(evidence) {
    const { loadBalancer, listeners } = evidence;
    const ports = listeners
      .filter(isOf(loadBalancer.LoadBalancerArn))
      .flatMap(({ Port }) => Port ?? [])
      .sort((a, b) => a - b);
    if (ports.length === 0) return { outcome: 'not-applicable', summary: 'The load balancer has no listener.' };
    const answers = ports.map((port) => ({ port, ...edgeAnswer('in', port, evidence) }));
    const closed = answers.filter(({ answer }) => answer === 'none');
    const [first] = closed;
    if (first) {
      const { groups, instead } = first;
      const portText = list(closed.map(({ port }) => String(port)));
      return {
        outcome: 'fail',
        summary: `Clients cannot connect on port ${portText}: ${list(groups)} of the load balancer ${groups.length === 1 ? 'has' : 'have'} no inbound rule for it; ${instead}.`,
        fix: `Allow TCP ${portText} in ${list(groups)} from the addresses of the clients.`,
      };
    }
    const missing = [...new Set(answers.flatMap((one) => (one.answer === 'unknown' ? one.missing : [])))];
    if (missing.length > 0) return { outcome: 'unknown', summary: `Could not check ${list(missing)}.`, missing: true };
    const texts = answers.map(
      ({ port, answer }) => `${port} from ${answer === 'all' ? 'anywhere' : 'some addresses only'}`,
    );
    return { outcome: 'pass', summary: `Clients can connect on port ${list(texts)}.` };
  },
});

const isOf =
  (arn: string) =>
  ({ LoadBalancerArn }: Listener): boolean =>
    LoadBalancerArn === undefined || LoadBalancerArn === arn;
