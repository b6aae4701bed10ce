/** The gaps of a test from a few words: at which idle times errors and controls came. */
import type { FailedRequest, GapPeers, IdleGaps } from '../../../src/evidence/access-log.ts';

interface GapsOf {
  /** Milliseconds since earlier completions, by the number of the error and of the control. */
  error: (index: number) => number[];
  control: (index: number) => number[];
  /** Over all routes of the errors, in turn. */
  controls: number;
  /** How many answered requests there are for each control. */
  each?: number;
  /** The client of a control; null where it has no error. */
  client?: (index: number) => number | null;
  horizon?: number;
}

/** The gaps of errors in the order of the log, all of one target group. */
export function idleGapsOf(
  errors: readonly FailedRequest[],
  { error, control, controls, each = 10, client = () => null, horizon = 61 }: GapsOf,
): IdleGaps[] {
  const ordered = [...errors].sort((a, b) => a.at - b.at);
  const firstOfRoute = new Map<string, number>();
  for (const [row, { route }] of ordered.entries()) if (!firstOfRoute.has(route)) firstOfRoute.set(route, row);
  const rows = [...firstOfRoute.values()];
  const peers = rows.map((row): GapPeers => ({ row, answered: 0, controls: [] }));
  for (let index = 0; index < controls; index++) {
    const own = peers[index % peers.length];
    if (own === undefined) break;
    own.controls.push({ client: client(index), gaps: control(index) });
    own.answered += each;
  }
  const [first] = ordered;
  if (first === undefined) return [];
  return [
    {
      target_group_arn: first.target_group_arn,
      horizon,
      failures: ordered.map((_, row) => ({ row, gaps: error(row) })),
      peers,
    },
  ];
}

/** Gaps that have nothing in common: one between 0.1 and 60 s, another for each number. */
export const anyGap = (index: number): number => 100 + ((index * 37_507 + 11_003) % 59_900);

/** `hits` errors of all at an idle time of `seconds`, and `chance` of the controls; the others at any time. */
export const gapsAt = (
  errors: readonly FailedRequest[],
  { seconds, hits, controls = 500, chance = 0 }: { seconds: number; hits: number; controls?: number; chance?: number },
): IdleGaps[] =>
  idleGapsOf(errors, {
    controls,
    error: (index) => [index < hits ? 1000 * seconds + (index % 4) : anyGap(index)],
    // Spread over the routes of the errors, whatever their number.
    control: (index) => [(index * 7919) % controls < chance ? 1000 * seconds + (index % 4) : anyGap(1000 + index)],
  });
