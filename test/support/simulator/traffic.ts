/** Clients: who asks, from where, for what, how often, and whether they try again. Addresses come from the documentation ranges. */
import type { EventQueue } from './agenda.ts';
import type { LoadBalancerNode, Request } from './node.ts';
import { Random } from './random.ts';
import type { Row } from './row.ts';
import type { AudienceSpec, ClientsSpec, PollersSpec, RouteSpec, Scenario, SessionsSpec } from './scenario.ts';

const browsers = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
];
const programs = [
  'okhttp/4.12.0',
  'python-requests/2.32.5',
  'ShopApp/7.4 (Android 15)',
  'curl/8.11.1',
  'Go-http-client/2.0',
];
const words = ['shoes', 'rain coat', 'lamp', 'desk', 'winter', 'gift', 'tent'];

const names = new Random(7);
const orders = Array.from({ length: 60 }, () => uuid(names));
const assets = Array.from({ length: 16 }, () => names.hex(12));

interface Client {
  address: string;
  port: number;
  userAgent: string;
  type: Row['type'];
  connectionId: string;
  headerBytes: number;
  node: LoadBalancerNode;
  manners: ClientsSpec;
}

export class Traffic {
  private readonly scenario: Scenario;
  private readonly agenda: EventQueue;
  private readonly nodes: LoadBalancerNode[];
  private readonly start: number;
  private readonly end: number;
  private readonly origin: number;
  private readonly log: (row: Row) => void;

  constructor(
    scenario: Scenario,
    agenda: EventQueue,
    nodes: LoadBalancerNode[],
    times: { start: number; end: number; origin: number },
    log: (row: Row) => void,
  ) {
    this.scenario = scenario;
    this.agenda = agenda;
    this.nodes = nodes;
    this.start = times.start;
    this.end = times.end;
    this.origin = times.origin;
    this.log = log;
  }

  begin(random: Random): void {
    this.scenario.clients.forEach((clients, i) => {
      const own = random.stream(`clients ${i}`);
      if (clients.kind === 'sessions') this.sessions(clients, own);
      else if (clients.kind === 'pollers') this.pollers(clients, own);
      else this.audience(clients, own);
    });
  }

  private sessions(spec: SessionsSpec, random: Random): void {
    const arrive = (time: number) => {
      const share =
        1 +
        (spec.wave?.share ?? 0) *
          Math.sin((2 * Math.PI * (time - this.origin)) / 1000 / (spec.wave?.periodSeconds ?? 1));
      const next = time + random.exponential(60_000 / (spec.perMinute * Math.max(0.05, share)));
      if (next >= this.until(spec.to)) return;
      this.agenda.add(next, () => {
        const client = this.client(spec, random);
        this.visit(client, spec, 1 + Math.floor(random.exponential(spec.requests - 1)), next, random);
        arrive(next);
      });
    };
    const from = spec.from === undefined ? this.start : Math.max(this.start, this.origin + spec.from * 1000);
    arrive(from);
  }

  private until(second: number | undefined): number {
    return second === undefined ? this.end : Math.min(this.end, this.origin + second * 1000);
  }

  private visit(client: Client, spec: SessionsSpec, left: number, time: number, random: Random): void {
    if (left === 0 || time >= this.until(spec.to)) return;
    this.ask(client, this.request(client, random), time, random, (over) => {
      const next = over + random.lognormal(spec.thinkSeconds * 1000, 0.8);
      this.agenda.add(next, () => this.visit(client, spec, left - 1, next, random));
    });
  }

  private pollers(spec: PollersSpec, random: Random): void {
    for (let i = 0; i < spec.count; i++) {
      const client = this.client(spec, random, i);
      const beat = (time: number) => {
        if (time >= this.end) return;
        this.agenda.add(time, () => {
          for (let k = 0; k < (spec.together ?? 1); k++) {
            const at = time + random.between(0, 20) * k;
            const request = this.request(client, random);
            this.agenda.add(at, () => this.ask(client, request, at, random, () => {}));
          }
          beat(time + spec.everySeconds * 1000 + random.between(-1, 1) * (spec.jitterSeconds ?? 0) * 1000);
        });
      };
      beat(this.start + random.between(0, spec.everySeconds * 1000));
    }
  }

  private audience(spec: AudienceSpec, random: Random): void {
    const pages = Array.from({ length: spec.count }, (_, i) => this.client(spec, random, i));
    const publish = (time: number) => {
      if (time >= this.end) return;
      this.agenda.add(time, () => {
        for (const client of pages) {
          const at = time + random.between(0, spec.withinSeconds * 1000);
          const request = this.request(client, random);
          this.agenda.add(at, () => this.ask(client, request, at, random, () => {}));
        }
        const swing =
          (spec.wave?.share ?? 0) *
          Math.sin((2 * Math.PI * (time - this.origin)) / 1000 / (spec.wave?.periodSeconds ?? 1));
        publish(time + Math.max(0.5, spec.everySeconds * (1 + swing) + spec.spreadSeconds * random.normal()) * 1000);
      });
    };
    publish(this.start + random.between(0, spec.everySeconds * 1000));
  }

  /** One request, one row, and perhaps one retry. Calls `then` when the client has its last answer. */
  private ask(
    client: Client,
    request: Request,
    time: number,
    random: Random,
    then: (over: number) => void,
    tries = 1,
  ): void {
    if (time >= this.end) return;
    client.node.handle(request, time, (row) => {
      this.log(row);
      const { retry = 0, retryAfterSeconds = [0.3, 2] } = client.manners;
      if (row.elbStatus < 500 || tries >= 2 || !random.chance(retry)) {
        then(row.time);
        return;
      }
      const again = row.time + random.between(...retryAfterSeconds) * 1000;
      this.agenda.add(again, () => this.ask(client, request, again, random, then, tries + 1));
    });
  }

  private client(spec: ClientsSpec, random: Random, index?: number): Client {
    const agents = spec.agents ?? (spec.kind === 'pollers' ? 'programs' : 'browsers');
    const userAgent = random.pick(agents === 'browsers' ? browsers : programs);
    const secure = this.scenario.loadBalancer.listener.protocol === 'HTTPS';
    const type = !secure ? 'http' : agents === 'browsers' || userAgent.startsWith('Go') ? 'h2' : 'https';
    const node = index === undefined ? random.pick(this.nodes) : this.nodes[index % this.nodes.length];
    if (node === undefined) throw new Error('a load balancer needs a node');
    return {
      address: this.address(random),
      port: random.integer(20000, 64999),
      userAgent,
      type,
      connectionId: `TID_${random.hex(32)}`,
      headerBytes: type === 'h2' ? random.integer(38, 96) : random.integer(180, 640),
      node,
      manners: spec,
    };
  }

  private address(random: Random): string {
    const { edgeNetworks = [] } = this.scenario.loadBalancer;
    if (edgeNetworks.length > 0) return `${random.pick(edgeNetworks)}.${random.integer(4, 250)}`;
    if (this.scenario.loadBalancer.scheme === 'internal')
      return `10.0.${random.pick([20, 21])}.${random.integer(4, 250)}`;
    if (this.scenario.loadBalancer.dualstack === true && random.chance(0.2))
      return `[2001:db8:${random.hex(2)}::${random.integer(1, 9)}${random.hex(1)}]`;
    return `${random.pick(['203.0.113', '198.51.100'])}.${random.integer(1, 254)}`;
  }

  private request(client: Client, random: Random): Request {
    const { manners } = client;
    const allowed = this.scenario.routes.filter(
      (route) => manners.routes === undefined || manners.routes.includes(`${route.method} ${route.path}`),
    );
    const route = random.weighted(allowed);
    const { listener, host } = this.scenario.loadBalancer;
    const body = route.requestBytes === undefined ? 0 : Math.round(random.lognormal(route.requestBytes, 0.3));
    const path = route.path
      .replaceAll('{n}', () => String(random.integer(1000, 9999)))
      .replaceAll('{uuid}', () => random.pick(orders))
      .replaceAll('{hex}', () => random.pick(assets));
    const url = `${listener.protocol.toLowerCase()}://${host}:${listener.port}${path}${query(route, random)}`;
    return {
      route,
      url,
      type: client.type,
      client: `${client.address}:${client.port}`,
      userAgent: client.userAgent,
      connectionId: client.connectionId,
      receivedBytes: client.headerBytes + path.length + body,
      uploadMs: body === 0 || manners.uplink === undefined ? 0 : (body / manners.uplink) * 1000,
      bodyBytes: body,
      patienceMs:
        manners.patienceSeconds === undefined
          ? Number.POSITIVE_INFINITY
          : manners.patienceSeconds * 1000 + random.between(0, 30),
    };
  }
}

function query(route: RouteSpec, random: Random): string {
  if (route.query === undefined) return '';
  const pairs = route.query.map((name) => {
    if (name === 'token' || name === 'session') return `${name}=not-a-real-${name}-${random.hex(4)}`;
    if (name === 'page') return `page=${random.integer(1, 9)}`;
    return `${name}=${encodeURIComponent(random.pick(words))}`;
  });
  return `?${pairs.join('&')}`;
}

function uuid(random: Random): string {
  return [8, 4, 4, 4, 12].map((digits) => random.hex(digits)).join('-');
}
