/**
 * Holds the failures of the window: of each one some numbers, and texts only of those that may be shown, because a long
 * outage has millions.
 */

import { FAILURE_LIMIT, type FailureShape } from '../../../evidence/access-log.ts';
import { askedMatcher } from '../failed-statuses.ts';
import { byShape } from '../failure-shapes.ts';
import { statusText } from '../place-traffic.ts';
import { type LoggedFailure, lowestSamples } from '../shown-failures.ts';
import type { FailureRows } from './columns.ts';
import type { EntryBatch } from './entry-batch.ts';
import { type FailureDetail, readFailureDetail } from './failure-detail.ts';
import type { TargetAndNode } from './scanner.ts';

/** A failure that may be shown. */
interface HeldFailure extends LoggedFailure {
  /** Its index in the columns of FailureStore. */
  index: number;
}

/** Whether it has a status that was asked for, is another 5xx, or neither. */
export const ASKED = 2;
const SERVER_ERROR = 1;

export class FailureStore {
  /** One value for each failure. */
  readonly ended: number[] = [];
  readonly place: number[] = [];
  readonly client: number[] = [];
  readonly route: number[] = [];
  /** ASKED, SERVER_ERROR or 0. */
  readonly kind: number[] = [];
  /** When it was sent to a target that did not answer, in microseconds; -1 if it was not. */
  readonly dispatched: number[] = [];
  readonly #shape: number[] = [];
  readonly #shapes: FailureShape[] = [];
  readonly #shapeNumbers = new Map<string, number>();
  /** Texts of the routes of all failures. */
  readonly routeTexts = new Map<number, string>();
  #held: HeldFailure[] = [];
  readonly #isAsked: ReturnType<typeof askedMatcher>;

  constructor(statuses: readonly string[]) {
    this.#isAsked = askedMatcher(statuses);
  }

  get count(): number {
    return this.ended.length;
  }

  /** Adds failed rows of a batch, whose places must be known. */
  add(batch: EntryBatch, { rows, details }: FailureRows, places: readonly TargetAndNode[]): void {
    for (const [at, row] of rows.entries()) {
      const route = batch.route[row] ?? 0;
      const detail = readFailureDetail(details[at] ?? '');
      // The failures of a route share one string, so that it is hashed once.
      detail.route_text = this.routeTexts.get(route) ?? detail.route_text;
      this.routeTexts.set(route, detail.route_text);
      const failure = read(batch, row, detail, places, this.count);
      const status = failure.status;
      const targetMs = batch.targetMs[row] ?? 0;
      this.ended.push(failure.ended);
      this.place.push(batch.place[row] ?? 0);
      this.client.push(batch.client[row] ?? 0);
      this.route.push(route);
      const isServerError = status >= 500 && status <= 599;
      this.kind.push(this.#isAsked(status, failure.target_status) ? ASKED : isServerError ? SERVER_ERROR : 0);
      const isUnanswered = isServerError && failure.target_status < 0 && failure.target !== '-';
      this.dispatched.push(isUnanswered ? dispatchOf(failure, targetMs) : -1);
      this.#shape.push(this.#shapeOf(failure));
      this.#held.push(failure);
    }
    if (this.#held.length > 2 * FAILURE_LIMIT) this.#held = lowestSamples(this.#held);
  }

  /** All failures that may be shown, and some more. */
  get held(): readonly HeldFailure[] {
    return this.#held;
  }

  /** Returns the counted shapes. `isRetried`: 1 for each failure that was followed by a success. */
  shapes(isRetried: Uint8Array): FailureShape[] {
    const shapes = this.#shapes.map((shape) => ({ ...shape }));
    for (const [index, number] of this.#shape.entries()) {
      const shape = shapes[number];
      if (shape !== undefined) shape.retriedOk += isRetried[index] ?? 0;
    }
    return shapes.sort(byShape);
  }

  #shapeOf(failure: LoggedFailure): number {
    const at = failure.ended / 1000;
    const shape = toShape(failure);
    const key = Object.values(shape).join('"');
    const number = this.#shapeNumbers.get(key) ?? this.#shapes.length;
    const known = this.#shapes[number];
    if (known === undefined) {
      this.#shapeNumbers.set(key, number);
      this.#shapes.push({ ...shape, count: 1, retriedOk: 0, first: at, last: at });
    } else {
      known.count += 1;
      known.first = Math.min(known.first ?? at, at);
      known.last = Math.max(known.last ?? at, at);
    }
    return number;
  }
}

function read(
  batch: EntryBatch,
  row: number,
  detail: FailureDetail,
  places: readonly TargetAndNode[],
  index: number,
): HeldFailure {
  const place = places[batch.place[row] ?? 0];
  if (place === undefined) throw new Error('a failure has no place');
  return {
    ...detail,
    index,
    ended: batch.ended[row] ?? 0,
    sample: batch.sample[row] ?? 0,
    target_group_arn: place.target_group_arn,
    target: place.target,
    node: place.node,
    status: batch.status[row] ?? 0,
    target_status: batch.targetStatus[row] ?? 0,
  };
}

function dispatchOf({ ended, created, request_processing_time }: LoggedFailure, targetMs: number): number {
  if (targetMs >= 0) return ended - 1000 * targetMs;
  if (created === null) return ended;
  return request_processing_time >= 0 ? created + Math.round(request_processing_time * 1_000_000) : created;
}

const MINUTE = 60_000;

function toShape(failure: LoggedFailure): Omit<FailureShape, 'count' | 'retriedOk' | 'first' | 'last'> {
  return {
    minute: Math.floor(failure.ended / 1000 / MINUTE) * MINUTE,
    elb_status_code: statusText(failure.status),
    target_status_code: statusText(failure.target_status),
    request_processing_time: failure.request_processing_time < 0 ? -1 : 0,
    target_processing_time: failure.target_processing_time < 0 ? -1 : 0,
    response_processing_time: failure.response_processing_time < 0 ? -1 : 0,
    elapsed: elapsedClass(failure),
    error_reason: failure.error_reason,
    fixedResponse: failure.actions_executed.split(',').includes('fixed-response'),
    hasTarget: failure.target !== '-',
    hasTargetGroup: failure.target_group_arn !== '-',
  };
}

function elapsedClass({ ended, created }: LoggedFailure): FailureShape['elapsed'] {
  if (created === null) return null;
  if (ended - created < 9_500_000) return 'under-9.5s';
  return ended - created < 11_000_000 ? '9.5-11s' : 'from-11s';
}
