/** What is taken from the search beside the first query: exactly what the plan asks for, or nothing. */
import { describe, expect, it } from 'vitest';
import { selectGaps } from '../../../../src/collect/access-log/athena/gap-statement.ts';
import { BESIDE_COLUMNS, textKey } from '../../../../src/collect/access-log/athena/gaps-sql.ts';
import { planGaps } from '../../../../src/collect/access-log/gap-search.ts';

const place = { target_group_arn: 'arn:api', target: '10.0.0.1:80', node: '203.0.113.17' };
const failures = [5, 6].map((index) => ({
  ...{ index, place, route: 'GET /orders', client: 3, client_address: '192.0.2.1' },
  dispatched: 1_773_100_000_000_000 + index,
}));
const plan = planGaps({ groups: [{ ...place, failures, completions: 10, span: 100_000_000 }] }, 60);
const [controls, reach] = [plan.peers[0]?.controls ?? 0, plan.places[0]?.reach ?? 0];

type Row = Partial<Record<(typeof BESIDE_COLUMNS)[number], string>>;
const ordinary = {
  ...{ place: 'arn:api"10.0.0.1:80"203.0.113.17', route: textKey('GET /orders') },
  ...{ controls: `${controls}`, reach: `${reach}`, client: textKey('192.0.2.1'), answers: '7', gaps: '' },
};
const failure = (index: number, more: Row = {}): Row => ({
  ...ordinary,
  ...{ role: 'failure', n: '1', dispatched: `${1_773_100_000_000_000 + index}`, gaps: '5000000,6000999', ...more },
});
const control = (more: Row = {}): Row => ({ ...ordinary, role: 'control', n: '1', dispatched: '1', ...more });
const select = (...rows: Row[]) =>
  selectGaps(
    rows.map((row) => BESIDE_COLUMNS.map((column) => row[column] ?? '')),
    plan,
  );

describe('the rows', () => {
  it('become the gaps of the plan, and no others', () => {
    const other = { client: textKey('192.0.2.9'), n: '2', gaps: '1' };
    const others = [failure(9), control({ route: textKey('GET /') }), control({ place: 'elsewhere' })];
    expect(select(failure(5), failure(6), control(), control(other), ...others)).toEqual([
      {
        target_group_arn: 'arn:api',
        horizon: 61,
        failures: [
          { row: 5, gaps: [5000, 6000] },
          { row: 6, gaps: [5000, 6000] },
        ],
        peers: [
          {
            row: 5,
            answered: 7,
            controls: [
              { client: 3, gaps: [] },
              { client: null, gaps: [0] },
            ],
          },
        ],
      },
    ]);
  });

  it.each<[string, Row[]]>([
    ['lack a failure', [failure(5), control()]],
    ['look back another time', [failure(5), failure(6, { reach: `${reach - 1}` })]],
    ['have other controls', [failure(5), failure(6, { controls: `${controls + 1}` })]],
    ['are of another route', [failure(5), failure(6, { route: textKey('GET /') })]],
    ['are of another place', [failure(5), failure(6, { place: 'arn:api"10.0.0.2:80"203.0.113.17' })]],
  ])('are not used when they %s', (_, rows) => {
    expect(select(...rows)).toBeNull();
  });
});
