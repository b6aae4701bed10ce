/** What to run where the configuration allows a path and connections fail all the same: the drop is inside the host or the pod network. */

/** For a target "address" on `port`; ECS tasks keep the reason they stopped for about an hour. */
export function hostCommands(address: string, port: number, protocol: 'http' | 'https' = 'http'): string[] {
  const insecure = protocol === 'https' ? ' -k' : '';
  return [
    `ss -tlnp 'sport = :${port}'    # on the host: is anything listening, and on which address`,
    'sudo nft list ruleset; sudo iptables -S    # rules that drop or reject',
    'getenforce; sudo ufw status verbose    # SELinux and ufw',
    `curl -v --http1.1${insecure} --max-time 15 ${protocol}://${address.includes(':') ? `[${address}]` : address}:${port}/    # from another host in the VPC`,
    'kubectl get networkpolicy -A    # with pods: a policy drops what security groups allow',
    "aws ecs describe-tasks --cluster <cluster> --tasks <task> --query 'tasks[].[stoppedReason,containers[].[name,reason,exitCode]]'    # with ECS",
  ];
}
