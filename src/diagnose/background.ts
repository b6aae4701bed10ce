/**
 * Finds errors that the load balancer's configuration causes on purpose; next to other errors they are not an incident.
 */
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
 * Matches background parts: fixed responses configured on purpose. Excludes rules written by a controller, and rules
 * changed between `from` and `to` (epoch milliseconds).
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
