/** The parts of a capture: a server, traffic, a fault, and the truth about it. */
import type { CauseId } from '../../src/diagnose/causes/index.ts';
import type { TargetGroupSpec } from '../support/simulator/scenario.ts';
import type { ClientPlan } from './clients.ts';
import type { LabNetwork } from './network.ts';
import type { Order } from './proxy/serve.ts';

export interface Situation {
  /** Name of the folder. */
  name: string;
  /** Id of the server on each target. */
  server: string;
  /** What happens, in one sentence. */
  what: string;
  /** How long traffic flows. */
  seconds: number;
  /** Belongs to the subset that takes under five minutes. */
  isNightly?: boolean;
  nodes?: number;
  targets?: number;
  idleTimeoutSeconds?: number;
  group?: Partial<TargetGroupSpec>;
  env?: Record<string, string>;
  args?: readonly string[];
  /** The server speaks HTTPS with a certificate of its own. */
  tls?: boolean;
  /** The kernel kills what needs more. */
  memoryMegabytes?: number;
  clients: ClientPlan[];
  /** Breaks things while traffic flows. */
  meanwhile?: (stage: Stage) => Promise<void>;
  /** Causes that the situation makes of what the wire shows: a refusal during a restart is not one of a crash. */
  truth?: Partial<Record<CauseId, CauseId>>;
  expected: ExpectedVerdict;
}

/** What the evidence shows: a cause, causes between which it cannot tell, or no failure. */
export type ExpectedVerdict = (
  | { cause: CauseId }
  // Both, the larger first.
  | { either: [CauseId, CauseId] }
  | { between: CauseId[] }
  | { nothingFailed: true }
) & { why: string };

export interface Stage {
  network: LabNetwork;
  /** Addresses of the targets in their order. */
  addresses: string[];
  /** Waits for this second of the traffic. */
  at: (second: number) => Promise<void>;
  start: (address: string) => Promise<void>;
  /** Signals the server's process group; resolves when its leader is gone. */
  stop: (address: string, signal: NodeJS.Signals) => Promise<void>;
  /** Resolves when the server on a target is gone. */
  ended: (address: string) => Promise<void>;
  order: (order: Order) => void;
}
