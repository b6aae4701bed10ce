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
  /** The user (U…) or user group (S…) to mention in the verdict of these alarms. */
  mention?: string | undefined;
}

export interface Routing {
  routes: readonly ChannelRoute[];
  defaultChannel: string | null;
  /** As the configuration has them; `channels` are the only ones that may read about an account. */
  accounts?: readonly RoutedAccount[];
}

export interface RoutedAccount {
  name: string;
  roleArn?: string | undefined;
  channels?: readonly string[] | undefined;
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
export function channelFor(subject: RoutingSubject, routing: Routing): string | null {
  const { defaultChannel, accounts: configured } = routing;
  const allowedChannels = allowedChannelsOf(subject, configured);
  const match = routeFor(subject, routing);
  if (match !== undefined) return match.channel;
  const isAllowed = defaultChannel !== null && (allowedChannels === null || allowedChannels.includes(defaultChannel));
  return isAllowed ? defaultChannel : (allowedChannels?.[0] ?? null);
}

/** Whom the verdict of an alarm mentions; null where its route names nobody. */
export const mentionFor = (subject: RoutingSubject, routing: Routing): string | null =>
  routeFor(subject, routing)?.mention ?? null;

function routeFor(subject: RoutingSubject, { routes, accounts: configured }: Routing): ChannelRoute | undefined {
  const { loadBalancer, alarm, accounts } = subject;
  const allowedChannels = allowedChannelsOf(subject, configured);
  const isAllowed = (channel: string): boolean => allowedChannels === null || allowedChannels.includes(channel);
  return routes.find(
    (route) =>
      isAllowed(route.channel) &&
      (route.loadBalancer === undefined ||
        (loadBalancer !== null && matchesPattern(route.loadBalancer, loadBalancer))) &&
      (route.alarm === undefined || matchesPattern(route.alarm, alarm)) &&
      (route.account === undefined || accounts.some((account) => matchesPattern(route.account ?? '', account))),
  );
}

/** The channel in place of one that takes no thread; null when there is no other. */
export function otherChannel(
  subject: RoutingSubject,
  refusedChannel: string,
  { defaultChannel, accounts }: Routing,
): string | null {
  const allowedChannels = allowedChannelsOf(subject, accounts);
  const others =
    allowedChannels === null
      ? [defaultChannel]
      : [defaultChannel, ...allowedChannels].filter((one) => allowedChannels.includes(one ?? ''));
  return others.find((channel) => channel !== null && channel !== refusedChannel) ?? null;
}

/** The channels that may read about every account named; null where each may be read about anywhere. */
function allowedChannelsOf({ accounts }: RoutingSubject, configured: Routing['accounts']): readonly string[] | null {
  const restrictions = (configured ?? []).flatMap(({ name, channels }) =>
    channels !== undefined && accounts.includes(name) ? [channels] : [],
  );
  const [first, ...others] = restrictions;
  return first?.filter((channel) => others.every((channels) => channels.includes(channel))) ?? null;
}

/**
 * The number of an account, and the names of all configured accounts that can be it: those with a role in it, else those that use the
 * credentials of the environment. Without a number it can be any.
 */
export function possibleAccounts(id: string | null, { accounts = [] }: Routing): string[] {
  const names = (some: readonly RoutedAccount[]) => some.map(({ name }) => name);
  if (id === null) return names(accounts);
  const withRole = accounts.filter(({ roleArn }) => roleArn?.split(':')[4] === id);
  return [id, ...names(withRole.length > 0 ? withRole : accounts.filter(({ roleArn }) => roleArn === undefined))];
}

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
