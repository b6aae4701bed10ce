/**
 * Escapes control characters. Paths, names, error_reason and rejected lines come from strangers: no control sequence or
 * bidirectional override may reach the reader.
 */

/**
 * Control, format (bidirectional overrides, zero width), private, unassigned, lone surrogates, line and paragraph
 * separators.
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

/** `ESC` becomes the four characters `\x1b`, as in the access log itself; U+202E becomes `\u{202e}`. */
export const escapeControls = (text: string): string =>
  text.replace(INVISIBLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
