/** Turns evidence into a diagnosis. Pure: the same evidence gives the same bytes. */

import type { Cost } from '../evidence/access-log.ts';
import type { EvidenceSet } from '../evidence/evidence.ts';
import { errorsInMetrics, metricsReach } from '../evidence/metrics.ts';
import type { Question } from '../evidence/question.ts';
import { sumOfCosts } from '../evidence/sum-of-costs.ts';
import { iso, number, plural } from '../format/wording.ts';
import { attributeErrors, type ErrorPart, isDecided, orderParts } from './attribution.ts';
import { backgroundMatcher } from './background.ts';
import { besideOf, NOTHING_BESIDE } from './beside.ts';
import { causeResults, type JudgedCause, openCauses } from './cause-results.ts';
import type { CauseId } from './causes/index.ts';
import { causes } from './causes/index.ts';
import { collectedTraffic } from './collected-traffic.ts';
import type { CauseResult, ChecklistStep, Diagnosis, EventResult, Verdict } from './diagnosis.ts';
import { collectedOf, type DiagnosisEvidenceSet } from './diagnosis-evidence.ts';
import { errorsInLog } from './errors-in-log.ts';
import { EVENT_EVIDENCE_NAMES } from './events/event.ts';
import { findEvents } from './events/find-events.ts';
import { type IncidentEvent, isOnset } from './events/incident-event.ts';
import { judgeBesideEvents } from './events/judge-beside-events.ts';
import { withReasonFixes } from './events/reason-fix.ts';
import { withRollBack } from './events/roll-back.ts';
import { withConflicts } from './fix-conflicts.ts';
import { gapSentence, gapsOf } from './gaps.ts';
import { impactOf } from './impact-level.ts';
import { judgeCause } from './judge-causes.ts';
import { claimsOf, NO_FIX } from './judgement.ts';
import { networkPathsOf } from './network-path/paths-in-diagnosis.ts';
import { PATH_EVIDENCE } from './network-path/target-paths.ts';
import { partsOf, unreadErrors } from './parts.ts';
import { edgeErrors, edgeErrorsSentence, isMadeAtEdge } from './patterns/edge-errors.ts';
import { errorsBefore } from './patterns/errors-before.ts';
import { measureKeepAlive, needsLongerWindow } from './patterns/keep-alive.ts';
import { ownedTargets } from './patterns/owner-concentration.ts';
import { runtimesClosingAt } from './patterns/runtimes.ts';
import { slowestRoutes } from './patterns/slowest-routes.ts';
import { isProvisional } from './provisional.ts';
import { runChecklist } from './run-checklist.ts';
import type { SignatureId } from './signature.ts';
import { tracesOf } from './traces.ts';
import { countErrors, groupBy, type Traffic, targetGroupName, withSignature } from './traffic.ts';
import { NO_TRIAGE, timeline, triage } from './triage.ts';
import { decideVerdict } from './verdict.ts';
import {
  arrivalText,
  nextStepOf,
  type VisibleFault,
  verdictWithoutErrors,
  verdictWithoutLog,
} from './verdict-without-errors.ts';
import { withWeight } from './weighted-fix.ts';

export function diagnose(question: Question, evidence: EvidenceSet): Diagnosis {
  const traffic = collectedTraffic(question, evidence);
  const evidenceWithTraffic: DiagnosisEvidenceSet = { ...evidence, traffic, logDelivery: logDeliveryOf(evidence) };
  const logTraffic = traffic.status === 'collected' ? traffic.value : null;
  const metrics = evidence.metrics.status === 'collected' ? evidence.metrics.value : null;
  const inMetrics = metrics ? errorsInMetrics(question, metrics) : null;
  const inLog = logTraffic ? errorsInLog(logTraffic, question) : null;
  const newest = logTraffic?.log.newest ?? null;
  const provisional = isProvisional(question, { log: logTraffic?.log ?? null, metrics, inLog, inMetrics });

  const unread = unreadErrors(inLog, inMetrics, logTraffic?.errorCount ?? 0);
  const ranking =
    logTraffic && logTraffic.errorCount > 0 ? rank(logTraffic, evidenceWithTraffic, question, unread) : null;
  const steps = runChecklist(evidenceWithTraffic, question, ranking);
  const gaps = gapsOf(evidence, logTraffic);
  const beside = logTraffic ? besideOf(logTraffic) : NOTHING_BESIDE;
  const partsInMetrics = (inMetrics ?? 0) > 0 && !ranking ? partsOf([], [], inMetrics ?? 0) : [];
  return {
    schema: 1,
    loadBalancer: question.loadBalancer,
    window: { from: iso(question.from), to: iso(question.to) },
    asked: {
      statuses: question.statuses,
      targetGroup: question.targetGroup ?? null,
      zone: question.zone ?? null,
      now: iso(question.now),
    },
    provisional,
    triage: logTraffic
      ? triage(logTraffic, question, metrics ? metricsReach(question, metrics) : null, beside)
      : NO_TRIAGE,
    completeness: {
      errorsInLog: inLog,
      errorsInMetrics: inMetrics,
      newestEntry: newest === null ? null : iso(newest),
      unreadableLines: logTraffic ? logTraffic.log.rejected.lines : null,
    },
    signatures: signaturesOf(logTraffic, ranking?.open ?? new Map()),
    timeline: logTraffic ? timeline(logTraffic, question) : [],
    steps,
    causes: ranking ? ranking.causes : untestedCauses(logTraffic),
    verdict: afterEdge(diagnosisVerdict(), evidence, logTraffic?.errorCount ?? 0),
    parts: ranking?.parts ?? partsInMetrics,
    events: ranking ? ranking.events.map((event) => eventResult(event, ranking.errorParts)) : [],
    beside,
    impact: impactOf({
      requests: logTraffic?.log.requests ?? null,
      errors: (logTraffic?.errorCount ?? 0) + unread,
      beside,
      steps,
    }),
    keepAlive: logTraffic ? keepAliveOf(logTraffic, evidence) : null,
    slowestRoutes: logTraffic ? slowestRoutes(logTraffic.log) : [],
    traces: ranking?.traces ?? null,
    ...ownersOf(logTraffic),
    networkPaths: networkPathsOf(collectedOf(evidenceWithTraffic, PATH_EVIDENCE)),
    gaps: gaps.map(gapSentence),
    gapDetails: gaps,
    cost: withEdgeCost(
      logTraffic?.log.cost ?? { bytesScanned: logTraffic?.log.files.bytes ?? 0, usd: 0, queries: 0 },
      evidence,
    ),
    ...(logTraffic?.log.reading ? { reading: logTraffic.log.reading } : {}),
  };

  function diagnosisVerdict(): Verdict {
    const faults = visibleFaults(steps);
    if (logTraffic && ranking) {
      const visible = [...faults.map(nextStepOf), arrivalText(question, logTraffic.log.reading)].join(' ');
      const { parts, errorParts, events, causes: results, summaries, traces } = ranking;
      return decideVerdict({
        ...{ traffic: logTraffic, parts, errorParts, events, causes: results, summaries, visible },
        traces,
      });
    }
    return logTraffic
      ? verdictWithoutErrors(logTraffic, question, inMetrics, faults, evidence.attributes)
      : verdictWithoutLog(traffic, inMetrics, evidence.attributes, faults, question);
  }
}

/** The cost of reading the access log plus the cost of reading the CloudFront log. */
export function withEdgeCost(cost: Cost, { edge }: EvidenceSet): Cost {
  const own = edge.status === 'collected' ? edge.value.log?.cost : undefined;
  return own === undefined ? cost : sumOfCosts(cost, own);
}

/** The verdict, preceded by the errors that CloudFront answered instead of the load balancer. */
function afterEdge(verdict: Verdict, { edge }: EvidenceSet, count: number): Verdict {
  const errors = edgeErrors(edge.status === 'collected' ? edge.value : undefined);
  if (errors === null || !isMadeAtEdge(errors)) return verdict;
  // Users of CloudFront may not be its only clients.
  const isRest = count === errors.total - errors.made;
  const who = isRest ? `The other ${count === 1 ? 'one' : number(count)}` : plural(count, 'error');
  const own = count === 0 ? '' : `${who} came from the load balancer. `;
  return { ...verdict, summary: `${edgeErrorsSentence(errors)} ${own}${verdict.summary}` };
}

/** The number of faults named if the errors cannot be read. */
const FAULTS_NAMED = 3;

/** The faults found by the checks of steps 2 to 6. */
const visibleFaults = (steps: readonly ChecklistStep[]): VisibleFault[] =>
  steps
    .filter(({ step }) => step > 1)
    .flatMap(({ findings }) => findings.filter(({ outcome }) => outcome === 'fail'))
    .slice(0, FAULTS_NAMED);

/** Judges the causes and assigns the errors to them. */
function rank(traffic: Traffic, evidence: DiagnosisEvidenceSet, question: Question, unread: number) {
  const known = collectedOf(evidence, EVENT_EVIDENCE);
  const found = findEvents(traffic, known, question);
  const judged = judgeCauses(evidence, question, judgeBesideEvents(traffic, found));
  const claims = judged.map(({ cause, judgement }) => ({ id: cause.id, claims: claimsOf(judgement) }));
  const attributed = attributeErrors(claims, found, traffic).map((part): ErrorPart => {
    const before = part.event === null ? errorsBefore(part.errors, traffic, known.metrics, question) : null;
    return before === null ? part : { ...part, before };
  });
  const errorParts = orderParts(attributed, backgroundMatcher(known, question));
  const events = found.filter((event) => isOnset(event) || errorParts.some((part) => part.event === event));
  const undecided = errorParts.filter((part) => !isDecided(part)).flatMap(({ errors }) => errors);
  const open = openCauses(judged, errorParts);
  return {
    events,
    errorParts,
    parts: partsOf(errorParts, events, unread),
    causes: withConflicts(
      withRollBack(
        withReasonFixes(
          withWeight(causeResults(judged, errorParts, traffic), errorParts[0], traffic, known),
          errorParts,
          traffic,
          known,
        ),
        traffic,
        known,
        question,
      ),
    ),
    open,
    summaries: new Map(
      judged.flatMap(({ cause, judgement }) =>
        judgement.kind === 'claims' && judgement.summary ? [[cause.id, judgement.summary] as const] : [],
      ),
    ),
    traces: tracesOf(undecided, open.get('closed-before-response') ?? []),
  };
}

/** Evidence for events, background errors and weighted targets. */
const EVENT_EVIDENCE = [...EVENT_EVIDENCE_NAMES, 'functionAliases', 'rules'] as const;

function eventResult(event: IncidentEvent, parts: readonly ErrorPart[]): EventResult {
  const { kind, standing, from, to, targets, errors, summary, calls, reason } = event;
  return {
    kind,
    standing,
    from: iso(from),
    to: to === null ? null : iso(to),
    targets,
    errors: Math.round(countErrors(errors)),
    // A burst has the causes that remain possible.
    causes: kind === 'burst' ? (parts.find((part) => part.event === event)?.causes ?? []) : event.causes,
    summary,
    calls: calls.map((call) => ({ ...call, at: iso(call.at) })),
    ...(reason === null ? {} : { reason: { kind: reason.kind, at: reason.at === null ? null : iso(reason.at) } }),
  };
}

function ownersOf(traffic: Traffic | null): Pick<Diagnosis, 'owners'> {
  const owned = traffic === null ? [] : ownedTargets(traffic);
  if (owned.length === 0) return {};
  return {
    owners: owned.map(({ owner, targetGroup, errors, ...each }) => ({
      ...each,
      targetGroup: targetGroupName(targetGroup),
      ...{ service: owner.service, revision: owner.revision, task: owner.task, instance: owner.instance },
      ...{ scalingGroup: owner.scalingGroup, zone: owner.zone },
      errors: Math.round(errors),
      stopped: owner.exit?.clause ?? null,
    })),
  };
}

/** Where the access log is delivered, as far as it was looked up. */
function logDeliveryOf({ accessLog }: EvidenceSet): DiagnosisEvidenceSet['logDelivery'] {
  const { source } = accessLog;
  if (accessLog.status === 'unavailable')
    return accessLog.delivered === undefined ? accessLog : { status: 'collected', source, value: accessLog.delivered };
  const { from, others = [] } = accessLog.value.reading ?? {};
  return { status: 'collected', source, value: [...(from === undefined ? [] : [from]), ...others] };
}

function judgeCauses(
  evidence: DiagnosisEvidenceSet,
  question: Question,
  besideEvents: ReturnType<typeof judgeBesideEvents>,
): JudgedCause[] {
  return causes.map((cause) => {
    const known = collectedOf(evidence, cause.wants);
    const judge = (traffic: Traffic) => judgeCause(cause, { ...known, traffic }, question);
    return { cause, judgement: besideEvents(cause.id, judge) };
  });
}

/** Without errors or without a log, no cause can be tested. */
function untestedCauses(traffic: Traffic | null): CauseResult[] {
  const missing = [traffic ? 'There is no error that it could explain.' : 'The access log could not be read.'];
  return causes.map(({ id, title, reference }) => ({
    id,
    title,
    standing: 'untested',
    summary: null,
    explains: 0,
    for: [],
    against: [],
    missing,
    fix: NO_FIX,
    reference,
  }));
}

function signaturesOf(traffic: Traffic | null, open: ReadonlyMap<SignatureId, CauseId[]>): Diagnosis['signatures'] {
  return (traffic?.bySignature ?? []).map(({ id, count }) => ({
    id,
    count,
    share: traffic && traffic.errorCount > 0 ? count / traffic.errorCount : 0,
    ambiguousBetween: severalOrNone(open.get(id) ?? []),
  }));
}

/** Returns nothing for a single cause, because one cause is not ambiguous. */
const severalOrNone = <T>(items: T[]): T[] => (items.length > 1 ? items : []);

function keepAliveOf(traffic: Traffic, { attributes }: EvidenceSet): Diagnosis['keepAlive'] {
  const groups = groupBy(withSignature(traffic, 'closed-before-response'), (error) => error.target_group_arn);
  const most = Math.max(...[...groups.values()].map((errors) => errors.length));
  const measures = measureKeepAlive(traffic);
  const shown = measures.find(({ edge }) => edge !== null)?.target_group_arn;
  const arn = shown ?? [...groups.keys()].filter((group) => groups.get(group)?.length === most).sort()[0];
  if (arn === undefined) return null;
  // If every such error belongs to a route that always fails, there is nothing to measure.
  const measure = measures.find((one) => one.target_group_arn === arn);
  const edge = measure?.edge ?? null;
  const seconds = edge?.seconds ?? null;
  const idle =
    attributes.status === 'collected' ? Number(attributes.value['idle_timeout.timeout_seconds']) : Number.NaN;
  return {
    targetGroup: targetGroupName(arn),
    measuredSeconds: seconds,
    idleTimeoutSeconds: Number.isFinite(idle) ? idle : null,
    errorsAtEdge: edge?.hits ?? 0,
    errorsExamined: edge?.examined ?? measure?.examined ?? 0,
    runtimes: seconds === null ? [] : runtimesClosingAt(seconds),
    measuredFrom: edge?.since == null ? null : iso(edge.since),
    longerLook: measure && needsLongerWindow(traffic, measure) ? (traffic.log.longerLook ?? null) : null,
  };
}
