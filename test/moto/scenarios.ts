/** Recorded scenarios, moved to half an hour ago and to what moto can hold: ip targets, an internal load balancer, a plain HTTP listener. */
import type { Recording } from '../support/simulator/recording.ts';
import { keepAliveRace } from '../support/simulator/recordings/keep-alive-race.ts';
import { securityGroup } from '../support/simulator/recordings/plain-causes.ts';
import type { Scenario } from '../support/simulator/scenario.ts';

const MINUTE = 60_000;
const iso = (time: number): string => new Date(time).toISOString().replace('.000Z', 'Z');

/** A window of a quarter of an hour that ended about twenty minutes before `now`: everything about it has been delivered. */
export function settledWindow(now: number): Pick<Scenario, 'window' | 'recorded'> {
  const end = Math.floor(now / (5 * MINUTE)) * 5 * MINUTE - 20 * MINUTE;
  const start = end - 15 * MINUTE;
  return {
    window: { from: iso(start), to: iso(end), now: iso(now) },
    recorded: { from: iso(start - MINUTE), to: iso(end) },
  };
}

function moved({ scenario }: Recording, now: number): Scenario {
  return {
    ...scenario,
    ...settledWindow(now),
    loadBalancer: { ...scenario.loadBalancer, scheme: 'internal', listener: { protocol: 'HTTP', port: 80 } },
  };
}

/** A load balancer whose targets close idle connections first. */
export const keepAlive = (now: number): Scenario => moved(keepAliveRace, now);
/** A load balancer two of whose four targets have a security group that does not admit it. */
export const blocked = (now: number): Scenario => moved(securityGroup, now);
