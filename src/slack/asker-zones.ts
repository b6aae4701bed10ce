/** The asker's time zone: from the Slack profile if the bot may read it, else from the configuration. */
import type { Logger } from 'pino';
import { canonicalZone } from '../query/time-zone.ts';

/** Milliseconds for which a zone is cached: people seldom travel. */
const FRESH = 60 * 60_000;
/** Maximum number of cached people. */
const MAX_PEOPLE = 2_000;

interface AskerZonesOptions {
  /** The zone if Slack gives none. */
  standard: string;
  /** `tz` of users.info (scope users:read); undefined if the profile has none. Throws Slack's error. */
  zoneInProfile(user: string): Promise<string | undefined>;
  log: Pick<Logger, 'info'>;
  now(): number;
}

/** Never throws; stops asking Slack once it reports a missing scope. */
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
      log.info({ user, err: error }, "could not get a user's time zone from Slack");
    }
    if (known.size >= MAX_PEOPLE) known.clear();
    known.set(user, { zone, at: now() });
    return zone;
  };
}
