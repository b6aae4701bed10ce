/**
 * What came from outside (paths, names, error_reason, lines that were not entries) is written by strangers. Each renderer passes the
 * whole diagnosis through here once, before anything else, so that no control sequence or bidirectional override reaches the reader.
 */
import type { Diagnosis } from '../diagnosis.ts';

/** Control, format (bidirectional overrides, zero width), private, unassigned, lone surrogates, line and paragraph separators. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

/** Texts of several lines that keep their line breaks: what a person copies. */
const MULTILINE = new Set(['commands', 'sources', 'grep', 'logsInsights', 'logFormat']);

/** `ESC` becomes the four characters `\x1b`, as in the access log itself; U+202E becomes `\u{202e}`. */
export const visible = (text: string): string =>
  text.replace(INVISIBLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });

const visibleLines = (text: string): string => text.split('\n').map(visible).join('\n');

const inside = (value: unknown, write: (text: string) => string): unknown => {
  if (typeof value === 'string') return write(value);
  if (Array.isArray(value)) return value.map((item) => inside(item, write));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [visible(key), inside(item, MULTILINE.has(key) ? visibleLines : write)]),
  );
};

/** The same diagnosis with every string, keys included, made of printable characters. */
export const visibleDiagnosis = (diagnosis: Diagnosis): Diagnosis => inside(diagnosis, visible) as Diagnosis;
