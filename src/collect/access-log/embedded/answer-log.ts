/** Answers the questions of a diagnosis from the entries of a log. Pure. */
import type { AccessLog, Question } from '../../../evidence/evidence.ts';
import { failedStatuses } from '../failed-statuses.ts';
import { findClosedConnections, idleGaps, planGaps } from '../gap-search.ts';
import type { PlaceRow } from '../place-traffic.ts';
import { type ShownFailure, showFailures } from '../shown-failures.ts';
import { countEntries } from './count-entries.ts';
import type { Entries } from './entry-store.ts';
import { ASKED } from './failure-store.ts';
import { findGaps } from './find-gaps.ts';
import { findOutages } from './find-outages.ts';
import { findRetries } from './find-retries.ts';
import { answerRoutes } from './route-answers.ts';

/** What an access log says beyond its files and lines. */
export type LogAnswers = Omit<AccessLog, 'files' | 'lines' | 'entries' | 'rejected' | 'otherLoadBalancers'>;

export function answerLog(entries: Entries, question: Question, idleTimeoutSeconds: number): LogAnswers {
  const { failures } = entries;
  const isFailed = failedStatuses(question.statuses);
  const isRetried = findRetries(entries, isFailed);
  const counted = countEntries(entries, question, isFailed);
  const { shown, ...clients } = showFailures(failures.held, ({ index }) => isRetried[index] === 1);
  return {
    ...counted.log,
    failures: shown.map(({ failure }) => failure),
    failuresTotal: failures.count,
    failureShapes: failures.shapes(isRetried),
    failedClients: new Set(failures.client.filter((_, index) => failures.kind[index] === ASKED)).size,
    ...clients,
    retriedOk: isRetried.reduce((sum, one) => sum + one, 0),
    ...answerRoutes(entries, counted, question),
    idleGaps: gapsBefore(entries, shown, counted.places, question, idleTimeoutSeconds),
    outages: findOutages(entries, question),
  };
}

function gapsBefore(
  entries: Entries,
  shown: readonly ShownFailure[],
  places: readonly PlaceRow[],
  question: Question,
  idleTimeoutSeconds: number,
): AccessLog['idleGaps'] {
  const closed = findClosedConnections(shown, places);
  if (closed === null) return [];
  const plan = planGaps(closed, idleTimeoutSeconds);
  return idleGaps(findGaps(entries, question, plan), plan);
}
