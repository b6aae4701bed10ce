/** The tables of docs/checks.md and docs/causes.md, from the definitions of checks and causes. */
import type { Cause } from '../diagnose/causes/cause.ts';
import { type Check, STEP_TITLES } from '../diagnose/checks/check.ts';
import { escapeControls } from '../format/escape-control-characters.ts';
import { markdownText } from './markdown.ts';

const cell = (text: string): string => markdownText(escapeControls(text));

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** The fields of a row; every check and cause has them, whatever evidence it declares. */
type CheckRow = Pick<Check, 'id' | 'step' | 'question' | 'reference'>;
type CauseRow = Pick<Cause, 'id' | 'title' | 'explanation' | 'reference'>;

/** One row per check, by step and then in the given order; ends in a newline. */
export const renderCheckTable = (checks: readonly CheckRow[]): string =>
  `${[
    row(['Step', 'Check', 'Question']),
    row(['-', '-', '-']),
    ...[...checks]
      .sort((a, b) => a.step - b.step)
      .map(({ id, step, question, reference }) =>
        row([`${step} ${cell(STEP_TITLES[step])}`, `[${id}](${reference})`, cell(question)]),
      ),
  ].join('\n')}\n`;

/** One row per cause, in the given order; ends in a newline. */
export const renderCauseTable = (causes: readonly CauseRow[]): string =>
  `${[
    row(['Cause', 'What it is']),
    row(['-', '-']),
    ...causes.map(({ id, title, explanation, reference }) =>
      row([`[${cell(title)}](${reference}) \`${id}\``, cell(explanation)]),
    ),
  ].join('\n')}\n`;
