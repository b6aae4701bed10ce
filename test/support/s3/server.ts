/** A bucket on 127.0.0.1 with S3's ListObjectsV2 and GetObject, and faults on request. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { AtEnd } from '../at-end.ts';

/** An error as S3 prints it: status, code and message. */
export interface Fault {
  status: number;
  code: string;
  message: string;
}

export const accessDenied = (what: string, on: string): Fault => ({
  status: 403,
  code: 'AccessDenied',
  message: `User: arn:aws:sts::123456789012:assumed-role/reader/session is not authorized to perform: ${what} on resource: "${on}" because no identity-based policy allows the ${what} action`,
});

export interface Bucket {
  name: string;
  objects: Map<string, Uint8Array>;
  /** Keys of one page; S3 has 1000. */
  pageSize?: number;
  /** Milliseconds that every answer takes. */
  latency?: number;
  /** Bytes a second of one body, and of all together. */
  speed?: { each: number; all: number };
  /** What to answer instead, or null. `key` is null for a list. */
  fault?: (key: string | null) => Fault | null;
  /** Objects are listed as so many times larger than they are. */
  inflated?: number;
  /** Objects that are listed with another size than their own. */
  sizes?: Map<string, number>;
  /** When an object was last changed, as S3 prints it; a quarter past twelve on 10 March 2026 without it. */
  modified?: Map<string, string>;
  /** Objects whose body breaks off half-way, and how often still. */
  cut?: Map<string, number>;
}

export interface LocalS3 {
  endpoint: string;
  /** Keys of objects handed out and prefixes listed, in order. */
  got: string[];
  listed: { prefix: string; startAfter: string | null }[];
  /** Bytes of all bodies handed out. */
  bytes(): number;
}

const PIECE = 1 << 16;
const WRITTEN = '2026-03-10T12:15:00.000Z';

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Serves until the test is over, or whatever else `atEnd` waits for. */
export async function serveS3(bucket: Bucket, atEnd: AtEnd = onTestFinished): Promise<LocalS3> {
  const [got, listed]: [string[], LocalS3['listed']] = [[], []];
  let bytes = 0;
  /** When the next piece of any body may leave. */
  let free = 0;

  /** Sends a body in pieces, no faster than the bucket's speed. */
  async function send(content: Uint8Array, { each, all }: NonNullable<Bucket['speed']>, response: ServerResponse) {
    let next = performance.now();
    for (let at = 0; at < content.length; at += PIECE) {
      const piece = content.subarray(at, at + PIECE);
      const leaves = Math.max(next, free);
      next = leaves + (1000 * piece.length) / each;
      free = leaves + (1000 * piece.length) / all;
      const wait = leaves - performance.now();
      if (wait > 1) await pause(wait);
      response.write(piece);
    }
    response.end();
  }

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const [, name = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
    const key = rest.join('/');
    const isList = key === '';
    const fault: Fault | null =
      name !== bucket.name
        ? { status: 404, code: 'NoSuchBucket', message: 'The specified bucket does not exist' }
        : (bucket.fault?.(isList ? null : key) ?? null);
    const content = bucket.objects.get(key);
    if (fault !== null) fail(response, fault);
    else if (isList) list(url.searchParams, response);
    else if (content !== undefined) get(key, content, response);
    else fail(response, { status: 404, code: 'NoSuchKey', message: 'The specified key does not exist.' });
  }

  function get(key: string, content: Uint8Array, response: ServerResponse): void {
    got.push(key);
    response.writeHead(200, { 'Content-Length': content.length, 'Content-Type': 'binary/octet-stream' });
    const cuts = bucket.cut?.get(key) ?? 0;
    if (cuts > 0) {
      bucket.cut?.set(key, cuts - 1);
      response.write(content.subarray(0, content.length >> 1), () => response.destroy());
      return;
    }
    bytes += content.length;
    if (bucket.speed === undefined) response.end(content);
    else void send(content, bucket.speed, response);
  }

  function list(query: URLSearchParams, response: ServerResponse): void {
    const prefix = query.get('prefix') ?? '';
    const after = query.get('continuation-token') ?? query.get('start-after');
    listed.push({ prefix, startAfter: query.get('start-after') });
    const size = bucket.pageSize ?? 1000;
    const keys = [...bucket.objects.keys()]
      .filter((key) => key.startsWith(prefix) && (after === null || key > after))
      .sort((a, b) => (a < b ? -1 : 1));
    const page = keys.slice(0, size);
    const contents = page.map(
      (key) =>
        `<Contents><Key>${escaped(key)}</Key><Size>${bucket.sizes?.get(key) ?? (bucket.objects.get(key)?.length ?? 0) * (bucket.inflated ?? 1)}</Size><LastModified>${bucket.modified?.get(key) ?? WRITTEN}</LastModified></Contents>`,
    );
    const more =
      keys.length > size
        ? `<IsTruncated>true</IsTruncated><NextContinuationToken>${escaped(page.at(-1) ?? '')}</NextContinuationToken>`
        : '<IsTruncated>false</IsTruncated>';
    response.writeHead(200, { 'Content-Type': 'application/xml' });
    response.end(
      `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>${bucket.name}</Name><KeyCount>${page.length}</KeyCount>${more}${contents.join('')}</ListBucketResult>`,
    );
  }

  const server = createServer((request, response) => {
    setTimeout(answer, bucket.latency ?? 0, request, response);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}`, got, listed, bytes: () => bytes };
}

function fail(response: ServerResponse, { status, code, message }: Fault): void {
  response.writeHead(status, { 'Content-Type': 'application/xml' });
  response.end(
    `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${escaped(message)}</Message></Error>`,
  );
}
