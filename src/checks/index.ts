import type { Check } from './check.ts';
import { measuredKeepAlive } from './measured-keep-alive.ts';
import { targetChurn } from './target-churn.ts';

/** The checklist, in reading order. Adding a check: its file, its test, this line. */
export const checklist: readonly Check[] = [measuredKeepAlive, targetChurn];
