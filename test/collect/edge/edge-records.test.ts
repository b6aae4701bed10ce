import { describe, expect, it } from 'vitest';
import { edgeCounter, edgeLineReader, isOwnHost } from '../../../src/collect/edge/edge-records.ts';

const NAMES = { aliases: ['*.example.com', 'example.com'], domainName: 'd111111abcdef8.cloudfront.net' };
const WINDOW = { from: Date.parse('2026-03-10T12:00:00Z'), to: Date.parse('2026-03-10T12:15:00Z') };

describe('a record of the standard log is read', () => {
  const record = { 'sc-status': '502', 'x-host-header': 'a.b.example.com' };
  it.each([
    ['as W3C', ['#Version: 1.0', '#Fields: sc-status x-host-header', '502\ta.b.example.com'], {}],
    ['as JSON', ['{"sc-status":"502","x-host-header":"a.b.example.com"}'], {}],
    ['as JSON with numbers', ['{"sc-status":502,"x-host-header":"a.b.example.com"}'], {}],
    [
      'as plain, in the order of the delivery',
      ['502|a.b.example.com'],
      { fields: ['sc-status', 'x-host-header'], delimiter: '|' },
    ],
  ])('%s', (_, lines, form) => {
    const read = edgeLineReader({ fields: [], delimiter: null, ...form });
    expect(lines.map(read).filter((one) => one !== null)).toEqual([record]);
  });

  it.each([
    ['an empty line', ''],
    ['broken JSON', '{"sc-status":'],
    ['too few values', '502'],
  ])('not from %s', (_, line) => {
    expect(edgeLineReader({ fields: ['sc-status', 'x-host-header'], delimiter: null })(line)).toBeNull();
  });
});

it.each([
  ['example.com', true],
  ['EXAMPLE.COM:443', true],
  ['www.example.com', true],
  // A wildcard covers one label, as in a certificate.
  ['dev.app.example.com', false],
  ['d111111abcdef8.cloudfront.net', false],
  ['evil.test', false],
])('the host %s is one of the distribution: %s', (host, isOwn) => {
  expect(isOwnHost(host, NAMES)).toBe(isOwn);
});

it("accepts CloudFront's own name for a distribution without aliases", () => {
  expect(isOwnHost(NAMES.domainName, { ...NAMES, aliases: [] })).toBe(true);
});

describe('counting', () => {
  const at = (time: string, more: Record<string, string> = {}) => ({
    date: '2026-03-10',
    time,
    'sc-status': '502',
    'x-edge-result-type': 'Error',
    'x-edge-detailed-result-type': 'OriginConnectError',
    'x-host-header': 'dev.app.example.com',
    ...more,
  });

  it('counts 5xx of the window by origin, and all requests', () => {
    const counter = edgeCounter(WINDOW, NAMES);
    for (const record of [
      at('11:59:59'),
      at('12:00:00'),
      at('12:05:00'),
      at('12:14:59', { 'x-host-header': 'example.com', 'x-edge-detailed-result-type': 'Error' }),
      at('12:07:00', { 'sc-status': '200' }),
      at('12:15:00'),
    ])
      counter.add(record);
    expect(counter.counted()).toEqual({
      requests: 4,
      untimed: 0,
      errors: [
        { status: '502', resultType: 'Error', detailedResultType: 'OriginConnectError', isOwnHost: false, requests: 2 },
        { status: '502', resultType: 'Error', detailedResultType: 'Error', isOwnHost: true, requests: 1 },
      ],
    });
  });

  it('keeps no text from strangers: result types consist of letters', () => {
    const counter = edgeCounter(WINDOW, NAMES);
    counter.add(at('12:00:00', { 'x-edge-detailed-result-type': '<!channel>', 'x-edge-result-type': 'Error' }));
    expect(counter.counted().errors).toEqual([expect.objectContaining({ detailedResultType: '-' })]);
  });

  it.each([
    ['seconds', { timestamp: '1773144000.123' }],
    ['milliseconds', { 'timestamp-ms': '1773144000123' }],
  ])('reads a time in %s', (_, time) => {
    const counter = edgeCounter(WINDOW, NAMES);
    counter.add({ 'sc-status': '503', ...time });
    expect(counter.counted()).toMatchObject({ requests: 1, errors: [{ status: '503', isOwnHost: null, requests: 1 }] });
  });

  it('counts records without a time', () => {
    const counter = edgeCounter(WINDOW, NAMES);
    counter.add({ 'sc-status': '502' });
    expect(counter.counted()).toEqual({ requests: 0, untimed: 1, errors: [] });
  });
});
