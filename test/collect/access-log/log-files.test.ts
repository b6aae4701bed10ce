import { describe, expect, it } from 'vitest';
import { canMatter, parseFileName, redactExcerpt } from '../../../src/collect/access-log/log-files.ts';
import { fileName } from '../../support/access-log/log-file.ts';

const at = (text: string) => Date.parse(`2026-${text}Z`);

describe('a file name', () => {
  it('gives load balancer, end of the interval and node', () => {
    expect(parseFileName(fileName('20260310T1205Z'))).toEqual({
      kind: 'access-log',
      loadBalancer: { name: 'shop', id: '50dc6c495c0c9188' },
      end: at('03-10T12:05:00'),
      node: '203.0.113.17',
    });
  });

  it.each([
    ['an IPv6 node', fileName('20260310T1205Z', '2001:db8::7'), { node: '2001:db8::7' }],
    ['a plain file', fileName('20260310T1205Z').replace('.gz', ''), { node: '203.0.113.17' }],
    ['a name of our own', 'logs/a.log', { loadBalancer: null, end: null, node: null, kind: 'access-log' }],
    ['a stamp in a name of our own', 'shop_20260310T1205Z.log', { end: at('03-10T12:05:00'), node: null }],
    ['a connection log', `x/conn_log_${fileName('20260310T1205Z').split('/').at(-1)}`, { kind: 'connection-log' }],
    [
      'a health-check log',
      `x/health_check_log_${fileName('20260310T1205Z').split('/').at(-1)}`,
      { kind: 'health-check-log' },
    ],
    ['a stamp that is no date', 'x_20261399T9999Z.log', { end: null }],
  ])('%s', (_, name, expected) => {
    expect(parseFileName(name)).toMatchObject(expected);
  });
});

describe('a file is read', () => {
  const window = { from: at('03-10T12:00:00'), to: at('03-10T12:15:00') };
  const wanted = { name: 'shop', id: '50dc6c495c0c9188' };
  const reads = (name: string, idle = 60, span = window) => canMatter(parseFileName(name), wanted, span, idle);

  it.each([
    ['that ends when the window begins: a line may be older than its file', '20260310T1200Z', true],
    ['that ended six minutes before', '20260310T1154Z', false],
    ['in the window', '20260310T1210Z', true],
    ['of the interval after it: retries, and late lines', '20260310T1220Z', true],
    ['that starts within an idle timeout and five minutes after it', '20260310T1225Z', true],
    ['of half an hour later', '20260310T1245Z', false],
    ['of the same time on another day', '20260311T1205Z', false],
  ])('%s: %s', (_, end, expected) => {
    expect(reads(fileName(end))).toBe(expected);
  });

  it('from further back when connections may idle for longer', () => {
    expect([60, 600].map((idle) => reads(fileName('20260310T1151Z'), idle))).toEqual([false, true]);
  });

  it('across midnight when the interval ends on the next day', () => {
    const evening = { from: at('03-10T23:55:00'), to: at('03-11T00:00:00') };
    expect(reads(fileName('20260311T0000Z'), 60, evening)).toBe(true);
    expect(reads(fileName('20260310T0000Z'), 60, evening)).toBe(false);
  });

  it('unless its name has another load balancer', () => {
    const other = (elb: string) => fileName('20260310T1205Z', '203.0.113.17', elb);
    expect(reads(other('app/shop/1111111111111111'))).toBe(false);
    expect(reads(other('app/shop-2/50dc6c495c0c9188'))).toBe(false);
    expect(canMatter(parseFileName(other('app/shop/1111111111111111')), { name: 'shop', id: null }, window, 60)).toBe(
      true,
    );
  });

  it('when its name says nothing', () => {
    expect(reads('whatever.log')).toBe(true);
  });
});

describe('a rejected line as shown', () => {
  it.each([
    ['a query', 'GET /a?token=secret HTTP/1.1', 'GET /a'],
    ['an address', 'client 192.0.2.7:4711 refused', 'client x refused'],
    ['an IPv6 address', 'client [2001:db8::7]:4711 refused', 'client x refused'],
    ['a time', '2026-03-10T12:00:00.000000Z', '2026-03-10T12:00:00.000000Z'],
    ['control characters and other alphabets', 'a\u001b[31mb\u00e9', 'x'],
    ['segments that are no words', 'GET /users/jane@example.com/orders HTTP/1.1', 'GET /users/:id/orders x'],
    ['a long line', 'word '.repeat(100), 'word '.repeat(24)],
    ['a line of 10 MB in no time', 'f:'.repeat(5_000_000), 'x'],
  ])('%s', (_, line, shown) => {
    expect(redactExcerpt(line)).toBe(shown);
    expect(redactExcerpt(shown)).toBe(shown);
  });
});
