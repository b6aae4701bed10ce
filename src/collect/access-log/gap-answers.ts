/** Turns the rows of the gap question into `IdleGaps`, the same for every engine. Pure. */
import type { GapPeers, IdleGaps } from '../../evidence/access-log.ts';

/** One request whose gaps were listed: an examined failure or a control. Rows are indices into `AccessLog.failures`. */
export type GapAnswer = { target_group_arn: string; horizon: number; gaps: number[] } & (
  | { failure: number }
  | { peer: number; answered: number; client: number | null }
);

/** Groups gaps by target group, in that order; failures and peers by row, controls in the order given. */
export function groupGaps(answers: readonly GapAnswer[]): IdleGaps[] {
  const groups = new Map<string, { own: IdleGaps; peers: Map<number, GapPeers> }>();
  for (const answer of answers) {
    const { target_group_arn, horizon, gaps } = answer;
    const group = groups.get(target_group_arn) ?? {
      own: { target_group_arn, horizon, failures: [], peers: [] },
      peers: new Map<number, GapPeers>(),
    };
    groups.set(target_group_arn, group);
    if ('failure' in answer) {
      group.own.failures.push({ row: answer.failure, gaps });
      continue;
    }
    const peers = group.peers.get(answer.peer) ?? { row: answer.peer, answered: answer.answered, controls: [] };
    group.peers.set(answer.peer, peers);
    peers.controls.push({ client: answer.client, gaps });
  }
  const byRow = (a: { row: number }, b: { row: number }) => a.row - b.row;
  return [...groups.values()].map(({ own, peers }) => ({
    ...own,
    failures: own.failures.sort(byRow),
    peers: [...peers.values()].sort(byRow),
  }));
}
