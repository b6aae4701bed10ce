/** Chooses the part of a window to fetch whole if the window has too many messages. Pure. */
import type { Window } from '../../../evidence/question.ts';
import type { CountedMessages } from './count-messages.ts';

const MINUTE_MS = 60_000;

/**
 * Returns the consecutive minutes with the most failures that hold at most `lines` messages, counting the `before`
 * milliseconds in front of them. Prefers the longest part, then the earliest, inside the window. A minute with more
 * messages is cut to its first seconds. Null if nothing failed.
 */
export function partToFetch(
  minutes: CountedMessages['minutes'],
  { from, to }: Window,
  { lines, before }: { lines: number; before: number },
): Window | null {
  const lead = Math.ceil(before / MINUTE_MS);
  const of = new Map(minutes.map((one) => [one.minute, one]));
  const linesIn = (minute: number) => of.get(minute)?.lines ?? 0;
  const failuresIn = (minute: number) => of.get(minute)?.failures ?? 0;
  let best: { from: number; to: number; failures: number } | null = null;
  const last = minutes.at(-1)?.minute ?? 0;
  for (const { minute: first, failures: some } of minutes) {
    if (some === 0) continue;
    let [held, failures] = [0, 0];
    for (let minute = first - lead * MINUTE_MS; minute < first; minute += MINUTE_MS) held += linesIn(minute);
    for (let minute = first; minute <= last; minute += MINUTE_MS) {
      held += linesIn(minute);
      failures += failuresIn(minute);
      if (held > lines) break;
      const end = minute + MINUTE_MS;
      const isLonger = best === null || end - first > best.to - best.from;
      if (best === null || failures > best.failures || (failures === best.failures && isLonger))
        best = { from: first, to: end, failures };
    }
  }
  best ??= beginningOfMinute(minutes, lines);
  return best === null ? null : { from: Math.max(from, best.from), to: Math.min(to, best.to) };
}

/** The first seconds of the minute with the most failures. */
function beginningOfMinute(minutes: CountedMessages['minutes'], lines: number) {
  const [most] = minutes
    .filter(({ failures }) => failures > 0)
    .sort((a, b) => b.failures - a.failures || a.minute - b.minute);
  if (most === undefined) return null;
  const seconds = Math.max(1, Math.floor((60 * lines) / most.lines));
  return { from: most.minute, to: most.minute + seconds * 1000, failures: most.failures };
}
