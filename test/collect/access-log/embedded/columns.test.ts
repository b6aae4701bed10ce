/** Every line says the same to the scanner as to the parser of entry.ts alone. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Batch, Columns, MAX_LINE } from '../../../../src/collect/access-log/embedded/columns.ts';
import { readFailureDetail } from '../../../../src/collect/access-log/embedded/failure-detail.ts';
import { hashText } from '../../../../src/collect/access-log/embedded/keys.ts';
import {
  BATCH,
  exactScanner,
  type NamedRoute,
  type OpenScanner,
  openScanner,
  type ScanEvents,
  type TargetAndNode,
} from '../../../../src/collect/access-log/embedded/scanner.ts';
import { parseLine } from '../../../../src/collect/access-log/entry.ts';
import { route } from '../../../../src/collect/access-log/request-route.ts';
import { NAMED_ROUTES } from '../../../../src/collect/access-log/slow-limits.ts';
import { type Fields, GROUP, LOAD_BALANCER, line } from '../../../support/access-log/log-file.ts';
import { fc } from '../../../support/property.ts';

const LOAD_BALANCER_ID = '50dc6c495c0c9188';
const T = Date.parse('2026-03-10T12:00:00Z');
const COLUMNS = [
  'ended',
  'place',
  'client',
  'route',
  'status',
  'targetStatus',
  'targetMs',
  'received',
  'sample',
] as const;
type Row = Record<(typeof COLUMNS)[number], number>;

interface Read {
  rows: Row[];
  batches: Batch[];
  places: TargetAndNode[];
  namedRoutes: NamedRoute[];
  account: ReturnType<Columns['end']>;
}

interface ReadOptions {
  id?: string | null;
  open?: OpenScanner;
}

/** Reads one file after another; what it met in one it knows in the next. */
function readerOf({
  id = LOAD_BALANCER_ID,
  open = openScanner,
}: ReadOptions): (pieces: readonly (Uint8Array | string)[]) => Read {
  let batches: Batch[] = [];
  const columns = new Columns(
    { loadBalancer: { name: 'shop', id }, window: { from: T, to: T + 900_000 }, statuses: ['5xx'] },
    (batch) => batches.push(batch),
    open,
  );
  return (pieces) => {
    batches = [];
    columns.begin('203.0.113.17');
    for (const piece of pieces) columns.feed(Buffer.from(piece));
    const account = columns.end();
    const rows = batches.flatMap((batch) =>
      Array.from(
        { length: batch.rows },
        (_, row) => Object.fromEntries(COLUMNS.map((name) => [name, Number(batch[name][row])])) as Row,
      ),
    );
    return { rows, batches, places: columns.takePlaces(), namedRoutes: columns.takeNamedRoutes(), account };
  };
}

const read = (pieces: readonly (Uint8Array | string)[], options: ReadOptions = {}): Read => readerOf(options)(pieces);

/** The scanner, and the parser alone. */
type Pair = Record<'scan' | 'parse', ReturnType<typeof readerOf>>;

/** By the id that is asked for, or by the name alone. */
const pairs = new Map(
  [LOAD_BALANCER_ID, null].map((id): [string | null, Pair] => [
    id,
    { scan: readerOf({ id, open: openScanner }), parse: readerOf({ id, open: exactScanner }) },
  ]),
);

/** The scanner keeps numbers as they are written. */
const failuresOf = ({ batches }: Read) =>
  batches.map(({ failures: { rows, details } }) => ({ rows, details: details.map(readFailureDetail) }));

/** Of the scanner and of the parser alone. */
function expectTheSame(bytes: Buffer, id: string | null = LOAD_BALANCER_ID): Read {
  const pair = pairs.get(id);
  if (pair === undefined) throw new Error(`no reader asks for ${id}`);
  const [scanned, parsed] = [pair.scan([bytes]), pair.parse([bytes])];
  expect(scanned.rows).toEqual(parsed.rows);
  expect(scanned.places).toEqual(parsed.places);
  expect(scanned.namedRoutes).toEqual(parsed.namedRoutes);
  expect(failuresOf(scanned)).toEqual(failuresOf(parsed));
  expect(scanned.account).toEqual(parsed.account);
  return scanned;
}

/** Hashed file names, and names that nearly are. */
const fileName = fc
  .tuple(
    fc.constantFrom('', 'app.', 'app-', '_', 'x', 'a/', 'é-', '-'),
    fc.oneof(
      fc.string({ unit: fc.constantFrom(...'012389afAF'), minLength: 4, maxLength: 9 }),
      fc.string({ unit: fc.constantFrom(...'AZ2719xg-_'), minLength: 7, maxLength: 9 }),
    ),
    fc.array(fc.constantFrom('.js', '.min', '.1', '.c1', '.', '.é', '.a_b', '.Z'), { maxLength: 4 }),
  )
  .map(([before, hash, extensions]) => `${before}${hash}${extensions.join('')}`);

const segment = fc.oneof(
  fc.nat(10_000).map(String),
  fc.uuid(),
  fileName,
  fc.constantFrom(
    'deadbeef-cafe-babe-face-deadbeefcafe',
    '-eadbeef-cafe-babe-face-deadbeefcafe',
    'deadbee-fcafe-babe-face-deadbeefcafe',
  ),
  fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF-'), maxLength: 40 }),
  fc.constantFrom(
    '',
    'api',
    'v1',
    'deadbeef',
    'a.b',
    'a;b',
    ';',
    ';v=1;w',
    '12;x',
    '%20',
    'a b',
    ':id',
    'é',
    '*',
    'version12345',
    'deadbeef-cafe-babe-face-deadbeefcafg',
  ),
);
const request = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'get', 'M-SEARCH', '-', 'ABCDEFGHIJKLMNO', 'ABCDEFGHIJKLMNOP'),
    host: fc.constantFrom('https://www.example.com:443', 'http://[2001:db8::1]:80', 'wss://h:443', 'https://h;x:1', ''),
    path: fc.array(segment, { maxLength: 8 }).map((segments) => segments.map((text) => `/${text}`).join('')),
    end: fc.constantFrom('', '?q=1/2;3', '#f/1', '?', ';?', '?a b'),
    version: fc.constantFrom(' HTTP/1.1', ' HTTP/2.0', ' HTTP/1.0', ' -', '', ' HTTP/1.1 '),
  })
  .map(({ method, host, path, end, version }) => `${method} ${host}${path}${end}${version}`);

/** Of one to sixteen digits; a load balancer writes at most fifteen. */
const wholeNumber = fc.integer({ min: 1, max: 16 }).map((digits) => Number('8271635149372816'.slice(-digits)));

const fields = fc.record<Partial<Fields>>(
  {
    type: fc.constantFrom(
      'http',
      'https',
      'h2',
      'grpcs',
      'H2',
      '2h',
      'a23456789abcdef',
      'abcdefghijklmnop',
      'a'.repeat(17),
    ),
    at: fc.integer({ min: -3_000_000_000, max: 3_000_000_000 }).map((us) => T + us / 1000),
    elb: fc.constantFrom(
      LOAD_BALANCER,
      'app/shop/other',
      'app/shop-2/50dc6c495c0c9188',
      'net/shop/1',
      'app/shop',
      'app//1',
      'app/shop/',
    ),
    client: fc.constantFrom(
      '192.0.2.1:1',
      '192.0.2.1:65535',
      '192.0.2.1:123456',
      '192.0.2.1:',
      '[2001:db8::1]:443',
      '2001:db8::1:443',
      '-',
      'x:1',
      ':1',
      '1234567890123456:12',
      '1234567890123456',
    ),
    target: fc.constantFrom('10.0.0.1:8080', '[2001:db8::5]:80', '-', '10.0.0.1', ':80'),
    times: fc.tuple(
      fc.constantFrom(-1, 0, 0.001, 59.999),
      fc.constantFrom(-1, 0, 11.083, 3600, 1_234_567, 1_234_567_890),
      fc.constantFrom(-1, 0, 0.002),
    ),
    status: fc.constantFrom('200', '404', '502', '460', '-', '000', '20', '2000'),
    targetStatus: fc.constantFrom('200', '500', '-', '000'),
    bytes: fc.oneof(
      fc.constantFrom<[number, number]>([0, 0], [1, 123_456_789_012], [-1, 5], [1, 1e15]),
      fc.tuple(wholeNumber, wholeNumber),
    ),
    request,
    userAgent: fc.constantFrom('curl/8', 'a b', '', '-', 'a\\"b', 'é', 'Amazon CloudFront'),
    group: fc.constantFrom(GROUP, '-', 'é'),
    trace: fc.constantFrom(
      'Root=1-58337281-1d84f3d73c47ec4e58577259',
      'Self=1-1;Root=1-2-ABCDEF01',
      '-',
      'xyz',
      'ééééééééé',
    ),
    created: fc.constantFrom(null, T, T - 86_400_000 * 9),
    priority: fc.constantFrom('0', '-1', '-', '32767', 'x'),
    actions: fc.constantFrom('forward', 'waf,forward', '-'),
    node: fc.constantFrom(null, '-', '198.51.100.44', '2001:db8::9', 'é'),
  },
  { requiredKeys: [] },
);

/** With a few bytes of it replaced, or cut. */
const changed = fc
  .tuple(fields, fc.nat(800), fc.nat(3), fc.constantFrom('', ' ', '"', '-', '0', 'é', '\t', '\u0000', '.', ':', '/'))
  .map(([given, at, drop, put]) => {
    const text = line(given);
    return text.slice(0, at) + put + text.slice(at + drop);
  });

/** How many lines the scanner hands to the parser: one or none. */
function handedOver(text: string): number {
  let count = 0;
  const events: ScanEvents = { exactly: () => (count += 1), failed() {}, named() {}, isKnown: () => true, met() {} };
  const isFailed = Uint8Array.from({ length: 1000 }, (_, status) => Number(status >= 500));
  const scanner = openScanner(
    { wanted: Buffer.from(`${LOAD_BALANCER} `), byName: false, isFailed, window: { from: T, to: T + 900_000 } },
    events,
  );
  scanner.begin('203.0.113.17');
  const bytes = Buffer.from(`${text}\n`);
  expect(scanner.scan(0, bytes.copy(scanner.input))).toBe(bytes.length);
  return count;
}

const corpus = readFileSync('test/support/access-log/lines.jsonl', 'utf8')
  .trim()
  .split('\n')
  .map((text) => (JSON.parse(text) as { line: string }).line);

describe('a line in the ordinary form', () => {
  it.each([
    ['as it is', line()],
    ['of another load balancer', line({ elb: 'app/shop-2/50dc6c495c0c9188' })],
    ['of an IPv6 client and target', line({ client: '[2001:db8::1]:443', target: '[2001:db8::2]:80' })],
    ['without a target', line({ target: '-', targetStatus: '-', times: [-1, -1, -1], status: '301' })],
    ['on the last day of a month', line({ at: Date.parse('2026-01-31T23:59:59.999Z') })],
    ['with a type of 16 letters', line({ type: 'abcdefghijklmnop' })],
    [
      'received in 1,234 s, with 15 digits of bytes',
      line({ times: [1234.567, 0.099, 0], bytes: [123_456_789_012_345, 1] }),
    ],
    ['with a user agent that is not ASCII', line({ userAgent: 'caf\u00e9' })],
    ['with ids and parameters in its path', line({ request: 'GET https://h:443/a;v=1/17/deadbeef01?q=1 HTTP/2.0' })],
    ['that failed outside of the window', line({ at: T - 1, status: '502' })],
    ['that failed in the window', line({ status: '502' })],
    ['of 29 fields', line().split(' TID_')[0] ?? ''],
  ])('%s, is not parsed a second time', (_, text) => {
    expect(handedOver(text)).toBe(0);
  });

  it.each([
    ['a failure with 20,000 bytes', line({ status: '502', userAgent: 'a'.repeat(20_000) })],
    ['a failure with actions that are not ASCII', line({ status: '502', actions: 'caf\u00e9' })],
    ['a request that could not be read', line({ request: '- http://h:80- -' })],
    ['a path that is not ASCII', line({ request: 'GET https://h:443/caf\u00e9 HTTP/1.1' })],
    ['a method of 16 letters', line({ request: 'ABCDEFGHIJKLMNOP http://h:80/ HTTP/1.1' })],
    ['a tab in the request', line({ request: 'GET http://h:80/?a\tb HTTP/1.1' })],
    ['a port of six digits', line({ client: '192.0.2.1:123456' })],
    ['16 digits of bytes', line({ bytes: [1_234_567_890_123_456, 1] })],
    ['a quote in the user agent', line({ userAgent: 'a"b' })],
    ['a line cut in the middle', line().slice(0, 150)],
  ])('is handed to the parser: %s', (_, text) => {
    expect(handedOver(text)).toBe(1);
  });

  it.each([...corpus.entries()])("gives the parser's values for line %i of real logs", (_, text) => {
    for (const damage of ['', ' ', '"', '\r', '\u00e9', '\u0000'])
      for (const end of ['\n', '\r\n', '']) {
        const at = damage === '' ? text.length : (text.length * 7) % 97;
        expectTheSame(Buffer.from(text.slice(0, at) + damage + text.slice(at) + end), null);
      }
  });

  it.each([
    ['Amazon CloudFront', true],
    ['Amazon CloudFrond', false],
    ['Amazon CloudFront 2', false],
    ['a'.repeat(20_000), false],
  ])('keeps whether a failure came through CloudFront', (userAgent, isIt) => {
    const [failures] = failuresOf(expectTheSame(Buffer.from(`${line({ status: '502', userAgent })}\n`)));
    expect(failures?.details.map(({ by_cloudfront }) => by_cloudfront)).toEqual([isIt]);
  });

  it("gives the parser's values", () => {
    fc.assert(
      fc.property(fc.oneof({ weight: 3, arbitrary: fields.map(line) }, changed), fc.boolean(), (text, isById) => {
        expectTheSame(Buffer.from(`${text}\n`), isById ? LOAD_BALANCER_ID : null);
      }),
      { numRuns: 1500 },
    );
  });

  it('gives the keys of its route and client', () => {
    fc.assert(
      fc.property(request, (text) => {
        const [row] = read([`${line({ request: text })}\n`]).rows;
        expect(row).toMatchObject({ route: hashText(route(text)), client: hashText('192.0.2.1') });
      }),
    );
  });
});

/** Fields that are in the ordinary form. */
const ordinary = fc
  .record<Partial<Fields>>(
    {
      elb: fc.constantFrom(LOAD_BALANCER, LOAD_BALANCER, LOAD_BALANCER, 'app/shop/other', 'app/shop-2/1', 'app/shop/'),
      client: fc.constantFrom('192.0.2.1:1', '[2001:db8::1]:443'),
      bytes: fc.tuple(fc.constantFrom(0, 87_654_321, 987_654_321, 1_987_654_321, 2 ** 31 - 1, 2 ** 31), wholeNumber),
      target: fc.constantFrom('10.0.0.1:8080', '[2001:db8::5]:80', '-'),
      times: fc.oneof(
        fc.constantFrom<Fields['times']>([-1, -1, -1], [0, -1, -1], [0.001, 59.999, 0]),
        fc.nat(9999).map((ms): Fields['times'] => [ms / 1000, 9.999 - ms / 1000, ms]),
      ),
      status: fc.constantFrom('200', '404', '502', '-'),
      targetStatus: fc.constantFrom('200', '500', '-'),
      request: fc.constantFrom(
        'GET https://www.example.com:443/ HTTP/1.1',
        'POST http://h:80/users/deadbeef-cafe-babe-face-deadbeefcafe/1234567a//42?a=b HTTP/2.0',
        'GET http://[2001:db8::1]:80/a;v=1/1;w HTTP/1.1',
        `GET http://h:80/${'1/'.repeat(49)} HTTP/1.1`,
        `GET http://h:80/${'a'.repeat(195)} HTTP/1.1`,
        '- - -',
      ),
      group: fc.constantFrom(GROUP, '-'),
      trace: fc.constantFrom('Root=1-2-09AFE8D7', 'Root=1-2-fedcBA9F', '-', '0000000g', '0000000@', 'abc'),
      created: fc.constantFrom(T, T + 86_400_000 * 18),
      priority: fc.constantFrom('-1', '-', '32767'),
      node: fc.constantFrom('-', '198.51.100.44', '2001:db8::9'),
    },
    { requiredKeys: [] },
  )
  .map(line);

/** Of as many fields as lines have had over the years, and more. */
const wire = fc
  .tuple(
    fc.oneof(ordinary, fields.map(line)),
    fc.constantFrom(12, 13, 18, 21, 22, 23, 25, 27, 29, 30, 33, 34, 36, 40),
    fc.array(fc.constantFrom('"-"', '-', '"a b"', 'x', '""', '"é"', 'é'), { minLength: 7, maxLength: 7 }),
  )
  .map(([given, count, more]) => {
    const known = given.match(/"[^"]*"|[^ ]+/g) ?? [];
    return [...known, ...more].slice(0, count).join(' ');
  });

/** Bytes that mean something in a line, and any. */
const someByte = fc.oneof(
  fc.constantFrom(...Buffer.from('    """//:;-.0a{\n\r\t\u007f'), 0x80, 0xc3, 0xff),
  fc.nat(255),
);

/** A line with a byte of any field replaced, put in front, or taken out, or all behind it taken out. */
const damaged = fc
  .tuple(
    fc.oneof({ weight: 4, arbitrary: ordinary }, wire),
    fc.nat(1_000),
    fc.nat(1_000),
    someByte,
    fc.constantFrom('replaced', 'replaced', 'added', 'removed', 'cut'),
  )
  .map(([text, which, where, byte, how]) => {
    const found = [...text.matchAll(/"[^"]*" ?|[^ ]+ ?/g)];
    const field = found[which % found.length];
    const length = field?.[0].length ?? 1;
    // Short fields are hit as often as long ones, and their ends more often than their middles.
    const at = (field?.index ?? 0) + (where < 300 ? Math.min(1, where % 3) : where < 500 ? length - 1 : where % length);
    const bytes = Buffer.from(text);
    const put = how === 'replaced' || how === 'added' ? [byte] : [];
    return Buffer.concat([
      bytes.subarray(0, at),
      Buffer.from(put),
      how === 'cut' ? Buffer.alloc(0) : bytes.subarray(how === 'added' ? at : at + 1),
    ]);
  });

describe('the bytes of a line', () => {
  it("give the parser's values, whichever byte is damaged", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 4, arbitrary: damaged }, fc.oneof(ordinary, wire).map(Buffer.from)), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.constantFrom('\n', '\r\n'),
        fc.constantFrom('', '\uFEFF'),
        (lines, lineBreak, mark) => {
          const bytes = Buffer.concat([Buffer.from(mark), ...lines.flatMap((text) => [text, Buffer.from(lineBreak)])]);
          const { rows, account } = expectTheSame(bytes);
          const { lines: all, entries, rejected, otherLoadBalancers } = account;
          expect(all).toBe(entries + rejected);
          expect(rows).toHaveLength(entries - otherLoadBalancers);
        },
      ),
      { numRuns: 1500 },
    );
  });

  it.each([
    ...['2026-02-30T12:00:00.000000Z', '2026-02-29T12:00:00.000000Z', '2026-04-31T12:00:00.000000Z'],
    ...['2026-00-10T12:00:00.000000Z', '2026-13-10T12:00:00.000000Z', '2026-03-00T12:00:00.000000Z'],
    ...['2026-03-10T24:00:00.000000Z', '2026-03-10T12:60:00.000000Z', '2026-03-10T12:00:60.000000Z'],
    ...['2026-03-10T12:00:00.000000z', '2026-03-10 12:00:00.000000Z', '2026-03-10T12:00:00,000000Z'],
  ])('are no entry with a time of %s', (time) => {
    const at = '2026-03-10T12:00:00.000000Z';
    const created = '2026-03-10T11:59:59.990000Z';
    for (const text of [line().replace(at, time), line().replace(created, time)])
      expect(read([text]).account).toMatchObject({ lines: 1, entries: 0, rejected: 1 });
  });

  it.each(['0/010', '0.01:', '0.0:0', ':.010', '0.01', '0.0101', '-1.0', '00.010', '1234567.010', '-2'])(
    "give the parser's values with %s seconds",
    (seconds) => {
      for (const index of [5, 6, 7])
        expectTheSame(Buffer.from(`${line().split(' ').with(index, seconds).join(' ')}\n`));
    },
  );

  it("give the parser's values with a line feed in any field", () => {
    for (const { index } of line().matchAll(/"[^"]*"|[^ ]+/g))
      expectTheSame(Buffer.from(`${line().slice(0, index + 1)}\n${line().slice(index + 1)}\n${line()}\n`));
  });

  it('give the same values if nothing was read before, wherever a piece ends', () => {
    const whole = read([line()]);
    for (let at = 0; at <= line().length; at += 1) {
      const { rows, account } = read([line().slice(0, at), line().slice(at)]);
      expect({ rows, account }).toEqual({ rows: whole.rows, account: whole.account });
    }
  });

  it('list each target and node once, however many there are', () => {
    const targets = Array.from({ length: 3000 }, (_, n) => `10.0.${n >> 8}.${n & 255}:8080`);
    const { places } = read([[...targets, ...targets].map((target) => `${line({ target })}\n`).join('')]);
    expect(places.map(({ target }) => target)).toEqual(targets);
    expect(new Set(places.map(({ key }) => key)).size).toBe(3000);
    expect(read([line({ node: 'é' })]).places).toMatchObject([{ node: 'é' }]);
  });

  it('name each slow route once, and no more of them than are kept', () => {
    const slow = (n: number) =>
      `${line({ request: `GET https://shop.example.com:443/r${n} HTTP/1.1`, times: [0, 0.1, 0] })}\n`;
    const lines = Array.from({ length: NAMED_ROUTES + 100 }, (_, n) => slow(n));
    const few = lines.slice(0, NAMED_ROUTES);
    expect(read([[...few, ...few].join('')]).namedRoutes.map(({ route_text }) => route_text)).toEqual(
      few.map((_, n) => `GET /r${n}`),
    );
    expect(read([lines.join('')]).namedRoutes).toHaveLength(NAMED_ROUTES + 1);
    expect(read([line({ times: [0, 0.099, 0] })]).namedRoutes).toEqual([]);
  });

  it.each([12, 13, 22, 23, 25, 27, 29, 30, 33, 34, 36, 40])('are an entry with %i fields', (count) => {
    const known = line({ node: '198.51.100.44' }).match(/"[^"]*"|[^ ]+/g) ?? [];
    const text = [...known, ...Array<string>(6).fill('"-"')].slice(0, count).join(' ');
    for (const bytes of [text, `\uFEFF${text}\r\n`]) {
      const { account, places } = read([bytes]);
      expect(account).toMatchObject({ lines: 1, entries: 1, rejected: 0 });
      expect(places.map(({ node }) => node)).toEqual([count < 34 ? '203.0.113.17' : '198.51.100.44']);
    }
  });

  it('give the same values in pieces of any length', () => {
    const text = Buffer.from(
      [line({ userAgent: 'é' }), line({ status: '502' }), 'no entry', line(), ''].map((one) => `${one}\r\n`).join(''),
    );
    const whole = read([text]);
    expect(whole.account).toMatchObject({ lines: 4, entries: 3, rejected: 1 });
    const reader = readerOf({});
    for (let at = 0; at <= text.length; at += 1) {
      const { rows, account } = reader([text.subarray(0, at), text.subarray(at)]);
      expect({ rows, account }).toEqual({ rows: whole.rows, account: whole.account });
    }
    const one = reader(Array.from(text, (byte) => Uint8Array.of(byte)));
    expect({ rows: one.rows, account: one.account }).toEqual({ rows: whole.rows, account: whole.account });
  });
});

describe('lines in pieces', () => {
  const text = Array.from({ length: 40 }, (_, n) => line({ at: T + n * 1000.001, client: `192.0.2.${n}:1` })).join(
    '\r\n',
  );
  const whole = read([text]);

  it('give the same values wherever they are cut', () => {
    expect(whole.account).toMatchObject({ lines: 40, entries: 40 });
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 20 }), (cuts) => {
        const ends = [...cuts, text.length].sort((a, b) => a - b);
        const { rows, account } = read(ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end)));
        expect(rows).toEqual(whole.rows);
        expect(account).toEqual(whole.account);
      }),
      { numRuns: 50 },
    );
  });

  it('keep no bytes of the previous piece in a reused buffer', () => {
    const columns = new Columns(
      { loadBalancer: { name: 'shop', id: null }, window: { from: T, to: T + 900_000 }, statuses: ['5xx'] },
      () => {},
    );
    columns.begin(null);
    const piece = Buffer.from(`${line()}\n${line()}`);
    columns.feed(piece);
    piece.fill('x');
    columns.feed(Buffer.from('\n'));
    expect(columns.end()).toMatchObject({ lines: 2, entries: 2 });
  });

  it('are rejected if too long, and the next one is read', () => {
    const long = Buffer.alloc(MAX_LINE / 2 + 1, 'x');
    const { account } = read([line(), '\n', long, long, long, '\n', line(), '\n']);
    expect(account).toMatchObject({ lines: 3, entries: 2, rejected: 1, firstRejected: { line: 2 } });
  });

  it('are rejected early if too short or of another type; the shortest entry is read', () => {
    const shortest = 'a 2026-11-20T02:47:11Z a/b/c - - 0 0 0 - - 0 0';
    const lines = ['no entry', shortest.slice(1), `1${shortest.slice(1)}`, shortest, `${shortest.slice(0, -1)}x`];
    expect(lines.map((text) => 'entry' in parseLine(text))).toEqual([false, false, false, true, false]);
    const { account } = read([lines.map((text) => `${text}\n`).join('')]);
    expect(account).toMatchObject({ lines: 5, entries: 1, rejected: 4, firstRejected: { line: 1, text: 'no entry' } });
  });

  it('fill batch after batch', () => {
    const one = `${line({ elb: LOAD_BALANCER })}\n`;
    const { batches } = read([one.repeat(BATCH), one]);
    expect(batches.map(({ rows }) => rows)).toEqual([BATCH, 1]);
  });
});
