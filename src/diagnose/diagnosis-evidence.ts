import type { Collected, Evidence, EvidenceSet } from '../evidence/evidence.ts';
import type { Traffic } from './traffic.ts';

/** What a check or cause may declare: the collected evidence, and the traffic derived from the access log. */
export interface DiagnosisEvidence extends Evidence {
  traffic: Traffic;
}
export type DiagnosisEvidenceName = keyof DiagnosisEvidence;

/** Evidence of a cause; traffic is always present when a cause is judged. */
export type CauseEvidence<Wants extends DiagnosisEvidenceName> = Pick<DiagnosisEvidence, 'traffic'> &
  Partial<Pick<DiagnosisEvidence, Wants>>;

export type DiagnosisEvidenceSet = EvidenceSet & { traffic: Collected<Traffic> };

/** The values of the evidence that was collected. */
export function collectedOf(
  evidence: EvidenceSet & Partial<Pick<DiagnosisEvidenceSet, 'traffic'>>,
  names: readonly DiagnosisEvidenceName[],
): Partial<DiagnosisEvidence> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const item = evidence[name];
      return item?.status === 'collected' ? [[name, item.value]] : [];
    }),
  );
}
