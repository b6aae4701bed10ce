import type { Evidence } from '../evidence/evidence.ts';
import type { Traffic } from './traffic.ts';

/** What a check or cause may declare: the collected evidence, and the traffic derived from the access log. */
export interface DiagnosisEvidence extends Evidence {
  traffic: Traffic;
}
export type DiagnosisEvidenceName = keyof DiagnosisEvidence;

/** Evidence of a cause; traffic is always present when a cause is judged. */
export type CauseEvidence<Wants extends DiagnosisEvidenceName> = Pick<DiagnosisEvidence, 'traffic'> &
  Partial<Pick<DiagnosisEvidence, Wants>>;
