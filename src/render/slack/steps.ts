/** One reply for each step that has something to say: a fault with what to do, or what could not be looked at with how to allow it. */
import type { Diagnosis, Fact, Finding, Step, StepNumber } from '../../diagnosis.ts';
import { factValue, OUTCOME_MARK, OUTCOME_WORD, unsaid } from '../phrases.ts';
import type { Message } from './message.ts';
import { copy, type Line, line, type Part, partsMessage, prose, say } from './parts.ts';
import { policiesIn, type Told, visibleTold, withoutPolicy } from './told.ts';

const MOST_FACTS = 6;

export function stepMessages(outside: Told): Partial<Record<StepNumber, Message>> {
  const { diagnosis } = visibleTold(outside);
  if (diagnosis === null) return {};
  const messages: Partial<Record<StepNumber, Message>> = {};
  // A denied call keeps several steps from being looked at; it is said in the first of them.
  const told = new Set<string>();
  for (const step of diagnosis.steps) {
    const gaps = gapsOf(step, diagnosis).filter((gap) => !told.has(gap));
    for (const gap of gaps) told.add(gap);
    const faults = step.findings.filter(({ outcome }) => outcome === 'fail');
    if (faults.length === 0 && gaps.length === 0) continue;
    messages[step.step] = partsMessage(
      [titleLine(step), ...faults.flatMap(faultParts), ...gapParts(gaps)],
      [],
      ', behind the button of this step',
    );
  }
  return messages;
}

export const titleLine = ({ step, title, outcome }: Pick<Step, 'step' | 'title' | 'outcome'>): Part =>
  line(
    `${OUTCOME_MARK[outcome]} `,
    { bold: `${step} ${title}` },
    outcome === 'pass' ? '' : `: ${OUTCOME_WORD[outcome]}`,
  );

/** "targets close at: 6 s · errors by chance there: 13". */
export function factsLine({ facts, summary }: Pick<Finding, 'facts' | 'summary'>, most = MOST_FACTS): Line {
  const left = newFacts(facts, summary);
  const shown = left.slice(0, most).map((fact) => `${fact.label}: ${factValue(fact)}`);
  const more = left.length > most ? ` · … and ${left.length - most} more` : '';
  return shown.length === 0 ? [] : [{ italic: `${shown.join(' · ')}${more}` }];
}

/** Facts that the sentence does not say; of several targets that are "open" or "blocked", all or none. */
function newFacts(facts: readonly Fact[], summary: string): Fact[] {
  const numbers = unsaid(facts, summary);
  return facts.filter((fact) =>
    typeof fact.value === 'string'
      ? !(summary.includes(fact.value) && (fact.value.length > 12 || summary.includes(fact.label)))
      : numbers.includes(fact),
  );
}

function faultParts(finding: Finding): Part[] {
  const facts = factsLine(finding);
  const below: Line[] = [
    ...(facts.length > 0 ? [facts] : []),
    ...(finding.fix === null ? [] : [prose(`→ ${finding.fix}`)]),
  ];
  return [{ bullets: [prose(finding.summary)] }, ...(below.length > 0 ? [{ bullets: below, indent: 1 }] : [])];
}

/** The gaps of the diagnosis that a finding of this step was kept from an answer by. */
function gapsOf({ findings }: Step, { gaps }: Diagnosis): string[] {
  const unknown = findings.filter(({ outcome }) => outcome === 'unknown').map(({ summary }) => summary);
  return gaps.filter((gap) => {
    // "<reason>: unknown <what>."; the finding says "Could not look: <reason>."
    const reason = gap.replace(/: unknown [^:]*$/, '');
    return reason.length > 0 && unknown.some((summary) => summary.includes(reason));
  });
}

export function gapParts(gaps: readonly string[]): Part[] {
  const policies = [...new Set(gaps.flatMap(policiesIn))];
  return [
    ...gaps.map((gap) => say(`? ${withoutPolicy(gap)}`)),
    ...(policies.length === 0
      ? []
      : [
          line(policies.length === 1 ? 'This IAM statement allows it:' : 'These IAM statements allow it:'),
          copy(policies.join(',\n')),
        ]),
  ];
}
