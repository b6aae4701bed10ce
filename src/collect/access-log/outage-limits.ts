/** Rules that every engine shares when it looks for unanswered dispatches, so that all find the same runs. Pure. */
import type { UnansweredRun } from '../../evidence/access-log.ts';
import type { Window } from '../../evidence/question.ts';
import { byText } from '../../format/by-text.ts';

/** Slot length in microseconds, for a window in milliseconds: at most a hundred thousand slots, each at least 0.1 s. */
export const outageSlot = ({ from, to }: Window): number => 1000 * Math.max(100, Math.ceil((to - from) / 100_000));

export const byTargetAndTime = (a: UnansweredRun, b: UnansweredRun): number =>
  byText(a.target_group_arn, b.target_group_arn) || byText(a.target, b.target) || a.first - b.first;
