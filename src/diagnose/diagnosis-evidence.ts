import type { Collected } from '../evidence/collected.ts';
import type { DeliveredLog } from '../evidence/delivered-log.ts';
import type { Evidence, EvidenceName, EvidenceSet } from '../evidence/evidence.ts';
import type { Traffic } from './traffic.ts';

/** What a check or cause may declare: the collected evidence, and the traffic derived from the access log. */
export interface DiagnosisEvidence extends Evidence {
  traffic: Traffic;
  /** Where the access log is delivered, whether or not it was read. */
  logDelivery: DeliveredLog[];
}
export type DiagnosisEvidenceName = keyof DiagnosisEvidence;

/** Evidence of a cause; traffic is always present when a cause is judged. */
export type CauseEvidence<Wants extends DiagnosisEvidenceName> = Pick<DiagnosisEvidence, 'traffic'> &
  Partial<Pick<DiagnosisEvidence, Wants>>;

/** Evidence derived from the access log. */
type DerivedName = Exclude<DiagnosisEvidenceName, EvidenceName>;

export type DiagnosisEvidenceSet = EvidenceSet & { [Name in DerivedName]: Collected<DiagnosisEvidence[Name]> };

/** The evidence that an item is, or is derived from. */
export const evidenceNameOf = (name: DiagnosisEvidenceName): EvidenceName =>
  name === 'traffic' || name === 'logDelivery' ? 'accessLog' : name;

/** The values of the evidence that was collected. */
export function collectedOf(
  evidence: EvidenceSet & Partial<Pick<DiagnosisEvidenceSet, DerivedName>>,
  names: readonly DiagnosisEvidenceName[],
): Partial<DiagnosisEvidence> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const item = evidence[name];
      return item?.status === 'collected' ? [[name, item.value]] : [];
    }),
  );
}
