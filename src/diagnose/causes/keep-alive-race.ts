import {
  durationSpread,
  list,
  number,
  outOf,
  percent,
  plainSeconds,
  plural,
  requestsOf,
  seconds,
  utcTimeSpan,
} from '../../format/wording.ts';
import { IDLE_TIMEOUT_CHANGED } from '../breaking-call.ts';
import type { CauseEvidence } from '../diagnosis-evidence.ts';
import { claimErrors, type Fix, type Judgement, ruledOut, type Stopgap, untested } from '../judgement.ts';
import { type ClosedParts, closedParts } from '../patterns/closed-connections.ts';
import { closedAsAnswered } from '../patterns/closing-times.ts';
import {
  INSTANT_SECONDS,
  isInstant,
  type KeepAliveEdge,
  type KeepAliveMeasure,
  MOST_OF_A_GROUP,
  whyInconclusive,
} from '../patterns/keep-alive.ts';
import { countFrom, routeScale } from '../patterns/route-scales.ts';
import { keepAliveSettings } from '../patterns/runtimes.ts';
import { setIdleTimeout } from '../patterns/slow-requests.ts';
import { countErrors, namesOf, type SampledError, type Traffic, targetGroupName } from '../traffic.ts';
import { defineCause } from './cause.ts';

const IDLE_TIMEOUT = 'idle_timeout.timeout_seconds';
const WANTS = ['attributes', 'loadBalancer', 'targetGroups'] as const;

export const keepAliveRace = defineCause({
  id: 'keep-alive-race',
  title: 'Keep-alive race',
  explanation:
    'The target closes an idle connection at the moment the load balancer sends the next request on it, because its keep-alive timeout is not longer than the idle timeout.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html',
  signatures: ['closed-before-response'],
  breakingCalls: [
    {
      ...IDLE_TIMEOUT_CHANGED,
      signatures: ['closed-before-response'],
      outcome: 'targets closed connections that were reused',
    },
  ],
  showsKeepAlive: true,
  inApplicationLog: { is: 'absent', because: 'a keep-alive race' },
  wants: WANTS,

  judge(evidence, question): Judgement {
    const { traffic, attributes } = evidence;
    const parts = closedParts(traffic);
    const idle = attributes?.[IDLE_TIMEOUT];
    const missing = attributes ? [] : ['The idle timeout of the load balancer could not be read.'];

    const [first] = parts.race;
    if (first) {
      const errors = parts.race.flatMap((race) => race.errors);
      const open = openToRace(parts);
      const arn = first.measure.target_group_arn;
      const ofGroup = parts.race.filter((race) => race.measure.target_group_arn === arn);
      return claimErrors(
        {
          claims: [
            { errors, strength: 'likely' },
            { errors: open, strength: 'possible' },
          ],
          for: [
            ...parts.race.map((race) => edgeSentence(race.edge, question.to)),
            `${plural(errors.length, 'connection')} closed within ${seconds(Math.max(...errors.map((e) => e.target_processing_time)))} of the request, as in a race.`,
            ...(idle ? [`The load balancer keeps idle connections for ${idle} s.`] : []),
            ...routeSpread(
              traffic.log.routes.length,
              errors.map((e) => e.route),
            ),
          ],
          against: unmeasuredText(open),
          missing,
          fix: fixFor({ races: parts.race, arn }, evidence),
          summary: `Keep-alive race on target group ${targetGroupName(arn)}: ${closingOf(ofGroup, idle, traffic)}.`,
        },
        untested(),
      );
    }

    const unmeasured = openToRace(parts);
    if (unmeasured.length > 0) {
      const open = parts.measures.find(({ instant }) => instant.length > 0);
      return claimErrors(
        {
          claims: [{ errors: unmeasured, strength: 'possible' }],
          for: [
            `${plural(unmeasured.length, 'connection')} closed ${durationSpread(unmeasured.map((e) => e.target_processing_time))} after the request was sent, as in a race.`,
          ],
          against: [],
          missing: [...missing, `A common idle time: ${open ? whyInconclusive(open) : 'no idle times were measured'}.`],
          fix: fixFor({ races: [], arn: unmeasured[0]?.target_group_arn ?? '' }, evidence),
        },
        untested(),
      );
    }
    return ruledOut(whyNot());

    function whyNot(): string[] {
      const slow = parts.all.filter((error) => !isInstant(error));
      const others = traffic.errorCount - countErrors(parts.all);
      const crowded = parts.measures.filter(({ share }) => share > MOST_OF_A_GROUP);
      const answered = closedAsAnswered(traffic, parts.instantRest);
      const elsewhere = parts.all.length - slow.length - answered.length - countIn(crowded);
      return [
        ...crowded.map(
          ({ share, target_group_arn }) =>
            `${percent(share)} of all requests to ${targetGroupName(target_group_arn)} lost their connection immediately: a connection must have answered before it can be idle, so a race fails at most half.`,
        ),
        ...(answered.length > 0
          ? [
              `${plural(answered.length, 'error')} closed when ${answered.length === 1 ? 'its route answers' : 'their routes answer'}, after ${durationSpread(answered.map((e) => e.target_processing_time))}, as spread as the successes: the target was at work.`,
            ]
          : []),
        ...(slow.length > 0
          ? [
              `${requestsOf(slow.length, parts.all.length, 'closed')} failed ${durationSpread(slow.map((e) => e.target_processing_time))} after being sent; a race fails within ${seconds(INSTANT_SECONDS)}.`,
            ]
          : []),
        ...(elsewhere > 0
          ? [
              `${plural(elsewhere, 'instant error')} ${elsewhere === 1 ? 'follows' : 'follow'} a route, some clients, a target or a whole target group, not an idle time.`,
            ]
          : []),
        ...(others > 0 ? [`${plural(others, 'other error')} did not fail immediately on an open connection.`] : []),
      ];
    }
  },
});

const unmeasuredText = (open: readonly SampledError[]): string[] =>
  open.length === 0
    ? []
    : [
        `${plural(open.length, 'other error')} closed as soon; no idle time of ${open.length === 1 ? 'it is' : 'them is'} known.`,
      ];

const countIn = (measures: readonly KeepAliveMeasure[]): number =>
  measures.reduce((sum, { instant }) => sum + instant.length, 0);

/** Errors that may be races, with or without an edge: closed at once, or slightly later in a group with an edge. */
function openToRace({ measures, instantRest, slowRest }: ClosedParts): SampledError[] {
  const open = measures.filter(({ share }) => share <= MOST_OF_A_GROUP);
  const candidates = new Set(open.flatMap(({ closed, instant, edge }) => (edge === null ? instant : closed)));
  return [...instantRest, ...slowRest].filter((error) => candidates.has(error)).sort((a, b) => a.index - b.index);
}

interface RaceClaim {
  /** Of all target groups; empty if no idle time was measured for the claimed errors. */
  races: ClosedParts['race'];
  /** The group to fix first. */
  arn: string;
}

function fixFor({ races, arn }: RaceClaim, evidence: CauseEvidence<(typeof WANTS)[number]>): Fix {
  const { attributes, traffic, targetGroups } = evidence;
  const idle = Number(attributes?.[IDLE_TIMEOUT] ?? 60);
  const wanted = idle + 5;
  const edges = races.filter(({ measure }) => measure.target_group_arn === arn).map((race) => race.edge);
  const [edge = null] = edges;
  const version = targetGroups?.find(({ TargetGroupArn }) => TargetGroupArn === arn)?.ProtocolVersion ?? 'HTTP1';
  if (version !== 'HTTP1') return multiplexedFix(version, wanted);
  if (edge?.kind === 'at-once') return closesAfterResponseFix(wanted);
  if (edge?.kind === 'beyond') return droppedConnectionsFix(edge.seconds, evidence);
  // A timer left above any of the edges would not end the race.
  const [shortest] = races.map((race) => race.edge).sort((a, b) => a.seconds - b.seconds);
  const stopgap = shortest === undefined ? null : shorterIdleTimeout(traffic, shortest);
  const measured = edges.flatMap(({ kind, seconds: at }) => (kind === 'idle' ? [at] : []));
  return {
    summary: `Raise the keep-alive timeout of ${targetGroupName(arn)} to ${wanted} s or more, above the load balancer's idle timeout${attributes?.[IDLE_TIMEOUT] === undefined ? ` (not read; ${idle} s by default)` : ` of ${idle} s`}.`,
    commands: [],
    settings: [
      ...new Set(
        measured.length === 0
          ? keepAliveSettings(null, wanted)
          : measured.flatMap((at) => keepAliveSettings(at, wanted)),
      ),
    ],
    sideEffects: [
      `On SIGTERM, close idle connections (Node.js 19+: server.close()); otherwise stopping can take ${idle} s.`,
    ],
    ...(stopgap === null || !evidence.loadBalancer
      ? {}
      : { stopgap: stopgapOf(stopgap, evidence.loadBalancer.LoadBalancerArn, attributes?.[IDLE_TIMEOUT]) }),
  };
}

/** Lowers the idle timeout of the load balancer below that of the targets. `now`: its present value, if it was read. */
const stopgapOf = (
  { seconds: below, cut, of }: NonNullable<ReturnType<typeof shorterIdleTimeout>>,
  loadBalancer: string,
  now: string | undefined,
): Stopgap => ({
  summary: `Lower the load balancer's idle timeout to ${below} s.`,
  commands: [setIdleTimeout(loadBalancer, below)],
  undo:
    now === undefined
      ? 'Note the present idle timeout before you run it, and set it back once the keep-alive timeout is raised.'
      : `Set the idle timeout back to ${now} s (Value=${now}) once the keep-alive timeout is raised.`,
  sideEffects: [
    `Ends requests idle for ${below} s: ${cut === 0 ? 'none' : number(cut)} of ${plural(of, 'success', 'successes')} on failing routes took that long (other routes not counted).`,
  ],
  idleTimeoutSeconds: below,
});

/** HTTP/2 streams share a connection, which is not idle between two requests; the target ends it with GOAWAY. */
const multiplexedFix = (version: string, wanted: number): Fix => ({
  summary: `Have the server announce the end of a connection (GOAWAY) and finish its streams; keep idle connections ${wanted} s or more.`,
  commands: [],
  notes: [
    `In this ${version} target group look at max connection age and its grace period (gRPC: MaxConnectionAge, MaxConnectionAgeGrace), the idle timeout, and header compression of later streams.`,
    'A target group of the same targets over HTTP1 shows whether HTTP/2 is at fault.',
  ],
  sideEffects: [],
});

/** Without a timer: the server ends each connection, or some, without announcing it in the response. */
const closesAfterResponseFix = (wanted: number): Fix => ({
  summary: `Let the server keep connections open (${wanted} s or more), or announce each close with the response header "Connection: close": the load balancer does not reuse such a connection.`,
  commands: [],
  settings: ['uwsgi --http :8080 --http-keepalive   # uWSGI; without it its router closes after each response'],
  notes: [
    'Look for keep-alive that is switched off, a limit of requests for each connection, or a proxy that ends connections.',
  ],
  sideEffects: ['With "Connection: close" each request needs a new connection.'],
});

/** Connections die silently after a long idle time: a device on the path drops them (EC2 drops some after 350 s). */
function droppedConnectionsFix(at: number, { loadBalancer }: CauseEvidence<(typeof WANTS)[number]>): Fix {
  const below = Math.floor(at + EARLY_SECONDS) - 1;
  return {
    summary: `Keep connections idle for less than ${plainSeconds(at)}: a firewall, NAT or connection table on the way to the targets forgets them, and neither side is told.`,
    commands: loadBalancer && below >= SHORTEST_STOPGAP ? [setIdleTimeout(loadBalancer.LoadBalancerArn, below)] : [],
    notes: [
      'Security groups of Nitro v6 instances forget idle connections after 350 s; look at the idle timeout of every firewall and NAT between.',
    ],
    sideEffects: [`A request that takes longer than ${below} s then ends as a 504.`],
  };
}

/** Largest share of the failing routes' successes that the temporary fix may cut off. */
const MOST_CUT = 0.01;
const EARLY_SECONDS = 0.005;
/** Whole seconds; a timeout of one second would cut off ordinary requests. */
const SHORTEST_STOPGAP = 2;

/**
 * Seconds: an idle timeout below the edge that would cut off hardly any request of the window. Null if none exists or
 * the durations are unknown.
 */
function shorterIdleTimeout(traffic: Traffic, { kind, seconds: at }: KeepAliveEdge) {
  // Equal timers race too, and a measured edge may be some milliseconds early.
  const below = Math.floor(at + EARLY_SECONDS) - 1;
  if (kind !== 'idle' || below < SHORTEST_STOPGAP) return null;
  const scales = traffic.log.routes.flatMap(({ route }) => routeScale(traffic, route, 'times') ?? []);
  const of = scales.reduce((sum, { successes }) => sum + successes, 0);
  const cut = scales.reduce((sum, scale) => sum + countFrom(scale, 1000 * below), 0);
  return of > 0 && cut <= MOST_CUT * of ? { seconds: below, cut, of } : null;
}

/** "103 of 112 requests closed immediately came 6.00 s after an earlier response on the same load balancer node and target; by chance, 13 would." */
function edgeSentence(edge: KeepAliveEdge, to: number): string {
  const { kind, seconds: at, hits, examined, expected, controls, since } = edge;
  const when = {
    idle: `${seconds(at)} after an earlier response on the same load balancer node and target`,
    'at-once': 'within 5 ms of the latest response on the same load balancer node and target',
    beyond: `${seconds(at)} or more after the latest response on the same load balancer node and target`,
  }[kind];
  const errors =
    hits === examined ? plural(hits, 'failed request') : `${outOf(hits, examined)} requests closed immediately`;
  return `${errors}${since === null ? '' : ` from ${utcTimeSpan(since, to)}`} came ${when}; by chance, ${expected < 0.5 ? 'none' : number(expected)} would (from ${plural(controls, 'success', 'successes')} with a known idle time).`;
}

/** "its targets close idle connections after 6 s, but the load balancer reuses them for up to 60 s" */
function closing({ kind, seconds: at }: KeepAliveEdge, idle: string | undefined): string {
  if (kind === 'idle' && idle !== undefined && `${idle} s` === plainSeconds(at))
    return `its targets and the load balancer close idle connections after the same ${plainSeconds(at)}`;
  const close = {
    idle: `its targets close idle connections after ${plainSeconds(at)}`,
    'at-once': 'its targets close connections right after a response',
    beyond: `connections to its targets die once they were idle for ${plainSeconds(at)}`,
  }[kind];
  return idle === undefined ? close : `${close}, but the load balancer reuses them for up to ${idle} s`;
}

/** The same where some targets of the group close after another time than the others, by most errors of each. */
function closingOf(
  [first, second]: readonly { edge: KeepAliveEdge; errors: readonly SampledError[] }[],
  idle: string | undefined,
  traffic: Traffic,
): string {
  if (first === undefined) return '';
  if (second === undefined || first.edge.kind !== 'idle') return closing(first.edge, idle);
  const count = (errors: readonly SampledError[], target: string) => errors.filter((e) => e.target === target).length;
  const targets = [...new Set([...first.errors, ...second.errors].map(({ target }) => target))].sort();
  const ofFirst = targets.filter((target) => count(first.errors, target) > count(second.errors, target));
  const ofSecond = targets.filter((target) => !ofFirst.includes(target));
  const mixed = [
    ...first.errors.filter((e) => ofSecond.includes(e.target)),
    ...second.errors.filter((e) => ofFirst.includes(e.target)),
  ];
  if (
    ofFirst.length === 0 ||
    ofSecond.length === 0 ||
    mixed.length > MOST_MIXED * (first.errors.length + second.errors.length)
  )
    return closing(first.edge, idle);
  const some = `${list(namesOf(traffic, ofFirst), 3)} ${ofFirst.length === 1 ? 'closes' : 'close'} idle connections after ${plainSeconds(first.edge.seconds)} and ${list(namesOf(traffic, ofSecond), 3)} after ${plainSeconds(second.edge.seconds)}`;
  return idle === undefined ? some : `${some}, but the load balancer reuses them for up to ${idle} s`;
}

/** Share of errors that may lie at the idle time of the other targets by chance. */
const MOST_MIXED = 0.2;

function routeSpread(failing: number, routes: string[]): string[] {
  const counts = new Map<string, number>();
  for (const route of routes) counts.set(route, (counts.get(route) ?? 0) + 1);
  const [top] = [...counts].sort(([, a], [, b]) => b - a);
  return counts.size >= 3 && top !== undefined
    ? [
        `${outOf(counts.size, failing)} failing routes have errors from the race; ${top[0]} has ${percent(top[1] / routes.length)} of these errors.`,
      ]
    : [];
}
