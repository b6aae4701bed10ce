/**
 * Lines that alarms add to a root message: CloudWatch's count before the log is read, and alarms whose metric counts no
 * errors.
 */
import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import { grouped, number, percent, plural } from '../../format/wording.ts';
import type { Episode } from '../../runs/episode.ts';
import type { Run } from '../../runs/run.ts';
import { sanitize } from './redact-text.ts';
import { line, type MessagePart, prose, truncate } from './rich-text.ts';
import { momentWords } from './thread-state.ts';

const MAX_METRIC = 80;
const MAX_REASON = 200;

/** "123 × 502 since 02:44 UTC (1.4 % of requests)"; null when CloudWatch was not asked or counted nothing. */
export function countedWords({ counted, to }: Run): string | null {
  if (counted === undefined || counted.errors === 0) return null;
  const { errors, byStatus, requests, since } = counted;
  const statuses = Object.entries(byStatus).sort(([, a], [, b]) => b - a);
  const what =
    statuses.length === 0
      ? plural(errors, 'error')
      : statuses.map(([status, count]) => `${number(count)} × ${status}`).join(', ');
  const when = since === null ? '' : ` since ${momentWords(since, to)}`;
  // RequestCount leaves out requests without a target, so it may be smaller than the error count.
  const share = requests === null || requests < errors ? '' : ` (${percent(errors / requests)} of requests)`;
  return `${what}${when}${share}`;
}

type EpisodeAlarm = Episode['alarms'][number];
type WatchedAlarm = EpisodeAlarm & { watches: NonNullable<EpisodeAlarm['watches']> };

/** If no alarm of the episode counts errors: the firing one, else the first. Null otherwise. */
export function watchedAlarm(episode: Episode | null): WatchedAlarm | null {
  const alarms = episode?.alarms ?? [];
  const watching = alarms.flatMap(({ watches, ...alarm }) => (watches === undefined ? [] : [{ ...alarm, watches }]));
  if (watching.length < alarms.length) return null;
  return watching.find(({ state }) => state === 'ALARM') ?? watching[0] ?? null;
}

/** "TargetResponseTime (threshold 1)". */
export const watchedWords = ({ watches: { metric, threshold } }: WatchedAlarm): string =>
  `${truncate(sanitize(metric), MAX_METRIC)}${threshold === null ? '' : ` (threshold ${grouped(threshold)})`}`;

/** The metric, and CloudWatch's reason. */
export const watchedParts = ({ reason, watches }: WatchedAlarm): MessagePart[] => {
  const why = reason === '' ? '' : `: ${truncate(sanitize(reason), MAX_REASON)}`;
  return [line({ bold: 'Alarm' }, '  ', truncate(sanitize(watches.metric), MAX_METRIC), ...prose(why))];
};

/**
 * For an alarm without any 5xx: the slowest routes if it is on latency, and that alb502 does not explain its metric.
 */
export function watchedNextStep({ watches }: WatchedAlarm, { slowestRoutes = [] }: Diagnosis): MessagePart[] {
  const [slowest] = watches.metric === LATENCY ? slowestRoutes : [];
  const metric = truncate(sanitize(watches.metric), MAX_METRIC);
  const step = (words: string) => line({ bold: 'Next step' }, '  ', `${words}: alb502 explains only 5xx.`);
  if (slowest === undefined) return [step(`look at ${metric} in CloudWatch`)];
  const routes = slowestRoutes.map(
    ({ route, p95Seconds, shareOfTime }) =>
      `${routeWords(route)} (p95 ${shortSeconds(p95Seconds)}, ${percent(shareOfTime)} of the time spent)`,
  );
  return [
    line({ bold: slowestRoutes.length === 1 ? 'Slowest route' : 'Slowest routes' }, '  ', routes.join(', ')),
    step(`find what ${routeWords(slowest.route)} waits for, in the application's traces or log`),
  ];
}

const LATENCY = 'TargetResponseTime';
const MAX_ROUTE = 60;
const routeWords = (route: string): string => truncate(sanitize(route), MAX_ROUTE);

/** Rounds a percentile, whose steps are 9 % apart: 8.1 → "8.1 s", 31.4 → "31 s", 0.123 → "120 ms". */
const shortSeconds = (value: number): string =>
  value >= 10 ? `${value.toFixed(0)} s` : value >= 1 ? `${value.toFixed(1)} s` : `${Math.round(value * 100) * 10} ms`;
