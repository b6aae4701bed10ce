/**
 * What messages are made of. Words are pieces, pieces make lines: nothing in them is markup, whoever wrote them, because blocks carry
 * them as rich text, which Slack does not parse, and `text` carries them escaped. Every limit of Slack is kept here.
 */
import type { types } from '@slack/bolt';
import { visible } from '../../format/escape-control-characters.ts';
import { number } from '../../format/wording.ts';
import { type Block, escapeMrkdwn, type Message } from './message.ts';
import { shown } from './redact-text.ts';

/** Words as they are, in bold, as code; a person; a page of the AWS documentation. */
export type Piece =
  | string
  | { bold: string }
  | { italic: string }
  | { code: string }
  | { user: string }
  | { page: string };
export type Line = readonly Piece[];

/** A line, a list of lines, or text to copy. */
export type Part = { line: Line } | { bullets: readonly Line[]; indent?: number } | { copy: string };

/** What chat.update takes in `text`. */
const MOST_TEXT = 4000;
/** Characters of all blocks of a message: above some 13,000 Slack answers msg_blocks_too_long. */
const MOST_SAID = 9000;
/** Of one line. Sentences of a diagnosis are shorter, unless somebody named things with long names. */
const MOST_LINE = 600;

/** At most `most` characters, the cut shown. Never half of a surrogate pair. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  // A letter takes two units of a string at most.
  const letters = [...text.slice(0, 2 * most + 2)];
  return letters.length <= most
    ? text
    : `${letters
        .slice(0, most - 1)
        .join('')
        .trimEnd()}…`;
}

/** Of ours, as causes and checks name them; nothing else becomes a link. */
const PAGE = /^https:\/\/docs\.aws\.amazon\.com\/[\w./#-]+$/;
const PERSON = /^[UW][A-Z0-9]{2,30}$/;

const wordsOf = (piece: Piece): string =>
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
            : piece.user;

const withWords = (piece: Piece, words: string): Piece =>
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
            : { user: words };

const lengthOf = (line: Line): number => line.reduce((sum, piece) => sum + wordsOf(piece).length, 0);

/** A line fit to be shown, of at most so many characters, the cut shown. Every line goes through here before it becomes anything else. */
function shortened(line: Line, most: number): Line {
  const kept: Piece[] = [];
  let left = most;
  for (const piece of line) {
    if (left <= 1) break;
    const words = shown(wordsOf(piece));
    kept.push(withWords(piece, cut(words, left)));
    left -= words.length;
  }
  return kept;
}

/** A sentence of the diagnosis: what stands between backticks is code. */
export function prose(text: string): Line {
  return cut(text, MOST_LINE)
    .split(/(`[^`\n]+`)/)
    .filter((part) => part !== '')
    .map((part) => (/^`[^`]+`$/.test(part) ? { code: part.slice(1, -1) } : part));
}

export const line = (...pieces: Line): Part => ({ line: pieces });
export const say = (text: string): Part => ({ line: prose(text) });
export const copy = (text: string): Part => ({ copy: text });

/** "For" and its sentences below: at most `most` of them, the others counted, with where they are. */
export function labelled(label: string, sentences: readonly string[], most = 5, rest = ''): Part[] {
  if (sentences.length === 0) return [];
  return [line({ bold: label }), { bullets: few(sentences.map(prose), most, rest) }];
}

/** The first ones, and how many more there are. */
export function few(lines: readonly Line[], most: number, rest = ''): Line[] {
  if (lines.length <= most) return [...lines];
  return [...lines.slice(0, most), [{ italic: `… and ${number(lines.length - most)} more${rest}` }]];
}

type Section = types.RichTextSection;
type Element = Section['elements'][number];

function elementOf(piece: Piece): Element[] {
  const text = wordsOf(piece);
  if (text === '') return [];
  if (typeof piece === 'string') return [{ type: 'text', text }];
  if ('bold' in piece) return [{ type: 'text', text, style: { bold: true } }];
  if ('italic' in piece) return [{ type: 'text', text, style: { italic: true } }];
  if ('code' in piece) return [{ type: 'text', text, style: { code: true } }];
  if ('page' in piece) return PAGE.test(text) ? [{ type: 'link', url: text, text: 'AWS documentation' }] : [];
  return PERSON.test(piece.user) ? [{ type: 'user', user_id: piece.user }] : [{ type: 'text', text }];
}

const sectionOf = (pieces: Line): Section => ({ type: 'rich_text_section', elements: pieces.flatMap(elementOf) });

const sizeOf = (part: Part): number =>
  'line' in part ? lengthOf(part.line) : 'copy' in part ? part.copy.length : sum(part.bullets.map(lengthOf));

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

/** Parts with every line short enough, and as many as fit; that something is left out is said, with where it is. */
function fitted(parts: readonly Part[], room: number, rest: string): Part[] {
  const kept: Part[] = [];
  let left = room;
  for (const part of parts) {
    const short = shortPart(part, left);
    const size = sizeOf(short);
    const isCut =
      size > left || ('bullets' in part && 'bullets' in short && short.bullets.length < part.bullets.length);
    if (size <= left) kept.push(short);
    left -= size;
    if (isCut) {
      // A short line behind a long one may still fit, but would stand where nobody expects it.
      kept.push(line({ italic: `… and more, too much for a message${rest}` }));
      break;
    }
  }
  return kept;
}

/** Lines short enough, and of a list those that fit. Text to copy stays whole or goes: a part of a command is another command. */
function shortPart(part: Part, room: number): Part {
  if ('line' in part) return { line: shortened(part.line, MOST_LINE) };
  if ('copy' in part) return part;
  let left = room;
  return {
    ...part,
    bullets: part.bullets
      .map((one) => shortened(one, MOST_LINE))
      .filter((one) => {
        left -= lengthOf(one);
        return left >= 0;
      }),
  };
}

/** One block of rich text; none for nothing. `room` is in characters. */
export function richText(parts: readonly Part[], rest = '', room = MOST_SAID): Block[] {
  const elements: types.RichTextBlock['elements'] = [];
  let open: Piece[] = [];
  const close = (): void => {
    if (open.length > 0) elements.push(sectionOf(open));
    open = [];
  };
  for (const part of fitted(parts, room, rest)) {
    if ('line' in part) {
      if (lengthOf(part.line) === 0) continue;
      open.push(...(open.length > 0 ? ['\n'] : []), ...part.line);
      continue;
    }
    close();
    if ('copy' in part) {
      if (part.copy !== '')
        elements.push({ type: 'rich_text_preformatted', elements: [{ type: 'text', text: part.copy }] });
    } else if (part.bullets.length > 0) {
      const { indent = 0 } = part;
      elements.push({ type: 'rich_text_list', style: 'bullet', indent, elements: part.bullets.map(sectionOf) });
    }
  }
  close();
  return elements.length === 0 ? [] : [{ type: 'rich_text', elements }];
}

/** Pieces in mrkdwn, where a notification or a screen reader takes them: no mark-up but people. */
const spokenPiece = (piece: Piece): string =>
  typeof piece !== 'string' && 'user' in piece && PERSON.test(piece.user)
    ? `<@${piece.user}>`
    : escapeMrkdwn(wordsOf(piece).replaceAll('`', "'"));

const spokenLine = (pieces: Line): string => pieces.map(spokenPiece).join('');

/** The parts as a text file: lines as they are, text to copy indented. */
export const written = (parts: readonly Part[]): string =>
  parts
    .flatMap((part) =>
      'line' in part
        ? [shown(part.line.map(wordsOf).join(''))]
        : 'bullets' in part
          ? part.bullets.map((one) => `- ${shown(one.map(wordsOf).join(''))}`)
          : part.copy.split('\n').map((one) => `    ${visible(one)}`.trimEnd()),
    )
    .map((one) => `${one}\n`)
    .join('');

/** Whether all of it fits into one message. */
export const fits = (parts: readonly Part[]): boolean => sum(parts.map(sizeOf)) <= MOST_SAID;

/** The parts as `text`: whole lines as long as there is room for them. Never empty. */
export function spoken(parts: readonly Part[], room = MOST_TEXT): string {
  const lines = parts.flatMap((part) =>
    'line' in part
      ? [spokenLine(shortened(part.line, MOST_LINE))]
      : 'bullets' in part
        ? part.bullets.map((one) => `• ${spokenLine(shortened(one, MOST_LINE))}`)
        : part.copy.split('\n').map((one) => spokenLine([cut(one, MOST_LINE)])),
  );
  const kept: string[] = [];
  let left = room - 2;
  for (const one of lines) {
    if (one.trim() === '') continue;
    if (one.length + 1 > left) {
      kept.push('…');
      break;
    }
    kept.push(one);
    left -= one.length + 1;
  }
  return kept.join('\n') || '–';
}

/** Small print below: one line of plain words, people named. */
export function smallPrint(...lines: readonly Line[]): Block[] {
  const texts = lines.filter((one) => lengthOf(one) > 0).map((one) => cutSpoken(one, 1000));
  if (texts.length === 0) return [];
  return [{ type: 'context', elements: texts.slice(0, 10).map((text) => ({ type: 'mrkdwn', text, verbatim: true })) }];
}

/** Escapes make a text longer: cut before, until it fits. */
function cutSpoken(pieces: Line, most: number): string {
  for (let room = most; room > 0; room = Math.floor(room / 2)) {
    const text = spokenLine(shortened(pieces, room));
    if (text.length <= most) return text;
  }
  return '…';
}

/** A message of parts alone: blocks and text say the same. */
export const partsMessage = (parts: readonly Part[], after: readonly Block[] = [], rest = ''): Message => ({
  text: spoken(parts),
  blocks: [...richText(parts, rest), ...after],
});

/** "3 errors" and a table of strings: the widest columns are as wide as they are. */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
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
