import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { firstCalls } from '../../../src/collect/aws/first-calls.ts';

/** Hears every request, and answers none. */
const server = createServer();
let port: number;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

/** A call to a host whose address is unknown until `connect`. */
function callWithoutConnection() {
  const known = Promise.withResolvers<void>();
  const lookup: LookupFunction = (_, options, tell) => {
    known.promise.then(() =>
      options.all ? tell(null, [{ address: '127.0.0.1', family: 4 }]) : tell(null, '127.0.0.1', 4),
    );
  };
  const call = request({ host: 'alb.test', port, lookup, agent: false }).on('error', () => {});
  call.end();
  return { call, connect: known.resolve };
}

/** Whether it has resolved, now that everything that could happen by itself has. */
async function isDone(promise: Promise<void>): Promise<boolean> {
  let done = false;
  promise.then(() => {
    done = true;
  });
  for (let left = 20; left > 0; left--) await turn();
  return done;
}

it('loads nothing before the first concurrent call was sent', async () => {
  const { sent } = firstCalls();
  const [one, other] = [callWithoutConnection(), callWithoutConnection()];
  one.connect();
  await once(server, 'request');
  expect(await isDone(sent)).toBe(false);
  other.connect();
  await sent;
});

it('does not wait for a call without a connection', async () => {
  const { sent } = firstCalls();
  const { call } = callWithoutConnection();
  expect(await isDone(sent)).toBe(false);
  call.destroy();
  await sent;
});

it('does not wait when no call comes', async () => {
  const { sent, stop } = firstCalls();
  expect(await isDone(sent)).toBe(false);
  stop();
  await sent;
});
