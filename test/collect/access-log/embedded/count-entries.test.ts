/** Entries are counted by place and statuses, also those without statuses. */
import { expect, it } from 'vitest';
import { countEntries } from '../../../../src/collect/access-log/embedded/count-entries.ts';

it('counts by place and pair of statuses', () => {
  const entries = [
    { place: 1, status: 200, targetStatus: 200 },
    { place: 0, status: -1, targetStatus: -1 },
    { place: 0, status: -1, targetStatus: -1 },
    { place: 0, status: 502, targetStatus: -1 },
    { place: 1, status: 200, targetStatus: 200 },
    { place: 0, status: -1, targetStatus: -1 },
  ];
  const rows = entries.length;
  const batch = {
    rows,
    ended: Float64Array.from(entries, (_, row) => 1_000_000 * row),
    place: Uint32Array.from(entries, ({ place }) => place),
    client: new Float64Array(rows),
    route: new Uint32Array(rows),
    sample: new Uint32Array(rows),
    targetMs: new Int32Array(rows),
    received: new Int32Array(rows),
    status: Int16Array.from(entries, ({ status }) => status),
    targetStatus: Int16Array.from(entries, ({ targetStatus }) => targetStatus),
  };
  const place = { target_group_arn: 'api', target: '10.0.0.1:8080', node: '203.0.113.17' };
  const { places } = countEntries(
    {
      batches: [batch],
      places: [
        { ...place, key: 1 },
        { ...place, key: 2, target: '10.0.0.2:8080' },
      ],
      routes: 1,
    },
    { from: 0, to: 3000 },
    Uint8Array.from({ length: 1000 }, (_, status) => Number(status >= 500)),
  );
  expect(
    places.map(({ target, status, target_status, lines, requests, failures }) => [
      ...[target, status, target_status],
      ...[lines, requests, failures],
    ]),
  ).toEqual([
    ['10.0.0.2:8080', 200, 200, 2, 1, 0],
    ['10.0.0.1:8080', -1, -1, 3, 2, 0],
    ['10.0.0.1:8080', 502, -1, 1, 0, 0],
  ]);
});
