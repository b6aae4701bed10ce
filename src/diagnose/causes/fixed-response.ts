import { list, outOf, plural } from '../../format/wording.ts';
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import type { Fix, Judgement } from '../judgement.ts';
import { tally } from '../patterns/tally.ts';
import { countErrors, type SampledError } from '../traffic.ts';
import { defineCause } from './cause.ts';

type ListenerRules = DiagnosisEvidence['rules'];

export const fixedResponse = defineCause({
  id: 'fixed-response',
  title: 'Fixed response of a listener rule',
  explanation: 'A listener rule answers with this status on purpose, such as a maintenance page.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-action-types.html#fixed-response-actions',
  signatures: ['fixed-response'],
  wants: ['rules'],

  judge({ traffic, rules }, _question, errors): Judgement {
    const matches = matchingRules(rules, errors);
    const statuses = tally(errors, (error) => error.elb_status_code).map(({ name }) => name);
    const priorities = list(tally(errors, priority).map(({ name }) => name));
    return {
      kind: 'claims',
      claims: [{ errors, strength: 'confirmed' }],
      for: [
        `${outOf(countErrors(errors), traffic.errorCount)} errors were answered by the action fixed-response, by rule priority ${priorities}; no target was involved.`,
        ...matches.map(({ arn, status }) => `The rule ${arn} answers ${status}.`),
      ],
      against: [],
      missing: rules ? [] : ['The listener rules (elasticloadbalancing:DescribeRules) were not read.'],
      fix: fixFor(matches),
      summary: `A listener rule (priority ${priorities}) answers with a fixed ${list(statuses)}: ${plural(countErrors(errors), 'request')}. That is configured, not a failure.`,
    };
  },
});

function fixFor(matches: readonly FixedRule[]): Fix {
  return {
    summary: 'If the answer is not wanted any more, let the rule forward to a target group again.',
    commands:
      matches.length > 0
        ? matches.map(({ arn, defaultOf }) =>
            defaultOf === null
              ? `aws elbv2 modify-rule --rule-arn ${arn} --actions Type=forward,TargetGroupArn=<target-group-arn>`
              : `aws elbv2 modify-listener --listener-arn ${defaultOf} --default-actions Type=forward,TargetGroupArn=<target-group-arn>`,
          )
        : ['aws elbv2 describe-rules --listener-arn <listener-arn>'],
    sideEffects: ['Requests that match the rule reach targets again.'],
  };
}

/** matched_rule_priority 0 is the default rule. */
const priority = (error: SampledError): string =>
  error.matched_rule_priority === '0' ? '0 (the default rule)' : error.matched_rule_priority;

interface FixedRule {
  arn: string;
  status: string;
  /** The listener whose default rule it is: modify-rule does not take that one. */
  defaultOf: string | null;
}

/** Rules with a fixed response of one of these statuses and priorities, by ARN. */
function matchingRules(rules: ListenerRules | undefined, errors: readonly SampledError[]): FixedRule[] {
  const prioritiesAndStatuses = new Set(
    errors.map((error) => `${error.matched_rule_priority} ${error.elb_status_code}`),
  );
  return Object.entries(rules ?? {})
    .flatMap(([listener, own]) => own.map((rule) => ({ listener, ...rule })))
    .flatMap(({ listener, RuleArn, Priority, IsDefault, Actions }) => {
      const isDefault = IsDefault || Priority === 'default';
      const status = Actions?.map(({ FixedResponseConfig }) => FixedResponseConfig?.StatusCode).find(Boolean);
      const matches = prioritiesAndStatuses.has(`${isDefault ? '0' : Priority} ${status}`);
      return RuleArn && status && matches ? [{ arn: RuleArn, status, defaultOf: isDefault ? listener : null }] : [];
    })
    .sort((a, b) => (a.arn < b.arn ? -1 : 1));
}
