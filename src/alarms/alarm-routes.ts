/** Chooses the channel of an alarm. Pure. */

/** Patterns with * for any text and ? for one character; an absent pattern matches everything. */
interface ChannelRoute {
  /** Pattern of the load balancer's name. */
  loadBalancer?: string | undefined;
  /** Pattern of the alarm's name. */
  alarm?: string | undefined;
  /** Pattern of the account's twelve digits or its name in the configuration. */
  account?: string | undefined;
  channel: string;
  /** The user (U…) or user group (S…) to mention in the verdict of these alarms. */
  mention?: string | undefined;
}

export interface Routing {
  routes: readonly ChannelRoute[];
  defaultChannel: string | null;
  /** Configured accounts; only an account's `channels` may show its data. */
  accounts?: readonly RoutedAccount[];
}

interface RoutedAccount {
  name: string;
  roleArn?: string | undefined;
  channels?: readonly string[] | undefined;
}

/** The properties of an alarm that routes match. */
interface RoutingSubject {
  /** Null when the alarm names none. */
  loadBalancer: string | null;
  alarm: string;
  /** Number and name of the account. */
  accounts: readonly string[];
}

/**
 * Returns the channel of the first matching route, else the default channel, else the account's first channel; only
 * channels that may show the account's data. Null if no channel may.
 */
export function channelFor(subject: RoutingSubject, routing: Routing): string | null {
  const { defaultChannel, accounts: configured } = routing;
  const allowedChannels = allowedChannelsOf(subject, configured);
  const match = routeFor(subject, routing);
  if (match !== undefined) return match.channel;
  const isAllowed = defaultChannel !== null && (allowedChannels === null || allowedChannels.includes(defaultChannel));
  return isAllowed ? defaultChannel : (allowedChannels?.[0] ?? null);
}

/** Whether a channel may show the data of all accounts of the alarm. */
export function mayShow(channel: string, subject: RoutingSubject, { accounts }: Routing): boolean {
  return allowedChannelsOf(subject, accounts)?.includes(channel) ?? true;
}

/** Returns the user or group that the verdict of an alarm mentions; null when its route names none. */
export const mentionFor = (subject: RoutingSubject, routing: Routing): string | null =>
  routeFor(subject, routing)?.mention ?? null;

function routeFor(subject: RoutingSubject, routing: Routing): ChannelRoute | undefined {
  const { loadBalancer, alarm, accounts } = subject;
  return routing.routes.find(
    (route) =>
      mayShow(route.channel, subject, routing) &&
      (route.loadBalancer === undefined ||
        (loadBalancer !== null && matchesPattern(route.loadBalancer, loadBalancer))) &&
      (route.alarm === undefined || matchesPattern(route.alarm, alarm)) &&
      (route.account === undefined || accounts.some((account) => matchesPattern(route.account ?? '', account))),
  );
}

/** Returns another channel after one refused the thread; null if no other channel is configured. */
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

/** Returns the channels that may show data of all named accounts; null when any channel may. */
function allowedChannelsOf({ accounts }: RoutingSubject, configured: Routing['accounts']): readonly string[] | null {
  const restrictions = (configured ?? []).flatMap(({ name, channels }) =>
    channels !== undefined && accounts.includes(name) ? [channels] : [],
  );
  const [first, ...others] = restrictions;
  return first?.filter((channel) => others.every((channels) => channels.includes(channel))) ?? null;
}

/**
 * The load balancer, alarm and accounts that routes are matched against. The account is the one that owns the load
 * balancer, even if another account watches it; if its name is no longer configured, its number is used.
 */
export const loadBalancerSubject = (
  { name, arn, account }: { name: string; arn: string | null; account: string },
  alarm: string,
  routing: Routing,
): RoutingSubject => {
  const number = arn?.split(':')[4];
  const isConfigured = routing.accounts?.some((one) => one.name === account) ?? true;
  const others = isConfigured ? [] : possibleAccounts(number ?? null, routing);
  return { loadBalancer: name, alarm, accounts: [account, ...(number ? [number] : []), ...others] };
};

/**
 * Returns the number of an account and the names of the configured accounts it can be: those with a role in it, else
 * those that use the environment's credentials. Without a valid number, returns all names.
 */
export function possibleAccounts(id: string | null, { accounts = [] }: Routing): string[] {
  const names = (some: readonly RoutedAccount[]) => some.map(({ name }) => name);
  if (id === null || !/^\d{12}$/.test(id)) return names(accounts);
  const withRole = accounts.filter(({ roleArn }) => roleArn?.split(':')[4] === id);
  return [id, ...names(withRole.length > 0 ? withRole : accounts.filter(({ roleArn }) => roleArn === undefined))];
}

/**
 * Whether a name matches a pattern. Takes at most time proportional to the product of their lengths, for any pattern.
 */
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
      // Let the last star match one more character.
      retry += 1;
      at = retry;
      next = star + 1;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(next));
}
