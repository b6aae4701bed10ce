/** An event as the traffic alone shows it, before calls and health are considered. */
import type { TargetOutage } from './outages.ts';
import type { SentFailure } from './sent-failures.ts';

/** A target closed several requests at the same instant but kept answering: one of its workers died. */
export interface CloseBurst {
  target_group_arn: string;
  target: string;
  failures: SentFailure[];
  /** Epoch milliseconds. */
  at: number;
}

/** Kinds that the traffic alone shows; see EVENT_KINDS. */
export const OUTLINE_KINDS = ['target-lost', 'crash', 'rollout'] as const;

export interface EventOutline {
  kind: (typeof OUTLINE_KINDS)[number];
  target_group_arn: string;
  /** "address:port", sorted. */
  targets: string[];
  outages: TargetOutage[];
  bursts: CloseBurst[];
  failures: SentFailure[];
  /** Epoch milliseconds of the first sign. */
  from: number;
  /** Null if the log ends before the event does. */
  to: number | null;
}

/** The last answer before the event, unless it came long before the first failed request. */
export const onsetOf = ({ first, lastAnswer }: TargetOutage): number =>
  lastAnswer === null ? first : Math.min(first, lastAnswer);

/** Milliseconds from the onset of an outage to its last request, whether it is over or not. */
export const lengthOf = (outage: TargetOutage): number => outage.last - onsetOf(outage);

export const sorted = (texts: Iterable<string>): string[] => [...new Set(texts)].sort();

/** Merges several outlines of one target group. */
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
