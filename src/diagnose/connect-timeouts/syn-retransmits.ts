/** Connections that took a lost SYN longer: the client repeats one after 1, 3 and 7 s (tcp(7), initial timeout of 1 s, doubled). */
import { type SampledError, type Traffic, withSignature } from '../traffic.ts';

const RETRANSMITTED_AFTER = [1, 3, 7] as const;
/** Seconds. A connection is made within a round trip or so after the SYN that got through. */
const WITHIN = 0.15;
/** Bytes. A larger body may have taken the time itself: its upload is in request_processing_time too. */
const SMALL_REQUEST = 2_000;

const tookRetransmits = (seconds: number): boolean =>
  RETRANSMITTED_AFTER.some((after) => seconds >= after && seconds <= after + WITHIN);

/**
 * Failed requests whose connection was made, or refused, just after a repeated SYN: its first SYNs were dropped, as a full listen backlog
 * or packet loss does.
 */
export const afterSynRetransmits = (traffic: Traffic, target: string): SampledError[] => [
  ...withSignature(traffic, 'idle-timeout', 'closed-before-response', 'no-response-aborted').filter(
    (error) =>
      error.target === target &&
      error.received_bytes <= SMALL_REQUEST &&
      tookRetransmits(error.request_processing_time),
  ),
  ...withSignature(traffic, 'connect-failed').filter(
    ({ target: own, elapsed }) => own === target && elapsed !== null && tookRetransmits(elapsed),
  ),
];
