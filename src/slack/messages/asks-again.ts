import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import { verdictKind } from '../../render/verdict-words.ts';
import { nextAttemptOf, type Run } from '../../runs/run.ts';
import type { TextLine } from './rich-text.ts';

/** Says that nobody has to ask again, if the next step is to wait for the log. */
export const asksAgainWords = (diagnosis: Diagnosis, run: Run): TextLine =>
  verdictKind(diagnosis) === 'unread' && diagnosis.provisional && nextAttemptOf(run) !== null
    ? [' alb502 does this by itself.']
    : [];
