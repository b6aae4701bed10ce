/** The faults of a scenario: some change a target's life once; the others apply to each request. */
import type { Random } from './random.ts';
import type { Fault, RouteSpec, Scenario, TargetSpec } from './scenario.ts';
import { Target } from './target.ts';

/** What a target will do with one request. */
export interface RequestWork {
  workMs: number;
  status: number;
  /** Cause of a status of 500 or more, where it is not the application's own. */
  because?: 'address-reused';
  unusable?: 'malformed-response' | 'response-header-too-large';
  closesAfterMs?: number;
}

type FaultOf<Kind extends Fault['kind']> = Extract<Fault, { kind: Kind }>;

export class Faults {
  private readonly faults: Fault[];
  private readonly origin: number;

  /** `origin`: epoch milliseconds of second 0 of the scenario. */
  constructor(faults: Fault[], origin: number) {
    this.faults = faults;
    this.origin = origin;
  }

  wafUnreachable(time: number, random: Random): boolean {
    return this.during('waf-unreachable', time).some((fault) => random.chance(fault.share));
  }

  loadBalancerFails(time: number, random: Random): boolean {
    return this.during('load-balancer-failing', time).some((fault) => random.chance(fault.share));
  }

  identityProviderSilent(time: number, random: Random): boolean {
    return this.during('identity-provider-silent', time).some((fault) => random.chance(fault.share));
  }

  fixedResponse(time: number, route: RouteSpec): FaultOf<'fixed-response'> | undefined {
    return this.during('fixed-response', time).find(
      (fault) => fault.routes === undefined || fault.routes.includes(nameOf(route)),
    );
  }

  /** The name of the group that gets a request for this route. */
  groupOf(time: number, route: RouteSpec, random: Random): string {
    return (
      this.during('traffic-shift', time).find((fault) => fault.group === route.group && random.chance(fault.share))
        ?.onto ?? route.group
    );
  }

  unsupported(time: number, route: RouteSpec, random: Random): number | undefined {
    return this.during('unsupported-request', time).find(
      (fault) => fault.route === nameOf(route) && random.chance(fault.share),
    )?.status;
  }

  /** After how many milliseconds the body stops, if it does. */
  stalledUpload(time: number, route: RouteSpec, random: Random): number | undefined {
    const fault = this.during('stalled-upload', time).find(
      (one) => one.route === nameOf(route) && random.chance(one.share),
    );
    return fault && random.between(...fault.afterSeconds) * 1000;
  }

  lambdaError(route: RouteSpec, time: number, random: Random): string | undefined {
    return this.during('lambda-error', time).find((fault) => concerns(fault, route, null) && random.chance(fault.share))
      ?.code;
  }

  tls(target: Target, time: number): 'handshake-error' | 'handshake-timeout' | undefined {
    return this.during('tls-failure', time).find(
      (fault) => fault.target === undefined || fault.target === target.address,
    )?.outcome;
  }

  work(route: RouteSpec, target: Target | null, time: number, random: Random, client = ''): RequestWork {
    const work: RequestWork = { workMs: random.lognormal(route.medianMs, route.sigma ?? 0.45), status: 200 };
    const draw = random.next();
    const notFound = route.notFound ?? 0;
    if (draw < notFound) work.status = 404;
    else if (draw < notFound + (route.notModified ?? 0)) work.status = 304;
    for (const fault of this.faults) {
      if (!('share' in fault) || !this.active(fault, time) || !concerns(fault, route, target)) continue;
      if (fault.kind === 'slow' && random.chance(fault.share)) work.workMs = random.between(...fault.seconds) * 1000;
      if (fault.kind === 'application-error' && random.chance(fault.share)) {
        work.status = fault.status;
        if (fault.because !== undefined) work.because = fault.because;
      }
      if (
        fault.kind === 'unusable-response' &&
        (fault.ofClients ? belongs(client, fault.share) : random.chance(fault.share))
      )
        work.unusable = fault.because;
      if (fault.kind === 'early-close' && random.chance(fault.share)) {
        work.closesAfterMs = random.between(...fault.afterSeconds) * 1000;
        work.workMs = Math.max(work.workMs, work.closesAfterMs + 1);
      }
    }
    return work;
  }

  private during<Kind extends Fault['kind']>(kind: Kind, time: number): FaultOf<Kind>[] {
    return this.faults.filter((fault): fault is FaultOf<Kind> => fault.kind === kind && this.active(fault, time));
  }

  private active(fault: Fault, time: number): boolean {
    const second = (time - this.origin) / 1000;
    const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = fault as { from?: number; to?: number };
    return from <= second && second < to;
  }
}

function concerns(fault: Fault, route: RouteSpec, target: Target | null): boolean {
  if ('route' in fault && fault.route !== undefined && fault.route !== nameOf(route)) return false;
  return !('target' in fault) || fault.target === undefined || fault.target === target?.address;
}

/** The same clients each time, about this share of them. */
function belongs(client: string, share: number): boolean {
  let hash = 2166136261;
  for (const letter of client) hash = Math.imul(hash ^ letter.charCodeAt(0), 16777619) >>> 0;
  return (Math.imul(hash, 2654435769) >>> 0) / 4294967296 < share;
}

const nameOf = (route: RouteSpec) => `${route.method} ${route.path}`;

/** All targets that ever exist, with what will happen to them. */
export function targetsOf(scenario: Scenario, origin: number): Target[] {
  const faults = scenario.faults ?? [];
  const at = (second: number) => origin + second * 1000;
  const targets: Target[] = [];
  const add = (spec: TargetSpec, groupName: string, registeredAt: number) => {
    const group = scenario.targetGroups.find((other) => other.name === groupName);
    if (group === undefined) throw new Error(`no target group ${groupName}`);
    targets.push(new Target(spec, group, registeredAt));
  };
  for (const group of scenario.targetGroups)
    for (const spec of group.targets)
      add(spec, group.name, spec.registeredAt === undefined ? Number.NEGATIVE_INFINITY : at(spec.registeredAt));
  for (const fault of faults) {
    if (fault.kind !== 'deployment') continue;
    fault.replace.forEach((pair, i) => {
      const turn = fault.at + i * fault.everySeconds;
      if (pair.new !== undefined) add(pair.new, fault.group, at(turn - 40));
      for (const target of having(targets, pair.old)) {
        const stopped = at(turn + fault.stopAfterSeconds);
        target.deregisteredAt = at(turn);
        target.stops.push({ at: stopped, until: Number.POSITIVE_INFINITY, because: 'deployment' });
        if (fault.hostGoneAfterSeconds !== undefined) target.hostGoneAt = stopped + fault.hostGoneAfterSeconds * 1000;
      }
    });
  }
  for (const fault of faults) {
    if (fault.kind === 'deregister')
      for (const target of having(targets, fault.target)) target.deregisteredAt = at(fault.at);
    if (fault.kind === 'host-gone')
      for (const target of having(targets, fault.target)) target.hostGoneAt = at(fault.at);
    if (fault.kind === 'crash')
      for (const target of having(targets, fault.target)) {
        const until = fault.seconds === undefined ? Number.POSITIVE_INFINITY : at(fault.at + fault.seconds);
        target.stops.push({ at: at(fault.at), until, because: 'crash' });
      }
    if (fault.kind === 'silent-drop')
      for (const target of having(targets, fault.target))
        target.drops.push({
          from: fault.from === undefined ? Number.NEGATIVE_INFINITY : at(fault.from),
          to: fault.to === undefined ? Number.POSITIVE_INFINITY : at(fault.to),
          zone: fault.zone,
        });
  }
  return targets;
}

function having(targets: Target[], address: string): Target[] {
  const found = targets.filter((target) => target.address === address);
  if (found.length === 0) throw new Error(`no target ${address}`);
  return found;
}
