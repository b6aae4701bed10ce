import type { CauseEvidence } from '../diagnosis-evidence.ts';
import { NETWORK_EVIDENCE } from '../network-path/network-evidence.ts';

export const CONNECT_TIMEOUT_EVIDENCE = [
  ...NETWORK_EVIDENCE,
  'targetGroups',
  'targetGroupAttributes',
  'targetHealth',
  'metrics',
  'changes',
  'tags',
] as const;

export type ConnectTimeoutEvidence = CauseEvidence<(typeof CONNECT_TIMEOUT_EVIDENCE)[number]>;
