/** Which channel an alarm belongs in. Pure. */

/** Patterns with * for any text and ? for one letter; what is absent fits. */
export interface Route {
  /** The name of the load balancer. */
  loadBalancer?: string | undefined;
  /** The name of the alarm. */
  alarm?: string | undefined;
  /** Twelve digits, or how the configuration calls the account. */
  account?: string | undefined;
  channel: string;
}

export interface Routing {
  routes: readonly Route[];
  defaultChannel: string | null;
  /** The only channels that may read about an account, by how the configuration calls it. */
  onlyIn?: ReadonlyMap<string, readonly string[]>;
}

/** What is known of an alarm. */
export interface Routed {
  /** Null where the alarm names none. */
  loadBalancer: string | null;
  alarm: string;
  /** The number and the name of the account. */
  accounts: readonly string[];
}

/** The channel of the first route that fits, else the default, of those that may read about the account; null when there is none. */
export function channelFor(routed: Routed, { routes, defaultChannel, onlyIn }: Routing): string | null {
  const { loadBalancer, alarm, accounts } = routed;
  const only = onlyOf(routed, onlyIn);
  const may = (channel: string): boolean => only === null || only.includes(channel);
  const fitting = routes.find(
    (route) =>
      may(route.channel) &&
      (route.loadBalancer === undefined || (loadBalancer !== null && fits(route.loadBalancer, loadBalancer))) &&
      (route.alarm === undefined || fits(route.alarm, alarm)) &&
      (route.account === undefined || accounts.some((account) => fits(route.account ?? '', account))),
  );
  if (fitting !== undefined) return fitting.channel;
  return defaultChannel !== null && may(defaultChannel) ? defaultChannel : (only?.[0] ?? null);
}

/** The channel in place of one that takes no thread; null when there is no other. */
export function otherChannel(routed: Routed, refused: string, { defaultChannel, onlyIn }: Routing): string | null {
  const only = onlyOf(routed, onlyIn);
  const others = only === null ? [defaultChannel] : [defaultChannel, ...only].filter((one) => only.includes(one ?? ''));
  return others.find((channel) => channel !== null && channel !== refused) ?? null;
}

const onlyOf = ({ accounts }: Routed, onlyIn: Routing['onlyIn']): readonly string[] | null =>
  accounts.flatMap((account) => (onlyIn?.has(account) ? [onlyIn.get(account) ?? []] : []))[0] ?? null;

/** Whether a name fits a pattern, in time that grows with the product of their lengths at most, whatever the pattern. */
export function fits(pattern: string, name: string): boolean {
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
