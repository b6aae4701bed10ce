/** The times of an incident as its episode knows them. */
import type { IncidentTimes } from '../../query/alarm-window.ts';
import type { EpisodeRecord } from './episode-record.ts';

/** In epoch milliseconds, as is `now`. */
export const incidentTimesOf = ({ heardAt, episode: { closedAt } }: EpisodeRecord, now: number): IncidentTimes => ({
  now,
  heardAt: Date.parse(heardAt),
  closedAt: closedAt === null ? null : Date.parse(closedAt),
});
