/** Shared by all phases of a thread: its parts, and the work running in this process. */
import { setTimeout as wait } from 'node:timers/promises';
import PQueue from 'p-queue';
import type { Logger } from 'pino';
import type { Investigator } from '../../investigate/investigator.ts';
import { Problem } from '../../problem.ts';
import type { Episode } from '../../runs/episode.ts';
import type { Limits } from '../../runs/limits.ts';
import type { Run } from '../../runs/run.ts';
import type { RunStore } from '../../runs/runs.ts';
import type { Poster, Refusal } from '../delivery/slack-poster.ts';

export interface SlackThreadsParts {
  runs: RunStore;
  poster: Poster;
  investigator: Investigator;
  limits: Limits;
  /** The alarm episode that the run belongs to, if any. */
  episodeOf(run: Run): Promise<Episode | null>;
  /** The user or group that the verdict of an alarm's run mentions; absent if no route names one. */
  mentionOf?: ((run: Run) => string | null) | undefined;
  /** Owner of this process's leases; unique. */
  owner: string;
  /** Epoch milliseconds. */
  now(): number;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** A run that this process works on. */
export interface ActiveRun {
  /** Settles when the root message is posted or was refused. */
  rootPosted: Promise<Run | Refusal>;
  /** Never rejects; if the store does not answer, it resolves to the run as it started. */
  ended: Promise<Run>;
}

export interface ThreadContext extends SlackThreadsParts {
  active: Map<string, ActiveRun>;
  /** Limits how many investigations run at once. */
  slots: PQueue;
  /** Aborts running work when the shutdown timeout ends. */
  shutdown: AbortController;
  /** Whether new work is refused. */
  isClosing: boolean;
}

export const openThreadContext = (parts: SlackThreadsParts): ThreadContext => ({
  ...parts,
  active: new Map(),
  slots: new PQueue({ concurrency: parts.limits.atOnce }),
  shutdown: new AbortController(),
  isClosing: false,
});

/** Throws Problem (exit 1) when the run was removed. */
export async function readRun({ runs }: Pick<ThreadContext, 'runs'>, id: string): Promise<Run> {
  const run = await runs.read(id);
  if (run === null) throw new Problem(`Run ${id} is no longer stored.`, 1);
  return run;
}

/** Resolves after this many milliseconds, or at shutdown. */
export const waitUnlessShutdown = ({ shutdown }: ThreadContext, milliseconds: number): Promise<void> =>
  wait(milliseconds, undefined, { signal: shutdown.signal }).catch(() => {});
