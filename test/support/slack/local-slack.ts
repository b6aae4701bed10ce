/**
 * A Slack on 127.0.0.1 for the real Bolt app: it answers the Web API as Slack does, dispatches commands, presses, forms and mentions
 * over signed HTTP or a WebSocket, and notes everything that Slack would refuse. Tests speak to it in words of the domain.
 */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parse } from 'yaml';
import { OURS, refusalsOf } from './block-kit.ts';
import { type Delivery, type Outcome, overHttp, overSocket } from './local/dispatch.ts';
import { type Fault, rateLimits, type ScriptedFault, takeFault } from './local/faults.ts';
import { type Retry, socketMode } from './local/socket-mode.ts';
import { type Args, SCOPES, type Trigger, viewPayload, webApi } from './local/web-api.ts';
import { type Channel, type Message, type Seed, SlackError, type View, Workspace } from './local/workspace.ts';
import { readMessage } from './read-message.ts';

export type { Outcome } from './local/dispatch.ts';
export type { Fault } from './local/faults.ts';
export type { Channel, Message, View } from './local/workspace.ts';

export interface Options extends Partial<Seed> {
  /** Scopes of the token; those of manifest.yml by default, with the optional ones. */
  scopes?: string[];
  /** Slack's limits by method and minute; none by default. */
  rateLimits?: boolean;
  /** Milliseconds that every answer takes. */
  latency?: number;
  /** Milliseconds for the app to acknowledge; Slack gives three seconds. */
  ackWithin?: number;
  /** Milliseconds for which a trigger can be used; Slack's are good for three seconds. */
  triggersLast?: number;
  /** The clock; the machine's by default. */
  now?: () => number;
  /** Calls, and messages before edits, are kept; not where there are very many. */
  isRecording?: boolean;
  port?: number;
}

export interface Call {
  method: string;
  args: Args;
  /** Of this Slack's clock. */
  at: number;
  answer: Record<string, unknown> | { fault: Fault };
}

/** An action of a person and its effects, and its redelivery, as Slack does without an acknowledgement. */
export interface ActionResult {
  outcome: Outcome;
  /** Messages that this person got at once, in private. */
  said: string | null;
  again(retry?: Retry): Promise<Outcome>;
}

export interface ButtonPressResult extends ActionResult {
  /** What was asked before: title and words. */
  confirmed: { title: string; text: string } | null;
}

export interface Option {
  text: string;
  value: string;
}

export const BOT_TOKEN = 'xoxb-local';
const APP_TOKEN = 'xapp-local';
const SIGNING_SECRET = '0123456789abcdef0123456789abcdef';

const RESPONSE_URL_MILLISECONDS = 30 * 60_000;
const RESPONSE_URL_USES = 5;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** The words of a text object, or of what holds one. */
const wordsOf = (value: unknown): string => {
  if (typeof value === 'string') return value;
  return isRecord(value) ? wordsOf(value.text ?? '') : '';
};
const recordsOf = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.filter(isRecord) : []);

function scopesOfManifest(): string[] {
  const text = readFileSync(join(import.meta.dirname, '../../../manifest.yml'), 'utf8');
  const manifest = parse(text.replaceAll('# optional: ', ''));
  return manifest.oauth_config.scopes.bot;
}

interface ResponseUrl {
  channel: string;
  user: string;
  /** The message whose button was pressed. */
  message: Message | null;
  uses: number;
  expires: number;
}

export type LocalSlack = Awaited<ReturnType<typeof openLocalSlack>>;

/** Serves until closed. */
export async function openLocalSlack(options: Options = {}) {
  const { users = ['ada', 'ben'], channels = ['alerts'], userGroups = {}, latency = 0 } = options;
  const { ackWithin = 3000, triggersLast = 3000, now: clock = Date.now } = options;
  const isRecording = options.isRecording ?? true;
  const scopes = options.scopes ?? scopesOfManifest();
  let moved = 0;
  const now = (): number => clock() + moved;
  const workspace = new Workspace({ users, channels, userGroups }, now);
  const { team, bot } = workspace;

  const refusals: string[] = [];
  const calls: Call[] = [];
  const slowCalls: string[] = [];
  const script: ScriptedFault[] = [];
  const triggers = new Map<string, Trigger>();
  const responseUrls = new Map<string, ResponseUrl>();
  const listeners = new Set<() => void>();
  let lastChange = performance.now();
  const changed = (): void => {
    lastChange = performance.now();
    for (const listener of [...listeners]) listener();
  };
  const refused = (where: string, found: string[]): void => {
    for (const one of found) refusals.push(`${where}: ${one}`);
  };
  const limits = options.rateLimits === true ? rateLimits(now) : () => null;
  let httpUrl: string | null = null;

  const server = createServer((request, response) => {
    bodyOf(request)
      .then((body) => route(request, body, response))
      .catch((error: unknown) => {
        refused(String(request.url), [
          `the local Slack broke: ${error instanceof Error ? error.stack : String(error)}`,
        ]);
        response.destroy();
      });
  });
  await new Promise<void>((ready) => server.listen(options.port ?? 0, '127.0.0.1', ready));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sockets = socketMode(server, () => origin, changed);
  const api = webApi({ workspace, now, triggers, url: () => origin, refused });

  // What the bot asks.

  async function route(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', origin).pathname;
    if (path.startsWith('/api/')) return call(path.slice('/api/'.length), request, body, response);
    if (path.startsWith('/upload/')) upload(path.slice('/upload/'.length), await fileOf(request, body), response);
    else if (path.startsWith('/response/')) respond(path.slice('/response/'.length), body, response);
    else response.writeHead(404).end();
  }

  async function call(method: string, request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const args = argsOf(request, body);
    const { token: _, ...rest } = args;
    const fault = takeFault(script, method, args);
    const record = (answer: Call['answer']): void => {
      if (isRecording) calls.push({ method, args: rest, at: now(), answer });
    };
    if (latency > 0) await pause(latency);
    if (fault !== null && 'slow' in fault) {
      slowCalls.push(method);
      changed();
      await pause(fault.slow);
    }
    const isFaulty = fault !== null && !('slow' in fault);
    if (isFaulty) record({ fault });
    if (isFaulty && 'lost' in fault && fault.lost === 'before') return changed();
    if (isFaulty && 'status' in fault) {
      response.writeHead(fault.status, { 'Content-Type': 'text/html' }).end('<html>upstream error</html>');
      return changed();
    }
    const wait = isFaulty && 'retryAfter' in fault ? fault.retryAfter : isFaulty ? null : limits(method, args);
    if (wait !== null) {
      if (!isFaulty) record({ ok: false, error: 'ratelimited', retryAfter: wait });
      send(response, 429, { ok: false, error: 'ratelimited' }, { 'Retry-After': String(wait) });
      return changed();
    }
    // Where the answer is lost, what was asked has happened.
    const answer =
      isFaulty && 'error' in fault ? { ok: false, error: fault.error, ...fault.more } : answered(method, args, request);
    if (!isFaulty) record(answer);
    if (!isRecording && method === 'chat.update') forget(args);
    if (isFaulty && 'lost' in fault) response.destroy();
    else send(response, 200, answer, { 'X-OAuth-Scopes': scopes.join(',') });
    changed();
  }

  /** What a message was before. */
  function forget({ channel, ts }: Args): void {
    for (const one of workspace.channels.get(String(channel))?.messages ?? []) if (one.ts === ts) one.before.length = 0;
  }

  function answered(method: string, args: Args, request: IncomingMessage): Record<string, unknown> {
    try {
      const given = (request.headers.authorization ?? '').replace(/^Bearer /, '') || String(args.token ?? '');
      const isOpening = method === 'apps.connections.open';
      if (given === '') throw new SlackError('not_authed');
      if (given !== BOT_TOKEN && given !== APP_TOKEN) throw new SlackError('invalid_auth');
      if ((given === APP_TOKEN) !== isOpening) throw new SlackError('not_allowed_token_type');
      if (isOpening) return { ok: true, url: sockets.ticket() };
      const run = api.methods[method];
      if (run === undefined) throw new SlackError('unknown_method', { req_method: method });
      const needed = scopeOf(method, args);
      if (needed !== '' && !scopes.includes(needed)) {
        throw new SlackError('missing_scope', { needed, provided: scopes.join(',') });
      }
      return { ok: true, ...run(args) };
    } catch (error) {
      if (error instanceof SlackError) return { ok: false, error: error.code, ...error.more };
      throw error;
    }
  }

  function scopeOf(method: string, args: Args): string {
    const [ofPublic = '', ofPrivate = ofPublic] = (SCOPES[method] ?? '').split('/');
    return workspace.channels.get(String(args.channel))?.isPrivate ? ofPrivate : ofPublic;
  }

  function upload(id: string, body: Buffer, response: ServerResponse): void {
    const there = workspace.uploads.get(id);
    if (there === undefined || body.length !== there.length) {
      response.writeHead(400).end();
      return;
    }
    there.bytes = body;
    response.writeHead(200).end(`OK - ${body.length}`);
  }

  /** What comes to a response_url. */
  function respond(id: string, body: Buffer, response: ServerResponse): void {
    const { status, answer } = responded(responseUrls.get(id), JSON.parse(body.toString('utf8')));
    send(response, status, answer);
    changed();
  }

  function responded(one: ResponseUrl | undefined, given: unknown): { status: number; answer: object } {
    const denied = (error: string) => ({ status: 404, answer: { ok: false, error } });
    if (one === undefined || one.expires < now()) return denied('expired_url');
    if (one.uses >= RESPONSE_URL_USES) return denied('used_url');
    one.uses += 1;
    if (!isRecord(given)) return denied('invalid_payload');
    try {
      privately('response_url', given, one);
      return { status: 200, answer: { ok: true } };
    } catch (error) {
      if (!(error instanceof SlackError)) throw error;
      return { status: 400, answer: { ok: false, error: error.code, ...error.more } };
    }
  }

  /** Shows what an app answers to one person, or to all where it says so. */
  function privately(
    where: string,
    given: Record<string, unknown>,
    to: Omit<ResponseUrl, 'uses' | 'expires'>,
  ): Message | null {
    const channel = workspace.channel(to.channel);
    if (given.delete_original === true) {
      if (to.message !== null) channel.messages.splice(channel.messages.indexOf(to.message), 1);
      return null;
    }
    const content = api.contentOf(where, given);
    // Presses replace what was pressed unless it is said that they do not.
    const isReplacing = to.message !== null && given.replace_original !== false && given.response_type === undefined;
    if (isReplacing && to.message !== null) {
      to.message.before.push({ text: to.message.text, blocks: to.message.blocks });
      return Object.assign(to.message, content);
    }
    const isForAll = given.response_type === 'in_channel';
    const thread = typeof given.thread_ts === 'string' ? given.thread_ts : null;
    return workspace.add(channel, { ...content, user: bot.user, thread, onlyFor: isForAll ? null : to.user });
  }

  // What people do.

  const deliver = async (delivery: Delivery, retry?: Retry): Promise<Outcome> =>
    httpUrl === null
      ? overSocket(await sockets.send(delivery.type, delivery.payload, ackWithin, retry))
      : overHttp(httpUrl, SIGNING_SECRET, delivery, ackWithin, retry);

  function newTrigger(user: string): string {
    const id = `${workspace.newId('')}.${now()}.trigger`;
    triggers.set(id, { user, expires: now() + triggersLast, isUsed: false });
    return id;
  }

  function newResponseUrl(channel: string, user: string, message: Message | null): string {
    const id = workspace.newId('R');
    responseUrls.set(id, { channel, user, message, uses: 0, expires: now() + RESPONSE_URL_MILLISECONDS });
    return `${origin}/response/${id}`;
  }

  const common = (userId: string) => ({
    token: 'deprecated',
    team: { id: team.id, domain: team.domain },
    user: { id: userId, username: workspace.user(userId).name, name: workspace.user(userId).name, team_id: team.id },
    api_app_id: bot.appId,
    enterprise: null,
    is_enterprise_install: false,
  });

  const nameOf = ({ isDirect, isPrivate, name }: Channel): string =>
    isDirect ? 'directmessage' : isPrivate ? 'privategroup' : name;

  async function done(delivery: Delivery): Promise<ActionResult> {
    const outcome = await deliver(delivery);
    changed();
    return { outcome, said: null, again: (retry) => deliver(delivery, retry) };
  }

  /** Types a command. */
  async function command(given: {
    user: string;
    channel: string;
    text?: string;
    command?: string;
  }): Promise<ActionResult> {
    const user = workspace.user(given.user);
    const channel = workspace.channel(given.channel);
    const to = { channel: channel.id, user: user.id, message: null };
    const one = await done({
      type: 'slash_commands',
      payload: {
        token: 'deprecated',
        team_id: team.id,
        team_domain: team.domain,
        channel_id: channel.id,
        channel_name: nameOf(channel),
        user_id: user.id,
        user_name: user.name,
        command: given.command ?? '/alb502',
        text: given.text ?? '',
        api_app_id: bot.appId,
        is_enterprise_install: false,
        response_url: newResponseUrl(channel.id, user.id, null),
        trigger_id: newTrigger(user.id),
      },
    });
    return { ...one, said: toldAtOnce('ack of a command', one.outcome, to) };
  }

  function toldAtOnce(where: string, outcome: Outcome, to: Omit<ResponseUrl, 'uses' | 'expires'>): string | null {
    if (!outcome.acknowledged) return null;
    const { text, blocks } = outcome.answer;
    if ((text === undefined || text === '') && blocks === undefined) return null;
    const message = privately(where, outcome.answer, to);
    changed();
    return message === null ? null : readMessage(message);
  }

  /** An event; it comes again where it was not acknowledged, three times at most. */
  async function event(content: Record<string, unknown>): Promise<ActionResult> {
    const delivery: Delivery = {
      type: 'events_api',
      payload: {
        token: 'deprecated',
        team_id: team.id,
        api_app_id: bot.appId,
        event: content,
        type: 'event_callback',
        event_id: workspace.newId('Ev'),
        event_time: Math.floor(now() / 1000),
        authorizations: [
          { enterprise_id: null, team_id: team.id, user_id: bot.user, is_bot: true, is_enterprise_install: false },
        ],
        is_ext_shared_channel: false,
        event_context: 'local',
      },
    };
    let outcome = await deliver(delivery);
    for (let attempt = 1; attempt <= 3 && !outcome.acknowledged; attempt++) {
      if (httpUrl === null) await until(() => sockets.connections() > 0, 'a connection of the bot');
      outcome = await deliver(delivery, { attempt, reason: 'http_timeout' });
    }
    changed();
    return { outcome, said: null, again: (retry) => deliver(delivery, retry) };
  }

  /** Writes a message with a mention of the bot in front. */
  async function mention(given: {
    user: string;
    channel: string;
    text: string;
    thread?: string;
  }): Promise<ActionResult & { message: Message }> {
    const text = `<@${bot.user}> ${given.text}`;
    const message = write({ ...given, text });
    const { ts, thread, channel } = message;
    const one = await event({
      type: 'app_mention',
      user: message.user,
      text,
      ts,
      team: team.id,
      channel,
      event_ts: ts,
      ...(thread === null ? {} : { thread_ts: thread }),
    });
    return { ...one, message };
  }

  /** A message of a person, or of an app that posts alerts. */
  function write(given: {
    user: string;
    channel: string;
    text: string;
    thread?: string;
    blocks?: Record<string, unknown>[];
  }): Message {
    const { text, blocks = [], thread = null } = given;
    const message = workspace.add(workspace.channel(given.channel), {
      text,
      blocks,
      thread,
      user: workspace.user(given.user).id,
    });
    changed();
    return message;
  }

  /** Presses a button, or picks from an overflow, by its words or its action. A confirmation is agreed to. */
  async function press(on: Message | View, label: string, by: string): Promise<ButtonPressResult> {
    const user = workspace.user(by);
    const place = 'ts' in on ? on : { ...on, blocks: recordsOf(on.content.blocks) };
    const { action, element } = pressable(place.blocks, label);
    const { confirm } = element;
    const ofMessage = (message: Message) => ({
      container: {
        type: 'message',
        message_ts: message.ts,
        channel_id: message.channel,
        is_ephemeral: message.onlyFor !== null,
        ...(message.thread === null ? {} : { thread_ts: message.thread }),
      },
      channel: { id: message.channel, name: nameOf(workspace.channel(message.channel)) },
      message: api.shown(message),
      response_url: newResponseUrl(message.channel, user.id, message),
    });
    const ofView = (view: View) => ({
      container: { type: 'view', view_id: view.id },
      view: viewPayload(view, workspace),
    });
    const one = await done({
      type: 'interactive',
      payload: {
        type: 'block_actions',
        ...common(user.id),
        trigger_id: newTrigger(user.id),
        state: { values: {} },
        actions: [{ ...action, action_ts: String(now() / 1000) }],
        ...('ts' in on ? ofMessage(on) : ofView(on)),
      },
    });
    const confirmed = isRecord(confirm) ? { title: wordsOf(confirm.title), text: wordsOf(confirm.text) } : null;
    return { ...one, confirmed };
  }

  /** Chooses a shortcut from the global menu or from a message's. */
  async function shortcut(given: { user: string; callbackId: string; message?: Message }): Promise<ActionResult> {
    const user = workspace.user(given.user);
    const { message } = given;
    const trigger_id = newTrigger(user.id);
    return done({
      type: 'interactive',
      payload: {
        ...common(user.id),
        callback_id: given.callbackId,
        trigger_id,
        action_ts: String(now() / 1000),
        ...(message === undefined
          ? { type: 'shortcut' }
          : {
              type: 'message_action',
              message_ts: message.ts,
              channel: { id: message.channel, name: nameOf(workspace.channel(message.channel)) },
              message: api.shown(message),
              response_url: newResponseUrl(message.channel, user.id, null),
            }),
      },
    });
  }

  /** What a select offers for what was typed. */
  async function suggest(view: View, actionId: string, typed: string, by: string): Promise<Option[]> {
    const block = recordsOf(view.content.blocks).find(
      (one) => isRecord(one.element) && one.element.action_id === actionId,
    );
    const { outcome } = await done({
      type: 'interactive',
      payload: {
        type: 'block_suggestion',
        ...common(workspace.user(by).id),
        container: { type: 'view', view_id: view.id },
        action_id: actionId,
        block_id: block?.block_id ?? '',
        value: typed,
        view: viewPayload(view, workspace),
      },
    });
    if (!outcome.acknowledged) throw new Error(`No options: ${outcome.because}.`);
    const given = recordsOf(outcome.answer.options);
    const probe = { type: 'static_select', action_id: 'a', options: given };
    if (given.length > 0) {
      const block = { type: 'actions', elements: [probe] };
      refused('options', refusalsOf({ text: 'options', blocks: [block] }, 'message'));
    }
    return given.map((one) => ({ text: wordsOf(one.text), value: String(one.value) }));
  }

  /**
   * Fills in the inputs of a form by block or action, and submits it. What is not given stays as it was; a select takes one of the words
   * it offers. The form closes unless the app says otherwise; `errors` are those shown at the inputs.
   */
  async function submit(
    view: View,
    values: Record<string, string | string[]>,
    by: string,
  ): Promise<ActionResult & { errors: Record<string, string> }> {
    const user = workspace.user(by);
    const state = await stateOf(view, values, by);
    const one = await done({
      type: 'interactive',
      payload: {
        type: 'view_submission',
        ...common(user.id),
        trigger_id: newTrigger(user.id),
        view: { ...viewPayload(view, workspace), state: { values: state } },
        response_urls: [],
      },
    });
    const answer = one.outcome.acknowledged ? one.outcome.answer : {};
    return { ...one, errors: submitted(view, user.id, answer, one.outcome.acknowledged) };
  }

  /** Does to the form what the app answered. */
  function submitted(
    view: View,
    user: string,
    answer: Record<string, unknown>,
    isAcknowledged: boolean,
  ): Record<string, string> {
    const stack = workspace.stacks.get(user) ?? [];
    const next = isRecord(answer.view) ? answer.view : {};
    if (!isAcknowledged) return {};
    if (answer.response_action === 'errors') {
      const errors = isRecord(answer.errors) ? answer.errors : {};
      const blocks = recordsOf(view.content.blocks).map((block, index) => blockIdOf(block, index));
      const strange = Object.keys(errors).filter((key) => !blocks.includes(key));
      refused(
        'view_submission',
        strange.map((key) => `errors for a block that is not there: ${key}`),
      );
      if (Object.keys(errors).length === 0) refused('view_submission', ['errors without any']);
      return Object.fromEntries(Object.entries(errors).map(([key, value]) => [key, String(value)]));
    }
    if (answer.response_action === 'update' || answer.response_action === 'push') {
      refused('view_submission', refusalsOf(next, 'modal'));
      if (answer.response_action === 'update') Object.assign(view, { content: next, hash: workspace.newHash() });
      else workspace.stacks.set(user, [...stack, workspace.newView(user, stack[0] ?? null, next).id]);
    } else if (answer.response_action === 'clear') workspace.stacks.set(user, []);
    else
      workspace.stacks.set(
        user,
        stack.filter((id) => id !== view.id),
      );
    changed();
    return {};
  }

  async function stateOf(view: View, values: Record<string, string | string[]>, by: string) {
    const state: Record<string, Record<string, unknown>> = {};
    const used = new Set<string>();
    for (const [index, block] of recordsOf(view.content.blocks).entries()) {
      const { element } = block;
      if (block.type !== 'input' || !isRecord(element)) continue;
      const key = [blockIdOf(block, index), String(element.action_id)].find((one) => one in values);
      if (key !== undefined) used.add(key);
      const filled = await filledIn(view, element, key === undefined ? undefined : values[key], by);
      if (filled === null && block.optional !== true) throw new Error(`The form wants "${wordsOf(block.label)}".`);
      state[blockIdOf(block, index)] = { [String(element.action_id)]: filled ?? { type: element.type } };
    }
    const unknown = Object.keys(values).filter((key) => !used.has(key));
    if (unknown.length > 0) throw new Error(`The form has no input ${unknown.join(', ')}.`);
    return state;
  }

  /** What an input holds; null when nothing was filled in. */
  async function filledIn(
    view: View,
    element: Record<string, unknown>,
    given: string | string[] | undefined,
    by: string,
  ) {
    const type = String(element.type);
    const offered = async (typed: string): Promise<Record<string, unknown>> => {
      const isExternal = type.endsWith('external_select');
      // The person types part of it, then picks.
      const part = typed.split(' ')[0] ?? '';
      const external = isExternal ? await suggest(view, String(element.action_id), part, by) : [];
      const own = isExternal
        ? []
        : recordsOf(element.options).concat(recordsOf(element.option_groups).flatMap((one) => recordsOf(one.options)));
      const all = [...own, ...external.map(({ text, value }) => ({ text: { type: 'plain_text', text }, value }))];
      const found = all.find((one) => wordsOf(one.text) === typed || one.value === typed);
      if (found === undefined)
        throw new Error(
          `"${typed}" is not offered; there is ${all.map((one) => wordsOf(one.text)).join(', ') || 'nothing like it'}.`,
        );
      return found;
    };
    const first = Array.isArray(given) ? given[0] : given;
    if (/^(plain_text|url_text|email_text|number)_input$/.test(type)) {
      const value = first ?? element.initial_value ?? '';
      return value === '' ? null : { type, value };
    }
    if (type === 'checkboxes' || type.startsWith('multi_static') || type.startsWith('multi_external')) {
      const chosen =
        given === undefined ? recordsOf(element.initial_options) : await Promise.all([given].flat().map(offered));
      return chosen.length === 0 ? null : { type, selected_options: chosen };
    }
    if (type === 'static_select' || type === 'external_select' || type === 'radio_buttons') {
      const chosen = first === undefined ? element.initial_option : await offered(first);
      return chosen === undefined ? null : { type, selected_option: chosen };
    }
    if (type === 'conversations_select' || type === 'channels_select') {
      const kind = type === 'channels_select' ? 'channel' : 'conversation';
      const chosen = first === undefined ? element[`initial_${kind}`] : workspace.channel(first).id;
      return chosen === undefined ? null : { type, [`selected_${kind}`]: chosen };
    }
    if (type === 'users_select') return first === undefined ? null : { type, selected_user: workspace.user(first).id };
    if (type === 'datetimepicker') {
      const chosen = first === undefined ? element.initial_date_time : Number(first);
      return chosen === undefined ? null : { type, selected_date_time: chosen };
    }
    throw new Error(`The local Slack cannot fill in a ${type}.`);
  }

  /** Opens the Home tab of the bot. */
  async function openHome(by: string): Promise<ActionResult> {
    const user = workspace.user(by);
    const view = workspace.homes.get(user.id);
    return event({
      type: 'app_home_opened',
      user: user.id,
      channel: workspace.directWith(user.id).id,
      tab: 'home',
      event_ts: String(now() / 1000),
      ...(view === undefined ? {} : { view: viewPayload(view, workspace) }),
    });
  }

  // What is seen.

  const messages = (channel: string): Message[] => workspace.channel(channel).messages;
  const isSeen = (message: Message, by?: string): boolean =>
    message.onlyFor === null || (by !== undefined && message.onlyFor === workspace.user(by).id);

  /** Messages of the channel itself, oldest first. */
  const roots = (channel: string): Message[] =>
    messages(channel).filter((one) => one.thread === null && one.onlyFor === null);
  /** Replies below a message, oldest first. */
  const thread = (channel: string, ts: string): Message[] =>
    messages(channel).filter((one) => one.thread === ts && one.onlyFor === null);
  /** What only this person sees, oldest first. */
  const privateOf = (user: string): Message[] => {
    const { id } = workspace.user(user);
    return [...workspace.channels.values()].flatMap((channel) => channel.messages.filter((one) => one.onlyFor === id));
  };

  /** What this person sees of a channel, oldest first; without one, what everybody sees. */
  const seen = (channel: string, by?: string): Message[] => messages(channel).filter((message) => isSeen(message, by));

  /** A message as people read it, with its author above. */
  function shown(message: Message, indent = ''): string {
    const author = workspace.users.get(message.user)?.name ?? message.user;
    const note = message.onlyFor === null ? '' : ` (only visible to ${workspace.user(message.onlyFor).name})`;
    const files = message.files.map(({ name, title }) => `📎 ${title} (${name})`);
    const lines = [...readMessage(message).split('\n'), ...files].map((line) => `${indent}    ${line}`.trimEnd());
    return [`${indent}${author}${note}`, ...lines].join('\n');
  }

  /** A channel as people read it: each message with its replies below. */
  function whatIsShown(channel: string, by?: string): string {
    const all = seen(channel, by);
    const below = (root: Message) =>
      all.filter((reply) => reply.thread === root.ts).map((reply) => shown(reply, '  │ '));
    return all
      .filter((message) => message.thread === null)
      .map((root) => [shown(root), ...below(root)].join('\n'))
      .join('\n\n');
  }

  /** Resolves when a condition holds; checks it after every change here. */
  function until<T>(look: () => T | false | null | undefined, what: string, milliseconds = 45_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const check = (): boolean => {
        const found = look();
        if (found === false || found === null || found === undefined) return false;
        listeners.delete(check);
        clearTimeout(timer);
        resolve(found);
        return true;
      };
      const timer = setTimeout(() => {
        listeners.delete(check);
        const all = [...workspace.channels.values()].map(({ id, name }) => `#${name}\n${whatIsShown(id)}`);
        reject(new Error(`Waited for ${what}. There is:\n${all.join('\n')}`));
      }, milliseconds);
      listeners.add(check);
      check();
    });
  }

  return {
    apiUrl: `${origin}/api/`,
    botToken: BOT_TOKEN,
    appToken: APP_TOKEN,
    signingSecret: SIGNING_SECRET,
    workspace,
    /** Everything that was sent and that Slack would refuse, or that we never send. */
    refusals,
    calls,
    callsOf: (method: string): Call[] => calls.filter((one) => one.method === method),
    /** Methods of the calls that were answered late, or still wait for their answer, oldest first. */
    slowCalls: (): readonly string[] => slowCalls,
    /** From now on by HTTP, to this URL. */
    deliverTo: (url: string): void => {
      httpUrl = url;
    },
    /** What this method is to suffer next. */
    fail: (
      method: string,
      fault: Fault,
      { times = 1, when = () => true }: Partial<Pick<ScriptedFault, 'times' | 'when'>> = {},
    ): void => void script.push({ method, fault, times, when }),
    /** Lets so many milliseconds pass for triggers, response_urls and rate limits. */
    pass: (milliseconds: number): void => {
      moved += milliseconds;
    },
    sockets,
    /** One as presses and commands carry it. */
    trigger: (user: string): string => newTrigger(workspace.user(user).id),
    until,
    /** Resolves after this many milliseconds without any call to this Slack or action of a person. */
    silence: async (milliseconds: number): Promise<void> => {
      for (let left = milliseconds; left > 0; left = milliseconds - (performance.now() - lastChange)) await pause(left);
    },
    command,
    mention,
    write,
    press,
    shortcut,
    suggest,
    submit,
    openHome,
    event,
    roots,
    thread,
    privateOf,
    seen,
    shown,
    whatIsShown,
    /** A person's modals, the top one last. */
    views: (user: string): View[] => workspace.openViews(workspace.user(user).id),
    /** Closes the modal on top. */
    closeView: (user: string): void => {
      const { id } = workspace.user(user);
      workspace.stacks.set(id, (workspace.stacks.get(id) ?? []).slice(0, -1));
      changed();
    },
    home: (user: string): View | null => workspace.homes.get(workspace.user(user).id) ?? null,
    close: async (): Promise<void> => {
      sockets.close();
      server.closeAllConnections();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}

const pause = (milliseconds: number): Promise<void> => new Promise((resume) => setTimeout(resume, milliseconds));

function send(response: ServerResponse, status: number, answer: object, headers: Record<string, string> = {}): void {
  response
    .writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', ...headers })
    .end(JSON.stringify(answer));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

/** The bytes of an upload: as they are, or as the one file of a form. */
async function fileOf(request: IncomingMessage, body: Buffer): Promise<Buffer> {
  const type = request.headers['content-type'] ?? '';
  if (!type.startsWith('multipart/form-data')) return body;
  const form = await new Response(new Uint8Array(body), { headers: { 'Content-Type': type } }).formData();
  const file = [...form.values()].find((value) => typeof value !== 'string');
  return file === undefined ? Buffer.alloc(0) : Buffer.from(await file.arrayBuffer());
}

/** Arguments of a method: JSON, or a form whose objects are JSON. */
function argsOf(request: IncomingMessage, body: Buffer): Record<string, unknown> {
  const text = body.toString('utf8');
  if (request.headers['content-type']?.startsWith('application/json')) return JSON.parse(text);
  return Object.fromEntries([...new URLSearchParams(text)].map(([key, value]) => [key, decoded(key, value)]));
}

function decoded(key: string, value: string): unknown {
  if (value === 'true' || value === 'false') return value === 'true';
  if (!['blocks', 'attachments', 'metadata', 'view', 'files'].includes(key)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** Slack makes one up where the app gave none. */
const blockIdOf = (block: Record<string, unknown>, index: number): string =>
  typeof block.block_id === 'string' ? block.block_id : `block-${index}`;

/** The element that carries these words or has this action_id, and what a press of it says. */
function pressable(blocks: readonly Record<string, unknown>[], label: string) {
  const offered: string[] = [];
  for (const [index, block] of blocks.entries()) {
    const elements = [...recordsOf(block.elements), ...recordsOf([block.accessory])];
    for (const element of elements) {
      const base = { action_id: element.action_id, block_id: blockIdOf(block, index), type: element.type };
      if (element.type === 'button') {
        offered.push(wordsOf(element.text));
        if (wordsOf(element.text) === label || element.action_id === label) {
          return {
            element,
            action: { ...base, text: element.text, ...(element.value === undefined ? {} : { value: element.value }) },
          };
        }
      }
      for (const option of recordsOf(element.options)) {
        offered.push(wordsOf(option.text));
        if (wordsOf(option.text) === label) return { element, action: { ...base, selected_option: option } };
      }
    }
  }
  throw new Error(
    `Nothing is called "${label}"; there is ${offered.map((one) => `"${one}"`).join(', ') || 'nothing to press'}.`,
  );
}

/** Refusals of Slack alone, without ours. */
export const slackRefusals = (refusals: string[]): string[] => refusals.filter((one) => !one.includes(`: ${OURS}`));
