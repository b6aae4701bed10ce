import type { Evidence } from '../../evidence/evidence.ts';

export const NETWORK_EVIDENCE = [
  'loadBalancer',
  'securityGroups',
  'networkAcls',
  'subnets',
  'routeTables',
  'networkInterfaces',
  'instances',
  'prefixLists',
] as const;

/** Evidence that could not be read is absent. */
export type NetworkEvidence = Partial<Pick<Evidence, (typeof NETWORK_EVIDENCE)[number]>>;
