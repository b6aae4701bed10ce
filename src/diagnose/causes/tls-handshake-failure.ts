import type { Listener } from '../../evidence/aws.ts';
import { durationSpread, list, outOf, plural } from '../../format/wording.ts';
import { ruledOutBySignature } from '../contradicting-signatures.ts';
import { claimErrors, type Fix, type Judgement, ruledOut } from '../judgement.ts';
import { failedConnects, type TargetConnectTimeouts, targetConnectTimeouts } from '../patterns/failed-connects.ts';
import { plaintextPorts } from '../targets/plaintext-port.ts';
import { assessTls, type TlsAssessment } from '../targets/tls.ts';
import { countErrors, groupBy } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const tlsHandshakeFailure = defineCause({
  id: 'tls-handshake-failure',
  title: 'TLS handshake with the target failed',
  explanation:
    'The load balancer and the target agree on no TLS version or cipher, or the handshake does not finish within 10 s.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html',
  signatures: ['connect-failed', 'connect-timeout'],
  wants: ['targetGroups', 'metrics', 'listeners', 'targetHealth'],

  judge(evidence, question): Judgement {
    const { traffic } = evidence;
    const plaintext = plaintextPorts(evidence);
    const timeouts = targetConnectTimeouts(traffic)
      .map((part) => ({ ...part, tls: assessTls(part.target_group_arn, evidence, question) }))
      .filter(({ tls }) => !tls.excluded && (tls.protocol === 'HTTPS' || tls.protocol === null));
    const parts = failedConnects(traffic).map((part) => ({
      ...part,
      tls: assessTls(part.target_group_arn, evidence, question),
    }));
    if (parts.length === 0 && timeouts.length === 0) return ruledOutBySignature(traffic, ['connect-failed']);
    // TLS errors were counted and no failed connection: what took 10 s was a handshake as well.
    const shown = <Part extends { tls: TlsAssessment }>({ tls }: Part) =>
      tls.tlsErrors === true && tls.connectionErrors === false;
    // A port that answered TLS before, or whose health check speaks TLS, is no plaintext port.
    const speaksTls = ({ target_group_arn, target, succeeded }: Omit<TargetConnectTimeouts, 'errors'>) =>
      succeeded || plaintext(target_group_arn, target) === false;
    const sure = parts.filter((part) => shown(part) && speaksTls(part));
    const sureTimeouts = timeouts.filter((part) => shown(part) && speaksTls(part));
    const openTimeouts = timeouts.filter((part) => !sureTimeouts.includes(part));
    const timedOut = timeouts.flatMap((part) => part.errors);
    const maybe = parts.filter(
      (part) => !sure.includes(part) && !part.tls.excluded && plaintext(part.target_group_arn, part.target) !== true,
    );
    const errors = [...sure, ...sureTimeouts].flatMap((part) => part.errors);
    const sureTargets = [...new Set(errors.map((error) => error.target))];
    const excluded = parts.filter((part) => part.tls.excluded);
    const against = [
      ...new Set(excluded.map((part) => part.tls.sentence)),
      ...parts
        .filter((part) => plaintext(part.target_group_arn, part.target) === true)
        .map((part) => `${part.target} speaks plain HTTP.`),
    ].slice(0, 3);
    const claimed = errors.length > 0 ? [...sure, ...sureTimeouts] : [...maybe, ...openTimeouts];
    return claimErrors(
      {
        claims: [
          { errors, strength: 'confirmed' },
          { errors: [...maybe, ...openTimeouts].flatMap((part) => part.errors), strength: 'possible' },
        ],
        for: [
          ...[...groupBy([...sure, ...maybe], ({ target }) => target)].slice(0, 3).map(([target, same]) => {
            const own = same.flatMap((part) => part.errors);
            return `${plural(own.length, 'connection')} to ${target} failed within ${durationSpread(own.flatMap((e) => e.elapsed ?? []))}, before a request was sent.`;
          }),
          ...[...new Set([...parts.filter(shown), ...timeouts.filter(shown)].map((part) => part.tls.sentence))],
          ...(timedOut.length > 0
            ? [`${plural(timedOut.length, 'connection')} ended at 10 s, the limit of a TLS handshake as well.`]
            : []),
        ],
        against,
        missing: [...new Set([...maybe, ...openTimeouts].flatMap((part) => part.tls.missing))],
        fix: fixFor([...new Set(claimed.map(({ target }) => target))], evidence.listeners),
        ...(errors.length > 0
          ? {
              summary: `${plural(countErrors(errors), 'TLS handshake')} with ${list(sureTargets)} failed (${outOf(countErrors(errors), traffic.errorCount)} errors).`,
            }
          : {}),
      },
      ruledOut(against),
    );
  },
});

/** Of several targets, commands for the first. */
function fixFor([target = '<target>:<port>']: readonly string[], listeners: readonly Listener[] | undefined): Fix {
  const policies = [...new Set((listeners ?? []).flatMap((listener) => listener.SslPolicy ?? []))];
  return {
    summary: `Let the target accept a TLS version and cipher of the back-end policy that follows from the listener's policy${policies.length > 0 ? ` (${list(policies)})` : ''}.`,
    commands: [
      `openssl s_client -connect ${target} -tls1_2 </dev/null   # from inside the VPC`,
      `nmap --script ssl-enum-ciphers -p ${target.slice(target.lastIndexOf(':') + 1)} ${target.slice(0, target.lastIndexOf(':'))}`,
    ],
    sideEffects: ['Changing the security policy of the listener changes what clients may negotiate too.'],
  };
}
