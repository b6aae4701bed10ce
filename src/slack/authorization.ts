/** Decides who may ask about which accounts, and where: before any lookup, and again for each button press. */
import type { Logger } from 'pino';
import type { Config } from '../config.ts';

/** Who asks and from where, from Slack's signed payload. */
export interface Requester {
  user: string;
  /** The workspace of the person, then those it came from, and the organization. */
  teams: readonly string[];
  /** Null outside a channel: a form opened by global shortcut, the Home tab. */
  channel: string | null;
}

/** The person and the workspace in a Slack payload. */
interface SignedPayload {
  user: { id: string; team_id?: string | undefined };
  team: { id: string } | null;
  enterprise?: { id: string } | undefined;
}

/** In a shared channel, people of another company press buttons too, so the person's own workspace counts. */
export function requesterOf({ user, team, enterprise }: SignedPayload, channel: string | null): Requester {
  const own = user.team_id ?? team?.id;
  const isAtHome = own === team?.id;
  const teams = [own, isAtHome ? enterprise?.id : undefined];
  return { user: user.id, teams: teams.filter((id) => id !== undefined), channel };
}

/** The accounts that may be asked about (at least one if the channel is known), or the sentence to show. */
export type Decision = { accounts: string[] } | { refused: string };

/** Facts that come from Slack: the token's workspace and the members of the allowed user groups. */
interface WorkspaceFacts {
  home: string;
  /** Null when Slack did not say. */
  members: ReadonlySet<string> | null;
}

type AuthorizationRules = {
  slack: Pick<Config['slack'], 'allow'>;
  accounts: readonly Pick<Config['accounts'][number], 'name' | 'channels'>[];
};

/** Pure. Without a channel, only accounts open to every channel are allowed. */
export function decide(
  { slack: { allow }, accounts }: AuthorizationRules,
  who: Requester,
  { home, members }: WorkspaceFacts,
): Decision {
  const workspaces = allow.workspaces.length > 0 ? allow.workspaces : [home];
  if (!who.teams.some((team) => workspaces.includes(team)))
    return { refused: 'alb502 does not answer people from this workspace.' };
  const isNamed = allow.users.includes(who.user);
  if (!isNamed && allow.userGroups.length > 0) {
    if (members === null)
      return { refused: 'Slack did not say who is in the user groups that may ask. Try again in a minute.' };
    if (!members.has(who.user)) return { refused: NOT_ALLOWED };
  }
  if (!isNamed && allow.userGroups.length === 0 && allow.users.length > 0) return { refused: NOT_ALLOWED };
  const { channel } = who;
  if (channel !== null && allow.channels.length > 0 && !allow.channels.includes(channel)) {
    return {
      refused: `alb502 does not answer in this channel. Its owner can add ${channel} to slack.allow.channels.`,
    };
  }
  const open = accounts.filter(
    ({ channels }) => channels === undefined || (channel !== null && channels.includes(channel)),
  );
  if (open.length === 0 && channel !== null) return { refused: 'No account is open to this channel.' };
  return { accounts: open.map(({ name }) => name) };
}

const NOT_ALLOWED = "You don't have access to alb502. Its owner can add you to slack.allow.";

/** Decides by the configuration and by user group members from Slack, which are cached. Never throws. */
export type Authorize = (who: Requester) => Promise<Decision>;

interface AuthorizationParts {
  config: AuthorizationRules;
  /** The workspace of the token. */
  home: string;
  /** The ids of the people in a user group. */
  membersOf(group: string): Promise<string[]>;
  log: Pick<Logger, 'warn'>;
  now(): number;
}

/** Milliseconds before members are fetched again, and how long they remain valid while Slack does not answer. */
const FRESH = 5 * 60_000;
const STALE = 60 * 60_000;

export function openAuthorization({ config, home, membersOf, log, now }: AuthorizationParts): Authorize {
  const { userGroups } = config.slack.allow;
  let cachedMembers: { members: Set<string>; at: number } | null = null;
  let pendingRefresh: Promise<void> | null = null;

  const refresh = async (): Promise<void> => {
    try {
      const each = await Promise.all(userGroups.map(membersOf));
      cachedMembers = { members: new Set(each.flat()), at: now() };
    } catch (error) {
      log.warn({ err: error }, 'could not list the members of the allowed user groups');
      if (cachedMembers !== null && now() - cachedMembers.at > STALE) cachedMembers = null;
    }
  };

  return async (who) => {
    const decisionWithoutGroups = decide(config, who, { home, members: new Set([who.user]) });
    // Skip the groups if they cannot change the decision.
    if ('refused' in decisionWithoutGroups || userGroups.length === 0 || config.slack.allow.users.includes(who.user))
      return decisionWithoutGroups;
    if (cachedMembers === null || now() - cachedMembers.at > FRESH) {
      pendingRefresh ??= refresh().finally(() => {
        pendingRefresh = null;
      });
      await pendingRefresh;
    }
    return decide(config, who, { home, members: cachedMembers?.members ?? null });
  };
}
