import { list, plural } from '../../format/wording.ts';
import {
  CONNECT_TIMEOUT_EVIDENCE,
  type ConnectTimeout,
  couldNotCheck,
  evidenceAgainstDrops,
  findConnectTimeouts,
  isBlocked,
  judgeLayer,
  timeoutText,
} from '../connect-timeouts/connect-timeouts.ts';
import { hostCommands } from '../network-path/host-commands.ts';
import { countErrors } from '../traffic.ts';
import type { Strength } from './cause.ts';
import { defineCause } from './cause.ts';

const STRENGTHS: Strength[] = ['confirmed', 'likely', 'possible'];

export const targetUnreachable = defineCause({
  id: 'target-unreachable',
  title: 'Target does not answer',
  explanation:
    'No answer to the connection attempt for 10 s though the configuration allows the path: the host is down or overloaded, a firewall in it or a network policy drops packets, or the route leads nowhere.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html',
  wants: CONNECT_TIMEOUT_EVIDENCE,

  judge(evidence, question) {
    const { sentences, everyOther } = evidenceAgainstDrops(evidence);
    const changesRead = evidence.changes !== undefined;
    const judged = findConnectTimeouts(evidence, question).map((pair) => ({
      pair,
      strength: strengthOf(pair, changesRead),
    }));
    const claimed = judged.filter(({ strength }) => strength !== null).map(({ pair }) => pair);
    const likely = judged.filter(({ strength }) => strength === 'likely').map(({ pair }) => pair);
    const others = judged.filter(({ strength }) => strength === null).map(({ pair }) => pair);
    return {
      claims: STRENGTHS.map((strength) => ({
        strength,
        errors: judged.filter((each) => each.strength === strength).flatMap(({ pair }) => pair.errors),
      })).filter(({ errors }) => errors.length > 0),
      for: claimed.length > 0 ? [timeoutText(claimed, evidence), ...firstFourDistinct(claimed.flatMap(reasons))] : [],
      against: [
        ...firstFourDistinct(
          others.map((pair) => (pair.path.answer === 'blocked' ? pair.path.sentence : `${pair.exit.for[0] ?? ''}`)),
        ),
        ...sentences,
      ],
      missing: firstFourDistinct([
        ...claimed.flatMap(({ path }) =>
          path.answer === 'allowed' ? [] : path.missing.map(({ what }) => couldNotCheck(what)),
        ),
        ...claimed.flatMap(({ tls }) => (tls.excluded ? [] : tls.missing)),
      ]),
      ruledOut: claimed.length === 0 && everyOther && evidence.traffic.errors.length > 0,
      ...(likely.length > 0
        ? {
            summary: `${list([...new Set(likely.map(({ target }) => target))])} did not answer ${plural(countErrors(likely.flatMap(({ errors }) => errors)), 'connection')} within 10 s, and the configuration allows the path: look inside the host.`,
          }
        : {}),
    };
  },

  fix(evidence, question) {
    const [pair] = findConnectTimeouts(evidence, question);
    const protocol = pair?.tls.protocol === 'HTTPS' ? 'https' : 'http';
    const task = evidence.targetGroups?.find(({ TargetGroupArn }) => TargetGroupArn === pair?.arn)?.TargetType;
    const commands = pair ? hostCommands(pair.address, pair.port, protocol) : hostCommands('<target>', 80);
    const ofTasks = /describe-tasks|networkpolicy/;
    return {
      summary: `Find out on ${pair?.target ?? 'the target'} why no connection is answered: is the host up, does something listen, does a firewall or a network policy drop, is the backlog or the connection table full.`,
      commands: task === 'instance' ? commands.filter((command) => !ofTasks.test(command)) : commands,
      sideEffects: [],
    };
  },
});

/** Likely only where the configuration allows the path and TLS and a target that left are out of the question. */
function strengthOf(pair: ConnectTimeout, changesRead: boolean): Strength | null {
  if (isBlocked(pair, changesRead) || pair.exit.strength === 'confirmed' || pair.exit.strength === 'likely')
    return null;
  const groups = judgeLayer(pair, 'security-group', changesRead);
  const acls = judgeLayer(pair, 'network-acl', changesRead);
  const open = groups.strength === null && acls.strength === null && pair.path.answer !== 'cannot-see';
  return open && pair.tls.excluded && pair.exit.strength === null ? 'likely' : 'possible';
}

function reasons({ path, registration, target, tls }: ConnectTimeout): string[] {
  const reason = registration?.reason ? ` (${registration.reason})` : '';
  return [
    ...(path.answer === 'allowed' || (path.answer === 'blocked' && path.by === 'route') ? [path.sentence] : []),
    ...(registration?.state === 'unhealthy' ? [`${target} is unhealthy now${reason}.`] : []),
    ...(tls.protocol === 'HTTPS' && tls.excluded ? [tls.sentence] : []),
  ];
}

const firstFourDistinct = (sentences: string[]): string[] =>
  [...new Set(sentences.filter((sentence) => sentence !== ''))].slice(0, 4);
