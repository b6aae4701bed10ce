/** Computes from the errors how long a target must keep serving after its deregistration. */

import { seconds } from '../../format/wording.ts';
import { groupBy, type SampledError, type Traffic } from '../traffic.ts';
import type { Platform } from './platform.ts';
import { targetKey } from './target-key.ts';

/** Whole seconds, each longer than the previous: a target drains before it stops, and stops before it is killed. */
export interface DrainTimes {
  delay: number;
  sleep: number;
  grace: number;
  /** The reason for these times, a sentence: the longest request, or how long a leaving target was still chosen; empty if neither is known. */
  because: string;
  /** The longest request of the failing routes that succeeded: seconds; 0 if none is known. */
  longest: number;
}

/**
 * Seconds needed without any long request, because nodes learn of a deregistration late
 * (aws-load-balancer-controller#2366).
 */
const LEAST_DELAY = 15;
const MARGIN = 5;
/** Seconds: the longest deregistration delay that AWS allows. */
const MOST_DELAY = 3600;

const inSteps = (value: number): number => Math.ceil(value / MARGIN) * MARGIN;

/** `errors`: errors of the targets that left. */
export function drainTimes({ log }: Traffic, errors: readonly SampledError[]): DrainTimes {
  const routes = new Set(errors.map(({ route }) => route));
  const own = log.routes.filter(({ route }) => routes.has(route));
  const longest = Math.max(0, ...own.map(({ succeededMaxMs }) => succeededMaxMs / 1000));
  const spans = [...groupBy(errors, targetKey).values()].map(
    (same) => (Math.max(...same.map(({ at }) => at)) - Math.min(...same.map(({ at }) => at))) / 1000,
  );
  const lingered = Math.max(0, ...spans);
  const delay = Math.min(MOST_DELAY, inSteps(Math.max(LEAST_DELAY, longest + MARGIN, lingered + MARGIN)));
  const because =
    longest > lingered
      ? `${delay} s is enough: the longest request took ${seconds(longest)}.`
      : lingered >= 1
        ? `${delay + MARGIN} s of sleep is enough: requests to a leaving target came for at most ${seconds(lingered)} after its first error.`
        : '';
  return {
    delay,
    sleep: delay + MARGIN,
    grace: delay + 4 * MARGIN,
    because,
    longest,
  };
}

/** Longest time Fargate waits between SIGTERM and SIGKILL, in seconds (ECS task definition, stopTimeout). */
export const MOST_STOP_TIMEOUT = 120;

/** What to do on Fargate if a task must go on serving for longer than it may after SIGTERM; seconds. */
export const beyondStopTimeout = (needed: number): string[] =>
  needed <= MOST_STOP_TIMEOUT
    ? []
    : [
        `Fargate allows ${MOST_STOP_TIMEOUT} s between SIGTERM and SIGKILL, and these requests need ${needed} s: let them end before the stop (a service waits for the deregistration delay before SIGTERM; StopTask does not), or make them shorter, such as a job whose result is polled. On EC2 stopTimeout may be ${needed}.`,
      ];

/** Settings of the platform, or of each platform if it is unknown. */
export function drainSettings({ sleep, grace }: DrainTimes, platform: Platform | null): string[] {
  const settings: Record<Platform, string[]> = {
    kubernetes: [
      `spec: { terminationGracePeriodSeconds: ${grace}, containers: [{ lifecycle: { preStop: { exec: { command: ["sleep", "${sleep}"] } } } }] }   # Kubernetes pod template`,
    ],
    ecs: [
      `stopTimeout: ${Math.min(MOST_STOP_TIMEOUT, grace)}   # ECS task definition${grace > MOST_STOP_TIMEOUT ? `, the most on Fargate (${grace} on EC2)` : ''}; on SIGTERM serve ${Math.min(MOST_STOP_TIMEOUT - 2 * MARGIN, sleep)} s more, then close`,
    ],
  };
  return platform === null ? Object.values(settings).flat() : settings[platform];
}

/** "Keep this order: deregistration delay (45 s) < preStop sleep (50 s) < grace period (65 s). 45 s is enough: …" */
function drainNote({ delay, sleep, grace, because }: DrainTimes, platform: Platform | null): string {
  const [serving, end] =
    platform === 'ecs' ? ['serving after SIGTERM', 'stopTimeout'] : ['preStop sleep', 'grace period'];
  const order = `Keep this order: deregistration delay (${delay} s) < ${serving} (${sleep} s) < ${end} (${grace} s).`;
  return because === '' ? order : `${order} ${because}`;
}

/** Why these times, and what to do where a platform does not allow them. */
export const drainNotes = (times: DrainTimes, platform: Platform | null): string[] => [
  drainNote(times, platform),
  ...(platform === 'kubernetes' ? [] : beyondStopTimeout(times.grace)),
];
