/**
 * The load balancer: nodes that each have their own connections, turn and opinion on the health of each target. It is not AWS's code;
 * docs/assumptions.md lists what of it is documented, seen in real entries, or assumed.
 */
import { randomBytes } from 'node:crypto';
import { createServer, get as httpGet, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { get as httpsGet } from 'node:https';
import { targetGroupArn } from '../../support/simulator/names.ts';
import type { Row } from '../../support/simulator/row.ts';
import type { LoadBalancerSpec, NodeSpec, TargetGroupSpec } from '../../support/simulator/scenario.ts';
import { exchange, now, type Observation, respondWith } from './exchange.ts';
import { Pool } from './pool.ts';

export interface LoadBalancerConfig {
  loadBalancer: LoadBalancerSpec;
  group: TargetGroupSpec;
  /** Between a node and a target, one way, milliseconds. */
  delayMs: number;
}

/** A log entry before it is printed, and what the proxy saw of the request. */
export interface Entry {
  row: Row;
  seen: Observation;
}

export interface HealthChange {
  node: string;
  /** Address and port. */
  target: string;
  at: number;
  state: 'initial' | 'healthy' | 'unhealthy';
  reason: 'Target.Timeout' | 'Target.FailedHealthChecks' | 'Target.ResponseCodeMismatch' | null;
}

/** What was counted on a connection of a client by the end of its last request. */
interface ClientConnection {
  read: number;
  written: number;
  id: string;
  client: string;
}

interface Registered {
  address: string;
  port: number;
  cuts: Set<() => void>;
}

/** How long a deregistration takes to reach a node, seconds. */
const PROPAGATION_SECONDS = [1, 5] as const;
const within = ([from, to]: readonly [number, number]) => from + (to - from) * Math.random();

export class LoadBalancer {
  readonly entries: Entry[] = [];
  readonly healthChanges: HealthChange[] = [];
  readonly config: LoadBalancerConfig;
  private readonly targets = new Map<string, Registered>();
  private readonly nodes: LoadBalancerNode[];
  private readonly timers: NodeJS.Timeout[] = [];

  constructor(config: LoadBalancerConfig) {
    this.config = config;
    this.nodes = config.loadBalancer.nodes.map((spec) => new LoadBalancerNode(spec, this));
    for (const { address, port } of config.group.targets) this.register(address, port ?? config.group.port);
  }

  async listen(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.listen()));
  }

  register(address: string, port: number): void {
    const key = `${address}:${port}`;
    this.targets.set(key, { address, port, cuts: new Set() });
    for (const node of this.nodes) node.join(key, address, port);
  }

  /** Each node hears of it some seconds later; what is in flight when the delay is over is cut off. */
  deregister(key: string): void {
    const target = this.targets.get(key);
    if (target === undefined) return;
    const { deregistrationDelaySeconds = 300 } = this.config.group;
    const later = (seconds: number, action: () => void) =>
      this.timers.push(setTimeout(() => this.targets.get(key) === target && action(), seconds * 1000));
    for (const node of this.nodes) later(within(PROPAGATION_SECONDS), () => node.leave(key));
    later(deregistrationDelaySeconds, () => {
      for (const cut of [...target.cuts]) cut();
      for (const node of this.nodes) node.forget(key);
    });
  }

  target(key: string): Registered | undefined {
    return this.targets.get(key);
  }

  close(): void {
    for (const timer of this.timers) clearTimeout(timer);
    for (const node of this.nodes) node.close();
  }
}

class LoadBalancerNode {
  readonly spec: NodeSpec;
  private readonly balancer: LoadBalancer;
  private readonly server: Server;
  private readonly pools = new Map<string, Pool>();
  private readonly health = new Map<string, HealthChange>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly counted = new WeakMap<object, ClientConnection>();
  private readonly members = new Set<string>();
  private turn = 0;

  constructor(spec: NodeSpec, balancer: LoadBalancer) {
    this.spec = spec;
    this.balancer = balancer;
    this.server = createServer(
      { maxHeaderSize: 64 * 1024, requestTimeout: 0, headersTimeout: 0 },
      (request, response) => this.serve(request, response),
    );
    this.server.keepAliveTimeout = 3_600_000;
    this.server.on('connection', (socket) => {
      const client = `${socket.remoteAddress}:${socket.remotePort}`;
      this.counted.set(socket, { read: 0, written: 0, id: `TID_${randomBytes(16).toString('hex')}`, client });
    });
    this.server.on('clientError', (_error, socket) => socket.destroy());
  }

  listen(): Promise<void> {
    const { port } = this.balancer.config.loadBalancer.listener;
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, this.spec.publicAddress ?? this.spec.address, resolve);
    });
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
    for (const timer of this.timers.values()) clearTimeout(timer);
    for (const pool of this.pools.values()) pool.closeAll();
  }

  forget(key: string): void {
    clearTimeout(this.timers.get(key));
    this.pools.get(key)?.closeAll();
  }

  private serve(request: IncomingMessage, response: ServerResponse): void {
    const { config } = this.balancer;
    const traceId = `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${randomBytes(12).toString('hex')}`;
    const key = this.choose();
    const target = key === null ? undefined : this.balancer.target(key);
    if (key === null || target === undefined) {
      const created = now();
      respondWith(response, 503);
      const seen: Observation = {
        created,
        sent: null,
        answered: null,
        over: now(),
        elbStatus: 503,
        targetStatus: null,
        failure: 'no-target',
        idleSeconds: null,
      };
      response.once('close', () => this.record(request, traceId, null, seen));
      return;
    }
    exchange(
      request,
      response,
      {
        host: target.address,
        port: target.port,
        localAddress: this.spec.address,
        tls: config.group.protocol === 'HTTPS',
        delayMs: config.delayMs,
        idleTimeoutMs: config.loadBalancer.idleTimeoutSeconds * 1000,
        pool: this.poolOf(key),
        traceId,
        onDrained: (cut) => {
          target.cuts.add(cut);
          return () => target.cuts.delete(cut);
        },
      },
      (seen) => this.record(request, traceId, key, seen),
    );
  }

  private poolOf(key: string): Pool {
    let pool = this.pools.get(key);
    if (pool === undefined) {
      pool = new Pool(this.balancer.config.loadBalancer.idleTimeoutSeconds * 1000);
      this.pools.set(key, pool);
    }
    return pool;
  }

  /** In turn among the healthy targets; among all of them when none is healthy. */
  private choose(): string | null {
    const all = [...this.members];
    const healthy = all.filter((key) => this.health.get(key)?.state === 'healthy');
    const usable = healthy.length > 0 ? healthy : all;
    return usable[this.turn++ % Math.max(1, usable.length)] ?? null;
  }

  join(key: string, address: string, port: number): void {
    this.members.add(key);
    this.forget(key);
    this.watch(key, address, port);
  }

  leave(key: string): void {
    this.members.delete(key);
    clearTimeout(this.timers.get(key));
  }

  private watch(key: string, address: string, port: number): void {
    const check = this.balancer.config.group.healthCheck ?? {};
    const interval = (check.intervalSeconds ?? 30) * 1000;
    let passed = 0;
    let failed = 0;
    this.change({ node: this.spec.address, target: key, at: now(), state: 'initial', reason: null });
    const judge = (reason: HealthChange['reason']) => {
      passed = reason === null ? passed + 1 : 0;
      failed = reason === null ? 0 : failed + 1;
      const last = this.health.get(key)?.state;
      const isBack =
        reason === null && (last === 'initial' || (last === 'unhealthy' && passed >= (check.healthyThreshold ?? 5)));
      const isGone = reason !== null && last !== 'unhealthy' && failed >= (check.unhealthyThreshold ?? 2);
      if (isBack || isGone)
        this.change({
          node: this.spec.address,
          target: key,
          at: now(),
          state: isBack ? 'healthy' : 'unhealthy',
          reason,
        });
    };
    const ask = () => {
      this.timers.set(key, setTimeout(ask, interval));
      const secure = this.balancer.config.group.protocol === 'HTTPS';
      const probe = (secure ? httpsGet : httpGet)({
        host: address,
        port,
        path: check.path ?? '/health',
        localAddress: this.spec.address,
        agent: false,
        rejectUnauthorized: false,
        headers: { 'User-Agent': 'ELB-HealthChecker/2.0' },
        timeout: (check.timeoutSeconds ?? 5) * 1000,
      });
      let isJudged = false;
      const once = (reason: HealthChange['reason']) => {
        if (!isJudged) judge(reason);
        isJudged = true;
        probe.destroy();
      };
      probe.on('response', ({ statusCode }) => once(statusCode === 200 ? null : 'Target.ResponseCodeMismatch'));
      probe.on('timeout', () => once('Target.Timeout'));
      probe.on('error', () => once('Target.FailedHealthChecks'));
    };
    this.timers.set(key, setTimeout(ask, 50 + 400 * Math.random()));
  }

  private change(change: HealthChange): void {
    this.health.set(change.target, change);
    this.balancer.healthChanges.push(change);
  }

  private record(request: IncomingMessage, traceId: string, target: string | null, seen: Observation): void {
    const { config } = this.balancer;
    const { socket } = request;
    const before = this.counted.get(socket) ?? { read: 0, written: 0, id: '-', client: '-' };
    const after = { ...before, read: socket.bytesRead, written: socket.bytesWritten };
    this.counted.set(socket, after);
    const seconds = (from: number | null, to: number | null) =>
      from === null || to === null ? -1 : Math.round(Math.max(0, to - from)) / 1000;
    // A target that closes or answers with something else leaves the time until then; a timer of the load balancer leaves -1.
    const isClosed = ['fin', 'rst', 'malformed-response', 'response-header-too-large'].includes(seen.failure ?? '');
    this.balancer.entries.push({
      seen,
      row: {
        type: 'http',
        time: seen.over,
        created: seen.created,
        client: before.client,
        target,
        requestProcessing: seconds(seen.created, seen.sent),
        targetProcessing: seen.answered === null && !isClosed ? -1 : seconds(seen.sent, seen.answered ?? seen.over),
        responseProcessing: seen.answered === null ? -1 : 0,
        elbStatus: seen.elbStatus,
        targetStatus: seen.targetStatus,
        receivedBytes: after.read - before.read,
        sentBytes: after.written - before.written,
        method: request.method ?? '-',
        url: `http://${config.loadBalancer.host}:${config.loadBalancer.listener.port}${request.url}`,
        userAgent: request.headers['user-agent'] ?? '-',
        targetGroupArn: targetGroupArn(config.group.name, config.group.id),
        targetGroupName: config.group.name,
        traceId,
        priority: 0,
        actions: 'forward',
        errorReason: null,
        connectionId: after.id,
        node: this.spec.publicAddress ?? this.spec.address,
        route: `${request.method} ${(request.url ?? '').replace(/\?.*$/, '')}`,
        truth: null,
        connection: connectionOf(seen),
        idleSeconds: seen.idleSeconds,
      },
    });
  }
}

function connectionOf(seen: Observation): Row['connection'] {
  if (seen.failure === 'no-target') return 'none';
  if (seen.failure === 'tls' || seen.failure === 'tls-timeout') return 'no-tls';
  if (seen.sent === null) return seen.failure === 'client-closed' ? 'none' : 'not-connected';
  return seen.idleSeconds === null ? 'opened' : 'reused';
}
