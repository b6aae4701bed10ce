/**
 * One reply for each step that has something to say beyond the verdict: a fault with what to do, or what was denied with how to allow it.
 * All else that was looked at is behind the button of the step.
 */
import { checkOf } from '../../diagnose/checks/index.ts';
import type { CheckFinding, ChecklistStep, Diagnosis, Fact, Gap, StepNumber } from '../../diagnose/diagnosis.ts';
import { factsNotInSentence, factValue, OUTCOME_MARK, OUTCOME_WORD } from '../../render/phrases.ts';
import type { Message } from './message.ts';
import { copyable, line, type MessagePart, partsMessage, prose, proseLine, type TextLine } from './rich-text.ts';
import { sanitizeState, type ThreadState, verdictKind } from './thread-state.ts';

const MAX_FACTS = 6;

export function stepMessages(rawState: ThreadState): Partial<Record<StepNumber, Message>> {
  const { diagnosis } = sanitizeState(rawState);
  if (diagnosis === null) return {};
  const messages: Partial<Record<StepNumber, Message>> = {};
  // A denied call keeps several steps from being looked at; it is said in the first of them.
  const shownGaps = new Set<Gap>();
  for (const step of diagnosis.steps) {
    // Somebody can do something about a denial; other gaps are named with the verdict.
    const gaps = gapsOfStep(step, diagnosis).filter((gap) => gap.kind === 'denied' && !shownGaps.has(gap));
    for (const gap of gaps) shownGaps.add(gap);
    const faults = step.findings.filter((one) => one.outcome === 'fail' && !isInVerdict(one, diagnosis));
    if (faults.length === 0 && gaps.length === 0) continue;
    messages[step.step] = partsMessage(
      [titleLine(step), ...faults.flatMap(faultParts), ...gapParts(gaps)],
      [],
      ', behind the button of this step',
    );
  }
  return messages;
}

/** Whether the verdict says as much: it names the cause, or, where nothing failed, the fault itself. */
function isInVerdict({ check }: CheckFinding, diagnosis: Diagnosis): boolean {
  const kind = verdictKind(diagnosis);
  if (kind !== 'found') return kind === 'none';
  const namedCauses = diagnosis.causes.filter(({ standing }) => standing === 'confirmed' || standing === 'likely');
  const { symptom = false, namedBy = [] } = checkOf(check) ?? {};
  return symptom || namedCauses.some(({ id }) => namedBy.includes(id));
}

export const titleLine = ({ step, title, outcome }: Pick<ChecklistStep, 'step' | 'title' | 'outcome'>): MessagePart =>
  line(
    `${OUTCOME_MARK[outcome]} `,
    { bold: `${step} ${title}` },
    outcome === 'pass' ? '' : `: ${OUTCOME_WORD[outcome]}`,
  );

/** "targets close at: 6 s · errors by chance there: 13". */
export function factsLine({ facts, summary }: Pick<CheckFinding, 'facts' | 'summary'>, most = MAX_FACTS): TextLine {
  const left = factsToShow(facts, summary);
  const texts = left.slice(0, most).map((fact) => `${fact.label}: ${factValue(fact)}`);
  const more = left.length > most ? ` · … and ${left.length - most} more` : '';
  return texts.length === 0 ? [] : [{ italic: `${texts.join(' · ')}${more}` }];
}

/** Facts that the sentence does not say; of several targets that are "open" or "blocked", all or none. */
function factsToShow(facts: readonly Fact[], summary: string): Fact[] {
  const numbers = factsNotInSentence(facts, summary);
  return facts.filter((fact) =>
    typeof fact.value === 'string'
      ? !(summary.includes(fact.value) && (fact.value.length > 12 || summary.includes(fact.label)))
      : numbers.includes(fact),
  );
}

function faultParts(finding: CheckFinding): MessagePart[] {
  const facts = factsLine(finding);
  const below: TextLine[] = [
    ...(facts.length > 0 ? [facts] : []),
    ...(finding.fix === null ? [] : [prose(`→ ${finding.fix}`)]),
  ];
  return [{ bullets: [prose(finding.summary)] }, ...(below.length > 0 ? [{ bullets: below, indent: 1 }] : [])];
}

/** The gaps that kept a check of this step from an answer. */
export const gapsOfStep = ({ findings }: Pick<ChecklistStep, 'findings'>, { gapDetails }: Diagnosis): Gap[] =>
  gapDetails.filter(({ evidence }) => findings.some(({ missing }) => missing.includes(evidence)));

export function gapParts(gaps: readonly Gap[]): MessagePart[] {
  const policies = [...new Set(gaps.flatMap(({ iamStatement }) => iamStatement ?? []))];
  return [
    ...gaps.map(({ sentence }) => proseLine(`? ${sentence}`)),
    ...(policies.length === 0 ? [] : [line('Allow it with'), copyable(policies.join(',\n'))]),
  ];
}
