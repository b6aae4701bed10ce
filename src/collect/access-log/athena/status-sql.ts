/** The conditions of failed-statuses.ts as SQL. Pure. */
import { statusRanges } from '../../../evidence/statuses.ts';
import { CLIENT_FAILURES } from '../failed-statuses.ts';
import { whole } from './statement.ts';

/** Whether an entry has an asked status. Throws RangeError for a word that is not a status. */
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

/** Whether a status is a failure: 5xx, CLIENT_FAILURES or an asked status, from any source. Throws as askedSql does. */
export const failedSql = (statuses: readonly string[]): string =>
  anyOf([
    'status BETWEEN 500 AND 599',
    `status IN (${CLIENT_FAILURES.join(', ')})`,
    ...statusRanges(statuses).map(({ from, to }) => between('status', from, to)),
  ]);

const between = (status: string, from: number, to: number): string =>
  from === to ? `${status} = ${whole(from)}` : `${status} BETWEEN ${whole(from)} AND ${whole(to)}`;

const anyOf = (conditions: readonly string[]): string => `(${conditions.join(' OR ')})`;
