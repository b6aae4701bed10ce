/** A recorded incident → the question it answers and the collectors of its evidence. */

import { join } from 'node:path';
import { type Attributes, epochOf } from '../../evidence/aws.ts';
import type { AccessLog, Collected, Evidence, EvidenceName, Question } from '../../evidence/evidence.ts';
import { type Command, command } from '../../format/command.ts';
import { Problem } from '../../problem.ts';
import { lookBackQuestion, RECORDED_LOOK_BACK } from '../../query/look-back.ts';
import { DEFAULT_STATUSES, statusRanges } from '../../query/statuses.ts';
import type { Collector, Collectors } from '../collect.ts';
import { asResource, findLoadBalancer, loadBalancerNameIn, resourceOf } from '../find-load-balancer.ts';
import type { Incident } from './incident.ts';
import { candidatesIn, recordedEvidence } from './read-evidence.ts';
import { readLookBackCommand, readSource } from './recorded-source.ts';

export { type Incident, readIncident } from './incident.ts';

/** The part of a question that was asked; what is null is the incident's own. Times are epoch milliseconds. */
export interface QuestionOverrides {
  loadBalancer: string | null;
  window: { from: number; to: number } | null;
  statuses: string[] | null;
  /** Milliseconds; see `Question`. */
  lookBack?: number | null;
}

/** Logs arrive up to 15 minutes late: a recording that does not say when it was made is taken to be complete. */
const COMPLETE_AFTER = 15 * 60_000 + 1000;

const IDLE_TIMEOUT = 'idle_timeout.timeout_seconds';
const DEFAULT_IDLE_TIMEOUT_SECONDS = 60;

const iso = (time: number): string => new Date(time).toISOString().replace('.000Z', 'Z');

/** When the recording takes "now" to be: as it says, else just after all logs of its window have arrived. */
const recordedNow = ({ now, to }: Incident): number => now ?? to + COMPLETE_AFTER;

/**
 * The question to a recording. Throws Problem (exit 1) for an unknown or ambiguous load balancer, a reversed or empty window, and a
 * window in the future of the recording.
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
    ...(lookBack > 0 ? { lookBack } : {}),
  };
}

const recordedStatuses = ({ logs, recording }: Incident): string[] | null =>
  logs ? null : (recording['access-log.json']?.statuses ?? null);

/** Seconds; the default where it could not be looked at. */
export function idleTimeoutOf(attributes: Collected<Attributes>): number {
  const configured = Number(attributes.status === 'collected' ? attributes.value[IDLE_TIMEOUT] : undefined);
  return configured > 0 ? configured : DEFAULT_IDLE_TIMEOUT_SECONDS;
}

/** What collects the evidence of a recording. Only the access log takes time, and ends at the signal; the rest has been read. */
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
    scalingActivities: recordedCollector('scalingActivities'),
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

/** Why there is no access log in a recording that does not say. */
const NO_ACCESS_LOG = 'the recording has neither logs/ nor access-log.json';

/** The search that shows the asked lines by hand, from within the incident folder. */
export function searchCommand({ loadBalancer, statuses }: Question): Command {
  const maker = { anyone: '', target: ' && $10 == $9', 'load-balancer': ' && $10 != $9' };
  const asked = statusRanges(statuses)
    .map(({ from, to, madeBy }) => `$9 >= ${from} && $9 <= ${to}${maker[madeBy]}`)
    .join(' || ');
  // In the pattern of awk, a dot stands for whatever a name should not hold.
  const name = loadBalancer.name.replace(/[^\w/-]/g, '.');
  return command`find logs -name ${'*.log*'} -exec zcat -f {} + | awk ${`$3 ~ "/${name}/" && (${asked})`}`;
}

/** The question with the load balancer by app/name/id where its name alone could be that of another. */
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
    const { readAccessLog } = await import('../access-log/duckdb/duckdb-engine.ts');
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
 * The log files as they were when the incident was saved: why some could not be read (what stands for them in logs/ is unreadable for
 * another reason), and, when the same window of them was read, how large they were before redaction and how they were fetched.
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

  /** Files that were left out may be of an earlier time. */
  function longerWindowOffer(): Pick<AccessLog, 'longerLook'> {
    if (question.lookBack !== undefined) return {};
    const offered = isSame && longerLook ? readLookBackCommand(longerLook.command) : null;
    if (offered !== null) return { longerLook: { command: offered, estimate: longerLook?.estimate ?? null } };
    return log.files.outsideWindow > 0 ? { longerLook: { command: RECORDED_LOOK_BACK, estimate: null } } : {};
  }
}

const NAMED_FILES = 5;

/** A log file that cannot be read is a gap; when there is no other, nothing can be diagnosed. */
async function assertReadable(logs: string, { files, lines }: AccessLog): Promise<void> {
  const { unreadable } = files;
  const leftOut = files.outsideWindow + files.connectionLogs + files.healthCheckLogs;
  if (unreadable.length === 0 || lines + leftOut > 0) return;
  // Files that were found damaged while they were read are among those read.
  const { inspectFile } = await import('../access-log/log-files.ts');
  const ends = await Promise.all(unreadable.map(({ file }) => inspectFile(join(logs, file))));
  if (files.read > ends.filter((one) => !('fault' in one)).length) return;
  const named = unreadable.slice(0, NAMED_FILES).map(({ file, reason }) => `logs/${file} (${reason})`);
  const more = unreadable.length - named.length;
  throw new Problem(`No log file can be read: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`, 2);
}

/** access-log.json answers one question; another would get an answer that is wrong. */
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
