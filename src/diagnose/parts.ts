/** Parts of the diagnosis: whole numbers of errors, and shares that add up to 1. */

import type { ErrorPart } from './attribution.ts';
import { roundShare } from './cause-results.ts';
import type { Part } from './diagnosis.ts';
import { type IncidentEvent, isOnset } from './events/incident-event.ts';
import { countErrors, type SampledError } from './traffic.ts';

/** Share from which errors that CloudWatch counts but the log lacks become a part. */
const UNREAD_SHARE = 0.05;

/**
 * The number of errors that CloudWatch counts but the log lacks; 0 if delivery on a best-effort basis explains the
 * difference.
 */
export function unreadErrors(inLog: number | null, inMetrics: number | null, errorCount: number): number {
  const unread = Math.max(0, (inMetrics ?? 0) - (inLog ?? 0));
  return unread > UNREAD_SHARE * (errorCount + unread) ? unread : 0;
}

/**
 * Converts parts, which are in the order of `orderParts`; inserts the unread errors by size, after parts of equal size.
 */
export function partsOf(ordered: readonly ErrorPart[], events: readonly IncidentEvent[], unread: number): Part[] {
  const parts: Omit<Part, 'errors' | 'share'>[] = ordered.map(({ causes, standing, event, errors, before }) => {
    const onset = event === null ? onsetOf(errors, events) : -1;
    return {
      causes,
      standing,
      event: event === null ? null : events.indexOf(event),
      ...(onset === -1 ? {} : { onset }),
      ...(before === undefined ? {} : { before }),
    };
  });
  const counts = ordered.map(({ count }) => count);
  if (unread > 0) {
    const position = counts.findIndex((count) => count < unread);
    const at = position === -1 ? counts.length : position;
    parts.splice(at, 0, { causes: [], standing: 'unread', event: null });
    counts.splice(at, 0, unread);
  }
  const whole = wholeCounts(counts);
  const total = whole.reduce((sum, count) => sum + count, 0);
  const shares = whole.map((count) => roundShare(count / Math.max(1, total)));
  const rest = shares.slice(1).reduce((sum, share) => sum + share, 0);
  return parts.map((part, index) => ({
    ...part,
    errors: whole[index] ?? 0,
    // The leading part absorbs the rounding error.
    share: index === 0 ? roundShare(1 - rest) : (shares[index] ?? 0),
  }));
}

/** Returns the index of the call just before most of these errors began, or -1. */
function onsetOf(errors: readonly SampledError[], events: readonly IncidentEvent[]): number {
  const own = new Set(errors);
  const most = countErrors(errors) / 2;
  return events.findIndex(
    (event) => isOnset(event) && countErrors(event.errors.filter((error) => own.has(error))) > most,
  );
}

/** Rounds to integers with the same sum, by largest remainder; earlier items win ties. */
function wholeCounts(counts: readonly number[]): number[] {
  const floors = counts.map((count) => Math.floor(count + 1e-6));
  let left = Math.round(counts.reduce((sum, count) => sum + count, 0)) - floors.reduce((sum, floor) => sum + floor, 0);
  const byRemainder = counts
    .map((count, index) => ({ index, remainder: count - (floors[index] ?? 0) }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  for (const { index } of byRemainder) {
    if (left <= 0) break;
    floors[index] = (floors[index] ?? 0) + 1;
    left -= 1;
  }
  return floors;
}
