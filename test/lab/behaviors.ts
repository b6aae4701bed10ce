/** Targets that do one thing to a request, for tests of the proxy and for comparing it with another one. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

const answer = (more: string) => `HTTP/1.1 200 OK\r\n${more}`;
const WHOLE_RESPONSE = answer('Content-Length: 2\r\n\r\nok');

export const behaviors = {
  answers: (socket) => socket.write(WHOLE_RESPONSE),
  'answers 503': (socket) => socket.write('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n'),
  'closes in order': (socket) => socket.end(),
  resets: (socket) => socket.resetAndDestroy(),
  'sends a header name with a space': (socket) => socket.write(answer('X Key: 1\r\nContent-Length: 0\r\n\r\n')),
  'sends two lengths that differ': (socket) => socket.write(answer('Content-Length: 1\r\nContent-Length: 2\r\n\r\nok')),
  'sends 33 KB of headers': (socket) => socket.write(answer(`Set-Cookie: ${'x'.repeat(33_000)}\r\n\r\n`)),
  'sends no HTTP': (socket) => socket.write('+OK ready\r\n\r\n'),
  'never answers': () => undefined,
} satisfies Record<string, (socket: Socket) => unknown>;

export type Behavior = keyof typeof behaviors;

/** Listens on a port of 127.0.0.1; health checks get their answer. */
export function targetThat(behave: (socket: Socket) => unknown): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      if (chunk.includes('GET /health')) socket.end(WHOLE_RESPONSE);
      else behave(socket);
    });
  });
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve({ server, port: (server.address() as AddressInfo).port })),
  );
}
