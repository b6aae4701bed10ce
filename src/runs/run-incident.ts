/**
 * Stores the findings of a run: the diagnosis, and the evidence as the files of an incident folder. Query strings and
 * client addresses are redacted as by --save.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import * as z from 'zod';
import { collect } from '../collect/collect.ts';
import { questionToRecording, readIncident, recordedCollectors } from '../collect/incident/incident-collectors.ts';
import { saveIncident } from '../collect/incident/save.ts';
import { mapLimited } from '../collect/map-limited.ts';
import { makeTemporaryFolder } from '../collect/temporary-folder.ts';
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import type { EvidenceSet } from '../evidence/evidence.ts';
import type { Question } from '../evidence/question.ts';
import { DIAGNOSIS, prefixOfIncident, prefixOfRun } from './run.ts';
import { parseDocument, serialize } from './store/document.ts';
import { STORE_CONCURRENCY, type Store } from './store/store.ts';

/** Stored in the incident folder but not part of the incident. */
export const feedbackKey = (id: string): string => `${prefixOfIncident(id)}feedback.json`;

/** Hash of each file by its path in the run's folder, so that readers detect an incomplete set. */
const contentsKey = (id: string): string => `${prefixOfRun(id)}incident-files.json`;
const Contents = z.record(z.string(), z.string());
const INCIDENT = 'incident/';

/** Attempts, and milliseconds between them, to read evidence that is being rewritten. */
const MAX_READS = 5;
const READ_PAUSE = 200;

/** Writes the diagnosis and its evidence. Meanwhile `readEvidence` retries, then returns null. */
export async function saveFindings(
  store: Store,
  id: string,
  { question, evidence, diagnosis }: { question: Question; evidence: EvidenceSet; diagnosis: Diagnosis },
): Promise<void> {
  const files = await inTemporaryFolder(async (dir) => {
    // Leave out the log files: the query results drawn from them answer every later question about a run.
    await saveIncident(join(dir, INCIDENT), { question, evidence, incident: null });
    return filesIn(dir);
  });
  await saveFiles(store, id, files.set(DIAGNOSIS, serialize(diagnosis)));
}

/** Copies the findings of one run to another; false if they are missing or incomplete. */
export async function copyFindings(store: Store, from: string, to: string): Promise<boolean> {
  const files = await readAllFiles(store, from);
  if (files !== null) await saveFiles(store, to, files);
  return files !== null;
}

/** Writes the diagnosis last, so that a crash leaves the previous one. */
async function saveFiles(store: Store, id: string, files: ReadonlyMap<string, string>): Promise<void> {
  const before = await store.list(prefixOfIncident(id));
  const write = ([path, body]: readonly [string, string]) => store.write(`${prefixOfRun(id)}${path}`, body, 'any');
  await mapLimited(
    [...files].filter(([path]) => path !== DIAGNOSIS),
    STORE_CONCURRENCY,
    write,
  );
  await store.write(contentsKey(id), serialize(contentsOf(files)), 'any');
  const old = before.filter((key) => key !== feedbackKey(id) && !files.has(key.slice(prefixOfRun(id).length)));
  await mapLimited(old, STORE_CONCURRENCY, (key) => store.remove(key));
  await write([DIAGNOSIS, files.get(DIAGNOSIS) ?? '']);
}

/** Reads the stored evidence; null when there is none or it is incomplete. */
export async function readEvidence(
  store: Store,
  id: string,
): Promise<{ question: Question; evidence: EvidenceSet } | null> {
  const files = await readAllFiles(store, id);
  if (files === null) return null;
  return inTemporaryFolder(async (dir) => {
    for (const [name, body] of files) {
      const path = join(dir, ...name.split('/'));
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, body);
    }
    const incident = await readIncident(join(dir, INCIDENT));
    const question = questionToRecording(incident, { loadBalancer: null, window: null, statuses: null });
    return { question, evidence: await collect(recordedCollectors(incident, question)) };
  });
}

/**
 * Reads a complete set of files by name, or null. Retries while the set is incomplete, as another process may be
 * writing.
 */
async function readAllFiles(store: Store, id: string): Promise<Map<string, string> | null> {
  for (let attempt = 1; ; attempt++) {
    const key = contentsKey(id);
    const stored = await store.read(key);
    if (stored === null) return null;
    const contents = parseDocument(key, stored.body, Contents);
    const files = new Map<string, string>();
    await mapLimited(Object.keys(contents), STORE_CONCURRENCY, async (name) => {
      const file = await store.read(`${prefixOfRun(id)}${name}`);
      if (file !== null && contentHash(file.body) === contents[name]) files.set(name, file.body);
    });
    if (files.size === Object.keys(contents).length) return files;
    if (attempt === MAX_READS) return null;
    await wait(READ_PAUSE);
  }
}

const contentsOf = (files: ReadonlyMap<string, string>): z.infer<typeof Contents> =>
  Object.fromEntries([...files].map(([name, body]) => [name, contentHash(body)]));

const contentHash = (body: string): string => createHash('sha256').update(body).digest('hex');

/** Reads every file of a folder, by its path in the folder. */
async function filesIn(dir: string): Promise<Map<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = paths.map(
    async (path) => [relative(dir, path).split(sep).join('/'), await readFile(path, 'utf8')] as const,
  );
  return new Map(await Promise.all(read));
}

async function inTemporaryFolder<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await makeTemporaryFolder('alb502-run-');
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
