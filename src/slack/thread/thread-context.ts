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
  /** The episode of a run that an alarm asked for. */
  episodeOf(run: Run): Promise<Episode | null>;
  /** Whom the verdict of a run that an alarm asked for mentions; absent where nobody is named. */
  mentionOf?: ((run: Run) => string | null) | undefined;
  /** Owner of this process's leases; unique. */
  owner: string;
  /** Epoch milliseconds. */
  now(): number;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** A run that this process works on. */
export interface ActiveRun {
  /** Settles when the root message stands, or cannot. */
  rootPosted: Promise<Run | Refusal>;
  /** Never rejects: where the store does not answer, it is the run as it was begun. */
  ended: Promise<Run>;
}

export interface ThreadContext extends SlackThreadsParts {
  active: Map<string, ActiveRun>;
  /** Investigations that run at the same time. */
  slots: PQueue;
  /** Aborts what still runs when the time for stopping is over. */
  shutdown: AbortController;
  /** Nothing new is begun. */
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
  if (run === null) throw new Problem(`There is no run ${id} any more.`, 1);
  return run;
}

/** Ends after so many milliseconds, or at the shutdown. */
export const waitUnlessShutdown = ({ shutdown }: ThreadContext, milliseconds: number): Promise<void> =>
  wait(milliseconds, undefined, { signal: shutdown.signal }).catch(() => {});
