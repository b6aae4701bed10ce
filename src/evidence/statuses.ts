/** Parses the errors of a question and matches log entries against them. Pure. */
/**
 * Default for a question without statuses: every 5xx the load balancer generated, and 502, 503 and 504 from any source.
 */
export const GATEWAY = 'gateway';
export const DEFAULT_STATUSES: readonly string[] = [GATEWAY];

export const isDefaultStatuses = (statuses: readonly string[]): boolean => statuses.join() === GATEWAY;

/**
 * Parses a status word: "502", or "5xx" for a class; "elb-" limits it to responses of the load balancer, "target-" to
 * those of a target. "000" is logged when an HTTP/2 client receives GOAWAY. "502s" means 502. Null for any other word.
 */
export function parseStatus(word: string): string | null {
  const status = word.toLowerCase().replace(/(?<=[0-9x])s$/, '');
  return /^(?:gateway|000|(?:(?:elb|target)-)?[45](?:[0-9]{2}|xx))$/.test(status) ? status : null;
}

/** Statuses from `from` to `to`, inclusive. */
interface StatusRange {
  from: number;
  to: number;
  madeBy: 'anyone' | 'load-balancer' | 'target';
}

/** Returns one or two ranges per status word. Throws RangeError for other words. */
export function statusRanges(words: readonly string[]): StatusRange[] {
  return words.flatMap((word): StatusRange[] => {
    const match = /^(?:(elb|target)-)?([0-9])([0-9]{2}|xx)$/i.exec(word);
    if (word.toLowerCase() === GATEWAY)
      return [
        { from: 500, to: 599, madeBy: 'load-balancer' },
        { from: 502, to: 504, madeBy: 'anyone' },
      ];
    if (match === null) throw new RangeError(`${word} is not a status`);
    const [, maker, first, rest = ''] = match;
    const hundreds = Number(first) * 100;
    const madeBy = maker === undefined ? 'anyone' : maker.toLowerCase() === 'elb' ? 'load-balancer' : 'target';
    return /xx/i.test(rest)
      ? [{ from: hundreds, to: hundreds + 99, madeBy }]
      : [{ from: hundreds + Number(rest), to: hundreds + Number(rest), madeBy }];
  });
}

/** The two statuses of a log entry, as logged. */
export interface StatusPair {
  elb_status_code: string;
  target_status_code: string;
}

/** Whether the target sent this status and the load balancer relayed it. */
const isMadeByTarget = ({ elb_status_code, target_status_code }: StatusPair): boolean =>
  target_status_code !== '-' && target_status_code === elb_status_code;

/** Returns a function that matches log entries with the requested errors. */
export function statusMatcher(words: readonly string[]): (entry: StatusPair) => boolean {
  const ranges = statusRanges(words);
  return (entry) => {
    const status = Number(entry.elb_status_code);
    return ranges.some(
      ({ from, to, madeBy }) =>
        status >= from && status <= to && (madeBy === 'anyone' || (madeBy === 'target') === isMadeByTarget(entry)),
    );
  };
}
