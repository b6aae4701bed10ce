/** The methods of Slack's Web API that the bot uses, with Slack's rules. */
import { OURS, refusalsOf, type Surface } from '../block-kit.ts';
import { type Channel, type Content, type Message, SlackError, type View, type Workspace } from './workspace.ts';

export type Args = Readonly<Record<string, unknown>>;
type Answer = Record<string, unknown>;

/** Single use, and not for long. */
export interface Trigger {
  user: string;
  expires: number;
  isUsed: boolean;
}

export interface WebApiParts {
  workspace: Workspace;
  now(): number;
  triggers: Map<string, Trigger>;
  /** Where this Slack is reached. */
  url(): string;
  /** Notes what Slack would refuse, or we never send. */
  refused(where: string, refusals: string[]): void;
}

/** The scope of each method; those of a private channel after the slash. Without one any token will do. */
export const SCOPES: Readonly<Record<string, string>> = {
  'chat.postMessage': 'chat:write',
  'chat.update': 'chat:write',
  'chat.delete': 'chat:write',
  'chat.postEphemeral': 'chat:write',
  'conversations.open': 'im:write',
  'conversations.info': 'channels:read/groups:read',
  'conversations.members': 'channels:read/groups:read',
  'conversations.list': 'channels:read',
  'conversations.history': 'channels:history/groups:history',
  'conversations.replies': 'channels:history/groups:history',
  'users.info': 'users:read',
  'usergroups.users.list': 'usergroups:read',
  'files.getUploadURLExternal': 'files:write',
  'files.completeUploadExternal': 'files:write',
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const stringOf = (args: Args, key: string): string => (typeof args[key] === 'string' ? args[key] : '');
const isTs = (value: string): boolean => /^\d+\.\d{6}$/.test(value);

export function webApi({ workspace, now, triggers, url, refused }: WebApiParts) {
  const { bot, team } = workspace;
  /** Threads with a reply that was broadcast to the channel. */
  const broadcast = new Set<string>();
  const broadcastKey = (args: Args): string => `${stringOf(args, 'channel')} ${stringOf(args, 'thread_ts')}`;

  /** Private ones that the bot is not in do not exist for it. */
  function channelOf(args: Args, key = 'channel'): Channel {
    const id = stringOf(args, key);
    const channel =
      id.startsWith('U') && workspace.users.has(id) ? workspace.directWith(id) : workspace.channels.get(id);
    if (channel === undefined || (channel.isPrivate && !channel.members.has(bot.user))) {
      throw new SlackError('channel_not_found');
    }
    return channel;
  }

  function writable(args: Args, key = 'channel'): Channel {
    const channel = channelOf(args, key);
    if (channel.isArchived) throw new SlackError('is_archived');
    if (!channel.members.has(bot.user)) throw new SlackError('not_in_channel');
    return channel;
  }

  function readable(args: Args): Channel {
    const channel = channelOf(args);
    if (!channel.members.has(bot.user)) throw new SlackError('not_in_channel');
    return channel;
  }

  /** Notes all refusals, and throws those that are Slack's. */
  function judged(where: string, payload: Args, surface: Surface, code: string): void {
    const refusals = refusalsOf(payload, surface);
    refused(where, refusals);
    const slacks = refusals.filter((one) => !one.startsWith(OURS));
    if (slacks.length > 0) {
      const errors = slacks.map((one) => one.replace(/\[(?=[^[]*$)/, '[json-pointer:'));
      throw new SlackError(code, { errors, response_metadata: { messages: errors.map((one) => `[ERROR] ${one}`) } });
    }
  }

  /** What is sent of a message. */
  function contentOf(where: string, args: Args): Content {
    const { text, blocks, markdown_text, attachments, link_names } = args;
    const isEmpty = (value: unknown) =>
      value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
    if ([text, blocks, markdown_text, attachments].every(isEmpty)) throw new SlackError('no_text');
    judged(where, { text, blocks, markdown_text, attachments, link_names }, 'message', 'invalid_blocks');
    return {
      // Slack cuts what is longer.
      text: typeof text === 'string' ? text.slice(0, 40_000) : '',
      blocks: Array.isArray(blocks) ? blocks.filter(isRecord) : [],
    };
  }

  function metadataOf({ metadata }: Args): Message['metadata'] {
    if (metadata === undefined) return null;
    if (!isRecord(metadata)) throw new SlackError('invalid_metadata_format');
    if (Object.keys(metadata).length === 0) return null;
    const { event_type, event_payload } = metadata;
    if (typeof event_type !== 'string' || !isRecord(event_payload)) throw new SlackError('invalid_metadata_format');
    if (JSON.stringify(metadata).length > 2048) throw new SlackError('metadata_too_large');
    return { event_type, event_payload };
  }

  function threadOf(channel: Channel, args: Args): string | null {
    const ts = stringOf(args, 'thread_ts');
    if (ts === '') return null;
    if (!isTs(ts)) throw new SlackError('invalid_thread_ts');
    const parent = channel.messages.find((one) => one.ts === ts);
    // Slack starts a thread below a deleted message nevertheless, and hangs a reply to a reply below their root.
    return parent?.thread ?? ts;
  }

  function ruled(where: string, rules: Record<string, boolean>): void {
    const broken = Object.entries(rules).flatMap(([rule, isKept]) => (isKept ? [] : [`${OURS}${rule}`]));
    refused(where, broken);
  }

  const shown = (message: Message, withMetadata = true): Answer => ({
    type: 'message',
    user: message.user,
    ...(message.user === bot.user ? { bot_id: bot.id, app_id: bot.appId } : {}),
    text: message.text,
    ts: message.ts,
    team: team.id,
    ...(message.blocks.length > 0 ? { blocks: message.blocks } : {}),
    ...(message.thread === null ? {} : { thread_ts: message.thread }),
    ...(message.metadata !== null && withMetadata ? { metadata: message.metadata } : {}),
    ...(message.files.length > 0 ? { files: message.files.map(({ id, name, title }) => ({ id, name, title })) } : {}),
  });

  function own(channel: Channel, ts: string, code: string): Message {
    const message = channel.messages.find((one) => one.ts === ts && one.onlyFor === null);
    if (message === undefined) throw new SlackError('message_not_found');
    if (message.user !== bot.user) throw new SlackError(code);
    return message;
  }

  function triggered(args: Args): Trigger {
    const trigger = triggers.get(stringOf(args, 'trigger_id'));
    if (trigger === undefined) throw new SlackError('invalid_trigger_id');
    if (trigger.expires < now()) throw new SlackError('expired_trigger_id');
    if (trigger.isUsed) throw new SlackError('exchanged_trigger_id');
    trigger.isUsed = true;
    return trigger;
  }

  function modalOf(where: string, args: Args): Record<string, unknown> {
    if (!isRecord(args.view)) throw new SlackError('invalid_arguments');
    judged(where, args.view, 'modal', 'invalid_arguments');
    return args.view;
  }

  function fresh(view: View, args: Args): void {
    if (args.hash !== undefined && args.hash !== view.hash) throw new SlackError('hash_conflict');
  }

  function page(all: Message[], args: Args): Answer {
    const limit = Math.min(Number(args.limit ?? 100), 999);
    const start = Number(args.cursor ?? 0);
    const [oldest, latest] = [stringOf(args, 'oldest') || '0', stringOf(args, 'latest') || '9e12'];
    const isWithin = (ts: string) =>
      (Number(ts) > Number(oldest) && Number(ts) < Number(latest)) ||
      (args.inclusive === true && (ts === oldest || ts === latest));
    const within = all.filter((one) => isWithin(one.ts));
    const hasMore = within.length > start + limit;
    return {
      messages: within.slice(start, start + limit).map((one) => shown(one, args.include_all_metadata === true)),
      has_more: hasMore,
      ...(hasMore ? { response_metadata: { next_cursor: String(start + limit) } } : {}),
    };
  }

  const methods: Record<string, (args: Args) => Answer> = {
    'auth.test': () => ({
      url: `https://${team.domain}.slack.com/`,
      team: team.domain,
      team_id: team.id,
      user: bot.name,
      user_id: bot.user,
      bot_id: bot.id,
      is_enterprise_install: false,
    }),

    'chat.postMessage': (args) => {
      const channel = writable(args);
      ruled('chat.postMessage', {
        'unfurl_links must be false': args.unfurl_links === false,
        'unfurl_media must be false': args.unfurl_media === false,
        'reply_broadcast tells the whole channel, once for a thread':
          args.reply_broadcast !== true || (stringOf(args, 'thread_ts') !== '' && !broadcast.has(broadcastKey(args))),
      });
      if (args.reply_broadcast === true) broadcast.add(broadcastKey(args));
      const metadata = metadataOf(args);
      const content = contentOf('chat.postMessage', args);
      const message = workspace.add(channel, { ...content, user: bot.user, thread: threadOf(channel, args), metadata });
      return { channel: channel.id, ts: message.ts, message: shown(message) };
    },

    'chat.update': (args) => {
      const channel = channelOf(args);
      const message = own(channel, stringOf(args, 'ts'), 'cant_update_message');
      if (channel.isArchived) throw new SlackError('is_inactive');
      if (stringOf(args, 'text').length > 4000) throw new SlackError('msg_too_long');
      ruled('chat.update', {
        'parse must be none: client is the default of updates': args.parse === 'none',
        'blocks must be given: without them the previous ones are kept': args.blocks !== undefined,
      });
      const metadata = args.metadata === undefined ? message.metadata : metadataOf(args);
      const content = contentOf('chat.update', args);
      const blocks = args.blocks === undefined ? message.blocks : content.blocks;
      message.before.push({ text: message.text, blocks: message.blocks });
      Object.assign(message, { text: content.text, blocks, metadata });
      return { channel: channel.id, ts: message.ts, text: message.text, message: shown(message) };
    },

    'chat.delete': (args) => {
      const channel = channelOf(args);
      const message = own(channel, stringOf(args, 'ts'), 'cant_delete_message');
      channel.messages.splice(channel.messages.indexOf(message), 1);
      return { channel: channel.id, ts: message.ts };
    },

    'chat.getPermalink': (args) => {
      const channel = channelOf(args);
      const message = channel.messages.find((one) => one.ts === args.message_ts && one.onlyFor === null);
      if (message === undefined) throw new SlackError('message_not_found');
      const place = `https://${team.domain}.slack.com/archives/${channel.id}/p${message.ts.replace('.', '')}`;
      return {
        channel: channel.id,
        permalink: message.thread === null ? place : `${place}?thread_ts=${message.thread}&cid=${channel.id}`,
      };
    },

    'chat.postEphemeral': (args) => {
      const channel = writable(args);
      const user = stringOf(args, 'user');
      if (!channel.members.has(user)) throw new SlackError('user_not_in_channel');
      const content = contentOf('chat.postEphemeral', args);
      const message = workspace.add(channel, {
        ...content,
        user: bot.user,
        thread: threadOf(channel, args),
        onlyFor: user,
      });
      return { message_ts: message.ts };
    },

    'conversations.open': (args) => {
      const user = stringOf(args, 'users');
      if (!workspace.users.has(user)) throw new SlackError('user_not_found');
      return { channel: { id: workspace.directWith(user).id } };
    },

    'conversations.info': (args) => {
      const channel = channelOf(args);
      const { id, name, isPrivate, isArchived, isDirect, members } = channel;
      return {
        channel: {
          id,
          name,
          is_channel: !isDirect,
          is_im: isDirect,
          is_private: isPrivate,
          is_archived: isArchived,
          is_member: members.has(bot.user),
        },
      };
    },

    'conversations.list': () => ({
      channels: [...workspace.channels.values()]
        .filter((one) => !one.isPrivate || one.members.has(bot.user))
        .map(({ id, name, isPrivate }) => ({ id, name, is_private: isPrivate })),
      response_metadata: { next_cursor: '' },
    }),

    'conversations.members': (args) => ({
      members: [...channelOf(args).members],
      response_metadata: { next_cursor: '' },
    }),

    'conversations.history': (args) => {
      const all = readable(args).messages.filter((one) => one.thread === null && one.onlyFor === null);
      return page(all.toReversed(), args);
    },

    'conversations.replies': (args) => {
      const ts = stringOf(args, 'ts');
      const all = readable(args).messages.filter((one) => (one.ts === ts || one.thread === ts) && one.onlyFor === null);
      if (all.length === 0) throw new SlackError('thread_not_found');
      return page(all, args);
    },

    'users.info': (args) => {
      const user = workspace.users.get(stringOf(args, 'user'));
      if (user === undefined) throw new SlackError('user_not_found');
      return {
        user: { id: user.id, team_id: team.id, name: user.name, real_name: user.name, is_bot: user.id === bot.user },
      };
    },

    'usergroups.users.list': (args) => {
      const group = workspace.userGroups.get(stringOf(args, 'usergroup'));
      if (group === undefined) throw new SlackError('no_such_subteam');
      return { users: group.users };
    },

    'views.open': (args) => {
      const content = modalOf('views.open', args);
      const { user } = triggered(args);
      const view = workspace.newView(user, null, content);
      workspace.stacks.set(user, [view.id]);
      return { view: viewPayload(view, workspace) };
    },

    'views.push': (args) => {
      const content = modalOf('views.push', args);
      const { user } = triggered(args);
      const stack = workspace.openViews(user);
      if (stack.length >= 3) throw new SlackError('push_limit_reached');
      const view = workspace.newView(user, stack[0]?.id ?? null, content);
      workspace.stacks.set(user, [...stack.map(({ id }) => id), view.id]);
      return { view: viewPayload(view, workspace) };
    },

    'views.update': (args) => {
      const content = modalOf('views.update', args);
      const external = stringOf(args, 'external_id');
      const view =
        workspace.views.get(stringOf(args, 'view_id')) ??
        [...workspace.views.values()].find((one) => external !== '' && one.content.external_id === external);
      if (view === undefined || !(workspace.stacks.get(view.user) ?? []).includes(view.id)) {
        throw new SlackError('not_found');
      }
      fresh(view, args);
      Object.assign(view, { content, hash: workspace.newHash() });
      return { view: viewPayload(view, workspace) };
    },

    'views.publish': (args) => {
      const user = stringOf(args, 'user_id');
      if (!workspace.users.has(user)) throw new SlackError('user_not_found');
      if (!isRecord(args.view)) throw new SlackError('invalid_arguments');
      judged('views.publish', args.view, 'home', 'invalid_arguments');
      const there = workspace.homes.get(user);
      if (there !== undefined) fresh(there, args);
      const view = { ...workspace.newView(user, null, args.view), ...(there === undefined ? {} : { id: there.id }) };
      workspace.homes.set(user, view);
      return { view: viewPayload(view, workspace) };
    },

    'files.getUploadURLExternal': (args) => {
      const [name, length] = [stringOf(args, 'filename'), Number(args.length)];
      if (name === '' || !(length > 0)) throw new SlackError('invalid_arguments');
      const id = workspace.newId('F');
      workspace.uploads.set(id, { id, name, length, bytes: null, title: name });
      return { upload_url: `${url()}/upload/${id}`, file_id: id };
    },

    'files.completeUploadExternal': (args) => {
      if (!Array.isArray(args.files) || args.files.length === 0) throw new SlackError('invalid_arguments');
      const uploads = args.files.map((file: unknown) => {
        const upload = isRecord(file) ? workspace.uploads.get(String(file.id)) : undefined;
        if (upload === undefined || upload.bytes === null) throw new SlackError('file_not_found');
        if (isRecord(file) && typeof file.title === 'string') upload.title = file.title;
        return upload;
      });
      if (args.channel_id !== undefined) {
        const channel = writable(args, 'channel_id');
        const comment = stringOf(args, 'initial_comment');
        if (comment !== '') judged('files.completeUploadExternal', { text: comment }, 'message', 'invalid_arguments');
        workspace.add(channel, {
          text: comment,
          blocks: [],
          user: bot.user,
          thread: threadOf(channel, args),
          files: uploads.map(({ id, name, title, bytes }) => ({
            id,
            name,
            title,
            content: bytes?.toString('utf8') ?? '',
          })),
        });
      }
      for (const { id } of uploads) workspace.uploads.delete(id);
      return { files: uploads.map(({ id, title }) => ({ id, title })) };
    },
  };

  return { methods, contentOf, judged, shown };
}

/** A view as it is in answers and in what is dispatched. */
export function viewPayload(view: View, { team, bot }: Workspace): Record<string, unknown> {
  return {
    id: view.id,
    team_id: team.id,
    app_id: bot.appId,
    bot_id: bot.id,
    root_view_id: view.root,
    previous_view_id: null,
    private_metadata: '',
    callback_id: '',
    external_id: '',
    clear_on_close: false,
    notify_on_close: false,
    submit: null,
    close: null,
    state: { values: {} },
    ...view.content,
    hash: view.hash,
  };
}
