/**
 * The connections that a load balancer node keeps open to one target. A request takes the connection that became idle last; the
 * node closes what has been idle for the idle timeout, the target what has been idle for its keep-alive time. Neither knows of the
 * other's decision until a FIN has crossed: a request sent in between is lost, and the client gets a 502.
 */
import type { Target, Worker } from './target.ts';

export interface Connection {
  worker: Worker;
  /** Since when it is idle, seen from the node and from the target. */
  idleAtNode: number;
  idleAtTarget: number;
  /** How late the target's timer will be. */
  timerLag: number;
}

export type CheckoutResult =
  | { kind: 'usable'; connection: Connection }
  /** The target had stopped reading; the node learns it at `knownAt`. */
  | {
      kind: 'lost';
      connection: Connection;
      knownAt: number;
      because: 'keep-alive' | 'recycling' | 'crash' | 'deployment';
    }
  /** The host no longer exists, but nothing has closed the connection. */
  | { kind: 'dead'; connection: Connection }
  | { kind: 'none' };

export class Pool {
  private readonly idle: Connection[] = [];
  private readonly target: Target;
  private readonly latency: number;
  private readonly idleTimeout: number;

  constructor(target: Target, latency: number, idleTimeout: number) {
    this.target = target;
    this.latency = latency;
    this.idleTimeout = idleTimeout;
  }

  putBack(connection: Connection): void {
    this.idle.push(connection);
  }

  take(now: number): CheckoutResult {
    for (;;) {
      const connection = this.idle.pop();
      if (connection === undefined) return { kind: 'none' };
      if (now - connection.idleAtNode >= this.idleTimeout) continue;
      const end = this.endOf(connection);
      const arrival = now + this.latency;
      if (end !== null && arrival >= end.stopsReading) {
        if (now >= end.closes + this.latency) continue;
        const knownAt = Math.max(end.closes, arrival) + this.latency;
        return { kind: 'lost', connection, knownAt, because: end.because };
      }
      if (arrival >= this.target.hostGoneAt) return { kind: 'dead', connection };
      return { kind: 'usable', connection };
    }
  }

  private endOf(connection: Connection) {
    const { server } = this.target;
    const ends: {
      stopsReading: number;
      closes: number;
      because: 'keep-alive' | 'recycling' | 'crash' | 'deployment';
    }[] = [];
    if (server.keepAliveSeconds !== null) {
      const due = connection.idleAtTarget + server.keepAliveSeconds * 1000;
      ends.push({ stopsReading: due, closes: due + connection.timerLag, because: 'keep-alive' });
    }
    const { leavesAt, goneAt } = connection.worker;
    if (leavesAt < Number.POSITIVE_INFINITY)
      ends.push({ stopsReading: leavesAt, closes: goneAt, because: 'recycling' });
    const stop = this.target.nextStop(connection.idleAtTarget);
    if (stop !== undefined) ends.push({ stopsReading: stop.at, closes: stop.at, because: stop.because });
    ends.sort((a, b) => a.stopsReading - b.stopsReading);
    return ends[0] ?? null;
  }
}
