/**
 * Pods behind a target group. The AWS Load Balancer Controller writes cluster, namespace and ingress or service into
 * its tags; the pods themselves are not visible from outside the cluster. Source: AWS Load Balancer Controller, "Subnet
 * auto-discovery and resource tags".
 */
import type { TagDescription } from '../../evidence/workloads.ts';
import { type Command, command } from '../../format/command.ts';
import { splitTarget } from '../network-path/addresses.ts';

interface KubernetesSource {
  cluster: string;
  /** "ingress" or "service". */
  kind: string;
  /** Null for an ingress group, which may span several namespaces. */
  namespace: string | null;
  name: string;
}

/** Returns null unless the controller created the target group. `arn`: the ARN of the target group. */
export function kubernetesSource(arn: string, tags: readonly TagDescription[] | undefined): KubernetesSource | null {
  const own = new Map(
    (tags ?? [])
      .filter(({ ResourceArn }) => ResourceArn === arn)
      .flatMap(({ Tags = [] }) => Tags.map(({ Key, Value = '' }) => [Key, Value])),
  );
  const cluster = own.get('elbv2.k8s.aws/cluster');
  const kind = ['ingress', 'service'].find((one) => own.has(`${one}.k8s.aws/stack`));
  const stack = kind === undefined ? undefined : own.get(`${kind}.k8s.aws/stack`);
  if (cluster === undefined || kind === undefined || stack === undefined) return null;
  const [first = '', second] = stack.split('/');
  return second === undefined
    ? { cluster, kind, namespace: null, name: first }
    : { cluster, kind, namespace: first, name: second };
}

/** "pods behind ingress shop/feed in cluster prod-1" */
export const podsText = ({ cluster, kind, namespace, name }: KubernetesSource): string =>
  `pods behind ${kind} ${namespace === null ? name : `${namespace}/${name}`} in cluster ${cluster}`;

/** How to look at the pods behind these targets. `isReplaced`: they are gone, and another pod may have their address. */
export function podCommands(
  { namespace }: KubernetesSource,
  targets: readonly string[],
  { isReplaced }: { isReplaced: boolean },
): Command[] {
  const where = namespace === null ? ['-A'] : ['-n', namespace];
  const [address] = targets.map((target) => splitTarget(target)?.address ?? target);
  return [
    ...(isReplaced
      ? [command`kubectl get deploy,rs ${where}`]
      : address === undefined
        ? []
        : [command`kubectl get pods ${where} -o wide --field-selector ${`status.podIP=${address}`}`]),
    command`kubectl get events ${where} --sort-by .lastTimestamp`,
  ];
}

/** A rollout waits until a new pod with the gate is healthy in the target group. */
export const gateCommand = ({ namespace }: KubernetesSource): Command =>
  command`kubectl label namespace ${namespace ?? '<namespace>'} elbv2.k8s.aws/pod-readiness-gate-inject=enabled`;
