/** Posts a Slack message exactly once despite failures and concurrent attempts. */
import { randomUUID } from 'node:crypto';
import { claimPost, type PostRecord } from '../../runs/store/post-record.ts';
import type { PostResult } from './slack-poster.ts';

/** Where the message is recorded, and how it is posted. */
export interface OnceOnlyPost {
  /**
   * Changes the stored record by compare-and-swap; `current` is null before the first attempt. May call `change`
   * several times.
   */
  record<R>(change: (current: PostRecord | null) => { record: PostRecord | null; result: R }): Promise<R>;
  /**
   * Searches Slack for the message of an earlier attempt; null if it is not there. A rejection counts as Slack being
   * unreachable.
   */
  find(): Promise<{ ts: string } | 'may-not-look' | null>;
  /** `mayStandTwice`: an earlier attempt may have posted it, and the bot may not search. */
  post(mayStandTwice: boolean): Promise<PostResult>;
  /** Epoch milliseconds. */
  now(): number;
}

const NOT_FOUND_OUT = { refused: 'unreachable', code: 'find' } as const;

/**
 * Returns Slack's answer; `already` if the message is posted, `busy` while another process posts it. Rejects when the
 * store or `post` does.
 */
export async function postOnce({ record, find, post, now }: OnceOnlyPost): Promise<PostResult | 'already' | 'busy'> {
  const attempt = randomUUID();
  const claim = await record((current) => {
    const claimed = claimPost(current, attempt, now());
    return { record: claimed.record, result: claimed };
  });
  if (claim.outcome !== 'claimed') return claim.outcome === 'posted' ? 'already' : 'busy';
  const settle = (as: PostRecord | null) => record(() => ({ record: as, result: null }));
  const unposted: PostRecord | null = claim.mayStand ? { state: 'unsure' } : null;
  let posted: PostResult;
  try {
    const found = claim.mayStand ? await find().catch((): PostResult => NOT_FOUND_OUT) : null;
    posted = found === null || found === 'may-not-look' ? await post(found !== null) : found;
  } catch (error) {
    await settle(unposted).catch(() => {});
    throw error;
  }
  if ('ts' in posted) await settle({ state: 'posted', ts: posted.ts });
  // An unanswered post may have succeeded: search for it before posting again.
  else await settle(posted.refused === 'unreachable' ? { state: 'unsure' } : null);
  return posted;
}
