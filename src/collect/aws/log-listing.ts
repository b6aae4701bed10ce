/** Lists the log files of one question in S3, and counts how often S3 asked to slow down. */

import type { S3Client } from '@aws-sdk/client-s3';
import type { Window } from '../../evidence/question.ts';
import { plural } from '../../format/wording.ts';
import { AccessLogError } from '../access-log/access-log-error.ts';
import type { LogPlace } from '../access-log/log-place.ts';
import {
  bytesOfDays,
  daysOf,
  deliveryDays,
  fileEndRange,
  type ListOptions,
  type LogObject,
  listWindow,
} from '../access-log/s3-log.ts';
import type { LiveAccessLogOptions } from './live-log-read.ts';
import { watchThrottling } from './throttle-watch.ts';

/** The objects of the window, or why they cannot be listed. */
export type ListedObjects = { objects: LogObject[] } | { refusal: AccessLogError };

export class LogListing {
  readonly #options: Pick<LiveAccessLogOptions, 'session' | 'question' | 'progress'>;
  readonly #idleTimeoutSeconds: number;
  readonly #signal: AbortSignal;
  #slowDowns = 0;
  readonly #listed = new Map<LogPlace, Promise<ListedObjects>>();

  constructor(
    options: Pick<LiveAccessLogOptions, 'session' | 'question' | 'progress'>,
    idleTimeoutSeconds: number,
    signal: AbortSignal,
  ) {
    this.#options = options;
    this.#idleTimeoutSeconds = idleTimeoutSeconds;
    this.#signal = signal;
  }

  /** How often S3 asked to slow down, for listings and downloads. */
  get slowDowns(): number {
    return this.#slowDowns;
  }

  /** Interval ends of the files that may hold a relevant entry; see `fileEndRange`. */
  get ends(): Window {
    return fileEndRange(this.#options.question, this.#idleTimeoutSeconds);
  }

  /** Days ("yyyy/mm/dd", UTC) whose folders may hold such a file, ascending. */
  get days(): string[] {
    return deliveryDays(this.ends, this.#options.question.now);
  }

  /** Days as the keys of a place name them. */
  daysOf = (place: LogPlace): string[] => daysOf(place, this.ends, this.#options.question.now);

  /** The options of calls to S3 for a place, with a client that counts slow-downs. */
  async request(place: LogPlace): Promise<ListOptions> {
    const { session, question } = this.#options;
    const { S3Client } = await import('@aws-sdk/client-s3');
    return {
      s3: this.#watched(session.client(S3Client)),
      place,
      window: question,
      idleTimeoutSeconds: this.#idleTimeoutSeconds,
      now: question.now,
      signal: this.#signal,
    };
  }

  /** Lists a place once, however often it is asked. Rejects with AccessLogError, unless listing is denied. */
  list(place: LogPlace): Promise<ListedObjects> {
    const known = this.#listed.get(place);
    if (known !== undefined) return known;
    const listed = this.#list(place);
    this.#listed.set(place, listed);
    return listed;
  }

  async #list(place: LogPlace): Promise<ListedObjects> {
    try {
      return { objects: await listWindow(await this.request(place)) };
    } catch (error) {
      if (error instanceof AccessLogError && error.kind === 'denied') return { refusal: error };
      throw error;
    }
  }

  /** Size of all files in the folders of the days; null if it cannot be determined. */
  async bytesOfDays(place: LogPlace): Promise<number | null> {
    try {
      return await bytesOfDays(await this.request(place));
    } catch (error) {
      if (error instanceof AccessLogError && error.kind === 'denied') return null;
      throw error;
    }
  }

  /** S3 may keep asking to slow down until the deadline, so report it at once. */
  #watched(s3: S3Client): S3Client {
    watchThrottling(s3, () => {
      this.#slowDowns += 1;
      this.#options.progress?.(
        `S3 asks to slow down (SlowDown, ${plural(this.#slowDowns, 'time')}): waiting and trying again`,
      );
    });
    return s3;
  }
}

/** Compressed bytes of all objects. */
export const bytesOf = (objects: readonly LogObject[]): number => objects.reduce((sum, { bytes }) => sum + bytes, 0);

/** Throws the refusal if the objects could not be listed. */
export function objectsIn(listed: ListedObjects): LogObject[] {
  if ('refusal' in listed) throw listed.refusal;
  return listed.objects;
}
