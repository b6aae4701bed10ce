/**
 * Commands as they are printed. Whoever pastes one into sh, bash or zsh runs the words written here with the values given, whatever
 * these hold. Comments are left out: an interactive zsh runs them as words.
 */
import { escapeControls } from './escape-control-characters.ts';

declare const built: unique symbol;

type Word = string | number | bigint;

/** A line for a shell. Only `command` makes one. */
export type Command = string & { readonly [built]: true };

/** Characters that no shell gives a meaning to; in zsh a word that starts with = names a program. */
const PLAIN = /^[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*$/;

/** A value as one word, or as part of one. Control characters come out as `\x1b`, which a terminal does not act on. */
export function quote(value: Word): string {
  const text = escapeControls(String(value));
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** What a program takes for an option, and the AWS CLI for a file to read: no name of anything in AWS begins so. */
const NO_OPERAND = /^(?:-|fileb?:)/i;

/** A command from fixed text and values: each value is quoted, a list of values becomes as many words. Fixed text is written by us alone. */
export function command(text: TemplateStringsArray, ...values: readonly (Word | readonly Word[])[]): Command {
  const words = values.map((value, index) => {
    if (typeof value === 'object') return value.map(quote).join(' ');
    const isWord = /(?:^|\s)$/.test(text[index] ?? '');
    return quote(isWord && NO_OPERAND.test(String(value)) ? '<not a name>' : value);
  });
  return text
    .map((part, index) => part + (words[index] ?? ''))
    .join('')
    .trimEnd() as Command;
}
