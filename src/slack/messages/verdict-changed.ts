/** One reply when a later ask comes to another verdict; nothing where it only becomes surer of its numbers. */
import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import { outOf, plural } from '../../format/wording.ts';
import type { Message } from './message.ts';
import { type Line, line, type Part, partsMessage, say } from './rich-text.ts';
import { kindOf, type Told, titleOf, verdictWords, visibleTold } from './thread-state.ts';

export function changedMessage(outside: Told, beforeOutside: Diagnosis): Message | null {
  const { diagnosis } = visibleTold(outside);
  if (diagnosis === null || essence(diagnosis) === essence(beforeOutside)) return null;
  const before = visibleTold({ ...outside, diagnosis: beforeOutside }).diagnosis ?? beforeOutside;
  const parts: Part[] = [
    line({ bold: 'The verdict has changed: ' }, { bold: shortly(diagnosis) }, `, was: ${shortly(before)}.`),
    say(diagnosis.verdict.summary),
    { line: more(diagnosis, before) },
  ];
  return partsMessage(parts);
}

/** What a change of is worth a reply. */
const essence = (diagnosis: Diagnosis): string => {
  const { cause, standing, between } = diagnosis.verdict;
  return JSON.stringify([cause, standing, [...between].sort(), kindOf(diagnosis)]);
};

/** As in the headline; what an undecided one is between. */
function shortly(diagnosis: Diagnosis): string {
  const { between } = diagnosis.verdict;
  if (kindOf(diagnosis) !== 'undecided' || between.length === 0) return verdictWords(diagnosis);
  return `undecided between ${between.map((id) => titleOf(diagnosis, id)).join('; ')}`;
}

/** What it rests on now that it did not before. */
function more({ completeness: now }: Diagnosis, { completeness: before }: Diagnosis): Line {
  if (now.errorsInLog === null || now.errorsInLog === before.errorsInLog) return [];
  const of =
    now.errorsInMetrics === null || now.errorsInMetrics < now.errorsInLog
      ? plural(now.errorsInLog, 'error')
      : `${outOf(now.errorsInLog, now.errorsInMetrics)} errors`;
  return [`${of} ${now.errorsInLog === 1 ? 'is' : 'are'} in the log now, ${before.errorsInLog ?? 'none'} then.`];
}
