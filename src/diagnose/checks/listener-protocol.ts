import type { Listener, TargetGroup } from '../../evidence/aws.ts';
import { list } from '../../format/wording.ts';
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import { groupBy, targetGroupName } from '../traffic.ts';
import { defineCheck } from './check.ts';

export const listenerProtocol = defineCheck({
  id: 'listener-protocol',
  step: 2,
  subject: 'the protocols of the listeners',
  question: 'Do the listeners support the protocols of their target groups?',
  why: 'The listener decides how clients connect and which TLS policy the load balancer uses towards HTTPS targets; HTTP/2 and gRPC groups need an HTTPS listener.',
  fix: 'Forward to HTTP/2 and gRPC target groups from an HTTPS listener only.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html',
  needs: ['listeners', 'targetGroups'],
  wants: ['loadBalancer', 'rules'],

  evaluate({ listeners, targetGroups, loadBalancer, rules }) {
    const own = listeners.filter(
      ({ LoadBalancerArn }) => !LoadBalancerArn || !loadBalancer || LoadBalancerArn === loadBalancer.LoadBalancerArn,
    );
    if (own.length === 0) return { outcome: 'not-applicable', summary: 'The load balancer has no listener.' };
    const pairs = own.flatMap((listener) =>
      forwardsOf(listener, rules).flatMap((arn) => {
        const group = targetGroups.find(({ TargetGroupArn }) => TargetGroupArn === arn);
        return group && group.TargetType !== 'lambda' ? [{ listener, group }] : [];
      }),
    );
    const facts = own.map(({ Port, Protocol, SslPolicy }) => ({
      label: `listener ${Protocol ?? ''} ${Port ?? ''}`.trim(),
      value: SslPolicy ?? 'no TLS',
    }));
    const couldMisfit = own.some(({ Protocol }) => Protocol === 'HTTP') && targetGroups.some(needsHttps);
    if (rules === undefined && couldMisfit && !pairs.some(isMisfit)) {
      return {
        outcome: 'unknown',
        summary:
          'Could not check the listener rules: whether one of an HTTP listener forwards to an HTTP/2 or gRPC group.',
        facts,
        missing: true,
      };
    }
    if (pairs.length === 0)
      return { outcome: 'not-applicable', summary: 'No listener forwards to a target group with addresses.' };
    const misfits = pairs.filter(isMisfit);
    if (misfits.length > 0) {
      return {
        outcome: 'fail',
        summary: `${list(misfits.map(({ listener, group }) => `${listenerName(listener)} forwards to ${group.TargetGroupName}, which is ${group.ProtocolVersion} and needs an HTTPS listener`))}.`,
        facts,
      };
    }
    return { outcome: 'pass', summary: `${describePairs(pairs).join('; ')}.`, facts };
  },
});

/** ARNs of the target groups that a listener's default actions and rules forward to. */
function forwardsOf(
  { ListenerArn, DefaultActions = [] }: Listener,
  rules: DiagnosisEvidence['rules'] | undefined,
): string[] {
  const actions = [...DefaultActions, ...(rules?.[ListenerArn] ?? []).flatMap(({ Actions = [] }) => Actions)];
  return [
    ...new Set(
      actions.flatMap(({ TargetGroupArn, ForwardConfig }) => [
        ...(TargetGroupArn ? [TargetGroupArn] : []),
        ...(ForwardConfig?.TargetGroups ?? []).flatMap((each) => each.TargetGroupArn ?? []),
      ]),
    ),
  ];
}

interface ListenerForward {
  listener: Listener;
  group: TargetGroup;
}

const needsHttps = ({ ProtocolVersion = '' }: TargetGroup): boolean => ['HTTP2', 'GRPC'].includes(ProtocolVersion);

const isMisfit = ({ listener, group }: ListenerForward): boolean => listener.Protocol === 'HTTP' && needsHttps(group);

/** One phrase per listener and route to its target groups. */
function describePairs(pairs: readonly ListenerForward[]): string[] {
  const pairsByProtocol = groupBy(
    pairs,
    ({ listener, group }) => `${listenerName(listener)} ${protocolPair(listener, group)}`,
  );
  return [...pairsByProtocol.values()].flatMap((same) => {
    const [first] = same;
    if (!first) return [];
    const names = [...new Set(same.map(({ group }) => group.TargetGroupName || targetGroupName(group.TargetGroupArn)))];
    const ends = first.listener.Protocol === 'HTTPS' && first.group.Protocol === 'HTTP' ? ' terminates TLS and' : '';
    return [
      `${listenerName(first.listener)}${ends} forwards to ${list(names)} ${protocolPair(first.listener, first.group)}`,
    ];
  });
}

function protocolPair(listener: Listener, group: TargetGroup): string {
  if (listener.Protocol === 'HTTPS' && group.Protocol === 'HTTP') return 'over HTTP, a valid combination';
  if (listener.Protocol === 'HTTP' && group.Protocol === 'HTTPS') {
    return 'over HTTPS, with the policy ELBSecurityPolicy-2016-08 towards targets';
  }
  return `over ${group.Protocol ?? 'an unknown protocol'}`;
}

const listenerName = ({ Protocol, Port }: Listener): string => `Listener ${Protocol ?? 'unknown'}:${Port ?? '?'}`;
