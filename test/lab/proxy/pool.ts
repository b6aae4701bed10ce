/** Idle connections of one node to one target. The last used is reused first; the idle timeout closes unused ones. */
import type { Wire } from './wire.ts';

export class Pool {
  private readonly idle: Wire[] = [];
  private readonly timers = new Map<Wire, NodeJS.Timeout>();
  private readonly idleTimeoutMs: number;

  constructor(idleTimeoutMs: number) {
    this.idleTimeoutMs = idleTimeoutMs;
  }

  take(): Wire | null {
    const wire = this.idle.pop() ?? null;
    if (wire !== null) this.forget(wire);
    return wire;
  }

  give(wire: Wire): void {
    if (!wire.isOpen) return;
    wire.idleSince = performance.timeOrigin + performance.now();
    wire.listener = { data: () => this.drop(wire), ended: () => this.remove(wire) };
    this.idle.push(wire);
    this.timers.set(
      wire,
      setTimeout(() => this.drop(wire), this.idleTimeoutMs),
    );
  }

  closeAll(): void {
    for (const wire of [...this.idle]) this.drop(wire);
  }

  private drop(wire: Wire): void {
    this.remove(wire);
    wire.close();
  }

  private remove(wire: Wire): void {
    const at = this.idle.indexOf(wire);
    if (at >= 0) this.idle.splice(at, 1);
    this.forget(wire);
  }

  private forget(wire: Wire): void {
    clearTimeout(this.timers.get(wire));
    this.timers.delete(wire);
  }
}
