import { durationSpread, outOf, plural } from '../../format/wording.ts';
import type { Fix, Judgement } from '../judgement.ts';
import { describeTally, tally } from '../patterns/tally.ts';
import { authenticationCode } from '../reason-codes/authentication-codes.ts';
import { countErrors, type SampledError } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const authenticationFailure = defineCause({
  id: 'authentication-failure',
  title: 'Authentication at the load balancer failed',
  explanation:
    'An authenticate or JWT validation action failed before a target was chosen: the identity provider, the rule or the token is at fault.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html',
  signatures: ['authentication-failure'],
  wants: [],

  judge({ traffic }, _question, errors): Judgement {
    const names = tally(errors, label);
    const [first] = names;
    const most = errors.find((error) => label(error) === first?.name);
    return {
      kind: 'claims',
      claims: [{ errors, strength: 'confirmed' }],
      for: names.flatMap(({ name, count }) => {
        const own = errors.filter((error) => label(error) === name);
        const [sample] = own;
        if (!sample) return [];
        const { meaning, side, metric } = authenticationCode(sample);
        return [
          `${outOf(count, traffic.errorCount)} errors carry ${name}: ${meaning} (side: ${side}; counted in ${metric})${durationText(own)}.`,
        ];
      }),
      against: [],
      missing: [],
      fix: fixFor(errors),
      ...(most && {
        summary: `Authentication failed for ${plural(countErrors(errors), 'request')} before a target was chosen: ${authenticationCode(most).meaning} (${describeTally(errors, label)}).`,
      }),
    };
  },
});

function fixFor(errors: readonly SampledError[]): Fix {
  const fixes = tally(errors, label).flatMap(({ name }) => {
    const sample = errors.find((error) => label(error) === name);
    return sample ? [authenticationCode(sample).fix] : [];
  });
  const [first = 'Compare the rule with the identity provider.', ...others] = [...new Set(fixes)];
  return {
    summary: first,
    commands: [
      ...others.map((fix) => `# ${fix}`),
      'aws elbv2 describe-rules --listener-arn <listener-arn>   # issuer, endpoints, client id',
    ],
    sideEffects: [],
  };
}

/** The code, or the status where the log gives no code. */
const label = (error: SampledError): string =>
  error.error_reason === '-' ? error.elb_status_code : error.error_reason;

/** Timeouts take 5 s: the durations confirm them. */
function durationText(errors: readonly SampledError[]): string {
  const durations = errors.flatMap(({ elapsed }) => elapsed ?? []);
  return durations.length > 0 ? `, after ${durationSpread(durations)}` : '';
}
