import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { readAccessLog } from '../../../src/collect/access-log/embedded/embedded-engine.ts';
import { gunzipWhole } from '../../../src/collect/access-log/gunzip.ts';
import { LOAD_BALANCER, line, textOf } from '../../support/access-log/log-file.ts';
import { temporaryFolder } from '../../support/incident/folder.ts';

/** A Node without the handle below its streams, as gunzip.ts sees it: the stream, which needs it, is made with options. */
const without = vi.hoisted(() => ({ handle: false }));

vi.mock('node:zlib', async (original) => {
  const zlib = await original<typeof import('node:zlib')>();
  const createGunzip: typeof zlib.createGunzip = (options) => {
    const gunzip = zlib.createGunzip(options);
    if (without.handle && options === undefined) Object.defineProperty(gunzip, '_writeState', { value: undefined });
    return gunzip;
  };
  return { ...zlib, createGunzip };
});

/** A file by its content or its path. */
function gunzip(file: Uint8Array | string): { content: Buffer; isWhole: boolean } {
  const path = typeof file === 'string' ? file : join(temporaryFolder(), 'a.log.gz');
  if (typeof file !== 'string') writeFileSync(path, file);
  const pieces: Buffer[] = [];
  const bytes = Buffer.alloc(1 << 18);
  // As the scanner does, it leaves something in front.
  const at = 100;
  const isWhole = gunzipWhole(path, {
    room: () => ({ bytes, at, length: bytes.length - at }),
    filled: (length) => pieces.push(Buffer.from(bytes.subarray(at, at + length))),
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
    ['as long as a piece', Buffer.alloc(2 ** 18 - 100, 'ab'), 6],
    ['as long as two pieces', Buffer.alloc(2 ** 19 - 200, 'abc'), 6],
    ['as long on the disk as a piece', randomBytes(2 ** 16 - 18 - 5), 0],
  ])('%s', (_, content, level) => {
    const read = gunzip(gzipSync(content, { level }));
    expect(read.isWhole).toBe(true);
    expect(read.content.equals(content)).toBe(true);
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

  it('is decompressed when Node lacks the internal handle', async () => {
    without.handle = true;
    try {
      expect(gunzip(whole)).toEqual({ content: Buffer.alloc(0), isWhole: false });
      const folder = temporaryFolder();
      writeFileSync(join(folder, 'a.log.gz'), whole);
      const T = Date.parse('2026-03-10T12:00:00Z');
      const question = {
        ...{ loadBalancer: { name: LOAD_BALANCER, arn: null }, statuses: ['5xx'] },
        ...{ from: T, to: T + 900_000, now: T + 1_800_000 },
      };
      expect(await readAccessLog({ folder, question, idleTimeoutSeconds: 60 })).toMatchObject({
        lines: 5000,
        requests: 5000,
        files: { unreadable: [] },
      });
    } finally {
      without.handle = false;
    }
  });
});

it('reads a file that expands too far up to the limit, and reports it', async () => {
  const folder = temporaryFolder();
  const lines = Buffer.alloc(20_000_000, `${'garbage '.repeat(127)}garbage\n`);
  writeFileSync(join(folder, 'a.log.gz'), gzipSync(lines));
  const T = Date.parse('2026-03-10T12:00:00Z');
  const question = {
    ...{ loadBalancer: { name: LOAD_BALANCER, arn: null }, statuses: ['5xx'] },
    ...{ from: T, to: T + 900_000, now: T + 1_800_000 },
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
