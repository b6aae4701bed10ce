/** The contents of a workspace: people, channels, messages, files, views. */

export interface User {
  id: string;
  name: string;
}

export interface Channel {
  id: string;
  name: string;
  isPrivate: boolean;
  isArchived: boolean;
  /** A conversation with one person. */
  isDirect: boolean;
  members: Set<string>;
  messages: Message[];
}

/** A file as people see it next to a message. */
interface SharedFile {
  id: string;
  name: string;
  title: string;
  content: string;
}

/** What was sent of a message. */
export interface Content {
  text: string;
  blocks: readonly Record<string, unknown>[];
}

export interface Message extends Content {
  ts: string;
  channel: string;
  user: string;
  /** The first message of the thread; null for one of the channel. */
  thread: string | null;
  metadata: { event_type: string; event_payload: Record<string, unknown> } | null;
  files: SharedFile[];
  /** Only this person sees it. */
  onlyFor: string | null;
  /** What it was before each edit, oldest first. */
  before: Content[];
}

export interface View {
  id: string;
  hash: string;
  user: string;
  /** Null for what everybody's Home shows. */
  root: string | null;
  content: Record<string, unknown>;
}

export interface Upload {
  id: string;
  name: string;
  length: number;
  bytes: Buffer | null;
  title: string;
}

/** Answers as Slack does: HTTP 200 and a code. */
export class SlackError extends Error {
  readonly code: string;
  readonly more: Record<string, unknown>;
  constructor(code: string, more: Record<string, unknown> = {}) {
    super(code);
    this.code = code;
    this.more = more;
  }
}

export interface ChannelSeed {
  name: string;
  isPrivate?: boolean;
  isArchived?: boolean;
  /** Names; everybody by default. */
  members?: string[];
  /** Whether the bot was invited; it was. */
  hasBot?: boolean;
}

export interface Seed {
  users: string[];
  channels: (ChannelSeed | string)[];
  /** Names of members by name of the group. */
  userGroups: Record<string, string[]>;
}

const idOf = (letter: string, name: string): string => `${letter}0${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '')}`;

export class Workspace {
  readonly team: { id: string; domain: string };
  readonly bot: { user: string; id: string; name: string; appId: string };
  readonly users = new Map<string, User>();
  readonly channels = new Map<string, Channel>();
  readonly userGroups = new Map<string, { name: string; users: string[] }>();
  readonly uploads = new Map<string, Upload>();
  readonly views = new Map<string, View>();
  /** Modals of each person, the one on top last. */
  readonly stacks = new Map<string, string[]>();
  readonly homes = new Map<string, View>();
  private readonly now: () => number;
  private count = 0;
  private lastTs = 0;

  constructor(seed: Seed, now: () => number) {
    this.now = now;
    this.team = { id: 'T0LOCAL', domain: 'local' };
    this.bot = { user: 'U0ALB502', id: 'B0ALB502', name: 'alb502', appId: 'A0ALB502' };
    for (const name of seed.users) this.users.set(idOf('U', name), { id: idOf('U', name), name });
    this.users.set(this.bot.user, { id: this.bot.user, name: this.bot.name });
    for (const channel of seed.channels) this.addChannel(typeof channel === 'string' ? { name: channel } : channel);
    for (const [name, users] of Object.entries(seed.userGroups)) {
      this.userGroups.set(idOf('S', name), { name, users: users.map((one) => this.user(one).id) });
    }
  }

  /** By name or id. Throws if nobody has that name. */
  user(name: string): User {
    const found = this.users.get(name) ?? [...this.users.values()].find((one) => one.name === name);
    if (found === undefined) throw new Error(`Nobody is called ${name}.`);
    return found;
  }

  userGroup(name: string): string {
    const found = [...this.userGroups].find(([id, group]) => id === name || group.name === name);
    if (found === undefined) throw new Error(`No user group is called ${name}.`);
    return found[0];
  }

  /** By name or id; "@ada" is ada's conversation with the bot. Throws if there is none. */
  channel(name: string): Channel {
    if (name.startsWith('@')) return this.directWith(this.user(name.slice(1)).id);
    const found = this.channels.get(name) ?? [...this.channels.values()].find((one) => one.name === name);
    if (found === undefined) throw new Error(`No channel is called ${name}.`);
    return found;
  }

  addChannel({ name, isPrivate = false, isArchived = false, members, hasBot = true }: ChannelSeed): Channel {
    const people = members?.map((one) => this.user(one).id) ?? [...this.users.keys()];
    const channel: Channel = {
      id: idOf('C', name),
      name,
      isPrivate,
      isArchived,
      isDirect: false,
      members: new Set(people.filter((one) => one !== this.bot.user)),
      messages: [],
    };
    if (hasBot) channel.members.add(this.bot.user);
    this.channels.set(channel.id, channel);
    return channel;
  }

  /** The conversation of the bot with one person. */
  directWith(user: string): Channel {
    const id = `D${user.slice(1)}`;
    const there = this.channels.get(id);
    if (there !== undefined) return there;
    const channel: Channel = {
      id,
      name: `@${this.user(user).name}`,
      isPrivate: true,
      isArchived: false,
      isDirect: true,
      members: new Set([user, this.bot.user]),
      messages: [],
    };
    this.channels.set(id, channel);
    return channel;
  }

  /** Unlike any other of the workspace. */
  newId(letter: string): string {
    this.count += 1;
    return `${letter}${String(this.count).padStart(8, '0')}`;
  }

  private newTs(): string {
    this.lastTs = Math.max(this.lastTs + 1, this.now() * 1000);
    return `${Math.floor(this.lastTs / 1e6)}.${String(this.lastTs % 1e6).padStart(6, '0')}`;
  }

  add(channel: Channel, message: Partial<Message> & Content & { user: string }): Message {
    const added: Message = {
      ts: this.newTs(),
      channel: channel.id,
      thread: null,
      metadata: null,
      files: [],
      onlyFor: null,
      before: [],
      ...message,
    };
    channel.messages.push(added);
    return added;
  }

  newView(user: string, root: string | null, content: Record<string, unknown>): View {
    const id = this.newId('V');
    const view: View = { id, hash: this.newHash(), user, root: root ?? id, content };
    this.views.set(id, view);
    return view;
  }

  newHash(): string {
    return `${Math.floor(this.now() / 1000)}.${this.newId('h')}`;
  }

  /** A person's modals, the top one last. */
  openViews(user: string): View[] {
    return (this.stacks.get(user) ?? []).flatMap((id) => this.views.get(id) ?? []);
  }
}
