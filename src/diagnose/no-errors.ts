/** Verdicts of checks for a log without errors or without entries. A log without entries does not mean "no errors". */
import type { Collected } from '../evidence/collected.ts';
import type { Question } from '../evidence/question.ts';
import { GATEWAY } from '../evidence/statuses.ts';
import { list } from '../format/wording.ts';
import type { CheckVerdict } from './check-verdict.ts';
import type { Traffic } from './traffic.ts';

/** The verdict of an error check when there are no errors; null if there are. */
export const noErrorsVerdict = ({ errorCount }: Traffic): CheckVerdict | null =>
  errorCount > 0 ? null : { outcome: 'not-applicable', summary: 'No matching errors in the window.' };

/** Shared by the checks of closed connections, so that a thread shows it once. */
export const NONE_CLOSED =
  "No target closed a connection before a response, so the targets' keep-alive timeout cannot be measured.";

/** The verdict of a check that judges by requests when the log was read and has none in the window; null otherwise. */
export const noEntriesVerdict = (traffic: Collected<Traffic>): CheckVerdict | null =>
  traffic.status === 'collected' && traffic.value.log.requests === 0
    ? { outcome: 'unknown', summary: 'Could not check the requests: the log has none in the window.' }
    : null;

/** Why requests could not be judged, as a clause; null if the log has requests in the window. */
export const unseenRequests = (traffic: Traffic | undefined): { words: string; missing?: true } | null => {
  if (traffic === undefined) return { words: 'the access log was not read', missing: true };
  return traffic.log.requests === 0 ? { words: 'the log has no entry in the window' } : null;
};

/** "502, 503 or 504", "500 or 501": the statuses that were asked about. */
export const askedText = ({ statuses }: Question): string =>
  list(
    statuses.map((word) => (word === GATEWAY ? '502, 503 or 504' : word)),
    6,
    'or',
  );
