/** Which channel an alarm belongs in. Pure. */

/** Patterns with * for any text and ? for one letter; what is absent fits. */
export interface ChannelRoute {
  /** The name of the load balancer. */
  loadBalancer?: string | undefined;
  /** The name of the alarm. */
  alarm?: string | undefined;
  /** Twelve digits, or how the configuration calls the account. */
  account?: string | undefined;
  channel: string;
}

export interface Routing {
  routes: readonly ChannelRoute[];
  defaultChannel: string | null;
  /** The only channels that may read about an account, by how the configuration calls it. */
  channelsByAccount?: ReadonlyMap<string, readonly string[]>;
}

/** What is known of an alarm. */
export interface RoutingSubject {
  /** Null where the alarm names none. */
  loadBalancer: string | null;
  alarm: string;
  /** The number and the name of the account. */
  accounts: readonly string[];
}

/** The channel of the first route that fits, else the default, of those that may read about the account; null when there is none. */
export function channelFor(
  subject: RoutingSubject,
  { routes, defaultChannel, channelsByAccount }: Routing,
): string | null {
  const { loadBalancer, alarm, accounts } = subject;
  const allowedChannels = allowedChannelsOf(subject, channelsByAccount);
  const isAllowed = (channel: string): boolean => allowedChannels === null || allowedChannels.includes(channel);
  const match = routes.find(
    (route) =>
      isAllowed(route.channel) &&
      (route.loadBalancer === undefined ||
        (loadBalancer !== null && matchesPattern(route.loadBalancer, loadBalancer))) &&
      (route.alarm === undefined || matchesPattern(route.alarm, alarm)) &&
      (route.account === undefined || accounts.some((account) => matchesPattern(route.account ?? '', account))),
  );
  if (match !== undefined) return match.channel;
  return defaultChannel !== null && isAllowed(defaultChannel) ? defaultChannel : (allowedChannels?.[0] ?? null);
}

/** The channel in place of one that takes no thread; null when there is no other. */
export function otherChannel(
  subject: RoutingSubject,
  refusedChannel: string,
  { defaultChannel, channelsByAccount }: Routing,
): string | null {
  const allowedChannels = allowedChannelsOf(subject, channelsByAccount);
  const others =
    allowedChannels === null
      ? [defaultChannel]
      : [defaultChannel, ...allowedChannels].filter((one) => allowedChannels.includes(one ?? ''));
  return others.find((channel) => channel !== null && channel !== refusedChannel) ?? null;
}

const allowedChannelsOf = (
  { accounts }: RoutingSubject,
  channelsByAccount: Routing['channelsByAccount'],
): readonly string[] | null =>
  accounts.flatMap((account) => (channelsByAccount?.has(account) ? [channelsByAccount.get(account) ?? []] : []))[0] ??
  null;

/** Whether a name fits a pattern, in time that grows with the product of their lengths at most, whatever the pattern. */
export function matchesPattern(pattern: string, name: string): boolean {
  let at = 0;
  let star = -1;
  let retry = 0;
  let next = 0;
  while (at < name.length) {
    const sign = pattern[next];
    if (sign === '*') {
      star = next;
      retry = at;
      next += 1;
    } else if (sign !== undefined && (sign === '?' || sign === name[at])) {
      at += 1;
      next += 1;
    } else if (star >= 0) {
      // What stands after the last star fits later, or nowhere.
      retry += 1;
      at = retry;
      next = star + 1;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(next));
}
