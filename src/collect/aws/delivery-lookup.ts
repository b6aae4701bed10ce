/** Looks up the vended deliveries of a load balancer in the background. */
import { setTimeout as pause } from 'node:timers/promises';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { ALB_ACCESS_LOGS, type FoundDeliveries, findDeliveries } from '../access-log/deliveries.ts';
import { streamFollower } from '../access-log/vended/firehose-streams.ts';
import type { Session } from './session.ts';

export interface DeliveryLookup {
  found: Promise<FoundDeliveries>;
  /** The deliveries found so far or within `LATE_MS`; null if that was too short. */
  foundInTime(): Promise<FoundDeliveries | null>;
  /** Aborts calls in progress. */
  stop(): void;
}

/** Milliseconds that a diagnosis waits for deliveries it does not need: an unreachable service must not delay it. */
const LATE_MS = 500;

export function beginDeliveryLookup(
  { client, place, signal, deadline }: Pick<Session, 'client' | 'place' | 'signal' | 'deadline'>,
  loadBalancerArn: string,
): DeliveryLookup {
  const stopping = new AbortController();
  const ends = AbortSignal.any([signal, stopping.signal, AbortSignal.timeout(deadline)]);
  const found = findDeliveries({
    logs: client(CloudWatchLogsClient),
    resourceArn: loadBalancerArn,
    logType: ALB_ACCESS_LOGS,
    region: place.region,
    signal: ends,
  }).then((all) => streamFollower({ client, place }, ends)(all, loadBalancerArn));
  // Waiters handle the rejection; this avoids an unhandled one.
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
