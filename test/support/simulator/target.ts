/**
 * A registered target: a process on a host, with a keep-alive timer, perhaps a limited number of workers, and a life that the faults
 * of the scenario determine. It knows nothing of load balancers; it says when it would read, answer or close.
 */
import type { Random } from './random.ts';
import type { ServerSpec, TargetGroupSpec, TargetSpec, Zone } from './scenario.ts';

/** One worker process; without recycling there is one and it never leaves. */
export interface Worker {
  served: number;
  /** It reads nothing from then on, and its connections are closed when it is gone. */
  leavesAt: number;
  goneAt: number;
}

export interface Stop {
  at: number;
  until: number;
  because: 'crash' | 'deployment';
}

export class Target {
  readonly address: string;
  readonly port: number;
  readonly zone: Zone;
  readonly spec: TargetSpec;
  readonly group: TargetGroupSpec;
  readonly server: ServerSpec;
  readonly registeredAt: number;
  deregisteredAt = Number.POSITIVE_INFINITY;
  /** Requests that are with it, counted where an agent limits them. */
  busy = 0;
  hostGoneAt = Number.POSITIVE_INFINITY;
  readonly stops: Stop[] = [];
  readonly drops: { from: number; to: number; zone: Zone | undefined }[] = [];
  private worker: Worker = newWorker();
  private readonly freeAt: number[];

  constructor(spec: TargetSpec, group: TargetGroupSpec, registeredAt: number) {
    this.spec = spec;
    this.group = group;
    this.server = spec.server ?? group.server ?? { keepAliveSeconds: null };
    this.address = spec.address;
    this.port = spec.port ?? group.port;
    this.zone = spec.zone;
    this.registeredAt = registeredAt;
    this.freeAt = new Array<number>(this.server.workers ?? 0).fill(0);
  }

  stoppedAt(time: number): Stop | undefined {
    return this.stops.find((stop) => stop.at <= time && time < stop.until);
  }

  /** The first stop after a moment: what is then idle or under way on its connections is closed. */
  nextStop(after: number): Stop | undefined {
    return this.stops.filter((stop) => stop.at > after).sort((a, b) => a.at - b.at)[0];
  }

  dropsConnections(time: number, zone: Zone): boolean {
    return this.drops.some(
      (drop) => drop.from <= time && time < drop.to && (drop.zone === undefined || drop.zone === zone),
    );
  }

  /** The worker that accepts a new connection. */
  accept(): Worker {
    return this.worker;
  }

  /** Counts a request, and starts the worker's departure when it was its last. */
  count(worker: Worker, at: number, random: Random): void {
    worker.served++;
    const limit = this.server.recycleAfterRequests;
    if (limit === undefined || worker !== this.worker || worker.served < limit) return;
    worker.leavesAt = at;
    worker.goneAt = at + (this.server.recycleSeconds ?? 0.1) * 1000 * random.between(0.6, 1.4);
    this.worker = newWorker();
  }

  /** When work that arrives now can begin: at once, or when a worker is free; `hold` is how long it is then kept busy. */
  begin(arrival: number, hold: number): number {
    if (this.freeAt.length === 0) return arrival;
    let least = 0;
    for (let i = 1; i < this.freeAt.length; i++) if ((this.freeAt[i] ?? 0) < (this.freeAt[least] ?? 0)) least = i;
    const start = Math.max(arrival, this.freeAt[least] ?? 0);
    this.freeAt[least] = start + hold;
    return start;
  }
}

function newWorker(): Worker {
  return { served: 0, leavesAt: Number.POSITIVE_INFINITY, goneAt: Number.POSITIVE_INFINITY };
}
