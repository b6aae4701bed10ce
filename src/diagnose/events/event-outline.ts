/** What the traffic alone shows of an event, before calls and health are looked at. */
import type { EventKind } from './event.ts';
import type { TargetOutage } from './outages.ts';
import type { SentFailure } from './sent-failures.ts';

/** Requests in flight on a target that it closed in the same instant, while it went on answering: one of its workers died. */
export interface CloseBurst {
  target_group_arn: string;
  target: string;
  failures: SentFailure[];
  /** Epoch milliseconds. */
  at: number;
}

export interface EventOutline {
  kind: Exclude<EventKind, 'change'>;
  target_group_arn: string;
  /** "address:port", sorted. */
  targets: string[];
  outages: TargetOutage[];
  bursts: CloseBurst[];
  failures: SentFailure[];
  /** Epoch milliseconds; the first sign of it. */
  from: number;
  /** Null where what was read ends before it. */
  to: number | null;
}

/** The last answer before it, unless that is long before the first request that failed. */
export const onsetOf = ({ first, lastAnswer }: TargetOutage): number =>
  lastAnswer === null ? first : Math.min(first, lastAnswer);

/** Of an outage that is over or not: when the last of its requests was sent. */
export const lengthOf = (outage: TargetOutage): number => outage.last - onsetOf(outage);

export const sorted = (texts: Iterable<string>): string[] => [...new Set(texts)].sort();

/** Several outlines of one target group as one. */
export function joinOutlines(outlines: readonly EventOutline[]): EventOutline {
  const [first] = outlines;
  if (first === undefined) throw new RangeError('no outlines to join');
  const ends = outlines.map(({ to }) => to);
  return {
    kind: outlines.some(({ kind }) => kind === 'target-lost') ? 'target-lost' : first.kind,
    target_group_arn: first.target_group_arn,
    targets: sorted(outlines.flatMap(({ targets }) => targets)),
    outages: outlines
      .flatMap(({ outages }) => outages)
      .sort((a, b) => onsetOf(a) - onsetOf(b) || (a.target < b.target ? -1 : 1)),
    bursts: outlines.flatMap(({ bursts }) => bursts).sort((a, b) => a.at - b.at || (a.target < b.target ? -1 : 1)),
    failures: outlines.flatMap(({ failures }) => failures),
    from: Math.min(...outlines.map(({ from }) => from)),
    to: ends.every((to) => to !== null) ? Math.max(...ends) : null,
  };
}
