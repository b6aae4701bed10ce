/** Counts the messages of an access log by queries, if there are too many to fetch. */
import type { Question } from '../../../evidence/question.ts';
import { statusRanges } from '../../../evidence/statuses.ts';
import { CLIENT_FAILURES } from '../failed-statuses.ts';
import { grouped, least, type PlaceRow, placeKey, sum } from '../place-traffic.ts';
import { inHalves } from './in-halves.ts';
import { askRows, type LogGroup, ROWS_AT_MOST, type Seconds } from './insights.ts';
import { type FieldParser, ownMessages, statusPattern } from './message-fields.ts';

const MINUTE_MS = 60_000;

export interface CountedMessages {
  places: PlaceRow[];
  /** By minute, epoch milliseconds, ascending; `requests` counts those inside the window. */
  minutes: { minute: number; lines: number; requests: number; failures: number }[];
  /** Messages without a time or a status. */
  rejected: number;
  /** Epoch seconds in which some messages were not counted. */
  cut: number[];
}

type CountQuestion = Pick<Question, 'from' | 'to' | 'statuses'>;

/** Returns a function that recognises failures by status alone, as in `AccessLog.failures`. */
function failureStatus(statuses: readonly string[]): (status: number) => boolean {
  const ranges = statusRanges(statuses);
  return (status) =>
    (status >= 500 && status <= 599) ||
    CLIENT_FAILURES.includes(status) ||
    ranges.some(({ from, to }) => status >= from && status <= to);
}

/** Returns the query for the messages of failures. */
export const failuresQuery = (group: LogGroup, take: FieldParser, { statuses }: CountQuestion): string =>
  [
    ...ownMessages(group, take),
    take('elb_status_code', 'elb_status'),
    `filter elb_status like /${statusPattern(failureStatus(statuses))}/`,
    'sort @timestamp asc',
  ].join(' | ');

const KEYS = ['moment', 'target_group', 'target', 'node', 'elb_status', 'target_status'] as const;

function countQuery(group: LogGroup, take: FieldParser, asked: CountQuestion): string {
  return [
    ...ownMessages(group, take),
    take('time', 'moment', momentPattern(asked)),
    take('time', 'ended'),
    take('target_group_arn', 'target_group'),
    take('target_port', 'target'),
    take('ip_address', 'node'),
    take('elb_status_code', 'elb_status'),
    take('target_status_code', 'target_status'),
    `stats count(*) as lines, min(ended) as first, max(ended) as last by ${KEYS.join(', ')}`,
  ].join(' | ');
}

/**
 * A pattern that cuts a time to its minute; in a minute at the edge of the window to the second, in a second at the
 * edge to the millisecond.
 */
function momentPattern({ from, to }: CountQuestion): string {
  const edges = [from, to].filter((edge) => edge % MINUTE_MS !== 0).map((edge) => new Date(edge).toISOString());
  const text = (iso: string, length: number) => iso.slice(0, length).replace('T', '[T ]');
  return [
    ...edges.filter((iso) => !iso.endsWith('.000Z')).map((iso) => `${text(iso, 19)}[.][0-9]{3}`),
    ...edges.map((iso) => `${text(iso, 16)}:[0-9]{2}`),
    '[^",]{16}',
  ].join('|');
}

type CountedRow = PlaceRow & { minute: number };

/** Rejects with AccessLogError. */
export async function countMessages(
  { group, range, take, asked }: { group: LogGroup; range: Seconds; take: FieldParser; asked: CountQuestion },
  onScan: (bytes: number) => unknown,
): Promise<CountedMessages> {
  const query = countQuery(group, take, asked);
  const isFailure = failureStatus(asked.statuses);
  const counted: CountedRow[] = [];
  let rejected = 0;
  const cut = await inHalves(
    range,
    1,
    (slice) => askRows(group, slice, { query, limit: ROWS_AT_MOST }, onScan),
    (rows) => {
      for (const row of rows) {
        const one = countedRow(row, asked, isFailure);
        if (one === null) rejected += Number(row.lines ?? 0);
        else counted.push(one);
      }
    },
  );
  return { places: sumOfPlaces(counted), minutes: sumOfMinutes(counted), rejected, cut };
}

function countedRow(
  row: Readonly<Record<string, string>>,
  { from, to }: CountQuestion,
  isFailure: (status: number) => boolean,
): CountedRow | null {
  const { moment = '', lines = '', elb_status = '', target_status = '' } = row;
  const at = Date.parse(`${moment.replace(' ', 'T')}${moment.length === 16 ? ':00' : ''}Z`);
  const count = Number(lines);
  if (!Number.isFinite(at) || !/^[0-9]{1,3}$/.test(elb_status) || !(count > 0)) return null;
  const requests = at >= from && at < to ? count : 0;
  return {
    target_group_arn: row.target_group || '-',
    target: row.target || '-',
    node: row.node || '-',
    status: Number(elb_status),
    target_status: /^[0-9]{1,3}$/.test(target_status) ? Number(target_status) : -1,
    minute: at - (at % MINUTE_MS),
    lines: count,
    requests,
    failures: isFailure(Number(elb_status)) ? requests : 0,
    first: microseconds(row.first ?? '') ?? at * 1000,
    last: microseconds(row.last ?? '') ?? at * 1000,
  };
}

/** Parses ISO 8601; null for any other text. */
function microseconds(text: string): number | null {
  const [, seconds, decimals = ''] =
    /^([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.]([0-9]{1,9}))?(?:Z|[+]00:?00)?$/.exec(text) ?? [];
  if (seconds === undefined) return null;
  return Date.parse(`${seconds.replace(' ', 'T')}Z`) * 1000 + Number(decimals.slice(0, 6).padEnd(6, '0'));
}

const placeAndStatus = (row: PlaceRow): string => `${placeKey(row)}"${row.status}"${row.target_status}`;

const sumOfPlaces = (rows: readonly CountedRow[]): PlaceRow[] =>
  grouped(rows, placeAndStatus).flatMap((same) => {
    const [one] = same;
    if (one === undefined) return [];
    const { minute: _, ...place } = one;
    return {
      ...place,
      lines: sum(same.map(({ lines }) => lines)),
      requests: sum(same.map(({ requests }) => requests)),
      failures: sum(same.map(({ failures }) => failures)),
      first: least(same.map(({ first }) => first)),
      last: -least(same.map(({ last }) => -last)),
    };
  });

const sumOfMinutes = (rows: readonly CountedRow[]): CountedMessages['minutes'] =>
  grouped(rows, ({ minute }) => String(minute))
    .map((same) => ({
      minute: same[0]?.minute ?? 0,
      lines: sum(same.map(({ lines }) => lines)),
      requests: sum(same.map(({ requests }) => requests)),
      failures: sum(same.map(({ failures }) => failures)),
    }))
    .sort((a, b) => a.minute - b.minute);
