/**
 * Converts a vended log file (JSON, W3C or plain text with a delimiter) to access-log lines, piece by piece. Pure.
 * Invalid lines stay unchanged, so that they are counted and shown; line numbers stay the same. Firehose may write
 * records one after the other without a newline: each becomes a line.
 */
import { StringDecoder } from 'node:string_decoder';
import { isRecord } from '../../../format/is-record.ts';
import { lineOfRecord, VENDED_FIELDS } from './record-line.ts';

type TranslateLine = (line: string) => string;

interface Translator {
  translate: TranslateLine;
  /** Adds missing newlines between records. */
  separate?: (text: string) => string;
}

interface LineTranslator {
  feed(piece: Buffer): void;
  end(): void;
}

/** Bytes. A longer line cannot be an entry. */
const MAX_LINE = 16_777_216;

const [BRACE, HASH] = [0x7b, 0x23];

/** Passes pieces on unchanged if the file is neither JSON nor W3C and its first line has no known delimiter. */
export function lineTranslator(take: (piece: Buffer) => void): LineTranslator {
  let translator: Translator | null | undefined;
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const put = (lines: readonly string[], translated: TranslateLine): void => {
    if (lines.length > 0) take(Buffer.from(`${lines.map(translated).join('\n')}\n`));
  };
  return {
    feed(piece) {
      if (translator === undefined) translator = translatorFor(piece);
      if (translator === null) {
        take(piece);
        return;
      }
      const { translate, separate = unchanged } = translator;
      const lines = separate(rest + decoder.write(piece)).split('\n');
      rest = lines.pop() ?? '';
      put(lines, translate);
      if (rest.length > MAX_LINE) {
        // Pass it on in part; the line parser rejects it as too long.
        take(Buffer.from(rest));
        rest = '';
      }
    },
    end() {
      rest += decoder.end();
      if (translator && rest !== '') put([rest], translator.translate);
    },
  };
}

/** Like `lineTranslator`, for a stream. If the stream fails, rejects after the lines read so far. */
export async function* translatedPieces(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const ready: Buffer[] = [];
  const translator = lineTranslator((piece) => ready.push(piece));
  try {
    for await (const piece of content) {
      translator.feed(piece);
      yield* ready.splice(0);
    }
  } catch (error) {
    translator.end();
    yield* ready.splice(0);
    throw error;
  }
  translator.end();
  yield* ready.splice(0);
}

/** Whether a file with this beginning needs conversion. */
export const isTranslated = (beginning: Buffer): boolean => translatorFor(beginning) !== null;

const unchanged = (text: string): string => text;

/** Chooses by the beginning of a file; null if its lines need no conversion. */
function translatorFor(beginning: Buffer): Translator | null {
  const at = beginning.findIndex((byte) => byte > 0x20 && byte < 0x7f);
  const first = beginning[at];
  if (first === BRACE) return { translate: translateJson, separate: separateJson };
  if (first === HASH) return { translate: w3cTranslator() };
  const line = beginning.subarray(0, 8192).toString('latin1').split('\n')[0] ?? '';
  if (SPACED.test(line) && !line.includes('"')) return { translate: (text) => spacedLine(text) ?? text };
  if (separateLines(line) !== line) return { translate: unchanged, separate: separateLines };
  const delimiter = DELIMITERS.find((one) => line.split(one).length === VENDED_FIELDS.length);
  return delimiter === undefined
    ? null
    : { translate: (text) => delimitedLine(text, VENDED_FIELDS, delimiter) ?? text };
}

/** The start of a key follows a quote only outside strings: inside, a quote is escaped or ends the string. */
const separateJson = (text: string): string => text.replace(/\}[ \t]*\{(?="\w)/g, '}\n{');

/** The beginning of an entry right after the end of another. */
const NEXT_ENTRY = /(?<=\S)(?=(?:https?|h2|grpcs|wss?) \d{4}-\d{2}-\d{2}T[\d:.]+Z app\/)/g;

/** Separates entries; what clients sent is in quotes, so that it cannot look like one. */
function separateLines(text: string): string {
  let [separated, start] = ['', 0];
  for (const { index } of text.matchAll(NEXT_ENTRY)) {
    const entry = text.slice(start, index);
    if (entry.split('"').length % 2 === 0) continue;
    separated += `${entry}\n`;
    start = index;
  }
  return separated + text.slice(start);
}

/** Delimiters of plain records. The line parser handles spaces with quotes. */
const DELIMITERS = ['\t', '|', ';'] as const;

function translateJson(line: string): string {
  try {
    const record: unknown = JSON.parse(line);
    if (!isRecord(record)) return line;
    return lineOfRecord(record) ?? (typeof record.message === 'string' ? messageLine(record.message) : line);
  } catch {
    return line;
  }
}

/** In some Firehose logs, each record is an object with only a message. */
const messageLine = (message: string): string => message.trimEnd().replace(/[\r\n]/g, ' ');

/** `#Fields:` names the fields of the lines after it; lines that begin with # become empty. */
function w3cTranslator(): TranslateLine {
  let fields: readonly string[] = VENDED_FIELDS;
  return (line) => {
    if (line.startsWith('#')) {
      const [, named] = /^#Fields:\s*(.+?)\s*$/i.exec(line) ?? [];
      if (named !== undefined) fields = named.split(/\s+/).map((name) => name.toLowerCase().replaceAll('-', '_'));
      return '';
    }
    return delimitedLine(line, fields, line.includes('\t') ? '\t' : ' ') ?? spacedLine(line) ?? line;
  };
}

/** Returns null if the number of values differs from that of the fields. A quoted value may contain spaces. */
export function delimitedLine(line: string, fields: readonly string[], delimiter: string): string | null {
  const text = line.replace(/\r$/, '');
  const values =
    delimiter === ' '
      ? [...text.matchAll(/"([^"]*)"|([^ ]+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')
      : withoutQuotes(text.split(delimiter), fields);
  if (values.length !== fields.length) return null;
  return lineOfRecord(Object.fromEntries(fields.map((field, index) => [field, values[index]])));
}

const QUOTED = /^"(.*)"$/s;

/** Strips quotes only if the request line is quoted; otherwise the client sent them. */
const withoutQuotes = (values: string[], fields: readonly string[]): string[] =>
  QUOTED.test(values[fields.indexOf('request_line')] ?? '')
    ? values.map((value) => QUOTED.exec(value)?.[1] ?? value)
    : values;

/**
 * Matches a record in the usual order whose values contain spaces without quotes: the HTTP version ends the request
 * line, fields of known form end the user agent, and both target lists have the same length.
 */
const SPACED =
  /^((?:[^ ]+ ){12})(-|[^ ]+ .*? (?:HTTP\/[0-9.]+|-)) (.+) ([^ ]+ [^ ]+ (?:arn:[^ ]+|-) [^ ]+ [^ ]+ [^ ]+ (?:-1|-|[0-9]+) (?:-|[0-9]{4}-[0-9]{2}-[0-9]{2}T[^ ]+) [^ ]+ [^ ]+ [^ ]+) (.+)((?: [^ ]+){7})$/;

function spacedLine(line: string): string | null {
  const [, head, request, agent, middle, lists, tail] = SPACED.exec(line.replace(/\r$/, '')) ?? [];
  if (head === undefined || request === undefined || agent === undefined || !middle || !lists || !tail) return null;
  const targets = lists.split(' ');
  const half = targets.length / 2;
  const values = [
    ...head.trimEnd().split(' '),
    request,
    agent,
    ...middle.split(' '),
    targets.slice(0, half).join(' '),
    targets.slice(half).join(' '),
    ...tail.trimStart().split(' '),
  ];
  return lineOfRecord(Object.fromEntries(VENDED_FIELDS.map((field, index) => [field, values[index]])));
}
