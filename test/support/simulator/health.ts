/**
 * Health checks: each node asks each target on its own connection, on its own beat, and counts. A new target serves after its first
 * passed check; a target fails after `unhealthyThreshold` failed ones in a row, and returns after `healthyThreshold` passed ones.
 */
import type { EventQueue } from './agenda.ts';
import { blockedBy, type Network, sourcePort } from './network.ts';
import type { Random } from './random.ts';
import type { NodeSpec } from './scenario.ts';
import type { Target } from './target.ts';

type HealthState = 'initial' | 'healthy' | 'unhealthy';
type HealthReason = 'Target.Timeout' | 'Target.FailedHealthChecks' | 'Target.ResponseCodeMismatch';

export interface HealthStatus {
  state: HealthState;
  reason: HealthReason | null;
}

/** What nodes think of targets; a node that never looked thinks nothing. */
export type HealthView = Pick<Health, 'at'>;

interface Change extends HealthStatus {
  at: number;
}

export class Health {
  private readonly opinions = new Map<NodeSpec, Map<Target, Change[]>>();

  constructor(
    agenda: EventQueue,
    network: Network,
    nodes: NodeSpec[],
    targets: Target[],
    start: number,
    random: Random,
  ) {
    for (const node of nodes) {
      const own = new Map<Target, Change[]>();
      this.opinions.set(node, own);
      for (const target of targets) {
        if (target.group.targetType === 'lambda') continue;
        own.set(target, watch(agenda, network, node, target, start, random));
      }
    }
  }

  at(node: NodeSpec, target: Target, time: number): HealthStatus {
    const changes = this.opinions.get(node)?.get(target) ?? [];
    let last: Change | undefined;
    for (const change of changes) if (change.at <= time) last = change;
    return last ?? { state: 'initial', reason: null };
  }
}

function watch(
  agenda: EventQueue,
  network: Network,
  node: NodeSpec,
  target: Target,
  start: number,
  random: Random,
): Change[] {
  const check = target.group.healthCheck ?? {};
  const interval = (check.intervalSeconds ?? 30) * 1000;
  const begin = Math.max(start, target.registeredAt);
  const verdict = (time: number) => reasonToFail(network, node, target, time, sourcePort(random));
  const changes: Change[] = [];
  if (target.registeredAt < start) {
    const earlier = Array.from({ length: check.unhealthyThreshold ?? 2 }, () => verdict(start));
    const reason = earlier.includes(null) ? null : (earlier[0] ?? null);
    changes.push({ at: Number.NEGATIVE_INFINITY, state: reason === null ? 'healthy' : 'unhealthy', reason });
  } else changes.push({ at: target.registeredAt, state: 'initial', reason: null });
  let passed = 0;
  let failed = 0;
  const ask = (time: number) => {
    if (time >= target.deregisteredAt) return;
    const reason = verdict(time);
    passed = reason === null ? passed + 1 : 0;
    failed = reason === null ? 0 : failed + 1;
    const last = changes[changes.length - 1]?.state ?? 'initial';
    if (reason === null && (last === 'initial' || (last === 'unhealthy' && passed >= (check.healthyThreshold ?? 5))))
      changes.push({ at: time, state: 'healthy', reason: null });
    if (reason !== null && last !== 'unhealthy' && failed >= (check.unhealthyThreshold ?? 2))
      changes.push({ at: time, state: 'unhealthy', reason });
    agenda.add(time + interval, () => ask(time + interval));
  };
  const first = begin + random.between(0, target.registeredAt < start ? interval : 2000);
  agenda.add(first, () => ask(first));
  return changes;
}

function reasonToFail(
  network: Network,
  node: NodeSpec,
  target: Target,
  time: number,
  from: number,
): HealthReason | null {
  const port = target.group.healthCheck?.port ?? target.port;
  if (blockedBy(network, node, target.address, port, from) !== null || time >= target.hostGoneAt)
    return 'Target.Timeout';
  if (target.stoppedAt(time) !== undefined) return 'Target.FailedHealthChecks';
  if (port !== target.port) return null;
  if (target.dropsConnections(time, node.zone)) return 'Target.Timeout';
  const speaks = target.group.healthCheck?.protocol ?? target.group.protocol;
  if (target.group.protocol === 'HTTPS' && speaks === 'HTTP')
    return target.server.tls === 'plaintext' ? null : 'Target.FailedHealthChecks';
  if (target.server.onPlaintext !== undefined && speaks === 'HTTP') return 'Target.FailedHealthChecks';
  const tls = target.group.protocol === 'HTTPS' ? (target.server.tls ?? 'ok') : 'ok';
  if (tls === 'handshake-timeout') return 'Target.Timeout';
  return tls === 'ok' ? null : 'Target.FailedHealthChecks';
}
