/** A run: one diagnosis in one thread, with the data that its buttons and a restart need later. */

import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { Question } from '../evidence/question.ts';
import type { LoadBalancerRef } from '../investigate/investigator.ts';
import { Lease } from './store/lease.ts';
import { MessageTs, PostRecord } from './store/post-record.ts';

const Iso = z.iso.datetime();

export const RunOrigin = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('person'), user: z.string(), team: z.string() }),
  /** An alert that another app posted in a watched channel; `user` is the bot. */
  z.object({ kind: z.literal('alert'), user: z.string(), team: z.string() }),
  /** `episode`: id of the alarm episode. */
  z.object({ kind: z.literal('alarm'), alarmName: z.string(), episode: z.string() }),
]);

export const Feedback = z.object({
  user: z.string(),
  at: Iso,
  verdict: z.enum(['right', 'wrong']),
  /** The actual cause, if the user knew it: a cause id or free text. */
  cause: z.string().nullable(),
  words: z.string().nullable(),
});
export type Feedback = z.infer<typeof Feedback>;

const STEP_SLOTS = ['step-1', 'step-2', 'step-3', 'step-4', 'step-5', 'step-6'] as const;
/** The messages of a thread other than replies. */
export const MESSAGE_SLOTS = ['root', 'checklist', 'verdict', ...STEP_SLOTS] as const;
export type MessageSlot = (typeof MESSAGE_SLOTS)[number];

/** Messages of the thread by role; null until posted. */
export const Thread = z.object({
  channel: z.string(),
  /** The run's main message: it starts the thread, or replies in it when `parentTs` is set. */
  root: MessageTs.nullable(),
  /** First message of the existing thread the run was requested in; null when the run has its own thread. */
  parentTs: MessageTs.nullable(),
  checklist: MessageTs.nullable(),
  verdict: MessageTs.nullable(),
  /** By step number. */
  steps: z.record(z.string(), MessageTs),
  /**
   * The root message may exist twice: a killed process may have posted it, and the bot may not read the channel to
   * check.
   */
  resumed: z.boolean().optional(),
});
export type Thread = z.infer<typeof Thread>;

/**
 * Pending changes of the thread. `empty`: the thread shows the run's state. `update`: it is outdated. `posting`: it is
 * outdated, and `message` may be posted already: its post was started, but no result was recorded.
 */
const Outbox = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('empty') }),
  z.object({ kind: z.literal('update') }),
  z.object({ kind: z.literal('posting'), message: z.enum(MESSAGE_SLOTS) }),
]);
type Outbox = z.infer<typeof Outbox>;

/** Sorts by time of request: `20261119t024012-5f3a9c1e`. Opaque elsewhere; buttons carry nothing else. */
export const RunId = z.string().regex(/^\d{8}t\d{6}-[0-9a-f]{8}$/);

/** Fields of a run in any state. */
export const RunFields = z.object({
  schema: z.literal(2),
  id: RunId,
  createdAt: Iso,
  updatedAt: Iso,
  askedBy: RunOrigin,
  loadBalancer: z.object({ name: z.string(), arn: z.string().nullable(), account: z.string(), region: z.string() }),
  from: Iso,
  to: Iso,
  statuses: z.array(z.string()).min(1),
  /** Restrict the errors; see `Question`. */
  targetGroup: z.string().optional(),
  zone: z.string().optional(),
  /** Time zone of the request, as an Intl name; absent for UTC. */
  timeZone: z.string().optional(),
  /** Bucket of the access log, as configured on the load balancer. */
  logBucket: z.string().optional(),
  /** Finished attempts at an answer. */
  attempts: z.number().int(),
  /** Duration of the last attempt and the number of log files it read, null if none. */
  took: z.object({ milliseconds: z.number(), files: z.number().int().nullable() }).optional(),
  thread: Thread,
  outbox: Outbox,
  lease: Lease.nullable(),
  /** Errors CloudWatch counted before the log was read, for an alarm's first message. See `CountedErrors`. */
  counted: z
    .object({
      errors: z.number(),
      byStatus: z.record(z.string(), z.number()),
      requests: z.number().nullable(),
      since: Iso.nullable(),
    })
    .optional(),
  /** Replies in the thread, each posted once, by topic. */
  replies: z.record(z.string(), PostRecord),
  feedback: z.array(Feedback),
  /** Who muted the alarms of this thread, and until when; absent if nobody did or it was undone. */
  muted: z.object({ user: z.string(), until: Iso, what: z.enum(['load-balancer', 'alarm']) }).optional(),
  /** The run whose findings this one copies after each attempt; null for a run with its own attempts. */
  copyOf: z.string().nullable(),
});

const Queued = z.object({ state: z.literal('queued') });
const Running = z.object({ state: z.literal('running') });
/** Answered, but logs may still arrive. `nextAttemptAt`: null when no further attempt is due. */
const Provisional = z.object({ state: z.literal('provisional'), nextAttemptAt: Iso.nullable() });
const Final = z.object({ state: z.literal('final') });
/** As final, but the access log or a whole step could not be checked. */
const Partial = z.object({ state: z.literal('partial') });
/** Ended without an answer. `failure`: the sentence to show. */
const Failed = z.object({ state: z.literal('failed'), failure: z.string() });
/** Ended by a shutdown without an answer. `nextAttemptAt`: null when a user must ask again. */
const Interrupted = z.object({ state: z.literal('interrupted'), nextAttemptAt: Iso.nullable() });

/** The state of a run, with the fields that only that state has. */
export const RunStatus = z.discriminatedUnion('state', [
  Queued,
  Running,
  Provisional,
  Final,
  Partial,
  Failed,
  Interrupted,
]);
export type RunStatus = z.infer<typeof RunStatus>;
export type RunState = RunStatus['state'];

export const Run = z.discriminatedUnion('state', [
  RunFields.extend(Queued.shape),
  RunFields.extend(Running.shape),
  RunFields.extend(Provisional.shape),
  RunFields.extend(Final.shape),
  RunFields.extend(Partial.shape),
  RunFields.extend(Failed.shape),
  RunFields.extend(Interrupted.shape),
]);
export type Run = z.infer<typeof Run>;

/** Returns the run in another state, without the fields of its old state. */
export const inState = (run: Run, status: RunStatus): Run => ({ ...RunFields.parse(run), ...status });

/** When the next attempt is due; null when none is. */
export const nextAttemptOf = (run: Run): string | null => ('nextAttemptAt' in run ? run.nextAttemptAt : null);

/** Whether a diagnosis is running or queued. */
export const isUnderWay = ({ state }: Run): boolean => state === 'queued' || state === 'running';

/** Whether it ended without an answer. */
export const hasFailed = ({ state }: Run): boolean => state === 'failed' || state === 'interrupted';

/** Whether the run or its thread needs work. */
export const isOpen = (run: Run): boolean =>
  isUnderWay(run) || nextAttemptOf(run) !== null || run.outbox.kind !== 'empty';

/** Marks a thread as outdated. */
export const toUpdate = (outbox: Outbox): Outbox => (outbox.kind === 'empty' ? { kind: 'update' } : outbox);

/** Keys of the parts of a run. The incident is a redacted folder in the incident format, one object per file. */
export const keyOfRun = (id: string): string => `runs/${id}/run.json`;
export const prefixOfRun = (id: string): string => `runs/${id}/`;
export const DIAGNOSIS = 'diagnosis.json';
export const keyOfDiagnosis = (id: string): string => `${prefixOfRun(id)}${DIAGNOSIS}`;
export const prefixOfIncident = (id: string): string => `${prefixOfRun(id)}incident/`;

/** Index of runs by month of request: finds the newest without listing all. */
export const INDEX = 'index/';
export const indexOf = (id: string): string => `${INDEX}${id.slice(0, 6)}/${id}`;

/**
 * Markers of runs that may be open, `open/<id>/<when>`. A reopened run gets a new marker, so a process that removes the
 * marker of an ended run never removes the new one.
 */
export const OPEN = 'open/';

/** Creates a queued run. `now`: epoch milliseconds; `id` only if it is already known. */
export function newRun(request: {
  askedBy: Run['askedBy'];
  question: Pick<Question<LoadBalancerRef>, 'loadBalancer' | 'from' | 'to' | 'statuses' | 'targetGroup' | 'zone'>;
  channel: string;
  parentTs: string | null;
  now: number;
  timeZone?: string | undefined;
  id?: string;
}): Run {
  const { askedBy, question, channel, parentTs, now, timeZone = 'UTC', id = newRunId(now) } = request;
  const { name, arn, account, region } = question.loadBalancer;
  return {
    schema: 2,
    id,
    createdAt: iso(now),
    updatedAt: iso(now),
    askedBy,
    loadBalancer: { name, arn, account, region },
    from: iso(question.from),
    to: iso(question.to),
    statuses: [...question.statuses],
    ...(question.targetGroup === undefined ? {} : { targetGroup: question.targetGroup }),
    ...(question.zone === undefined ? {} : { zone: question.zone }),
    ...(timeZone === 'UTC' ? {} : { timeZone }),
    state: 'queued',
    attempts: 0,
    thread: { channel, root: null, parentTs, checklist: null, verdict: null, steps: {} },
    outbox: { kind: 'empty' },
    lease: null,
    replies: {},
    feedback: [],
    copyOf: null,
  };
}

/** Creates a unique run id. `now`: epoch milliseconds. */
export const newRunId = (now: number): string =>
  `${iso(now).slice(0, 19).replaceAll(/[-:]/g, '').toLowerCase()}-${randomUUID().slice(0, 8)}`;

/** Time of the request in this run id, in epoch milliseconds, to the second. */
export const timeOfRunId = (id: string): number =>
  Date.parse(id.slice(0, 15).replace(/^(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)(\d\d)$/, '$1-$2-$3T$4:$5:$6Z'));

const iso = (time: number): string => new Date(time).toISOString();
