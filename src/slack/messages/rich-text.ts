/**
 * The parts of messages: words are pieces, pieces form lines. Nothing in them is markup: blocks carry them as rich
 * text, which Slack does not parse, and `text` carries them escaped. All of Slack's limits are applied here.
 */
import type { types } from '@slack/bolt';
import { escapeControls } from '../../format/escape-control-characters.ts';
import { number } from '../../format/wording.ts';
import { escapeMrkdwn, type Message, type SlackBlock } from './message.ts';
import { sanitize } from './redact-text.ts';

/** Plain, bold or code text; a user, user group or channel; a link to the AWS documentation, AWS console or Slack. */
export type TextPiece =
  | string
  | { bold: string }
  | { italic: string }
  | { code: string }
  | { user: string }
  | { channel: string }
  | { page: string }
  | { href: string; label: string };
export type TextLine = readonly TextPiece[];

/** A line, a list of lines, or text to copy. */
export type MessagePart = { line: TextLine } | { bullets: readonly TextLine[]; indent?: number } | { copy: string };

/** Limit of `text` in chat.update. */
const MAX_TEXT = 4000;
/** Characters of all blocks of a message; above about 13,000 Slack answers msg_blocks_too_long. */
const MAX_BLOCK_TEXT = 9000;
/** Characters of one line; only long resource names make sentences longer. */
const MAX_LINE = 600;
/** Characters of a line of small print, including addresses of links, and the number of lines. */
const MAX_SMALL_LINE = 1000;
const MAX_SMALL_LINES = 10;
/** Slack's limit. */
const MAX_SMALL_ELEMENTS = 10;

/** Cuts a text to `most` characters with an ellipsis, never inside a surrogate pair. */
export function truncate(text: string, most: number): string {
  if (text.length <= most) return text;
  // A character takes at most two string units.
  const letters = [...text.slice(0, 2 * most + 2)];
  return letters.length <= most
    ? text
    : `${letters
        .slice(0, most - 1)
        .join('')
        .trimEnd()}…`;
}

/** References of causes and checks; no other page becomes a link. */
const PAGE = /^https:\/\/docs\.aws\.amazon\.com\/[\w./#-]+$/;
const CONSOLE =
  /^https:\/\/[a-z0-9-]+\.console\.(?:aws\.amazon\.com|amazonaws-us-gov\.com|amazonaws\.cn)\/[\w./?=&;:#%~-]+$/;
/** An address within Slack, in any workspace. */
const MESSAGE =
  /^https:\/\/(?:[a-z0-9-]+\.)*slack(?:-gov)?\.com\/archives\/[CDG][A-Z0-9]{2,30}\/p[0-9]{10,20}(?:\?thread_ts=[0-9.]{10,21}&cid=[CDG][A-Z0-9]{2,30})?$/;
const isAddress = (href: string): boolean => CONSOLE.test(href) || MESSAGE.test(href);
const PERSON = /^[UW][A-Z0-9]{2,30}$/;
/** A user group; Slack's ids of groups begin with S. */
const GROUP = /^S[A-Z0-9]{2,30}$/;
const CHANNEL = /^[CG][A-Z0-9]{2,30}$/;

const pieceText = (piece: TextPiece): string =>
  typeof piece === 'string'
    ? piece
    : 'bold' in piece
      ? piece.bold
      : 'italic' in piece
        ? piece.italic
        : 'code' in piece
          ? piece.code
          : 'page' in piece
            ? piece.page
            : 'href' in piece
              ? piece.label
              : 'channel' in piece
                ? piece.channel
                : piece.user;

const withText = (piece: TextPiece, words: string): TextPiece =>
  typeof piece === 'string'
    ? words
    : 'bold' in piece
      ? { bold: words }
      : 'italic' in piece
        ? { italic: words }
        : 'code' in piece
          ? { code: words }
          : 'page' in piece
            ? piece
            : 'href' in piece
              ? { ...piece, label: words }
              : 'channel' in piece
                ? { channel: words }
                : { user: words };

const lineLength = (line: TextLine): number => line.reduce((sum, piece) => sum + pieceText(piece).length, 0);

/** Sanitizes a line and cuts it to `most` characters. Every line passes through here first. */
function shortenLine(line: TextLine, most: number): TextLine {
  const pieces: TextPiece[] = [];
  let left = most;
  for (const piece of line) {
    if (left <= 1) break;
    const words = sanitize(pieceText(piece));
    pieces.push(withText(piece, truncate(words, left)));
    left -= words.length;
  }
  return pieces;
}

/** A sentence of the diagnosis, with text between backticks as code. */
export function prose(text: string): TextLine {
  return truncate(text, MAX_LINE)
    .split(/(`[^`\n]+`)/)
    .filter((part) => part !== '')
    .map((part) => (/^`[^`]+`$/.test(part) ? { code: part.slice(1, -1) } : part));
}

export const line = (...pieces: TextLine): MessagePart => ({ line: pieces });
export const proseLine = (text: string): MessagePart => ({ line: prose(text) });
export const copyable = (text: string): MessagePart => ({ copy: text });

/** A label with at most `most` sentences, then how many more there are and where. */
export function labelledList(label: string, sentences: readonly string[], most = 5, rest = ''): MessagePart[] {
  if (sentences.length === 0) return [];
  return [line({ bold: label }), { bullets: firstLines(sentences.map(prose), most, rest) }];
}

/** The first lines, then how many more there are. */
export function firstLines(lines: readonly TextLine[], most: number, rest = ''): TextLine[] {
  if (lines.length <= most) return [...lines];
  return [...lines.slice(0, most), [{ italic: `… and ${number(lines.length - most)} more${rest}` }]];
}

type RichTextSection = types.RichTextSection;
type RichTextElement = RichTextSection['elements'][number];

/** Keeps a number and its unit on one line of a phone: "49 s", "17 × 502", "04:30 UTC". */
const unbroken = (text: string): string =>
  text.replaceAll(/(?<=[0-9]) (?=(?:m?s|min|h|[kMG]?B|UTC)\b|[%×])|(?<=×) (?=[0-9])/g, '\u00a0');

function richTextElements(piece: TextPiece): RichTextElement[] {
  const text = pieceText(piece);
  if (text === '') return [];
  if (typeof piece === 'string') return [{ type: 'text', text: unbroken(text) }];
  if ('bold' in piece) return [{ type: 'text', text: unbroken(text), style: { bold: true } }];
  if ('italic' in piece) return [{ type: 'text', text: unbroken(text), style: { italic: true } }];
  if ('code' in piece) return [{ type: 'text', text, style: { code: true } }];
  if ('page' in piece) return PAGE.test(text) ? [{ type: 'link', url: text, text: 'AWS documentation' }] : [];
  if ('href' in piece)
    return [isAddress(piece.href) ? { type: 'link', url: piece.href, text } : { type: 'text', text }];
  if ('channel' in piece) return [CHANNEL.test(text) ? { type: 'channel', channel_id: text } : { type: 'text', text }];
  if (GROUP.test(piece.user)) return [{ type: 'usergroup', usergroup_id: piece.user }];
  return PERSON.test(piece.user) ? [{ type: 'user', user_id: piece.user }] : [{ type: 'text', text }];
}

const richTextSection = (pieces: TextLine): RichTextSection => ({
  type: 'rich_text_section',
  elements: pieces.flatMap(richTextElements),
});

const partLength = (part: MessagePart): number =>
  'line' in part ? lineLength(part.line) : 'copy' in part ? part.copy.length : sum(part.bullets.map(lineLength));

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

/** Shortens lines and keeps as many parts as fit; says what is left out and where to find it. */
function fitParts(parts: readonly MessagePart[], room: number, rest: string): MessagePart[] {
  const fitting: MessagePart[] = [];
  let left = room;
  for (const part of parts) {
    const short = shortenPart(part, left);
    const size = partLength(short);
    const isCut =
      size > left || ('bullets' in part && 'bullets' in short && short.bullets.length < part.bullets.length);
    if (size <= left) fitting.push(short);
    left -= size;
    if (isCut) {
      // A later, shorter line may still fit, but would appear out of order.
      fitting.push(line({ italic: `… and more, too much for a message${rest}` }));
      break;
    }
  }
  return fitting;
}

/**
 * Shortens lines and lists to fit. Text to copy stays whole or is dropped: part of a command is a different command.
 */
function shortenPart(part: MessagePart, room: number): MessagePart {
  if ('line' in part) return { line: shortenLine(part.line, MAX_LINE) };
  if ('copy' in part) return part;
  let left = room;
  return {
    ...part,
    bullets: part.bullets
      .map((one) => shortenLine(one, MAX_LINE))
      .filter((one) => {
        left -= lineLength(one);
        return left >= 0;
      }),
  };
}

/** One rich-text block, or none if empty. `room` is in characters. */
export function richText(parts: readonly MessagePart[], rest = '', room = MAX_BLOCK_TEXT): SlackBlock[] {
  const elements: types.RichTextBlock['elements'] = [];
  let open: TextPiece[] = [];
  const close = (): void => {
    if (open.length > 0) elements.push(richTextSection(open));
    open = [];
  };
  for (const part of fitParts(parts, room, rest)) {
    if ('line' in part) {
      if (lineLength(part.line) === 0) continue;
      open.push(...(open.length > 0 ? ['\n'] : []), ...part.line);
      continue;
    }
    close();
    if ('copy' in part) {
      if (part.copy !== '')
        elements.push({ type: 'rich_text_preformatted', elements: [{ type: 'text', text: part.copy }] });
    } else if (part.bullets.length > 0) {
      const { indent = 0 } = part;
      elements.push({ type: 'rich_text_list', style: 'bullet', indent, elements: part.bullets.map(richTextSection) });
    }
  }
  close();
  return elements.length === 0 ? [] : [{ type: 'rich_text', elements }];
}

/** A mention of a person, group or channel; null for any other piece. */
function mrkdwnMention(piece: TextPiece): string | null {
  if (typeof piece === 'string') return null;
  if ('user' in piece && PERSON.test(piece.user)) return `<@${piece.user}>`;
  if ('user' in piece && GROUP.test(piece.user)) return `<!subteam^${piece.user}>`;
  return 'channel' in piece && CHANNEL.test(piece.channel) ? `<#${piece.channel}>` : null;
}

/** Pieces in mrkdwn for notifications and screen readers: no markup except mentions. */
function mrkdwnPiece(piece: TextPiece, isShown: boolean): string {
  const mention = mrkdwnMention(piece);
  if (mention !== null) return mention;
  const words = escapeMrkdwn(pieceText(piece).replaceAll('`', "'"));
  // Notifications show no links.
  return isShown && typeof piece !== 'string' && 'href' in piece && isAddress(piece.href)
    ? `<${escapeMrkdwn(piece.href)}|${words.replaceAll('|', ' ')}>`
    : words;
}

const mrkdwnLine = (pieces: TextLine, isShown = false): string =>
  pieces.map((piece) => mrkdwnPiece(piece, isShown)).join('');

/** The parts as a text file, with text to copy indented. */
export const fileText = (parts: readonly MessagePart[]): string =>
  parts
    .flatMap((part) =>
      'line' in part
        ? [sanitize(part.line.map(pieceText).join(''))]
        : 'bullets' in part
          ? part.bullets.map((one) => `- ${sanitize(one.map(pieceText).join(''))}`)
          : part.copy.split('\n').map((one) => `    ${escapeControls(one)}`.trimEnd()),
    )
    .map((one) => `${one}\n`)
    .join('');

/** Whether everything fits into one message. */
export const fitsMessage = (parts: readonly MessagePart[]): boolean => sum(parts.map(partLength)) <= MAX_BLOCK_TEXT;

/** The parts as `text`: as many whole lines as fit, never empty. */
export function messageText(parts: readonly MessagePart[], room = MAX_TEXT): string {
  const lines = parts.flatMap((part) =>
    'line' in part
      ? [mrkdwnLine(shortenLine(part.line, MAX_LINE))]
      : 'bullets' in part
        ? part.bullets.map((one) => `• ${mrkdwnLine(shortenLine(one, MAX_LINE))}`)
        : part.copy.split('\n').map((one) => mrkdwnLine([truncate(one, MAX_LINE)])),
  );
  const keptLines: string[] = [];
  let left = room - 2;
  for (const one of lines) {
    if (one.trim() === '') continue;
    if (one.length + 1 > left) {
      keptLines.push('…');
      break;
    }
    keptLines.push(one);
    left -= one.length + 1;
  }
  return keptLines.join('\n') || '–';
}

/** Context lines of plain text, mentions and links. */
export const smallPrint = (...lines: readonly TextLine[]): SlackBlock[] =>
  lines
    .filter((one) => lineLength(one) > 0)
    .slice(0, MAX_SMALL_LINES)
    // Elements of a context block appear side by side, so separate lines need their own blocks.
    .map((one) => ({ type: 'context', elements: smallElements(one) }));

/** What mrkdwn turns into formatting or emoji, and cannot escape. Times such as 02:44:10 are neither. */
const FORMATTING = /[*~`]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|:(?!\d\d:\d)[\p{L}\p{N}_+'-]+:/u;

function smallElements(pieces: TextLine): (types.MrkdwnElement | types.PlainTextElement)[] {
  if (!FORMATTING.test(pieces.map(pieceText).join(''))) return [mrkdwnElement(shortenMrkdwn(pieces, MAX_SMALL_LINE))];
  const elements: (types.MrkdwnElement | types.PlainTextElement)[] = [];
  let words = '';
  const close = (): void => {
    if (words.trim() !== '') elements.push({ type: 'plain_text', text: words.trim(), emoji: false });
    words = '';
  };
  for (const piece of shortenLine(pieces, MAX_SMALL_LINE)) {
    const mention = mrkdwnMention(piece);
    if (mention === null) words += pieceText(piece);
    else {
      close();
      elements.push(mrkdwnElement(mention));
    }
  }
  close();
  return elements.slice(0, MAX_SMALL_ELEMENTS);
}

const mrkdwnElement = (text: string): types.MrkdwnElement => ({ type: 'mrkdwn', text, verbatim: true });

/** Escaping lengthens text, so shorten before escaping until it fits. */
function shortenMrkdwn(pieces: TextLine, most: number): string {
  for (let room = most; room > 0; room = Math.floor(room / 2)) {
    const text = mrkdwnLine(shortenLine(pieces, room), true);
    if (text.length <= most) return text;
  }
  return '…';
}

/** A message whose blocks and text have the same parts. */
export const partsMessage = (parts: readonly MessagePart[], after: readonly SlackBlock[] = [], rest = ''): Message => ({
  text: messageText(parts),
  blocks: [...richText(parts, rest), ...after],
});

/** Returns one line per row, each column as wide as its widest cell; `right`: numbers of the columns aligned right. */
export function alignColumns(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          right.includes(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
