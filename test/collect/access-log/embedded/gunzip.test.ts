import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, crc32, gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { readAccessLog } from '../../../../src/collect/access-log/embedded/embedded-engine.ts';
import { gunzipWhole } from '../../../../src/collect/access-log/embedded/gunzip.ts';
import { HISTORY } from '../../../../src/collect/access-log/embedded/inflater.ts';
import { type OpenScanner, openScanner } from '../../../../src/collect/access-log/embedded/scanner.ts';
import { LOAD_BALANCER, line, textOf } from '../../../support/access-log/log-file.ts';
import { temporaryFolder } from '../../../support/incident/folder.ts';
import { fc } from '../../../support/property.ts';

/** Set by the test of a Node without WebAssembly. */
const without = vi.hoisted(() => ({ inflater: false }));

vi.mock('../../../../src/collect/access-log/embedded/scanner.ts', async (original) => {
  const scanner = await original<typeof import('../../../../src/collect/access-log/embedded/scanner.ts')>();
  const openScanner: OpenScanner = (question, events) =>
    (without.inflater ? scanner.exactScanner : scanner.openScanner)(question, events);
  return { ...scanner, openScanner };
});

const T = Date.parse('2026-03-10T12:00:00Z');
const WINDOW = { from: T, to: T + 900_000 };

/** Decompresses a file, given by its content or its path, in pieces of at most `most` bytes. */
function gunzip(file: Uint8Array | string, most = 1 << 17): { content: Buffer; isWhole: boolean } {
  const path = typeof file === 'string' ? file : join(temporaryFolder(), 'a.log.gz');
  if (typeof file !== 'string') writeFileSync(path, file);
  const pieces: Buffer[] = [];
  const { input, inflater } = openScanner(
    { wanted: Buffer.from('app/shop/'), byName: true, isFailed: new Uint8Array(1000), window: WINDOW },
    { exactly() {}, failed() {}, named() {}, isKnown: () => true, met() {} },
  );
  // The scanner may have an unfinished line in front.
  let at = 100;
  const isWhole = gunzipWhole(path, {
    inflater,
    room() {
      if (at + most > input.length) {
        input.copyWithin(0, at - HISTORY, at);
        at = HISTORY;
      }
      return { bytes: input, at, length: most };
    },
    filled(length) {
      pieces.push(Buffer.from(input.subarray(at, at + length)));
      at += length;
    },
  });
  return { content: Buffer.concat(pieces), isWhole };
}

const log = Buffer.from(textOf(Array.from({ length: 5000 }, (_, n) => line({ bytes: [n, n * n] }))));

describe('a file decompressed in one go equals the stream', () => {
  it.each<[string, Buffer, number]>([
    ['with no bytes', Buffer.alloc(0), 6],
    ['with one byte', Buffer.from('a'), 6],
    ['of lines', log, 6],
    ['of lines, hardly compressed', log, 1],
    ['that cannot be compressed', randomBytes(1_000_003), 9],
    ['that is not compressed at all', log, constants.Z_NO_COMPRESSION],
    ['with extreme compression', Buffer.alloc(8_000_000, 'a'), 9],
    ['that is large, however small it gets', Buffer.concat([Buffer.alloc(30_000_000, 'a'), randomBytes(1_000_000)]), 9],
    ['as long as a piece', Buffer.alloc(2 ** 17, 'ab'), 6],
    ['as long as two pieces', Buffer.alloc(2 ** 18, 'abc'), 6],
    ['as long on the disk as what is read at once', randomBytes(2 ** 16 - 18 - 5), 0],
    ['that repeats what is a whole history back', Buffer.concat(Array(4).fill(randomBytes(HISTORY))), 9],
  ])('%s', (_, content, level) => {
    const read = gunzip(gzipSync(content, { level }));
    expect(read.isWhole).toBe(true);
    expect(read.content.equals(content)).toBe(true);
  });

  it('of blocks, some of which are not compressed', () => {
    for (let bytes = 1; bytes < 1500; bytes += 7) {
      const content = Buffer.concat([log.subarray(0, 4000 + bytes), randomBytes(bytes)]);
      const read = gunzip(gzipSync(content, { memLevel: 1 }));
      expect(read.isWhole).toBe(true);
      expect(read.content.equals(content)).toBe(true);
    }
  });

  it('with a name in its header, as gzip writes it', () => {
    const packed = gzipSync(log);
    packed[3] = 8;
    const named = Buffer.concat([packed.subarray(0, 10), Buffer.from('a.log\0'), packed.subarray(10)]);
    expect(gunzip(named)).toEqual({ content: log, isWhole: true });
  });

  it('for any content, compressed in any way', () => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 9000 }))
        .map(([bytes, times]) => Buffer.concat(Array(times).fill(Buffer.from(bytes)))),
      fc.integer({ min: 0, max: 4000 }).map((lines) => log.subarray(0, lines * 100)),
    );
    const how = fc.record({
      level: fc.integer({ min: 0, max: 9 }),
      memLevel: fc.integer({ min: 1, max: 9 }),
      windowBits: fc.integer({ min: 9, max: 15 }),
      strategy: fc.constantFrom(
        ...[constants.Z_DEFAULT_STRATEGY, constants.Z_FILTERED, constants.Z_HUFFMAN_ONLY],
        ...[constants.Z_RLE, constants.Z_FIXED],
      ),
    });
    const piece = fc.integer({ min: 400, max: 1 << 17 });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), how, piece, (parts, options, most) => {
        const content = Buffer.concat(parts);
        const packed = gzipSync(content, options);
        // A file that expands too far is not read at once.
        fc.pre(content.length <= 64 * packed.length || content.length <= 1 << 20);
        const read = gunzip(packed, most);
        expect(read.isWhole).toBe(true);
        expect(read.content.equals(content)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it('for several files in a row', () => {
    for (let n = 0; n < 100; n += 1) expect(gunzip(gzipSync(`${n}`)).content.toString()).toBe(`${n}`);
  });
});

describe('a file left to the stream', () => {
  const whole = gzipSync(log);
  const changed = (at: number) => {
    const copy = Buffer.from(whole);
    copy[at] = (copy[at] ?? 0) ^ 0xff;
    return copy;
  };

  it.each<[string, Buffer]>([
    ['cut in its header', whole.subarray(0, 9)],
    ['cut in the middle', whole.subarray(0, whole.length >> 1)],
    ['cut in its last bytes', whole.subarray(0, whole.length - 1)],
    ['with a byte changed in its header', changed(0)],
    ['with a byte changed in its content', changed(whole.length >> 1)],
    ['with another checksum', changed(whole.length - 6)],
    ['with another length', changed(whole.length - 1)],
    ['with text behind it', Buffer.concat([whole, Buffer.from('text')])],
    ['with zeros behind it', Buffer.concat([whole, Buffer.alloc(9)])],
    ['with two members', Buffer.concat([whole, gzipSync('text')])],
    ['that expands too far', gzipSync(Buffer.alloc(20_000_000, 'a'))],
    ['that is empty', Buffer.alloc(0)],
    ['that is not compressed', log],
  ])('%s', (_, file) => {
    expect(gunzip(file).isWhole).toBe(false);
  });

  it('whatever is changed in it, unless the content stays the same', () => {
    const packed = gzipSync(log.subarray(0, 60_000));
    const changes = fc.array(fc.record({ at: fc.nat(packed.length - 1), to: fc.nat(255) }), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(changes, fc.option(fc.nat(packed.length), { freq: 3 }), (bytes, cut) => {
        const copy = Buffer.from(packed.subarray(0, cut ?? packed.length));
        for (const { at, to } of bytes) if (at < copy.length) copy[at] = to;
        const { content, isWhole } = gunzip(copy);
        if (isWhole) expect(content.equals(gunzipSync(copy))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('is read line by line without WebAssembly', async () => {
    const folder = temporaryFolder();
    const mixed = Array.from({ length: 2000 }, (_, n) => line({ at: T + n, status: n % 9 === 0 ? '502' : '200' }));
    writeFileSync(join(folder, 'a.log.gz'), gzipSync(textOf(mixed)));
    const question = {
      ...{ loadBalancer: { name: LOAD_BALANCER, arn: null }, statuses: ['5xx'] },
      ...{ ...WINDOW, now: T + 1_800_000 },
    };
    const read = () => readAccessLog({ folder, question, idleTimeoutSeconds: 60 });
    const byWebAssembly = await read();
    expect(byWebAssembly).toMatchObject({ lines: 2000, requests: 2000, files: { unreadable: [] } });
    without.inflater = true;
    try {
      expect(gunzip(whole)).toEqual({ content: Buffer.alloc(0), isWhole: false });
      expect(await read()).toEqual(byWebAssembly);
    } finally {
      without.inflater = false;
    }
  });
});

it('reads a file that expands too far up to the limit, and reports it', async () => {
  const folder = temporaryFolder();
  const lines = Buffer.alloc(20_000_000, `${'garbage '.repeat(127)}garbage\n`);
  writeFileSync(join(folder, 'a.log.gz'), gzipSync(lines));
  const question = {
    ...{ loadBalancer: { name: LOAD_BALANCER, arn: null }, statuses: ['5xx'] },
    ...{ ...WINDOW, now: T + 1_800_000 },
  };
  const { files, rejected } = await readAccessLog({ folder, question, idleTimeoutSeconds: 60 });
  // 8 MiB of lines of a kilobyte.
  expect(rejected.lines).toBe(8192);
  expect(files.unreadable).toEqual([
    {
      file: 'a.log.gz',
      lines: 0,
      reason: 'it expands to more than 64 times its size, as no access log does: the rest of it was not read',
    },
  ]);
});

it('fails for a missing file', () => {
  expect(() => gunzip(join(temporaryFolder(), 'none.log.gz'))).toThrow('ENOENT');
});

describe('the checksum is that of zlib', () => {
  it.each([0, 1, 15, 16, 4800, 9599, 9600, 9601, 16_384 + 4800, 100_000, 131_072])('for %i bytes', (length) => {
    const { input, inflater } = openScanner(
      { wanted: Buffer.from('app/shop/'), byName: true, isFailed: new Uint8Array(1000), window: WINDOW },
      { exactly() {}, failed() {}, named() {}, isKnown: () => true, met() {} },
    );
    const bytes = randomBytes(length);
    bytes.copy(input, 7);
    expect(inflater?.checksum(7, length, 0)).toBe(crc32(bytes));
    expect(inflater?.checksum(7, length, 0x1234_5678)).toBe(crc32(bytes, 0x1234_5678));
    // The scanner reads the bytes afterwards.
    expect(input.subarray(7, 7 + length).equals(bytes)).toBe(true);
  });
});
