/**
 * The clients as a process of their own, inside their namespace: open-loop traffic, so that a request begins when it is due, however long
 * others take. Its only argument is a file with the plan; it ends by itself.
 */
import { readFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { fileURLToPath } from 'node:url';

export interface RoutePlan {
  weight: number;
  method: 'GET' | 'POST';
  /** `{n}` becomes a number. */
  path: string;
  headers?: Record<string, string>;
  body?: { bytes: number; pieces: number; pauseSeconds: number };
  /** Only from this second to that. */
  during?: [from: number, to: number];
}

export interface ClientPlan {
  /** One of the addresses of the namespace. */
  address: string;
  node: string;
  port: number;
  host: string;
  userAgent: string;
  /** People at random, or a poller whose pauses lie between two numbers of seconds. */
  pace: { perSecond: number } | { everySeconds: [number, number] };
  routes: RoutePlan[];
  patienceSeconds?: number;
}

export interface TrafficPlan {
  seconds: number;
  clients: ClientPlan[];
}

/** More than this many requests no capture makes. */
const MOST_REQUESTS = 20_000;

async function play({ seconds, clients }: TrafficPlan): Promise<void> {
  const started = performance.now();
  const second = () => (performance.now() - started) / 1000;
  let count = 0;
  const open = new Set<Promise<void>>();
  await Promise.all(
    clients.map(async (client) => {
      const agent = new Agent({ keepAlive: true, localAddress: client.address } as ConstructorParameters<
        typeof Agent
      >[0]);
      // A client in a schedule of its own: pauses are counted from the time that was due, so lateness does not add up.
      let due = Math.random() * ('perSecond' in client.pace ? 1 / client.pace.perSecond : client.pace.everySeconds[1]);
      while (due < seconds) {
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, (due - second()) * 1000)));
        if (++count > MOST_REQUESTS) return;
        const sent = ask(client, agent, second());
        open.add(sent);
        sent.finally(() => open.delete(sent));
        due += pause(client.pace);
      }
    }),
  );
  await Promise.all(open);
}

const pause = (pace: ClientPlan['pace']): number =>
  'perSecond' in pace
    ? -Math.log(1 - Math.random()) / pace.perSecond
    : pace.everySeconds[0] + Math.random() * (pace.everySeconds[1] - pace.everySeconds[0]);

function choose(routes: readonly RoutePlan[], second: number): RoutePlan | undefined {
  const usable = routes.filter(({ during }) => during === undefined || (second >= during[0] && second < during[1]));
  let left = Math.random() * usable.reduce((sum, { weight }) => sum + weight, 0);
  for (const route of usable) {
    left -= route.weight;
    if (left < 0) return route;
  }
  return usable[0];
}

async function ask(client: ClientPlan, agent: Agent, second: number): Promise<void> {
  const route = choose(client.routes, second);
  if (route === undefined) return;
  const body = route.body;
  await new Promise<void>((resolve) => {
    const sent = httpRequest({
      host: client.node,
      port: client.port,
      method: route.method,
      path: route.path.replace('{n}', String(1000 + Math.floor(Math.random() * 9000))),
      agent,
      headers: {
        Host: client.host,
        'User-Agent': client.userAgent,
        Accept: '*/*',
        ...(body === undefined ? {} : { 'Content-Length': String(body.bytes), 'Content-Type': 'application/json' }),
        ...route.headers,
      },
    });
    const patience =
      client.patienceSeconds === undefined
        ? undefined
        : setTimeout(() => sent.destroy(), client.patienceSeconds * 1000);
    sent.on('response', (response) => {
      response.on('error', () => undefined);
      response.on('close', resolve);
      response.resume();
    });
    sent.on('error', () => resolve());
    sent.on('close', () => {
      clearTimeout(patience);
      resolve();
    });
    if (body === undefined) sent.end();
    else sendBody(sent, body);
  });
}

function sendBody(
  sent: ReturnType<typeof httpRequest>,
  { bytes, pieces, pauseSeconds }: NonNullable<RoutePlan['body']>,
): void {
  const size = Math.ceil(bytes / pieces);
  let left = bytes;
  const next = () => {
    if (sent.destroyed) return;
    const piece = Buffer.alloc(Math.min(size, left), 'x');
    left -= piece.length;
    sent.write(piece);
    if (left > 0) setTimeout(next, pauseSeconds * 1000);
    else sent.end();
  };
  next();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await play(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as TrafficPlan);
  process.exit(0);
}
