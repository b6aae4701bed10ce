import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addressAndPort, type LogEntry, parseLine } from '../../../src/collect/access-log/entry.ts';
import { route } from '../../../src/collect/access-log/request-route.ts';
import { pseudonyms, redactEntry } from '../../../src/collect/incident/redact.ts';
import { redactRoute, traceRoot } from '../../../src/redact/log-fields.ts';

const NONE_COMMON: ReadonlySet<string> = new Set();

const line = (fields: { client?: string; request?: string; redirect?: string; uri?: string; agent?: string } = {}) =>
  `http 2026-11-20T02:47:11.162359Z app/my-load-balancer/50dc6c495c0c9188 ${fields.client ?? '203.0.113.7:46882'} 172.31.6.52:80 0.001 0.001 0.000 504 504 116 556 "${fields.request ?? 'GET http://example.com:80/cart HTTP/1.1'}" "${fields.agent ?? 'curl'}" - - arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-693ac6ee-3bda59cb0f9d3c69591e8c87" "-" "-" 0 2026-11-20T02:47:11.159000Z "forward" "${fields.redirect ?? '-'}" "-" "172.31.6.52:80" "504" "-" "-" TID_1cda3a622035454996cd2c4a60867901 "-" "${fields.uri ?? '-'}" "-"`;

describe('an entry loses', () => {
  it.each<[string, Parameters<typeof line>[0], Parameters<typeof line>[0]]>([
    ['the client address', { client: '203.0.113.7:46882' }, { client: '198.18.0.1:46882' }],
    ['an IPv6 address', { client: '[2600:1f14::7]:46882' }, { client: '[2001:db8::1]:46882' }],
    ['an IPv6 address without brackets', { client: '2600:1f14::7:46882' }, { client: '2001:db8::1:46882' }],
    ['no address if there is none', { client: '-' }, { client: '-' }],
    [
      'the query',
      { request: 'GET http://example.com:80/cart?token=secret HTTP/1.1' },
      { request: 'GET http://example.com:80/cart HTTP/1.1' },
    ],
    [
      'a query without a path',
      { request: 'GET http://example.com:80?token=secret HTTP/2.0' },
      { request: 'GET http://example.com:80 HTTP/2.0' },
    ],
    [
      'a query with spaces and question marks',
      { request: 'GET http://example.com:80/a b?token=sec ret?x HTTP/1.1' },
      { request: 'GET http://example.com:80/:id HTTP/1.1' },
    ],
    [
      'a query without an HTTP version',
      { request: 'GET http://example.com:80/?token=secret' },
      { request: 'GET http://example.com:80/' },
    ],
    [
      'a query before an unknown version',
      { request: 'GET http://example.com:80/?token=secret -' },
      { request: 'GET http://example.com:80/ -' },
    ],
    [
      'a fragment',
      { request: 'GET http://example.com:80/#token=secret HTTP/1.1' },
      { request: 'GET http://example.com:80/ HTTP/1.1' },
    ],
    [
      'the query of a redirect',
      { redirect: 'https://example.com:443/?token=secret' },
      { redirect: 'https://example.com:443/' },
    ],
    ['the query of a rewrite', { uri: '/new?token=secret' }, { uri: '/new' }],
    [
      'no request if there is none',
      { request: '- http://example.com:80- -' },
      { request: '- http://example.com:80- -' },
    ],
    [
      'nothing of a user agent with a question mark',
      { agent: 'who? HTTP/1.1', request: '- - - ' },
      { agent: 'HTTP', request: '- - - ' },
    ],
    [
      'the products of an agent',
      { agent: 'Mozilla/5.0 (X11; token=secret) Firefox/137.0' },
      { agent: 'Mozilla Firefox' },
    ],
    [
      'segments that are no words',
      { request: 'GET http://a1b2c3.example.com:80/users/jane@example.com/orders HTTP/1.1' },
      { request: 'GET http://host.invalid:80/users/:id/orders HTTP/1.1' },
    ],
  ])('%s', (_, given, kept) => {
    // The client only matters where the case is about it.
    const client = kept?.client ?? '198.18.0.1:46882';
    expect(redactEntry(line(given), pseudonyms(), NONE_COMMON)).toBe(line({ ...kept, client }));
  });

  it('personal data, but keeps future fields and the line end', () => {
    const end = ' 172.31.0.9 "new? field" "-" -\r';
    const kept = ' 172.31.0.9 "x field" "-" -\r';
    expect(redactEntry(line() + end, pseudonyms(), NONE_COMMON)).toBe(line({ client: '198.18.0.1:46882' }) + kept);
    const short = 'http 2026-11-20T02:47:11.162359Z app/a/1 203.0.113.7:1 - -1 -1 -1 503 - 1 2';
    expect(redactEntry(short, pseudonyms(), NONE_COMMON)).toBe(short.replace('203.0.113.7', '198.18.0.1'));
    expect(redactEntry(`${short}\r`, pseudonyms(), NONE_COMMON)).toBe(
      `${short}\r`.replace('203.0.113.7', '198.18.0.1'),
    );
  });
});

describe('a line that is no entry', () => {
  it.each([
    ['a stray quote', line({ request: 'GET http://example.com:80/cart?a="secret" HTTP/1.1' })],
    ['garbage', 'garbage'],
    ['nothing', ''],
  ])('is left alone: %s', (_, broken) => {
    expect(redactEntry(broken, pseudonyms(), NONE_COMMON)).toBeNull();
  });
});

describe('pseudonyms', () => {
  it('are the same for the same address, in the order of appearance', () => {
    const pseudonym = pseudonyms();
    expect(['1.2.3.4', '5.6.7.8', '1.2.3.4', '2600::1', '2600::2', '2600::1'].map(pseudonym)).toEqual([
      '198.18.0.1',
      '198.18.0.2',
      '198.18.0.1',
      '2001:db8::1',
      '2001:db8::2',
      '2001:db8::1',
    ]);
  });

  it('never run out and never repeat', () => {
    const pseudonym = pseudonyms();
    const given = new Set<string>();
    for (let n = 0; n < 140_000; n++) {
      given.add(pseudonym(`client-${n}`));
      given.add(pseudonym(`2600::${Math.floor(n / 65536).toString(16)}:${(n % 65536).toString(16)}`));
    }
    expect(given.size).toBe(280_000);
    expect(given).toContain('198.19.255.255');
    expect(given).toContain('240.0.0.0');
    expect([...given].filter((address) => isIP(address) === 0)).toEqual([]);
  });
});

describe('real lines', () => {
  const lines = readFileSync(join(import.meta.dirname, '../../support/access-log/lines.jsonl'), 'utf8')
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => String(JSON.parse(text).line));

  const judged = ({
    client,
    request_line,
    redirect_url,
    transformed_uri,
    user_agent,
    domain_name,
    trailing,
    ...others
  }: LogEntry) => ({
    ...others,
    route: request_line === undefined ? null : redactRoute(route(request_line), NONE_COMMON),
    port: addressAndPort(client)?.port,
    trailing: trailing.length,
    trace_id: traceRoot(others.trace_id ?? '-'),
  });

  it('give the same diagnosis after redaction, which changes nothing the second time', () => {
    let entries = 0;
    for (const raw of lines) {
      const parsed = parseLine(raw);
      const redacted = redactEntry(raw, pseudonyms(), NONE_COMMON);
      if (!('entry' in parsed) || redacted === null) continue;
      entries += 1;
      const again = parseLine(redacted);
      expect('entry' in again ? judged(again.entry) : again).toEqual(judged(parsed.entry));
      expect(redactEntry(redacted, pseudonyms(), NONE_COMMON)).toBe(redacted);
    }
    expect(entries).toBeGreaterThan(100);
  });
});
