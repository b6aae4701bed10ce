import { command } from '../../format/command.ts';
import { durationSpread, list, plural, requestsOf } from '../../format/wording.ts';
import type { Fix, Judgement } from '../judgement.ts';
import { authenticatingListeners, authorizeHttpsEgress, edgeAnswer } from '../network-path/load-balancer-edge.ts';
import type { NetworkEvidence } from '../network-path/network-evidence.ts';
import { describeTally, tally } from '../patterns/tally.ts';
import { authenticationCode } from '../reason-codes/authentication-codes.ts';
import { countErrors, type SampledError } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const authenticationFailure = defineCause({
  id: 'authentication-failure',
  title: 'Failed authentication at the load balancer',
  explanation:
    'An authenticate or JWT validation action failed before a target was chosen: the identity provider, the rule or the token is at fault.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html',
  signatures: ['authentication-failure'],
  wants: ['loadBalancer', 'securityGroups', 'prefixLists', 'listeners', 'rules'],

  judge(evidence, _question, errors): Judgement {
    const { traffic } = evidence;
    const closed = closedWayOut(errors, evidence);
    const names = tally(errors, label);
    const [first] = names;
    const most = errors.find((error) => label(error) === first?.name);
    return {
      kind: 'claims',
      claims: [{ errors, strength: 'confirmed' }],
      for: [
        ...(closed === null ? [] : [closed.sentence]),
        ...names.flatMap(({ name, count }) => {
          const own = errors.filter((error) => label(error) === name);
          const [sample] = own;
          if (!sample) return [];
          const { meaning, side, metric } = authenticationCode(sample);
          return [
            `${requestsOf(count, traffic.errorCount)} failed with ${name}: ${meaning} (side: ${side}; counted in ${metric})${durationText(own)}.`,
          ];
        }),
      ],
      against: [],
      missing: [],
      fix: fixFor(errors, closed, authenticatingListeners(evidence.listeners, evidence.rules)),
      ...(most && {
        summary: closed
          ? `${plural(countErrors(errors), 'sign-in')} failed: the load balancer cannot reach the identity provider, ${closed.reason} (${describeTally(errors, label)}).`
          : `Authentication failed for ${plural(countErrors(errors), 'request')} on ${describeTally(errors, ({ route }) => route, 2)}, before a target was chosen: ${authenticationCode(most).meaning} (${describeTally(errors, label)}).`,
      }),
    };
  },
});

interface ClosedWayOut {
  groups: string[];
  reason: string;
  sentence: string;
}

/** Returns null unless the identity provider did not answer and the security groups block port 443 outbound. */
function closedWayOut(
  errors: readonly SampledError[],
  evidence: Pick<NetworkEvidence, 'loadBalancer' | 'securityGroups' | 'prefixLists'>,
): ClosedWayOut | null {
  if (!errors.some((error) => authenticationCode(error).unreached)) return null;
  const { answer, groups, instead } = edgeAnswer('out', 443, evidence);
  if (answer !== 'none') return null;
  const reason = `because ${list(groups)} ${groups.length === 1 ? 'allows' : 'allow'} no TCP 443 out`;
  return {
    groups,
    reason,
    sentence: `The load balancer calls the identity provider, but ${list(groups)} of the load balancer ${groups.length === 1 ? 'allows' : 'allow'} no TCP 443 out; ${instead}.`,
  };
}

/** `listeners`: ARNs of the authenticating listeners. */
function fixFor(errors: readonly SampledError[], closed: ClosedWayOut | null, listeners: readonly string[]): Fix {
  const fixes = tally(errors, label).flatMap(({ name }) => {
    const sample = errors.find((error) => label(error) === name);
    return sample ? [authenticationCode(sample).fix] : [];
  });
  const [first = 'Compare the rule with the identity provider.', ...others] = [
    ...(closed === null
      ? []
      : [`Allow TCP 443 out of ${list(closed.groups)}, so that the load balancer reaches the identity provider.`]),
    ...new Set(fixes),
  ];
  return {
    summary: first,
    commands: [
      ...(closed === null ? [] : authorizeHttpsEgress(closed.groups)),
      ...(listeners.length > 0 ? listeners : ['<listener-arn>']).map(
        (arn) => command`aws elbv2 describe-rules --listener-arn ${arn}`,
      ),
    ],
    notes: [...others, 'The rule names the issuer, its endpoints and the client ID.'],
    sideEffects:
      closed === null
        ? []
        : [
            'The load balancer may then call any HTTPS address; narrow the range where the addresses of the identity provider are known.',
          ],
  };
}

/** The code, or the status if the log has no code. */
const label = (error: SampledError): string =>
  error.error_reason === '-' ? error.elb_status_code : error.error_reason;

/** Durations confirm a timeout, which takes 5 s. */
function durationText(errors: readonly SampledError[]): string {
  const durations = errors.flatMap(({ elapsed }) => elapsed ?? []);
  return durations.length > 0 ? `, after ${durationSpread(durations)}` : '';
}
