/** Counts requests by route, place and minute, and finds outages. A thread can do it while another finds retries and gaps. Pure. */
import type { AccessLog } from '../../../evidence/access-log.ts';
import type { Question } from '../../../evidence/question.ts';
import { failedStatuses } from '../failed-statuses.ts';
import type { PlaceRow } from '../place-traffic.ts';
import { type CountedEntries, countEntries } from './count-entries.ts';
import type { TrafficEntries } from './entry-batch.ts';
import { findOutages } from './find-outages.ts';
import { answerRoutes } from './route-answers.ts';

/** Both reject if a thread counts and ends early. */
export interface Counting {
  /** Known before the traffic. */
  places: Promise<PlaceRow[]>;
  traffic: Promise<CountedTraffic>;
}

export interface TrafficRequest {
  entries: TrafficEntries;
  question: Pick<Question, 'from' | 'to' | 'statuses'>;
}

export type CountedTraffic = CountedEntries['log'] &
  Pick<AccessLog, 'routes' | 'slowest' | 'badRequestRoutes' | 'outages'>;

/** `tellPlaces` is called with the traffic of each place as soon as that is known: gaps are searched for in it. */
export function countTraffic(
  { entries, question }: TrafficRequest,
  tellPlaces: (places: PlaceRow[]) => void,
): CountedTraffic {
  const counted = countEntries(entries, question, failedStatuses(question.statuses));
  tellPlaces(counted.places);
  return { ...counted.log, ...answerRoutes(entries, counted, question), outages: findOutages(entries, question) };
}

/** Counts in this thread. */
export function countHere(request: TrafficRequest): Counting {
  const places = Promise.withResolvers<PlaceRow[]>();
  return { traffic: Promise.resolve(countTraffic(request, places.resolve)), places: places.promise };
}
