import { command } from '../../format/command.ts';
import { durationSpread, number, outOf, percent, plural, seconds, utcTimeSpan } from '../../format/wording.ts';
import type { CauseEvidence } from '../diagnosis-evidence.ts';
import { claimErrors, type Fix, type Judgement, ruledOut, untested } from '../judgement.ts';
import { closedParts } from '../patterns/closed-connections.ts';
import { INSTANT_SECONDS, isInstant, type KeepAliveEdge, whyInconclusive } from '../patterns/keep-alive.ts';
import { runtimesClosingAt } from '../patterns/runtimes.ts';
import { countErrors, targetGroupName } from '../traffic.ts';
import { defineCause } from './cause.ts';

const IDLE_TIMEOUT = 'idle_timeout.timeout_seconds';
const WANTS = ['attributes', 'loadBalancer'] as const;

export const keepAliveRace = defineCause({
  id: 'keep-alive-race',
  title: 'Keep-alive race',
  explanation:
    'The target closes an idle connection at the moment the load balancer sends the next request on it, because its keep-alive timeout is not longer than the idle timeout.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html',
  signatures: ['closed-before-response'],
  wants: WANTS,

  judge(evidence, question): Judgement {
    const { traffic, attributes } = evidence;
    const parts = closedParts(traffic);
    const idle = attributes?.[IDLE_TIMEOUT];
    const missing = attributes ? [] : ['The idle timeout of the load balancer could not be read.'];

    const [first] = parts.race;
    if (first) {
      const errors = parts.race.flatMap((race) => race.errors);
      const open = parts.instantRest;
      const { measure, edge } = first;
      const group = targetGroupName(measure.target_group_arn);
      return claimErrors(
        {
          claims: [
            { errors, strength: 'likely' },
            { errors: open, strength: 'possible' },
          ],
          for: [
            ...parts.race.map((race) => edgeSentence(race.edge, question.to)),
            `${plural(errors.length, 'error')} closed at most ${seconds(Math.max(...errors.map((e) => e.target_processing_time)))} after being sent: the target had not begun to work.`,
            ...(idle ? [`The load balancer keeps idle connections ${idle} s.`] : []),
            ...routeSpread(
              traffic.log.routes.length,
              errors.map((e) => e.route),
            ),
          ],
          against: open.length > 0 ? [`${plural(open.length, 'instant error')} did not come at that time.`] : [],
          missing,
          fix: fixFor(edge, evidence),
          summary: `Keep-alive race on target group ${group}: ${closing(edge)}${idle ? `, but the load balancer reuses them for up to ${idle} s` : ''}.`,
        },
        untested(),
      );
    }

    const unmeasured = parts.instantRest;
    if (unmeasured.length > 0) {
      const open = parts.measures.find(({ instant }) => instant.length > 0);
      return claimErrors(
        {
          claims: [{ errors: unmeasured, strength: 'possible' }],
          for: [
            `${plural(unmeasured.length, 'error')} closed within ${durationSpread(unmeasured.map((e) => e.target_processing_time))} of being sent, as in a race.`,
          ],
          against: [],
          missing: [
            ...missing,
            `${plural(unmeasured.length, 'instant error')}: ${open ? whyInconclusive(open) : 'no idle times were measured'}.`,
          ],
          fix: fixFor(null, evidence),
        },
        untested(),
      );
    }
    return ruledOut(whyNot());

    function whyNot(): string[] {
      const slow = parts.all.filter((error) => !isInstant(error));
      const others = traffic.errorCount - countErrors(parts.all);
      const elsewhere = parts.all.length - slow.length;
      return [
        ...(slow.length > 0
          ? [
              `${outOf(slow.length, parts.all.length)} closed ${durationSpread(slow.map((e) => e.target_processing_time))} after being sent; a race shows within ${seconds(INSTANT_SECONDS)}.`,
            ]
          : []),
        ...(elsewhere > 0
          ? [
              `${plural(elsewhere, 'instant error')} ${elsewhere === 1 ? 'follows' : 'follow'} a route, some clients, a target or a whole target group, not an idle time.`,
            ]
          : []),
        ...(others > 0 ? [`${plural(others, 'other error')} did not fail on an open connection at once.`] : []),
      ];
    }
  },
});

/** `edge`: of the errors that are claimed, null where none was found. */
function fixFor(edge: KeepAliveEdge | null, { attributes, loadBalancer }: CauseEvidence<(typeof WANTS)[number]>): Fix {
  const idle = Number(attributes?.[IDLE_TIMEOUT] ?? 60);
  const runtimes = edge?.kind === 'idle' ? runtimesClosingAt(edge.seconds).join(' ') : '';
  const wanted = idle + 5;
  const below = edge?.kind === 'idle' && edge.seconds >= 2 ? Math.ceil(edge.seconds) - 1 : null;
  return {
    summary: `Raise the keep-alive timeout of the application above the idle timeout of the load balancer (${wanted} s or more).`,
    commands:
      below && loadBalancer
        ? [
            command`aws elbv2 modify-load-balancer-attributes --load-balancer-arn ${loadBalancer.LoadBalancerArn} --attributes Key=${IDLE_TIMEOUT},Value=${below}`,
          ]
        : [],
    settings: settings(wanted)
      .filter(({ runtime }) => runtimes === '' || runtime.test(runtimes))
      .map(({ text }) => text),
    ...(below && loadBalancer
      ? { notes: ['Until that is deployed, the command lowers the idle timeout of the load balancer instead.'] }
      : {}),
    sideEffects: [
      `Idle connections stay open up to ${wanted} s: close them on SIGTERM (Node.js: server.closeIdleConnections()), or shutdown waits for them.`,
      ...(below
        ? [
            `An idle timeout of ${below} s on the load balancer stops the race and cuts every request that takes longer than ${below} s.`,
          ]
        : []),
    ],
  };
}

/** "103 of 112 errors came 6.00 s after an earlier response on the same load balancer node and target; chance would give 13." */
function edgeSentence(edge: KeepAliveEdge, to: number): string {
  const { kind, seconds: at, hits, examined, expected, controls, since } = edge;
  const when = {
    idle: `${seconds(at)} after an earlier response on the same load balancer node and target`,
    'at-once': 'within 5 ms of the latest response on the same load balancer node and target',
    beyond: `${seconds(at)} or more after the latest response on the same load balancer node and target`,
  }[kind];
  return `${outOf(hits, examined)} errors${since === null ? '' : ` from ${utcTimeSpan(since, to)}`} came ${when}; chance would give ${expected < 0.5 ? 'none' : number(expected)} (from ${plural(controls, 'successful request')} of the same routes).`;
}

/** "its targets close idle connections after 6.00 s" */
const closing = ({ kind, seconds: at }: KeepAliveEdge): string =>
  ({
    idle: `its targets close idle connections after ${seconds(at)}`,
    'at-once': 'its targets close connections right after a response',
    beyond: `connections to its targets die once they were idle for ${seconds(at)}`,
  })[kind];

function routeSpread(failing: number, routes: string[]): string[] {
  const counts = new Map<string, number>();
  for (const route of routes) counts.set(route, (counts.get(route) ?? 0) + 1);
  const top = Math.max(...counts.values());
  return counts.size >= 3
    ? [
        `Spread over ${outOf(counts.size, failing)} failing routes; the most frequent has ${percent(top / routes.length)} of them.`,
      ]
    : [];
}

/** Settings by runtime; https://nodejs.org/api/http.html and the servers' own manuals. */
function settings(wanted: number): { runtime: RegExp; text: string }[] {
  const ms = `${wanted}_000`;
  return [
    {
      runtime: /Node/,
      text: `server.keepAliveTimeout = ${ms}; server.headersTimeout = ${wanted + 1}_000   // Node.js; headersTimeout matters before 18.2`,
    },
    { runtime: /gunicorn/, text: `gunicorn --keep-alive ${wanted}` },
    { runtime: /uvicorn/, text: `uvicorn --timeout-keep-alive ${wanted}` },
    { runtime: /Apache/, text: `KeepAliveTimeout ${wanted}   # Apache httpd` },
    { runtime: /Bun/, text: `Bun.serve({ idleTimeout: ${wanted} })` },
    {
      runtime: /uWebSockets/,
      text: '# uWebSockets: its HTTP idle timeout of 10 s is compiled in; lower that of the load balancer instead',
    },
    {
      runtime: /Tomcat standalone/,
      text: `<Connector keepAliveTimeout="${wanted}000" …>   <!-- Tomcat server.xml -->`,
    },
    { runtime: /Spring/, text: `server.tomcat.keep-alive-timeout=${wanted}s` },
    { runtime: /Puma/, text: `persistent_timeout ${wanted}   # Puma` },
    { runtime: /Jetty/, text: `jetty.http.idleTimeout=${wanted}000` },
    { runtime: /Undertow/, text: `server.undertow.no-request-timeout=${wanted}s` },
    { runtime: /nginx/, text: `keepalive_timeout ${wanted}s;   # nginx, http or server block` },
  ];
}
