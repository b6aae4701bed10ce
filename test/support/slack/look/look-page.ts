/** The pages of the local Slack: the frame once, and what is in it again and again. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalSlack, Message, View } from '../local-slack.ts';
import { blockHtml, bodyHtml, escapeHtml, records, str } from './block-html.ts';

const css = () => readFileSync(join(import.meta.dirname, 'look.css'), 'utf8');
/** The script of the page. */
export const clientScript = (): string => readFileSync(join(import.meta.dirname, 'look-client.js'), 'utf8');

const document = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${css()}</style></head><body>${body}</body></html>`;

const sayBox = (hint: string): string =>
  `<form class="say"><input placeholder="${hint}" aria-label="${hint}" autocomplete="off"><button>Send</button></form>`;

/** Channel, thread, form and Home, with a box to type in. `loadBalancers` are offered in the form. */
export function lookPage(slack: LocalSlack, loadBalancers: readonly string[]): string {
  const options = (names: readonly string[]) => names.map((name) => `<option>${escapeHtml(name)}</option>`).join('');
  const people = [...slack.workspace.users.values()].map(({ name }) => name).filter((name) => name !== 'alb502');
  const channels = [...slack.workspace.channels.values()].filter(({ isDirect }) => !isDirect).map(({ name }) => name);
  return document(
    'alb502 in a local Slack',
    `<header><b>local Slack</b> as <select id="user" aria-label="person">${options(people)}</select> in
    <select id="channel-name" aria-label="channel">${options(channels)}</select>
    <button data-do="shortcut">⚡ Diagnose</button><button data-do="home">Home of alb502</button></header>
    <div class="note" id="note" role="alert"></div>
    <main><section id="channel"><div class="list" id="messages"></div>${sayBox('/alb502 shop-prod last 15m, or @alb502 …')}</section>
    <aside id="thread" hidden><div class="head">Thread <button class="replies" data-thread="">Close</button></div>
    <div class="list" id="replies"></div>${sayBox('@alb502 shop-prod last 1h')}</aside></main>
    <div class="shade" id="shade" hidden><form class="modal" id="form"><div id="modal"></div></form></div>
    <datalist id="load-balancers">${options(loadBalancers)}</datalist>
    <script type="module" src="/look-client.js"></script>`,
  );
}

/** What one person sees now, as HTML by the id of the element that shows it. */
export function lookContent(
  slack: LocalSlack,
  { user, channel, thread, home }: { user: string; channel: string; thread: string | null; home: boolean },
): Record<string, string> {
  const seen = slack.seen(channel, user);
  const roots = seen.filter((message) => message.thread === null);
  const view = home ? slack.home(user) : null;
  const form = slack.views(user).at(-1);
  return {
    messages: home ? homeHtml(view) : roots.map((message) => messageHtml(slack, message, seen)).join(''),
    replies: thread === null ? '' : threadHtml(slack, seen, thread),
    modal: form === undefined ? '' : modalHtml(form),
  };
}

const threadHtml = (slack: LocalSlack, seen: readonly Message[], thread: string): string =>
  seen
    .filter((message) => message.ts === thread || message.thread === thread)
    .map((message) => messageHtml(slack, message, []))
    .join('');

/** One thread alone, as wide as the window: to be measured. */
export const threadPage = (slack: LocalSlack, channel: string, user: string, thread: string): string =>
  document('Thread', `<div id="replies">${threadHtml(slack, slack.seen(channel, user), thread)}</div>`);

function messageHtml(slack: LocalSlack, message: Message, seen: readonly Message[]): string {
  const isBot = message.user === slack.workspace.bot.user;
  const name = slack.workspace.users.get(message.user)?.name ?? message.user;
  const replies = seen.filter(({ thread }) => thread === message.ts).length;
  const more =
    replies === 0
      ? ''
      : `<button class="replies" data-thread="${message.ts}">${replies} ${replies === 1 ? 'reply' : 'replies'}</button>`;
  const only = message.onlyFor === null ? '' : '<div class="only">Only visible to you</div>';
  const files = message.files.map(
    ({ title, name: file, content }) =>
      `<div class="file"><b>${escapeHtml(title || file)}</b><pre>${escapeHtml(content.slice(0, 600))}</pre></div>`,
  );
  const time = new Date(Number(message.ts) * 1000).toISOString().slice(11, 16);
  return `<article class="message${message.onlyFor === null ? '' : ' private'}" data-ts="${message.ts}" data-channel="${escapeHtml(message.channel)}"><div class="avatar${isBot ? '' : ' person'}">${isBot ? '502' : escapeHtml(name.slice(0, 1).toUpperCase())}</div><div class="content">${only}<div><span class="by">${escapeHtml(name)}</span>${isBot ? '<span class="app">APP</span>' : ''} <time>${time}</time></div>${bodyHtml(message)}${files.join('')}${more}</div></article>`;
}

const homeHtml = (view: View | null): string =>
  view === null
    ? '<div class="message">Nothing yet.</div>'
    : `<div class="message"><div class="content">${records(view.content.blocks).map(blockHtml).join('')}</div></div>`;

function modalHtml({ content }: View): string {
  const label = (value: unknown): string => escapeHtml(str(records([value])[0]?.text));
  const submit =
    label(content.submit) === ''
      ? ''
      : `<button class="button primary" type="submit">${label(content.submit)}</button>`;
  return `<div class="title">${label(content.title)}</div><div class="blocks">${records(content.blocks).map(blockHtml).join('')}</div><div class="foot"><button class="button" type="button" data-do="close">${label(content.close) || 'Close'}</button>${submit}</div>`;
}
