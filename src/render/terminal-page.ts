/** The page of a terminal: lines that fit its width, labels in a column, and text to copy that is never broken. */
import type picocolors from 'picocolors';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

/** What every line needs to know about the page it stands on. */
export interface Page {
  /** Display columns. */
  width: number;
  paint: ReturnType<typeof picocolors.createColors>;
}

/** Width of the column that holds "For", "Ruled out", "Next step". */
const LABEL = 11;

/** A number stays with its unit: "60" and "s" never end up on two lines. */
const NUMBER_AND_UNIT = /(\d) (?=(?:s|ms|min|%|[kMGT]?B|UTC)(?![\p{L}\d]))/gu;
const NO_BREAK_SPACE = '\u00a0';

/** A count stays with what it counts: "13 × 502". */
const COUNT_OF = /(\d) × /g;

/** A command of the AWS CLI in a sentence: its options, each with a value and more of the form Key=Value. */
const COMMAND = /\baws [a-z0-9-]+ [a-z0-9-]+(?: --[a-z0-9-]+(?: [^\s,;-][^\s;]*(?: [^\s=,;]+=[^\s;]*)*)?)+/g;

/** Names that are copied: ARNs, places in S3 and log files. Longer than any of them is something else. */
const COPYABLE = /(?:^|[\s("'`])(?:arn:aws[a-z-]*:|s3:\/\/|(?:[\w!.*'()-]+\/){0,9}AWSLogs\/)\S{1,500}(?:\s|$)/;

/**
 * Lines of at most `width` columns; the first starts with `first`, the others with `rest`. What is copied is not broken, and has a line of
 * its own where it is too long.
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

/** A label in its column and its sentences beside it, each with a hanging indent. */
export const labelledLines = (page: Page, label: string, sentences: readonly string[], indent = ''): string[] =>
  sentences.flatMap((sentence, index) => {
    const hanging = `${indent}${' '.repeat(LABEL)}`;
    const [start = '', ...others] = wrap(sentence, page.width, hanging, `${hanging}  `);
    if (index > 0) return [start, ...others];
    return [`${indent}${page.paint.bold(label.padEnd(LABEL))}${start.slice(hanging.length)}`.trimEnd(), ...others];
  });

/** Text to copy: whole lines, whatever their length. */
export const verbatim = (text: string, indent: string): string[] =>
  text.split('\n').map((line) => `${indent}${line}`.trimEnd());

/** A long AWS command on several lines, one option each, still one command. Quoted text is left alone. */
export const breakCommand = (command: string, width: number): string =>
  /^aws [^"\n\\]+$/.test(command) && command.length > width
    ? command.replace(/'[^']*'| (?=--)/g, (part) => (part === ' ' ? ' \\\n  ' : part))
    : command;

export const headingLines = (page: Page, text: string, aside = ''): string[] => {
  const lines = wrap(aside === '' ? text : `${text}  ${aside}`, page.width);
  return ['', ...lines.map(page.paint.bold)];
};
