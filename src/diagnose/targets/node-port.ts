/** Targets that are Kubernetes nodes: a NodePort leads on to pods, perhaps of another node. */
import type { TargetGroup } from '../../evidence/aws.ts';
import { type Command, command } from '../../format/command.ts';

/** The default range of --service-node-port-range (kubernetes.io/docs/concepts/services-networking/service). */
const [LOWEST, HIGHEST] = [30_000, 32_767];

/** A target "address:port" of a group of instances, on a port that Kubernetes gives to Services. */
export function isNodePort(target: string, group: TargetGroup | undefined): boolean {
  const port = Number(target.slice(target.lastIndexOf(':') + 1));
  return group?.TargetType === 'instance' && port >= LOWEST && port <= HIGHEST;
}

/** Which Service has the port, and where its pods are. */
export const nodePortCommands = (port: number): Command[] => [
  command`kubectl get service -A -o wide | grep ${`:${port}/`}`,
  command`kubectl get endpointslices -A -o wide`,
];
