/** Evidence → diagnosis. Pure: the same evidence gives the same bytes. */
import type { Attributes } from '../evidence/aws.ts';
import type { AccessLog, Collected, EvidenceSet, Question } from '../evidence/evidence.ts';
import { errorsInMetrics, metricsReach } from '../evidence/metrics.ts';
import { clock, clockSpan, iso, list, number, plural } from '../format/wording.ts';
import { LOGS_COMPLETE_AFTER, nextCheck } from '../query/recheck.ts';
import { causes } from './causes/index.ts';
import type { Check, CheckVerdict, Known, KnownName } from './checks/check.ts';
import { STEP_TITLES } from './checks/check.ts';
import { checklist } from './checks/index.ts';
import type { Diagnosis, Finding, Fix, JudgedCause, Outcome, Step, StepNumber, Verdict } from './diagnosis.ts';
import { gapsOf } from './gaps.ts';
import { measureKeepAlive, runtimesClosingAt, wantsMore } from './patterns/keep-alive.ts';
import { ADMITS } from './signature.ts';
import { tracesOf } from './traces.ts';
import { groupBy, readTraffic, type Traffic, targetGroupName, withSignature } from './traffic.ts';
import { errorsInLog, NO_TRIAGE, timeline, triage } from './triage.ts';
import { decide, type Opinion, type Ranking, rank } from './verdict.ts';

type KnownSet = EvidenceSet & { traffic: Collected<Traffic> };

export function diagnose(question: Question, evidence: EvidenceSet): Diagnosis {
  const traffic = collectedTraffic(question, evidence);
  const known: KnownSet = { ...evidence, traffic };
  const seen = traffic.status === 'collected' ? traffic.value : null;
  const metrics = evidence.metrics.status === 'collected' ? evidence.metrics.value : null;
  const inMetrics = metrics ? errorsInMetrics(question, metrics) : null;
  const inLog = seen ? errorsInLog(seen, question) : null;
  const newest = seen?.log.newest ?? null;
  const provisional =
    question.now < question.to + LOGS_COMPLETE_AFTER &&
    (newest === null || newest < question.to || (inLog !== null && inMetrics !== null && inLog < inMetrics));

  const steps = runChecklist(known, question);
  const ranking = seen && seen.total > 0 ? rank(opinions(known, question), seen) : null;
  const traces = seen && ranking ? tracesOf(ranking.unexplained) : null;
  return {
    schema: 1,
    loadBalancer: question.loadBalancer,
    window: { from: iso(question.from), to: iso(question.to) },
    asked: { statuses: question.statuses, now: iso(question.now) },
    provisional,
    triage: seen ? triage(seen, question, metrics ? metricsReach(question, metrics) : null) : NO_TRIAGE,
    completeness: {
      errorsInLog: inLog,
      errorsInMetrics: inMetrics,
      newestEntry: newest === null ? null : iso(newest),
      unreadableLines: seen ? seen.log.rejected.lines : null,
    },
    signatures: signaturesOf(seen, ranking),
    timeline: seen ? timeline(seen, question) : [],
    steps,
    causes: ranking ? ranking.causes : untested(seen),
    verdict: verdictOf(),
    keepAlive: seen ? keepAliveOf(seen, evidence) : null,
    traces,
    gaps: gapsOf(evidence, seen),
    cost: seen?.log.cost ?? { bytesScanned: seen?.log.files.bytes ?? 0, usd: 0, queries: 0 },
    ...(seen?.log.reading ? { reading: seen.log.reading } : {}),
  };

  function verdictOf(): Verdict {
    if (seen && ranking) return decide(ranking, seen, traces?.ids ?? []);
    return seen ? nothingFailed(seen, question, inMetrics) : noLog(traffic, inMetrics, evidence.attributes);
  }
}

function collectedTraffic(question: Question, { accessLog }: EvidenceSet): Collected<Traffic> {
  return accessLog.status === 'collected' ? { ...accessLog, value: readTraffic(accessLog.value, question) } : accessLog;
}

/** The values of the evidence that could be looked at. */
function collectedOf(known: KnownSet, names: readonly KnownName[]): Partial<Known> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const item = known[name];
      return item.status === 'collected' ? [[name, item.value]] : [];
    }),
  );
}

function runChecklist(known: KnownSet, question: Question): Step[] {
  const numbers: StepNumber[] = [1, 2, 3, 4, 5, 6];
  return numbers.map((step) => {
    const findings = checklist.filter((check) => check.step === step).map((check) => run(check, known, question));
    return { step, title: STEP_TITLES[step], outcome: worst(findings), findings };
  });
}

const WORST_FIRST: Outcome[] = ['fail', 'unknown', 'pass', 'not-applicable'];

const worst = (findings: Finding[]): Outcome =>
  WORST_FIRST.find((outcome) => findings.some((finding) => finding.outcome === outcome)) ?? 'not-applicable';

function run(check: Check, known: KnownSet, question: Question): Finding {
  const used = [...check.needs, ...check.wants];
  const verdict = verdictOf();
  return {
    check: check.id,
    outcome: verdict.outcome,
    summary: verdict.summary,
    facts: verdict.facts ?? [],
    sources: [...new Set(used.map((name) => known[name].source))],
    why: check.why,
    fix: verdict.outcome === 'fail' ? check.fix : null,
    reference: check.reference,
  };

  function verdictOf(): CheckVerdict {
    const refused = check.needs.flatMap((name) => {
      const item = known[name];
      return item.status === 'unavailable' ? [item.reason] : [];
    });
    if (refused.length > 0)
      return { outcome: 'unknown', summary: `Could not look: ${[...new Set(refused)].join('; ')}.` };
    try {
      // What the check declared, and nothing else; its own type says which of it must be there.
      return check.evaluate(collectedOf(known, used) as Known, question);
    } catch (error) {
      return { outcome: 'unknown', summary: notJudged(error) };
    }
  }
}

/** One that fails does not take the others down. */
function opinions(known: KnownSet, question: Question): Opinion[] {
  return causes.map((cause) => {
    const scene = collectedOf(known, ['traffic', ...cause.wants]) as Known;
    try {
      return { cause, judgement: cause.judge(scene, question), fix: cause.fix(scene, question) };
    } catch (error) {
      const judgement = { claims: [], for: [], against: [], missing: [notJudged(error)], ruledOut: false };
      return { cause, judgement, fix: NO_FIX };
    }
  });
}

const NO_FIX: Fix = { summary: '', commands: [], sideEffects: [] };

const notJudged = (error: unknown): string =>
  `Could not be judged: ${error instanceof Error ? error.message : String(error)}.`;

/** Without errors, or without a log, no cause has anything to explain. */
function untested(seen: Traffic | null): JudgedCause[] {
  const missing = [seen ? 'There is no error it could explain.' : 'The access log could not be read.'];
  return causes.map(({ id, title, reference }) => ({
    id,
    title,
    standing: 'untested',
    explains: 0,
    for: [],
    against: [],
    missing,
    fix: NO_FIX,
    reference,
  }));
}

function signaturesOf(seen: Traffic | null, ranking: Ranking | null): Diagnosis['signatures'] {
  return (seen?.bySignature ?? []).map(({ id, count }) => ({
    id,
    count,
    share: seen && seen.total > 0 ? count / seen.total : 0,
    ambiguousBetween: (ranking?.open.get(id) ?? []).filter(
      (cause, _, all) => all.length > 1 || !ADMITS[id].includes(cause),
    ),
  }));
}

function keepAliveOf(traffic: Traffic, { attributes }: EvidenceSet): Diagnosis['keepAlive'] {
  const groups = groupBy(withSignature(traffic, 'closed-before-response'), (error) => error.target_group_arn);
  const most = Math.max(...[...groups.values()].map((errors) => errors.length));
  const [arn] = [...groups.keys()].filter((group) => groups.get(group)?.length === most).sort();
  if (arn === undefined) return null;
  // Nothing to measure where every such error is of a route that always fails.
  const measure = measureKeepAlive(traffic).find((one) => one.target_group_arn === arn);
  const seconds = measure?.seconds ?? null;
  const idle =
    attributes.status === 'collected' ? Number(attributes.value['idle_timeout.timeout_seconds']) : Number.NaN;
  return {
    targetGroup: targetGroupName(arn),
    measuredSeconds: seconds,
    idleTimeoutSeconds: Number.isFinite(idle) ? idle : null,
    errorsAtEdge: measure?.hits ?? 0,
    errorsExamined: measure?.examined ?? 0,
    runtimes: seconds === null ? [] : runtimesClosingAt(seconds),
    measuredFrom: measure?.since == null ? null : iso(measure.since),
    longerLook: measure && wantsMore(measure) ? (traffic.log.longerLook ?? null) : null,
  };
}

/** Rows, but no asked error among them; or no rows at all, which is not the same. */
function nothingFailed({ log }: Traffic, question: Question, inMetrics: number | null): Verdict {
  const what = list(question.statuses, 6);
  const counted = inMetrics === null ? '' : ` CloudWatch counts ${number(inMetrics)}.`;
  const window = `from ${clockSpan(question.from, question.to)}`;
  if (log.requests > 0 && !inMetrics) {
    const newest = log.newest === null ? '' : `, the newest from ${clock(log.newest)}`;
    return {
      cause: null,
      standing: 'none',
      between: [],
      summary: `No request failed with ${what} ${window}: ${plural(log.requests, 'access-log entry', 'access-log entries')} read${newest}.${counted}`,
      decidedBy: null,
    };
  }
  const undecided = { cause: null, standing: 'undecided' as const, between: [] };
  const again = nextCheck(question, question.now, 1);
  const later =
    again !== null
      ? `Files usually arrive within 5 to 10 minutes: ask again at ${clock(again)}.`
      : 'Files usually arrive within 5 to 10 minutes, and that time has passed.';
  if (log.requests > 0) {
    return {
      ...undecided,
      summary: `None of the ${plural(log.requests, 'access-log entry', 'access-log entries')} read ${window} failed with ${what}, but CloudWatch counts ${number(inMetrics ?? 0)}: the log is not complete.`,
      decidedBy: `${later} Access logs are best effort: some entries may never come.`,
    };
  }
  const newest = log.newest === null ? nowhere(log) : `the newest is from ${clock(log.newest)}`;
  return {
    ...undecided,
    summary: `No access-log entries of this load balancer ${window}; ${newest}. That is not "no errors".${counted}`,
    decidedBy: `${later} If none come, check that access logging is on and that the bucket policy lets it deliver.`,
  };
}

const nowhere = ({ files }: AccessLog): string =>
  files.read === 0 ? 'there is no file of that time' : `there is none in the ${plural(files.read, 'file')} read`;

function noLog(traffic: Collected<Traffic>, inMetrics: number | null, attributes: Collected<Attributes>): Verdict {
  const reason = traffic.status === 'unavailable' ? traffic.reason : 'it could not be read';
  const counted = inMetrics === null ? '' : ` CloudWatch counts ${plural(inMetrics, 'error')}.`;
  return {
    cause: null,
    standing: 'undecided',
    between: [],
    summary: `Without the access log no cause can be named: ${reason}.${counted}`,
    decidedBy: readingDecides(attributes),
  };
}

function readingDecides(attributes: Collected<Attributes>): string {
  if (attributes.status === 'unavailable')
    return 'The access log: see whether it is on (access_logs.s3.enabled), or add its files to logs/ of the recording.';
  return attributes.value['access_logs.s3.enabled'] === 'true'
    ? 'The access log, which is on: mend what kept it from being read, and ask again.'
    : 'The access log: enable it on the load balancer (access_logs.s3.enabled), or add its files to logs/ of the recording.';
}
