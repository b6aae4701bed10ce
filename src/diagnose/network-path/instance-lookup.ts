/**
 * Finds instances and their interfaces by instance id. Indexes are cached, because a group may have thousands of
 * targets.
 */
import type { Instance, NetworkInterface } from '../../evidence/aws.ts';

/** Indexes items by key, keeping the first of each; cached for the lifetime of the list. */
function firstByKey<Item>(keysOf: (item: Item) => (string | null | undefined)[]) {
  const indexes = new WeakMap<readonly Item[], ReadonlyMap<string, Item>>();
  return (items: readonly Item[] | undefined, key: string): Item | undefined => {
    if (items === undefined) return undefined;
    let index = indexes.get(items);
    if (index === undefined) {
      const first = new Map<string, Item>();
      for (const item of items) {
        for (const own of keysOf(item)) if (own != null && !first.has(own)) first.set(own, item);
      }
      indexes.set(items, first);
      index = first;
    }
    return index.get(key);
  };
}

export const instanceById = firstByKey<Instance>(({ InstanceId }) => [InstanceId]);
export const instanceByAddress = firstByKey<Instance>(({ PrivateIpAddress }) => [PrivateIpAddress]);

/** The primary interface; the load balancer sends to its primary address. */
export const primaryInterfaceOf = firstByKey<NetworkInterface>(({ Attachment }) => [
  Attachment?.DeviceIndex === 0 ? Attachment.InstanceId : null,
]);

export const interfaceByAddress = firstByKey<NetworkInterface>(({ PrivateIpAddress, PrivateIpAddresses = [] }) => [
  PrivateIpAddress,
  ...PrivateIpAddresses.map((one) => one.PrivateIpAddress),
]);

export const interfaceByAnyAddress = firstByKey<NetworkInterface>(
  ({ PrivateIpAddress, PrivateIpAddresses = [], Ipv6Addresses = [] }) => [
    PrivateIpAddress,
    ...PrivateIpAddresses.map((one) => one.PrivateIpAddress),
    ...Ipv6Addresses.map(({ Ipv6Address }) => Ipv6Address),
  ],
);
