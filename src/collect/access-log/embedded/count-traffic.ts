/** Counts requests by route, place and minute, and finds outages. A thread can do it while another finds retries and gaps. Pure. */
import type { AccessLog } from '../../../evidence/access-log.ts';
import type { Question } from '../../../evidence/question.ts';
import { failedStatuses } from '../failed-statuses.ts';
import type { PlaceRow } from '../place-traffic.ts';
import { type CountedEntries, countEntries } from './count-entries.ts';
import type { TrafficEntries } from './entry-batch.ts';
import { findOutages } from './find-outages.ts';
import { answerRoutes } from './route-answers.ts';

export interface TrafficRequest {
  entries: TrafficEntries;
  question: Pick<Question, 'from' | 'to' | 'statuses'>;
}

export interface CountedTraffic {
  log: CountedEntries['log'] & Pick<AccessLog, 'routes' | 'slowest' | 'badRequestRoutes' | 'outages'>;
  places: PlaceRow[];
}

export function countTraffic({ entries, question }: TrafficRequest): CountedTraffic {
  const counted = countEntries(entries, question, failedStatuses(question.statuses));
  return {
    log: { ...counted.log, ...answerRoutes(entries, counted, question), outages: findOutages(entries, question) },
    places: counted.places,
  };
}
