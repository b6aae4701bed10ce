/** Runs one situation: builds its network, starts its servers and the proxy, lets traffic flow, and gathers what was seen. */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadBalancerSpec, TargetGroupSpec } from '../support/simulator/scenario.ts';
import type { TrafficPlan } from './clients.ts';
import { MemoryLimit } from './memory-limit.ts';
import { killGroup, LabNetwork } from './network.ts';
import { clientAddresses, HOST, LISTENER_PORT, nodes, TARGET_PORT, targets } from './places.ts';
import type { LoadBalancerConfig } from './proxy/load-balancer.ts';
import type { Order, ProxyResult } from './proxy/serve.ts';
import { type LabServer, serverOf } from './servers.ts';
import type { Situation, Stage } from './situation.ts';

export interface Capture extends ProxyResult {
  situation: Situation;
  server: LabServer;
  loadBalancer: LoadBalancerSpec;
  group: TargetGroupSpec;
  /** Epoch milliseconds. */
  from: number;
  to: number;
  /** What each server printed. */
  outputs: string[];
  /** Registrations and deregistrations with their times, epoch milliseconds. */
  orders: { at: number; order: Order }[];
  machine: Machine;
}

/** What else the machine did: the truth of some captures depends on milliseconds. */
export interface Machine {
  cores: number;
  /** Processes that ran or waited to run, mean of a minute, as traffic began and as it ended. */
  load: [begin: number, end: number];
}

/** One way between a node and a target, milliseconds: targets in the same and in other zones of a region. */
const DELAY_MS = 1;
const READY_SECONDS = 60;
/** Slow requests may end after the traffic; the proxy is stopped then. */
const LINGER_SECONDS = 70;

const open = new Set<Stand>();

/** Ends what captures have started; for signals. */
export function closeCaptures(): void {
  for (const stand of open) stand.close();
}

export async function capture(situation: Situation, tag: string): Promise<Capture> {
  const folder = mkdtempSync(join(tmpdir(), 'alb502-lab-'));
  const stand = new Stand(situation, tag, folder);
  open.add(stand);
  try {
    return await stand.run();
  } finally {
    stand.close();
    open.delete(stand);
  }
}

class Stand {
  readonly network: LabNetwork;
  private readonly situation: Situation;
  private readonly folder: string;
  private readonly server: LabServer;
  private readonly group: TargetGroupSpec;
  private readonly running = new Map<string, ChildProcess>();
  /** Files. */
  private readonly outputs: string[] = [];
  private readonly orders: Capture['orders'] = [];
  private readonly memory: MemoryLimit;
  private proxy: ChildProcess | null = null;

  constructor(situation: Situation, tag: string, folder: string) {
    this.situation = situation;
    this.folder = folder;
    this.server = serverOf(situation.server);
    this.network = new LabNetwork(tag);
    this.memory = new MemoryLimit(`alb502-lab-${tag}`);
    this.group = {
      name: 'api',
      id: 'c3d1f09a5b7e2468',
      targetType: 'ip',
      protocol: 'HTTP',
      port: TARGET_PORT,
      healthCheck: { intervalSeconds: 5, timeoutSeconds: 4, healthyThreshold: 2, unhealthyThreshold: 2 },
      targets: targets.slice(0, situation.targets ?? 2),
      ...situation.group,
    };
  }

  close(): void {
    this.network.close();
    this.memory.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async run(): Promise<Capture> {
    const { situation, group } = this;
    const loadBalancer: LoadBalancerSpec = {
      name: 'shop-prod',
      id: '4f2a9c1e7b3d5068',
      scheme: 'internet-facing',
      listener: { protocol: 'HTTP', port: LISTENER_PORT },
      host: HOST,
      idleTimeoutSeconds: situation.idleTimeoutSeconds ?? 60,
      nodes: nodes.slice(0, situation.nodes ?? 2),
    };
    this.network.addHost(
      'lb',
      loadBalancer.nodes.flatMap(({ address, publicAddress = [] }) => [address, publicAddress].flat()),
    );
    this.network.addHost('clients', clientAddresses);
    // Includes those that are registered later.
    for (const { address } of targets) this.network.addHost(address, [address]);
    await Promise.all(group.targets.map(({ address }) => this.start(address)));
    const config: LoadBalancerConfig = { loadBalancer, group, delayMs: DELAY_MS };
    const result = join(this.folder, 'entries.json');
    this.proxy = this.node('lb', 'proxy/serve.ts', config, result);
    await firstOutput(this.proxy);
    // Until the first health checks are through.
    await sleep(1500);

    const from = Date.now();
    const load = minuteLoad();
    const plan: TrafficPlan = { seconds: situation.seconds, clients: situation.clients };
    const traffic = this.node('clients', 'clients.ts', plan);
    const stage: Stage = {
      network: this.network,
      addresses: targets.map(({ address }) => address),
      at: (second) => sleep(Math.max(0, from + second * 1000 - Date.now())),
      start: (address) => this.start(address),
      stop: (address, signal) => this.stop(address, signal),
      ended: (address) => this.ended(address),
      order: (order) => this.order(order),
    };
    await Promise.all([
      Promise.race([gone(traffic), sleep((situation.seconds + LINGER_SECONDS) * 1000, undefined, { ref: false })]),
      situation.meanwhile?.(stage),
    ]);
    const to = Date.now();
    this.proxy.stdin?.end();
    await gone(this.proxy);
    const seen = JSON.parse(readFileSync(result, 'utf8')) as ProxyResult;
    return {
      ...seen,
      situation,
      server: this.server,
      loadBalancer,
      group,
      from,
      to,
      outputs: this.outputs.map((file) => readFileSync(file, 'latin1')),
      orders: this.orders,
      machine: { cores: availableParallelism(), load: [load, minuteLoad()] },
    };
  }

  private node(host: string, program: string, input: unknown, ...args: string[]): ChildProcess {
    const file = join(this.folder, `${host}.json`);
    writeFileSync(file, JSON.stringify(input));
    const command = [
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      join(import.meta.dirname, program),
      file,
      ...args,
    ];
    return this.network.start(host, command, { stdio: ['pipe', 'pipe', 'inherit'] });
  }

  private async start(address: string): Promise<void> {
    const folder = join(this.folder, address);
    mkdirSync(folder, { recursive: true });
    const { args = [], tls, memoryMegabytes } = this.situation;
    const env = { ...this.situation.env, ...(tls ? this.certificate() : {}) };
    const { command, env: own } = this.server.command({ port: TARGET_PORT, folder, env, args });
    // A file: servers open /dev/stdout by its name, which a socket does not allow.
    const output = join(folder, `output-${this.outputs.length}.log`);
    this.outputs.push(output);
    const file = openSync(output, 'a');
    const child = this.network.start(address, command, {
      stdio: ['ignore', file, file],
      env: { PATH: process.env.PATH, LANG: 'C.UTF-8', ...own },
    });
    closeSync(file);
    if (memoryMegabytes !== undefined && child.pid !== undefined) this.memory.limit(child.pid, memoryMegabytes);
    this.running.set(address, child);
    await this.listens(address, child);
  }

  /** Sends requests inside the target's own namespace, without a filter before it. */
  private async listens(address: string, child: ChildProcess): Promise<void> {
    for (let i = 0; i < READY_SECONDS * 4; i++) {
      if (child.exitCode !== null)
        throw new Error(
          `${this.server.id} ended with ${child.exitCode} before it listened: ${lastLine(this.outputs.at(-1))}`,
        );
      const probe = this.network.start(address, ['bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${TARGET_PORT}`], {
        stdio: 'ignore',
      });
      if ((await gone(probe)) === 0) return;
      await sleep(100);
    }
    throw new Error(`${this.server.id} did not listen within ${READY_SECONDS} s`);
  }

  /** A self-signed certificate and its key. */
  private certificate(): Record<string, string> {
    const [key, certificate] = [join(this.folder, 'key.pem'), join(this.folder, 'certificate.pem')];
    if (!existsSync(key))
      execFileSync(
        'openssl',
        `req -x509 -newkey rsa:2048 -nodes -subj /CN=lab -days 2 -keyout ${key} -out ${certificate}`.split(' '),
        { stdio: 'ignore' },
      );
    return { TLS_KEY: key, TLS_CERT: certificate };
  }

  private async stop(address: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.running.get(address);
    if (child === undefined) return;
    const ended = gone(child);
    if (signal === 'SIGKILL') killGroup(child, signal);
    else child.kill(signal);
    await ended;
  }

  private async ended(address: string): Promise<void> {
    const child = this.running.get(address);
    if (child !== undefined) await gone(child);
  }

  private order(order: Order): void {
    this.orders.push({ at: Date.now(), order });
    this.proxy?.stdin?.write(`${JSON.stringify(order)}\n`);
  }
}

const gone = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode);
    else child.once('exit', (code) => resolve(code));
  });

const firstOutput = (child: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`the proxy ended with ${code} before it listened`)));
  });

const minuteLoad = (): number => Math.round((loadavg()[0] ?? 0) * 10) / 10;

const lastLine = (file = ''): string => readFileSync(file, 'latin1').trim().split('\n').at(-1) ?? '';
