/** Investigates recorded incidents as if they happened now, to try or test the bot without AWS. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { interruptedProblem } from '../collect/aws/call.ts';
import { type Collector, type Collectors, collect } from '../collect/collect.ts';
import { findLoadBalancer, loadBalancerNameIn } from '../collect/find-load-balancer.ts';
import {
  type Incident,
  type QuestionOverrides,
  questionToRecording,
  readIncident,
  recordedCollectors,
} from '../collect/incident/incident-collectors.ts';
import { candidatesIn } from '../collect/incident/read-evidence.ts';
import { diagnose } from '../diagnose/diagnose.ts';
import type { EvidenceName } from '../evidence/evidence.ts';
import { countedErrors } from '../evidence/metrics.ts';
import type { Question } from '../evidence/question.ts';
import { Problem } from '../problem.ts';
import type { ParsedQuestion } from '../query/parse-question.ts';
import { resolveWindow } from '../query/window.ts';
import { redactEvidence } from '../redact/redact-evidence.ts';
import type { InvestigationOptions, InvestigationResult, Investigator, LoadBalancerRef } from './investigator.ts';

interface RecordedOptions {
  /** Account name of the recorded load balancers. */
  account?: string;
  /** Milliseconds between pieces of evidence; the access log comes last. 0 means no delay. */
  pace?: number;
}

interface RecordedIncident {
  incident: Incident;
  /** Name of the incident's folder. */
  name: string;
  loadBalancer: LoadBalancerRef;
}

/**
 * Investigator for recorded incidents. Each folder is an incident or contains some. A load balancer is found by its
 * name, its ARN, or the name or part of the name of an incident, such as "slow-target". Among several incidents, the
 * window selects one; the default is the first. Throws Problem when a folder is no incident.
 */
export async function recordedInvestigator(
  folders: readonly string[],
  { account = 'default', pace = 0 }: RecordedOptions = {},
): Promise<Investigator> {
  const dirs = (await Promise.all(folders.map(incidentsIn))).flat();
  const read: RecordedIncident[] = await Promise.all(
    dirs.map(async (dir) => {
      const incident = await readIncident(dir);
      return { incident, name: basename(dir), loadBalancer: loadBalancerRefOf(incident, account) };
    }),
  );
  // A recording without an ARN takes it from another recording of the same load balancer name.
  const identified = read.map(({ loadBalancer }) => loadBalancer).filter(({ arn }) => arn !== null);
  const all = read.map((one) => ({
    ...one,
    loadBalancer:
      one.loadBalancer.arn === null
        ? (identified.find(({ name }) => name === one.loadBalancer.name) ?? one.loadBalancer)
        : one.loadBalancer,
  }));
  const distinct = new Map(all.map(({ loadBalancer }) => [loadBalancerKey(loadBalancer), loadBalancer]));
  const listed = [...distinct.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  /** References found by incident name stay bound to that incident. */
  const incidentByRef = new WeakMap<LoadBalancerRef, RecordedIncident>();

  const incidentsOf = (loadBalancer: LoadBalancerRef): [RecordedIncident, ...RecordedIncident[]] => {
    const [first, ...others] = all.filter((one) => loadBalancerKey(one.loadBalancer) === loadBalancerKey(loadBalancer));
    if (first === undefined) throw new Problem(`No recorded incident of ${loadBalancer.name}.`, 1);
    return [first, ...others];
  };

  /** Returns the incident that shares most of the window. */
  const closestIncident = ({ loadBalancer, from, to }: Question<LoadBalancerRef>): Incident =>
    incidentsOf(loadBalancer)
      .map(({ incident }) => incident)
      .reduce((best, one) => (overlap(one, { from, to }) > overlap(best, { from, to }) ? one : best));

  /** Resolves the question; omitted parts come from the recording. */
  const recordedQuestion = (
    { incident, loadBalancer }: RecordedIncident,
    { window, zone, statuses }: ParsedQuestion,
  ) => {
    const overrides: QuestionOverrides = {
      loadBalancer: null,
      // "last 15m" counts back from the end of the recorded window, not from the time of recording.
      window:
        window === null
          ? null
          : resolveWindow(
              { window, zone },
              { now: 'last' in window ? null : incident.now, window: incident },
              loadBalancer.name,
            ),
      statuses,
    };
    return questionToRecording(incident, overrides);
  };

  return {
    listLoadBalancers: () => listed,

    async find(nameOrArn, accounts) {
      const mine = accounts.includes(account) ? all : [];
      const words = nameOrArn.toLowerCase();
      const named = mine.filter(({ name }) => name.toLowerCase() === words);
      const isLoadBalancer = mine.some(({ loadBalancer }) => loadBalancer.name.toLowerCase() === words);
      const [incident, another] =
        named.length > 0 || isLoadBalancer ? named : mine.filter(({ name }) => name.toLowerCase().includes(words));
      if (incident !== undefined && another === undefined) {
        const ref = { ...incident.loadBalancer };
        incidentByRef.set(ref, incident);
        return ref;
      }
      const candidates = mine.length === 0 ? [] : listed;
      return findLoadBalancer(nameOrArn, candidates.map(toCandidate), ' among the recorded incidents').ref;
    },

    recordedWindow(nameOrArn) {
      const one = all.find(({ loadBalancer: { name, arn } }) => name === nameOrArn || arn === nameOrArn);
      return one === undefined ? null : `from ${formatMinute(one.incident.from)} to ${formatMinute(one.incident.to)}`;
    },

    resolveQuestion(parsed, loadBalancer) {
      const named = incidentByRef.get(loadBalancer);
      const candidates = named === undefined ? incidentsOf(loadBalancer) : ([named] as const);
      let problem: unknown = null;
      // Times without a date refer to the first incident whose window they overlap.
      for (const candidate of candidates) {
        try {
          const { from, to, now, statuses } = recordedQuestion(candidate, parsed);
          if (overlap(candidate.incident, { from, to }) > 0) return { loadBalancer, from, to, now, statuses };
        } catch (error) {
          problem ??= error;
        }
      }
      if (problem !== null) throw problem;
      const { from, to, now, statuses } = recordedQuestion(candidates[0], parsed);
      return { loadBalancer, from, to, now, statuses };
    },

    async countErrors(question) {
      const asked = questionToRecording(closestIncident(question), recordedOverrides(question));
      const metrics = await recordedCollectors(closestIncident(question), asked).metrics.collect();
      return metrics.status === 'collected' ? countedErrors(asked, metrics.value) : null;
    },

    investigate: async (question, options) => investigateIncident(closestIncident(question), question, options, pace),
  };
}

const recordedOverrides = ({ from, to, statuses }: Question<LoadBalancerRef>): QuestionOverrides => ({
  loadBalancer: null,
  window: { from, to },
  statuses,
});

async function investigateIncident(
  incident: Incident,
  asked: Question<LoadBalancerRef>,
  { signal, progress, onAccessLogStatus, onInterimDiagnosis }: InvestigationOptions,
  pace: number,
): Promise<InvestigationResult> {
  const question = { ...questionToRecording(incident, recordedOverrides(asked)), isFromAlarm: asked.isFromAlarm };
  const collectors = recordedCollectors(incident, question, signal);
  onAccessLogStatus?.(`reading the recorded log of ${loadBalancerNameIn(incident.loadBalancer)}`);
  const collected = await collect(withPace(collectors, pace, signal), progress, (early) =>
    onInterimDiagnosis?.(diagnose(question, early)),
  );
  const evidence = redactEvidence(collected);
  if (signal.aborted) throw interruptedProblem();
  return { question, evidence, diagnosis: diagnose(question, evidence), hasLogFiles: false };
}

/** Delays each piece of evidence after the previous one, so that a person sees them arrive. */
function withPace(collectors: Collectors, pace: number, signal: AbortSignal): Collectors {
  const names = Object.keys(collectors) as EvidenceName[];
  const delayed = <T>({ source, collect: read }: Collector<T>, turn: number): Collector<T> => ({
    source,
    async collect() {
      if (pace > 0) await pause(pace * turn, undefined, { signal }).catch(() => {});
      if (signal.aborted) throw interruptedProblem();
      return read();
    },
  });
  const turnOf = (name: EvidenceName) => (name === 'accessLog' ? names.length : names.indexOf(name));
  return {
    accessLog: delayed(collectors.accessLog, turnOf('accessLog')),
    metrics: delayed(collectors.metrics, turnOf('metrics')),
    loadBalancer: delayed(collectors.loadBalancer, turnOf('loadBalancer')),
    attributes: delayed(collectors.attributes, turnOf('attributes')),
    listeners: delayed(collectors.listeners, turnOf('listeners')),
    rules: delayed(collectors.rules, turnOf('rules')),
    targetGroups: delayed(collectors.targetGroups, turnOf('targetGroups')),
    targetGroupAttributes: delayed(collectors.targetGroupAttributes, turnOf('targetGroupAttributes')),
    targetHealth: delayed(collectors.targetHealth, turnOf('targetHealth')),
    securityGroups: delayed(collectors.securityGroups, turnOf('securityGroups')),
    networkAcls: delayed(collectors.networkAcls, turnOf('networkAcls')),
    subnets: delayed(collectors.subnets, turnOf('subnets')),
    routeTables: delayed(collectors.routeTables, turnOf('routeTables')),
    networkInterfaces: delayed(collectors.networkInterfaces, turnOf('networkInterfaces')),
    instances: delayed(collectors.instances, turnOf('instances')),
    prefixLists: delayed(collectors.prefixLists, turnOf('prefixLists')),
    functions: delayed(collectors.functions, turnOf('functions')),
    functionAliases: delayed(collectors.functionAliases, turnOf('functionAliases')),
    tags: delayed(collectors.tags, turnOf('tags')),
    services: delayed(collectors.services, turnOf('services')),
    tasks: delayed(collectors.tasks, turnOf('tasks')),
    taskDefinitions: delayed(collectors.taskDefinitions, turnOf('taskDefinitions')),
    containerInstances: delayed(collectors.containerInstances, turnOf('containerInstances')),
    serviceDeployments: delayed(collectors.serviceDeployments, turnOf('serviceDeployments')),
    serviceRevisions: delayed(collectors.serviceRevisions, turnOf('serviceRevisions')),
    scalingActivities: delayed(collectors.scalingActivities, turnOf('scalingActivities')),
    lifecycleHooks: delayed(collectors.lifecycleHooks, turnOf('lifecycleHooks')),
    codeDeployments: delayed(collectors.codeDeployments, turnOf('codeDeployments')),
    changes: delayed(collectors.changes, turnOf('changes')),
    edge: delayed(collectors.edge, turnOf('edge')),
  };
}

/** Returns the folder itself if it is an incident, else the incidents directly in it. */
async function incidentsIn(folder: string): Promise<string[]> {
  if (await isIncident(folder)) return [folder];
  const entries = await readdir(folder).catch(() => []);
  const inner = entries.sort().map((entry) => join(folder, entry));
  const which = await Promise.all(inner.map(isIncident));
  const found = inner.filter((_, at) => which[at]);
  if (found.length === 0)
    throw new Problem(
      `${folder} is not a recorded incident and contains none (expected incident.json in it or in a folder below).`,
      1,
    );
  return found;
}

const isIncident = async (folder: string): Promise<boolean> =>
  stat(join(folder, 'incident.json')).then(
    (found) => found.isFile(),
    () => false,
  );

function loadBalancerRefOf(incident: Incident, account: string): LoadBalancerRef {
  const { name, arn } = findLoadBalancer(incident.loadBalancer, candidatesIn(incident.recording));
  return { name, arn, account, region: /^arn:[^:]*:[^:]*:([^:]+):/.exec(arn ?? '')?.[1] ?? 'recorded' };
}

/** 2026-11-18T02:40Z; includes seconds unless they are 0. */
const formatMinute = (time: number): string => new Date(time).toISOString().replace(/(?::00)?\.000Z$/, 'Z');

const loadBalancerKey = ({ name, arn }: LoadBalancerRef): string => arn ?? name;
const toCandidate = (ref: LoadBalancerRef) => ({ name: ref.name, arn: ref.arn, ref });

/** Milliseconds that two windows share. */
const overlap = (a: { from: number; to: number }, b: { from: number; to: number }): number =>
  Math.min(a.to, b.to) - Math.max(a.from, b.from);
