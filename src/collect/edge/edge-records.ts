/** Records of CloudFront standard logs in every form they are delivered in, and the 5xx among them. Pure. */
import type { EdgeErrorCount } from '../../evidence/edge.ts';
import type { Window } from '../../evidence/evidence.ts';

/** Values by name as in a W3C file: "sc-status", "x-host-header". */
export type EdgeRecord = Record<string, string>;

/** "cs(Host)" and "sc_status" as "cs-host" and "sc-status": JSON, Parquet and W3C spell the fields differently. */
export const edgeFieldName = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

/** What delivers plain records says in which order their fields stand. */
export interface RecordForm {
  fields: readonly string[];
  delimiter: string | null;
}

/** Reads the lines of one file: a W3C file names its fields on a line of its own. Null for a line that is no record. */
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

/** When CloudFront ended its answer, epoch milliseconds; null where the record does not say. */
function timeOf(record: EdgeRecord): number | null {
  const { date, time, timestamp } = record;
  const at =
    date !== undefined && time !== undefined
      ? Date.parse(`${date}T${time}Z`)
      : Number(record['timestamp-ms'] ?? Number(timestamp) * 1000);
  return Number.isFinite(at) ? at : null;
}

/**
 * Whether a certificate for the names of a distribution covers a host: a wildcard stands for one label. A distribution with names of its
 * own is not meant to be asked by the name that CloudFront gave it.
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
  /** Records of the window, and the 5xx among them. */
  counted(): { requests: number; untimed: number; errors: EdgeErrorCount[] };
}

/** Counts the records of a window. */
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

/** What is counted of a 5xx. Names of result types are kept only in the form that AWS gives them. */
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

/** The most requests first. */
export const sortedErrors = (errors: readonly EdgeErrorCount[]): EdgeErrorCount[] =>
  [...errors].sort((a, b) => b.requests - a.requests || (keyOf(a) < keyOf(b) ? -1 : 1));
