/** A store below a prefix of an S3 bucket. Replicas can share it, since S3 decides between conditional writes. */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { awsErrorKind, awsProblem, httpStatusOf, responseMetadata } from '../../collect/aws/aws-errors.ts';
import { settingsFor } from '../../collect/aws/sdk-clients.ts';
import { standardRegion } from '../../collect/aws/session.ts';
import { byText } from '../../format/by-text.ts';
import { Problem } from '../../problem.ts';
import { jitteredPause } from './backoff.ts';
import { assertKey, assertPrefix } from './key.ts';
import type { ExpectedVersion, Store, StoredObject } from './store.ts';

interface S3StoreOptions {
  bucket: string;
  /** Folder in the bucket: all keys begin with it, and nothing outside it is touched. */
  prefix: string;
  /** Defaults to the region of the environment or profile. */
  region?: string | undefined;
  /** An S3-compatible endpoint; defaults to AWS_ENDPOINT_URL or S3 itself. */
  endpoint?: string | undefined;
}

/** Milliseconds. Objects are small, so a slower request has failed. */
const REQUEST_TIMEOUTS = { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true } as const;
/** S3 answers 409 to some concurrent writes of one object; retry them. */
const MAX_CONFLICTS = 10;
const CONFLICT_PAUSES = { first: 40, longest: 400 };

/** Returns a Problem that says why run records cannot be kept; other errors than those of AWS stay as they are. */
function explainError(
  error: unknown,
  action: S3Action,
  { where, place }: { where: string; place: { account: string; region: string } },
): unknown {
  if (error instanceof Problem || !(error instanceof Error)) return error;
  if (error.name === 'NoSuchBucket')
    return new Problem(
      `Run records cannot be kept in ${where}: there is no such bucket; create it, or name another in runs.s3.bucket.`,
      2,
    );
  const kind = awsErrorKind(error);
  if (kind === 'denied' || kind === 'denied-explicitly')
    return new Problem(
      `Run records cannot be kept in ${where}: ${action} was denied; iam-policy-runs-in-s3.json, with this bucket and prefix, allows what they need.`,
      2,
    );
  const { message } = awsProblem(error, { action, ...place });
  return new Problem(`Run records cannot be kept in ${where}: ${message}`, 2);
}

/**
 * Opens the store. Writes and removes a small object, so that a bucket that denies writes or ignores conditions fails
 * now and not in the first incident. Throws Problem (exit 2). The version of an object is its ETag.
 */
export async function openS3Store({ bucket, prefix: named, region, endpoint }: S3StoreOptions): Promise<Store> {
  const prefix = named === '' || named.endsWith('/') ? named : `${named}/`;
  const place = { account: 'default', region: region ?? (await standardRegion(undefined)) };
  const client = new S3Client({
    ...settingsFor(place),
    requestHandler: REQUEST_TIMEOUTS,
    followRegionRedirects: true,
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
  });
  const clock = serverClock();
  // The lowest priority of the step sees every raw response.
  client.middlewareStack.add(clock.watch, { step: 'deserialize', priority: 'low', name: 'clockOfAnswers' });
  const objectLocation = (key: string) => ({ Bucket: bucket, Key: `${prefix}${key}` });

  const explain = (error: unknown, action: S3Action): unknown =>
    explainError(error, action, { where: `s3://${bucket}/${prefix}`, place });
  const callS3 = <T>(action: S3Action, call: () => Promise<T>): Promise<T> =>
    call().catch((error) => Promise.reject(explain(error, action)));

  async function read(key: string): Promise<StoredObject | null> {
    assertKey(key);
    return callS3('s3:GetObject', async () => {
      try {
        const { Body, ETag } = await client.send(new GetObjectCommand(objectLocation(key)));
        if (Body === undefined || ETag === undefined) throw new Error('it answered without a body or an ETag');
        return { body: await Body.transformToString('utf-8'), version: ETag };
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    });
  }

  async function write(key: string, body: string, expected: ExpectedVersion): Promise<string | null> {
    assertKey(key);
    let isUncertain = false;
    for (let attempt = 1; ; attempt++) {
      const put = new PutObjectCommand({
        ...objectLocation(key),
        Body: body,
        ContentType: key.endsWith('.json') ? 'application/json' : 'text/plain',
        ...conditionOf(expected),
      });
      try {
        const { ETag } = await client.send(put);
        if (ETag === undefined) throw new Error('it answered without an ETag');
        return ETag;
      } catch (error) {
        const status = httpStatusOf(error);
        // An earlier try of the client may have succeeded without its response arriving.
        isUncertain ||= attemptsOf(error) > 1;
        const isConflict = status === 409 && attempt < MAX_CONFLICTS;
        if (isConflict) await wait(jitteredPause(attempt, CONFLICT_PAUSES));
        else if (expected !== 'any' && (status === 412 || status === 409 || isMissing(error)))
          return isUncertain ? ownVersion(key, body) : null;
        else throw explain(error, 's3:PutObject');
      }
    }
  }

  /**
   * Returns the version if the stored object is this write: a retry conflicts with its own first try when that response
   * was lost.
   */
  async function ownVersion(key: string, body: string): Promise<string | null> {
    const there = await read(key);
    return there?.body === body ? there.version : null;
  }

  async function list(start: string, after?: string): Promise<string[]> {
    assertPrefix(start);
    const keys: string[] = [];
    let token: string | undefined;
    do {
      const page = await callS3('s3:ListBucket', () =>
        client.send(
          new ListObjectsV2Command({
            Bucket: bucket,
            Prefix: `${prefix}${start}`,
            ...(after === undefined || token !== undefined ? {} : { StartAfter: `${prefix}${after}` }),
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        ),
      );
      for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key.slice(prefix.length));
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
    // The S3 console creates objects for folders; their keys end with a slash.
    return keys.filter((key) => key !== '' && !key.endsWith('/')).sort(byText);
  }

  async function remove(key: string): Promise<void> {
    assertKey(key);
    await callS3('s3:DeleteObject', async () => {
      try {
        await client.send(new DeleteObjectCommand(objectLocation(key)));
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    });
  }

  const store: Store = { read, write, list, remove, now: clock.now };
  try {
    await verifyConditionalWrites(store, `s3://${bucket}/${prefix}`);
  } catch (error) {
    client.destroy();
    throw error;
  }
  return store;
}

type S3Action = 's3:GetObject' | 's3:PutObject' | 's3:ListBucket' | 's3:DeleteObject';

const conditionOf = (expected: ExpectedVersion): { IfNoneMatch?: '*'; IfMatch?: string } =>
  expected === 'any' ? {} : expected === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: expected.version };

/** Milliseconds. Date headers have whole seconds, and a slow response says little about the current time. */
const MAX_SKEW = 5_000;
const MAX_ROUND_TRIP = 2_000;

interface ServerClock {
  now(): number;
  /** SDK middleware that reads the Date header of each response. */
  watch<A, R extends { response: unknown }>(next: (args: A) => Promise<R>): (args: A) => Promise<R>;
}

/** A clock that follows the server's if this machine's differs by more than 5 s. */
function serverClock(): ServerClock {
  let skew = 0;
  return {
    now: () => Date.now() + skew,
    watch: (next) => async (args) => {
      const sentAt = Date.now();
      const answer = await next(args);
      const receivedAt = Date.now();
      const serverTime = Date.parse(responseDate(answer.response));
      const difference = serverTime + 500 - (sentAt + receivedAt) / 2;
      if (receivedAt - sentAt < MAX_ROUND_TRIP && !Number.isNaN(serverTime))
        skew = Math.abs(difference) > MAX_SKEW ? difference : 0;
      return answer;
    },
  };
}

function responseDate(response: unknown): string {
  const headers = typeof response === 'object' && response !== null && 'headers' in response ? response.headers : null;
  const date = typeof headers === 'object' && headers !== null && 'date' in headers ? headers.date : null;
  return typeof date === 'string' ? date : '';
}

/** Runs every store operation once. Throws Problem when the store ignores conditional writes. */
async function verifyConditionalWrites(store: Store, where: string): Promise<void> {
  const key = `probe/${randomUUID()}`;
  await store.list(key);
  const version = await store.write(key, 'first', 'absent');
  try {
    const isIgnored =
      version === null ||
      (await store.write(key, 'second', 'absent')) !== null ||
      (await store.write(key, 'third', { version: '"00000000000000000000000000000000"' })) !== null ||
      (await store.read(key))?.version !== version;
    if (isIgnored)
      throw new Problem(
        `Run records cannot be kept in ${where}: it ignores conditional writes (If-None-Match and If-Match), by which replicas agree who does what.`,
        2,
      );
  } finally {
    await store.remove(key);
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'NoSuchKey' || (httpStatusOf(error) === 404 && error.name === 'NotFound'));

const attemptsOf = (error: unknown): number => Number(responseMetadata(error).attempts ?? 1);
