import type { Collected } from '../evidence/collected.ts';
import type { EvidenceSet } from '../evidence/evidence.ts';
import type { Question } from '../evidence/question.ts';
import { collectedOf } from './diagnosis-evidence.ts';
import { zoneOfNode } from './network-path/addresses.ts';
import { targetOwners } from './targets/target-owners.ts';
import { readTraffic, type Traffic } from './traffic.ts';

/** Evidence on who owns a target. */
const OWNER_EVIDENCE = [
  'changes',
  'containerInstances',
  'instances',
  'networkInterfaces',
  'services',
  'tasks',
] as const;

/** The collected access log, limited to the errors that the question asks about. */
export function collectedTraffic(question: Question, evidence: EvidenceSet): Collected<Traffic> {
  const { accessLog } = evidence;
  if (accessLog.status === 'unavailable') return accessLog;
  const net = collectedOf(evidence, ['loadBalancer', 'networkInterfaces', 'subnets']);
  const owners = targetOwners(collectedOf(evidence, OWNER_EVIDENCE));
  return { ...accessLog, value: readTraffic(accessLog.value, question, (node) => zoneOfNode(node, net), owners) };
}
