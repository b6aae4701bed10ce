/** Which statuses are failures and which were asked for: in memory, and as SQL for Athena. Pure. */
import { statusRanges } from '../../evidence/statuses.ts';

/**
 * The client closed (460), sent too many X-Forwarded-For addresses (463), or used a version that does not fit the
 * target group (464).
 */
export const CLIENT_FAILURES: readonly number[] = [460, 463, 464];

/** 1 for each status from 0 to 999 that is a failure: 5xx, CLIENT_FAILURES or an asked status, from any source. */
export function failedStatuses(statuses: readonly string[]): Uint8Array {
  const ranges = [{ from: 500, to: 599 }, ...statusRanges(statuses)];
  return Uint8Array.from({ length: 1000 }, (_, status) =>
    Number(CLIENT_FAILURES.includes(status) || ranges.some(({ from, to }) => status >= from && status <= to)),
  );
}

/** Returns whether an entry has an asked status. Statuses are numbers, -1 for "-". */
export function askedMatcher(statuses: readonly string[]): (status: number, targetStatus: number) => boolean {
  const ranges = statusRanges(statuses);
  return (status, targetStatus) =>
    ranges.some(
      ({ from, to, madeBy }) =>
        status >= from && status <= to && (madeBy === 'anyone' || (madeBy === 'target') === (targetStatus === status)),
    );
}

/** The same as SQL. Both throw RangeError for a word that is not a status. */
export const askedSql = (statuses: readonly string[], status = 'status', targetStatus = 'target_status'): string =>
  anyOf(
    statusRanges(statuses).map(({ from, to, madeBy }) => {
      const maker = {
        anyone: '',
        target: ` AND ${targetStatus} = ${status}`,
        'load-balancer': ` AND ${targetStatus} <> ${status}`,
      };
      return `${between(status, from, to)}${maker[madeBy]}`;
    }),
  );

export const failedSql = (statuses: readonly string[]): string =>
  anyOf([
    'status BETWEEN 500 AND 599',
    `status IN (${CLIENT_FAILURES.join(', ')})`,
    ...statusRanges(statuses).map(({ from, to }) => between('status', from, to)),
  ]);

const between = (status: string, from: number, to: number): string =>
  from === to ? `${status} = ${whole(from)}` : `${status} BETWEEN ${whole(from)} AND ${whole(to)}`;

const anyOf = (conditions: readonly string[]): string => `(${conditions.join(' OR ')})`;

/** The only way a value enters a query: as a non-negative whole number. */
export function whole(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not a whole number`);
  return String(value);
}
