/** The time zone of whoever asks: that of their Slack profile where the bot may read it, else that of the configuration. */
import type { Logger } from 'pino';
import { canonicalZone } from '../query/time-zone.ts';

/** Milliseconds for which an answer of Slack counts: people travel seldom. */
const FRESH = 60 * 60_000;
/** The most people remembered. */
const MAX_PEOPLE = 2_000;

export interface AskerZonesOptions {
  /** The zone where Slack does not say one. */
  standard: string;
  /** `tz` of users.info (scope users:read), undefined where it says none. Throws what Slack answers instead. */
  zoneInProfile(user: string): Promise<string | undefined>;
  log: Pick<Logger, 'info'>;
  now(): number;
}

/** Never throws; asks Slack no more once it has said that the scope is missing. */
export function openAskerZones({
  standard,
  zoneInProfile,
  log,
  now,
}: AskerZonesOptions): (user: string) => Promise<string> {
  const known = new Map<string, { zone: string; at: number }>();
  let isAllowed = true;

  return async (user) => {
    const cached = known.get(user);
    if (cached !== undefined && now() - cached.at < FRESH) return cached.zone;
    if (!isAllowed) return standard;
    let zone = standard;
    try {
      zone = canonicalZone((await zoneInProfile(user)) ?? standard) ?? standard;
    } catch (error) {
      isAllowed = !String(error).includes('missing_scope');
      log.info({ user, err: error }, 'Slack does not say the time zone of a person');
    }
    if (known.size >= MAX_PEOPLE) known.clear();
    known.set(user, { zone, at: now() });
    return zone;
  };
}
