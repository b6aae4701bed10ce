/** The keep-alive edge search by Athena: a plan as a statement, and the rows of either statement as gaps. Pure. */
import type { IdleGaps } from '../../../evidence/access-log.ts';
import { type FoundGaps, type GapPlan, idleGaps } from '../gap-search.ts';
import { placeKey } from '../place-traffic.ts';
import { BESIDE_COLUMNS, GAP_COLUMNS, type GapSearch, textKey } from './gaps-sql.ts';
import { type Rows, toRecord } from './rows.ts';

/** Texts that clients supply enter the statement only as keys. */
export function toStatementSearch({ horizon, places, requests, peers, clients }: GapPlan): GapSearch {
  return {
    ...{ horizon, places, requests },
    peers: peers.map(({ route, ...peer }) => ({ ...peer, routeKey: textKey(route) })),
    clients: clients.map(({ client_address, asking }) => ({ clientKey: textKey(client_address), asking })),
  };
}

const milliseconds = (gaps: string): number[] =>
  gaps === '' ? [] : gaps.split(',').map((gap) => Math.floor(Number(gap) / 1000));

export function readGaps(rows: Rows, plan: GapPlan): IdleGaps[] {
  const found = rows.map((cells) => {
    const { peer, n, asking, answers, gaps } = toRecord(GAP_COLUMNS, cells);
    return {
      ...{ peer: Number(peer), n: Number(n), asking: Number(asking), answers: Number(answers) },
      gaps: milliseconds(gaps),
    };
  });
  return idleGaps(found, plan);
}

type BesideRow = Record<(typeof BESIDE_COLUMNS)[number], string>;

/** Selects the gaps of a plan from the rows of `gapsBeside`; null unless they are exactly those that the plan asks for. */
export function selectGaps(rows: Rows, plan: GapPlan): IdleGaps[] | null {
  const failures = new Map<string, BesideRow>();
  const controls = new Map<string, BesideRow[]>();
  for (const cells of rows) {
    const row = toRecord(BESIDE_COLUMNS, cells);
    const peer = `${row.place} ${row.route}`;
    if (row.role === 'failure') failures.set(`${peer} ${row.dispatched}`, row);
    else if (!controls.get(peer)?.push(row)) controls.set(peer, [row]);
  }
  const peerOf = (place: number, route: string) => {
    const own = plan.places[place - 1];
    return own === undefined ? '' : `${placeKey(own)} ${textKey(route)}`;
  };
  const wanted = new Map(plan.peers.map((one) => [peerOf(one.place, one.route), one.controls]));
  const found: FoundGaps[] = [];
  for (const { id, place, dispatched } of plan.requests) {
    const peer = peerOf(place, plan.examined.get(id)?.failure.route ?? '');
    const row = failures.get(`${peer} ${dispatched}`);
    const isSame = Number(row?.reach) === plan.places[place - 1]?.reach && Number(row?.controls) === wanted.get(peer);
    if (row === undefined || !isSame) return null;
    found.push({ peer: 0, n: id, asking: 0, answers: 0, gaps: milliseconds(row.gaps) });
  }
  const asking = new Map(plan.clients.map((one) => [textKey(one.client_address) as string, one.asking]));
  for (const { peer, place, route } of plan.peers)
    for (const { n, client, answers, gaps } of controls.get(peerOf(place, route)) ?? [])
      found.push({
        ...{ peer, n: Number(n), asking: asking.get(client) ?? 0, answers: Number(answers) },
        gaps: milliseconds(gaps),
      });
  return idleGaps(found, plan);
}
