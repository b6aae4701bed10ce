/** Incidents of the suite: made from a seed when the suite runs, with what a diagnosis must and must not say about them. */
import { counts, type Expectation, type Recording, share } from '../support/simulator/recording.ts';
import { group, loadBalancer, people, quarterHour, shopRoutes, targets } from '../support/simulator/recordings/shop.ts';
import type { Fault, Scenario } from '../support/simulator/scenario.ts';
import type { Simulation } from '../support/simulator/simulate.ts';

export interface Incident extends Recording {
  /** Why the diagnosis may leave open what its evidence would tell; printed below the score. */
  shortfall?: string;
}

export interface Family {
  title: string;
  incidents: Incident[];
}

/** Three targets behind two nodes, a few people shopping; what is given replaces that. The seed is made from the name. */
export function incident(
  name: string,
  scenario: Partial<Scenario>,
  expected: (simulation: Simulation) => Expectation,
  more: Partial<Incident> = {},
): Incident {
  const sound: Scenario = {
    seed: [...name].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 16777619) >>> 0, 2166136261),
    loadBalancer: loadBalancer('shop-prod', '4f2a9c1e7b3d5068'),
    ...quarterHour('2026-11-18T10:00:00Z', 120),
    targetGroups: [web()],
    routes: shopRoutes('web'),
    clients: [people(4)],
  };
  return { name, scenario: { ...sound, ...scenario }, expected, ...more };
}

/** The only group of most incidents. */
export const web = (
  more: Parameters<typeof group>[3] = {},
  members = targets('10.0.10.40', '10.0.11.40', '10.0.11.41'),
) => group('web', '5566778899aabbcc', members, more);

export const withFaults = (...faults: Fault[]): Partial<Scenario> => ({ faults });

interface Beside {
  /** Other causes that must be found too. */
  and?: string[];
  ruledOut?: string[];
  mustNotClaim?: string[];
  statuses?: string[];
  /** The log that is left does not hold everything that happened. */
  uncounted?: true;
  steps?: Record<string, string | string[]>;
}

/** The evidence shows the cause: confirmed or likely, with its true share of the errors. */
export const expectCause =
  (cause: string, why: string, { and = [], uncounted, ...beside }: Beside = {}) =>
  (simulation: Simulation): Expectation => ({
    verdict: { cause, standing: ['confirmed', 'likely'] },
    explains: Object.fromEntries([cause, ...and].map((id) => [id, share(simulation, id, 0.1, 0.06)])),
    ruledOut: [],
    mustNotClaim: [],
    ...((beside.statuses ?? uncounted) ? {} : counts(simulation)),
    ...beside,
    why,
  });

/** Two causes that both show, the larger first. */
export const expectBothCauses =
  (one: string, other: string, why: string, beside: Beside = {}) =>
  (simulation: Simulation): Expectation => {
    const { causes } = simulation.truth;
    const [first, second] = (causes[one] ?? 0) >= (causes[other] ?? 0) ? [one, other] : [other, one];
    return expectCause(first, why, { ...beside, and: [second] })(simulation);
  };

/** The evidence cannot tell: nothing may be claimed, and these at least stay open. */
export const expectUndecided =
  (between: string[], why: string, { uncounted, ...beside }: Omit<Beside, 'and'> = {}) =>
  (simulation: Simulation): Expectation => ({
    verdict: { cause: null, standing: 'undecided' },
    betweenAtLeast: between,
    ruledOut: [],
    mustNotClaim: between,
    ...(uncounted ? {} : counts(simulation)),
    ...beside,
    why,
  });

/** Nothing failed. */
export const expectNothingFailed =
  (why: string, beside: Omit<Beside, 'and' | 'uncounted'> = {}) =>
  (simulation: Simulation): Expectation => ({
    verdict: { cause: null, standing: 'none' },
    ruledOut: [],
    mustNotClaim: [],
    ...counts(simulation),
    ...beside,
    why,
  });
