/** Reply when a later check changes the verdict: stronger, weaker, or another cause. */
import type { Diagnosis, Verdict } from '../../diagnose/diagnosis.ts';
import { inSentence, list, outOf, plural } from '../../format/wording.ts';
import { verdictKind, verdictWords } from '../../render/verdict-words.ts';
import type { Message } from './message.ts';
import { line, type MessagePart, partsMessage, proseLine, type TextLine } from './rich-text.ts';
import { sanitizeState, type ThreadState } from './thread-state.ts';

export function verdictChangedMessage(rawState: ThreadState, rawBefore: Diagnosis): Message | null {
  const { diagnosis } = sanitizeState(rawState);
  if (diagnosis === null || verdictKey(diagnosis) === verdictKey(rawBefore)) return null;
  // After an unread log, the first verdict is a post of its own.
  if (verdictKind(rawBefore) === 'unread') return null;
  const before = sanitizeState({ ...rawState, diagnosis: rawBefore }).diagnosis ?? rawBefore;
  const parts: MessagePart[] = [
    line(
      { bold: `${diagnosis.loadBalancer.name}: ${directionWords(before.verdict, diagnosis.verdict)}` },
      `: ${shortVerdict(diagnosis)}, before: ${shortVerdict(before)}.`,
    ),
    proseLine(diagnosis.verdict.summary),
    { line: errorCountChange(diagnosis, before) },
  ];
  return partsMessage(parts);
}

const STRENGTH: Record<Verdict['standing'], number> = { none: 0, undecided: 1, likely: 2, confirmed: 3 };

/** Whether the verdict became stronger, weaker or different. */
function directionWords(before: Verdict, now: Verdict): string {
  if (before.cause !== null && now.cause !== null && before.cause !== now.cause) return 'new cause';
  if (before.cause === null && now.cause !== null) return 'verdict strengthened';
  if (STRENGTH[now.standing] > STRENGTH[before.standing]) return 'verdict strengthened';
  if (STRENGTH[now.standing] < STRENGTH[before.standing]) return 'verdict weakened';
  return now.between.length < before.between.length ? 'verdict narrowed' : 'verdict widened';
}

/** Key of the verdict; a reply is posted when it changes. */
const verdictKey = (diagnosis: Diagnosis): string => {
  const { cause, standing, between } = diagnosis.verdict;
  return JSON.stringify([cause, standing, [...between].sort(), verdictKind(diagnosis)]);
};

/** The verdict as in the headline, with the candidates if undecided. */
function shortVerdict(diagnosis: Diagnosis): string {
  const { between } = diagnosis.verdict;
  if (verdictKind(diagnosis) !== 'undecided' || between.length === 0) return verdictWords(diagnosis);
  const titles = between.map((id) => inSentence(diagnosis.causes.find((cause) => cause.id === id)?.title ?? id));
  return `undecided between ${list(titles, 6)}`;
}

/** Errors in the log now and at the earlier verdict; empty if equal. */
function errorCountChange({ completeness: now }: Diagnosis, { completeness: before }: Diagnosis): TextLine {
  if (now.errorsInLog === null || now.errorsInLog === before.errorsInLog) return [];
  const of =
    now.errorsInMetrics === null || now.errorsInMetrics < now.errorsInLog
      ? plural(now.errorsInLog, 'error')
      : `${outOf(now.errorsInLog, now.errorsInMetrics)} errors`;
  return [`${of} ${now.errorsInLog === 1 ? 'is' : 'are'} in the log now, ${before.errorsInLog ?? 'none'} before.`];
}
