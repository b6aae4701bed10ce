/**
 * The access log of a live load balancer: where it is, by which engine it is best read, and what that costs. The answer is the same by
 * either: Athena scans it where it lies, or its files are fetched and DuckDB reads them here.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Attributes } from '../../aws.ts';
import type { AccessLog, Collected, Cost, Question } from '../../evidence.ts';
import { bytes as size } from '../../render/phrases.ts';
import { type Estimate, estimateS3, estimateWords, NO_COST, s3Usd } from '../access-log/cost.ts';
import { byText } from '../access-log/files.ts';
import { LogRefusal } from '../access-log/refused.ts';
import {
  deliveryDays,
  download,
  endStamp,
  endsOf,
  type LogObject,
  type LogPlace,
  listWindow,
  logPlace,
} from '../access-log/s3.ts';
import { vendedDelivery } from '../access-log/vended.ts';
import { idleTimeoutOf, searchOf } from '../recorded.ts';
import type { Session } from './session.ts';

export interface LiveAccessLogOptions {
  /** Its signal ends everything. */
  session: Pick<Session, 'client' | 'signal' | 'place'>;
  question: Question;
  attributes: Collected<Attributes>;
  loadBalancerArn: string;
  engine: 'athena' | 'duckdb' | 'auto';
  /** US dollars, compared with the most a read can cost; null for no limit. */
  maxUsd: number | null;
  /** Where log files are kept below `logs/`, for --save; null to keep none. The caller removes it. */
  keepIn: string | null;
  /** Milliseconds for all of it. */
  deadline: number;
  /** What is being done, in a few words. */
  progress?: (doing: string) => void;
}

export interface LiveAccessLog {
  log: Collected<AccessLog>;
  /** Also of what was spent in vain. */
  cost: Cost;
  /** What --save needs: a folder with log files in `logs/`, or the answers of Athena. */
  kept: { folder: string } | { answers: AccessLog } | null;
}

/** Never rejects for what AWS says: the reason is in the answer. */
export async function readLiveAccessLog(options: LiveAccessLogOptions): Promise<LiveAccessLog> {
  return await new Reading(options).run();
}

class Reading {
  readonly #options: LiveAccessLogOptions;
  readonly #signal: AbortSignal;
  readonly #idleTimeoutSeconds: number;
  #cost: Cost = NO_COST;

  constructor(options: LiveAccessLogOptions) {
    this.#options = options;
    this.#signal = AbortSignal.any([options.session.signal, AbortSignal.timeout(options.deadline)]);
    this.#idleTimeoutSeconds = idleTimeoutOf(options.attributes);
  }

  async run(): Promise<LiveAccessLog> {
    const { attributes, loadBalancerArn } = this.#options;
    if (attributes.status === 'unavailable')
      return this.#unavailable(attributes.source, `where its access log goes is not known (${attributes.reason})`);
    try {
      const place = logPlace(attributes.value, loadBalancerArn);
      return place === null ? await this.#withoutLog(attributes.source) : await this.#read(place);
    } catch (error) {
      if (!(error instanceof LogRefusal)) throw error;
      return this.#unavailable(searchOf(this.#options.question), error.message);
    }
  }

  #unavailable(source: string, reason: string): LiveAccessLog {
    return { log: { status: 'unavailable', source, reason }, cost: this.#cost, kept: null };
  }

  #tell(doing: string): void {
    this.#options.progress?.(doing);
  }

  async #withoutLog(source: string): Promise<LiveAccessLog> {
    const { session, loadBalancerArn } = this.#options;
    const { CloudWatchLogsClient } = await import('@aws-sdk/client-cloudwatch-logs');
    const vended = await vendedDelivery({
      logs: session.client(CloudWatchLogsClient),
      loadBalancerArn,
      region: session.place.region,
      signal: this.#signal,
    });
    return this.#unavailable(source, `access logging to S3 is off (access_logs.s3.enabled is false), ${vended}`);
  }

  async #read(place: LogPlace): Promise<LiveAccessLog> {
    const { question } = this.#options;
    this.#tell('listing log files');
    const objects = await listWindow(await this.#listing(place));
    const bytes = objects.reduce((sum, object) => sum + object.bytes, 0);
    const days = deliveryDays(endsOf(question, this.#idleTimeoutSeconds), question.now).length;
    return await this.#readFromS3(place, objects, estimateS3(objects.length, bytes, days), days);
  }

  async #listing(place: LogPlace) {
    const { session, question } = this.#options;
    const { S3Client } = await import('@aws-sdk/client-s3');
    return {
      s3: session.client(S3Client),
      place,
      window: question,
      idleTimeoutSeconds: this.#idleTimeoutSeconds,
      now: question.now,
      signal: this.#signal,
    };
  }

  async #readFromS3(
    place: LogPlace,
    objects: readonly LogObject[],
    estimate: Estimate,
    lists: number,
  ): Promise<LiveAccessLog> {
    const { question, keepIn } = this.#options;
    this.#assertAffordable(estimate);
    this.#tell(`fetching ${estimateWords(estimate)}`);
    const temporary = keepIn ?? (await mkdtemp(join(tmpdir(), 'alb502-')));
    const folder = join(temporary, 'logs');
    try {
      const { s3 } = await this.#listing(place);
      const fetched = await download({
        s3,
        place,
        objects,
        folder,
        signal: this.#signal,
        arrived: (files, bytes) => this.#tell(`fetched ${files} of ${objects.length} log files, ${size(bytes)}`),
      });
      this.#spend({ bytesScanned: fetched.bytes, usd: s3Usd(fetched.files, lists), queries: 0 });
      this.#tell('reading log files');
      const { readAccessLog } = await import('../access-log/duckdb.ts');
      const log = await readAccessLog({ folder, question, idleTimeoutSeconds: this.#idleTimeoutSeconds });
      const missing = fetched.missing.map((one) => ({ ...one, lines: 0 }));
      const unreadable = [...log.files.unreadable, ...missing].sort((a, b) => byText(a.file, b.file));
      const value: AccessLog = { ...log, files: { ...log.files, unreadable }, cost: this.#cost };
      return {
        log: { status: 'collected', source: this.#fetchedSource(place), value },
        cost: this.#cost,
        kept: keepIn === null ? null : { folder: keepIn },
      };
    } finally {
      if (keepIn === null) await rm(temporary, { recursive: true, force: true });
    }
  }

  #spend(cost: Cost): void {
    const before = this.#cost;
    this.#cost = {
      bytesScanned: before.bytesScanned + cost.bytesScanned,
      usd: before.usd + cost.usd,
      queries: before.queries + cost.queries,
    };
  }

  #assertAffordable(estimate: Estimate): void {
    const { maxUsd } = this.#options;
    if (maxUsd === null || (estimate.atMost !== null && estimate.atMost.usd <= maxUsd)) return;
    throw new LogRefusal('too-much', `reading it could cost more than $${maxUsd}: ${estimateWords(estimate)}`);
  }

  /** The commands that fetch the files of the window, and the search in them. */
  #fetchedSource(place: LogPlace): string {
    const { question } = this.#options;
    const ends = endsOf(question, this.#idleTimeoutSeconds);
    const { name, id } = place.loadBalancer;
    const stamp = commonStart(endStamp(ends.from), endStamp(ends.to));
    const copies = deliveryDays(ends, question.now).map(
      (day) =>
        `aws s3 cp s3://${place.bucket}/${place.root}${day}/ logs --recursive --exclude '*' --include '*_app.${name}.${id}_${stamp}*'`,
    );
    return [...copies, searchOf(question)].join(' && ');
  }
}

function commonStart(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return a.slice(0, length);
}
