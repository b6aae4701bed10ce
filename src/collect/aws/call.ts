/** One AWS request: applies the deadline and turns a refusal into an answer. */
import type { Collected, CollectionFailure } from '../../evidence/collected.ts';
import { Problem } from '../../problem.ts';
import { collectionFailure } from './aws-errors.ts';
import type { Session } from './session.ts';

/** Inputs of a fetch. Pass `options` with every SDK call. */
export interface Call {
  session: Session;
  options: { abortSignal: AbortSignal };
}

const NO_WAY_OUT = { kind: 'failed', iamStatement: null } as const;

/** A dependency of a fetch is unavailable. */
export class DependencyUnavailable extends Error {
  readonly failure: CollectionFailure;

  constructor(reason: string, { kind, iamStatement }: Omit<CollectionFailure, 'reason'> = NO_WAY_OUT) {
    super(reason);
    this.name = 'DependencyUnavailable';
    this.failure = { kind, reason, iamStatement };
  }
}

/** Returns the value of a dependency. Throws DependencyUnavailable with the reason. */
export function requireValue<T>(collected: Collected<T>, what: string): T {
  if (collected.status === 'collected') return collected.value;
  const { kind = 'failed', reason, iamStatement = null } = collected;
  throw new DependencyUnavailable(`${what} not known (${reason})`, { kind, iamStatement });
}

export const interruptedProblem = (): Problem =>
  new Problem('Interrupted; the calls that were running have been cancelled.', 130);

/**
 * Waits for the dependencies, then calls AWS. The session's deadline starts after the wait. Errors become a reason;
 * only an interruption is thrown, as a Problem.
 */
export async function callAws<Needed, T>(
  session: Session,
  action: string,
  needs: () => Promise<Needed> | Needed,
  fetch: (call: Call, needed: Needed) => Promise<T>,
): Promise<{ value: T } | CollectionFailure> {
  let deadline: AbortSignal | null = null;
  try {
    const needed = await needs();
    deadline = AbortSignal.timeout(session.deadline);
    const abortSignal = AbortSignal.any([session.signal, deadline]);
    abortSignal.throwIfAborted();
    const stopped = new Promise<never>((_, reject) => {
      abortSignal.addEventListener('abort', () => reject(abortSignal.reason), { once: true });
    });
    return { value: await Promise.race([fetch({ session, options: { abortSignal } }, needed), stopped]) };
  } catch (error) {
    if (session.signal.aborted) throw interruptedProblem();
    if (error instanceof Problem) throw error;
    if (error instanceof DependencyUnavailable) return error.failure;
    if (deadline?.aborted) {
      const reason = `${action} got no answer within ${session.deadline / 1000} s`;
      return { kind: 'failed', reason, iamStatement: null };
    }
    return collectionFailure(error, { action, region: session.place.region });
  }
}

/** Collects the items of all pages. */
export async function collectItems<Page, Item>(
  pages: AsyncIterable<Page>,
  itemsOf: (page: Page) => readonly Item[] | undefined,
): Promise<Item[]> {
  const items: Item[] = [];
  for await (const page of pages) items.push(...(itemsOf(page) ?? []));
  return items;
}

/**
 * Converts an answer to the AWS CLI's JSON: times as ISO 8601 text with microseconds and an offset, without absent
 * values.
 */
export const toCliJson = (answer: unknown): unknown =>
  JSON.parse(
    JSON.stringify(answer, function (this: Record<string, unknown>, key, value: unknown) {
      const raw = this[key];
      return raw instanceof Date ? timeText(raw) : value;
    }),
  );

const timeText = (time: Date): string =>
  time
    .toISOString()
    .replace(
      /(?:\.000|(\.\d{3}))Z$/,
      (_, fraction?: string) => `${fraction === undefined ? '' : `${fraction}000`}+00:00`,
    );
