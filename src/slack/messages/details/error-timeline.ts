/** When it happened: errors and requests over time, and what else happened then. */
import type { Diagnosis } from '../../../diagnose/diagnosis.ts';
import { number } from '../../../format/wording.ts';
import { clock, SIGNATURE_MEANING } from '../../../render/phrases.ts';
import { timeline } from '../../../render/timeline.ts';
import type { Message } from '../message.ts';
import { columns, copy, type Line, line, type Part, partsMessage, prose } from '../rich-text.ts';
import { lasting, momentWords, shortClock } from '../thread-state.ts';

const MOST_BARS = 40;
/** What these checks found has a time. */
const TIMED = ['bursts', 'recent-changes', 'target-churn', 'unhealthy-hosts-in-metrics'];

export function timelineAnswer(diagnosis: Diagnosis): Message {
  const { triage, steps, window } = diagnosis;
  const drawn = timeline(diagnosis.timeline, MOST_BARS);
  if (drawn === null) return partsMessage([line('There is nothing to draw: the access log was not read.')]);
  const each = lasting(drawn.barSeconds * 1000);
  const rows = drawn.rows.map(({ label, total, bars, peak }) => [
    label,
    number(total),
    bars,
    peak === null ? '' : `most ${number(peak.count)} at ${clock(peak.from)}`,
  ]);
  const legend = drawn.rows.flatMap(({ label }): Line[] =>
    label === 'requests' ? [] : [[{ code: label }, `: ${SIGNATURE_MEANING[label]}`]],
  );
  const { firstError, lastError } = triage;
  const said = steps
    .flatMap(({ findings }) => findings)
    .filter(({ check, outcome }) => TIMED.includes(check) && outcome !== 'not-applicable')
    .map(({ summary }) => prose(summary));
  const parts: Part[] = [
    line(
      { bold: `Errors and requests, ${each} a bar, each row to its own peak` },
      `, ${shortClock(drawn.from)}–${shortClock(drawn.to)} UTC`,
    ),
    copy(columns(rows, [1])),
    ...(legend.length > 0 ? [{ bullets: legend }] : []),
    ...(firstError === null || lastError === null
      ? []
      : [line(`First error ${momentWords(firstError, window.from)}, last ${momentWords(lastError, window.from)}.`)]),
    ...(said.length > 0 ? [line({ bold: 'At these times' }), { bullets: said }] : []),
  ];
  return partsMessage(parts);
}
