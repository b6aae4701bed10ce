/** The plan of the keep-alive edge search as Athena's second statement, and the statement's rows as gaps. Pure. */
import type { IdleGaps } from '../../../evidence/evidence.ts';
import { type GapPlan, idleGaps } from '../gap-search.ts';
import { GAP_COLUMNS, type GapSearch, textKey } from './gaps-sql.ts';
import { type Rows, toRecord } from './rows.ts';

/** Texts that clients supply enter the statement only as keys. */
export function toStatementSearch({ horizon, places, requests, peers, clients }: GapPlan): GapSearch {
  return {
    ...{ horizon, places, requests },
    peers: peers.map(({ route, ...peer }) => ({ ...peer, routeKey: textKey(route) })),
    clients: clients.map(({ client_address, asking }) => ({ clientKey: textKey(client_address), asking })),
  };
}

export function readGaps(rows: Rows, plan: GapPlan): IdleGaps[] {
  const found = rows.map((cells) => {
    const row = toRecord(GAP_COLUMNS, cells);
    return {
      peer: Number(row.peer),
      n: Number(row.n),
      asking: Number(row.asking),
      answers: Number(row.answers),
      gaps: row.gaps === '' ? [] : row.gaps.split(',').map((gap) => Math.floor(Number(gap) / 1000)),
    };
  });
  return idleGaps(found, plan);
}
