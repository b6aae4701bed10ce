/**
 * One reply for each step that has something to say beyond the verdict: a fault with what to do, or what was denied with how to allow it.
 * All else that was looked at is behind the button of the step.
 */
import type { CauseId } from '../../diagnose/cause-ids.ts';
import type { Diagnosis, Fact, Finding, Step, StepNumber } from '../../diagnose/diagnosis.ts';
import { factValue, OUTCOME_MARK, OUTCOME_WORD, unsaid } from '../../render/phrases.ts';
import type { Message } from './message.ts';
import { copy, type Line, line, type Part, partsMessage, prose, say } from './rich-text.ts';
import { kindOf, policiesIn, type Told, visibleTold, withoutPolicy } from './thread-state.ts';

const MOST_FACTS = 6;

/** What errors look like when there is a cause: the verdict is drawn from it. */
const SYMPTOMS = [
  'bursts',
  'concentration',
  'error-origin',
  'error-reason',
  'error-signatures',
  'failing-routes',
  'target-churn',
  'unhealthy-hosts-in-metrics',
];
/** Faults that these causes are the names of, or that follow from them. */
const TOLD_BY: Record<string, readonly CauseId[]> = {
  'deregistration-delay': ['deregistration-delay-elapsed', 'shutdown-before-drain', 'target-gone'],
  'lambda-configuration': ['lambda-error', 'lambda-throttled', 'lambda-timeout'],
  'lambda-response': ['lambda-invalid-response', 'lambda-response-too-large'],
  'load-balancer-state': ['load-balancer-impaired'],
  'measured-keep-alive': ['keep-alive-race'],
  'rate-against-traffic': ['keep-alive-race'],
  'registered-port': ['connection-refused', 'network-acl-blocked', 'security-group-blocked', 'target-unreachable'],
  'target-group-protocol': ['protocol-mismatch', 'tls-handshake-failure'],
  'target-health': ['connection-refused', 'no-registered-targets', 'target-gone', 'target-unreachable'],
  'traffic-port-path': ['network-acl-blocked', 'security-group-blocked'],
};

export function stepMessages(outside: Told): Partial<Record<StepNumber, Message>> {
  const { diagnosis } = visibleTold(outside);
  if (diagnosis === null) return {};
  const messages: Partial<Record<StepNumber, Message>> = {};
  // A denied call keeps several steps from being looked at; it is said in the first of them.
  const told = new Set<string>();
  for (const step of diagnosis.steps) {
    const gaps = gapsOf(step, diagnosis).filter((gap) => DENIED.test(gap) && !told.has(gap));
    for (const gap of gaps) told.add(gap);
    const faults = step.findings.filter((one) => one.outcome === 'fail' && !isTold(one, diagnosis));
    if (faults.length === 0 && gaps.length === 0) continue;
    messages[step.step] = partsMessage(
      [titleLine(step), ...faults.flatMap(faultParts), ...gapParts(gaps)],
      [],
      ', behind the button of this step',
    );
  }
  return messages;
}

/** What somebody can do something about; other gaps are named with the verdict. */
const DENIED = /\bdenied\b/;

/** Whether the verdict says as much: it names the cause, or, where nothing failed, the fault itself. */
function isTold({ check }: Finding, diagnosis: Diagnosis): boolean {
  const kind = kindOf(diagnosis);
  if (kind !== 'found') return kind === 'none';
  const named = diagnosis.causes.filter(({ standing }) => standing === 'confirmed' || standing === 'likely');
  return SYMPTOMS.includes(check) || named.some(({ id }) => TOLD_BY[check]?.includes(id));
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
