/**
 * The layout of a terminal page: lines that fit its width, labels in a column, and copyable text that is never broken.
 */
import type picocolors from 'picocolors';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

/** Page properties that every line needs. */
export interface Page {
  /** Display columns. */
  width: number;
  paint: ReturnType<typeof picocolors.createColors>;
}

/** Width of the label column: "For", "Ruled out", "Next step". */
const LABEL = 11;

/** Keeps a number with its unit: "60" and "s" stay on one line. */
const NUMBER_AND_UNIT = /(\d) (?=(?:s|ms|min|%|[kMGT]?B|UTC)(?![\p{L}\d]))/gu;
const NO_BREAK_SPACE = '\u00a0';

/** Keeps a count with its object: "13 × 502". */
const COUNT_OF = /(\d) × /g;

/** An AWS CLI command in a sentence: its options, each with a value and further Key=Value pairs. */
const COMMAND = /\baws [a-z0-9-]+ [a-z0-9-]+(?: --[a-z0-9-]+(?: [^\s,;-][^\s;]*(?: [^\s=,;]+=[^\s;]*)*)?)+/g;

/** Copyable names: ARNs, S3 locations and log files. Longer text is something else. */
const COPYABLE = /(?:^|[\s("'`])(?:arn:aws[a-z-]*:|s3:\/\/|(?:[\w!.*'()-]+\/){0,9}AWSLogs\/)\S{1,500}(?:\s|$)/;

/**
 * Wraps text to `width` columns; the first line starts with `first`, the others with `rest`. Copyable text is not
 * broken, and gets its own line if it is too long.
 */
export const wrap = (text: string, width: number, first = '', rest = first): string[] => {
  const room = Math.max(16, width - Math.max(stringWidth(first), stringWidth(rest)));
  const unbreakable = text
    .replace(NUMBER_AND_UNIT, `$1${NO_BREAK_SPACE}`)
    .replace(COUNT_OF, `$1${NO_BREAK_SPACE}×${NO_BREAK_SPACE}`)
    .replace(COMMAND, (command) => command.replaceAll(' ', NO_BREAK_SPACE));
  const isCopyable = (words: string): boolean => COPYABLE.test(words) || words.includes(`aws${NO_BREAK_SPACE}`);
  const breakLines = (words: string): string[] => wrapAnsi(words, room, { hard: true }).split('\n');
  const lines = isCopyable(unbreakable)
    ? wrapAnsi(unbreakable, room, { hard: false })
        .split('\n')
        .flatMap((line) => (isCopyable(line) ? [line] : breakLines(line)))
    : breakLines(unbreakable);
  return lines.map((line, index) => `${index === 0 ? first : rest}${line.replaceAll(NO_BREAK_SPACE, ' ')}`.trimEnd());
};

/** A label in its column and its sentences next to it, each with a hanging indent. */
export const labelledLines = (page: Page, label: string, sentences: readonly string[], indent = ''): string[] =>
  sentences.flatMap((sentence, index) => {
    const hanging = `${indent}${' '.repeat(LABEL)}`;
    const [start = '', ...others] = wrap(sentence, page.width, hanging, `${hanging}  `);
    if (index > 0) return [start, ...others];
    return [`${indent}${page.paint.bold(label.padEnd(LABEL))}${start.slice(hanging.length)}`.trimEnd(), ...others];
  });

/** Copyable text: whole lines of any length. */
export const verbatim = (text: string, indent: string): string[] =>
  text.split('\n').map((line) => `${indent}${line}`.trimEnd());

/** Splits a long AWS command into lines, one option each, still one command. Leaves quoted text alone. */
export const breakCommand = (command: string, width: number): string =>
  /^aws [^"\n\\]+$/.test(command) && command.length > width
    ? command.replace(/'[^']*'| (?=--)/g, (part) => (part === ' ' ? ' \\\n  ' : part))
    : command;

export const headingLines = (page: Page, text: string, aside = ''): string[] => {
  const lines = wrap(aside === '' ? text : `${text}  ${aside}`, page.width);
  return ['', ...lines.map(page.paint.bold)];
};
