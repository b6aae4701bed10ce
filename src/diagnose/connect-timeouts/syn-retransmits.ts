/**
 * Finds connections delayed by a lost SYN: the client repeats it after 1, 3 and 7 s (tcp(7), initial timeout of 1 s,
 * doubled).
 */
import { groupBy, oncePerTraffic, type SampledError, type Traffic, withSignature } from '../traffic.ts';

const RETRANSMITTED_AFTER = [1, 3, 7] as const;
/** Seconds. A connection is established about one round trip after the SYN that arrives. */
const WITHIN = 0.15;
/** Bytes. A larger body may explain the time: its upload is part of request_processing_time too. */
const SMALL_REQUEST = 2_000;

const tookRetransmits = (seconds: number): boolean =>
  RETRANSMITTED_AFTER.some((after) => seconds >= after && seconds <= after + WITHIN);

/**
 * Failed requests whose connection was accepted or refused just after a repeated SYN: a full listen backlog or packet
 * loss dropped the first SYNs.
 */
export const afterSynRetransmits = (traffic: Traffic, target: string): readonly SampledError[] =>
  retransmitsByTarget(traffic).get(target) ?? [];

/** With fewer failed requests of a kind, single lost packets explain them. */
const ENOUGH = 3;

/**
 * Requests without a response that got a connection only after repeated SYNs, on a target that also let connections
 * time out: the kernel queued them in a full backlog, and no process ever accepted them.
 */
export const neverAccepted = oncePerTraffic((traffic: Traffic): ReadonlySet<SampledError> => {
  const silent = new Set(withSignature(traffic, 'connect-timeout').map(({ target }) => target));
  const byTarget = groupBy(withSignature(traffic, 'idle-timeout'), ({ target }) => target);
  return new Set(
    [...byTarget].flatMap(([target, all]) => {
      const late = afterSynRetransmits(traffic, target).filter(({ signature }) => signature === 'idle-timeout');
      return silent.has(target) && late.length >= ENOUGH && 2 * late.length > all.length ? late : [];
    }),
  );
});

const retransmitsByTarget = oncePerTraffic((traffic) =>
  groupBy(
    [
      ...withSignature(traffic, 'idle-timeout', 'closed-before-response', 'no-response-aborted').filter(
        ({ received_bytes, request_processing_time }) =>
          received_bytes <= SMALL_REQUEST && tookRetransmits(request_processing_time),
      ),
      ...withSignature(traffic, 'connect-failed').filter(({ elapsed }) => elapsed !== null && tookRetransmits(elapsed)),
    ],
    ({ target }) => target,
  ),
);
