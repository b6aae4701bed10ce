/** Targets that are Kubernetes nodes. A NodePort forwards to pods, possibly on another node. */
import type { TargetGroup } from '../../evidence/aws.ts';
import { type Command, command } from '../../format/command.ts';

/** The default range of --service-node-port-range (kubernetes.io/docs/concepts/services-networking/service). */
const [LOWEST, HIGHEST] = [30_000, 32_767];

/** Whether a target "address:port" of an instance group uses a port from the range for Services. */
export function isNodePort(target: string, group: TargetGroup | undefined): boolean {
  const port = Number(target.slice(target.lastIndexOf(':') + 1));
  return group?.TargetType === 'instance' && port >= LOWEST && port <= HIGHEST;
}

/** Finds the Service with this port, and its pods. */
export const nodePortCommands = (port: number): Command[] => [
  command`kubectl get service -A -o wide | grep ${`:${port}/`}`,
  command`kubectl get endpointslices -A -o wide`,
];
