import { createServer, Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { SocketModeReceiver } from '@slack/bolt';
import { expect, it, onTestFinished } from 'vitest';
import {
  CONNECTION_LIMITS,
  type ConnectionLimits,
  limitConnections,
  serverOptions,
} from '../../src/slack/connection-limits.ts';

const SHORT: ConnectionLimits = { header: 200, request: 300, silence: 100_000, idle: 100_000, connections: 3 };

async function listening(limits: ConnectionLimits): Promise<number> {
  const server = createServer(serverOptions(limits), (request, response) => {
    request.resume().on('end', () => response.end('ok'));
  });
  limitConnections(server, limits);
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Connects and sends; what came back once the server has closed the connection. */
function untilClosed(port: number, sent: string, more?: (socket: Socket) => void): Promise<string> {
  const socket = connect(port, '127.0.0.1', () => socket.write(sent));
  let received = '';
  socket.on('data', (data) => {
    received += String(data);
  });
  socket.on('error', () => {});
  more?.(socket);
  return new Promise((resolve) => socket.on('close', () => resolve(received)));
}

const HEAD = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n';

it('closes a connection whose header or body never ends, even if bytes arrive', async () => {
  const port = await listening(SHORT);
  // Bytes before the header would make the request invalid.
  const drip = (socket: Socket) => {
    socket.on('connect', () => {
      const timer = setInterval(() => socket.write('x'), 20);
      socket.on('close', () => clearInterval(timer));
    });
  };
  expect(await untilClosed(port, HEAD, drip)).toMatch(/^(?:HTTP\/1.1 408|$)/);
  expect(await untilClosed(port, `${HEAD}\r\n`, drip)).toMatch(/^(?:HTTP\/1.1 408|$)/);
});

it('closes an idle connection, before and after a request', async () => {
  const port = await listening({ ...SHORT, header: 100_000, request: 100_000, silence: 100, idle: 100 });
  expect(await untilClosed(port, '')).toBe('');
  expect(await untilClosed(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toContain('200 OK');
});

it('accepts connections up to the limit, and another once one has closed', async () => {
  const port = await listening({ ...SHORT, header: 100_000, request: 100_000 });
  const held = Array.from({ length: 3 }, () => connect(port, '127.0.0.1'));
  await Promise.all(held.map((socket) => new Promise((resolve) => socket.on('connect', resolve))));
  const request = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
  expect(await untilClosed(port, request)).toBe('');
  const gone = new Promise((resolve) => held[0]?.on('close', resolve));
  held[0]?.end();
  await gone;
  let answer = '';
  while (answer === '') answer = await untilClosed(port, request);
  expect(answer).toContain('200 OK');
  for (const socket of held) socket.destroy();
});

it('limits the server for health checks and alarms in Socket Mode', () => {
  const receiver = new SocketModeReceiver({
    appToken: 'xapp-1',
    customRoutes: [{ path: '/healthz', method: 'GET', handler: () => {} }],
  });
  const server: unknown = Reflect.get(receiver, 'httpServer');
  expect(server).toBeInstanceOf(Server);
  limitConnections(server);
  expect(server).toMatchObject({ maxConnections: CONNECTION_LIMITS.connections, timeout: CONNECTION_LIMITS.silence });
});
