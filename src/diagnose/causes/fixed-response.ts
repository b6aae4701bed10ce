import { type Command, command } from '../../format/command.ts';
import { list, plural, requestsOf } from '../../format/wording.ts';
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import type { Fix, Judgement } from '../judgement.ts';
import { tally } from '../patterns/tally.ts';
import { countErrors, type SampledError } from '../traffic.ts';
import { defineCause } from './cause.ts';

type ListenerRules = DiagnosisEvidence['rules'];

export const fixedResponse = defineCause({
  id: 'fixed-response',
  title: 'Fixed response of a listener rule',
  explanation:
    'A listener rule answers with this status itself: a maintenance page, or the response that a controller configures for a missing backend.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-action-types.html#fixed-response-actions',
  signatures: ['fixed-response'],
  breakingCalls: [
    {
      name: /^(ModifyListener|ModifyRule|CreateRule|SetRulePriorities|DeleteRule)$/,
      outcome: 'a fixed response was sent',
    },
  ],
  wants: ['rules'],

  judge({ traffic, rules }, _question, errors): Judgement {
    const matches = matchingRules(rules, errors);
    const statuses = list(tally(errors, (error) => error.elb_status_code).map(({ name }) => name));
    const priorities = list(tally(errors, priority).map(({ name }) => name));
    const ofController = matches.filter(isOfController);
    const everything = countErrors(errors) >= NEARLY_ALL * traffic.log.requests;
    const [body] = matches.flatMap((rule) => (rule.body === null ? [] : [quoted(rule.body)]));
    return {
      kind: 'claims',
      claims: [{ errors, strength: 'confirmed' }],
      for: [
        `${requestsOf(countErrors(errors), traffic.errorCount)} got a fixed response from rule ${priorities}; no target was involved.`,
        ...matches.map(
          ({ arn, status, body: text }) =>
            `The rule ${arn} returns ${status}${text === null ? '' : ` ${quoted(text)}`}.`,
        ),
        ...(ofController.length > 0
          ? [
              'The AWS Load Balancer Controller writes this response where an Ingress names a Service, or a port of one, that does not exist.',
            ]
          : []),
        ...(everything ? ['Every request of the window got it.'] : []),
      ],
      against: [],
      missing: rules ? [] : ['The listener rules (elasticloadbalancing:DescribeRules) could not be read.'],
      fix: ofController.length > 0 ? FIX_INGRESS : fixFor(matches),
      summary:
        ofController.length > 0
          ? `The AWS Load Balancer Controller found no backend for an Ingress: rule ${priorities} answers ${plural(countErrors(errors), 'request')} with ${statuses} ${body}.`
          : `Listener rule ${priorities} returns a fixed ${statuses}${body === undefined ? '' : ` ${body}`}: ${plural(countErrors(errors), 'request')}${everything ? ', all of the window' : ''}.`,
    };
  },
});

const NEARLY_ALL = 0.99;

/** Rules that the controller itself writes (github.com/kubernetes-sigs/aws-load-balancer-controller, issue 2807). */
const isOfController = ({ status, body }: FixedRule): boolean =>
  status === '503' && body !== null && /^(Backend service does not exist|no backend)/i.test(body);

/** Shortens the text, which an operator typed. */
const quoted = (body: string): string => JSON.stringify(body.length > 80 ? `${body.slice(0, 80)}…` : body);

const FIX_INGRESS: Fix = {
  summary:
    'Correct the Service name and port in the Ingress, or create the Service. The controller then rewrites the rule.',
  commands: [
    command`kubectl get ingress -A -o wide`,
    command`kubectl get service -A`,
    command`kubectl -n kube-system logs deployment/aws-load-balancer-controller --since=1h`,
  ],
  sideEffects: ['The controller overwrites a rule that is changed by hand at its next reconcile.'],
};

function fixFor(matches: readonly FixedRule[]): Fix {
  return {
    summary: 'If this response is no longer wanted, make the rule forward to a target group again.',
    commands:
      matches.length > 0
        ? matches.map(commandFor)
        : [command`aws elbv2 describe-rules --listener-arn ${'<listener-arn>'}`],
    ...(matches.some(({ authenticates }) => authenticates)
      ? { notes: ['modify-rule replaces all actions of a rule: keep its authentication.'] }
      : {}),
    sideEffects: ['Requests that match the rule reach targets again.'],
  };
}

/** Only shows a rule that also authenticates: a command without that action would let everybody in. */
function commandFor({ arn, defaultOf, authenticates }: FixedRule): Command {
  if (authenticates) return command`aws elbv2 describe-rules --rule-arns ${arn}`;
  return defaultOf === null
    ? command`aws elbv2 modify-rule --rule-arn ${arn} --actions ${FORWARD}`
    : command`aws elbv2 modify-listener --listener-arn ${defaultOf} --default-actions ${FORWARD}`;
}

const FORWARD = 'Type=forward,TargetGroupArn=<target-group-arn>';

/** matched_rule_priority 0 is the default rule. */
const priority = (error: SampledError): string =>
  error.matched_rule_priority === '0' ? '0 (the default rule)' : error.matched_rule_priority;

interface FixedRule {
  arn: string;
  status: string;
  /** The message body; null without one. */
  body: string | null;
  /** The listener if this is its default rule, which modify-rule does not accept. */
  defaultOf: string | null;
  /** It signs users in before it answers. */
  authenticates: boolean;
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
      const response = Actions?.map(({ FixedResponseConfig }) => FixedResponseConfig).find((one) => one?.StatusCode);
      const status = response?.StatusCode;
      const matches = prioritiesAndStatuses.has(`${isDefault ? '0' : Priority} ${status}`);
      if (!RuleArn || !status || !matches) return [];
      const authenticates = (Actions ?? []).length > 1;
      const defaultOf = isDefault ? listener : null;
      return [{ arn: RuleArn, status, body: response?.MessageBody || null, defaultOf, authenticates }];
    })
    .sort((a, b) => (a.arn < b.arn ? -1 : 1));
}
