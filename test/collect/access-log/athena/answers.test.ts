/** Peculiarities of Athena's results that the local endpoint does not have. */
import { describe, expect, it } from 'vitest';
import { readRollups } from '../../../../src/collect/access-log/athena/answers.ts';
import { DETAIL, ROLLUP_COLUMNS, SEPARATOR } from '../../../../src/collect/access-log/athena/rollups-sql.ts';

const detail: Partial<Record<(typeof DETAIL)[number], string>> = {
  ended: '1794969774638661',
  created: '1794969774622000',
  trace_id: 'Root=1-6afd10ae-40f528ea5b6dd66103c41c73',
  client_address: '203.0.113.105',
  route_text: 'GET /api/products/:id',
  target: '10.0.11.209:8080',
  status: '502',
  target_status: '-1',
  sent_bytes: '594',
  received_bytes: '104',
  // Trino 405 casts doubles to text like this.
  request_processing_time: '1.0E-3',
  target_processing_time: '3.0003E1',
  response_processing_time: '-1.0E0',
  sample: '63183987',
};

const row = (values: Partial<Record<(typeof ROLLUP_COLUMNS)[number], string>>): string[] =>
  ROLLUP_COLUMNS.map((column) => values[column] ?? '1');

describe('an Athena result', () => {
  it('may contain doubles with exponents', () => {
    const key = DETAIL.map((part) => detail[part] ?? '-').join(SEPARATOR);
    const { log } = readRollups([row({ part: 'line', key: '' }), row({ part: 'failure', key })]);
    expect(log.failures).toMatchObject([
      { request_processing_time: 0.001, target_processing_time: 30.003, response_processing_time: -1 },
    ]);
  });

  it('may have zero as 0E0', () => {
    const key = DETAIL.map((part) => (part.endsWith('_processing_time') ? '0E0' : (detail[part] ?? '-'))).join(
      SEPARATOR,
    );
    const { log } = readRollups([row({ part: 'line', key: '' }), row({ part: 'failure', key })]);
    expect(log.failures[0]?.target_processing_time).toBe(0);
  });
});
