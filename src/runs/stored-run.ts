/** Reads stored runs, including those of release 0.1. */
import * as z from 'zod';
import { MESSAGE_SLOTS, Run } from './run.ts';
import type { PostRecord } from './store/post-record.ts';

/** Fields of release 0.1 that have changed since. `posting`: a message slot, or "show" while the thread is outdated. */
const RunOf01 = z.looseObject({
  schema: z.literal(1),
  state: z.string(),
  failure: z.string().nullable(),
  asks: z.number(),
  askAgainAt: z.string().nullable(),
  thread: z.looseObject({ within: z.string().nullable() }),
  posting: z.string().nullable(),
  extras: z.record(z.string(), z.string()),
});

/** Parses a run written by any release. */
export const StoredRun: z.ZodType<Run> = z.preprocess((stored) => {
  const old = RunOf01.safeParse(stored);
  return old.success ? upgraded(old.data) : stored;
}, Run);

function upgraded(old: z.infer<typeof RunOf01>): unknown {
  const { failure, asks, askAgainAt, thread, posting, extras, ...same } = old;
  const { within, ...messages } = thread;
  const message = MESSAGE_SLOTS.find((slot) => slot === posting);
  return {
    ...same,
    schema: 2,
    state: old.state === 'looking' ? 'running' : old.state,
    attempts: asks,
    thread: { ...messages, parentTs: within },
    outbox: posting === null ? { kind: 'empty' } : message ? { kind: 'posting', message } : { kind: 'update' },
    replies: Object.fromEntries(Object.entries(extras).map(([key, value]) => [key, upgradedPost(value)])),
    nextAttemptAt: askAgainAt,
    failure: failure ?? 'There is no answer.',
  };
}

/** Parses "1763700000.000001" or "posting since 2026-11-20T02:44:00.000Z by …"; anything else may be posted. */
function upgradedPost(value: string): PostRecord {
  if (/^\d+\.\d+$/.test(value)) return { state: 'posted', ts: value };
  const since = /^posting since (\S+)/.exec(value)?.[1];
  return since === undefined ? { state: 'unsure' } : { state: 'posting', since, attempt: value };
}
