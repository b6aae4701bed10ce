/** Errors over time by signature: as a Slack chart, as text if Slack refuses it, and in words. */
import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import type { SignatureId } from '../../diagnose/signature.ts';
import { number, plural } from '../../format/wording.ts';
import { timeOfDay } from '../../render/phrases.ts';
import { barCharacters, buildTimeline, type Timeline, type TimelineRow } from '../../render/timeline.ts';
import type { SlackBlock } from './message.ts';
import { alignColumns, copyable, type MessagePart } from './rich-text.ts';
import { durationWords, shortClock } from './thread-state.ts';

/** Slack's limits: points of a series, series, characters of a name. */
const MAX_POINTS = 20;
const MAX_SERIES = 6;

/** At most 20 letters each, Slack's limit. */
const SERIES_NAME: Record<SignatureId, string> = {
  'client-closed': 'closed by the client',
  'target-response': 'by the target',
  'lambda-failure': 'Lambda failed',
  'authentication-failure': 'authentication',
  'waf-failure': 'WAF failed',
  'fixed-response': 'fixed response',
  'no-target': 'no target',
  'connect-failed': 'no connection',
  'connect-timeout': 'connect timeout',
  'idle-timeout': 'no answer in time',
  'no-response-aborted': 'given up waiting',
  'closed-before-response': 'closed by the target',
  inconsistent: 'unknown pattern',
  other: 'another code',
};

interface Series {
  name: string;
  total: number;
  values: number[];
  peak: TimelineRow['peak'];
}

interface Chart {
  block: SlackBlock;
  /** The same as text. */
  plain: MessagePart[];
  /** "123 errors, all closed by the target; peak 22 in 1 min from 02:44 UTC." */
  words: string;
}

/** Null when there is nothing to draw: fewer than two errors. */
export function errorChart(diagnosis: Diagnosis): Chart | null {
  const barTimeline = buildTimeline(diagnosis.timeline, MAX_POINTS);
  if (barTimeline === null) return null;
  const series = topSeries(barTimeline);
  const errors = series.reduce((sum, { total }) => sum + total, 0);
  if (errors < 2) return null;
  const each = durationWords(barTimeline.barSeconds * 1000);
  const title = `Errors ${each === '1 min' ? 'a minute' : `per ${each}`}, UTC`.slice(0, 50);
  return {
    block: chartBlock(title, barTimeline, series),
    plain: chartText(title, barTimeline, series),
    words: chartSentence(each, series),
  };
}

/** The most frequent series; all others become one. */
function topSeries({ rows, starts }: Timeline): Series[] {
  const all = rows.flatMap(({ label, ...row }): Series[] =>
    label === 'requests' ? [] : [{ name: SERIES_NAME[label], ...row }],
  );
  if (all.length <= MAX_SERIES) return all;
  const rest = all.slice(MAX_SERIES - 1);
  const values = starts.map((_, index) => rest.reduce((sum, { values: own }) => sum + (own[index] ?? 0), 0));
  const highest = Math.max(...values);
  return [
    ...all.slice(0, MAX_SERIES - 1),
    {
      name: `${rest.length} other kinds`,
      total: rest.reduce((sum, { total }) => sum + total, 0),
      values,
      peak: highest > 0 ? { count: highest, from: starts[values.indexOf(highest)] ?? '' } : null,
    },
  ];
}

function chartBlock(title: string, { starts }: Timeline, series: readonly Series[]): SlackBlock {
  const categories = labels(starts);
  const dataVisualization = {
    type: 'data_visualization',
    title,
    chart: {
      type: 'bar',
      series: series.map(({ name, values }) => ({
        name,
        data: categories.map((label, index) => ({ label, value: values[index] ?? 0 })),
      })),
      axis_config: { categories, x_label: 'UTC', y_label: 'errors' },
    },
  };
  return dataVisualization;
}

/** Unique times of day, with dates if the window spans several days. */
function labels(starts: readonly string[]): string[] {
  const isOneDay = new Set(starts.map((start) => start.slice(0, 10))).size <= 1;
  const used = new Set<string>();
  return starts.map((start, index) => {
    const label = (isOneDay ? shortClock(start) : `${start.slice(5, 10)} ${shortClock(start)}`).slice(0, 17);
    const own = used.has(label) ? `${label} ${index + 1}`.slice(0, 20) : label;
    used.add(own);
    return own;
  });
}

function chartText(title: string, { from, to }: Timeline, series: readonly Series[]): MessagePart[] {
  const rows = series.map(({ name, total, values, peak }) => [
    name,
    number(total),
    barCharacters(values),
    peak === null ? '' : `peak ${number(peak.count)} at ${timeOfDay(peak.from)}`,
  ]);
  return [copyable(`${title}, ${shortClock(from)} to ${shortClock(to)}\n${alignColumns(rows, [1])}`)];
}

function chartSentence(each: string, series: readonly Series[]): string {
  const total = plural(
    series.reduce((sum, one) => sum + one.total, 0),
    'error',
  );
  const peakOf = ({ peak }: Series) =>
    peak === null ? [] : [`peak ${number(peak.count)} in ${each} from ${shortClock(peak.from)} UTC`];
  const [only, ...others] = series;
  if (only !== undefined && others.length === 0)
    return `${[`${total}, all ${only.name}`, ...peakOf(only)].join('; ')}.`;
  const parts = series.map((one) => [`${number(one.total)} ${one.name}`, ...peakOf(one)].join(', '));
  return `${total}: ${parts.join('; ')}.`;
}
