/** One reply when a later ask comes to another verdict; nothing where it only becomes surer of its numbers. */
import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import { outOf, plural } from '../../format/wording.ts';
import type { Message } from './message.ts';
import { line, type MessagePart, partsMessage, proseLine, type TextLine } from './rich-text.ts';
import { sanitizeState, type ThreadState, titleOfCause, verdictKind, verdictWords } from './thread-state.ts';

export function verdictChangedMessage(rawState: ThreadState, rawBefore: Diagnosis): Message | null {
  const { diagnosis } = sanitizeState(rawState);
  if (diagnosis === null || verdictKey(diagnosis) === verdictKey(rawBefore)) return null;
  const before = sanitizeState({ ...rawState, diagnosis: rawBefore }).diagnosis ?? rawBefore;
  const parts: MessagePart[] = [
    line({ bold: 'The verdict has changed: ' }, { bold: shortVerdict(diagnosis) }, `, was: ${shortVerdict(before)}.`),
    proseLine(diagnosis.verdict.summary),
    { line: errorCountChange(diagnosis, before) },
  ];
  return partsMessage(parts);
}

/** What a change of is worth a reply. */
const verdictKey = (diagnosis: Diagnosis): string => {
  const { cause, standing, between } = diagnosis.verdict;
  return JSON.stringify([cause, standing, [...between].sort(), verdictKind(diagnosis)]);
};

/** As in the headline; what an undecided one is between. */
function shortVerdict(diagnosis: Diagnosis): string {
  const { between } = diagnosis.verdict;
  if (verdictKind(diagnosis) !== 'undecided' || between.length === 0) return verdictWords(diagnosis);
  return `undecided between ${between.map((id) => titleOfCause(diagnosis, id)).join('; ')}`;
}

/** What it rests on now that it did not before. */
function errorCountChange({ completeness: now }: Diagnosis, { completeness: before }: Diagnosis): TextLine {
  if (now.errorsInLog === null || now.errorsInLog === before.errorsInLog) return [];
  const of =
    now.errorsInMetrics === null || now.errorsInMetrics < now.errorsInLog
      ? plural(now.errorsInLog, 'error')
      : `${outOf(now.errorsInLog, now.errorsInMetrics)} errors`;
  return [`${of} ${now.errorsInLog === 1 ? 'is' : 'are'} in the log now, ${before.errorsInLog ?? 'none'} then.`];
}
