/** Whether errors of a part ran at the same rate in the hour before the window, by the log or by CloudWatch. */
import type { MetricSeries } from '../../evidence/aws.ts';
import { errorsInMetrics } from '../../evidence/metrics.ts';
import type { Question } from '../../evidence/question.ts';
import { countErrors, groupBy, type SampledError, type Traffic } from '../traffic.ts';

const HOUR_MS = 3_600_000;
/** Fewer errors in the hour show no rate. */
const ERRORS_NEEDED = 5;
/** The rate in the window, as a multiple of the rate before it, up to which it is the same. */
const SAME_RATE = 1.5;
/** Least share of the hour's errors in each half of it, and of a part or a counter in one kind of error. */
const EACH_HALF = 0.25;
const OF_ONE_KIND = 0.9;

const kindOf = ({ signature, elb_status_code, target_group_arn }: SampledError): string =>
  `${signature} ${elb_status_code} ${target_group_arn}`;

/** Errors of the same kind in the hour before the window; null if they were fewer, came in one go, or were not counted. */
export function errorsBefore(
  errors: readonly SampledError[],
  traffic: Traffic,
  metrics: readonly MetricSeries[] | undefined,
  question: Question,
): number | null {
  const [largest = []] = [...groupBy(errors, kindOf).values()].sort((a, b) => b.length - a.length);
  const [first] = largest;
  const count = countErrors(errors);
  if (first === undefined || countErrors(largest) < OF_ONE_KIND * count) return null;
  const halves = inLog(first, traffic, question) ?? inMetrics(first, { count, traffic, question }, metrics ?? []);
  if (halves === null) return null;
  const before = halves[0] + halves[1];
  const readMs = Math.min(question.to, Math.max(traffic.log.newest ?? question.to, question.from + 1)) - question.from;
  const isSteady = Math.min(...halves) >= EACH_HALF * before;
  return before >= ERRORS_NEEDED && isSteady && count / readMs <= (SAME_RATE * before) / HOUR_MS
    ? Math.round(before)
    : null;
}

type Halves = readonly [number, number];

/** Exact, if the log was also read for the hour before. */
function inLog(first: SampledError, { earlier }: Traffic, { from }: Question): Halves | null {
  if (earlier === null || earlier.from > from - HOUR_MS) return null;
  const alike = earlier.traffic.errors.filter((error) => kindOf(error) === kindOf(first));
  const countIn = (begin: number) => countErrors(alike.filter(({ at }) => at >= begin && at < begin + HOUR_MS / 2));
  return [countIn(from - HOUR_MS), countIn(from - HOUR_MS / 2)];
}

/** CloudWatch counts statuses, so these errors must be nearly all of their status. */
function inMetrics(
  first: SampledError,
  { count, traffic, question }: { count: number; traffic: Traffic; question: Question },
  metrics: readonly MetricSeries[],
): Halves | null {
  const isTargetMade = first.signature === 'target-response';
  const word = isTargetMade ? 'target-5xx' : `elb-${first.elb_status_code}`;
  const counted = traffic.log.failureShapes
    .filter(
      ({ elb_status_code, target_status_code }) =>
        (target_status_code === elb_status_code) === isTargetMade &&
        (isTargetMade ? elb_status_code.startsWith('5') : elb_status_code === first.elb_status_code),
    )
    .reduce((sum, shape) => sum + shape.count, 0);
  if (count < OF_ONE_KIND * counted) return null;
  const countIn = (from: number) =>
    errorsInMetrics({ ...question, statuses: [word], from, to: from + HOUR_MS / 2 }, metrics);
  const [early, late] = [countIn(question.from - HOUR_MS), countIn(question.from - HOUR_MS / 2)];
  return early === null || late === null ? null : [early, late];
}
