import type { Listener } from '../../evidence/aws.ts';
import { command } from '../../format/command.ts';
import { durationSpread, list, outOf, plural } from '../../format/wording.ts';
import { ruledOutBySignature } from '../contradicting-signatures.ts';
import { claimErrors, type Fix, type Judgement, ruledOut } from '../judgement.ts';
import { failedConnects, type TargetConnectTimeouts, targetConnectTimeouts } from '../patterns/failed-connects.ts';
import { backEndPolicy } from '../targets/back-end-policy.ts';
import { plaintextPorts, plaintextTest } from '../targets/plaintext-port.ts';
import { handshakeTimeouts, splitByStage, type TlsAssessment } from '../targets/tls.ts';
import { countErrors, groupBy, nameOf, namesOf, type Traffic } from '../traffic.ts';
import { defineCause } from './cause.ts';

/** Connections to one target that failed at one stage. */
interface Part extends TargetConnectTimeouts {
  tls: TlsAssessment;
}

export const tlsHandshakeFailure = defineCause({
  id: 'tls-handshake-failure',
  title: 'Failed TLS handshake with the target',
  explanation:
    'The load balancer and the target have no TLS version or cipher in common, or the handshake does not finish within 10 s.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html',
  signatures: ['connect-failed', 'connect-timeout', 'inconsistent'],
  breakingCalls: [
    {
      name: /^ModifyListener$/,
      asked: /sslPolicy/,
      isTls: true,
      outcome: 'TLS handshakes with the targets failed',
    },
  ],
  wants: ['targetGroups', 'metrics', 'listeners', 'targetHealth'],

  judge(evidence, question): Judgement {
    const { traffic } = evidence;
    const plaintext = plaintextPorts(evidence);
    const split = (parts: readonly TargetConnectTimeouts[]): Part[] => splitByStage(parts, evidence, question);
    // On an HTTPS group, a 502 after 10 s is an unfinished handshake, regardless of the metrics.
    const unfinished = split(handshakeTimeouts(traffic)).filter(({ tls }) => tls.protocol !== 'HTTP');
    const timeouts = split(targetConnectTimeouts(traffic)).filter(({ tls }) => !tls.excluded);
    const failed = split(failedConnects(traffic));
    if (failed.length + timeouts.length + unfinished.length === 0)
      return ruledOutBySignature(traffic, ['connect-failed']);
    // CloudWatch counted TLS errors and no failed connection, so an error after 10 s was also a handshake.
    const counted = ({ tls }: Part) => tls.tlsErrors === true && tls.connectionErrors === false;
    // A port that answered TLS before, or whose health check uses TLS, is not a plaintext port.
    const speaksTls = ({ target_group_arn, target, succeeded }: Part) =>
      succeeded || plaintext(target_group_arn, target) === false;
    const possible = failed.filter(
      (part) => !part.tls.excluded && plaintext(part.target_group_arn, part.target) !== true,
    );
    const candidates = [...possible, ...timeouts, ...unfinished];
    const sure = candidates.filter((part) => counted(part) && speaksTls(part));
    const likely = unfinished.filter(
      (part) => !sure.includes(part) && part.tls.protocol === 'HTTPS' && speaksTls(part),
    );
    const open = candidates.filter((part) => !sure.includes(part) && !likely.includes(part));
    const errorsOf = (parts: readonly Part[]) => parts.flatMap(({ errors }) => errors);
    const named = sure.length + likely.length > 0 ? [...sure, ...likely] : open;
    const errors = errorsOf([...sure, ...likely]);
    const tooSlow = named.every((part) => unfinished.includes(part) || timeouts.includes(part));
    const against = [
      ...new Set(failed.filter(({ tls }) => tls.excluded).map(({ tls }) => tls.sentence)),
      ...failed
        .filter((part) => plaintext(part.target_group_arn, part.target) === true)
        .map((part) => `${nameOf(traffic, part.target)} answers plain HTTP.`),
    ].slice(0, 3);
    return claimErrors(
      {
        claims: [
          { errors: errorsOf(sure), strength: 'confirmed' },
          { errors: errorsOf(likely), strength: 'likely' },
          { errors: errorsOf(open), strength: 'possible' },
        ],
        for: [
          ...failedTexts(
            [...sure, ...open].filter((part) => failed.includes(part)),
            traffic,
          ),
          ...new Set([...failed, ...timeouts, ...unfinished].filter(counted).map((part) => part.tls.sentence)),
          ...timeoutTexts(timeouts, unfinished),
        ],
        against,
        missing: missingText(open, traffic),
        fix: fixFor([...new Set(named.map(({ target }) => target))], traffic, evidence.listeners, {
          tooSlow,
          answersOthers: named.every(({ succeeded }) => succeeded),
        }),
        ...(errors.length > 0
          ? {
              summary: `${plural(countErrors(errors), 'TLS handshake')} with ${list(
                namesOf(
                  traffic,
                  errors.map(({ target }) => target),
                ),
              )} ${tooSlow ? 'did not finish within 10 s' : 'failed'} (${outOf(countErrors(errors), traffic.errorCount)} errors).`,
            }
          : {}),
      },
      ruledOut(against),
    );
  },
});

/** The metrics that were not read; if all were read, a test to run. */
const missingText = (open: readonly { tls: TlsAssessment; target: string }[], traffic: Traffic): string[] => [
  ...new Set(open.flatMap(({ tls }) => tls.missing)),
  ...plaintextTest(
    open.filter(({ tls }) => tls.missing.length === 0).map(({ target }) => target),
    traffic,
  ),
];

const failedTexts = (parts: readonly Part[], traffic: Traffic): string[] =>
  [...groupBy(parts, ({ target }) => target)].slice(0, 3).map(([target, same]) => {
    const errors = same.flatMap((part) => part.errors);
    return `${plural(countErrors(errors), 'connection')} to ${nameOf(traffic, target)} failed after ${durationSpread(errors.flatMap(({ elapsed }) => elapsed ?? []))}, before a request was sent.`;
  });

function timeoutTexts(timeouts: readonly Part[], unfinished: readonly Part[]): string[] {
  const count = (parts: readonly Part[]) => countErrors(parts.flatMap(({ errors }) => errors));
  return [
    ...(timeouts.length > 0
      ? [`${plural(count(timeouts), 'connection')} ended at 10 s, the limit of a TLS handshake as well.`]
      : []),
    ...(unfinished.length > 0
      ? [
          `${plural(count(unfinished), 'request')} ended as a 502 after 10 s, before a request was sent: a TCP connection that times out is a 504, so the TLS handshake did not finish.`,
        ]
      : []),
  ];
}

const HANDSHAKE_NOTE = 'Run openssl from inside the VPC, first without a server name, then with -servername.';

/**
 * For several targets, commands for the first. `tooSlow`: every handshake reached the limit of 10 s.
 * `answersOthers`: each target answered other requests, so its TLS settings have worked.
 */
function fixFor(
  [target = '<target>:<port>', ...others]: readonly string[],
  traffic: Traffic,
  listeners: readonly Listener[] | undefined,
  { tooSlow, answersOthers }: { tooSlow: boolean; answersOthers: boolean },
): Fix {
  const policies = [...new Set((listeners ?? []).map(backEndPolicy))].sort();
  const port = target.slice(target.lastIndexOf(':') + 1);
  const address = target.slice(0, target.lastIndexOf(':'));
  const targets = list(namesOf(traffic, [target, ...others]), 3);
  const handshake = command`time openssl s_client -connect ${target} </dev/null`;
  if (tooSlow) {
    return {
      summary: `Let ${targets} finish a TLS handshake within 10 s: see whether all threads or the CPU are busy when one begins, and give the server more threads or CPU.`,
      commands: [handshake, command`ss -tln ${`sport = :${port}`}`],
      notes: [
        HANDSHAKE_NOTE,
        'On the target, ss with Recv-Q at Send-Q means that connections wait to be accepted.',
        'A server that does handshakes in its worker threads (Puma, gunicorn sync) stops when all are busy: terminate TLS in nginx or Envoy next to it.',
      ],
      sideEffects: ['More threads or workers need more memory.'],
    };
  }
  const policy = `${policies.length > 0 ? `${list(policies)}, ` : ''}the load balancer's policy for its targets`;
  return {
    summary: answersOthers
      ? `Find out why ${targets} ${others.length === 0 ? 'fails' : 'fail'} new TLS handshakes while open connections work: read ${others.length === 0 ? 'its log' : 'their logs'}, and compare TLS versions and ciphers with ${policy}.`
      : `Make ${targets} accept a TLS version and cipher of ${policy}.`,
    commands: [
      handshake,
      command`nmap --script ssl-enum-ciphers -p ${port} ${address}`,
      ...policies.map((policy) => command`aws elbv2 describe-ssl-policies --names ${policy}`),
    ],
    notes: [HANDSHAKE_NOTE, "nmap lists the target's ciphers, describe-ssl-policies the load balancer's."],
    sideEffects: ["The listener's policy sets the one for targets; changing it affects clients, too."],
  };
}
