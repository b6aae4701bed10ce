import { describe, expect, it } from 'vitest';
import { openAskerZones } from '../../src/slack/asker-zones.ts';

const HOUR = 3_600_000;

function zones(zoneInProfile: (user: string) => Promise<string | undefined>) {
  const clock = { now: 0 };
  const asked: string[] = [];
  const zoneOf = openAskerZones({
    standard: 'Europe/Berlin',
    zoneInProfile: (user) => {
      asked.push(user);
      return zoneInProfile(user);
    },
    log: { info: () => {} },
    now: () => clock.now,
  });
  return { zoneOf, asked, clock };
}

describe('the zone of the asker', () => {
  it('comes from the profile, which is read once an hour', async () => {
    const { zoneOf, asked, clock } = zones(async () => 'America/New_York');
    expect([await zoneOf('U0ADA'), await zoneOf('U0ADA')]).toEqual(['America/New_York', 'America/New_York']);
    expect(asked).toEqual(['U0ADA']);
    clock.now += HOUR;
    await zoneOf('U0ADA');
    expect(asked).toEqual(['U0ADA', 'U0ADA']);
  });

  it.each([undefined, 'Mars/Olympus'])('is that of the configuration where the profile says %j', async (zone) => {
    expect(await zones(async () => zone).zoneOf('U0ADA')).toBe('Europe/Berlin');
  });

  it('comes from the configuration without the scope, and Slack is not asked again', async () => {
    const { zoneOf, asked } = zones(async () => {
      throw new Error('An API error occurred: missing_scope');
    });
    expect([await zoneOf('U0ADA'), await zoneOf('U0BEN')]).toEqual(['Europe/Berlin', 'Europe/Berlin']);
    expect(asked).toEqual(['U0ADA']);
  });
});
