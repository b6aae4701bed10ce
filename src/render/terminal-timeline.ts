/** Errors over time as bars: one row per signature, and one for all requests. */
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import { number } from '../format/wording.ts';
import { formatSeconds, SIGNATURE_MEANING, timeOfDay } from './phrases.ts';
import { headingLines, type Page, wrap } from './terminal-page.ts';
import { buildTimeline, type Timeline, type TimelineRow } from './timeline.ts';

const MAX_BARS = 30;

/** Columns left for bars next to the widest label, total and peak. */
const roomForBars = (page: Page, { rows }: Timeline): number => {
  const labels = Math.max(...rows.map(({ label }) => label.length));
  const totals = Math.max(...rows.map(({ total }) => number(total).length));
  return page.width - labels - 2 * totals - '      '.length - '  peak  at 00:00:00'.length;
};

const barLines = (page: Page, barTimeline: Timeline, room: number): string[] => {
  const { rows, from, to, barSeconds } = barTimeline;
  const labels = Math.max(...rows.map(({ label }) => label.length));
  const totals = Math.max(...rows.map(({ total }) => number(total).length));
  const amount = rows[0]?.values.length ?? 1;
  const thick = amount * 2 <= room ? 2 : 1;
  const line = ({ label, total, bars, peak }: TimelineRow): string =>
    `  ${label.padEnd(labels)}  ${number(total).padStart(totals)}  ${bars.replace(/./gu, (bar) => bar.repeat(thick))}` +
    (peak === null ? '' : `  peak ${number(peak.count)} at ${timeOfDay(peak.from)}`);
  const ends = `${timeOfDay(from)}${' '.repeat(Math.max(1, amount * thick - 16))}${timeOfDay(to)}`;
  const each = barSeconds % 60 === 0 ? `${barSeconds / 60} min` : formatSeconds(barSeconds);
  return [
    ...headingLines(
      page,
      `Errors over time, UTC, ${each} per ${thick === 1 ? 'bar' : 'two columns'}, each row scaled to its own peak`,
    ),
    ...rows.flatMap((row) => [
      line(row),
      ...(row.label === 'requests' ? [] : wrap(SIGNATURE_MEANING[row.label], page.width, '    ').map(page.paint.dim)),
    ]),
    page.paint.dim(`${' '.repeat(labels + totals + 6)}${ends}`),
  ];
};

/** Empty for a single error, whose time is in the triage. */
export const timelineLines = (page: Page, diagnosis: Diagnosis): string[] => {
  const whole = buildTimeline(diagnosis.timeline, 1);
  const errors = whole?.rows.reduce((sum, { label, total }) => (label === 'requests' ? sum : sum + total), 0) ?? 0;
  if (whole === null || errors < 2) return [];
  const room = Math.max(8, Math.min(MAX_BARS, roomForBars(page, whole)));
  const barTimeline = buildTimeline(diagnosis.timeline, room);
  return barTimeline === null ? [] : barLines(page, barTimeline, room);
};
