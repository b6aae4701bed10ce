/** Stores runs, each with its diagnosis and its evidence. */

import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import type { EvidenceSet } from '../evidence/evidence.ts';
import type { Question } from '../evidence/question.ts';
import type { InvestigationResult } from '../investigate/investigator.ts';
import { Problem } from '../problem.ts';
import type { ClaimedQuestion } from './claims.ts';
import { type ClaimState, claim, openClaims } from './claims.ts';
import { hasFailed, indexOf, isOpen, isUnderWay, keyOfDiagnosis, keyOfRun, OPEN, type Run, RunId } from './run.ts';
import { copyFindings, feedbackKey, readEvidence, saveFindings } from './run-incident.ts';
import { listOpen, listRecent, readIfValid } from './run-lists.ts';
import { openDocuments, parseDocument, serialize } from './store/document.ts';
import { isLeasedByOther, leaseFor } from './store/lease.ts';
import type { Store } from './store/store.ts';
import { type StoredDiagnosis, upgradeDiagnosis } from './stored-diagnosis.ts';
import { StoredRun } from './stored-run.ts';
import { sweep } from './sweep.ts';

/** Every method throws when the store cannot be reached. Reads never see a partial write. */
export interface RunStore {
  /** Writes a new run and marks it as open; returns the existing one if the id is taken. */
  create(run: Run): Promise<Run>;
  read(id: string): Promise<Run | null>;
  /** Reads, changes and writes a run; retries on a conflict. Sets `updatedAt`. Throws when there is no such run. */
  change(id: string, change: (run: Run) => Run): Promise<Run>;
  /** Like `change`, but returns the result that the change computed. An unchanged run is not written. */
  update<R>(id: string, change: (run: Run) => { run: Run; result: R }): Promise<R>;
  /** Takes or renews the lease for the given milliseconds; null while another owner holds it. */
  lease(id: string, owner: string, milliseconds: number): Promise<Run | null>;
  release(id: string, owner: string): Promise<void>;
  /** Stores the diagnosis and the redacted evidence as a replayable incident; keeps the feedback. */
  keep(id: string, investigation: Pick<InvestigationResult, 'question' | 'evidence' | 'diagnosis'>): Promise<void>;
  /** Copies the current findings of run `from` to run `id`; false if it has none. */
  copy(from: string, id: string): Promise<boolean>;
  diagnosis(id: string): Promise<Diagnosis | null>;
  evidence(id: string): Promise<{ question: Question; evidence: EvidenceSet } | null>;
  /** Lists open runs, oldest first: queued, running, with an attempt due, or with an outdated thread. */
  open(): Promise<Run[]>;
  /** Lists up to `count` runs, newest first. */
  recent(count: number): Promise<Run[]>;
  /**
   * Returns the run that already answers this question, or null after claiming it for `id`. That run has the same load
   * balancer, statuses, target group, zone and window length, its window ends less than a minute apart, and it claimed
   * the question less than a minute ago or is still under way. Runs that ended without an answer do not count.
   */
  claim(question: ClaimedQuestion, id: string): Promise<string | null>;
  /** Removes runs, alarms and claims older than the retention; returns the number of runs. */
  sweep(): Promise<number>;
}

const AnyDiagnosis: z.ZodType<StoredDiagnosis> = z.custom<StoredDiagnosis>(
  (read) => z.looseObject({ schema: z.literal(1) }).safeParse(read).success,
);

interface RunStoreOptions {
  retentionDays: number;
  /** Epoch milliseconds. */
  now?: () => number;
}

/** Opens the runs of a store. A malformed run throws a Problem (exit 2) when read by id; lists leave it out. */
export function openRunStore(store: Store, { retentionDays, now = Date.now }: RunStoreOptions): RunStore {
  const documents = openDocuments(store, StoredRun);
  const claims = openClaims(store);
  const lists = { store, read, now, retentionDays };

  return {
    create,
    read,
    change,
    update: (id, change) => changeExisting(id, change).then(({ result }) => result),
    lease,
    release,
    keep: (id, investigation) => saveFindings(store, id, investigation),
    copy: (from, id) => copyFindings(store, from, id),
    diagnosis,
    evidence,
    open: () => listOpen(lists),
    recent: (count) => listRecent(lists, count),
    claim: claimQuestion,
    sweep: sweepOld,
  };

  async function create(run: Run): Promise<Run> {
    // Write the marker first: a marker without a run is harmless; a run without a marker is never resumed.
    if (isOpen(run)) await markOpen(run.id);
    await store.write(indexOf(run.id), '', 'any');
    const version = await store.write(keyOfRun(run.id), serialize(run), 'absent');
    return version === null ? readExisting(run.id) : run;
  }

  async function read(id: string): Promise<Run | null> {
    return RunId.safeParse(id).success ? documents.read(keyOfRun(id)) : null;
  }

  async function readExisting(id: string): Promise<Run> {
    return (await read(id)) ?? Promise.reject(runNotFound(id));
  }

  function change(id: string, update: (run: Run) => Run): Promise<Run> {
    return changeExisting(id, (run) => ({ run: update(run), result: null })).then(({ run }) => run);
  }

  /** Writes nothing when `update` returns the same run. */
  async function changeExisting<R>(
    id: string,
    update: (run: Run) => { run: Run; result: R },
  ): Promise<{ run: Run; result: R }> {
    const changed = await documents.change(keyOfRun(id), async (before) => {
      if (before === null) throw runNotFound(id);
      const { run, result } = update(before);
      if (run === before) return { document: before, result: { run, result, isFeedbackNew: false } };
      if (isOpen(run) && !isOpen(before)) await markOpen(id);
      const after: Run = { ...run, updatedAt: new Date(now()).toISOString() };
      const isFeedbackNew = JSON.stringify(run.feedback) !== JSON.stringify(before.feedback);
      return { document: after, result: { run: after, result, isFeedbackNew } };
    });
    if (changed.isFeedbackNew) await saveFeedback(changed.run);
    return changed;
  }

  async function lease(id: string, owner: string, milliseconds: number): Promise<Run | null> {
    const { run, result } = await changeExisting(id, (current) =>
      isLeasedByOther(current.lease, owner, now())
        ? { run: current, result: 'taken' }
        : { run: { ...current, lease: leaseFor(owner, now(), milliseconds) }, result: 'leased' },
    );
    return result === 'taken' ? null : run;
  }

  async function release(id: string, owner: string): Promise<void> {
    await changeExisting(id, (run) => ({
      run: run.lease?.owner === owner ? { ...run, lease: null } : run,
      result: null,
    }));
  }

  async function diagnosis(id: string): Promise<Diagnosis | null> {
    const key = keyOfDiagnosis(id);
    const stored = await store.read(key);
    return stored === null ? null : upgradeDiagnosis(parseDocument(key, stored.body, AnyDiagnosis));
  }

  function evidence(id: string): Promise<{ question: Question; evidence: EvidenceSet } | null> {
    return readEvidence(store, id);
  }

  /** Writes the feedback beside its incident. */
  async function saveFeedback({ id, feedback }: Run): Promise<void> {
    await store.write(feedbackKey(id), serialize(feedback.map((one) => ({ run: id, ...one }))), 'any');
  }

  async function markOpen(id: string): Promise<void> {
    await store.write(`${OPEN}${id}/${String(now()).padStart(15, '0')}-${randomUUID().slice(0, 8)}`, '', 'any');
  }

  function claimQuestion(question: Parameters<RunStore['claim']>[0], id: string): Promise<string | null> {
    return claim(claims, question, {
      id,
      now: now(),
      stateOf: async (other) => claimStateOf(await readIfValid(lists, other)),
    });
  }

  function sweepOld(): Promise<number> {
    return sweep(store, now() - retentionDays * DAY);
  }
}

const DAY = 86_400_000;

const runNotFound = (id: string): Problem => new Problem(`Run ${id} is no longer stored.`, 1);

/** `not-there`: claimed but not written yet. */
function claimStateOf(run: Run | 'unreadable' | null): ClaimState {
  if (run === null) return 'not-there';
  if (run === 'unreadable' || hasFailed(run)) return 'in-vain';
  return isUnderWay(run) ? 'at-work' : 'answered';
}
