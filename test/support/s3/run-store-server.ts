/**
 * A writable bucket on 127.0.0.1: objects with ETags, conditional writes as S3 documents them, and faults on request.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** `lost`: it is done, and the connection ends without an answer. */
type Fault = { status: number; code: string } | 'lost';

export interface WritableBucket {
  name: string;
  endpoint: string;
  objects: Map<string, string>;
  /** "PUT alb502/a" and so on, in order. */
  asked: string[];
  /** What the next requests of this kind meet, in this order. */
  faults: { method: string; fault: Fault }[];
  /** Methods, or "LIST", that are denied. */
  denied: Set<string>;
  /** As S3-likes of old do. */
  ignoresConditions: boolean;
  /** Milliseconds by which its clock is ahead of this machine's. */
  ahead: number;
}

const PAGE = 7;
const etagOf = (body: string): string => `"${createHash('md5').update(body).digest('hex')}"`;
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

export async function writableBucket(name = 'example-runs'): Promise<WritableBucket> {
  const bucket: WritableBucket = {
    name,
    endpoint: '',
    objects: new Map(),
    asked: [],
    faults: [],
    denied: new Set(),
    ignoresConditions: false,
    ahead: 0,
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const url = new URL(request.url ?? '/', 'http://localhost');
    const [, named = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
    const key = rest.join('/');
    const method = key === '' ? 'LIST' : (request.method ?? '');
    bucket.asked.push(`${method} ${key || url.searchParams.get('prefix')}`);
    const at = bucket.faults.findIndex((each) => each.method === method);
    response.setHeader('Date', new Date(Date.now() + bucket.ahead).toUTCString());
    const fault = at < 0 ? null : bucket.faults.splice(at, 1)[0]?.fault;
    if (fault && fault !== 'lost') fail(response, fault.status, fault.code);
    else if (named !== bucket.name) fail(response, 404, 'NoSuchBucket');
    else if (bucket.denied.has(method)) fail(response, 403, 'AccessDenied');
    else {
      if (fault === 'lost') response.end = () => response.destroy();
      if (method === 'LIST') list(url.searchParams, response);
      else if (method === 'GET') get(key, response);
      else if (method === 'PUT') put(key, Buffer.concat(parts).toString('utf8'), request, response);
      else if (method === 'DELETE') {
        bucket.objects.delete(key);
        response.writeHead(204).end();
      } else fail(response, 501, 'NotImplemented');
    }
  }

  function get(key: string, response: ServerResponse): void {
    const body = bucket.objects.get(key);
    if (body === undefined) return void fail(response, 404, 'NoSuchKey');
    response.writeHead(200, { ETag: etagOf(body), 'Content-Length': Buffer.byteLength(body) }).end(body);
  }

  function put(key: string, body: string, { headers }: IncomingMessage, response: ServerResponse): void {
    const there = bucket.objects.get(key);
    if (!bucket.ignoresConditions) {
      const { 'if-match': match, 'if-none-match': noneMatch } = headers;
      if (noneMatch === '*' && there !== undefined) return void fail(response, 412, 'PreconditionFailed');
      if (match !== undefined && there === undefined) return void fail(response, 404, 'NoSuchKey');
      if (match !== undefined && match !== etagOf(there ?? '')) return void fail(response, 412, 'PreconditionFailed');
    }
    bucket.objects.set(key, body);
    response.writeHead(200, { ETag: etagOf(body) }).end();
  }

  function list(query: URLSearchParams, response: ServerResponse): void {
    const prefix = query.get('prefix') ?? '';
    const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
    const keys = [...bucket.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    const page = keys.slice(0, PAGE);
    const next =
      keys.length > PAGE ? `<NextContinuationToken>${escaped(page.at(-1) ?? '')}</NextContinuationToken>` : '';
    const contents = page.map((key) => `<Contents><Key>${escaped(key)}</Key></Contents>`).join('');
    response
      .writeHead(200, { 'Content-Type': 'application/xml' })
      .end(`<ListBucketResult><IsTruncated>${next !== ''}</IsTruncated>${next}${contents}</ListBucketResult>`);
  }

  function fail(response: ServerResponse, status: number, code: string): void {
    response
      .writeHead(status, { 'Content-Type': 'application/xml', 'x-amz-request-id': 'TEST' })
      .end(`<Error><Code>${code}</Code><Message>${code} as a test wants it.</Message></Error>`);
  }

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  bucket.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return bucket;
}
