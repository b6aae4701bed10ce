/** Errors that are no incident next to other errors: configured ones, and what ran before an alarm as during it. */
import type { Question } from '../evidence/question.ts';
import type { ErrorPart } from './attribution.ts';
import type { DiagnosisEvidence } from './diagnosis-evidence.ts';
import { mutations } from './patterns/configuration-changes.ts';

/**
 * The body that the AWS Load Balancer Controller sends for an Ingress whose Service it cannot find
 * (aws-load-balancer-controller, model_build_actions.go).
 */
const CONTROLLER_MESSAGE = 'Backend service does not exist';

const RULE_CALLS = ['CreateRule', 'ModifyRule', 'DeleteRule', 'SetRulePriorities', 'CreateListener', 'ModifyListener'];

/**
 * Matches background parts: fixed responses configured on purpose, except rules written by a controller or changed in the
 * window; and for an alarm, errors that ran at the same rate in the hour before it.
 */
export function backgroundMatcher(
  { rules, changes }: Partial<Pick<DiagnosisEvidence, 'rules' | 'changes'>>,
  { from, to, isFromAlarm = false }: Pick<Question, 'from' | 'to' | 'isFromAlarm'>,
): (part: Pick<ErrorPart, 'causes' | 'before'>) => boolean {
  const isByController = Object.values(rules ?? {})
    .flat()
    .some(({ Actions }) =>
      Actions?.some(({ FixedResponseConfig }) => FixedResponseConfig?.MessageBody?.includes(CONTROLLER_MESSAGE)),
    );
  const isChanged = mutations(changes ?? []).some(({ name, at }) => RULE_CALLS.includes(name) && at >= from && at < to);
  return ({ causes, before }) =>
    (causes[0] === 'fixed-response' && !isByController && !isChanged) || (isFromAlarm && before !== undefined);
}
