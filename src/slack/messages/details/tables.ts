/** Errors by target and by route, as a table. */

import type { types } from '@slack/bolt';
import type { Diagnosis, OwnedTargetResult } from '../../../diagnose/diagnosis.ts';
import { targetKey } from '../../../diagnose/targets/target-key.ts';
import { countErrors, groupBy, readTraffic, type Traffic, targetGroupName } from '../../../diagnose/traffic.ts';
import type { EvidenceSet } from '../../../evidence/evidence.ts';
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

export function byTargetAnswer(run: Run, diagnosis: Diagnosis, evidence: EvidenceSet): Message {
  const traffic = readRunTraffic(run, diagnosis, evidence);
  if (traffic === null) return noLogMessage(evidence);
  const errors = groupBy(traffic.errors, targetKey);
  const names = new Map((diagnosis.owners ?? []).map(({ target, name }) => [target, name]));
  const rows = [...groupBy(traffic.log.targets, targetKey)]
    .flatMap(([key, entries]) => {
      const [first] = entries;
      const failed = countErrors(errors.get(key) ?? []);
      const requests = entries.reduce((sum, entry) => sum + entry.requests, 0);
      return first === undefined || (requests === 0 && failed === 0) ? [] : [{ ...first, failed, requests }];
    })
    .sort((a, b) => b.failed - a.failed || b.requests - a.requests || (a.target < b.target ? -1 : 1));
  return table(
    'Errors by target',
    ['Target group', 'Target', 'Errors', 'Requests', 'Share'],
    rows.map(({ target_group_arn, target, failed, requests }) => [
      targetGroupName(target_group_arn),
      target === '-' ? 'none' : (names.get(target) ?? target),
      countCell(failed),
      countCell(requests),
      shareCell(failed, requests),
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

export function byRouteAnswer(run: Run, diagnosis: Diagnosis, evidence: EvidenceSet): Message {
  const traffic = readRunTraffic(run, diagnosis, evidence);
  if (traffic === null) return noLogMessage(evidence);
  const errors = groupBy(traffic.errors, ({ route }) => route);
  const rows = traffic.log.routes
    .map((entry) => ({ ...entry, failed: countErrors(errors.get(entry.route) ?? []) }))
    .filter(({ failed }) => failed > 0)
    .sort((a, b) => b.failed - a.failed || b.requests - a.requests || (a.route < b.route ? -1 : 1));
  return table(
    'Errors by route',
    ['Route', 'Errors', 'Requests', 'Share', 'Slowest success'],
    rows.map(({ route, failed, requests, succeeded, succeededMaxMs }) => [
      route,
      countCell(failed),
      countCell(requests),
      shareCell(failed, requests),
      succeeded > 0 ? { value: succeededMaxMs, words: seconds(succeededMaxMs / 1000) } : { value: 0, words: 'none' },
    ]),
  );
}

function readRunTraffic(run: Run, { asked }: Diagnosis, { accessLog }: EvidenceSet): Traffic | null {
  if (accessLog.status === 'unavailable') return null;
  const { name, arn } = run.loadBalancer;
  return readTraffic(accessLog.value, {
    loadBalancer: { name, arn },
    from: Date.parse(run.from),
    to: Date.parse(run.to),
    now: Date.parse(asked.now),
    statuses: run.statuses,
  });
}

const noLogMessage = ({ accessLog }: EvidenceSet): Message =>
  partsMessage([
    proseLine(
      `The access log was not read${accessLog.status === 'unavailable' ? `: ${sanitize(accessLog.reason)}` : ''}.`,
    ),
  ]);

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
