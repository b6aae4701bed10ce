import { command } from '../../format/command.ts';
import { list, outOf, plural } from '../../format/wording.ts';
import { judgeWithoutTimeouts } from '../connect-timeouts/blocked-path.ts';
import { CONNECT_TIMEOUT_EVIDENCE, type ConnectTimeoutEvidence } from '../connect-timeouts/connect-timeout-evidence.ts';
import {
  type ConnectTimeout,
  couldNotCheck,
  evidenceAgainstDrops,
  findConnectTimeouts,
  isBlocked,
  judgeLayer,
  timeoutText,
} from '../connect-timeouts/connect-timeouts.ts';
import { afterSynRetransmits, neverAccepted } from '../connect-timeouts/syn-retransmits.ts';
import {
  claimErrors,
  claimsByStrength,
  type Fix,
  type Judgement,
  NO_FIX,
  ruledOut,
  type Strength,
  untested,
} from '../judgement.ts';
import { describeTask, HOST_NOTES, hostCommands } from '../network-path/host-commands.ts';
import type { PathBlock } from '../network-path/types.ts';
import { isNodePort, nodePortCommands } from '../targets/node-port.ts';
import { countErrors, groupBy, nameOf, namesOf, type SampledError, type Traffic } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const targetUnreachable = defineCause({
  id: 'target-unreachable',
  title: 'Unreachable target',
  explanation:
    'The connection attempt gets no answer for 10 s although the configuration allows the path: the host is down or overloaded, a firewall on it or a network policy drops packets, or the route leads nowhere.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html',
  signatures: ['connect-timeout'],
  events: ['rollout', 'silence'],
  suggestsTest: true,
  wants: CONNECT_TIMEOUT_EVIDENCE,

  judge(evidence, question): Judgement {
    const { sentences, everyOther } = evidenceAgainstDrops(evidence.traffic);
    const changesRead = evidence.changes !== undefined;
    const judged = findConnectTimeouts(evidence, question).map((pair) => ({
      pair,
      errors: pair.errors,
      strength: strengthOf(pair, changesRead),
    }));
    const claimed = judged.filter(({ strength }) => strength !== null).map(({ pair }) => pair);
    const likely = judged.filter(({ strength }) => strength === 'likely').map(({ pair }) => pair);
    const others = judged.filter(({ strength }) => strength === null).map(({ pair }) => pair);
    const blocked = others.filter(isPathBlocked);
    const against = [
      ...(blocked.length === 0 ? [] : [blockedText(blocked)]),
      ...firstFourDistinct(others.filter((pair) => !isPathBlocked(pair)).map(({ exit }) => exit.for[0] ?? '')),
      ...sentences,
    ];
    return claimErrors(
      {
        claims: [
          ...claimsByStrength(judged, ({ strength }) => strength),
          { errors: unaccepted(likely, evidence.traffic), strength: 'likely' },
          { errors: unaccepted(claimed, evidence.traffic), strength: 'possible' },
        ],
        for: [
          timeoutText(claimed, evidence),
          ...retransmitText(claimed, evidence.traffic),
          ...firstFourDistinct(claimed.flatMap((pair) => reasons(pair, evidence.traffic))),
        ],
        against,
        missing: firstFourDistinct([
          ...(likely.length > 0 ? [] : insideTest(claimed, evidence.traffic)),
          ...claimed.flatMap(({ path }) =>
            path.answer === 'allowed' ? [] : path.missing.map(({ what }) => couldNotCheck(what)),
          ),
          ...claimed.flatMap(({ tls }) => (tls.excluded ? [] : tls.missing)),
        ]),
        fix: fixFor(likely.length > 0 ? likely : claimed, evidence),
        ...(likely.length > 0
          ? {
              summary: `${list(
                namesOf(
                  evidence.traffic,
                  likely.map(({ target }) => target),
                ),
              )} did not answer ${plural(countErrors(likely.flatMap(({ errors }) => errors)), 'connection')} within 10 s, ${whereToLook(likely, evidence.traffic)}.`,
            }
          : {}),
      },
      everyOther ? ruledOut(against) : untested(),
    );
  },

  judgeWithoutErrors: judgeWithoutTimeouts,
});

const POLICIES =
  'custom-columns=NS:.metadata.namespace,NAME:.metadata.name,POLICY:.spec.externalTrafficPolicy,PORTS:.spec.ports[*].nodePort';

/** For several targets, commands for the first. */
function fixFor(
  [pair, ...others]: readonly ConnectTimeout[],
  { traffic, targetGroups: groups }: Pick<ConnectTimeoutEvidence, 'traffic' | 'targetGroups'>,
): Fix {
  if (!pair) return NO_FIX;
  const routes = routeBlocks([pair, ...others]);
  if (routes.length > 0)
    return {
      summary: [...new Set(routes.map(({ remedy }) => remedy))].slice(0, 3).join(' '),
      commands: [...new Set(routes.flatMap(({ commands }) => commands))],
      sideEffects: [],
    };
  const repeated = [pair, ...others].some(({ target }) => afterSynRetransmits(traffic, target).length > 0);
  const protocol = pair.tls.protocol === 'HTTPS' ? 'https' : 'http';
  const group = groups?.find(({ TargetGroupArn }) => TargetGroupArn === pair.arn);
  const targets = namesOf(
    traffic,
    [pair, ...others].map(({ target }) => target),
  );
  if (isNodePort(pair.target, group)) {
    return {
      summary: `See whether the node of ${list(targets)} is up and ready; then whether nodes reach each other's pods (their own security groups), whether externalTrafficPolicy is Local without a pod there, and whether conntrack is full.`,
      commands: [
        command`kubectl get nodes -o wide`,
        ...nodePortCommands(pair.port),
        command`kubectl get service -A -o ${POLICIES}`,
        command`conntrack -S; sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max`,
      ],
      notes: ['conntrack is run on the node.'],
      sideEffects: [],
    };
  }
  return {
    summary: repeated
      ? `See on ${list(targets)} whether the listen backlog overflows: accept connections faster (more workers or threads, an event loop that is not blocked), add targets, and raise the backlog and net.core.somaxconn.`
      : `Find out on ${list(targets)} why no connection is answered: is the host up, does something listen, does a firewall or a network policy drop, is the backlog or the connection table full.`,
    commands: [
      ...(repeated ? [command`nstat -az TcpExtListenOverflows TcpExtListenDrops`] : []),
      ...hostCommands(pair.address, pair.port, { protocol, isTask: group?.TargetType !== 'instance' }),
      ...describeTask(traffic.owners.at(pair.target, pair.first, pair.arn)),
    ],
    notes: [
      ...(repeated
        ? ['Counts of nstat that grow are a full listen backlog; if they stand still, packets are lost on the way.']
        : []),
      ...HOST_NOTES,
    ],
    sideEffects: [],
  };
}

/** How to tell a host that does not answer from rules that drop packets. */
function insideTest(pairs: readonly ConnectTimeout[], traffic: Traffic): string[] {
  const [pair] = pairs;
  if (pair === undefined) return [];
  const protocol = pair.tls.protocol === 'HTTPS' ? 'https' : 'http';
  const host = pair.address.includes(':') ? `[${pair.address}]` : pair.address;
  const insecure = protocol === 'https' ? '-k ' : '';
  return [
    `Whether ${list(
      namesOf(
        traffic,
        pairs.map(({ target }) => target),
      ),
      3,
    )} answer${pairs.every(({ target }) => target === pair.target) ? 's' : ''} from inside: run "curl -v ${insecure}--max-time 15 ${protocol}://${host}:${pair.port}/" on the host and from another host of the VPC. Where only the first gets an answer, rules or a firewall drop; where neither does, the host is at fault.`,
  ];
}

/** The faults of route tables if every path ends at one. */
function routeBlocks(pairs: readonly ConnectTimeout[]): PathBlock[] {
  const blocks = pairs.map(({ path }) =>
    path.answer === 'blocked' ? path.blocks.filter(({ by }) => by === 'route') : [],
  );
  return blocks.every((own) => own.length > 0) ? blocks.flat() : [];
}

function whereToLook(likely: readonly ConnectTimeout[], traffic: Traffic): string {
  const [route] = routeBlocks(likely);
  if (route !== undefined) return `since ${route.sentence}`;
  if (likely.some(({ target }) => afterSynRetransmits(traffic, target).length > 0))
    return 'and others only after repeated SYNs: look for a full listen backlog';
  return likely.every(({ path }) => path.answer === 'allowed')
    ? 'and the configuration allows the path: look inside the host'
    : likely.every(({ stoppedAlone }) => stoppedAlone.length > 0)
      ? `after ${likely.length === 1 ? 'it' : 'they'} had answered until then: look at the host`
      : 'and no rule that was read drops the packets: look at the host and at the way to it';
}

/** Likely only if the configuration allows the path and neither TLS nor an exit of the target can be the cause. */
function strengthOf(pair: ConnectTimeout, changesRead: boolean): Strength | null {
  if (isBlocked(pair, changesRead) || pair.exit.strength === 'confirmed' || pair.exit.strength === 'likely')
    return null;
  if (pair.stoppedAlone.length > 0 && pair.tls.excluded && pair.exit.strength === null) return 'likely';
  const groups = judgeLayer(pair, 'security-group', changesRead);
  const acls = judgeLayer(pair, 'network-acl', changesRead);
  const open = groups.strength === null && acls.strength === null && pair.path.answer !== 'cannot-see';
  return open && pair.tls.excluded && pair.exit.strength === null ? 'likely' : 'possible';
}

const unaccepted = (pairs: readonly ConnectTimeout[], traffic: Traffic): SampledError[] =>
  [...neverAccepted(traffic)].filter(({ target, target_group_arn }) =>
    pairs.some((pair) => pair.target === target && pair.arn === target_group_arn),
  );

function retransmitText(pairs: readonly ConnectTimeout[], traffic: Traffic): string[] {
  const errors = [...new Set(pairs.map(({ target }) => target))].flatMap((target) =>
    afterSynRetransmits(traffic, target),
  );
  return errors.length === 0
    ? []
    : [
        `${plural(countErrors(errors), 'failed request')} of the same targets waited 1, 3 or 7 s for the connection: repeated SYNs, as a full listen backlog or packet loss leaves.`,
        ...connectShares(pairs, traffic),
      ];
}

/** "8 of 270 requests to 10.0.1.6:8080 got no connection within 10 s.": a blocked path lets none through. */
function connectShares(pairs: readonly ConnectTimeout[], traffic: Traffic): string[] {
  return [...groupBy(pairs, ({ arn, target }) => `${arn} ${target}`).values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const failed = countErrors([first, ...others].flatMap(({ errors }) => errors));
    const requests = traffic.log.targets
      .filter(({ target_group_arn, target }) => target_group_arn === first.arn && target === first.target)
      .reduce((sum, each) => sum + each.requests, 0);
    return failed < requests
      ? [`${outOf(failed, requests)} requests to ${nameOf(traffic, first.target)} got no connection within 10 s.`]
      : [];
  });
}

function reasons({ path, registration, target, tls, stoppedAlone }: ConnectTimeout, traffic: Traffic): string[] {
  const reason = registration?.reason ? ` (${registration.reason})` : '';
  return [
    ...(path.answer === 'allowed' || (path.answer === 'blocked' && path.by === 'route') ? [path.sentence] : []),
    ...stoppedAlone,
    ...(registration?.state === 'unhealthy' ? [`${nameOf(traffic, target)} is unhealthy now${reason}.`] : []),
    ...(tls.protocol === 'HTTPS' && tls.excluded ? [tls.sentence] : []),
  ];
}

const isPathBlocked = ({ path }: ConnectTimeout): boolean => path.answer === 'blocked';

const blockedText = (blocked: readonly ConnectTimeout[]): string =>
  `A blocked path explains ${plural(countErrors(blocked.flatMap(({ errors }) => errors)), 'timeout')}.`;

const firstFourDistinct = (sentences: string[]): string[] =>
  [...new Set(sentences.filter((sentence) => sentence !== ''))].slice(0, 4);
