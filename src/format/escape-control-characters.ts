/**
 * Escapes control characters. Paths, names, error_reason and rejected lines come from strangers, so each renderer first
 * passes the whole diagnosis through here: no control sequence or bidirectional override reaches the reader.
 */
import type { Diagnosis } from '../diagnose/diagnosis.ts';

/**
 * Control, format (bidirectional overrides, zero width), private, unassigned, lone surrogates, line and paragraph
 * separators.
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

/** Fields users copy: they keep line breaks and skip prose escaping. */
const COPIED_FIELDS = new Set([
  'commands',
  'settings',
  'sources',
  'ids',
  'grep',
  'logsInsights',
  'logFormat',
  'reference',
  'iamStatement',
]);

/** `ESC` becomes the four characters `\x1b`, as in the access log itself; U+202E becomes `\u{202e}`. */
export const escapeControls = (text: string): string =>
  text.replace(INVISIBLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });

const escapeControlsInLines = (text: string): string => text.split('\n').map(escapeControls).join('\n');

const mapStrings = (value: unknown, transform: (text: string) => string): unknown => {
  if (typeof value === 'string') return transform(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, transform));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      transform(key),
      mapStrings(item, COPIED_FIELDS.has(key) ? escapeControlsInLines : transform),
    ]),
  );
};

/**
 * Returns the diagnosis with every string, including keys, in printable characters, and prose escaped for its format.
 * Ids, times and standings stay unchanged, since no format gives their characters a meaning.
 */
export const escapeDiagnosis = (
  diagnosis: Diagnosis,
  escapeProse: (text: string) => string = (text) => text,
): Diagnosis => mapStrings(diagnosis, (text) => escapeProse(escapeControls(text))) as Diagnosis;
