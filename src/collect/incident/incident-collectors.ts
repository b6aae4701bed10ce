/** Turns a recorded incident into the question it answers and the collectors of its evidence. */

import { join } from 'node:path';
import type { AccessLog } from '../../evidence/access-log.ts';
import { type Attributes, epochOf } from '../../evidence/aws.ts';
import type { Collected } from '../../evidence/collected.ts';
import type { Evidence, EvidenceName } from '../../evidence/evidence.ts';
import type { Question } from '../../evidence/question.ts';
import { DEFAULT_STATUSES, statusRanges } from '../../evidence/statuses.ts';
import { type Command, command } from '../../format/command.ts';
import { Problem } from '../../problem.ts';
import { lookBackQuestion, RECORDED_LOOK_BACK } from '../../query/look-back.ts';
import type { Collector, Collectors } from '../collect.ts';
import { asResource, findLoadBalancer, loadBalancerNameIn, resourceOf } from '../find-load-balancer.ts';
import type { Incident } from './incident.ts';
import { candidatesIn, recordedEvidence } from './read-evidence.ts';
import { readLookBackCommand, readSource } from './recorded-source.ts';

export { type Incident, readIncident } from './incident.ts';

/** The explicit parts of a question; null parts come from the incident. Times are epoch milliseconds. */
export interface QuestionOverrides {
  loadBalancer: string | null;
  window: { from: number; to: number } | null;
  statuses: string[] | null;
  /** Milliseconds; see `Question`. */
  lookBack?: number | null;
}

/** Logs arrive up to 15 minutes late; a recording without a time of its own is assumed to be complete. */
const COMPLETE_AFTER = 15 * 60_000 + 1000;

const IDLE_TIMEOUT = 'idle_timeout.timeout_seconds';
const DEFAULT_IDLE_TIMEOUT_SECONDS = 60;

const iso = (time: number): string => new Date(time).toISOString().replace('.000Z', 'Z');

/** The recording's "now": its own value, else just after all logs of its window have arrived. */
const recordedNow = ({ now, to }: Incident): number => now ?? to + COMPLETE_AFTER;

/**
 * Builds the question to a recording. Throws Problem (exit 1) for an unknown or ambiguous load balancer, a reversed or
 * empty window, and a window in the recording's future.
 */
export function questionToRecording(incident: Incident, overrides: QuestionOverrides): Question {
  const { from, to } = overrides.window ?? incident;
  const whose = overrides.window === null ? "incident.json: the recording's window" : 'The window';
  if (to <= from) throw new Problem(`${whose} ends at ${iso(to)}, not after it starts at ${iso(from)}.`, 1);
  const now = recordedNow(incident);
  if (from >= now) {
    throw new Problem(`${whose} starts at ${iso(from)}, in the future of the recording (${iso(now)}).`, 1);
  }
  const named = overrides.loadBalancer ?? incident.loadBalancer;
  const found = findLoadBalancer(named, candidatesIn(incident.recording));
  const { name, arn } = found;
  const recorded = incident.recording['incident.json'].lookBack ?? 0;
  const lookBack = overrides.lookBack ?? (overrides.window === null ? recorded * 1000 : 0);
  const resource = arn === null ? (found.resource ?? resourceOf(named) ?? asResource(named)) : null;
  return {
    loadBalancer: { name, arn, ...(resource === null ? {} : { resource }) },
    from,
    to,
    now: incident.now ?? Math.max(now, to + COMPLETE_AFTER),
    statuses: overrides.statuses ?? incident.statuses ?? recordedStatuses(incident) ?? [...DEFAULT_STATUSES],
    targetGroup: incident.recording['incident.json'].targetGroup,
    zone: incident.recording['incident.json'].zone,
    isFromAlarm: incident.recording['incident.json'].isFromAlarm,
    ...(lookBack > 0 ? { lookBack } : {}),
  };
}

const recordedStatuses = ({ logs, recording }: Incident): string[] | null =>
  logs ? null : (recording['access-log.json']?.statuses ?? null);

/** The load balancer's idle timeout in seconds; the default if it could not be read. */
export function idleTimeoutOf(attributes: Collected<Attributes>): number {
  const configured = Number(attributes.status === 'collected' ? attributes.value[IDLE_TIMEOUT] : undefined);
  return configured > 0 ? configured : DEFAULT_IDLE_TIMEOUT_SECONDS;
}

/**
 * Returns the collectors of a recording. Only the access log takes time and stops at the signal; all other files are
 * already in memory.
 */
export function recordedCollectors(incident: Incident, question: Question, signal?: AbortSignal): Collectors {
  const described = recordedEvidence(incident.recording, question);
  const recordedCollector = <Name extends Exclude<EvidenceName, 'accessLog'>>(
    name: Name,
  ): Collector<Evidence[Name]> => {
    const answer: Collected<Evidence[Name]> = described[name];
    return { source: answer.source, collect: () => answer };
  };
  return {
    loadBalancer: recordedCollector('loadBalancer'),
    attributes: recordedCollector('attributes'),
    listeners: recordedCollector('listeners'),
    rules: recordedCollector('rules'),
    targetGroups: recordedCollector('targetGroups'),
    targetGroupAttributes: recordedCollector('targetGroupAttributes'),
    targetHealth: recordedCollector('targetHealth'),
    securityGroups: recordedCollector('securityGroups'),
    networkAcls: recordedCollector('networkAcls'),
    subnets: recordedCollector('subnets'),
    routeTables: recordedCollector('routeTables'),
    networkInterfaces: recordedCollector('networkInterfaces'),
    instances: recordedCollector('instances'),
    prefixLists: recordedCollector('prefixLists'),
    functions: recordedCollector('functions'),
    functionAliases: recordedCollector('functionAliases'),
    tags: recordedCollector('tags'),
    services: recordedCollector('services'),
    tasks: recordedCollector('tasks'),
    taskDefinitions: recordedCollector('taskDefinitions'),
    containerInstances: recordedCollector('containerInstances'),
    serviceDeployments: recordedCollector('serviceDeployments'),
    serviceRevisions: recordedCollector('serviceRevisions'),
    scalingActivities: recordedCollector('scalingActivities'),
    lifecycleHooks: recordedCollector('lifecycleHooks'),
    codeDeployments: recordedCollector('codeDeployments'),
    changes: recordedCollector('changes'),
    edge: recordedCollector('edge'),
    metrics: recordedCollector('metrics'),
    accessLog: {
      source: searchCommand(question),
      collect: () => readRecordedAccessLog(incident, question, idleTimeoutOf(described.attributes), signal),
    },
  };
}

/** The reason for a missing access log when the recording gives none. */
const NO_ACCESS_LOG = 'the recording has neither logs/ nor access-log.json';

/** The search that shows the matching lines by hand, run in the incident folder. */
export function searchCommand({ loadBalancer, statuses }: Question): Command {
  const maker = { anyone: '', target: ' && $10 == $9', 'load-balancer': ' && $10 != $9' };
  const asked = statusRanges(statuses)
    .map(({ from, to, madeBy }) => `$9 >= ${from} && $9 <= ${to}${maker[madeBy]}`)
    .join(' || ');
  // In the awk pattern, a dot replaces any character that does not belong in a name.
  const name = loadBalancer.name.replace(/[^\w/-]/g, '.');
  return command`find logs -name ${'*.log*'} -exec zcat -f {} + | awk ${`$3 ~ "/${name}/" && (${asked})`}`;
}

/** Identifies the load balancer by app/name/id, because another one may have the same name. */
function withResourceName(question: Question): Question {
  const { name, arn, resource } = question.loadBalancer;
  return { ...question, loadBalancer: { name: resource ?? name, arn } };
}

async function readRecordedAccessLog(
  incident: Incident,
  question: Question,
  idleTimeoutSeconds: number,
  signal: AbortSignal | undefined,
): Promise<Collected<AccessLog>> {
  const { dir, logs, recording } = incident;
  if (logs) {
    const { readAccessLog } = await import('../access-log/embedded/embedded-engine.ts');
    const folder = join(dir, 'logs');
    const read = (asked: Question) =>
      readAccessLog({ folder, question: withResourceName(asked), idleTimeoutSeconds, ...(signal ? { signal } : {}) });
    const value = await read(question);
    await assertReadable(folder, value);
    const longer = lookBackQuestion(question);
    if (longer === null) return asRecorded(value, incident, question);
    const log = await read(longer);
    return asRecorded({ ...value, earlier: { from: longer.from, log } }, incident, question);
  }
  const answers = recording['access-log.json'];
  if (answers !== undefined) {
    assertSameQuestion(incident, question);
    if ((answers.accessLog.earlier?.from ?? question.from) !== question.from - (question.lookBack ?? 0)) {
      throw new Problem(
        'access-log.json holds answers and no log files: it cannot be read further back than it was for the recording.',
        1,
      );
    }
    const { source, accessLog } = answers;
    return { status: 'collected', source: readSource(source) ?? searchCommand(question), value: accessLog };
  }
  const { source, ...failure } = recording['incident.json'].unavailable?.accessLog ?? {
    source: '',
    kind: 'not-recorded' as const,
    reason: NO_ACCESS_LOG,
  };
  return { status: 'unavailable', source: readSource(source) ?? searchCommand(question), ...failure };
}

/**
 * Restores facts about the log files from when the incident was saved: why some were unreadable (their placeholders in
 * logs/ fail for another reason), and, if the same window was read, their size before redaction and how they were
 * fetched.
 */
function asRecorded(log: AccessLog, incident: Incident, question: Question): Collected<AccessLog> {
  const { from, to, loadBalancer, recording } = incident;
  const { unreadable: reasons = {}, logBytes, fetched, longerLook } = recording['incident.json'];
  const isSame =
    from === question.from &&
    to === question.to &&
    findLoadBalancer(loadBalancer, candidatesIn(recording)).name === question.loadBalancer.name;
  const unreadable = log.files.unreadable.map((one) => ({ ...one, reason: reasons[one.file] ?? one.reason }));
  const bytes = isSame ? (logBytes ?? log.files.bytes) : log.files.bytes;
  return {
    status: 'collected',
    source: (isSame && fetched ? readSource(fetched.source) : null) ?? searchCommand(question),
    value: {
      ...log,
      files: { ...log.files, unreadable, bytes },
      ...longerWindowOffer(),
      ...(isSame && fetched ? { cost: fetched.cost, reading: fetched.reading, unanswered: fetched.unanswered } : {}),
    },
  };

  /** Files left out of the recording may cover an earlier time. */
  function longerWindowOffer(): Pick<AccessLog, 'longerLook'> {
    if (question.lookBack !== undefined) return {};
    const offered = isSame && longerLook ? readLookBackCommand(longerLook.command) : null;
    if (offered !== null) return { longerLook: { command: offered, estimate: longerLook?.estimate ?? null } };
    return log.files.outsideWindow > 0 ? { longerLook: { command: RECORDED_LOOK_BACK, estimate: null } } : {};
  }
}

const NAMED_FILES = 5;

/** Accepts unreadable log files as gaps; throws if there is no readable one. */
async function assertReadable(logs: string, { files, lines }: AccessLog): Promise<void> {
  const { unreadable } = files;
  const leftOut = files.outsideWindow + files.connectionLogs + files.healthCheckLogs;
  if (unreadable.length === 0 || lines + leftOut > 0) return;
  // Files that turned out damaged while being read count as read.
  const { inspectFile } = await import('../access-log/log-files.ts');
  const ends = await Promise.all(unreadable.map(({ file }) => inspectFile(join(logs, file))));
  if (files.read > ends.filter((one) => !('fault' in one)).length) return;
  const named = unreadable.slice(0, NAMED_FILES).map(({ file, reason }) => `logs/${file} (${reason})`);
  const more = unreadable.length - named.length;
  throw new Problem(`No log file can be read: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`, 2);
}

/** Throws unless access-log.json answers this question; its answers would be wrong for another one. */
function assertSameQuestion({ recording, loadBalancer }: Incident, question: Question): void {
  const answers = recording['access-log.json'];
  if (answers === undefined) return;
  const isSame =
    epochOf(answers.from) === question.from &&
    epochOf(answers.to) === question.to &&
    [...answers.statuses].sort().join() === [...question.statuses].sort().join() &&
    findLoadBalancer(loadBalancer, candidatesIn(recording)).name === question.loadBalancer.name;
  if (isSame) return;
  throw new Problem(
    `access-log.json holds ${answers.statuses.join(', ')} of ${loadBalancerNameIn(loadBalancer)} from ${answers.from} to ${answers.to} and nothing else: ask for that.`,
    1,
  );
}
