/** Which errors a question is about: the words for them, and whether an entry of the log is meant. Pure. */
/** Asked for when a question names none: every 5xx the load balancer made, and 502, 503 and 504 from any source. */
export const GATEWAY = 'gateway';
export const DEFAULT_STATUSES: readonly string[] = [GATEWAY];

export const isDefaultStatuses = (statuses: readonly string[]): boolean => statuses.join() === GATEWAY;

/**
 * The status that a word asks for: "502", or "5xx" for a class; with "elb-" only those the load balancer made, with "target-" only those
 * a target made. "000" is what the log has when an HTTP/2 client is told to go away. "502s" is 502. Null for any other word.
 */
export function parseStatus(word: string): string | null {
  const status = word.toLowerCase().replace(/(?<=[0-9x])s$/, '');
  return /^(?:gateway|000|(?:(?:elb|target)-)?[45](?:[0-9]{2}|xx))$/.test(status) ? status : null;
}

/** Statuses from `from` to `to`, both included. */
export interface StatusRange {
  from: number;
  to: number;
  madeBy: 'anyone' | 'load-balancer' | 'target';
}

/** What the words mean, one or two ranges a word. Throws RangeError for what is no such word. */
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

/** The two statuses of an entry, as logged. */
export interface StatusPair {
  elb_status_code: string;
  target_status_code: string;
}

/** The target answered so itself, and the load balancer relayed it. */
const isMadeByTarget = ({ elb_status_code, target_status_code }: StatusPair): boolean =>
  target_status_code !== '-' && target_status_code === elb_status_code;

/** Whether an entry is one of those asked for. */
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
