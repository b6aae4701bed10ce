/** Runs as they are kept: each with its diagnosis and its evidence, in a store. */
import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import type { EvidenceSet, Question } from '../evidence/evidence.ts';
import type { Investigation } from '../investigate/investigator.ts';
import { Problem } from '../problem.ts';
import { type ClaimState, claim } from './claims.ts';
import { INDEX, indexOf, keyOfDiagnosis, keyOfRun, OPEN, Run } from './run.ts';
import { copyFindings, evidenceIn, feedbackOf, keepFindings } from './run-incident.ts';
import { changeObject, each, parsed, UnreadableObject, written } from './store/json-object.ts';
import type { Store } from './store/store.ts';
import { sweep } from './sweep.ts';

/** Every method throws when the store cannot be reached; nothing is half written that is read again. */
export interface Runs {
  /** Writes a new run and notes it as open; the one that is there when the id is taken. */
  create(run: Run): Promise<Run>;
  read(id: string): Promise<Run | null>;
  /** Reads, changes, writes; again when somebody wrote meanwhile. Sets `updatedAt`. Throws when there is no such run. */
  change(id: string, change: (run: Run) => Run): Promise<Run>;
  /** Takes or renews the lease for so many milliseconds; null while another owner has it. */
  lease(id: string, owner: string, milliseconds: number): Promise<Run | null>;
  release(id: string, owner: string): Promise<void>;
  /** Keeps what was found out, redacted: the diagnosis, and the evidence as a replayable incident with the feedback beside it. */
  keep(id: string, investigation: Pick<Investigation, 'question' | 'evidence' | 'diagnosis'>): Promise<void>;
  /** Keeps what another run has found out as that of this one, which it stays whatever the other one asks later; false where it has nothing. */
  copy(from: string, id: string): Promise<boolean>;
  diagnosis(id: string): Promise<Diagnosis | null>;
  evidence(id: string): Promise<{ question: Question; evidence: EvidenceSet } | null>;
  /** Runs that are not at their end: queued, looking, provisional with an ask due, or a message half posted. Oldest first. */
  open(): Promise<Run[]>;
  /** The newest first. */
  recent(count: number): Promise<Run[]>;
  /**
   * The run that answers this question already: one of the same load balancer, statuses and length of window, whose end differs by less
   * than a minute, begun at most that long ago or still looking; none that ended without an answer. `id` is claimed for the question when there is none; then the answer is null.
   */
  claim(question: Pick<Run, 'loadBalancer' | 'from' | 'to' | 'statuses'>, id: string): Promise<string | null>;
  /** Removes runs older than the retention, and what alarms and claims left that long ago; how many runs. */
  sweep(): Promise<number>;
}

/** Milliseconds between the note that a run is open and the write that opens it, at most. */
const NOTED_BEFORE = 60_000;

const Diagnosed: z.ZodType<Diagnosis> = z.custom<Diagnosis>(
  (read) => z.looseObject({ schema: z.literal(1) }).safeParse(read).success,
);

export interface RunsOptions {
  retentionDays: number;
  /** Epoch milliseconds. */
  now?: () => number;
}

/** Runs in a store. What fits in no shape there is a Problem (exit 2) where it was asked for, and left out of lists. */
export function openRuns(store: Store, { retentionDays, now = Date.now }: RunsOptions): Runs {
  const lines = new Map<string, Promise<unknown>>();

  /** What this process does to a run, it does in order: others are the only ones to be in each other's way. */
  function inOrder<T>(id: string, work: () => Promise<T>): Promise<T> {
    const mine = (lines.get(id) ?? Promise.resolve()).then(work, work);
    const settled = mine.catch(() => {}).finally(() => lines.get(id) === settled && lines.delete(id));
    lines.set(id, settled);
    return mine;
  }

  return {
    create,
    read,
    change,
    lease,
    release,
    keep: (id, investigation) => keepFindings(store, id, investigation),
    copy: (from, id) => copyFindings(store, from, id),
    diagnosis,
    evidence,
    open,
    recent,
    claim: claimed,
    sweep: swept,
  };

  async function create(run: Run): Promise<Run> {
    // Before the run itself: a note without a run does no harm, a run that nobody goes on with would.
    if (isOpen(run)) await noteOpen(run.id);
    await store.write(indexOf(run.id), '', 'any');
    const version = await store.write(keyOfRun(run.id), written(run), 'absent');
    return version === null ? known(run.id) : run;
  }

  async function read(id: string): Promise<Run | null> {
    if (!Run.shape.id.safeParse(id).success) return null;
    const stored = await store.read(keyOfRun(id));
    return stored === null ? null : parsed(keyOfRun(id), stored.body, Run);
  }

  async function known(id: string): Promise<Run> {
    return (await read(id)) ?? Promise.reject(unknown(id));
  }

  function change(id: string, changed: (run: Run) => Run): Promise<Run> {
    return inOrder(id, async () => {
      const run = await changeKnown(id, changed);
      return run ?? known(id);
    });
  }

  /** `changed` gives null to leave the run as it is; so does this then. */
  async function changeKnown(id: string, changed: (run: Run) => Run | null): Promise<Run | null> {
    let [before, isChanged]: [Run | null, boolean] = [null, false];
    const after = await changeObject(store, keyOfRun(id), Run, async (there) => {
      if (there === null) throw unknown(id);
      before = there;
      const next = changed(there);
      isChanged = next !== null;
      if (next === null) return null;
      if (isOpen(next) && !isOpen(there)) await noteOpen(id);
      return { ...next, updatedAt: new Date(now()).toISOString() };
    });
    if (after === null || !isChanged) return null;
    if (JSON.stringify(after.feedback) !== JSON.stringify((before as Run | null)?.feedback)) await keepFeedback(after);
    return after;
  }

  function lease(id: string, owner: string, milliseconds: number): Promise<Run | null> {
    return inOrder(id, () =>
      changeKnown(id, (run) => {
        const isTaken = run.lease !== null && run.lease.owner !== owner && Date.parse(run.lease.until) > now();
        return isTaken ? null : { ...run, lease: { owner, until: new Date(now() + milliseconds).toISOString() } };
      }),
    );
  }

  async function release(id: string, owner: string): Promise<void> {
    await inOrder(id, () => changeKnown(id, (run) => (run.lease?.owner === owner ? { ...run, lease: null } : null)));
  }

  async function diagnosis(id: string): Promise<Diagnosis | null> {
    const key = keyOfDiagnosis(id);
    const stored = await store.read(key);
    return stored === null ? null : parsed(key, stored.body, Diagnosed);
  }

  function evidence(id: string): Promise<{ question: Question; evidence: EvidenceSet } | null> {
    return evidenceIn(store, id);
  }

  /** Beside the incident that it is about. */
  async function keepFeedback({ id, feedback }: Run): Promise<void> {
    await store.write(feedbackOf(id), written(feedback.map((one) => ({ run: id, ...one }))), 'any');
  }

  async function noteOpen(id: string): Promise<void> {
    await store.write(`${OPEN}${id}/${String(now()).padStart(15, '0')}-${randomUUID().slice(0, 8)}`, '', 'any');
  }

  async function open(): Promise<Run[]> {
    const notes = new Map<string, string[]>();
    for (const key of await store.list(OPEN)) {
      const [, id = ''] = key.split('/');
      notes.set(id, [...(notes.get(id) ?? []), key]);
    }
    const runs: Run[] = [];
    await each([...notes], async ([id, keys]) => {
      const run = await readable(id);
      if (run === 'unreadable') return;
      if (run !== null && isOpen(run)) runs.push(run);
      else for (const key of keys) if (now() - timeOfNote(key) > NOTED_BEFORE) await store.remove(key);
    });
    return runs.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async function recent(count: number): Promise<Run[]> {
    const oldest = now() - retentionDays * DAY;
    const runs: Run[] = [];
    for (let month = new Date(now()); month.getTime() >= startOfMonth(oldest) && runs.length < count; ) {
      const ids = (await store.list(`${INDEX}${month.toISOString().slice(0, 7).replace('-', '')}/`)).reverse();
      for (let at = 0; at < ids.length && runs.length < count; at += count) {
        const some: Run[] = [];
        await each(ids.slice(at, at + count), async (key) => {
          const run = await readable(key.slice(key.lastIndexOf('/') + 1));
          if (run !== null && run !== 'unreadable') some.push(run);
        });
        runs.push(...some.sort((a, b) => (a.id > b.id ? -1 : 1)));
      }
      month = new Date(startOfMonth(month.getTime()) - 1);
    }
    return runs.slice(0, count);
  }

  /** One run that cannot be read does not hide the others. */
  async function readable(id: string): Promise<Run | 'unreadable' | null> {
    try {
      return await read(id);
    } catch (error) {
      if (error instanceof UnreadableObject) return 'unreadable';
      throw error;
    }
  }

  function claimed(question: Parameters<Runs['claim']>[0], id: string): Promise<string | null> {
    return claim(store, question, { id, now: now(), stateOf: async (other) => stateIn(await readable(other)) });
  }

  function swept(): Promise<number> {
    return sweep(store, now() - retentionDays * DAY);
  }
}

const DAY = 86_400_000;

const startOfMonth = (time: number): number => Date.parse(`${new Date(time).toISOString().slice(0, 7)}-01T00:00:00Z`);

const timeOfNote = (key: string): number => Number(key.split('/')[2]?.split('-')[0]);

const unknown = (id: string): Problem => new Problem(`There is no run ${id} any more.`, 1);

/** `not-there`: claimed, and not written yet. */
function stateIn(run: Run | 'unreadable' | null): ClaimState {
  if (run === null) return 'not-there';
  if (run === 'unreadable' || run.state === 'failed' || run.state === 'interrupted') return 'in-vain';
  return run.state === 'queued' || run.state === 'looking' ? 'at-work' : 'answered';
}

const isOpen = ({ state, askAgainAt, posting }: Run): boolean =>
  state === 'queued' || state === 'looking' || askAgainAt !== null || posting !== null;
