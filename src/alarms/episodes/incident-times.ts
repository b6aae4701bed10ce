/** Reads the times of an incident from its episode. */
import type { IncidentTimes } from '../../query/incident-window.ts';
import type { EpisodeRecord } from './episode-record.ts';

/** All times, including `now`, in epoch milliseconds. */
export const incidentTimesOf = ({ heardAt, episode: { closedAt } }: EpisodeRecord, now: number): IncidentTimes => ({
  now,
  heardAt: Date.parse(heardAt),
  closedAt: closedAt === null ? null : Date.parse(closedAt),
});
