/**
 * Finds the origin names that lead to a load balancer by a CNAME or an alias record: both resolve to its addresses. TLS
 * to the origin needs a name of the certificate, so most origins have a name of their own.
 */
import { Resolver } from 'node:dns/promises';

/** Returns the IPv4 addresses of a name; rejects if it has none or nobody answers. */
export type AddressLookup = (name: string) => Promise<string[]>;

/** Milliseconds for a name, and names to look up at most. */
const [ANSWERED_WITHIN, MOST_NAMES] = [1000, 50];

export const lookUpAddresses: AddressLookup = (name) =>
  new Resolver({ timeout: ANSWERED_WITHIN, tries: 1 }).resolve4(name);

/** AWS names these origins itself; none is another name of a load balancer. */
const NAMED_BY_AWS = /[.](?:amazonaws[.]com(?:[.]cn)?|cloudfront[.]net|on[.]aws)$/;

export const isNamedByOwner = (name: string): boolean => name.includes('.') && !NAMED_BY_AWS.test(name);

interface OwnNames {
  names: ReadonlySet<string>;
  /** Whether names were left out, or the load balancer itself did not resolve. */
  isIncomplete: boolean;
}

/** `names` are distinct and in lower case. Does not reject. */
export async function namesOfLoadBalancer(
  names: readonly string[],
  dnsName: string,
  lookUp: AddressLookup,
): Promise<OwnNames> {
  if (names.length === 0) return { names: new Set(), isIncomplete: false };
  const addressesOf = (name: string) => lookUp(name).catch((): string[] => []);
  const asked = names.slice(0, MOST_NAMES);
  const [own, ...others] = await Promise.all([dnsName, ...asked].map(addressesOf));
  const addresses = new Set(own);
  return {
    names: new Set(asked.filter((_, index) => others[index]?.some((address) => addresses.has(address)))),
    isIncomplete: addresses.size === 0 || names.length > MOST_NAMES,
  };
}
