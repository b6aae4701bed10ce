/** Errors that belong to how the load balancer is set up, and are no incident beside others. */
import type { ErrorPart } from './attribution.ts';
import type { DiagnosisEvidence } from './diagnosis-evidence.ts';
import { mutations } from './patterns/configuration-changes.ts';

/** What the AWS Load Balancer Controller answers for an Ingress whose Service it cannot find (aws-load-balancer-controller, model_build_actions.go). */
const CONTROLLER_MESSAGE = 'Backend service does not exist';

const RULE_CALLS = ['CreateRule', 'ModifyRule', 'DeleteRule', 'SetRulePriorities', 'CreateListener', 'ModifyListener'];

/**
 * Whether a part is background: a fixed response that somebody configured on purpose. It is none where a controller wrote the rule, or
 * rules were changed from `from` to `to` (epoch milliseconds).
 */
export function backgroundMatcher(
  { rules, changes }: Partial<Pick<DiagnosisEvidence, 'rules' | 'changes'>>,
  { from, to }: { from: number; to: number },
): (part: Pick<ErrorPart, 'causes'>) => boolean {
  const isByController = Object.values(rules ?? {})
    .flat()
    .some(({ Actions }) =>
      Actions?.some(({ FixedResponseConfig }) => FixedResponseConfig?.MessageBody?.includes(CONTROLLER_MESSAGE)),
    );
  const isChanged = mutations(changes ?? []).some(({ name, at }) => RULE_CALLS.includes(name) && at >= from && at < to);
  return ({ causes }) => causes[0] === 'fixed-response' && !isByController && !isChanged;
}
