/** Finds runs of requests that a target did not answer. Pure. */
import { OUTAGE_LIMIT, type UnansweredRun } from '../../../evidence/access-log.ts';
import type { Window } from '../../../evidence/question.ts';
import { byText } from '../../../format/by-text.ts';
import { byTargetAndTime, outageSlot } from '../outage-limits.ts';
import type { TrafficEntries } from './entry-batch.ts';
import { firstFrom } from './first-from.ts';

/**
 * Returns runs of two or more unanswered dispatches on a target. Unanswered dispatches between two answers of one slot
 * belong to no run.
 */
export function findOutages(entries: TrafficEntries, window: Window): UnansweredRun[] {
  const { series, seriesOf } = failingSeries(entries, outageSlot(window));
  for (const { rows, ended, place, targetStatus, targetMs } of entries.batches) {
    for (let row = 0; row < rows; row += 1) {
      const own = seriesOf[place[row] ?? 0] ?? -1;
      if (own === -1 || (targetStatus[row] ?? 0) < 0) continue;
      const at = ended[row] ?? 0;
      series[own]?.addAnswer(at - 1000 * Math.max(targetMs[row] ?? 0, 0), at);
    }
  }
  return series
    .flatMap((one) => one.runs())
    .sort(
      (a, b) =>
        b.failures - a.failures ||
        byText(a.target_group_arn, b.target_group_arn) ||
        byText(a.target, b.target) ||
        a.first - b.first,
    )
    .slice(0, OUTAGE_LIMIT)
    .sort(byTargetAndTime);
}

/** `seriesOf`: the index of the series of each place, or -1. */
function failingSeries({ failures, places }: TrafficEntries, slot: number): { series: Series[]; seriesOf: Int32Array } {
  const all = new Map<string, { group: string; target: string; failed: number[] }>();
  const ofPlaces = places.map(({ target_group_arn: group, target }) => {
    const one = all.get(`${group}"${target}`) ?? { group, target, failed: [] };
    all.set(`${group}"${target}`, one);
    return one;
  });
  for (const [index, dispatched] of failures.dispatched.entries())
    if (dispatched >= 0) ofPlaces[failures.place[index] ?? 0]?.failed.push(dispatched);
  const failing = [...all.values()].filter(({ failed }) => failed.length > 1);
  const indexOf = new Map(failing.map((one, index) => [one, index]));
  return {
    series: failing.map(
      ({ group, target, failed }) => new Series(group, target, new Float64Array(failed).sort(), slot),
    ),
    seriesOf: Int32Array.from(ofPlaces, (one) => indexOf.get(one) ?? -1),
  };
}

/**
 * The requests of a target of a target group, over all nodes. Of its answers only those matter that bound the time
 * between two unanswered requests, or surround an unanswered request within a slot. Times in microseconds.
 */
class Series {
  readonly #group: string;
  readonly #target: string;
  /** Dispatches of the unanswered requests, ascending. */
  readonly #failed: Float64Array;
  readonly #slot: number;
  readonly #slots: Float64Array;
  /** Before each unanswered request and after the last: the first dispatch and last end of the answered requests. */
  readonly #firstSent: Float64Array;
  readonly #lastEnded: Float64Array;
  /** The first and last answered dispatch in the slot of an unanswered request, held at the slot's first one. */
  readonly #slotStart: Uint32Array;
  readonly #firstOfSlot: Float64Array;
  readonly #lastOfSlot: Float64Array;
  #last = 0;

  constructor(group: string, target: string, failed: Float64Array, slot: number) {
    const intervals = failed.length + 1;
    this.#group = group;
    this.#target = target;
    this.#failed = failed;
    this.#slot = slot;
    this.#slots = failed.map((dispatched) => Math.floor(dispatched / slot));
    this.#firstSent = new Float64Array(intervals).fill(Number.POSITIVE_INFINITY);
    this.#lastEnded = new Float64Array(intervals).fill(Number.NEGATIVE_INFINITY);
    this.#firstOfSlot = new Float64Array(failed.length).fill(Number.POSITIVE_INFINITY);
    this.#lastOfSlot = new Float64Array(failed.length).fill(Number.NEGATIVE_INFINITY);
    this.#slotStart = new Uint32Array(failed.length);
    for (let index = 1; index < failed.length; index += 1) {
      const isSame = this.#slots[index] === this.#slots[index - 1];
      this.#slotStart[index] = isSame ? (this.#slotStart[index - 1] ?? 0) : index;
    }
  }

  addAnswer(dispatched: number, ended: number): void {
    const failed = this.#failed;
    const next = this.#firstFailedFrom(dispatched);
    if (dispatched < (this.#firstSent[next] ?? 0)) this.#firstSent[next] = dispatched;
    if (ended > (this.#lastEnded[next] ?? 0)) this.#lastEnded[next] = ended;
    const slot = Math.floor(dispatched / this.#slot);
    if (next > 0 && this.#slots[next - 1] === slot) this.#addToSlot(this.#slotStart[next - 1] ?? 0, dispatched);
    else if (next < failed.length && this.#slots[next] === slot) this.#addToSlot(next, dispatched);
  }

  /** The index of the first unanswered request from `dispatched` on; mostly that of the answer before. */
  #firstFailedFrom(dispatched: number): number {
    const failed = this.#failed;
    const last = this.#last;
    const isSame = (last === 0 || (failed[last - 1] ?? 0) < dispatched) && !((failed[last] ?? dispatched) < dispatched);
    if (!isSame) this.#last = firstFrom(failed, dispatched, 0, failed.length);
    return this.#last;
  }

  #addToSlot(index: number, dispatched: number): void {
    if (dispatched < (this.#firstOfSlot[index] ?? 0)) this.#firstOfSlot[index] = dispatched;
    if (dispatched > (this.#lastOfSlot[index] ?? 0)) this.#lastOfSlot[index] = dispatched;
  }

  runs(): UnansweredRun[] {
    const runs: UnansweredRun[] = [];
    let run: number[] = [];
    let lastAnswer: number | null = null;
    const end = (nextAnswer: number | null) => {
      const [first = 0] = run;
      const failures = run.length;
      const times = { lastAnswer, nextAnswer, first: first / 1000, last: (run.at(-1) ?? 0) / 1000 };
      if (failures > 1) runs.push({ target_group_arn: this.#group, target: this.#target, ...times, failures });
      run = [];
    };
    for (const [index, firstSent] of this.#firstSent.entries()) {
      if (firstSent < Number.POSITIVE_INFINITY) {
        end(firstSent / 1000);
        lastAnswer = Math.max(lastAnswer ?? 0, (this.#lastEnded[index] ?? 0) / 1000);
      }
      const dispatched = this.#failed[index];
      if (dispatched !== undefined && !this.#isBetweenAnswers(index)) run.push(dispatched);
    }
    end(null);
    return runs;
  }

  #isBetweenAnswers(index: number): boolean {
    const [dispatched, slot] = [this.#failed[index] ?? 0, this.#slotStart[index] ?? 0];
    return dispatched >= (this.#firstOfSlot[slot] ?? 0) && dispatched <= (this.#lastOfSlot[slot] ?? 0);
  }
}
