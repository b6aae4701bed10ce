/** A run: one diagnosis in one thread. What a button needs a week later, and what a restart needs to go on. */
import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { LocatedQuestion } from '../investigate/investigator.ts';

const Iso = z.iso.datetime();
/** Slack's id of a message in its channel. */
const Ts = z.string().regex(/^\d+\.\d+$/);

/**
 * `looking`: asked, no answer yet. `provisional`: answered, logs may still arrive. `final`; `partial`: as final, but the access log or a
 * whole step could not be looked at. `failed`: no answer. `interrupted`: ended by a shutdown before there was one.
 */
export const RUN_STATES = ['queued', 'looking', 'provisional', 'final', 'partial', 'failed', 'interrupted'] as const;
export type RunState = (typeof RUN_STATES)[number];

/** Somebody with exclusive use of something, for a while: a crash ends it by itself. */
export const Lease = z.object({ owner: z.string(), until: Iso });
export type Lease = z.infer<typeof Lease>;

export const RunOrigin = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('person'), user: z.string(), team: z.string() }),
  /** `episode` is the id under which alarms of one incident are kept. */
  z.object({ kind: z.literal('alarm'), alarmName: z.string(), episode: z.string() }),
]);

export const Feedback = z.object({
  user: z.string(),
  at: Iso,
  verdict: z.enum(['right', 'wrong']),
  /** The actual cause, where somebody knew: one of the ids, or words. */
  cause: z.string().nullable(),
  words: z.string().nullable(),
});
export type Feedback = z.infer<typeof Feedback>;

/** Messages of the thread by what they are; null where there is none (yet). */
export const Thread = z.object({
  channel: z.string(),
  /** The thread hangs below this message. An own root message, unless `within` says that somebody else's was answered. */
  root: Ts.nullable(),
  /** Set when the run was asked for in a thread that was there: its first message. Then `root` is a reply in it. */
  within: Ts.nullable(),
  checklist: Ts.nullable(),
  verdict: Ts.nullable(),
  /** By step number. */
  steps: z.record(z.string(), Ts),
  /** The root message may stand twice: a process that was killed may have posted it, and the bot may not look. */
  resumed: z.boolean().optional(),
});
export type Thread = z.infer<typeof Thread>;

export const Run = z.object({
  schema: z.literal(1),
  /** Sortable by time of asking: `20261119t024012-5f3a9c1e`. Opaque outside; the only thing a button carries. */
  id: z.string().regex(/^\d{8}t\d{6}-[0-9a-f]{8}$/),
  createdAt: Iso,
  updatedAt: Iso,
  askedBy: RunOrigin,
  loadBalancer: z.object({ name: z.string(), arn: z.string().nullable(), account: z.string(), region: z.string() }),
  from: Iso,
  to: Iso,
  statuses: z.array(z.string()).min(1),
  state: z.enum(RUN_STATES),
  /** The sentence to show where the state is `failed`. */
  failure: z.string().nullable(),
  /** Asks of the load balancer that have ended, and when the next is due; null when none is. */
  asks: z.number().int(),
  askAgainAt: Iso.nullable(),
  /** How long the last ask took, and the log files it read, where it read some. */
  took: z.object({ milliseconds: z.number(), files: z.number().int().nullable() }).optional(),
  thread: Thread,
  /**
   * The message that is being posted: set before, cleared with the ts after. Found set on resuming, the post may or may not have
   * happened, for chat.postMessage has no idempotency key.
   */
  posting: z.string().nullable(),
  lease: Lease.nullable(),
  /** Answers to presses of buttons, by what was pressed: their ts, or "posting". */
  extras: z.record(z.string(), z.string()),
  feedback: z.array(Feedback),
  /** The run whose findings this one takes over, each time that one has asked; null for one that asks itself. */
  copyOf: z.string().nullable(),
});
export type Run = z.infer<typeof Run>;

/** Where the parts of a run are kept. The incident is a folder in the incident format, redacted, file by file. */
export const keyOfRun = (id: string): string => `runs/${id}/run.json`;
export const prefixOfRun = (id: string): string => `runs/${id}/`;
export const DIAGNOSIS = 'diagnosis.json';
export const keyOfDiagnosis = (id: string): string => `${prefixOfRun(id)}${DIAGNOSIS}`;
export const prefixOfIncident = (id: string): string => `${prefixOfRun(id)}incident/`;

/** Every run by the month it was asked in, so that the newest are found without a list of all. */
export const INDEX = 'index/';
export const indexOf = (id: string): string => `${INDEX}${id.slice(0, 6)}/${id}`;

/**
 * Runs that may not be at their end, `open/<id>/<when>`. A run that is opened again is noted anew: so whoever removes the note of one
 * that is at its end removes no other than the one they saw.
 */
export const OPEN = 'open/';

/** A run that has done nothing yet. `now` in epoch milliseconds; `id` only where it is known already. */
export function newRun(request: {
  askedBy: Run['askedBy'];
  question: Pick<LocatedQuestion, 'loadBalancer' | 'from' | 'to' | 'statuses'>;
  channel: string;
  within: string | null;
  now: number;
  id?: string;
}): Run {
  const { askedBy, question, channel, within, now, id = newRunId(now) } = request;
  const { name, arn, account, region } = question.loadBalancer;
  return {
    schema: 1,
    id,
    createdAt: iso(now),
    updatedAt: iso(now),
    askedBy,
    loadBalancer: { name, arn, account, region },
    from: iso(question.from),
    to: iso(question.to),
    statuses: [...question.statuses],
    state: 'queued',
    failure: null,
    asks: 0,
    askAgainAt: null,
    thread: { channel, root: null, within, checklist: null, verdict: null, steps: {} },
    posting: null,
    lease: null,
    extras: {},
    feedback: [],
    copyOf: null,
  };
}

/** An id that no other run has. `now` in epoch milliseconds. */
export const newRunId = (now: number): string =>
  `${iso(now).slice(0, 19).replaceAll(/[-:]/g, '').toLowerCase()}-${randomUUID().slice(0, 8)}`;

/** When a run of this id was asked for, in epoch milliseconds; to the second. */
export const timeOfRunId = (id: string): number =>
  Date.parse(id.slice(0, 15).replace(/^(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)(\d\d)$/, '$1-$2-$3T$4:$5:$6Z'));

const iso = (time: number): string => new Date(time).toISOString();
