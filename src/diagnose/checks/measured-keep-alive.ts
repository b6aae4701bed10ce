import type { LongerWindowOffer } from '../../evidence/evidence.ts';
import { list, number, outOf, percent, plural, seconds, utcTimeSpan } from '../../format/wording.ts';
import {
  INSTANT_SECONDS,
  type KeepAliveMeasure,
  measureKeepAlive,
  needsLongerWindow,
  runtimesClosingAt,
  whyInconclusive,
} from '../patterns/keep-alive.ts';
import { targetGroupName } from '../traffic.ts';
import { type CheckVerdict, defineCheck } from './check.ts';

export const measuredKeepAlive = defineCheck({
  id: 'measured-keep-alive',
  step: 3,
  question: 'Do the targets keep idle connections open longer than the load balancer does?',
  why: 'A target that closes first can reset the next request the load balancer sends: an intermittent 502.',
  fix: 'Raise the keep-alive timeout of the application above the idle timeout of the load balancer.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html',
  needs: ['traffic'],
  wants: ['attributes'],

  evaluate({ traffic, attributes }, question): CheckVerdict {
    const measures = measureKeepAlive(traffic);
    const [first] = measures;
    if (!first) {
      return {
        outcome: 'not-applicable',
        summary: 'No request was closed before a response, so nothing shows when the targets close idle connections.',
      };
    }
    const edgeMeasure = measures.find((measure) => measure.seconds !== null);
    if (edgeMeasure) return failVerdict(edgeMeasure, attributes?.['idle_timeout.timeout_seconds'], question.to);
    const instant = measures.reduce((sum, measure) => sum + measure.instant.length, 0);
    if (instant === 0) {
      return {
        outcome: 'pass',
        summary: `No error was closed within ${seconds(INSTANT_SECONDS)} of being sent, as a keep-alive race would be.`,
      };
    }
    const conclusive = measures.filter((measure) => measure.conclusive);
    if (conclusive.length === 0) {
      return {
        outcome: 'unknown',
        summary: `${plural(instant, 'instant error')}${measuredOverText(first, question.to)}: ${whyInconclusive(first)}.${longerWindowText(first, traffic.log.longerLook)}`,
      };
    }
    return {
      outcome: 'pass',
      summary: `The idle times before ${plural(
        conclusive.reduce((sum, m) => sum + m.examined, 0),
        'instant error',
      )} show no edge against ${plural(conclusive[0]?.controls ?? 0, 'control')}.`,
    };
  },
});

/** One longer look, with its price; a longer window where none is to be had. */
function longerWindowText(measure: KeepAliveMeasure, look: LongerWindowOffer | undefined): string {
  if (measure.since !== null || measure.rhythm !== null) return '';
  if (!needsLongerWindow(measure) || look === undefined) return ' A longer window would give more.';
  return ` One longer look may give enough${look.estimate === null ? '' : ` (${look.estimate})`}: ${look.command}`;
}

const measuredOverText = ({ since, examined }: KeepAliveMeasure, to: number): string =>
  since === null ? '' : ` in the window, ${number(examined)} from ${utcTimeSpan(since, to)}`;

function failVerdict(measure: KeepAliveMeasure, idle: string | undefined, to: number): CheckVerdict {
  const at = measure.seconds ?? 0;
  const runtimes = runtimesClosingAt(at);
  const keeps = idle
    ? `the load balancer keeps them ${idle} s`
    : 'the idle timeout of the load balancer could not be read';
  return {
    outcome: 'fail',
    summary: `Targets of ${targetGroupName(measure.target_group_arn)} close idle connections at ${seconds(at)} (${outOf(measure.hits, measure.examined)} errors${measure.since === null ? '' : ` from ${utcTimeSpan(measure.since, to)}`}; ${keeps}).`,
    facts: [
      { label: 'targets close at', value: at, unit: 'seconds' },
      ...(idle ? [{ label: 'idle timeout', value: Number(idle), unit: 'seconds' } as const] : []),
      { label: 'errors at the edge', value: measure.hits, unit: 'requests' },
      { label: 'errors by chance there', value: number(measure.expected) },
      { label: 'share at the edge', value: percent(measure.hits / Math.max(1, measure.examined)) },
      ...(runtimes.length > 0 ? [{ label: 'default of', value: list(runtimes) }] : []),
    ],
  };
}
