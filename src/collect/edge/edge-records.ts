/** Reads records of CloudFront standard logs in all delivered formats and counts their 5xx. Pure. */
import type { EdgeErrorCount } from '../../evidence/edge.ts';
import type { Window } from '../../evidence/question.ts';

/** Values by field name as in a W3C file: "sc-status", "x-host-header". */
type EdgeRecord = Record<string, string>;

/**
 * Returns "cs-host" for "cs(Host)" and "sc-status" for "sc_status": JSON, Parquet and W3C spell the names differently.
 */
export const edgeFieldName = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

/** Plain records do not name their fields; the delivery does. */
interface RecordForm {
  fields: readonly string[];
  delimiter: string | null;
}

/** Returns a function that parses the lines of one file; it returns null for a header or invalid line. */
export function edgeLineReader({ fields, delimiter }: RecordForm): (line: string) => EdgeRecord | null {
  let names = fields.map(edgeFieldName);
  return (line) => {
    if (line.startsWith('{')) return jsonRecord(line);
    if (line.startsWith('#')) {
      const [, listed] = /^#Fields:\s*(.*)$/.exec(line) ?? [];
      if (listed !== undefined) names = listed.trim().split(/\s+/).map(edgeFieldName);
      return null;
    }
    const values = line.split(delimiter ?? '\t');
    if (names.length === 0 || values.length < names.length) return null;
    return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
  };
}

function jsonRecord(line: string): EdgeRecord | null {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed !== 'object' || parsed === null) return null;
    return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [edgeFieldName(name), String(value)]));
  } catch {
    return null;
  }
}

/** When CloudFront finished the response, in epoch milliseconds; null if not recorded. */
function timeOf(record: EdgeRecord): number | null {
  const { date, time, timestamp } = record;
  const at =
    date !== undefined && time !== undefined
      ? Date.parse(`${date}T${time}Z`)
      : Number(record['timestamp-ms'] ?? Number(timestamp) * 1000);
  return Number.isFinite(at) ? at : null;
}

/**
 * Whether the distribution's certificate covers a host; a wildcard covers one label. Clients should not use the
 * CloudFront name of a distribution that has aliases.
 */
export function isOwnHost(host: string, { aliases, domainName }: { aliases: readonly string[]; domainName: string }) {
  const asked = host.toLowerCase().replace(/:[0-9]+$/, '');
  const names = aliases.length === 0 ? [domainName] : aliases;
  return names.some((name) => {
    const own = name.toLowerCase();
    return own.startsWith('*.') ? asked.slice(asked.indexOf('.')) === own.slice(1) : asked === own;
  });
}

export interface EdgeCounter {
  add(record: EdgeRecord): void;
  /** Returns how many records of the window were seen, and their 5xx. */
  counted(): { requests: number; untimed: number; errors: EdgeErrorCount[] };
}

/** Returns a counter for the records of a window. */
export function edgeCounter(window: Window, names: { aliases: readonly string[]; domainName: string }): EdgeCounter {
  const errors = new Map<string, EdgeErrorCount>();
  let [requests, untimed] = [0, 0];
  return {
    add(record) {
      const at = timeOf(record);
      if (at === null) {
        untimed += 1;
        return;
      }
      if (at < window.from || at >= window.to) return;
      requests += 1;
      if (/^5[0-9]{2}$/.test(record['sc-status'] ?? '')) countError(errors, errorOf(record, names), 1);
    },
    counted: () => ({ requests, untimed, errors: sortedErrors([...errors.values()]) }),
  };
}

/** Returns the counted properties of a 5xx. Result types that AWS would not write become "-". */
export function errorOf(
  record: EdgeRecord,
  names: { aliases: readonly string[]; domainName: string },
): Omit<EdgeErrorCount, 'requests'> {
  const typeIn = (field: string) => (/^[A-Za-z]{1,60}$/.test(record[field] ?? '') ? (record[field] ?? '-') : '-');
  const host = record['x-host-header'];
  return {
    status: /^5[0-9]{2}$/.test(record['sc-status'] ?? '') ? (record['sc-status'] ?? '') : '5xx',
    resultType: typeIn('x-edge-result-type'),
    detailedResultType: typeIn('x-edge-detailed-result-type'),
    isOwnHost: host === undefined || host === '-' ? null : isOwnHost(host, names),
  };
}

const keyOf = ({ status, resultType, detailedResultType, isOwnHost: own }: Omit<EdgeErrorCount, 'requests'>) =>
  `${status} ${resultType} ${detailedResultType} ${own}`;

export function countError(
  errors: Map<string, EdgeErrorCount>,
  error: Omit<EdgeErrorCount, 'requests'>,
  requests: number,
): void {
  const key = keyOf(error);
  errors.set(key, { ...error, requests: (errors.get(key)?.requests ?? 0) + requests });
}

/** Sorts by number of requests, descending. */
export const sortedErrors = (errors: readonly EdgeErrorCount[]): EdgeErrorCount[] =>
  [...errors].sort((a, b) => b.requests - a.requests || (keyOf(a) < keyOf(b) ? -1 : 1));
