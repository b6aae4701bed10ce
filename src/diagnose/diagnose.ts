/** Evidence → diagnosis. Pure: the same evidence gives the same bytes. */
import type { Attributes } from '../evidence/aws.ts';
import type { AccessLog, Collected, EvidenceName, EvidenceSet, Question } from '../evidence/evidence.ts';
import { errorsInMetrics, metricsReach } from '../evidence/metrics.ts';
import { iso, list, number, plural, utcTime, utcTimeSpan } from '../format/wording.ts';
import { LOGS_COMPLETE_AFTER, nextCheck } from '../query/recheck.ts';
import { GATEWAY } from '../query/statuses.ts';
import { causes } from './causes/index.ts';
import type { CheckOutcome, CheckVerdict } from './check-verdict.ts';
import type { Check, StepNumber } from './checks/check.ts';
import { STEP_TITLES } from './checks/check.ts';
import { type CheckId, checklist } from './checks/index.ts';
import type { CauseResult, CheckFinding, ChecklistStep, Diagnosis, Part, Verdict } from './diagnosis.ts';
import type { DiagnosisEvidence, DiagnosisEvidenceName } from './diagnosis-evidence.ts';
import { gapSentence, gapsOf } from './gaps.ts';

import { judgeCause, judgeErrorText } from './judge-causes.ts';
import { NO_FIX } from './judgement.ts';
import { networkPathsOf, PATH_EVIDENCE } from './network-path/target-paths.ts';
import { measureKeepAlive, needsLongerWindow } from './patterns/keep-alive.ts';
import { runtimesClosingAt } from './patterns/runtimes.ts';
import { tracesOf } from './traces.ts';
import { groupBy, readTraffic, type Traffic, targetGroupName, withSignature } from './traffic.ts';
import { clientsThatGaveUp, errorsInLog, NO_TRIAGE, timeline, triage } from './triage.ts';
import { decideVerdict, type JudgedCause, partsOf, type Ranking, rankCauses } from './verdict.ts';

type DiagnosisEvidenceSet = EvidenceSet & { traffic: Collected<Traffic> };

export function diagnose(question: Question, evidence: EvidenceSet): Diagnosis {
  const traffic = collectedTraffic(question, evidence);
  const evidenceWithTraffic: DiagnosisEvidenceSet = { ...evidence, traffic };
  const logTraffic = traffic.status === 'collected' ? traffic.value : null;
  const metrics = evidence.metrics.status === 'collected' ? evidence.metrics.value : null;
  const inMetrics = metrics ? errorsInMetrics(question, metrics) : null;
  const inLog = logTraffic ? errorsInLog(logTraffic, question) : null;
  const newest = logTraffic?.log.newest ?? null;
  const provisional =
    question.now < question.to + LOGS_COMPLETE_AFTER &&
    (newest === null || newest < question.to || (inLog !== null && inMetrics !== null && inLog < inMetrics));

  const steps = runChecklist(evidenceWithTraffic, question);
  const ranking =
    logTraffic && logTraffic.errorCount > 0 ? rankCauses(judgeCauses(evidenceWithTraffic, question), logTraffic) : null;
  const traces = logTraffic && ranking ? tracesOf(ranking.unexplained) : null;
  const gaps = gapsOf(evidence, logTraffic);
  return {
    schema: 1,
    loadBalancer: question.loadBalancer,
    window: { from: iso(question.from), to: iso(question.to) },
    asked: { statuses: question.statuses, targetGroup: null, zone: null, now: iso(question.now) },
    provisional,
    triage: logTraffic ? triage(logTraffic, question, metrics ? metricsReach(question, metrics) : null) : NO_TRIAGE,
    completeness: {
      errorsInLog: inLog,
      errorsInMetrics: inMetrics,
      newestEntry: newest === null ? null : iso(newest),
      unreadableLines: logTraffic ? logTraffic.log.rejected.lines : null,
    },
    signatures: signaturesOf(logTraffic, ranking),
    timeline: logTraffic ? timeline(logTraffic, question) : [],
    steps,
    causes: ranking ? ranking.causes : untestedCauses(logTraffic),
    verdict: diagnosisVerdict(),
    parts: logTraffic && ranking ? partsOf(ranking, logTraffic) : unreadPart(inMetrics),
    events: [],
    beside: {
      targetMade: {},
      clientClosed: logTraffic ? clientsThatGaveUp(logTraffic) : 0,
      statuses: [],
      badRequestGroups: [],
    },
    impact: logTraffic && logTraffic.errorCount === 0 ? 'none' : 'low',
    keepAlive: logTraffic ? keepAliveOf(logTraffic, evidence) : null,
    traces,
    networkPaths: networkPathsOf(collectedOf(evidenceWithTraffic, PATH_EVIDENCE)),
    gaps: gaps.map(gapSentence),
    gapDetails: gaps,
    cost: logTraffic?.log.cost ?? { bytesScanned: logTraffic?.log.files.bytes ?? 0, usd: 0, queries: 0 },
    ...(logTraffic?.log.reading ? { reading: logTraffic.log.reading } : {}),
  };

  function diagnosisVerdict(): Verdict {
    if (logTraffic && ranking) return decideVerdict(ranking, logTraffic, traces?.ids ?? []);
    return logTraffic
      ? verdictWithoutErrors(logTraffic, question, inMetrics)
      : verdictWithoutLog(traffic, inMetrics, evidence.attributes);
  }
}

function collectedTraffic(question: Question, { accessLog }: EvidenceSet): Collected<Traffic> {
  return accessLog.status === 'collected' ? { ...accessLog, value: readTraffic(accessLog.value, question) } : accessLog;
}

/** The values of the evidence that could be looked at. */
function collectedOf(
  evidence: DiagnosisEvidenceSet,
  names: readonly DiagnosisEvidenceName[],
): Partial<DiagnosisEvidence> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const item = evidence[name];
      return item.status === 'collected' ? [[name, item.value]] : [];
    }),
  );
}

function runChecklist(evidence: DiagnosisEvidenceSet, question: Question): ChecklistStep[] {
  const numbers: StepNumber[] = [1, 2, 3, 4, 5, 6];
  return numbers.map((step) => {
    const findings = checklist
      .filter((check) => check.step === step)
      .map((check) => runCheck(check, evidence, question));
    return { step, title: STEP_TITLES[step], outcome: worst(findings), findings };
  });
}

const WORST_FIRST: CheckOutcome[] = ['fail', 'unknown', 'pass', 'not-applicable'];

const worst = (findings: CheckFinding[]): CheckOutcome =>
  WORST_FIRST.find((outcome) => findings.some((finding) => finding.outcome === outcome)) ?? 'not-applicable';

function runCheck(check: Check & { id: CheckId }, evidence: DiagnosisEvidenceSet, question: Question): CheckFinding {
  const used = [...check.needs, ...check.wants];
  const verdict = checkVerdict();
  return {
    check: check.id,
    outcome: verdict.outcome,
    summary: verdict.summary,
    facts: verdict.facts ?? [],
    missing: verdict.outcome === 'unknown' && verdict.missing ? missingNames(used, evidence) : [],
    sources: [...new Set(used.map((name) => evidence[name].source))],
    why: check.why,
    fix: verdict.outcome === 'fail' ? (verdict.fix ?? check.fix) : null,
    reference: check.reference,
  };

  function checkVerdict(): CheckVerdict {
    const missingReasons = check.needs.flatMap((name) => {
      const item = evidence[name];
      return item.status === 'unavailable' ? [item.reason] : [];
    });
    if (missingReasons.length > 0)
      return {
        outcome: 'unknown',
        summary: `Could not check: ${[...new Set(missingReasons)].join('; ')}.`,
        missing: true,
      };
    try {
      // What the check declared, and nothing else; its own type says which of it must be there.
      return check.evaluate(collectedOf(evidence, used) as DiagnosisEvidence, question);
    } catch (error) {
      return { outcome: 'unknown', summary: judgeErrorText(error) };
    }
  }
}

const missingNames = (used: readonly DiagnosisEvidenceName[], evidence: DiagnosisEvidenceSet): EvidenceName[] => [
  ...new Set(
    used
      .filter((name) => evidence[name].status === 'unavailable')
      .map((name) => (name === 'traffic' ? 'accessLog' : name)),
  ),
];

function judgeCauses(evidence: DiagnosisEvidenceSet, question: Question): JudgedCause[] {
  return causes.map((cause) => ({
    cause,
    judgement: judgeCause(cause, collectedOf(evidence, ['traffic', ...cause.wants]) as DiagnosisEvidence, question),
  }));
}

/** Without errors, or without a log, no cause has anything to explain. */
function untestedCauses(traffic: Traffic | null): CauseResult[] {
  const missing = [traffic ? 'There is no error it could explain.' : 'The access log could not be read.'];
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

function signaturesOf(traffic: Traffic | null, ranking: Ranking | null): Diagnosis['signatures'] {
  return (traffic?.bySignature ?? []).map(({ id, count }) => ({
    id,
    count,
    share: traffic && traffic.errorCount > 0 ? count / traffic.errorCount : 0,
    ambiguousBetween: severalOrNone(ranking?.open.get(id) ?? []),
  }));
}

/** A single cause is no ambiguity. */
const severalOrNone = <T>(items: T[]): T[] => (items.length > 1 ? items : []);

function keepAliveOf(traffic: Traffic, { attributes }: EvidenceSet): Diagnosis['keepAlive'] {
  const groups = groupBy(withSignature(traffic, 'closed-before-response'), (error) => error.target_group_arn);
  const most = Math.max(...[...groups.values()].map((errors) => errors.length));
  const measures = measureKeepAlive(traffic);
  const shown = measures.find(({ edge }) => edge !== null)?.target_group_arn;
  const arn = shown ?? [...groups.keys()].filter((group) => groups.get(group)?.length === most).sort()[0];
  if (arn === undefined) return null;
  // Nothing to measure where every such error is of a route that always fails.
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

/** Rows, but no asked error among them; or no rows at all, which is not the same. */
function verdictWithoutErrors({ log }: Traffic, question: Question, inMetrics: number | null): Verdict {
  const what = list(
    question.statuses.map((word) => (word === GATEWAY ? 'a gateway error' : word)),
    6,
  );
  const counted = inMetrics === null ? '' : ` CloudWatch counts ${number(inMetrics)}.`;
  const window = `from ${utcTimeSpan(question.from, question.to)}`;
  if (log.requests > 0 && !inMetrics) {
    const newest = log.newest === null ? '' : `, the newest from ${utcTime(log.newest)}`;
    return {
      cause: null,
      standing: 'none',
      between: [],
      explains: 0,
      summary: `No request failed with ${what} ${window}: ${plural(log.requests, 'access-log entry', 'access-log entries')} read${newest}.${counted}`,
      decidedBy: null,
    };
  }
  const undecided = { cause: null, standing: 'undecided' as const, between: [], explains: inMetrics ? 1 : 0 };
  const again = nextCheck(question, question.now, 1);
  const later =
    again !== null
      ? `Files usually arrive within 5 to 10 minutes: ask again at ${utcTime(again)}.`
      : 'Files usually arrive within 5 to 10 minutes, and that time has passed.';
  if (log.requests > 0) {
    return {
      ...undecided,
      summary: `None of the ${plural(log.requests, 'access-log entry', 'access-log entries')} read ${window} failed with ${what}, but CloudWatch counts ${number(inMetrics ?? 0)}: the log is not complete.`,
      decidedBy: `${later} Access logs are best effort: some entries may never come.`,
    };
  }
  const newest = log.newest === null ? noEntryText(log) : `the newest is from ${utcTime(log.newest)}`;
  return {
    ...undecided,
    summary: `No access-log entries of this load balancer ${window}; ${newest}. That is not "no errors".${counted}`,
    decidedBy: `${later} If none come, check that access logging is on and that the bucket policy lets it deliver.`,
  };
}

/** Where no error was read, all that CloudWatch counts is one part. */
const unreadPart = (inMetrics: number | null): Part[] =>
  inMetrics ? [{ causes: [], standing: 'unread', errors: inMetrics, share: 1 }] : [];

const noEntryText = ({ files }: AccessLog): string =>
  files.read === 0 ? 'there is no file of that time' : `there is none in the ${plural(files.read, 'file')} read`;

function verdictWithoutLog(
  traffic: Collected<Traffic>,
  inMetrics: number | null,
  attributes: Collected<Attributes>,
): Verdict {
  const reason = traffic.status === 'unavailable' ? traffic.reason : 'it could not be read';
  const counted = inMetrics === null ? '' : ` CloudWatch counts ${plural(inMetrics, 'error')}.`;
  return {
    cause: null,
    standing: 'undecided',
    between: [],
    explains: inMetrics ? 1 : 0,
    summary: `Without the access log no cause can be named: ${reason}.${counted}`,
    decidedBy: accessLogAdvice(attributes),
  };
}

function accessLogAdvice(attributes: Collected<Attributes>): string {
  if (attributes.status === 'unavailable')
    return 'The access log: see whether it is on (access_logs.s3.enabled), or add its files to logs/ of the recording.';
  return attributes.value['access_logs.s3.enabled'] === 'true'
    ? 'The access log, which is on: mend what kept it from being read, and ask again.'
    : 'The access log: enable it on the load balancer (access_logs.s3.enabled), or add its files to logs/ of the recording.';
}
