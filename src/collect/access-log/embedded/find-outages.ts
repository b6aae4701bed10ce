/** Finds runs of requests that a target did not answer. Pure. */
import { OUTAGE_LIMIT, type UnansweredRun, type Window } from '../../../evidence/evidence.ts';
import { byText } from '../log-files.ts';
import { byTargetAndTime, outageSlot } from '../outage-limits.ts';
import type { Entries } from './entry-store.ts';
import { KeyIndex } from './key-index.ts';

/** Slots per block; answers far from any failure are held by blocks, which keeps them few. */
const SLOTS_OF_BLOCK = 16;

/** Answers of a target, held by the slot or block in which their requests were sent. Microseconds. */
interface SlotAnswers {
  /** The first and last dispatch. */
  first: number;
  last: number;
  /** The end of the last answer. */
  ended: number;
}

/** A target of a target group, over all nodes, with two or more requests without an answer. */
interface Series {
  target_group_arn: string;
  target: string;
  /** Dispatches of the unanswered requests. */
  failed: number[];
  answers: SlotAnswers[];
}

/**
 * Returns runs of two or more unanswered dispatches on a target. Unanswered dispatches between two answers of one slot
 * belong to no run.
 */
export function findOutages(entries: Entries, window: Window): UnansweredRun[] {
  const { series, seriesOf } = failingSeries(entries);
  const slots = new AnswerSlots(series, outageSlot(window));
  for (const { rows, ended, place, targetStatus, targetMs } of entries.batches) {
    for (let row = 0; row < rows; row += 1) {
      const own = seriesOf[place[row] ?? 0] ?? -1;
      if (own === -1 || (targetStatus[row] ?? 0) < 0) continue;
      const at = ended[row] ?? 0;
      slots.add(own, at - 1000 * Math.max(targetMs[row] ?? 0, 0), at);
    }
  }
  return series
    .flatMap((one, index) => runsOf(one, (dispatched) => slots.at(index, dispatched)))
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
function failingSeries({ failures, places }: Entries): { series: Series[]; seriesOf: Int32Array } {
  const nameOf = (place: number) => `${places[place]?.target_group_arn}"${places[place]?.target}`;
  const all = new Map<string, Series>();
  for (const [index, dispatched] of failures.dispatched.entries()) {
    if (dispatched < 0) continue;
    const place = failures.place[index] ?? 0;
    const { target_group_arn = '', target = '' } = places[place] ?? {};
    const one = all.get(nameOf(place)) ?? { target_group_arn, target, failed: [], answers: [] };
    all.set(nameOf(place), one);
    one.failed.push(dispatched);
  }
  const named = [...all].filter(([, { failed }]) => failed.length > 1);
  const indexOf = new Map(named.map(([name], index) => [name, index]));
  return {
    series: named.map(([, one]) => one),
    seriesOf: Int32Array.from(places, (_, place) => indexOf.get(nameOf(place)) ?? -1),
  };
}

class AnswerSlots {
  readonly #series: readonly Series[];
  readonly #slot: number;
  /** Blocks with an unanswered request. */
  readonly #near = new KeyIndex();
  readonly #numbers = new KeyIndex();
  readonly #answers: SlotAnswers[] = [];

  /** `slot`: microseconds. */
  constructor(series: readonly Series[], slot: number) {
    this.#series = series;
    this.#slot = slot;
    for (const [index, { failed }] of series.entries())
      for (const dispatched of failed) this.#near.add(this.#blockKey(index, dispatched));
  }

  add(series: number, dispatched: number, ended: number): void {
    const block = this.#blockKey(series, dispatched);
    // Blocks have even keys, slots have odd ones.
    const key = this.#near.find(block) === -1 ? 2 * block : 2 * this.#slotKey(series, dispatched) + 1;
    const known = this.#answers[this.#numbers.add(key)];
    if (known === undefined) {
      const one = { first: dispatched, last: dispatched, ended };
      this.#answers.push(one);
      this.#series[series]?.answers.push(one);
      return;
    }
    if (dispatched < known.first) known.first = dispatched;
    if (dispatched > known.last) known.last = dispatched;
    if (ended > known.ended) known.ended = ended;
  }

  /** The answers of the slot in which an unanswered request was sent. */
  at(series: number, dispatched: number): SlotAnswers | undefined {
    return this.#answers[this.#numbers.find(2 * this.#slotKey(series, dispatched) + 1)];
  }

  #slotKey(series: number, dispatched: number): number {
    return Math.floor(dispatched / this.#slot) * this.#series.length + series;
  }

  #blockKey(series: number, dispatched: number): number {
    return Math.floor(dispatched / (this.#slot * SLOTS_OF_BLOCK)) * this.#series.length + series;
  }
}

function runsOf(
  { target_group_arn, target, failed, answers }: Series,
  slotOf: (dispatched: number) => SlotAnswers | undefined,
): UnansweredRun[] {
  const outside = failed.filter((dispatched) => {
    const slot = slotOf(dispatched);
    return slot === undefined || dispatched < slot.first || dispatched > slot.last;
  });
  const times = Float64Array.from(outside).sort();
  const sorted = answers.sort((a, b) => a.first - b.first);
  const runs: UnansweredRun[] = [];
  let lastAnswer: number | null = null;
  let at = 0;
  for (const next of [...sorted, null]) {
    const start = at;
    while (at < times.length && (next === null || (times[at] ?? 0) < next.first)) at += 1;
    if (at - start > 1) {
      runs.push({
        target_group_arn,
        target,
        lastAnswer: lastAnswer === null ? null : lastAnswer / 1000,
        nextAnswer: next === null ? null : next.first / 1000,
        first: (times[start] ?? 0) / 1000,
        last: (times[at - 1] ?? 0) / 1000,
        failures: at - start,
      });
    }
    if (next !== null) lastAnswer = Math.max(lastAnswer ?? next.ended, next.ended);
  }
  return runs;
}
