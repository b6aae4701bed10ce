import { appendFileSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  type ReadProgress,
  readAccessLog,
  readWithFileCounts,
} from '../../../../src/collect/access-log/embedded/embedded-engine.ts';
import type { AccessLog } from '../../../../src/evidence/access-log.ts';
import type { Question } from '../../../../src/evidence/question.ts';
import { Problem } from '../../../../src/problem.ts';
import {
  type Content,
  type Fields,
  fileName,
  GROUP,
  LOAD_BALANCER,
  line,
  textOf,
  writeLogs,
} from '../../../support/access-log/log-file.ts';
import { temporaryFolder } from '../../../support/incident/folder.ts';
import { fc } from '../../../support/property.ts';

const T = Date.parse('2026-03-10T12:00:00Z');
const MINUTE = 60_000;
const question: Question = {
  loadBalancer: {
    name: 'shop',
    arn: `arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/${LOAD_BALANCER}`,
  },
  from: T,
  to: T + 15 * MINUTE,
  now: T + 30 * MINUTE,
  statuses: ['5xx'],
};

async function read(
  files: Record<string, Content>,
  asked: Partial<Question> = {},
  idleTimeoutSeconds = 60,
): Promise<AccessLog> {
  const folder = temporaryFolder();
  writeLogs(folder, files);
  return readAccessLog({ folder, question: { ...question, ...asked }, idleTimeoutSeconds });
}

/** Lines a second apart. */
const lines = (count: number, fields: Partial<Fields> = {}): string[] =>
  Array.from({ length: count }, (_, n) =>
    line({ at: T + n * 1000, trace: `Root=1-58337281-${String(n).padStart(24, '0')}`, ...fields }),
  );
const refused: Partial<Fields> = { status: '502', targetStatus: '-', times: [-1, -1, -1] };
/** Closed before the response. */
const closed: Partial<Fields> = { status: '502', targetStatus: '-', times: [0, 0.002, -1] };

describe('unusual lines', () => {
  const normal = lines(3000);
  const around = (odd: string) => [...normal.slice(0, 1500), odd, ...normal.slice(1500)];

  it.each<[string, string, number]>([
    ['a stray quote in the user agent', line({ userAgent: 'Mozilla" Firefox' }), 1],
    ['a quote as the load balancer writes it', line({ userAgent: 'a\\x22b' }), 1],
    ['a quote behind a backslash', line({ userAgent: 'a\\"b' }), 1],
    ['a backslash before the closing quote', line({ userAgent: 'C:\\x5c' }), 1],
    ['a line cut in the middle', line().slice(0, 150), 0],
    ['a line cut in its head', line().slice(0, 60), 0],
    ['garbage', '<html>502 Bad Gateway</html>', 0],
    ['a user agent of 8 KB', line({ userAgent: 'a'.repeat(8192) }), 1],
    ['a line of 3 MB', line({ userAgent: 'a'.repeat(3_000_000) }), 1],
    ['the separator of the engine', line({ userAgent: 'a\u0001b' }), 1],
    ['a NUL', line({ userAgent: 'a\u0000b' }), 1],
    ['spaces in the URL', line({ request: 'GET https://h:443/a b HTTP/1.1' }), 1],
    ['a request that could not be read', line({ request: '- http://h:80- -', status: '400', targetStatus: '-' }), 1],
    ['two more fields than are documented', `${line({ node: '203.0.113.17' })} "-" "-"`, 1],
    ['five unknown fields', `${line({ node: '203.0.113.17' })} "-" "-" 17 "x y" -`, 1],
    ['29 fields, as of 2020', line().split(' TID_')[0] ?? '', 1],
    ['12 fields', line().split(' "')[0] ?? '', 1],
    ['an IPv6 client and target', line({ client: '[2001:db8::1]:443', target: '[2001:db8::2]:80' }), 1],
    ['a date that does not exist', line().replace('2026-03-10T12', '2026-02-31T12'), 0],
    ['only blanks', '   ', 0],
  ])('with %s lose no other line', async (_, odd, entries) => {
    const log = await read({ 'a.log.gz': around(odd) });
    expect(log).toMatchObject({ lines: 3001, entries: 3000 + entries, requests: 900 + (log.requests - 900) });
    expect(log.rejected).toMatchObject({ lines: 1 - entries, files: 1 - entries });
    expect(log.rejected.first?.line ?? null).toBe(entries === 1 ? null : 1501);
    expect(log.files.unreadable).toEqual([]);
  });

  it('are not counted when empty', async () => {
    expect(await read({ 'a.log': ['', line(), '', ''] })).toMatchObject({ lines: 1, entries: 1 });
  });

  it('may have either line break, a byte order mark, and no break at the end', async () => {
    const [a = '', b = '', c = ''] = lines(3);
    const log = await read({ 'a.log.gz': gzipSync(`\uFEFF${a}\r\n${b}\n${c}`), 'b.log': Buffer.from(`${a}\r\n${b}`) });
    expect(log).toMatchObject({ lines: 5, entries: 5, requests: 5, files: { unreadable: [] } });
  });

  it('may contain bytes that are not UTF-8', async () => {
    const bad = Buffer.concat([
      Buffer.from(textOf([line({ ...refused, request: 'GET https://h:443/caf\u00e9/\u65e5\u672c HTTP/1.1' })])),
      Buffer.from(line({ at: T + 1000, userAgent: 'a@b' }).replace('a@b', 'a\u00ffb'), 'latin1'),
    ]);
    const log = await read({ 'a.log.gz': gzipSync(bad), 'b.log.gz': lines(50) });
    expect(log).toMatchObject({ lines: 52, entries: 52, files: { unreadable: [] } });
    expect(log.failures.map(({ route }) => route)).toEqual(['GET /caf\u00e9/\u65e5\u672c']);
  });

  it('are shown by file and number if rejected, without query and address', async () => {
    const log = await read({
      'b.log.gz': ['nonsense', ...lines(2)],
      'a.log.gz': [...lines(2), 'x 192.0.2.9 /login?password=1', 'more', ...lines(1)],
    });
    expect(log.rejected).toEqual({
      lines: 3,
      files: 2,
      first: { file: 'a.log.gz', line: 3, text: 'x x /login' },
    });
  });
});

describe('an unreadable file', () => {
  const whole = gzipSync(textOf(lines(3000)));
  const flipped = Buffer.from(whole);
  flipped[whole.length - 6] = (flipped[whole.length - 6] ?? 0) ^ 0xff;
  const damaged = Buffer.from(whole);
  damaged.fill(0xaa, whole.length >> 1, (whole.length >> 1) + 200);

  it.each<[string, Buffer, RegExp, boolean]>([
    ['is empty', Buffer.alloc(0), /^it is empty$/, false],
    ['is not gzip', Buffer.from(textOf(lines(5))), /^it is not gzip$/, false],
    ['is only a gzip header', whole.subarray(0, 12), /^it is truncated to a gzip header$/, false],
    ['is cut off', whole.subarray(0, whole.length >> 1), /^it is truncated$/, true],
    ['is cut off in its last bytes', whole.subarray(0, whole.length - 3), /^it is truncated$/, true],
    ['has a wrong checksum', flipped, /^its checksum does not match its content$/, true],
    ['is damaged in the middle', damaged, /damaged|checksum/, true],
  ])('that %s is reported, and the others are used', async (_, bytes, reason, partly) => {
    const log = await read({ 'bad.log.gz': bytes, 'good.log.gz': lines(10) });
    expect(log.files.unreadable).toEqual([
      { file: 'bad.log.gz', reason: expect.stringMatching(reason), lines: expect.any(Number) },
    ]);
    const used = log.files.unreadable[0]?.lines ?? -1;
    expect(log.entries).toBe(10 + used);
    expect(log.entries + log.rejected.lines).toBe(log.lines);
    if (partly) expect(used).toBeGreaterThan(500);
    else expect(used).toBe(0);
  });

  it('is read when it has several gzip members', async () => {
    const log = await read({ 'a.log.gz': Buffer.concat([whole, gzipSync(textOf(lines(7)))]) });
    expect(log).toMatchObject({ lines: 3007, files: { unreadable: [] } });
  });

  it('is reported if other bytes follow its compressed data', async () => {
    const log = await read({ 'a.log.gz': Buffer.concat([whole, Buffer.alloc(100, 7)]), 'b.log.gz': lines(3) });
    expect(log.files.unreadable).toMatchObject([
      { file: 'a.log.gz', reason: 'other bytes follow its compressed data' },
    ]);
    // Up to some hundred compressed bytes before the damage are lost with it.
    expect(log.lines).toBeGreaterThan(2900);
  });

  it.each([
    ['a few zeros', 3],
    ['more zeros than are read at once', 600_000],
  ])('is not one padded with %s', async (_, zeros) => {
    const log = await read({ 'a.log.gz': Buffer.concat([whole, Buffer.alloc(zeros)]) });
    expect(log).toMatchObject({ lines: 3000, files: { read: 1, unreadable: [] } });
  });

  it('is reported if data follows the padding zeros', async () => {
    const more = gzipSync(textOf(lines(7)));
    const log = await read({ 'a.log.gz': Buffer.concat([whole, Buffer.alloc(600_000), more]) });
    expect(log).toMatchObject({
      lines: 3000,
      files: { unreadable: [{ file: 'a.log.gz', reason: 'other bytes follow its compressed data', lines: 3000 }] },
    });
  });

  it('is read when compressed under the name .log', async () => {
    expect(await read({ 'a.log': gzipSync(textOf(lines(3))) })).toMatchObject({ lines: 3 });
  });

  it('is reported if it is plain but not text', async () => {
    const log = await read({ 'a.log': Buffer.from([0, 1, 2, 3]) });
    expect(log.files.unreadable).toEqual([{ file: 'a.log', reason: 'it is not text', lines: 0 }]);
  });

  it('is read when it holds plain entries with any bytes', async () => {
    const log = await read({ 'a.log': Buffer.from(textOf([line({ userAgent: 'a\0b' }), ...lines(2)])) });
    expect(log).toMatchObject({ lines: 3, entries: 3, files: { unreadable: [] } });
  });

  it('is reported if it is a link', async () => {
    const folder = temporaryFolder();
    writeLogs(folder, { 'a.log': lines(1) });
    symlinkSync(join(folder, 'gone'), join(folder, 'b.log'));
    const log = await readAccessLog({ folder, question, idleTimeoutSeconds: 60 });
    expect(log).toMatchObject({
      lines: 1,
      files: { unreadable: [{ file: 'b.log', reason: 'it is a link', lines: 0 }] },
    });
  });

  it('may be missing, and no files give an empty answer', async () => {
    const log = await read({ 'notes.txt': Buffer.from('hello') });
    expect(log).toMatchObject({
      lines: 0,
      requests: 0,
      oldest: null,
      failures: [],
      files: { read: 0, unreadable: [] },
    });
  });

  it('fails the question if its folder does not exist', async () => {
    await expect(
      readAccessLog({ folder: join(temporaryFolder(), 'logs'), question, idleTimeoutSeconds: 60 }),
    ).rejects.toThrow(/ENOENT/);
  });
});

describe('large damaged files', () => {
  // Larger than the input of the scanner, so that lines were scanned before the damage shows.
  const random = (n: number) =>
    Array.from({ length: 40 }, (_, k) => Math.imul(n * 40 + k + 1, 2_654_435_761) >>> 0).join('-');
  const large = Array.from({ length: 14_000 }, (_, n) => line({ at: T + n, userAgent: random(n) }));
  const whole = gzipSync(textOf(large));

  it('are reported, too', async () => {
    expect(whole.length).toBeGreaterThan(2_100_000);
    const log = await read({
      'a.log.gz': whole,
      'b.log.gz': whole.subarray(0, whole.length - 500_000),
      'c.log.gz': whole,
    });
    expect(log.files.unreadable).toEqual([{ file: 'b.log.gz', reason: 'it is truncated', lines: expect.any(Number) }]);
    const used = log.files.unreadable[0]?.lines ?? 0;
    expect(used).toBeGreaterThan(7000);
    expect(log).toMatchObject({ entries: 28_000 + used, requests: log.entries });
  });

  it('are reported if damaged in the middle, and the other files are read in full', async () => {
    const damaged = Buffer.from(whole);
    damaged.fill(0xaa, whole.length >> 1, (whole.length >> 1) + 200);
    const log = await read({
      'a.log.gz': whole,
      'b.log.gz': damaged,
      'c.log.gz': Buffer.concat([whole, Buffer.alloc(64, 7)]),
    });
    expect(log.files.unreadable.map(({ file }) => file)).toContain('b.log.gz');
    expect(log.lines).toBeGreaterThanOrEqual(28_000);
  });

  it('leave no results of a discarded pass, not even in the next file', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ lines: fc.integer({ min: 1, max: 400 }), cut: fc.option(fc.nat(1000)), end: fc.boolean() }),
          {
            minLength: 2,
            maxLength: 6,
          },
        ),
        async (files) => {
          const folder = temporaryFolder();
          const nodes = files.map((_, index) => `203.0.113.${index + 1}`);
          const contents = files.map(({ lines: count, cut, end }, index): [string, Buffer] => {
            // Every third fails, and the last line of some files is cut.
            const all = Array.from({ length: count }, (_, n) =>
              line({ at: T + n, status: n % 3 === 0 ? '502' : '200', userAgent: random(n) }),
            );
            const packed = gzipSync(end ? textOf(all) : all.join('\n').slice(0, -20));
            const at = cut === null ? packed.length : 19 + Math.floor(((packed.length - 19) * cut) / 1001);
            return [fileName('20260310T1205Z', nodes[index]), packed.subarray(0, at)];
          });
          writeLogs(folder, Object.fromEntries(contents));
          const { log, accounts } = await readWithFileCounts({ folder, question, idleTimeoutSeconds: 60 });
          const wanted = accounts.filter(({ entries }) => entries > 0);
          const found = new Map<string | null, { requests: number; failures: number }>();
          // The target group of a line that is cut off may be another.
          for (const { node, requests, failures } of log.targets) {
            const before = found.get(node) ?? { requests: 0, failures: 0 };
            found.set(node, { requests: before.requests + requests, failures: before.failures + failures });
          }
          expect(found).toEqual(
            new Map(
              wanted.map(({ file, entries }) => [
                nodes.find((node) => file.includes(`_${node}_`)),
                { requests: entries, failures: Math.ceil(entries / 3) },
              ]),
            ),
          );
          expect(log.failuresTotal).toBe(wanted.reduce((sum, { entries }) => sum + Math.ceil(entries / 3), 0));
          for (const { lines: all, entries, rejected } of accounts) expect(all).toBe(entries + rejected);
          expect(log.files.unreadable).toHaveLength(files.filter(({ cut }) => cut !== null).length);
          expect(log.rejected.lines).toBeLessThanOrEqual(files.length);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('give a rare target its name', async () => {
    const rare = line({ at: T + 5, target: '10.0.0.99:8080', trace: 'Root=1-5-000000000000000000000001' });
    const log = await read({ 'a.log.gz': whole, 'b.log.gz': gzipSync(textOf([...large, rare])) });
    expect(log.targets.map(({ target, requests }) => [target, requests])).toEqual([
      ['10.0.0.1:8080', 28_000],
      ['10.0.0.99:8080', 1],
    ]);
  });
});

describe('the files to read', () => {
  it('exclude files that cannot matter, and count them', async () => {
    const log = await read({
      [fileName('20260310T1200Z')]: lines(1),
      [fileName('20260310T1205Z')]: lines(2),
      [fileName('20260310T1300Z')]: lines(4),
      [fileName('20260310T1205Z', '203.0.113.17', 'app/other/1')]: lines(8),
      'deeper/still/late.log': lines(16),
    });
    expect(log).toMatchObject({ lines: 19, files: { read: 3, outsideWindow: 2 } });
  });

  it('exclude connection logs and health-check logs, by name or content', async () => {
    const connection = '2026-03-10T12:00:00.000000Z 192.0.2.1 51320 443 TLSv1.2 ECDHE 1.0 "-" - - - TID_1';
    const health = 'http 2026-03-10T12:00:00.000000Z 1.121980746 172.31.31.9:80 group FAIL 502 TargetError';
    const log = await read({
      'conn_log_x.log': ['whatever'],
      'health_check_log_x.log.gz': ['whatever'],
      'c.log.gz': [connection, connection],
      'h.log.gz': [health],
      'a.log.gz': lines(2),
    });
    expect(log).toMatchObject({
      lines: 2,
      rejected: { lines: 0, files: 0, first: null },
      files: { read: 1, connectionLogs: 2, healthCheckLogs: 2, unreadable: [] },
    });
  });

  it('include health-check logs, by name or content, to show when a target failed', async () => {
    const check = (second: string, result: string) =>
      `http 2026-03-10T12:00:${second}.000000Z 0.004 10.0.0.9:80 api ${result} ${LOAD_BALANCER} 10.0.1.5`;
    const log = await read({
      [fileName('20260310T1205Z').replace('/123456789012_', '/health_check_log_123456789012_')]: [
        check('00', 'FAIL - TimedOut'),
        'whatever',
      ],
      'h.log.gz': [check('30', 'FAIL 503 TargetError'), check('59', 'PASS 200 -')],
      'a.log.gz': lines(2),
    });
    expect(log.healthChecks).toEqual([
      {
        ...{ targetGroup: 'api', target: '10.0.0.9:80', failures: 2, nodes: ['10.0.1.5'] },
        ...{ from: Date.parse('2026-03-10T12:00:00Z'), to: Date.parse('2026-03-10T12:00:59Z') },
        ...{ last: Date.parse('2026-03-10T12:00:30Z'), lastPassed: null },
        reasons: [
          { reason: 'TargetError', statusCode: '503', count: 1 },
          { reason: 'TimedOut', statusCode: '-', count: 1 },
        ],
      },
    ]);
  });

  it('may contain lines of other logs, which are rejected', async () => {
    const connection = '2026-03-10T12:00:00.000000Z 192.0.2.1 51320 443 TLSv1.2 ECDHE 1.0 "-" - - - TID_1';
    expect(await read({ 'a.log.gz': [connection, ...lines(2)] })).toMatchObject({ lines: 3, rejected: { lines: 1 } });
  });

  it('may have names that are special in a shell or SQL', async () => {
    const log = await read({
      "it's [a] *.log": lines(1),
      'x;DROP TABLE line--?.log.gz': lines(2),
      'é/ü.log': lines(4),
    });
    expect(log).toMatchObject({ lines: 7, files: { read: 3, unreadable: [] } });
  });

  it('may be given as a list', async () => {
    const folder = temporaryFolder();
    writeLogs(folder, { 'a.log': lines(1), 'b.log': lines(2), 'c.log': lines(4) });
    const files = ['c.log', 'a.log'].map((name) => join(folder, name));
    expect(await readAccessLog({ folder: files, question, idleTimeoutSeconds: 60 })).toMatchObject({ lines: 5 });
  });

  it('account for all their lines', async () => {
    const folder = temporaryFolder();
    writeLogs(folder, { 'b.log.gz': [...lines(3), 'x'], 'a.log': ['', 'y', ...lines(1, { elb: 'app/other/1' })] });
    const { accounts } = await readWithFileCounts({ folder, question, idleTimeoutSeconds: 60 });
    expect(accounts).toEqual([
      { file: 'a.log', lines: 2, entries: 1, rejected: 1 },
      { file: 'b.log.gz', lines: 4, entries: 3, rejected: 1 },
    ]);
  });

  it('are reported as progress', async () => {
    const folder = temporaryFolder();
    writeLogs(folder, { 'a.log': lines(3) });
    const steps: ReadProgress[] = [];
    await readAccessLog({ folder, question, idleTimeoutSeconds: 60, progress: (step) => steps.push(step) });
    const bytes = readFileSync(join(folder, 'a.log')).length;
    expect(steps).toEqual([
      { step: 'listed', files: 1, bytes, lines: 0 },
      { step: 'read', files: 1, bytes, lines: 3 },
      { step: 'answered', files: 1, bytes, lines: 3 },
    ]);
  });
});

describe('the load balancer', () => {
  const files = {
    'a.log': [
      line(),
      line({ elb: 'app/shop/1111111111111111' }),
      line({ elb: 'app/shop-2/50dc6c495c0c9188' }),
      line({ elb: 'net/shop/50dc6c495c0c9188' }),
    ],
  };

  it.each<[string, Question['loadBalancer'], number]>([
    ['an ARN: exactly that one', question.loadBalancer, 1],
    ['app/name/id', { name: LOAD_BALANCER, arn: null }, 1],
    ['a name that is not there, with a quote in it', { name: "sh'op", arn: null }, 0],
  ])('is found by %s', async (_, loadBalancer, requests) => {
    expect(await read(files, { loadBalancer })).toMatchObject({
      lines: 4,
      entries: 4,
      requests,
      otherLoadBalancers: 4 - requests,
    });
  });

  it('is found by a name that only one has', async () => {
    const loadBalancer = { name: 'shop-2', arn: null };
    expect(await read(files, { loadBalancer })).toMatchObject({ entries: 4, requests: 1, otherLoadBalancers: 3 });
  });

  it.each<[string, Record<string, string[]>]>([
    ['in one file', files],
    ['in two files', { 'a.log': lines(2), 'b.log.gz': lines(2, { elb: 'app/shop/1111111111111111' }) }],
    ['in lines that take the parser', { 'a.log': [line(), line({ elb: 'app/shop/1111111111111111', ...refused })] }],
    ['by turns', { 'a.log': [...files['a.log'], ...files['a.log']] }],
  ])('is refused if two have the name, %s', async (_, found) => {
    await expect(read(found, { loadBalancer: { name: 'shop', arn: null } })).rejects.toEqual(
      new Problem("'shop' matches 2 load balancers: app/shop/1111111111111111, app/shop/50dc6c495c0c9188.", 1),
    );
  });
});

describe('the entries', () => {
  it('lie in the window from its first microsecond to before its last', async () => {
    const ats = [T - 0.001, T, T + 15 * MINUTE - 0.001, T + 15 * MINUTE];
    const log = await read({ 'a.log': ats.map((at) => line({ ...refused, at })) });
    expect(log).toMatchObject({ requests: 2, failuresTotal: 2, oldest: ats[0], newest: ats[3] });
    expect(log.failures.map(({ at }) => at)).toEqual([ats[1], ats[2]]);
    expect(log.minutes).toEqual([
      { minute: T, requests: 1 },
      { minute: T + 14 * MINUTE, requests: 1 },
    ]);
  });

  it('include 5xx, 460 and the asked statuses', async () => {
    const statuses = ['200', '404', '460', '500', '561', '000', '-'];
    const log = (asked: string[]) =>
      read({ 'a.log': statuses.map((status) => line({ status, targetStatus: '-' })) }, { statuses: asked });
    const shown = async (asked: string[]) =>
      (await log(asked)).failures.map((failure) => failure.elb_status_code).sort();
    expect(await shown(['502'])).toEqual(['460', '500', '561']);
    expect(await shown(['4xx'])).toEqual(['404', '460', '500', '561']);
    expect(await shown(['000', '404'])).toEqual(['000', '404', '460', '500', '561']);
  });

  it('need a valid status', async () => {
    await expect(read({ 'a.log': lines(1) }, { statuses: ['1) OR (1=1'] })).rejects.toThrow('is not a status');
  });
});

describe('a failure', () => {
  it('keeps its logged values', async () => {
    const log = await read({
      [fileName('20260310T1205Z', '198.51.100.9')]: [
        line({
          at: T + 1000.123,
          created: T - 11_000,
          type: 'h2',
          client: '[2001:db8::1]:443',
          times: [0.001, 11.083, -1],
          status: '502',
          targetStatus: '-',
          bytes: [39, 277],
          request: 'GET https://h:443/users/17/orders?token=secret HTTP/2.0',
          priority: '-1',
          actions: 'waf,forward',
          reason: '-',
          classification: 'AmbiguousUri',
        }),
      ],
    });
    expect(log.failures).toEqual([
      {
        at: T + 1000.123,
        elapsed: 12.000123,
        client: 1,
        route: 'GET /users/:id/orders',
        node: '198.51.100.9',
        type: 'h2',
        target: '10.0.0.1:8080',
        request_processing_time: 0.001,
        target_processing_time: 11.083,
        response_processing_time: -1,
        elb_status_code: '502',
        target_status_code: '-',
        received_bytes: 39,
        sent_bytes: 277,
        target_group_arn: GROUP,
        trace_id: 'Root=1-58337281-1d84f3d73c47ec4e58577259',
        matched_rule_priority: '-1',
        actions_executed: 'waf,forward',
        error_reason: '-',
        classification_reason: 'AmbiguousUri',
        retriedOk: false,
      },
    ]);
  });

  it('prefers the node in field 34 to that in the file name', async () => {
    const log = await read({
      [fileName('20260310T1205Z', '198.51.100.9')]: [line({ ...refused, node: '203.0.113.80' })],
    });
    expect(log.failures.map(({ node }) => node)).toEqual(['203.0.113.80']);
  });

  it('counts its clients by address, not by port', async () => {
    const clients = ['192.0.2.1:1', '192.0.2.1:2', '192.0.2.2:1', '[2001:db8::1]:9'];
    const log = await read({ 'a.log': clients.map((client, n) => line({ ...refused, client, at: T + n })) });
    expect(log.failures.map(({ client }) => client)).toEqual([1, 1, 2, 3]);
    expect(log.failedClients).toBe(3);
  });

  it.each<[string, Partial<Fields>, boolean]>([
    ['a success within 30 s', { at: T + 30_000 }, true],
    ['a success after 30 s', { at: T + 30_000.001 }, false],
    ['a success at the same microsecond', { at: T }, false],
    [
      'a success on another id of the route',
      { at: T + 5000, request: 'GET https://h:443/api/orders/99 HTTP/1.1' },
      true,
    ],
    ['a success on another route', { at: T + 5000, request: 'GET https://h:443/api/carts/99 HTTP/1.1' }, false],
    ['a success of another client', { at: T + 5000, client: '192.0.2.77:1' }, false],
    ['a success on another port', { at: T + 5000, client: '192.0.2.1:5' }, true],
    ['another failure', { at: T + 5000, ...refused }, false],
    ['a 404', { at: T + 5000, status: '404', targetStatus: '404' }, true],
    ['a client that gives up', { at: T + 5000, status: '460', targetStatus: '-' }, false],
  ])('followed by %s', async (_, next, retriedOk) => {
    const log = await read({ 'a.log': [line({ ...refused }), line(next)] });
    expect([log.failures[0]?.retriedOk, log.retriedOk, log.failureShapes[0]?.retriedOk]).toEqual([
      retriedOk,
      Number(retriedOk),
      Number(retriedOk),
    ]);
  });
});

it('does not count a 400 that the question asks about as a success on retry', async () => {
  const bad: Partial<Fields> = { status: '400', targetStatus: '-' };
  const log = await read({ 'a.log': [line(bad), line({ ...bad, at: T + 5000 })] }, { statuses: ['400'] });
  expect([log.failuresTotal, log.retriedOk]).toEqual([2, 0]);
});

describe('a target group that fails for a long time', () => {
  it('shows at most 20,000 failures, by trace id, and counts all', async () => {
    const count = 21_000;
    const failing = Array.from({ length: count }, (_, n) => {
      const digits = (Math.imul(n + 1, 2_654_435_761) >>> 0).toString(16).padStart(8, '0');
      return line({ ...refused, at: T + n, trace: `Root=1-58337281-1d84f3d73c47ec4e${digits}` });
    });
    const [log, again] = await Promise.all([
      read({ 'a.log.gz': failing }),
      read({ 'a.log.gz': failing.slice(9000), 'b.log.gz': failing.slice(0, 9000).reverse() }),
    ]);
    expect(log.failures.length).toBe(20_000);
    expect(log.failuresTotal).toBe(count);
    expect(log.failureShapes.reduce((sum, shape) => sum + shape.count, 0)).toBe(count);
    const digits = failing.map((text) => /4e([0-9a-f]{8})"/.exec(text)?.[1] ?? '').sort();
    expect(log.failures.map(({ trace_id }) => trace_id.slice(-8)).sort()).toEqual(digits.slice(0, 20_000));
    expect(again.failures).toEqual(log.failures);
  });
});

describe('gaps before a closed connection', () => {
  /** One request every 700 ms on each of two targets, except for pauses of exactly five seconds that end in a closed connection. */
  const quiet = (): string[] => {
    const found: string[] = [];
    for (let n = 0; n < 2; n++) {
      let at = T;
      for (let k = 1; k <= 300; k++) {
        const isEdge = k % 30 === 0;
        const dispatched = at + (isEdge ? 5004 : 700 + ((k * 37) % 300));
        const shared = {
          target: `10.0.0.${n + 1}:8080`,
          created: Math.floor(dispatched),
          trace: `Root=1-58337281-1d84f3d73c47ec4e${(Math.imul(k * 2 + n + 1, 2_654_435_761) >>> 0).toString(16).padStart(8, '0')}`,
        };
        found.push(line({ ...shared, at: dispatched + 2, ...(isEdge ? closed : { times: [0, 0.002, 0] }) }));
        at = dispatched + 2;
      }
    }
    return found;
  };

  it('lie at the timeout, unlike those of controls', async () => {
    const log = await read({ [fileName('20260310T1205Z')]: quiet() });
    const [gaps] = log.idleGaps;
    expect(log.idleGaps.length).toBe(1);
    expect(gaps).toMatchObject({ target_group_arn: GROUP, horizon: 61 });
    expect(gaps?.failures.length).toBe(20);
    expect(gaps?.failures.map(({ row }) => log.failures[row]?.elb_status_code)).toEqual(Array(20).fill('502'));
    expect(gaps?.failures.every(({ gaps: own }) => own.includes(5004))).toBe(true);
    const controls = gaps?.peers.flatMap((peers) => peers.controls) ?? [];
    expect(controls.length).toBeGreaterThan(400);
    const atEdge = controls.filter(({ gaps: own }) => own.some((gap) => gap >= 5000 && gap < 5010));
    expect(atEdge.length).toBeLessThan(controls.length / 10);
    for (const { gaps: own } of controls) expect(own).toEqual([...own].sort((a, b) => a - b));
  });

  it('reach back before the window by one second more than the idle timeout', async () => {
    const before = line({ at: T - 4000 });
    const failing = line({ ...closed, at: T + 1002 });
    expect((await read({ 'a.log': [before, failing] })).idleGaps[0]?.failures).toEqual([{ row: 0, gaps: [5000] }]);
    expect((await read({ 'a.log': [before, failing] }, {}, 3)).idleGaps[0]).toMatchObject({
      horizon: 4,
      failures: [{ row: 0, gaps: [] }],
    });
  });

  it('reach back 300 s if the load balancer keeps connections for 905 s', async () => {
    const lines = [line({ at: T - 100_000 }), line({ ...closed, at: T + 200_002 })];
    expect((await read({ 'a.log': lines }, {}, 905)).idleGaps[0]).toMatchObject({
      horizon: 906,
      failures: [{ row: 0, gaps: [300_000] }],
    });
  });

  it('belong to one node and one target', async () => {
    const log = await read({
      'a.log': [
        line({ at: T, node: '203.0.113.1' }),
        line({ at: T, node: '203.0.113.2', target: '10.0.0.2:8080' }),
        line({ ...closed, at: T + 5002, node: '203.0.113.2' }),
      ],
    });
    expect(log.idleGaps).toMatchObject([{ failures: [{ row: 0, gaps: [] }], peers: [] }]);
  });

  it('have controls of the same route only, marked if their client has its own error', async () => {
    const request = (path: string) => `GET https://www.example.com:443${path} HTTP/1.1`;
    const log = await read({
      'a.log': [
        line({ at: T, request: request('/orders'), client: '192.0.2.1:1' }),
        line({ at: T + 300, request: request('/orders'), client: '192.0.2.2:1' }),
        line({ at: T + 600, request: request('/other'), client: '192.0.2.1:1' }),
        line({ ...closed, at: T + 5002, request: request('/orders'), client: '192.0.2.1:1' }),
      ],
    });
    const [peers] = log.idleGaps[0]?.peers ?? [];
    expect(peers).toMatchObject({ row: 0, answered: 2, controls: { length: 2 } });
    expect(peers?.controls.map(({ client, gaps: own }) => [client, own.length]).sort()).toEqual(
      [
        [null, 1],
        [log.failures[0]?.client, 0],
      ].sort(),
    );
  });

  it('exclude connections closed after a second of work', async () => {
    const log = await read({ 'a.log': [line({ at: T }), line({ ...closed, at: T + 6000, times: [0, 1.2, -1] })] });
    expect(log.idleGaps).toEqual([]);
  });

  it('count finished requests that did not succeed', async () => {
    const log = await read({
      'a.log': [
        line({ at: T, status: '500', targetStatus: '500' }),
        line({ at: T + 3, status: '500', targetStatus: '500' }),
        line({ ...refused, at: T + 1000 }),
        line({ ...closed, at: T + 5007 }),
      ],
    });
    expect(log.idleGaps[0]?.failures).toEqual([{ row: 3, gaps: [5002, 5005] }]);
  });

  it('are not queried if nothing was closed', async () => {
    expect((await read({ 'a.log': [line(), line(refused)] })).idleGaps).toEqual([]);
  });
});

describe('the same evidence', () => {
  it('gives the same bytes, however the lines are spread over files', async () => {
    const all = [
      ...lines(400, { node: '203.0.113.1' }),
      ...lines(60, { ...closed, node: '203.0.113.1' }),
      ...lines(60, { ...refused, client: '192.0.2.50:1', node: '203.0.113.2', trace: '-' }),
    ];
    const once = await read({ 'a.log': all });
    const twice = await read({
      'a.log': all.filter((_, n) => n % 3 === 0).reverse(),
      'b.log.gz': all.filter((_, n) => n % 3 !== 0),
    });
    expect({ ...twice, files: null }).toEqual({ ...once, files: null });
    expect(JSON.stringify({ ...twice, files: null })).toBe(JSON.stringify({ ...once, files: null }));
  });
});

it('leaves no temporary files', async () => {
  const folder = temporaryFolder();
  writeLogs(folder, { 'a.log': lines(1) });
  writeFileSync(join(folder, 'note.txt'), '');
  appendFileSync(join(folder, 'note.txt'), 'x');
  // A separate temporary folder: other tests use the machine's.
  const temporary = temporaryFolder();
  vi.stubEnv('TMPDIR', temporary);
  onTestFinished(() => void vi.unstubAllEnvs());
  await readAccessLog({ folder, question, idleTimeoutSeconds: 60 });
  expect(readdirSync(temporary)).toEqual([]);
});
