/**
 * Commands for connections that fail although the configuration allows the path: the drop is inside the host or the pod
 * network.
 */
import { type Command, command } from '../../format/command.ts';

/** Shows why an ECS task stopped; ECS keeps the reason for about an hour. */
export const describeTask = (owner: { cluster: string | null; task: string | null } | null): Command =>
  command`aws ecs describe-tasks --cluster ${owner?.cluster ?? '<cluster>'} --tasks ${owner?.task ?? '<task>'} --query ${'tasks[].[stoppedReason,containers[].[name,reason,exitCode]]'}`;

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
    ...(isTask ? [command`kubectl get networkpolicy -A`, describeTask(null)] : []),
  ];
}

/** Where to run these commands and how to read their output. */
export const HOST_NOTES: string[] = [
  'On the host: ss shows whether something listens, and on which address; nft, iptables, getenforce and ufw show what drops or rejects.',
  'Run curl from another host in the VPC. With pods, a network policy drops what security groups allow.',
];
