/** Context of all actions on episodes: the parts of the bot, and the work running in this process. */
import type { Logger } from 'pino';
import type { Mutes } from '../../runs/mutes.ts';
import type { RunStore } from '../../runs/runs.ts';
import { type Backoffs, openBackoffs } from '../../runs/store/backoff.ts';
import { type Documents, openDocuments } from '../../runs/store/document.ts';
import type { Store } from '../../runs/store/store.ts';
import type { Poster } from '../../slack/delivery/slack-poster.ts';
import type { SlackThreads } from '../../slack/thread/slack-threads.ts';
import type { Routing } from '../alarm-routes.ts';
import { translateOutage, Unavailable } from '../retryable.ts';
import { type ChannelState, StoredChannel } from '../thread-rate-limit.ts';
import { type EpisodeRecord, type History, idOfHistory, keyOfHistory } from './episode-record.ts';
import { StoredHistory } from './stored-history.ts';

export interface EpisodesParts {
  store: Store;
  runs: Pick<RunStore, 'read' | 'diagnosis'>;
  threads: Pick<SlackThreads, 'open' | 'askAgain' | 'refresh' | 'reply'>;
  poster: Pick<Poster, 'post' | 'edit' | 'find'>;
  routing: Routing;
  /** Finds the mutes, which keep episodes from opening threads for a while. */
  mutes: Pick<Mutes, 'find'>;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Owner of the leases; unique to this process. */
  owner: string;
  /** Epoch milliseconds. */
  now(): number;
  sleep(milliseconds: number): Promise<unknown>;
  /** Limit on new threads in a channel within five minutes; defaults to the rate limit. */
  mostThreads?: number | undefined;
}

/** Work on the threads of one load balancer; one at a time in this process. */
export interface Drain {
  ended: Promise<void>;
  /** Makes the drain read the record again. */
  wake(): void;
}

export interface EpisodesContext extends EpisodesParts {
  histories: Documents<History>;
  channels: Documents<ChannelState>;
  /** By the id of the history. */
  drains: Map<string, Drain>;
  /** Running repeats of a question, by run. */
  reruns: Map<string, Promise<void>>;
  /** Storm notes being written, by channel. */
  noteUpdates: Map<string, Promise<void>>;
  /** When this process last marked a history as busy. */
  markedAt: Map<string, number>;
  /** Backoffs of histories that fail to drain, runs that fail to repeat, and channels without an alternative. */
  backoffs: Backoffs;
  announcements: Announcements;
  isStopping: boolean;
}

export function openEpisodesContext(parts: EpisodesParts): EpisodesContext {
  const reportUnreadable = (key: string, why: string) =>
    parts.log.error({ key, why }, 'could not read the alarm record');
  return {
    ...parts,
    histories: openDocuments(parts.store, StoredHistory, reportUnreadable),
    channels: openDocuments(parts.store, StoredChannel, reportUnreadable),
    drains: new Map(),
    reruns: new Map(),
    noteUpdates: new Map(),
    markedAt: new Map(),
    backoffs: openBackoffs(parts.now),
    announcements: openAnnouncements(),
    isStopping: false,
  };
}

/** Wakes callers that wait for a thread or storm note of this process. */
interface Announcements {
  next(): Promise<void>;
  signal(): void;
}

function openAnnouncements(): Announcements {
  let announcement = Promise.withResolvers<void>();
  return {
    next: () => announcement.promise,
    signal() {
      announcement.resolve();
      announcement = Promise.withResolvers();
    },
  };
}

/** Changes one episode in the stored history, or in `before` if the history was removed. Throws Unavailable. */
export function changeRecord(
  { histories }: EpisodesContext,
  before: History,
  { episode: { id } }: EpisodeRecord,
  change: (current: EpisodeRecord) => EpisodeRecord,
): Promise<History> {
  return translateOutage('store', () =>
    histories.change(keyOfHistory(idOfHistory(before.loadBalancer)), (stored) => {
      const current = stored ?? before;
      const episodes = current.episodes.map((one) => (one.episode.id === id ? change(one) : one));
      const next = { ...current, episodes };
      return { document: next, result: next };
    }),
  );
}

/** Throws Unavailable while a channel that refused, without an alternative, is paused. */
export function assertNotPaused({ backoffs }: EpisodesContext, channel: string): void {
  const why = backoffs.pausedReason(channel);
  if (why !== null) throw new Unavailable('channel', why);
}
