/** Which statuses are failures and which were asked for. Pure; athena/status-sql.ts says the same as SQL. */
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
