import type { Question } from '../../evidence/evidence.ts';
import type { DiagnosisEvidence } from '../checks/check.ts';
import type { Traffic } from '../traffic.ts';
import type { IncidentEvent } from './event.ts';

/** What events are found with, beside the traffic; what is missing could not be looked at. */
export type EventEvidence = Partial<
  Pick<
    DiagnosisEvidence,
    'changes' | 'instances' | 'listeners' | 'metrics' | 'networkInterfaces' | 'rules' | 'targetGroups' | 'targetHealth'
  >
>;

/** The events of the window, those with most errors first, then by time. */
export function findEvents(_traffic: Traffic, _evidence: EventEvidence, _question: Question): IncidentEvent[] {
  return [];
}
