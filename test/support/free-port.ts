import { createServer } from 'node:net';

/** Below the ports that systems assign to connections and to servers on any port. */
const [FROM, TO] = [20_000, 32_000];

/** A port on 127.0.0.1 without a listener. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FROM + Math.floor(Math.random() * (TO - FROM));
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
