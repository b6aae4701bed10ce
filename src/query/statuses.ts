/** Which errors a question is about: the words for them, and whether a status of the log is meant. Pure. */
import * as z from 'zod';
import { quoteInput } from './quote-input.ts';

/** Asked for when a question names none. */
export const DEFAULT_STATUSES: readonly string[] = ['5xx'];

/** A word that can only be meant as a status, right or wrong: "502", "5xx", "999". */
export const isStatusWord = (word: string): boolean => /^(?:[0-9]{3}|[0-9]xx)$/i.test(word);

/** "502", or "5xx" for a class; "000" is what the log has when an HTTP/2 client is told to go away. */
export const Status = z
  .string()
  .toLowerCase()
  .regex(/^(?:000|[45](?:[0-9]{2}|xx))$/, {
    error: ({ input }) =>
      `${quoteInput(input)} is not an error status. Use 400 to 599, 4xx, 5xx or 000, such as "502 504".`,
  });

/** Whether a status of the log is one of those asked for: "502" is itself, "5xx" every status that begins with 5. */
export function statusMatcher(statuses: readonly string[]): (elb_status_code: string) => boolean {
  const exact = new Set(statuses);
  const classes = new Set(statuses.filter((status) => status.endsWith('xx')).map((status) => status[0]));
  return (status) => exact.has(status) || classes.has(status[0]);
}
