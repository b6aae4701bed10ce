/** Errors and requests over time, and changes in the same window. */
import { checkOf } from '../../../diagnose/checks/index.ts';
import type { Diagnosis } from '../../../diagnose/diagnosis.ts';
import { number } from '../../../format/wording.ts';
import { SIGNATURE_MEANING, timeOfDay } from '../../../render/phrases.ts';
import { buildTimeline } from '../../../render/timeline.ts';
import { errorChart } from '../chart.ts';
import type { Message } from '../message.ts';
import {
  alignColumns,
  copyable,
  line,
  type MessagePart,
  messageText,
  partsMessage,
  prose,
  richText,
  type TextLine,
} from '../rich-text.ts';
import { durationWords, momentWords, shortClock } from '../thread-state.ts';

const MAX_BARS = 40;

export function timelineAnswer(diagnosis: Diagnosis): Message {
  const { triage, steps, window } = diagnosis;
  const barTimeline = buildTimeline(diagnosis.timeline, MAX_BARS);
  if (barTimeline === null) return partsMessage([line('Nothing to draw: the access log was not read.')]);
  const each = durationWords(barTimeline.barSeconds * 1000);
  const rows = barTimeline.rows.map(({ label, total, bars, peak }) => [
    label,
    number(total),
    bars,
    peak === null ? '' : `peak ${number(peak.count)} at ${timeOfDay(peak.from)}`,
  ]);
  const legend = barTimeline.rows.flatMap(({ label }): TextLine[] =>
    label === 'requests' ? [] : [[{ code: label }, `: ${SIGNATURE_MEANING[label]}`]],
  );
  const { firstError, lastError } = triage;
  const timedSentences = steps
    .flatMap(({ findings }) => findings)
    .filter(({ check, outcome }) => checkOf(check)?.isTimed && outcome !== 'not-applicable')
    .map(({ summary }) => prose(summary));
  const parts: MessagePart[] = [
    line(
      { bold: `Errors and requests, ${each} per bar, each row scaled to its own peak` },
      `, ${shortClock(barTimeline.from)}–${shortClock(barTimeline.to)} UTC`,
    ),
    copyable(alignColumns(rows, [1])),
    ...(legend.length > 0 ? [{ bullets: legend }] : []),
    ...(firstError === null || lastError === null
      ? []
      : [line(`First error ${momentWords(firstError, window.from)}, last ${momentWords(lastError, window.from)}.`)]),
    ...(timedSentences.length > 0 ? [line({ bold: 'At these times' }), { bullets: timedSentences }] : []),
  ];
  const chart = errorChart(diagnosis);
  if (chart === null) return partsMessage(parts);
  return {
    text: messageText([line(chart.words), ...parts]),
    blocks: [chart.block, ...richText(parts)],
    plainBlocks: richText(parts),
  };
}
