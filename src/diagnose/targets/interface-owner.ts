/**
 * Who has an address now, from the description that AWS gives its network interface. Sources: EC2 API reference,
 * NetworkInterface; ECS developer guide, "Task networking"; Lambda developer guide, "Hyperplane ENIs"; Amazon VPC CNI.
 */
import type { NetworkInterface } from '../../evidence/aws.ts';
import { interfaceByAnyAddress } from '../network-path/instance-lookup.ts';

/** The owner of nearly all interfaces of targets by address; its name is known if ECS can be read. */
export const ECS_TASK = 'an ECS task';

const DESCRIPTIONS: readonly [RegExp, (name: string) => string][] = [
  [/^arn:[^:]+:ecs:[^:]*:[^:]*:attachment\//, () => ECS_TASK],
  [/^ELB ((?:app|net|gwy)\/[\w-]{1,32})\//, (name) => `ELB ${name}`],
  [
    /^AWS Lambda VPC ENI-([\w-]{1,140}?)(?:-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})?$/,
    (name) => `Lambda function ${name}`,
  ],
  [/^aws-K8S-(i-[0-9a-f]{8,17})$/, (name) => `a pod on ${name}`],
];

const TYPES: Record<string, string> = {
  api_gateway_managed: 'API Gateway',
  gateway_load_balancer: 'a Gateway Load Balancer',
  lambda: 'a Lambda function',
  nat_gateway: 'a NAT gateway',
  network_load_balancer: 'a Network Load Balancer',
  vpc_endpoint: 'a VPC endpoint',
};

/** "ELB app/shop-prod", "Lambda function thumbnails", "an ECS task"; null if no interface has the address or AWS does not say. */
export function interfaceOwner(address: string, interfaces: readonly NetworkInterface[] | undefined): string | null {
  const own = interfaceByAnyAddress(interfaces, address);
  if (own === undefined) return null;
  for (const [pattern, words] of DESCRIPTIONS) {
    const found = pattern.exec(own.Description ?? '');
    if (found !== null) return words(found[1] ?? '');
  }
  return TYPES[own.InterfaceType ?? ''] ?? null;
}
