/** Evidence of an incident of which only the access log could be read. */
import type { AccessLog, FailedRequest } from '../../../src/evidence/access-log.ts';
import { type EvidenceName, type EvidenceSet, NAMING_EVIDENCE } from '../../../src/evidence/evidence.ts';
import { logOf } from './traffic-builder.ts';

const NAMES: EvidenceName[] = [
  'accessLog',
  'loadBalancer',
  'attributes',
  'listeners',
  'rules',
  'targetGroups',
  'targetGroupAttributes',
  'targetHealth',
  'securityGroups',
  'networkAcls',
  'subnets',
  'routeTables',
  'networkInterfaces',
  'instances',
  'prefixLists',
  'functions',
  ...NAMING_EVIDENCE,
  'changes',
  'edge',
  'metrics',
];

/** Only the log could be read. */
export const logAlone = (failures: FailedRequest[], part: Partial<AccessLog> = {}): EvidenceSet => ({
  ...(Object.fromEntries(
    NAMES.map((name) => [name, { status: 'unavailable', source: '', reason: `${name} was not recorded` }]),
  ) as EvidenceSet),
  accessLog: { status: 'collected', source: 'logs/', value: logOf(failures, part) },
});
