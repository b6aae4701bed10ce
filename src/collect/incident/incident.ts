/** Reads an incident folder except its logs, and reports everything that is wrong with it at once. */
import { lstat, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { epochOf } from '../../evidence/aws.ts';
import { escapeControls } from '../../format/escape-control-characters.ts';
import { shapeFault, syntaxError, tooDeep, withoutByteOrderMark, withoutNulls } from '../../format/parse-json.ts';
import { errorCode, errorMessage, Problem } from '../../problem.ts';
import { IS_LINK } from '../access-log/log-files.ts';
import { openFile } from '../access-log/open-file.ts';
import { Recording } from './incident-files.ts';

/** An incident folder after reading; times in epoch milliseconds. */
export interface Incident {
  /** Without links. */
  dir: string;
  /** As written: a name, an ARN or app/name/id. */
  loadBalancer: string;
  from: number;
  to: number;
  /** Null if not recorded. */
  now: number | null;
  /** The statuses it was recorded for; null if not recorded. */
  statuses: string[] | null;
  /** The JSON files of the folder; missing files are absent. */
  recording: Recording;
  /** Whether the folder contains logs/. */
  logs: boolean;
}

/**
 * Reads and checks incident.json, aws/*.json, metrics.json and access-log.json.
 * Throws Problem: exit 1 when the folder is not an incident; exit 2 with every malformed file and the place in it.
 */
export async function readIncident(folder: string): Promise<Incident> {
  await assertIncident(folder);
  const dir = await realpath(folder);
  const names = Object.keys(Recording.shape);
  const [logs, ...read] = await Promise.all([
    isFolder(join(dir, 'logs')),
    ...names.map(async (name) => [name, await readJson(dir, name)] as const),
  ]);
  const faults = new Map<string, string>();
  for (const name of ['logs', 'aws']) if (await isLink(join(dir, name))) faults.set(name, IS_LINK);
  const raw: Record<string, unknown> = {};
  for (const [name, content] of read) {
    if (content === null) continue;
    if ('fault' in content) faults.set(name, content.fault);
    else raw[name] = content.json;
  }
  const checked = Recording.safeParse(
    // In the access log's answers, null is a meaningful value.
    Object.fromEntries(names.map((name) => [name, OWN_FILES.includes(name) ? raw[name] : withoutNulls(raw[name])])),
  );
  if (!checked.success) {
    for (const name of names) {
      const issues = checked.error.issues.filter(({ path }) => path[0] === name);
      if (issues.length === 0 || faults.has(name)) continue;
      const inFile = issues.map((issue) => ({ ...issue, path: issue.path.slice(1) }));
      faults.set(name, shapeFault(inFile, raw[name]));
    }
  }
  if (faults.size > 0 || !checked.success) {
    const inOrder = ['logs', 'aws', ...names].flatMap((name) =>
      faults.has(name) ? [`${name}: ${faults.get(name)}`] : [],
    );
    throw new Problem(`${escapeControls(inOrder.join('; '))}.`, 2);
  }
  const recording = checked.data;
  const { loadBalancer, from, to, now, statuses } = recording['incident.json'];
  const days = (epochOf(to) - epochOf(from)) / 86_400_000;
  if (days > MAX_DAYS)
    throw new Problem(
      `incident.json: from and to are ${Math.round(days)} days apart; at most ${MAX_DAYS} can be read.`,
      2,
    );
  return {
    dir,
    loadBalancer,
    from: epochOf(from),
    to: epochOf(to),
    now: now === undefined ? null : epochOf(now),
    statuses: statuses ?? null,
    recording,
    logs,
  };
}

/** Written by --save alone: their nulls mean something. */
const OWN_FILES = ['access-log.json', 'edge.json'];

/** Longest window, since a timeline has a row for each minute. */
const MAX_DAYS = 31;

async function assertIncident(dir: string): Promise<void> {
  const why = (await pathFault(dir, 'folder')) ?? (await pathFault(join(dir, 'incident.json'), 'file'));
  if (why !== null) throw new Problem(`${dir} is not an incident folder: ${why}.`, 1);
}

/** Why `path` cannot serve as a folder or file; null if it can. */
async function pathFault(path: string, wanted: 'folder' | 'file'): Promise<string | null> {
  try {
    const found = await stat(path);
    if (wanted === 'folder') return found.isDirectory() ? null : 'it is not a folder';
    return found.isFile() ? null : 'its incident.json is not a file';
  } catch (error) {
    const missing = wanted === 'folder' ? 'there is no such folder' : 'it has no incident.json';
    return isNotFound(error) ? missing : systemReason(error);
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

const isLink = async (path: string): Promise<boolean> =>
  (await lstat(path).catch(() => null))?.isSymbolicLink() ?? false;

/** The JSON in a file, or what is wrong with it; null if the file does not exist. */
async function readJson(dir: string, name: string): Promise<{ json: unknown } | { fault: string } | null> {
  const path = join(dir, name);
  let text: string;
  try {
    const file = await openFile(path);
    try {
      const { size } = await file.stat();
      if (size > MAX_JSON_BYTES) return { fault: `it is larger than ${MAX_JSON_BYTES / 2 ** 20} MiB` };
      text = withoutByteOrderMark(await file.readFile('utf8'));
    } finally {
      await file.close();
    }
  } catch (error) {
    return isNotFound(error) ? null : { fault: systemReason(error) };
  }
  // `aws … > file` leaves an empty file when the call is denied: the evidence is missing.
  if (text.trim() === '' && name !== 'incident.json') return null;
  const deep = tooDeep(text);
  if (deep !== null) return { fault: `line ${deep.line}, column ${deep.column}: ${deep.what}` };
  try {
    return { json: JSON.parse(text) };
  } catch (error) {
    const place = syntaxError(text);
    return { fault: place === null ? String(error) : `line ${place.line}, column ${place.column}: ${place.what}` };
  }
}

/** More than any account needs; the whole file is held in memory. */
const MAX_JSON_BYTES = 256 * 2 ** 20;

const isNotFound = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errorCode(error));

const REASONS: Record<string, string> = {
  EACCES: 'no permission to read it',
  EPERM: 'no permission to read it',
  ELOOP: IS_LINK,
  ENXIO: 'it is not a file',
};

function systemReason(error: unknown): string {
  const code = errorCode(error);
  return code === '' ? errorMessage(error) : (REASONS[code] ?? `it cannot be read (${code})`);
}
