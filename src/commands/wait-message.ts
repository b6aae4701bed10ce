/** What `--wait` prints while it waits. Pure; not needed before the first call, so loaded later. */

import { utcTime } from '../format/wording.ts';
import type { InvestigationResult } from '../investigate/investigator.ts';
import { escapeDiagnosis } from '../render/escape-diagnosis.ts';
import { completenessSentence } from '../render/log-and-cost.ts';
import { titleLine } from '../render/verdict-words.ts';

/** Lines printed before each wait: the findings so far, and when more arrives. */
export function waitMessage({ diagnosis }: InvestigationResult, nextAt: number): string[] {
  const shown = escapeDiagnosis(diagnosis);
  return [
    `${titleLine(shown)}, asking again at ${utcTime(nextAt)}`,
    shown.verdict.summary,
    `${completenessSentence(shown)}.`,
  ];
}
