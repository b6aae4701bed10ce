/** Mutes in the run store: who muted what, until when, for all replicas. */
import { describe, expect, it } from 'vitest';
import { type Mute, openMutes } from '../../src/runs/mutes.ts';
import { openFolderStore } from '../../src/runs/store/folder-store.ts';
import { temporaryFolder } from '../support/incident/folder.ts';

const NOON = Date.parse('2026-11-18T12:00:00Z');
const HOUR = 3_600_000;
const shop = { kind: 'load-balancer', key: 'arn:shop', name: 'shop-prod' } as const;
const high = { kind: 'alarm', key: 'arn:high', name: 'high-502' } as const;
const late = { kind: 'alarm', key: 'arn:late', name: 'latency' } as const;

/** Two replicas on one store, with one clock. */
async function replicas() {
  const folder = temporaryFolder();
  const clock = { at: NOON };
  const open = async () =>
    openMutes(await openFolderStore(folder), {
      now: () => clock.at,
      log: { error: (fields) => expect(fields).toBeNull() },
    });
  return { one: await open(), other: await open(), clock };
}

const names = (mutes: readonly Mute[]): string[] => mutes.map(({ name }) => name);

describe('a mute', () => {
  it.each([
    { what: [shop], alarms: ['arn:high'], isMuted: true },
    { what: [shop], alarms: ['arn:other'], isMuted: true },
    { what: [high], alarms: ['arn:high'], isMuted: true },
    { what: [high], alarms: ['arn:high', 'arn:late'], isMuted: false },
    { what: [high, late], alarms: ['arn:high', 'arn:late'], isMuted: true },
    { what: [high], alarms: ['arn:late'], isMuted: false },
  ])('of $what covers alarms $alarms: $isMuted', async ({ what, alarms, isMuted }) => {
    const { one, other } = await replicas();
    await one.add(what, 'U0ADA', 4);
    const found = await other.find({ loadBalancer: 'arn:shop', alarms });
    expect(found === null ? null : found.user).toBe(isMuted ? 'U0ADA' : null);
  });

  it('covers no other load balancer', async () => {
    const { one } = await replicas();
    await one.add([shop], 'U0ADA', 4);
    expect(await one.find({ loadBalancer: 'arn:bank', alarms: ['arn:high'] })).toBeNull();
  });

  it('is listed until it ends, in order of its end', async () => {
    const { one, other, clock } = await replicas();
    await one.add([shop], 'U0ADA', 8);
    await other.add([high], 'U0BEN', 4);
    expect(names(await one.all())).toEqual(['high-502', 'shop-prod']);
    clock.at += 5 * HOUR;
    expect(names(await other.all())).toEqual(['shop-prod']);
  });

  it('ends by itself', async () => {
    const { one, clock } = await replicas();
    await one.add([shop], 'U0ADA', 4);
    const subject = { loadBalancer: 'arn:shop', alarms: ['arn:high'] };
    clock.at = NOON + 4 * HOUR - 1;
    expect(await one.find(subject)).toMatchObject({ until: '2026-11-18T16:00:00.000Z' });
    clock.at = NOON + 4 * HOUR;
    expect(await one.find(subject)).toBeNull();
  });

  it('does not shorten a longer one', async () => {
    const { one, other } = await replicas();
    await one.add([shop], 'U0ADA', 24);
    expect(await other.add([shop], 'U0BOB', 1)).toMatchObject([{ user: 'U0ADA', until: '2026-11-19T12:00:00.000Z' }]);
  });

  it('is removed with its load balancer', async () => {
    const { one, other } = await replicas();
    await one.add([shop, high], 'U0ADA', 4);
    expect(names(await other.remove({ loadBalancer: 'arn:shop', alarms: ['arn:high'] })).sort()).toEqual([
      'high-502',
      'shop-prod',
    ]);
    expect(await one.find({ loadBalancer: 'arn:shop', alarms: ['arn:high'] })).toBeNull();
    expect(await one.remove({ loadBalancer: 'arn:shop', alarms: ['arn:high'] })).toEqual([]);
  });
});
