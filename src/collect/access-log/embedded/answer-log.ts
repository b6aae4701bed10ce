/** Answers the questions of a diagnosis from the entries of a log. */
import type { AccessLog } from '../../../evidence/access-log.ts';
import type { Question } from '../../../evidence/question.ts';
import { failedStatuses } from '../failed-statuses.ts';
import { findClosedConnections, idleGaps, planGaps } from '../gap-search.ts';
import type { PlaceRow } from '../place-traffic.ts';
import { type ShownFailure, showFailures } from '../shown-failures.ts';
import type { Counting, TrafficRequest } from './count-traffic.ts';
import type { Entries } from './entry-store.ts';
import { ASKED } from './failure-store.ts';
import { findGaps } from './find-gaps.ts';
import { findRetries } from './find-retries.ts';

/** What an access log says beyond its files and lines. */
type LogAnswers = Omit<AccessLog, 'files' | 'lines' | 'entries' | 'rejected' | 'otherLoadBalancers'>;

/** `count` runs `countTraffic`, in a thread if there is one: it works while retries are searched for here. */
export async function answerLog(
  entries: Entries,
  question: Question,
  idleTimeoutSeconds: number,
  count: (request: TrafficRequest) => Counting,
): Promise<LogAnswers> {
  const { failures } = entries;
  const counting = count({ entries, question });
  const isRetried = findRetries(entries, failedStatuses(question.statuses));
  const { shown, ...clients } = showFailures(failures.held, ({ index }) => isRetried[index] === 1);
  const idleGaps = gapsBefore(entries, shown, await counting.places, question, idleTimeoutSeconds);
  return {
    ...(await counting.traffic),
    failures: shown.map(({ failure }) => failure),
    failuresTotal: failures.count,
    failureShapes: failures.shapes(isRetried),
    failedClients: new Set(failures.client.filter((_, index) => failures.kind[index] === ASKED)).size,
    ...clients,
    retriedOk: isRetried.reduce((sum, one) => sum + one, 0),
    idleGaps,
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
