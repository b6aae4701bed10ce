/** Lines about a step of the checklist, as the answers to buttons show them. */
import type { CheckFinding, ChecklistStep, Diagnosis, Fact, Gap } from '../../diagnose/diagnosis.ts';
import { factsNotInSentence, factValue, OUTCOME_MARK, OUTCOME_WORD } from '../../render/phrases.ts';
import { copyable, line, type MessagePart, proseLine, type TextLine } from './rich-text.ts';

const MAX_FACTS = 6;

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
