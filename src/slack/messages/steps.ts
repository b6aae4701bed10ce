/** Lines about a checklist step, for the replies to buttons. */
import type { ChecklistStep, Diagnosis, Gap } from '../../diagnose/diagnosis.ts';
import { OUTCOME_MARK, OUTCOME_WORD } from '../../render/phrases.ts';
import { copyable, line, type MessagePart, proseLine } from './rich-text.ts';

export const titleLine = ({ step, title, outcome }: Pick<ChecklistStep, 'step' | 'title' | 'outcome'>): MessagePart =>
  line(
    `${OUTCOME_MARK[outcome]} `,
    { bold: `${step} ${title}` },
    outcome === 'pass' ? '' : `: ${OUTCOME_WORD[outcome]}`,
  );

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
