/**
 * A load balancer node: rules first, then a target by round robin among those it believes registered and healthy (all registered ones
 * when none is healthy: it fails open), then a connection from its pool or a new one, then the wait for an answer. The first clock that
 * runs out decides what the client gets. No retry on another target: each failed attempt is one row.
 */
import type { EventQueue } from './agenda.ts';
import type { Faults } from './faults.ts';
import type { Health } from './health.ts';
import { blockedBy, type Network, sourcePort } from './network.ts';
import { Pool } from './pool.ts';
import type { Random } from './random.ts';
import type { Row, Truth } from './row.ts';
import type { NodeSpec, RouteSpec, Scenario, TargetGroupSpec } from './scenario.ts';
import type { Target } from './target.ts';

/** TCP connect and TLS handshake with a target are given up after this; neither can be configured. */
const connectTimeout = 10_000;

export interface Request {
  route: RouteSpec;
  url: string;
  type: Row['type'];
  client: string;
  userAgent: string;
  connectionId: string;
  receivedBytes: number;
  /** How long the body is on the client's line, and how large it is. */
  uploadMs: number;
  bodyBytes: number;
  /** The client closes the connection after this long. */
  patienceMs: number;
}

export interface SimulationState {
  scenario: Scenario;
  agenda: EventQueue;
  network: Network;
  health: Health;
  faults: Faults;
  targets: Target[];
  arnOf: (group: TargetGroupSpec) => string;
}

type Answer = Pick<
  Row,
  | 'requestProcessing'
  | 'targetProcessing'
  | 'responseProcessing'
  | 'elbStatus'
  | 'targetStatus'
  | 'errorReason'
  | 'truth'
> & { connection: Row['connection']; idleSeconds: number | null; responseBytes?: number };

export class LoadBalancerNode {
  readonly spec: NodeSpec;
  readonly logged: string;
  private readonly world: SimulationState;
  private readonly random: Random;
  private readonly idleTimeout: number;
  private readonly pools = new Map<Target, Pool>();
  private readonly turns = new Map<TargetGroupSpec, number>();
  private readonly tracePrefix: string;
  /** Registrations and deregistrations reach the node this much later; its routing follows then. */
  private readonly propagation: number;

  constructor(spec: NodeSpec, world: SimulationState, random: Random) {
    this.spec = spec;
    this.world = world;
    this.random = random;
    this.logged =
      world.scenario.loadBalancer.scheme === 'internal' ? spec.address : (spec.publicAddress ?? spec.address);
    this.idleTimeout = world.scenario.loadBalancer.idleTimeoutSeconds * 1000;
    this.tracePrefix = random.hex(16);
    const [soonest, latest] = world.scenario.loadBalancer.propagationSeconds ?? [1.5, 6];
    this.propagation = random.between(soonest, latest) * 1000;
  }

  handle(request: Request, created: number, done: (row: Row) => void): void {
    const { scenario, faults } = this.world;
    const evaluated = created + this.random.between(0.1, 0.9);
    const groupName = faults.groupOf(evaluated, request.route, this.random);
    const group = scenario.targetGroups.find((other) => other.name === groupName);
    const waf = scenario.loadBalancer.waf === true;
    const actions = (last: string) =>
      [...(waf ? ['waf'] : []), ...(request.route.authenticate ? ['authenticate'] : []), last].join(',');
    const blank = { request, created, target: null, targetGroup: null, priority: request.route.priority ?? 0 };

    if (faults.wafUnreachable(evaluated, this.random)) {
      const time = evaluated + this.random.between(1000, 1100);
      const answer = own(500, { cause: 'waf-failure', signature: 'waf-failure' }, 'WAFConnectionTimeout');
      this.finish(time, { ...blank, actions: 'waf-failed' }, answer, done);
      return;
    }
    if (faults.loadBalancerFails(evaluated, this.random)) {
      const answer = own(500, { cause: 'load-balancer-impaired', signature: 'other' });
      this.finish(evaluated + this.random.between(0, 4), { ...blank, actions: actions('forward') }, answer, done);
      return;
    }
    const fixed = faults.fixedResponse(evaluated, request.route);
    if (fixed !== undefined) {
      const truth = fixed.status >= 500 ? { cause: 'fixed-response', signature: 'fixed-response' } : null;
      const answer: Answer = { ...own(fixed.status, truth), responseBytes: 180 + fixed.body.length };
      const details = {
        ...blank,
        priority: fixed.priority,
        actions: [...(waf ? ['waf'] : []), 'fixed-response'].join(','),
      };
      this.finish(evaluated, details, answer, done);
      return;
    }
    if (request.route.authenticate && faults.identityProviderSilent(evaluated, this.random)) {
      const time = evaluated + 5000 + this.random.between(0, 4);
      const answer = own(
        500,
        { cause: 'authentication-failure', signature: 'authentication-failure' },
        'AuthTokenEpRequestTimeout',
      );
      this.finish(time, { ...blank, actions: [...(waf ? ['waf'] : []), 'authenticate'].join(',') }, answer, done);
      return;
    }
    const unsupported = faults.unsupported(evaluated, request.route, this.random);
    if (unsupported !== undefined) {
      const answer = own(unsupported, { cause: 'unsupported-request', signature: 'other' });
      this.finish(evaluated, { ...blank, actions: '-' }, answer, done);
      return;
    }
    if (group === undefined) throw new Error(`route ${request.route.path} names an unknown group ${groupName}`);
    const details = { ...blank, targetGroup: group, actions: actions('forward') };
    if (group.targetType === 'lambda') {
      this.invoke(group, details, evaluated, done);
      return;
    }
    const target = this.choose(group, evaluated);
    if (target === null) {
      this.finish(evaluated, details, own(503, { cause: 'no-registered-targets', signature: 'no-target' }), done);
      return;
    }
    if (group.optimizer === undefined) {
      this.forward(target, { ...details, target }, evaluated, done);
      return;
    }
    const ready = this.ready(group, target, evaluated);
    if (ready === null) {
      this.finish(evaluated, details, own(503, { cause: 'target-optimizer', signature: 'no-target' }), done);
      return;
    }
    ready.busy++;
    this.forward(ready, { ...details, target: ready }, evaluated, (row) => {
      this.world.agenda.add(row.time, () => ready.busy--);
      done(row);
    });
  }

  /** This target or, by turns, another one that takes one more request; null when none does. */
  private ready(group: TargetGroupSpec, first: Target, time: number): Target | null {
    const { targets, health } = this.world;
    const others = targets.filter(
      (target) => target.group === group && health.at(this.spec, target, time).state === 'healthy',
    );
    return [first, ...others].find((target) => target.busy < (group.optimizer?.concurrency ?? 0)) ?? null;
  }

  private choose(group: TargetGroupSpec, time: number): Target | null {
    const { targets, health } = this.world;
    const seen = time - this.propagation;
    const registered = targets.filter(
      (target) => target.group === group && target.registeredAt <= seen && seen < target.deregisteredAt,
    );
    const states = new Map(registered.map((target) => [target, health.at(this.spec, target, time).state]));
    const healthy = registered.filter((target) => states.get(target) === 'healthy');
    const usable = healthy.length > 0 ? healthy : registered;
    const turn = this.turns.get(group) ?? this.random.integer(0, 7);
    this.turns.set(group, turn + 1);
    return usable[turn % Math.max(1, usable.length)] ?? null;
  }

  private poolOf(target: Target): Pool {
    let pool = this.pools.get(target);
    if (pool === undefined) {
      pool = new Pool(target, this.latencyTo(target), this.idleTimeout);
      this.pools.set(target, pool);
    }
    return pool;
  }

  /** One way, in milliseconds: longer between zones. */
  private latencyTo(target: Target): number {
    return target.zone === this.spec.zone ? 0.22 : 0.61;
  }

  private forward(target: Target, details: Details, now: number, done: (row: Row) => void): void {
    const taken = this.poolOf(target).take(now);
    const { created } = details;
    const base = { requestProcessing: seconds(now - created), errorReason: null, targetStatus: null };
    if (taken.kind === 'lost') {
      const cause = {
        'keep-alive': 'keep-alive-race',
        recycling: 'closed-mid-request',
        crash: 'closed-mid-request',
        deployment: 'shutdown-before-drain',
      }[taken.because];
      const answer: Answer = {
        ...base,
        targetProcessing: seconds(taken.knownAt - now),
        responseProcessing: -1,
        elbStatus: 502,
        truth: { cause, signature: 'closed-before-response' },
        connection: 'reused',
        idleSeconds: (now - taken.connection.idleAtTarget) / 1000,
      };
      this.finish(taken.knownAt, details, answer, done);
      return;
    }
    if (taken.kind === 'dead') {
      const answer: Answer = {
        ...base,
        targetProcessing: -1,
        responseProcessing: -1,
        elbStatus: 504,
        truth: { cause: 'target-gone', signature: 'idle-timeout' },
        connection: 'reused',
        idleSeconds: null,
      };
      this.finish(now + this.idleTimeout + this.random.between(0.2, 6), details, answer, done);
      return;
    }
    if (taken.kind === 'usable') {
      const idleSeconds = (now - taken.connection.idleAtTarget) / 1000;
      this.wait(target, taken.connection.worker, details, now, { connection: 'reused', idleSeconds }, done);
      return;
    }
    this.connect(target, details, now, done);
  }

  /** A new connection: refused at once, unanswered for ten seconds, stopped at the handshake, or open. */
  private connect(target: Target, details: Details, now: number, done: (row: Row) => void): void {
    const { network } = this.world;
    const latency = this.latencyTo(target);
    const blocked = blockedBy(network, this.spec, target.address, target.port, sourcePort(this.random));
    const drain = now >= target.deregisteredAt || target.stops.some((stop) => stop.because === 'deployment');
    const gaveUp = now + connectTimeout + this.random.between(0, 2);
    const unanswered = (cause: string): void => {
      if (details.request.patienceMs < connectTimeout) {
        this.abandon(details, -1, done);
        return;
      }
      const answer: Answer = { ...own(504, { cause, signature: 'connect-timeout' }), connection: 'not-connected' };
      this.finish(gaveUp, details, answer, done);
    };
    const silence =
      blocked ??
      (now >= target.hostGoneAt ? (drain ? 'target-gone' : 'target-unreachable') : null) ??
      (target.dropsConnections(now, this.spec.zone) ? 'target-unreachable' : null);
    if (silence !== null) {
      unanswered(silence);
      return;
    }
    const stop = target.stoppedAt(now + latency);
    if (stop !== undefined) {
      const cause = stop.because === 'deployment' ? 'shutdown-before-drain' : 'connection-refused';
      const answer: Answer = { ...own(502, { cause, signature: 'connect-failed' }), connection: 'not-connected' };
      this.finish(now + 2 * latency + this.random.between(0.1, 1), details, answer, done);
      return;
    }
    let opened = now + 2 * latency + 0.05;
    if (target.group.protocol === 'HTTPS') {
      const tls = this.world.faults.tls(target, now) ?? target.server.tls ?? 'ok';
      if (tls === 'handshake-timeout') {
        const answer: Answer = {
          ...own(504, { cause: 'tls-handshake-failure', signature: 'connect-timeout' }),
          connection: 'no-tls',
        };
        this.finish(gaveUp, details, answer, done);
        return;
      }
      if (tls !== 'ok') {
        const cause = tls === 'plaintext' ? 'protocol-mismatch' : 'tls-handshake-failure';
        const answer: Answer = { ...own(502, { cause, signature: 'connect-failed' }), connection: 'no-tls' };
        this.finish(opened + 2 * latency + this.random.between(0.3, 1.6), details, answer, done);
        return;
      }
      opened += 2 * latency + this.random.between(0.8, 2);
    }
    this.wait(target, target.accept(), details, opened, { connection: 'opened', idleSeconds: null }, done);
  }

  /** The request is on its way on an open connection. What happens first, the answer or one of the clocks? */
  private wait(
    target: Target,
    worker: ReturnType<Target['accept']>,
    details: Details,
    sent: number,
    how: { connection: 'reused' | 'opened'; idleSeconds: number | null },
    done: (row: Row) => void,
  ): void {
    const { faults } = this.world;
    const { request, created } = details;
    const { server } = target;
    const latency = this.latencyTo(target);
    const arrival = sent + latency;
    const stalled = faults.stalledUpload(sent, request.route, this.random);
    if (stalled !== undefined) {
      const answer: Answer = {
        ...own(504, { cause: 'slow-upload', signature: 'idle-timeout' }),
        ...how,
        requestProcessing: seconds(sent - created),
      };
      const receivedBytes = partOf({ ...request, uploadMs: 2 * stalled }, stalled);
      const end = sent + stalled + this.idleTimeout + this.random.between(0.2, 5);
      this.finish(end, { ...details, request: { ...request, receivedBytes } }, answer, done);
      return;
    }
    const received = arrival + request.uploadMs;
    const plan = faults.work(request.route, target, received, this.random, request.client);
    const rejects = target.group.protocol === 'HTTP' ? server.onPlaintext : undefined;
    if (rejects !== undefined) plan.workMs = this.random.between(0.2, 0.8);
    if (rejects === 'answers-400') plan.status = 400;
    const limit =
      server.requestTimeoutSeconds === undefined ? Number.POSITIVE_INFINITY : server.requestTimeoutSeconds * 1000;
    const start = target.begin(received, Math.min(plan.workMs, limit));
    const ready = start + plan.workMs;
    const answerAt = ready + latency;

    const ends: { at: number; kind: End; cause?: string }[] = [
      { at: answerAt, kind: plan.unusable !== undefined ? 'unusable' : 'answer' },
    ];
    const close = (at: number, cause: string) => ends.push({ at: at + latency, kind: 'closed', cause });
    if (rejects === 'closes') close(start, 'protocol-mismatch');
    if (plan.closesAfterMs !== undefined) close(start + plan.closesAfterMs, 'closed-mid-request');
    if (limit < Number.POSITIVE_INFINITY)
      close(
        start + limit + this.random.between(0, (server.requestTimeoutSpreadSeconds ?? 0.004) * 1000),
        'worker-timeout',
      );
    if (server.bodyTimeoutSeconds !== undefined && request.uploadMs > server.bodyTimeoutSeconds * 1000)
      close(arrival + server.bodyTimeoutSeconds * 1000 + this.random.between(0, 4), 'slow-upload');
    const stop = target.nextStop(arrival);
    if (stop !== undefined)
      close(stop.at, stop.because === 'deployment' ? 'shutdown-before-drain' : 'closed-mid-request');
    const idleAt = Math.max(sent, received) + this.idleTimeout + this.random.between(0.2, 5);
    const bodySlow = request.uploadMs > this.idleTimeout;
    ends.push({ at: idleAt, kind: 'idle-timeout', cause: bodySlow ? 'slow-upload' : 'slow-target' });
    const delay = (target.group.deregistrationDelaySeconds ?? 300) * 1000;
    const cut = target.deregisteredAt + delay;
    if (cut > sent)
      ends.push({ at: cut + this.random.between(0, 0.2), kind: 'drained', cause: 'deregistration-delay-elapsed' });
    if (request.patienceMs < Number.POSITIVE_INFINITY) ends.push({ at: created + request.patienceMs, kind: 'gave-up' });
    ends.sort((a, b) => a.at - b.at);
    const end = ends[0];
    if (end === undefined) return;

    const base = { requestProcessing: seconds(sent - created), targetStatus: null, errorReason: null, ...how };
    if (end.kind === 'gave-up') {
      this.abandon(details, base.requestProcessing, done);
      return;
    }
    if (end.kind === 'idle-timeout' || end.kind === 'drained') {
      const signature = end.kind === 'drained' ? 'no-response-aborted' : 'idle-timeout';
      const truth: Truth = { cause: end.cause ?? '', signature };
      const elbStatus = end.kind === 'drained' ? 502 : 504;
      this.finish(end.at, details, { ...base, targetProcessing: -1, responseProcessing: -1, elbStatus, truth }, done);
      return;
    }
    const targetProcessing = seconds(end.at - sent);
    if (end.kind === 'closed' || end.kind === 'unusable') {
      const truth: Truth = { cause: end.cause ?? plan.unusable ?? '', signature: 'closed-before-response' };
      const receivedBytes = end.cause === 'slow-upload' ? partOf(request, end.at - arrival) : request.receivedBytes;
      const partial: Details = { ...details, request: { ...request, receivedBytes } };
      const tail = end.kind === 'unusable' ? this.random.between(0, 0.4) : 0;
      this.finish(
        end.at + tail,
        partial,
        { ...base, targetProcessing, responseProcessing: -1, elbStatus: 502, truth },
        done,
      );
      return;
    }
    const queueing = this.random.between(0, 0.9);
    const answer: Answer = {
      ...base,
      targetProcessing,
      responseProcessing: seconds(queueing),
      elbStatus: plan.status,
      targetStatus: plan.status,
      truth: plan.status >= 500 ? { cause: plan.because ?? 'target-generated', signature: 'target-response' } : null,
      responseBytes:
        plan.status === 304
          ? 190
          : plan.status >= 400
            ? 420
            : Math.round(this.random.lognormal(request.route.responseBytes, 0.12)),
    };
    const over = end.at + queueing;
    this.world.agenda.add(over, () => {
      target.count(worker, ready, this.random);
      if (server.keepAliveSeconds === 0) return;
      const timerLag = this.random.between(0, 0.6) + this.random.exponential(server.loopLagMs ?? 1.5);
      this.poolOf(target).putBack({ worker, idleAtNode: over, idleAtTarget: ready, timerLag });
    });
    this.finish(over, details, answer, done);
  }

  /** The client closes first: a 460, which the target may not notice. */
  private abandon(details: Details, requestProcessing: number, done: (row: Row) => void): void {
    const answer: Answer = {
      ...own(460, { cause: 'client-closed', signature: 'client-closed' }),
      requestProcessing,
      connection: requestProcessing < 0 ? 'none' : 'reused',
    };
    this.finish(details.created + details.request.patienceMs, details, { ...answer, responseBytes: 0 }, done);
  }

  /** A Lambda function as target: real durations also for failures, no target address, and a reason in field 25. */
  private invoke(group: TargetGroupSpec, details: Details, now: number, done: (row: Row) => void): void {
    const { faults } = this.world;
    const { request, created } = details;
    const timeout = (group.lambda?.timeoutSeconds ?? 30) * 1000;
    const plan = faults.work(request.route, null, now, this.random);
    const code = faults.lambdaError(request.route, now, this.random);
    let took = plan.workMs + this.random.between(4, 9);
    let reason: string | null = code ?? null;
    let cause = code === undefined ? null : lambdaCause(code);
    if (plan.workMs >= timeout) {
      took = timeout + this.random.between(1, 12);
      reason = 'LambdaUnhandled';
      cause = 'lambda-timeout';
    } else if (code === 'LambdaThrottling') took = this.random.between(5, 20);
    const queueing = this.random.between(0, 0.9);
    const status = reason === null ? plan.status : reason === 'LambdaConnectionTimeout' ? 504 : 502;
    const answer: Answer = {
      requestProcessing: seconds(now - created),
      targetProcessing: seconds(took),
      responseProcessing: seconds(queueing),
      elbStatus: status,
      targetStatus: reason === null ? status : null,
      errorReason: reason,
      truth:
        cause === null
          ? status >= 500
            ? { cause: 'target-generated', signature: 'target-response' }
            : null
          : { cause, signature: 'lambda-failure' },
      connection: 'none',
      idleSeconds: null,
      ...(reason === null
        ? { responseBytes: Math.round(this.random.lognormal(request.route.responseBytes, 0.12)) }
        : {}),
    };
    this.finish(now + took + queueing, details, answer, done);
  }

  private finish(time: number, details: Details, answer: Answer, done: (row: Row) => void): void {
    const { request, created, target, targetGroup } = details;
    const { responseBytes, ...rest } = answer;
    const random = this.random;
    const row: Row = {
      ...rest,
      type: request.type,
      time,
      created,
      client: request.client,
      target: target === null ? null : `${target.address}:${target.port}`,
      receivedBytes: request.receivedBytes,
      sentBytes: responseBytes ?? errorPageBytes(answer.elbStatus, request),
      method: request.route.method,
      url: request.url,
      userAgent: request.userAgent,
      targetGroupArn: targetGroup === null ? null : this.world.arnOf(targetGroup),
      targetGroupName: targetGroup?.name ?? null,
      traceId: `Root=1-${Math.floor(created / 1000).toString(16)}-${this.tracePrefix}${random.hex(8)}`,
      priority: details.priority,
      actions: details.actions,
      connectionId: request.connectionId,
      node: this.logged,
      route: `${request.route.method} ${request.route.path}`,
    };
    this.world.agenda.add(time, () => done(row));
  }
}

type End = 'answer' | 'unusable' | 'closed' | 'idle-timeout' | 'drained' | 'gave-up';

interface Details {
  request: Request;
  created: number;
  target: Target | null;
  targetGroup: TargetGroupSpec | null;
  priority: number;
  actions: string;
}

/** An answer of the load balancer itself without any of the three times. */
function own(elbStatus: number, truth: Truth | null, errorReason: string | null = null): Answer {
  return {
    requestProcessing: -1,
    targetProcessing: -1,
    responseProcessing: -1,
    elbStatus,
    targetStatus: null,
    errorReason,
    truth,
    connection: 'none',
    idleSeconds: null,
  };
}

const seconds = (milliseconds: number) => Math.max(0, milliseconds) / 1000;

/** What had arrived of a request whose body was still on its way. */
function partOf(request: Request, elapsed: number): number {
  const share = Math.min(1, elapsed / Math.max(1, request.uploadMs));
  return request.receivedBytes - Math.round(request.bodyBytes * (1 - share));
}

/** The load balancer's error pages: padded for browsers, shorter over HTTP/2. */
function errorPageBytes(status: number, request: Request): number {
  const padded = request.userAgent.startsWith('Mozilla');
  const base = { 500: 283, 502: 277, 503: 323, 504: 292 }[status] ?? 280;
  return (request.type === 'h2' ? base - 85 : base) + (padded ? 402 : 0);
}

function lambdaCause(code: string): string {
  if (code === 'LambdaInvalidResponse') return 'lambda-invalid-response';
  if (code === 'LambdaResponseTooLarge') return 'lambda-response-too-large';
  return code === 'LambdaThrottling' ? 'lambda-throttled' : 'lambda-error';
}
