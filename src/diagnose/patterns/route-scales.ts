/** Ranks failing requests among the successes of their own route, by time and by bytes. */
import type { RouteTraffic, ScaleCount } from '../../evidence/access-log.ts';
import type { Traffic } from '../traffic.ts';

/** Steps per doubling, as the access log counts them. */
const STEPS = 8;

/** The step of a whole number of milliseconds or bytes. */
const stepOf = (value: number): number => Math.floor(STEPS * Math.log2(value + 0.5));

/** The smallest whole number of a step. */
const leastOf = (step: number): number => Math.max(0, Math.ceil(2 ** (step / STEPS) - 0.5));

/** Milliseconds or bytes of one route's successes; at least one success. */
export interface RouteScale {
  successes: number;
  steps: readonly ScaleCount[];
}

/** Null if no request of the route succeeded, or if the recording predates the scales. */
export function routeScale(traffic: Traffic, route: string, of: 'times' | 'sizes'): RouteScale | null {
  const row: RouteTraffic | undefined = traffic.log.routes.find((one) => one.route === route);
  const steps = row?.[of] ?? [];
  const successes = steps.reduce((sum, { requests }) => sum + requests, 0);
  return successes === 0 ? null : { successes, steps };
}

/** The share of the successes below a value; successes in the value's own step count half. */
export function midRank({ steps, successes }: RouteScale, value: number): number {
  const own = stepOf(value);
  return (
    steps.reduce((sum, { step, requests }) => sum + (step < own ? 1 : step === own ? 0.5 : 0) * requests, 0) / successes
  );
}

/** Counts successes up to and including the value's step, and from that step on. */
export const countUpTo = ({ steps }: RouteScale, value: number): number =>
  steps.reduce((sum, { step, requests }) => sum + (step <= stepOf(value) ? requests : 0), 0);
export const countFrom = ({ steps }: RouteScale, value: number): number =>
  steps.reduce((sum, { step, requests }) => sum + (step >= stepOf(value) ? requests : 0), 0);

/** The smallest value of the step that reaches this share of the successes. */
export function quantile({ steps, successes }: RouteScale, share: number): number {
  let seen = 0;
  for (const { step, requests } of steps) {
    seen += requests;
    if (seen >= share * successes) return leastOf(step);
  }
  return 0;
}
