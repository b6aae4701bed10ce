/** Runs the checks on the collected evidence. */
import type { EvidenceName } from '../evidence/evidence.ts';
import type { Question } from '../evidence/question.ts';
import { list } from '../format/wording.ts';
import type { CheckOutcome, CheckVerdict } from './check-verdict.ts';
import { type Check, STEP_NUMBERS, STEP_TITLES } from './checks/check.ts';
import { type CheckId, checklist } from './checks/index.ts';
import type { CauseResult, CheckFinding, ChecklistStep, Part } from './diagnosis.ts';
import {
  collectedOf,
  type DiagnosisEvidence,
  type DiagnosisEvidenceName,
  type DiagnosisEvidenceSet,
  evidenceNameOf,
} from './diagnosis-evidence.ts';
import { EVIDENCE_TITLE } from './gaps.ts';
import { judgeErrorText } from './judge-causes.ts';
import { noEntriesVerdict } from './no-errors.ts';

/** Whether the verdict's causes explain the fault of a check, so that their fix is the one to follow. */
type IsExplained = (check: Check) => boolean;

function explainedBy(causes: readonly CauseResult[], parts: readonly Part[]): IsExplained {
  const decided = causes
    .filter(({ standing }) => standing === 'confirmed' || standing === 'likely')
    .map(({ id }) => id);
  const leads = parts[0]?.standing;
  const isFound = leads === 'confirmed' || leads === 'likely';
  return ({ symptom, namedBy = [] }) => (symptom === true && isFound) || namedBy.some((id) => decided.includes(id));
}

/** `judged`: the causes and parts, if there are errors: a fix that contradicts theirs is left out. */
export function runChecklist(
  evidence: DiagnosisEvidenceSet,
  question: Question,
  judged: { causes: readonly CauseResult[]; parts: readonly Part[] } | null,
): ChecklistStep[] {
  const isExplained = explainedBy(judged?.causes ?? [], judged?.parts ?? []);
  return STEP_NUMBERS.map((step) => {
    const findings = checklist
      .filter((check) => check.step === step)
      .map((check) => runCheck(check, evidence, question, isExplained(check)));
    return { step, title: STEP_TITLES[step], outcome: worst(findings), findings };
  });
}

const WORST_FIRST: CheckOutcome[] = ['fail', 'unknown', 'pass', 'not-applicable'];

const worst = (findings: CheckFinding[]): CheckOutcome =>
  WORST_FIRST.find((outcome) => findings.some((finding) => finding.outcome === outcome)) ?? 'not-applicable';

function runCheck(
  check: Check & { id: CheckId },
  evidence: DiagnosisEvidenceSet,
  question: Question,
  isExplained: boolean,
): CheckFinding {
  const used = [...check.needs, ...check.wants];
  const verdict = checkVerdict();
  return {
    check: check.id,
    outcome: verdict.outcome,
    summary: verdict.summary,
    ...('brief' in verdict && verdict.brief !== undefined ? { brief: verdict.brief } : {}),
    facts: verdict.facts ?? [],
    missing: verdict.outcome === 'unknown' && verdict.missing ? missingNames(used, evidence) : [],
    sources: [...new Set(used.map((name) => evidence[name].source))],
    why: check.why,
    fix: fixOf(verdict),
    ...('settings' in verdict && verdict.settings !== undefined ? { settings: verdict.settings } : {}),
    reference: check.reference,
  };

  /** The fix of the cause stands above: general advice beside it could contradict it. */
  function fixOf(one: CheckVerdict): string | null {
    if (one.outcome !== 'fail') return null;
    return isExplained ? (one.afterwards ?? null) : (one.fix ?? check.fix);
  }

  function checkVerdict(): CheckVerdict {
    const unavailable = unavailableText(check.needs, evidence);
    if (unavailable !== '')
      return {
        outcome: 'unknown',
        summary: `Could not check ${check.subject}: ${unavailable}.`,
        missing: true,
      };
    const empty = check.needs.includes('traffic') && !check.judgesEmptyLog ? noEntriesVerdict(evidence.traffic) : null;
    if (empty !== null) return empty;
    try {
      // Exactly the declared evidence; the check's own type says which items must be present.
      return check.evaluate(collectedOf(evidence, used) as DiagnosisEvidence, question);
    } catch (error) {
      return { outcome: 'unknown', summary: judgeErrorText(error) };
    }
  }
}

/** "the incident folder has no data on target groups and target health"; other reasons in their own words; empty if nothing is missing. */
function unavailableText(needs: readonly DiagnosisEvidenceName[], evidence: DiagnosisEvidenceSet): string {
  const absent = new Set<string>();
  const reasons = new Set<string>();
  for (const name of needs) {
    const item = evidence[name];
    if (item.status === 'collected') continue;
    if (item.kind === 'not-recorded') absent.add(EVIDENCE_TITLE[evidenceNameOf(name)]);
    else reasons.add(item.reason);
  }
  return [
    ...(absent.size > 0 ? [`the incident folder has no data on ${list([...absent], 6, 'or')}`] : []),
    ...reasons,
  ].join('; ');
}

const missingNames = (used: readonly DiagnosisEvidenceName[], evidence: DiagnosisEvidenceSet): EvidenceName[] => [
  ...new Set(used.filter((name) => evidence[name].status === 'unavailable').map(evidenceNameOf)),
];
