/** What the proxy writes down when a target behaves in one way: the row of the log, and the signature that the diagnosis reads in it. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { signature } from '../../../src/diagnose/signature.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { signatureOf } from '../truth.ts';
import { type Entry, LoadBalancer } from './load-balancer.ts';

const open: { close: () => void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

const answer = (more: string) => `HTTP/1.1 200 OK\r\n${more}`;
const whole = answer('Content-Length: 2\r\n\r\nok');

/** A target that does this once a whole request is there; health checks get their answer. */
function target(behave: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      if (chunk.includes('GET /health')) socket.end(whole);
      else behave(socket);
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

async function balancer(port: number | null, more: { delaySeconds?: number } = {}): Promise<LoadBalancer> {
  const proxy = new LoadBalancer({
    delayMs: 1,
    loadBalancer: {
      name: 'lab',
      id: '0a1b2c3d4e5f6071',
      scheme: 'internal',
      listener: { protocol: 'HTTP', port: await freePort() },
      host: 'shop.example.com',
      idleTimeoutSeconds: 1,
      nodes: [{ zone: 'a', address: '127.0.0.1' }],
    },
    group: {
      name: 'api',
      id: '5566778899aabbcc',
      targetType: 'ip',
      protocol: 'HTTP',
      port: 8080,
      deregistrationDelaySeconds: more.delaySeconds ?? 300,
      targets: port === null ? [] : [{ zone: 'a', address: '127.0.0.1', port }],
    },
  });
  await proxy.listen();
  open.push(proxy);
  return proxy;
}

const urlOf = ({ config }: LoadBalancer) => `http://127.0.0.1:${config.loadBalancer.listener.port}/api/cart`;

async function entryAfter(proxy: LoadBalancer, ask: () => Promise<unknown>): Promise<Entry> {
  const count = proxy.entries.length;
  await ask().catch(() => undefined);
  return await eventually(() => {
    const entry = proxy.entries[count];
    if (entry === undefined) throw new Error('no entry yet');
    return entry;
  });
}

const fetched = async (proxy: LoadBalancer, init: RequestInit = {}) => (await fetch(urlOf(proxy), init)).text();

const shapeOf = ({ row }: Entry) => ({
  status: `${row.elbStatus} ${row.targetStatus ?? '-'}`,
  times: [row.requestProcessing, row.targetProcessing, row.responseProcessing]
    .map((time) => (time < 0 ? '-1' : 'x'))
    .join(' '),
});

describe('the log entry', () => {
  it.each<[string, (socket: Socket) => void, { status: string; times: string; signature: string }]>([
    ['of a success', (socket) => socket.write(whole), { status: '200 200', times: 'x x x', signature: 'other' }],
    [
      'when the target closes in order',
      (socket) => socket.end(),
      { status: '502 -', times: 'x x -1', signature: 'closed-before-response' },
    ],
    [
      'when the target resets',
      (socket) => socket.resetAndDestroy(),
      { status: '502 -', times: 'x x -1', signature: 'closed-before-response' },
    ],
    [
      'when a header name holds a space',
      (socket) => socket.write(answer('X Key: 1\r\nContent-Length: 0\r\n\r\n')),
      { status: '502 -', times: 'x x -1', signature: 'closed-before-response' },
    ],
    [
      'when two lengths differ',
      (socket) => socket.write(answer('Content-Length: 1\r\nContent-Length: 2\r\n\r\nok')),
      { status: '502 -', times: 'x x -1', signature: 'closed-before-response' },
    ],
    [
      'when headers are longer than 32 KB',
      (socket) => socket.write(answer(`Set-Cookie: ${'x'.repeat(33_000)}\r\n\r\n`)),
      { status: '502 -', times: 'x x -1', signature: 'closed-before-response' },
    ],
    [
      'when no response comes within the idle timeout',
      () => undefined,
      { status: '504 -', times: 'x -1 -1', signature: 'idle-timeout' },
    ],
    [
      'when the target itself answers 503',
      (socket) => socket.write('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n'),
      { status: '503 503', times: 'x x x', signature: 'target-response' },
    ],
  ])('%s', async (_, behave, { signature: expected, ...shape }) => {
    const server = await target(behave);
    open.push(server);
    const proxy = await balancer((server.address() as AddressInfo).port);
    const entry = await entryAfter(proxy, () => fetched(proxy));
    expect(shapeOf(entry)).toEqual(shape);
    if (expected === 'other') return;
    expect(signatureOf(entry)).toBe(expected);
    expect(read(entry)).toBe(expected);
  });

  it('of a refused connection has no time', async () => {
    const proxy = await balancer(await freePort());
    const entry = await entryAfter(proxy, () => fetched(proxy));
    expect({ ...shapeOf(entry), signature: read(entry) }).toEqual({
      status: '502 -',
      times: '-1 -1 -1',
      signature: 'connect-failed',
    });
    expect(entry.row.connection).toBe('not-connected');
  });

  it('without a registered target names none', async () => {
    const proxy = await balancer(null);
    const entry = await entryAfter(proxy, () => fetched(proxy));
    expect({ ...shapeOf(entry), target: entry.row.target, signature: read(entry) }).toEqual({
      status: '503 -',
      times: '-1 -1 -1',
      target: null,
      signature: 'no-target',
    });
  });

  it('of a client that gives up has status 460', async () => {
    const server = await target(() => undefined);
    open.push(server);
    const proxy = await balancer((server.address() as AddressInfo).port);
    const entry = await entryAfter(proxy, () => fetched(proxy, { signal: AbortSignal.timeout(300) }));
    expect(shapeOf(entry)).toEqual({ status: '460 -', times: 'x -1 -1' });
  });

  it('of a request that outlasts the deregistration delay has no target time', async () => {
    const server = await target(() => undefined);
    open.push(server);
    const { port } = server.address() as AddressInfo;
    const proxy = await balancer(port, { delaySeconds: 0.3 });
    const entry = await entryAfter(proxy, () => {
      const response = fetched(proxy);
      setTimeout(() => proxy.deregister(`127.0.0.1:${port}`), 100);
      return response;
    });
    expect({ ...shapeOf(entry), signature: read(entry) }).toEqual({
      status: '502 -',
      times: 'x -1 -1',
      signature: 'no-response-aborted',
    });
  });
});

describe('connections to targets', () => {
  it('are used again, the last one first, until the target closes them', async () => {
    const sockets: Socket[] = [];
    const server = await target((socket) => {
      if (!sockets.includes(socket)) sockets.push(socket);
      socket.write(whole);
    });
    open.push(server);
    const proxy = await balancer((server.address() as AddressInfo).port);
    for (let i = 0; i < 3; i++) await fetched(proxy);
    await eventually(() =>
      expect(proxy.entries.map(({ row }) => row.connection)).toEqual(['opened', 'reused', 'reused']),
    );
    sockets[0]?.end();
    await eventually(async () => {
      await fetched(proxy);
      expect(proxy.entries.at(-1)?.row.connection).toBe('opened');
    });
  });
});

const read = ({ row }: Entry): string =>
  signature({
    elb_status_code: String(row.elbStatus),
    target_status_code: String(row.targetStatus ?? '-'),
    target: row.target ?? '-',
    target_group_arn: row.targetGroupArn ?? '-',
    request_processing_time: row.requestProcessing,
    target_processing_time: row.targetProcessing,
    response_processing_time: row.responseProcessing,
    elapsed: (row.time - row.created) / 1000,
    actions_executed: row.actions,
    error_reason: row.errorReason ?? '-',
  });
