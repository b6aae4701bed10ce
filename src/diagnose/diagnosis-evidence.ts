import type { Evidence } from '../evidence/evidence.ts';
import type { Traffic } from './traffic.ts';

/** What a check or a cause may declare: the collected evidence, and the traffic worked out from the access log. */
export interface DiagnosisEvidence extends Evidence {
  traffic: Traffic;
}
export type DiagnosisEvidenceName = keyof DiagnosisEvidence;

/** The traffic is always there when a cause is judged. */
export type CauseEvidence<Wants extends DiagnosisEvidenceName> = Pick<DiagnosisEvidence, 'traffic'> &
  Partial<Pick<DiagnosisEvidence, Wants>>;
