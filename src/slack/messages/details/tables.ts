/** Errors by target and by route, as a table. */
import type { types } from '@slack/bolt';
import type { Diagnosis } from '../../../diagnose/diagnosis.ts';
import { countErrors, groupBy, readTraffic, type Traffic, targetGroupName } from '../../../diagnose/traffic.ts';
import type { EvidenceSet } from '../../../evidence/evidence.ts';
import { number, percent, plural, seconds } from '../../../format/wording.ts';
import type { Run } from '../../../runs/run.ts';
import type { Message } from '../message.ts';
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

const MAX_ROWS = 20;
/** Letters of a name in a cell: a table holds 10,000 in all. */
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
      number(failed),
      number(requests),
      share(failed, requests),
    ]),
    [2, 3, 4],
  );
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
      number(failed),
      number(requests),
      share(failed, requests),
      succeeded > 0 ? seconds(succeededMaxMs / 1000) : 'none',
    ]),
    [1, 2, 3, 4],
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

const targetKey = ({ target_group_arn, target }: { target_group_arn: string; target: string }): string =>
  `${target_group_arn} ${target}`;

export const share = (part: number, whole: number): string => (whole === 0 ? '–' : percent(Math.min(1, part / whole)));

/** The table, its first rows in words, and the same in text to fall back to. */
export function table(title: string, head: string[], all: string[][], right: number[]): Message {
  const rows = all.slice(0, MAX_ROWS).map((row) => row.map((cell) => truncate(sanitize(cell), MAX_CELL) || '–'));
  if (rows.length === 0) return partsMessage([line('The log that was read holds no such request.')]);
  const heading = line({ bold: title });
  const left = all.length - rows.length;
  const more: MessagePart[] = left > 0 ? [line({ italic: `… and ${number(left)} more` })] : [];
  const lines: MessagePart[] = [
    line(`${title}, ${plural(all.length, 'row')}.`),
    ...rows
      .slice(0, 5)
      .map((row): MessagePart => ({ line: [row.map((cell, index) => `${head[index] ?? ''} ${cell}`).join(', ')] })),
  ];
  const block: types.TableBlock = {
    type: 'table',
    rows: [head, ...rows].map((row) => row.map((text) => ({ type: 'raw_text', text }))),
    column_settings: head.map((_, index) => ({ align: right.includes(index) ? 'right' : 'left', is_wrapped: true })),
  };
  return {
    text: messageText(lines),
    blocks: [...richText([heading]), block, ...richText(more)],
    plainBlocks: richText([heading, copyable(alignColumns([head, ...rows], right)), ...more]),
  };
}
