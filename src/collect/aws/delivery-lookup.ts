/** Looks up the vended deliveries of a load balancer while something else goes on. */
import { setTimeout as pause } from 'node:timers/promises';
import { ALB_ACCESS_LOGS, type FoundDeliveries, findDeliveries } from '../access-log/deliveries.ts';
import type { Session } from './session.ts';

export interface DeliveryLookup {
  found: Promise<FoundDeliveries>;
  /** What is found by now or within `LATE_MS`; null where that is too little time. */
  foundInTime(): Promise<FoundDeliveries | null>;
  /** Ends the calls that are still under way. */
  stop(): void;
}

/** Milliseconds that a diagnosis waits for deliveries it does not need: an unreachable service must not hold it up. */
const LATE_MS = 500;

export function beginDeliveryLookup(
  { client, place, signal, deadline }: Pick<Session, 'client' | 'place' | 'signal' | 'deadline'>,
  loadBalancerArn: string,
): DeliveryLookup {
  const stopping = new AbortController();
  const ends = AbortSignal.any([signal, stopping.signal, AbortSignal.timeout(deadline)]);
  const found = import('@aws-sdk/client-cloudwatch-logs').then(({ CloudWatchLogsClient }) =>
    findDeliveries({
      logs: client(CloudWatchLogsClient),
      resourceArn: loadBalancerArn,
      logType: ALB_ACCESS_LOGS,
      region: place.region,
      signal: ends,
    }),
  );
  // Heard by whoever waits for it.
  found.catch(() => {});
  return {
    found,
    async foundInTime() {
      const late = new AbortController();
      const none = pause(LATE_MS, null, { signal: late.signal }).catch(() => null);
      try {
        return await Promise.race([found, none]);
      } finally {
        late.abort();
      }
    },
    stop: () => stopping.abort(),
  };
}
