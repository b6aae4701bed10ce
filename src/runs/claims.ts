/** Records which run answers which question, so that a question asked twice within a minute is answered once. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Run } from './run.ts';
import { type Documents, openDocuments } from './store/document.ts';
import type { Store } from './store/store.ts';

export type ClaimedQuestion = Pick<Run, 'loadBalancer' | 'from' | 'to' | 'statuses' | 'targetGroup' | 'zone'>;

/** Milliseconds. */
const MINUTE = 60_000;

const CLAIMS = 'claims/';

const Claim = z.object({ id: z.string(), to: z.iso.datetime(), at: z.iso.datetime() });
const Claims = z.array(Claim);
type Claims = z.infer<typeof Claims>;

export const openClaims = (store: Store): Documents<Claims> => openDocuments(store, Claims);

/** Key shared by questions that differ only in the end of the window, so one conditional write decides between them. */
function claimKey({ loadBalancer, from, to, statuses, targetGroup, zone }: ClaimedQuestion): string {
  const { arn, account, region, name } = loadBalancer;
  const which = arn ?? [account, region, name];
  const limits = [targetGroup, zone].filter((limit) => limit !== undefined);
  const question = JSON.stringify([which, [...new Set(statuses)].sort(), Date.parse(to) - Date.parse(from), ...limits]);
  return `${CLAIMS}${createHash('sha256').update(question).digest('hex').slice(0, 32)}.json`;
}

/** State of the run that claimed a question. `in-vain`: it ended without an answer. */
export type ClaimState = 'not-there' | 'at-work' | 'answered' | 'in-vain';

/**
 * Returns the run that holds the question, or null if `id` holds it now. A running run keeps its claim, a failed one
 * loses it, any other keeps it for a minute.
 */
export async function claim(
  claims: Documents<Claims>,
  question: ClaimedQuestion,
  { id, now, stateOf }: { id: string; now: number; stateOf: (id: string) => Promise<ClaimState> },
): Promise<string | null> {
  const to = Date.parse(question.to);
  return claims.change(claimKey(question), async (stored) => {
    let holder: string | null = null;
    const live: Claims = [];
    for (const one of stored ?? []) {
      const state = one.id === id ? 'at-work' : await stateOf(one.id);
      if (state === 'in-vain' || (state !== 'at-work' && now - Date.parse(one.at) >= MINUTE)) continue;
      live.push(one);
      if (one.id !== id && Math.abs(Date.parse(one.to) - to) < MINUTE) holder ??= one.id;
    }
    if (holder !== null || live.some((one) => one.id === id)) return { document: stored, result: holder };
    return { document: [...live, { id, to: question.to, at: new Date(now).toISOString() }], result: null };
  });
}
