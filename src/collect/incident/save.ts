/**
 * Writes an incident folder: the redacted evidence of a diagnosis, from which the same diagnosis can be made anywhere.
 */
import { lstat, mkdir, mkdtemp, readdir, realpath, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { LongerWindowOffer } from '../../evidence/access-log.ts';
import type { Collected } from '../../evidence/collected.ts';
import type { EvidenceSet } from '../../evidence/evidence.ts';
import type { Question } from '../../evidence/question.ts';
import { errorCode, Problem } from '../../problem.ts';
import { lookBackQuestion } from '../../query/look-back.ts';
import { commonSegments, redactEvidence } from '../../redact/redact-evidence.ts';
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
  /** Where the log files are: logs/ of a recorded incident or of a download folder; null if there are none. */
  incident: Pick<Incident, 'dir' | 'logs'> | null;
}

/** Facts in incident.json about the files in logs/. */
type LogFilesSummary = Pick<IncidentFile, 'unreadable' | 'logBytes' | 'fetched' | 'longerLook'>;

/**
 * Checks that an incident can be saved to `dir`, before any work is done. Throws Problem (exit 1) if it is a file, is
 * not empty, or lies within the incident's own folder.
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

/** Throws Problem (exit 1) for a link, which may lead anywhere, and for another user's folder. */
async function assertOwn(dir: string): Promise<void> {
  // Resolved, since a slash at the end would follow a link.
  const found = await lstat(resolve(dir)).catch(() => null);
  if (found?.isSymbolicLink()) throw new Problem(`${dir} is a link. Give --save a new or empty folder.`, 1);
  const user = process.getuid?.();
  if (found !== null && user !== undefined && found.uid !== user)
    throw new Problem(`${dir} belongs to another user. Give --save a folder of your own.`, 1);
}

/** Throws Problem (exit 2) if nothing can be created, before the work rather than after it. Leaves nothing behind. */
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

/**
 * Makes a folder and its missing parents. Node's recursive mkdir loops forever where an existing parent is reported as
 * missing, as in /proc.
 */
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

/** Shortens "ENOENT: no such file or directory, mkdir '/proc/x'" to "ENOENT: no such file or directory". */
const fileErrorText = (error: unknown): string =>
  error instanceof Error ? error.message.replace(/, [a-z]+ '.*$/, '') : String(error);

/**
 * Saves incident.json, the collected parts of aws/ and metrics.json, and logs/ or access-log.json. Replaces client
 * addresses, keeps of client-written text only what src/redact allows, and leaves out values of environment variables
 * and access keys. Throws Problem: exit 1 as `assertSaveable`, exit 2 if `dir` cannot be written.
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
  // Addresses of hops in front of a load balancer identify no client, and show a reader that the hop exists.
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
    ...(question.isFromAlarm ? { isFromAlarm: true } : {}),
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
  delivered,
}: Extract<Collected<never>, { status: 'unavailable' }>): NonNullable<IncidentFile['unavailable']>[string] => ({
  source,
  reason,
  ...(kind === undefined ? {} : { kind }),
  ...(iamStatement == null ? {} : { iamStatement }),
  ...(delivered === undefined ? {} : { delivered }),
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

/** Lists a folder; empty if it does not exist. */
async function listFolder(dir: string): Promise<string[] | 'file'> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (errorCode(error) === 'ENOTDIR') return 'file';
    if (errorCode(error) === 'ENOENT') return [];
    throw new Problem(`${dir} cannot be read: ${errorCode(error)}.`, 2);
  }
}

/** Resolves links in the part of the path that exists. */
async function realPathSoFar(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realPathSoFar(parent), basename(path));
  }
}
