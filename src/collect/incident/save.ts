/** Writes an incident folder: what a diagnosis was made from, redacted, so that the same diagnosis can be made from it anywhere. */
import { lstat, mkdir, mkdtemp, readdir, realpath, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Collected, EvidenceSet, LongerWindowOffer, Question } from '../../evidence/evidence.ts';
import { Problem } from '../../problem.ts';
import { lookBackQuestion } from '../../query/look-back.ts';
import { commonSegments, redactEvidence } from '../../redact/access-log.ts';
import { hopAddresses } from '../hop-addresses.ts';
import type { AccessLogFile } from './access-log-answers.ts';
import { type Incident, idleTimeoutOf } from './incident-collectors.ts';
import type { IncidentFile } from './incident-files.ts';
import { type DescribedEvidence, toRecordingFiles } from './read-evidence.ts';
import { type Pseudonym, pseudonyms } from './redact.ts';
import { redactEvent, redactFunction, redactRule } from './redact-answers.ts';
import { redactWorkloads } from './redact-workloads.ts';
import { saveLogs } from './save-logs.ts';

export interface IncidentToSave {
  question: Question;
  evidence: EvidenceSet;
  /** Where the log files lie, in logs/ of a recorded incident or of a folder they were fetched to; null where there are none. */
  incident: Pick<Incident, 'dir' | 'logs'> | null;
}

/** What incident.json says of the files in logs/. */
type LogFilesSummary = Pick<IncidentFile, 'unreadable' | 'logBytes' | 'fetched' | 'longerLook'>;

/**
 * Checks that an incident can be saved to `dir`, before any work is done. Throws Problem (exit 1) when it is a file, is not empty, or
 * lies within the folder of the incident itself.
 */
export async function assertSaveable(dir: string, incident: IncidentToSave['incident']): Promise<void> {
  if (incident !== null) {
    const within = relative(await realpath(incident.dir), await realPathSoFar(resolve(dir)));
    if (!/^\.\.(?:[\\/]|$)/.test(within)) {
      throw new Problem(`${dir} is inside the incident to be saved. Give --save another folder.`, 1);
    }
  }
  await assertOwn(dir);
  const entries = await listFolder(dir);
  if (entries === 'file') throw new Problem(`${dir} is not a folder. Give --save a new or empty folder.`, 1);
  if (entries.length > 0) throw new Problem(`${dir} is not empty. Give --save a new or empty folder.`, 1);
  await assertWritable(dir);
}

/** Throws Problem (exit 1) for a link, which may lead anywhere, and for a folder of another user. */
async function assertOwn(dir: string): Promise<void> {
  const found = await lstat(dir).catch(() => null);
  if (found?.isSymbolicLink()) throw new Problem(`${dir} is a link. Give --save a new or empty folder.`, 1);
  const user = process.getuid?.();
  if (found !== null && user !== undefined && found.uid !== user)
    throw new Problem(`${dir} belongs to another user. Give --save a folder of your own.`, 1);
}

/** Throws Problem (exit 2) where nothing can be made: better before the work than after it. Leaves nothing behind. */
async function assertWritable(dir: string): Promise<void> {
  const created: string[] = [];
  try {
    await makeFolder(dir, created);
    await rmdir(await mkdtemp(join(dir, '.alb502-')));
  } catch (error) {
    throw new Problem(`Could not save to ${dir}: ${fileErrorText(error)}.`, 2);
  } finally {
    for (const one of created.reverse()) await rmdir(one).catch(() => {});
  }
}

/** Makes a folder and those around it. Node's own recursive mkdir never ends where the system says that a parent is not there and is, as in /proc. */
async function makeFolder(dir: string, created: string[] = []): Promise<void> {
  try {
    await mkdir(dir);
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return;
    const parent = dirname(dir);
    if (errorCode(error) !== 'ENOENT' || parent === dir) throw error;
    await makeFolder(parent, created);
    await mkdir(dir);
  }
  created.push(dir);
}

/** "ENOENT: no such file or directory, mkdir '/proc/x'" → "ENOENT: no such file or directory". */
const fileErrorText = (error: unknown): string =>
  error instanceof Error ? error.message.replace(/, [a-z]+ '.*$/, '') : String(error);

/**
 * Saves incident.json, what was collected of aws/ and metrics.json, and logs/ or access-log.json. Clients get other addresses, and of what they sent
 * only what src/redact lets through is kept; values of environment variables and access keys are left out. Throws Problem: exit 1 as `assertSaveable`, exit 2 when
 * `dir` cannot be written.
 */
export async function saveIncident(dir: string, saving: IncidentToSave): Promise<void> {
  await assertSaveable(dir, saving.incident);
  try {
    await writeIncident(dir, saving);
  } catch (error) {
    if (errorCode(error) === '') throw error;
    throw new Problem(`Could not save the incident to ${dir}: ${fileErrorText(error)}.`, 2);
  }
}

async function writeIncident(dir: string, { question, evidence, incident }: IncidentToSave): Promise<void> {
  await makeFolder(dir);
  const standsFor = pseudonyms();
  const hopAt = hopAddresses(evidence);
  // What stands in front of a load balancer is nobody's address, and tells a reader that it stands there.
  const pseudonym: Pseudonym = (address) => (hopAt(address) === null ? standsFor(address) : address);
  const common =
    evidence.accessLog.status === 'collected' ? commonSegments(evidence.accessLog.value) : new Set<string>();
  const { accessLog, ...described } = redactEvidence(evidence);
  const files = new Map<string, unknown>(toRecordingFiles(redactAnswers(described, pseudonym), question));
  let logs: LogFilesSummary = {};
  if (accessLog.status === 'collected' && incident?.logs) {
    const { files: read, cost, reading, unanswered, longerLook } = accessLog.value;
    const { bytes, unreadable } = read;
    const reasons = await saveLogs(join(incident.dir, 'logs'), join(dir, 'logs'), {
      question: lookBackQuestion(question) ?? question,
      idleTimeoutSeconds: idleTimeoutOf(evidence.attributes),
      unreadable,
      pseudonym,
      common,
    });
    logs = {
      logBytes: bytes,
      ...(cost === undefined ? {} : { fetched: { source: accessLog.source, cost, reading, unanswered } }),
      ...(unreadable.length > 0 ? { unreadable: reasons } : {}),
      ...(longerLook ? { longerLook: { command: longerLook.command, ...estimateField(longerLook) } } : {}),
    };
  } else if (accessLog.status === 'collected') {
    files.set('access-log.json', toAccessLogFile(question, accessLog));
  }
  files.set('incident.json', toIncidentFile(question, evidence, logs));
  for (const [name, content] of files) {
    const path = join(dir, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `${JSON.stringify(content, null, 2)}\n`);
  }
}

const estimateField = ({ estimate }: LongerWindowOffer) => (estimate === null ? {} : { estimate });

const iso = (time: number): string => new Date(time).toISOString();

const toAccessLogFile = (
  { from, to, statuses }: Question,
  { source, value }: Extract<Collected<AccessLogFile['accessLog']>, { status: 'collected' }>,
): AccessLogFile => ({ source, from: iso(from), to: iso(to), statuses, accessLog: value });

function toIncidentFile(question: Question, evidence: EvidenceSet, logs: LogFilesSummary): IncidentFile {
  const { loadBalancer, from, to, now, statuses, lookBack } = question;
  const { accessLog, ...described } = evidence;
  const unavailable: NonNullable<IncidentFile['unavailable']> = {};
  const names = Object.keys(described).filter((name): name is keyof DescribedEvidence => name in described);
  for (const name of names) {
    const one = described[name];
    if (one.status === 'unavailable' && one.kind !== 'not-recorded') {
      unavailable[name] = savedFailure(one);
    }
  }
  if (accessLog.status === 'unavailable' && accessLog.kind !== 'not-recorded') {
    unavailable.accessLog = savedFailure(accessLog);
  }
  return {
    loadBalancer: loadBalancer.arn ?? loadBalancer.resource ?? loadBalancer.name,
    from: iso(from),
    to: iso(to),
    now: iso(now),
    statuses,
    targetGroup: question.targetGroup,
    zone: question.zone,
    ...(lookBack === undefined ? {} : { lookBack: lookBack / 1000 }),
    ...(Object.keys(unavailable).length > 0 ? { unavailable } : {}),
    ...logs,
  };
}

const savedFailure = ({
  source,
  reason,
  kind,
  iamStatement,
}: Extract<Collected<never>, { status: 'unavailable' }>): NonNullable<IncidentFile['unavailable']>[string] => ({
  source,
  reason,
  ...(kind === undefined ? {} : { kind }),
  ...(iamStatement == null ? {} : { iamStatement }),
});

function redactAnswers(described: DescribedEvidence, pseudonym: Pseudonym): DescribedEvidence {
  const { functions, changes, rules } = described;
  return {
    ...described,
    ...redactWorkloads(described),
    rules:
      rules.status === 'collected'
        ? {
            ...rules,
            value: Object.fromEntries(Object.entries(rules.value).map(([arn, each]) => [arn, each.map(redactRule)])),
          }
        : rules,
    functions:
      functions.status === 'collected'
        ? {
            ...functions,
            value: Object.fromEntries(Object.entries(functions.value).map(([arn, one]) => [arn, redactFunction(one)])),
          }
        : functions,
    changes:
      changes.status === 'collected'
        ? { ...changes, value: changes.value.map((event) => redactEvent(event, pseudonym)) }
        : changes,
  };
}

/** What is in a folder; nothing when there is none yet. */
async function listFolder(dir: string): Promise<string[] | 'file'> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (errorCode(error) === 'ENOTDIR') return 'file';
    if (errorCode(error) === 'ENOENT') return [];
    throw new Problem(`${dir} cannot be read: ${errorCode(error)}.`, 2);
  }
}

/** The path without links, as far as it exists. */
async function realPathSoFar(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realPathSoFar(parent), basename(path));
  }
}

const errorCode = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
