/**
 * The log row that the proxy writes for each behaviour of a target, and the signature that the diagnosis finds in it.
 */
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { signature } from '../../../src/diagnose/signature.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { type Behavior, behaviors, targetThat } from '../behaviors.ts';
import { configurationFor } from '../cross-check.ts';
import { signatureOf } from '../truth.ts';
import { type Entry, LoadBalancer } from './load-balancer.ts';

const open: { close: () => void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

async function balancer(port: number | null, delaySeconds = 300): Promise<LoadBalancer> {
  const config = configurationFor(await freePort(), port);
  const proxy = new LoadBalancer({ ...config, group: { ...config.group, deregistrationDelaySeconds: delaySeconds } });
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
  it.each<[Behavior, string, string, string | null]>([
    ['answers', '200 200', 'x x x', null],
    ['answers 503', '503 503', 'x x x', 'target-response'],
    ['closes in order', '502 -', 'x x -1', 'closed-before-response'],
    ['resets', '502 -', 'x x -1', 'closed-before-response'],
    ['sends a header name with a space', '502 -', 'x x -1', 'closed-before-response'],
    ['sends two lengths that differ', '502 -', 'x x -1', 'closed-before-response'],
    ['sends 33 KB of headers', '502 -', 'x x -1', 'closed-before-response'],
    ['sends no HTTP', '502 -', 'x x -1', 'closed-before-response'],
    ['never answers', '504 -', 'x -1 -1', 'idle-timeout'],
  ])('if a target %s: %s, times %s', async (behavior, status, times, expected) => {
    const { server, port } = await targetThat(behaviors[behavior]);
    open.push(server);
    const proxy = await balancer(port);
    const entry = await entryAfter(proxy, () => fetched(proxy));
    expect(shapeOf(entry)).toEqual({ status, times });
    if (expected === null) return;
    expect(signatureOf(entry)).toBe(expected);
    expect(read(entry)).toBe(expected);
  });

  it('has no time for a refused connection', async () => {
    const proxy = await balancer(await freePort());
    const entry = await entryAfter(proxy, () => fetched(proxy));
    expect({ ...shapeOf(entry), signature: read(entry) }).toEqual({
      status: '502 -',
      times: '-1 -1 -1',
      signature: 'connect-failed',
    });
    expect(entry.row.connection).toBe('not-connected');
  });

  it('names no target if none is registered', async () => {
    const proxy = await balancer(null);
    const entry = await entryAfter(proxy, () => fetched(proxy));
    expect({ ...shapeOf(entry), target: entry.row.target, signature: read(entry) }).toEqual({
      status: '503 -',
      times: '-1 -1 -1',
      target: null,
      signature: 'no-target',
    });
  });

  it('has status 460 for a client that gives up', async () => {
    const { server, port } = await targetThat(behaviors['never answers']);
    open.push(server);
    const proxy = await balancer(port);
    const entry = await entryAfter(proxy, () => fetched(proxy, { signal: AbortSignal.timeout(300) }));
    expect(shapeOf(entry)).toEqual({ status: '460 -', times: 'x -1 -1' });
  });

  it('has no target time for a request that outlasts the deregistration delay', async () => {
    const { server, port } = await targetThat(behaviors['never answers']);
    open.push(server);
    const proxy = await balancer(port, 0.3);
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
  it('are reused, last one first, until the target closes them', async () => {
    const sockets: Socket[] = [];
    const { server, port } = await targetThat((socket) => {
      if (!sockets.includes(socket)) sockets.push(socket);
      behaviors.answers(socket);
    });
    open.push(server);
    const proxy = await balancer(port);
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
