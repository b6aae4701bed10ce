import type { LongerWindowOffer } from '../../evidence/access-log.ts';
import { list, number, percent, plural, seconds, utcTimeSpan } from '../../format/wording.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { outlineOf } from '../events/outlines.ts';
import { NONE_CLOSED } from '../no-errors.ts';
import {
  atEdgeText,
  INSTANT_SECONDS,
  type KeepAliveEdge,
  type KeepAliveMeasure,
  MOST_OF_A_GROUP,
  measureKeepAlive,
  needsLongerWindow,
  whyInconclusive,
} from '../patterns/keep-alive.ts';
import { runtimesClosingAt } from '../patterns/runtimes.ts';
import { countErrors, type Traffic, targetGroupName, withSignature } from '../traffic.ts';
import { defineCheck } from './check.ts';

export const measuredKeepAlive = defineCheck({
  id: 'measured-keep-alive',
  step: 3,
  subject: "the targets' keep-alive timeout",
  question: 'Do the targets keep idle connections open longer than the load balancer does?',
  why: "A target that closes first can reset the load balancer's next request: an intermittent 502.",
  fix: 'Raise the keep-alive timeout of the application above the idle timeout of the load balancer.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html',
  namedBy: ['keep-alive-race'],
  headline: 1,
  needs: ['traffic'],
  wants: ['attributes'],

  evaluate({ traffic, attributes }, question): CheckVerdict {
    const measures = measureKeepAlive(traffic);
    const ofEvent = closesOfEvent(traffic);
    if (ofEvent !== null && measures.every(({ edge }) => edge === null)) return ofEvent;
    if (measures.length === 0) {
      const closed = withSignature(traffic, 'closed-before-response');
      return {
        outcome: 'not-applicable',
        summary:
          closed.length === 0
            ? NONE_CLOSED
            : `Could not measure the targets' keep-alive timeout: ${countErrors(closed) < 1.5 ? 'the closed connection does not follow' : `none of the ${plural(countErrors(closed), 'closed connection')} follows`} an idle time.`,
      };
    }
    const [crowded] = measures.filter(({ share }) => share > MOST_OF_A_GROUP);
    if (crowded !== undefined) {
      return {
        outcome: 'not-applicable',
        summary: `Could not measure the targets' keep-alive timeout: ${percent(crowded.share)} of all requests to ${targetGroupName(crowded.target_group_arn)} lost their connection immediately; a race fails at most half.`,
      };
    }
    for (const measure of measures) {
      if (measure.edge !== null)
        return failVerdict(measure, measure.edge, attributes?.['idle_timeout.timeout_seconds'], question.to);
    }
    const first = measures.find((measure) => measure.instant.length > 0);
    if (first === undefined) {
      return {
        outcome: 'pass',
        summary: `No request failed within ${seconds(INSTANT_SECONDS)} of being sent, so none looks like a keep-alive race.`,
      };
    }
    const instant = measures.reduce((sum, measure) => sum + measure.instant.length, 0);
    const lookedBack = traffic.earlier === null ? '' : `, also ${utcTimeSpan(traffic.earlier.from, question.to)}`;
    const offer = needsLongerWindow(traffic, first) ? longerWindowText(traffic.log.longerLook) : '';
    return {
      outcome: 'unknown',
      summary: `${plural(instant, 'connection')} closed right after a request was sent${lookedBack}, but ${whyInconclusive(first)}.${offer}`,
    };
  },
});

/** If crashes or rollouts explain all closes, they were not caused by idle time. */
function closesOfEvent(traffic: Traffic): CheckVerdict | null {
  const closed = withSignature(traffic, 'closed-before-response');
  const outlines = outlineOf(traffic);
  if (closed.length === 0 || !closed.every((error) => outlines.has(error))) return null;
  const kinds = [...new Set(closed.map((error) => outlines.get(error)?.kind.replace('-', ' ') ?? ''))].sort();
  return {
    outcome: 'not-applicable',
    summary: `The ${list(kinds)} closed ${plural(countErrors(closed), 'connection')}; no idle timer did.`,
  };
}

/** Offers one longer look with its price, or suggests a longer window. */
function longerWindowText(look: LongerWindowOffer | undefined): string {
  if (look === undefined)
    return ' Try a longer window: more errors may share an idle time. When diagnosing in AWS, --look-back 24h reads earlier logs, too.';
  return ` One longer look may be enough${look.estimate === null ? '' : ` (${look.estimate})`}: ${look.command}`;
}

function failVerdict(
  measure: KeepAliveMeasure,
  edge: KeepAliveEdge,
  idle: string | undefined,
  to: number,
): CheckVerdict {
  const at = edge.seconds;
  const runtimes = edge.kind === 'idle' ? runtimesClosingAt(at) : [];
  const keeps = idle
    ? `the load balancer reuses connections for up to ${idle} s`
    : 'the idle timeout of the load balancer could not be read';
  const group = targetGroupName(measure.target_group_arn);
  const fix = FIXES[edge.kind];
  const closes = {
    idle: `Targets of ${group} close idle connections after ${seconds(at)}`,
    'at-once': `Targets of ${group} close the connection right after a response`,
    beyond: `Connections to ${group} fail once they were idle for ${seconds(at)}`,
  }[edge.kind];
  return {
    outcome: 'fail',
    summary: `${closes} (seen in ${atEdgeText(edge.hits, edge.examined)}${edge.since === null ? '' : ` from ${utcTimeSpan(edge.since, to)}`}); ${keeps}.`,
    facts: [
      ...(edge.kind === 'at-once'
        ? []
        : [{ label: 'targets close after', value: Math.round(at * 100) / 100, unit: 'seconds' } as const]),
      ...(idle ? [{ label: 'idle timeout', value: Number(idle), unit: 'seconds' } as const] : []),
      { label: 'seen in', value: atEdgeText(edge.hits, edge.examined) },
      { label: 'expected by chance', value: number(edge.expected) },
      ...(runtimes.length > 0 ? [{ label: 'default of', value: list(runtimes) }] : []),
    ],
    ...(fix === null ? {} : { fix }),
  };
}

/** What to change for each kind of edge; null if raising an idle timer would not help. */
const FIXES: Readonly<Record<KeepAliveEdge['kind'], string | null>> = {
  idle: null,
  'at-once': 'Let the server keep connections open, or announce each close with "Connection: close".',
  beyond: 'Lower the idle timeout of the load balancer below that time, or find what forgets idle connections.',
};
