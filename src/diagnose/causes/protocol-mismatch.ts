import { command } from '../../format/command.ts';
import { list, number, outOf, plural, requestsOf, seconds } from '../../format/wording.ts';
import { ruledOutBySignature } from '../contradicting-signatures.ts';
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import { claimErrors, type Fix, type Judgement, ruledOut } from '../judgement.ts';
import { badRequestGroups, isTlsPort } from '../patterns/bad-request-groups.ts';
import { closedParts } from '../patterns/closed-connections.ts';
import { failedConnects, type TargetConnectTimeouts } from '../patterns/failed-connects.ts';
import { INSTANT_SECONDS, isInstant } from '../patterns/keep-alive.ts';
import { plaintextPorts, plaintextTest } from '../targets/plaintext-port.ts';
import { handshakeTimeouts, splitByStage } from '../targets/tls.ts';
import { countErrors, nameOf, type SampledError, type Traffic, targetGroupName } from '../traffic.ts';
import { defineCause } from './cause.ts';

/** AWS documents 464 as "the request protocol version does not match the target group's". */
const WRONG_VERSION = '464';

const FIX_VERSION: Fix = {
  summary:
    'Let the rule send these requests to a target group of their version (HTTP/1.1, HTTP/2 or gRPC), or let the clients speak that of the group; a group of version HTTP2 or GRPC takes no HTTP/1.1, one of HTTP1 no gRPC.',
  commands: [
    command`aws elbv2 describe-target-groups --query ${'TargetGroups[].[TargetGroupName,Protocol,ProtocolVersion]'} --output table`,
    command`aws elbv2 create-target-group --name ${'<name>'} --protocol ${'<HTTP or HTTPS>'} --protocol-version ${'<HTTP1, HTTP2 or GRPC>'} --port ${'<port>'} --vpc-id ${'<vpc>'}`,
  ],
  sideEffects: [
    'The version of a target group cannot be changed: a new one serves nothing until its targets are healthy.',
  ],
};

/** "api takes GRPC" */
function versionsOf(
  errors: readonly SampledError[],
  targetGroups: DiagnosisEvidence['targetGroups'] | undefined,
): string {
  const arns = [...new Set(errors.map((error) => error.target_group_arn))].sort();
  const takes = arns.map((arn) => {
    const group = targetGroups?.find(({ TargetGroupArn }) => TargetGroupArn === arn);
    const name = arn === '-' ? 'the target group' : targetGroupName(arn);
    return `${name} takes ${group ? (group.ProtocolVersion ?? 'HTTP1') : 'a version that was not read'}`;
  });
  return list(takes);
}

export const protocolMismatch = defineCause({
  id: 'protocol-mismatch',
  title: 'Protocol mismatch between target group and target',
  explanation:
    'The target group speaks HTTPS to a plaintext port, HTTP to a TLS port, or an HTTP version that the target does not support.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html',
  signatures: ['connect-failed', 'inconsistent', 'closed-before-response', 'target-response', 'other'],
  wants: ['targetGroups', 'targetHealth', 'metrics'],

  judge(evidence, question): Judgement {
    const { traffic, targetGroups } = evidence;
    const connects: TargetConnectTimeouts[] = [...failedConnects(traffic), ...handshakeTimeouts(traffic)];
    const { all, wholeGroups, instantRest } = closedParts(traffic);
    const versions = traffic.errors.filter(({ elb_status_code }) => elb_status_code === WRONG_VERSION);
    const bad = badRequestGroups(evidence);
    if (connects.length + all.length + versions.length + bad.length === 0)
      return ruledOutBySignature(traffic, ['connect-failed', 'closed-before-response']);
    const plaintext = plaintextPorts(evidence);
    const refusing = splitByStage(connects, evidence, question).filter((part) => !part.tls.excluded && !part.succeeded);
    const shown = refusing.filter(
      (part) => part.tls.protocol === 'HTTPS' && plaintext(part.target_group_arn, part.target) === true,
    );
    const open = refusing.filter(
      (part) => !shown.includes(part) && plaintext(part.target_group_arn, part.target) !== false,
    );

    const whole = wholeGroups.map((group) => ({ ...group, name: targetGroupName(group.target_group_arn) }));
    const wholeShown = whole.filter((group) => usesHttpOnTlsPort(group, targetGroups));
    const sure = [...shown.flatMap((part) => part.errors), ...wholeShown.flatMap((group) => group.errors)];
    // Errors of groups without any success, but with too few requests to show that all fail.
    const few = instantRest.filter((error) => !hasSuccess(traffic, error.target_group_arn));
    const maybe = [
      ...few,
      ...open.flatMap((part) => part.errors),
      ...whole.filter((group) => !wholeShown.includes(group)).flatMap((group) => group.errors),
    ];
    const tls = bad.filter(({ tlsPort }) => tlsPort);
    sure.push(...tls.flatMap(({ errors }) => errors));
    maybe.push(...bad.filter(({ tlsPort }) => !tlsPort).flatMap(({ errors }) => errors));
    const names = [
      ...new Set([
        ...shown.map(({ target_group_arn }) => targetGroupName(target_group_arn)),
        ...wholeShown.map((group) => group.name),
        ...tls.map((group) => group.name),
      ]),
    ];
    const [named] = [...sure, ...maybe];
    return claimErrors(
      {
        claims: [
          { errors: versions, strength: 'confirmed' },
          { errors: sure, strength: 'likely' },
          { errors: maybe, strength: 'possible' },
        ],
        for: [
          ...shown
            .slice(0, 2)
            .map(
              (part) =>
                `${targetGroupName(part.target_group_arn)} uses HTTPS, and its health check over plain HTTP passes on the port of ${nameOf(traffic, part.target)}.`,
            ),
          ...[...new Set(open.map(({ target }) => target))]
            .slice(0, 3)
            .map((target) => `No request to ${nameOf(traffic, target)} succeeded in the log that was read.`),
          ...whole.map(
            (group) => `All ${number(group.requests)} requests to ${group.name} lost their connection immediately.`,
          ),
          ...[...wholeShown, ...tls].map((group) => `${group.name} speaks HTTP to a port that looks like TLS.`),
          ...bad.map(
            (group) =>
              `The targets of ${group.name} answered each of ${plural(group.requests, 'request')} with 400, as a TLS port does when it gets plain HTTP.`,
          ),
          ...(versions.length > 0
            ? [
                `${requestsOf(countErrors(versions), traffic.errorCount)} ended with 464: ${versionsOf(versions, targetGroups)} and the requests came in another version.`,
              ]
            : []),
        ],
        against: [],
        missing: [
          ...new Set(open.flatMap(({ tls: { missing } }) => missing)),
          ...plaintextTest(
            open.filter(({ tls: { missing } }) => missing.length === 0).map(({ target }) => target),
            traffic,
          ),
        ],
        fix: versions.length > 0 && sure.length === 0 ? FIX_VERSION : fixFor(named, targetGroups),
        ...(sure.length > 0
          ? {
              summary: `${list(names)}: the target group and its targets speak different protocols (${outOf(countErrors(sure), traffic.errorCount)} errors).`,
            }
          : versions.length > 0
            ? {
                summary: `${plural(countErrors(versions), 'request')} came in another protocol version than the target group takes: ${versionsOf(versions, targetGroups)}.`,
              }
            : {}),
      },
      ruledOut([reachability(traffic, connects, all)]),
    );
  },
});

const hasSuccess = ({ log }: Traffic, arn: string): boolean =>
  log.targets.some((target) => target.target_group_arn === arn && target.firstSuccess !== null);

function usesHttpOnTlsPort(
  { target_group_arn, errors }: { target_group_arn: string; errors: readonly SampledError[] },
  targetGroups: DiagnosisEvidence['targetGroups'] | undefined,
): boolean {
  const group = targetGroups?.find(({ TargetGroupArn }) => TargetGroupArn === target_group_arn);
  if (group?.Protocol !== 'HTTP') return false;
  const ports = errors.map(({ target }) => target.slice(target.lastIndexOf(':') + 1));
  return ports.some(isTlsPort) || group.HealthCheckProtocol === 'HTTPS';
}

/** Evidence that the protocols match: targets answered, failures came too late, or connections were refused. */
function reachability(
  { log }: Traffic,
  connects: readonly TargetConnectTimeouts[],
  closed: readonly SampledError[],
): string {
  const arns = new Set([...connects, ...closed].map(({ target_group_arn }) => target_group_arn));
  const working = log.targets.filter((each) => each.firstSuccess !== null && arns.has(each.target_group_arn));
  if (working.length > 0) {
    const targets = new Set(working.map(({ target }) => target)).size;
    const groups = [...new Set(working.map(({ target_group_arn }) => targetGroupName(target_group_arn)))].sort();
    return `${plural(targets, 'target')} of ${list(groups, 3)} answered other requests; with a protocol mismatch, none would succeed.`;
  }
  const slow = closed.filter((error) => !isInstant(error)).length;
  if (slow > 0)
    return `${outOf(slow, closed.length)} connections closed later than ${seconds(INSTANT_SECONDS)} after the request was sent; with the wrong protocol they close immediately.`;
  const failed = connects.reduce((sum, { errors }) => sum + countErrors(errors), 0);
  return `${outOf(failed, failed)} failed to connect in a group that speaks HTTP: a refused connection is not a protocol problem.`;
}

/** `error`: one of the claimed errors. */
function fixFor(error: SampledError | undefined, targetGroups: DiagnosisEvidence['targetGroups'] | undefined): Fix {
  const group = targetGroups?.find(({ TargetGroupArn }) => TargetGroupArn === error?.target_group_arn);
  const target = error?.target ?? '<target>:<port>';
  const other = group?.Protocol === 'HTTPS' ? 'HTTP' : 'HTTPS';
  return {
    summary: `Create a target group with the protocol of the targets (${other}), register the targets and move the listener rule to it: the protocol of a target group cannot be changed.`,
    commands: [
      command`curl -v ${`http://${target}/`}; curl -vk ${`https://${target}/`}`,
      command`aws elbv2 create-target-group --name ${group ? `${group.TargetGroupName}-${other.toLowerCase()}` : '<name>'} --protocol ${other} --port ${group?.Port ?? '<port>'} --vpc-id ${group?.VpcId ?? '<vpc>'} --target-type ${group?.TargetType ?? '<type>'}`,
    ],
    notes: ['Run curl from inside the VPC: the target speaks what answers.'],
    sideEffects: ['Until the new targets are healthy the new group serves nothing: move the rule after that.'],
  };
}
