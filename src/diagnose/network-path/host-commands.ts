/**
 * Commands for connections that fail although the configuration allows the path: the drop is inside the host or the pod
 * network.
 */
import { type Command, command } from '../../format/command.ts';

/** Shows why an ECS task stopped; ECS keeps the reason for about an hour. Empty if the target is not known to be a task. */
export const describeTask = (owner: { cluster: string | null; task: string | null } | null): Command[] =>
  owner?.cluster == null || owner.task === null
    ? []
    : [
        command`aws ecs describe-tasks --cluster ${owner.cluster} --tasks ${owner.task} --query ${'tasks[].[stoppedReason,containers[].[name,reason,exitCode]]'}`,
      ];

const LAST_EXIT =
  'custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,RESTARTS:.status.containerStatuses[*].restartCount,REASON:.status.containerStatuses[*].lastState.terminated.reason,EXIT:.status.containerStatuses[*].lastState.terminated.exitCode';

/** Shows how often the pod at this address restarted, and how its containers ended. */
export const describePod = (address: string): Command =>
  command`kubectl get pods -A --field-selector ${`status.podIP=${address}`} -o ${LAST_EXIT}`;

/** Commands for a target "address:port" on `port`; `isTask` if the target may be a container or a pod. */
export function hostCommands(
  address: string,
  port: number,
  { protocol = 'http', isTask = true }: { protocol?: 'http' | 'https'; isTask?: boolean } = {},
): Command[] {
  const insecure = protocol === 'https' ? ['-k'] : [];
  const url = `${protocol}://${address.includes(':') ? `[${address}]` : address}:${port}/`;
  return [
    command`ss -tlnp ${`sport = :${port}`}`,
    command`sudo nft list ruleset; sudo iptables -S`,
    command`getenforce; sudo ufw status verbose`,
    command`curl -v --http1.1 ${[...insecure, '--max-time', '15', url]}`,
    ...(isTask ? [command`kubectl get networkpolicy -A`] : []),
  ];
}

/** Where to run these commands and how to read their output. */
export const HOST_NOTES: string[] = [
  'On the host: does something listen, and on which address (ss)? Does a rule drop or reject (nft, iptables, getenforce, ufw)?',
  'Run curl from another host in the VPC. With pods, a network policy drops what security groups allow.',
];
