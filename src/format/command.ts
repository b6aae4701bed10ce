/**
 * Builds printed commands. A user who pastes one into sh, bash or zsh runs exactly the words written here, with the
 * values as literal text. Commands contain no comments, which an interactive zsh runs as words.
 */
import { escapeControls } from './escape-control-characters.ts';

declare const built: unique symbol;

type Word = string | number | bigint;

/** A shell command; only `command` creates one. */
export type Command = string & { readonly [built]: true };

/** Characters without meaning in any shell; in zsh a word that starts with = names a program. */
const PLAIN = /^[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*$/;

/** Quotes a value as one word or part of one. Control characters become `\x1b`, which a terminal ignores. */
export function quote(value: Word): string {
  const text = escapeControls(String(value));
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Values that a program reads as an option, or the AWS CLI as a file. No AWS name starts like this. */
const NO_OPERAND = /^(?:-|fileb?:)/i;

/**
 * Builds a command from fixed text and values: each value is quoted, and a list becomes several words. The fixed text
 * must be a literal of this code base.
 */
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
