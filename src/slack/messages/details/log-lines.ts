/** Failed requests from the access log, without query strings, tokens and client addresses. */

import type { LogDetails } from '../../../diagnose/log-details.ts';
import type { FailedRequest } from '../../../evidence/access-log.ts';
import type { Collected } from '../../../evidence/collected.ts';
import { iso, number, outOf, plural } from '../../../format/wording.ts';
import { statusWords } from '../../../render/phrases.ts';
import type { Run } from '../../../runs/run.ts';
import type { FileMessage, Message } from '../message.ts';
import { sanitize } from '../redact-text.ts';
import { alignColumns, copyable, line, partsMessage, proseLine, truncate } from '../rich-text.ts';
import { detailFile } from './text-file.ts';

const MAX_ROWS_IN_THREAD = 12;
const MAX_ROWS_IN_FILE = 2000;

const HEAD = [
  'time (UTC)',
  'elb',
  'target',
  'request s',
  'target s',
  'response s',
  'target address',
  'route',
  'reason',
  'client',
  'trace ID',
];

export function logLinesAnswer(run: Run, log: Collected<LogDetails>): Message | FileMessage {
  if (log.status === 'unavailable')
    return partsMessage([proseLine(`There are no log lines: ${sanitize(log.reason)}.`)]);
  const { failed: rows, errors, isWhole } = log.value;
  if (rows.length === 0)
    return partsMessage([line(`The access log has no request with ${truncate(statusWords(run.statuses), 100)}.`)]);
  const shownRows = rows.slice(0, rows.length <= MAX_ROWS_IN_THREAD ? MAX_ROWS_IN_THREAD : MAX_ROWS_IN_FILE);
  const isAll = shownRows.length === rows.length && isWhole;
  const title = `${isAll ? plural(rows.length, 'failed request') : `${outOf(shownRows.length, Math.max(rows.length, errors))} failed requests`} as logged`;
  const note = 'Values as logged (-1: none). Query strings are left out; clients are numbered.';
  const text = alignColumns([HEAD, ...shownRows.map(cells)]);
  if (rows.length <= MAX_ROWS_IN_THREAD)
    return partsMessage([line({ bold: title }), copyable(text), line({ italic: note })]);
  const { name, arn } = run.loadBalancer;
  return detailFile(
    { loadBalancer: { name, arn }, window: { from: run.from, to: run.to } },
    'log-lines',
    'txt',
    `${text}\n`,
    `${title}. ${note}`,
  );
}

function cells(row: FailedRequest): string[] {
  const texts = [
    iso(Math.floor(row.at)).replace('T', ' ').replace('Z', ''),
    row.elb_status_code,
    row.target_status_code,
    seconds(row.request_processing_time),
    seconds(row.target_processing_time),
    seconds(row.response_processing_time),
    row.target,
    row.route,
    row.error_reason,
    number(row.client),
    row.trace_id,
  ];
  return texts.map((text) => truncate(sanitize(text), 120));
}

const seconds = (value: number): string => (value < 0 ? '-1' : value.toFixed(3));
