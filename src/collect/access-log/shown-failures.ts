/** Chooses the failures that are shown and puts them in order, the same for every engine that reads a log. Pure. */
import type { AccessLog, FailedRequest } from '../../evidence/access-log.ts';
import { FAILURE_LIMIT } from '../../evidence/access-log.ts';
import { byText } from '../../format/by-text.ts';
import { nodeOf, statusText } from './place-traffic.ts';

/** A failed request of the window, as logged. */
export interface LoggedFailure {
  /** Microseconds since the epoch. */
  ended: number;
  /**
   * The last eight hexadecimal digits of the trace id as a number, 0 if they are not hexadecimal: an order unrelated to
   * anything else.
   */
  sample: number;
  trace_id: string;
  client_address: string;
  route_text: string;
  target_group_arn: string;
  target: string;
  /** "-" if unknown. */
  node: string;
  /** -1 for "-". */
  status: number;
  target_status: number;
  /** Microseconds since the epoch; null if unknown. */
  created: number | null;
  sent_bytes: number;
  received_bytes: number;
  request_processing_time: number;
  target_processing_time: number;
  response_processing_time: number;
  request_type: string;
  matched_rule_priority: string;
  actions_executed: string;
  error_reason: string;
  classification_reason: string;
  by_cloudfront: boolean;
}

/** A failure that is shown. */
export interface ShownFailure<Logged extends LoggedFailure = LoggedFailure> {
  failure: FailedRequest;
  logged: Logged;
}

/** By time and trace id; the other fields make the order total. */
const byTime = (a: LoggedFailure, b: LoggedFailure): number => a.ended - b.ended || bySameTime(a, b);

function bySameTime(a: LoggedFailure, b: LoggedFailure): number {
  const [first, second] = [a.created ?? Number.POSITIVE_INFINITY, b.created ?? Number.POSITIVE_INFINITY];
  return (
    byText(a.trace_id, b.trace_id) ||
    byText(a.client_address, b.client_address) ||
    byText(a.route_text, b.route_text) ||
    byText(a.target, b.target) ||
    a.status - b.status ||
    a.target_status - b.target_status ||
    (first === second ? 0 : first - second) ||
    a.sent_bytes - b.sent_bytes ||
    a.received_bytes - b.received_bytes ||
    a.request_processing_time - b.request_processing_time ||
    a.target_processing_time - b.target_processing_time ||
    a.response_processing_time - b.response_processing_time ||
    byText(a.request_type, b.request_type) ||
    byText(a.node, b.node)
  );
}

/** Returns the failures that may be shown: at most FAILURE_LIMIT, those with the lowest sample. */
export function lowestSamples<Logged extends LoggedFailure>(failures: readonly Logged[]): Logged[] {
  if (failures.length <= FAILURE_LIMIT) return [...failures];
  const samples = Uint32Array.from(failures, ({ sample }) => sample).sort();
  const highest = samples[FAILURE_LIMIT - 1] ?? 0;
  const below = failures.filter(({ sample }) => sample < highest);
  const equal = failures.filter(({ sample }) => sample === highest).sort(byTime);
  return [...below, ...equal.slice(0, FAILURE_LIMIT - below.length)];
}

/** Returns the failures to show in their order. Clients are numbered in that order. */
export function showFailures<Logged extends LoggedFailure>(
  failures: readonly Logged[],
  isRetried: (failure: Logged) => boolean,
): { shown: ShownFailure<Logged>[] } & Pick<AccessLog, 'clientAddresses' | 'cloudFrontClients'> {
  const clients = new Map<string, number>();
  const byCloudFront = new Set<number>();
  const shown = lowestSamples(failures)
    .sort(byTime)
    .map((logged) => {
      const client = clients.get(logged.client_address) ?? clients.size + 1;
      clients.set(logged.client_address, client);
      if (logged.by_cloudfront) byCloudFront.add(client);
      return { logged, failure: toFailedRequest(logged, client, isRetried(logged)) };
    });
  return {
    shown,
    clientAddresses: [...clients.keys()],
    ...(byCloudFront.size === 0 ? {} : { cloudFrontClients: [...byCloudFront].sort((a, b) => a - b) }),
  };
}

function toFailedRequest(logged: LoggedFailure, client: number, retriedOk: boolean): FailedRequest {
  return {
    at: logged.ended / 1000,
    elapsed: logged.created === null ? null : (logged.ended - logged.created) / 1_000_000,
    client,
    route: logged.route_text,
    node: nodeOf(logged.node),
    type: logged.request_type,
    target: logged.target,
    request_processing_time: logged.request_processing_time,
    target_processing_time: logged.target_processing_time,
    response_processing_time: logged.response_processing_time,
    elb_status_code: statusText(logged.status),
    target_status_code: statusText(logged.target_status),
    received_bytes: logged.received_bytes,
    sent_bytes: logged.sent_bytes,
    target_group_arn: logged.target_group_arn,
    trace_id: logged.trace_id,
    matched_rule_priority: logged.matched_rule_priority,
    actions_executed: logged.actions_executed,
    error_reason: logged.error_reason,
    classification_reason: logged.classification_reason,
    retriedOk,
  };
}
