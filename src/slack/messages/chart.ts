/** Errors over time by what the load balancer experienced: as Slack's own chart, as text where it does not take that, and in words. */
import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import type { SignatureId } from '../../diagnose/signature.ts';
import { number, plural } from '../../format/wording.ts';
import { clock } from '../../render/phrases.ts';
import { bars, type Timeline, type TimelineRow, timeline } from '../../render/timeline.ts';
import type { Block } from './message.ts';
import { columns, copy, type Part } from './rich-text.ts';
import { lasting, shortClock } from './thread-state.ts';

/** What a chart takes: points of a series, series, letters of a name. */
const MOST_POINTS = 20;
const MOST_SERIES = 6;

/** At most 20 letters each. */
const SHORT: Record<SignatureId, string> = {
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

export interface Chart {
  block: Block;
  /** The same as text. */
  plain: Part[];
  /** "Errors over time: 123 closed by the target, at most 22 a minute at 02:44 UTC." */
  words: string;
}

/** Null where there is nothing to draw: no error, or a single one, whose time is in the triage. */
export function chart(diagnosis: Diagnosis): Chart | null {
  const drawn = timeline(diagnosis.timeline, MOST_POINTS);
  if (drawn === null) return null;
  const series = seriesOf(drawn);
  const errors = series.reduce((sum, { total }) => sum + total, 0);
  if (errors < 2) return null;
  const each = lasting(drawn.barSeconds * 1000);
  const title = `Errors ${each === '1 min' ? 'a minute' : `per ${each}`}, UTC`.slice(0, 50);
  return { block: block(title, drawn, series), plain: plain(title, drawn, series), words: words(each, series) };
}

/** The most frequent ones; the others are one more. */
function seriesOf({ rows, starts }: Timeline): Series[] {
  const all = rows.flatMap(({ label, ...row }): Series[] =>
    label === 'requests' ? [] : [{ name: SHORT[label], ...row }],
  );
  if (all.length <= MOST_SERIES) return all;
  const rest = all.slice(MOST_SERIES - 1);
  const values = starts.map((_, index) => rest.reduce((sum, { values: own }) => sum + (own[index] ?? 0), 0));
  const highest = Math.max(...values);
  return [
    ...all.slice(0, MOST_SERIES - 1),
    {
      name: `${rest.length} other kinds`,
      total: rest.reduce((sum, { total }) => sum + total, 0),
      values,
      peak: highest > 0 ? { count: highest, from: starts[values.indexOf(highest)] ?? '' } : null,
    },
  ];
}

function block(title: string, { starts }: Timeline, series: readonly Series[]): Block {
  const categories = labels(starts);
  const drawn = {
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
  return drawn;
}

/** Times of day; with their days where there are several; never two alike. */
function labels(starts: readonly string[]): string[] {
  const isOneDay = new Set(starts.map((start) => start.slice(0, 10))).size <= 1;
  const seen = new Set<string>();
  return starts.map((start, index) => {
    const label = (isOneDay ? shortClock(start) : `${start.slice(5, 10)} ${shortClock(start)}`).slice(0, 17);
    const own = seen.has(label) ? `${label} ${index + 1}`.slice(0, 20) : label;
    seen.add(own);
    return own;
  });
}

function plain(title: string, { from, to }: Timeline, series: readonly Series[]): Part[] {
  const rows = series.map(({ name, total, values, peak }) => [
    name,
    number(total),
    bars(values),
    peak === null ? '' : `most ${number(peak.count)} at ${clock(peak.from)}`,
  ]);
  return [copy(`${title}, ${shortClock(from)} to ${shortClock(to)}\n${columns(rows, [1])}`)];
}

function words(each: string, series: readonly Series[]): string {
  const parts = series.map(({ name, total, peak }) =>
    peak === null || total === peak.count
      ? `${number(total)} ${name}`
      : `${number(total)} ${name}, at most ${number(peak.count)} in ${each} from ${shortClock(peak.from)} UTC`,
  );
  const total = series.reduce((sum, one) => sum + one.total, 0);
  return `Over time, ${plural(total, 'error')}: ${parts.join('; ')}.`;
}
