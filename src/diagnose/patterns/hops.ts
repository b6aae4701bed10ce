/** Handles errors of requests through a hop in front of the load balancer: the log does not show their client. */
import { type Hop, hopWords } from '../../evidence/edge.ts';
import { list } from '../../format/wording.ts';
import { countErrors, oncePerTraffic, type SampledError, type Traffic } from '../traffic.ts';

/** The client numbers of hops. */
const hopClients = oncePerTraffic(({ log }) => new Set(log.hops?.flatMap(({ clients }) => clients)));

/** Errors whose client address belongs to a client and not to a hop. */
export const withoutHops = (traffic: Traffic, errors: readonly SampledError[]): SampledError[] =>
  errors.filter(({ client }) => !hopClients(traffic).has(client));

/** Number of clients with errors; null if all came through a hop. */
export function clientsWithErrors(traffic: Traffic): number | null {
  const { errors, log } = traffic;
  const direct = withoutHops(traffic, errors);
  if (direct.length === 0 && errors.length > 0) return null;
  if (direct.length === errors.length && log.failuresTotal > log.failures.length) return log.failedClients;
  return new Set(direct.map(({ client }) => client)).size;
}

interface HopErrors {
  hop: Hop;
  /** The number of errors, weighted. */
  errors: number;
}

/** Errors by hop, most first. */
export const errorsThroughHops = oncePerTraffic((traffic: Traffic): HopErrors[] =>
  (traffic.log.hops ?? [])
    .map((hop) => {
      const clients = new Set(hop.clients);
      return { hop, errors: countErrors(traffic.errors.filter(({ client }) => clients.has(client))) };
    })
    .filter(({ errors }) => errors > 0)
    .sort((a, b) => b.errors - a.errors || (hopWords(a.hop) < hopWords(b.hop) ? -1 : 1)),
);

/** Largest share of errors behind hops; above it, retries cannot be recognised. */
const MOSTLY_DIRECT = 0.05;

/** Whether the same client address means the same client for nearly all errors. */
export function areClientsKnown(traffic: Traffic): boolean {
  const hidden = errorsThroughHops(traffic).reduce((sum, { errors }) => sum + errors, 0);
  return hidden <= MOSTLY_DIRECT * traffic.errorCount;
}

/** "CloudFront and the Network Load Balancer shop-nlb". */
export const hopNames = (traffic: Traffic): string =>
  list([...new Set(errorsThroughHops(traffic).map(({ hop }) => hopWords(hop)))]);
