/** Errors by target and by route, as a table. */

import type { types } from '@slack/bolt';
import type { Diagnosis, OwnedTargetResult } from '../../../diagnose/diagnosis.ts';
import type { LogDetails } from '../../../diagnose/log-details.ts';
import type { Collected } from '../../../evidence/collected.ts';
import { number, percent, plural, seconds } from '../../../format/wording.ts';
import type { Run } from '../../../runs/run.ts';
import type { Message, SlackBlock } from '../message.ts';
import { buttonRow, detailButton } from '../message-buttons.ts';
import { sanitize } from '../redact-text.ts';
import {
  alignColumns,
  copyable,
  line,
  type MessagePart,
  messageText,
  partsMessage,
  proseLine,
  richText,
  truncate,
} from '../rich-text.ts';
import { revisionOf, serviceOf } from './owners.ts';

/**
 * Slack's data table, which people sort by column and page through. Limits: 100 rows without the head, and 10,000
 * characters in all cells (https://docs.slack.dev/reference/block-kit/blocks/data-table-block); the head counts
 * separately.
 */
const MAX_ROWS = 100;
const PAGE_SIZE = 10;
const MAX_CHARACTERS = 9_800;
/** Maximum rows of the table as text. */
const MAX_TEXT_ROWS = 20;
/** Characters of a name in a cell. */
const MAX_CELL = 100;

export function byTargetAnswer(run: Run, diagnosis: Diagnosis, log: Collected<LogDetails>): Message {
  if (log.status === 'unavailable') return noLogMessage(log.reason);
  const names = new Map((diagnosis.owners ?? []).map(({ target, name }) => [target, name]));
  return table(
    'Errors by target',
    ['Target group', 'Target', 'Errors', 'Requests', 'Share'],
    log.value.byTarget.map(({ targetGroup, target, errors, requests }) => [
      targetGroup,
      target === '-' ? 'none' : (names.get(target) ?? target),
      countCell(errors),
      countCell(requests),
      shareCell(errors, requests),
    ]),
    ownerButtons(run, diagnosis),
  );
}

/** Buttons for the errors by owner, if there are several owners or targets that stopped. */
function ownerButtons({ id: run }: Run, { owners = [] }: Diagnosis): SlackBlock[] {
  const tells = (nameOf: (owner: OwnedTargetResult) => string) => new Set(owners.map(nameOf)).size > 1;
  const buttons = [
    ...(tells(serviceOf) || owners.some(({ stopped }) => stopped !== null)
      ? [detailButton('By service', 'by-service', { run })]
      : []),
    ...(tells(revisionOf) ? [detailButton('By revision', 'by-revision', { run })] : []),
  ];
  return buttons.length === 0 ? [] : buttonRow(...buttons);
}

export function byRouteAnswer(log: Collected<LogDetails>): Message {
  if (log.status === 'unavailable') return noLogMessage(log.reason);
  return table(
    'Errors by route',
    ['Route', 'Errors', 'Requests', 'Share', 'Slowest success'],
    log.value.byRoute.map(({ route, errors, requests, slowestSuccess }) => [
      route,
      countCell(errors),
      countCell(requests),
      shareCell(errors, requests),
      slowestSuccess === null
        ? { value: 0, words: 'none' }
        : { value: slowestSuccess, words: seconds(slowestSuccess / 1000) },
    ]),
  );
}

const noLogMessage = (reason: string): Message =>
  partsMessage([proseLine(`The access log was not read${reason === '' ? '' : `: ${sanitize(reason)}`}.`)]);

/** A cell: text, or a number that Slack sorts by and the text to show for it. */
type Cell = string | { value: number; words: string };

export const countCell = (value: number): Cell => ({ value, words: number(value) });

/** "48 %"; a share of nothing sorts as 0. */
export const shareCell = (part: number, whole: number): Cell =>
  whole === 0
    ? { value: 0, words: '–' }
    : { value: Math.min(1, part / whole), words: percent(Math.min(1, part / whole)) };

const wordsOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.words);

/**
 * The table, its first rows as sentences, and the same as text to fall back to. A column of numbers contains only
 * numbers.
 */
export function table(
  title: string,
  head: string[],
  all: readonly Cell[][],
  after: readonly SlackBlock[] = [],
): Message {
  const rows = fittingRows(all);
  if (rows.length === 0) return partsMessage([line('The access log has no such request.')]);
  const texts = rows.map((row) => row.map(wordsOf));
  const lines: MessagePart[] = [
    line(`${title}, ${plural(all.length, 'row')}.`),
    ...texts
      .slice(0, 5)
      .map((row): MessagePart => ({ line: [row.map((cell, index) => `${head[index] ?? ''} ${cell}`).join(', ')] })),
  ];
  const block: types.DataTableBlock = {
    type: 'data_table',
    caption: title,
    page_size: PAGE_SIZE,
    rows: [head.map((text) => ({ type: 'raw_text', text })), ...rows.map((row) => row.map(cellElement))],
  };
  const right = head.flatMap((_, column) => (rows.every((row) => typeof row[column] === 'object') ? [column] : []));
  return {
    text: messageText(lines),
    blocks: [block, ...richText(moreLine(all.length - rows.length)), ...after],
    plainBlocks: [
      ...richText([
        line({ bold: title }),
        copyable(alignColumns([head, ...texts.slice(0, MAX_TEXT_ROWS)], right)),
        ...moreLine(all.length - Math.min(rows.length, MAX_TEXT_ROWS)),
      ]),
      ...after,
    ],
  };
}

const moreLine = (left: number): MessagePart[] => (left > 0 ? [line({ italic: `… and ${number(left)} more` })] : []);

const cellElement = (cell: Cell): types.RawTextElement | types.RawNumberElement =>
  typeof cell === 'string'
    ? { type: 'raw_text', text: cell }
    : { type: 'raw_number', value: cell.value, text: cell.words };

/** The first rows, sanitized, as many as a table can hold. */
function fittingRows(all: readonly Cell[][]): Cell[][] {
  let left = MAX_CHARACTERS;
  return all
    .slice(0, MAX_ROWS)
    .map((row) => row.map((cell) => (typeof cell === 'string' ? truncate(sanitize(cell), MAX_CELL) || '–' : cell)))
    .filter((row) => {
      left -= row.reduce((sum, cell) => sum + wordsOf(cell).length, 0);
      return left >= 0;
    });
}
