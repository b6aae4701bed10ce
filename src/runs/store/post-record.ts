/**
 * Records a message that Slack must show exactly once. chat.postMessage has no idempotency key, so the intention is
 * recorded first; after a crash, the message is looked up in Slack. Pure.
 */
import * as z from 'zod';

const Iso = z.iso.datetime();

/** Slack's id of a message in its channel. */
export const MessageTs = z.string().regex(/^\d+\.\d+$/);

/** Slack's id of a message, or of a file whose message appears shortly after the upload. */
const PostedId = z.union([MessageTs, z.string().regex(/^F[A-Z0-9]+$/)]);

/**
 * `posting`: attempt `attempt` started at `since`; no result is recorded. `unsure`: Slack did not answer, so the
 * message may be posted. `posted`: the message is posted.
 */
export const PostRecord = z.discriminatedUnion('state', [
  z.object({ state: z.literal('posting'), since: Iso, attempt: z.string() }),
  z.object({ state: z.literal('unsure') }),
  z.object({ state: z.literal('posted'), ts: PostedId }),
]);
export type PostRecord = z.infer<typeof PostRecord>;

/** Milliseconds. A post started this long ago without a recorded result belongs to a process that has ended. */
const POST_TIMEOUT = 60_000;

/**
 * `claimed`: this attempt may post; `mayStand`: an earlier one may have posted already. `posted`, `busy`: nothing to
 * do.
 */
type PostClaim =
  | { outcome: 'claimed'; mayStand: boolean; record: PostRecord }
  | { outcome: 'posted' | 'busy'; record: PostRecord };

/** Whether an attempt may post, given the record. `now`: epoch milliseconds. */
export function claimPost(record: PostRecord | null, attempt: string, now: number): PostClaim {
  if (record?.state === 'posted') return { outcome: 'posted', record };
  if (record?.state === 'posting' && record.attempt !== attempt && now - Date.parse(record.since) < POST_TIMEOUT)
    return { outcome: 'busy', record };
  return {
    outcome: 'claimed',
    mayStand: record !== null,
    record: { state: 'posting', since: new Date(now).toISOString(), attempt },
  };
}
