/** Hands one alarm to the episodes of its load balancers, or to a note if it names none. */
import * as z from 'zod';
import type { Config } from '../config.ts';
import type { Investigator } from '../investigate/investigator.ts';
import { Problem } from '../problem.ts';
import { type Documents, openDocuments } from '../runs/store/document.ts';
import type { Store } from '../runs/store/store.ts';
import {
  type AffectedLoadBalancers,
  type AlarmLookup,
  fromMessage,
  needsLookup,
  resolveLoadBalancer,
} from './affected-load-balancers.ts';
import { type Alarm, alarmKey, shortHash, unrelatedReason } from './alarm-event.ts';
import { channelFor, loadBalancerSubject, type Routing } from './alarm-routes.ts';
import type { Episodes } from './episodes/episodes.ts';
import type { MessageOutcome, MessageOutcomes } from './message-outcome.ts';
import { translateOutage, Unavailable } from './retryable.ts';
import type { AlarmNotes, NoThreadReason } from './unknown-alarm-notes.ts';

/** Most load balancers of one alarm; an alarm over more is not about any in particular. */
const MAX_LOAD_BALANCERS = 5;
/** Milliseconds. */
const DAY = 86_400_000;

const LookupRecord = z.object({
  schema: z.literal(1),
  at: z.iso.datetime(),
  loadBalancers: z.array(z.string()),
  /** Absent from records of older releases: the alarm's account. */
  owners: z.record(z.string(), z.string().nullable()).optional(),
});
type LookupRecord = z.infer<typeof LookupRecord>;

/** Opens the recorded lookups of alarms that do not name their load balancers. */
export const openLookupRecords = (
  store: Store,
  onUnreadable: (key: string, why: string) => void,
): Documents<LookupRecord> => openDocuments(store, LookupRecord, onUnreadable);

interface AlarmContext {
  config: Pick<Config, 'accounts' | 'runs'>;
  routing: Routing;
  investigator: Pick<Investigator, 'listLoadBalancers' | 'find'>;
  lookup: AlarmLookup;
  lookupRecords: Documents<LookupRecord>;
  episodes: Pick<Episodes, 'handleAlarm'>;
  notes: AlarmNotes;
  outcomes: MessageOutcomes;
  /** Epoch milliseconds. */
  now(): number;
  /** Aborts when the bot is stopped. */
  signal: AbortSignal;
}

/**
 * Handles an alarm; resolves when its threads or its note are posted. `mayRetryLookup`: throw on a failed lookup, so
 * that it is retried before the note reports it. Throws Unavailable.
 */
export async function takeAlarm(context: AlarmContext, alarm: Alarm, mayRetryLookup: boolean): Promise<MessageOutcome> {
  const { outcomes } = context;
  const { retentionDays } = context.config.runs;
  // Retention would remove its records at once, so each restart would open a new thread.
  if (context.now() - Date.parse(alarm.changedAt) > retentionDays * DAY)
    return outcomes.ignored(
      `${alarm.name} changed more than ${retentionDays} days ago, which is longer than records are kept`,
    );
  const other = unrelatedReason(alarm);
  if (other !== null) return outcomes.ignored(other);
  const affected = await findAffected(context, alarm, mayRetryLookup);
  if (affected.unrelatedReason !== null && affected.loadBalancers.length === 0)
    return outcomes.ignored(affected.unrelatedReason);
  const { loadBalancers } = affected;
  if (loadBalancers.length === 0 || loadBalancers.length > MAX_LOAD_BALANCERS)
    return noteUndiagnosable(context, alarm, affected);
  return takeForLoadBalancers(context, alarm, affected, mayRetryLookup);
}

async function takeForLoadBalancers(
  context: AlarmContext,
  alarm: Alarm,
  { loadBalancers, owners, accounts, sentences, from }: AffectedLoadBalancers,
  mayRetryLookup: boolean,
): Promise<MessageOutcome> {
  const { config, investigator, routing, episodes, signal } = context;
  const search = { accounts: config.accounts, investigator, signal };
  const refs = await Promise.all(
    loadBalancers.map((resource) => {
      const owner = owners[resource];
      return resolveLoadBalancer(resource, alarm, owner === undefined ? alarm.account : owner, search);
    }),
  );
  const found = refs.flatMap((ref) => ('name' in ref ? ref : []));
  const notFound = refs.flatMap((ref) => ('name' in ref ? [] : ref));
  const all = [...sentences, ...notFound.map(({ sentence }) => sentence)];
  if (found.length === 0 && mayRetryLookup && notFound.some(({ isTransient }) => isTransient))
    throw new Unavailable('aws', all.join(' '));
  if (found.length === 0) return noteUndiagnosable(context, alarm, { loadBalancers: [], accounts, sentences: all });
  const withChannel = found.filter(
    (ref) => channelFor(loadBalancerSubject(ref, alarm.name, routing), routing) !== null,
  );
  if (withChannel.length === 0)
    return context.outcomes.ignored(`no route fits ${alarm.name}, and there is no default channel`);
  const transition = await Promise.all(
    withChannel.map((ref) =>
      episodes.handleAlarm({ alarm, loadBalancer: ref.arn ?? ref.name, ref, from, sentences: all }),
    ),
  );
  return { outcome: 'handled', transition };
}

/** Posts a note once for each alarm; an OK gets none. */
async function noteUndiagnosable(
  { notes }: AlarmContext,
  alarm: Alarm,
  about: NoThreadReason,
): Promise<MessageOutcome> {
  if (alarm.state === 'ALARM') await notes.postNote(alarm, about);
  return { outcome: 'handled', transition: [] };
}

/** Finds the load balancers of an alarm. An end uses those found for the ALARM, even if its parts changed since. */
async function findAffected(
  { lookup, lookupRecords, now, signal }: AlarmContext,
  alarm: Alarm,
  mayRetryLookup: boolean,
): Promise<AffectedLoadBalancers> {
  if (!needsLookup(alarm)) return fromMessage(alarm);
  const key = `alarms/about/${shortHash(alarmKey(alarm))}.json`;
  if (alarm.state !== 'ALARM') {
    const before = await translateOutage('store', () => lookupRecords.read(key));
    if (before !== null) {
      const { loadBalancers, owners = {} } = before;
      return { ...fromMessage(alarm), unrelatedReason: null, loadBalancers, owners };
    }
  }
  const affected = await lookup(alarm, signal).catch((error: unknown): AffectedLoadBalancers => {
    if (signal.aborted) throw new Unavailable('stopping', 'alb502 is being stopped');
    if (!(error instanceof Problem)) throw error;
    return { ...fromMessage(alarm), sentences: [error.message] };
  });
  const { loadBalancers, owners, isTransient, sentences } = affected;
  if (loadBalancers.length === 0 && isTransient && mayRetryLookup) throw new Unavailable('aws', sentences.join(' '));
  if (loadBalancers.length > 0 && alarm.state === 'ALARM') {
    const at = new Date(now()).toISOString();
    await translateOutage('store', () =>
      lookupRecords.change(key, () => ({ document: { schema: 1, at, loadBalancers, owners }, result: null })),
    );
  }
  return affected;
}
