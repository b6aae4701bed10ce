/** Limits parallel diagnoses, in total and per person. Each replica has its own limits. */

interface LimitsOptions {
  /** Diagnoses that run at the same time. */
  atOnce: number;
  /** Diagnoses one person may have running or queued. */
  perUser: number;
  /** Diagnoses one person may request per hour. */
  perHour: number;
  /** Diagnoses that may be queued. */
  queue: number;
}

/**
 * Call `leave` once the diagnosis has ended or was never started; further calls do nothing. `refused`: the sentence to
 * show.
 */
export type Admission = { leave(): void } | { refused: string };

export interface Limits {
  /** Diagnoses that run at the same time. */
  readonly atOnce: number;
  /**
   * Admits or refuses one more diagnosis. `user` is null for alarms and watched alerts, which are never refused: there
   * is no person to try again. `waiting`: diagnoses known to be queued, including those admitted elsewhere.
   */
  admit(user: string | null, waiting?: number): Admission;
}

/** Milliseconds. */
const HOUR = 3_600_000;
const MINUTE = 60_000;

/** `now`: epoch milliseconds. */
export function openLimits({ atOnce, perUser, perHour, queue }: LimitsOptions, now: () => number = Date.now): Limits {
  let active = 0;
  const running = new Map<string, number>();
  /** Times each person was admitted within the last hour, oldest first. */
  const requestTimes = new Map<string, number[]>();

  const requestsThisHour = (user: string): number[] => {
    const since = now() - HOUR;
    for (const [each, times] of requestTimes) {
      const recent = times.filter((time) => time > since);
      if (recent.length === 0) requestTimes.delete(each);
      else requestTimes.set(each, recent);
    }
    return requestTimes.get(user) ?? [];
  };

  /** Returns why the user is refused, or null. */
  function refusal(user: string, waiting: number): string | null {
    const own = running.get(user) ?? 0;
    if (own >= perUser) {
      return `You already have ${countDiagnoses(own)} running (the limit). Try again when one finishes.`;
    }
    const times = requestsThisHour(user);
    const oldest = times[times.length - perHour];
    if (oldest !== undefined) {
      const minutes = Math.ceil((oldest + HOUR - now()) / MINUTE);
      return `You asked for ${countDiagnoses(times.length)} within an hour (the limit). Try again in ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}.`;
    }
    const before = Math.max(waiting, active - atOnce);
    const isFree = before === 0 && active < atOnce;
    if (isFree || before < queue) return null;
    if (before === 0)
      return `${countDiagnoses(active)} ${active === 1 ? 'is' : 'are'} running and none may wait. Try again in a minute.`;
    return `The queue is full: ${countDiagnoses(before)} ${before === 1 ? 'is' : 'are'} waiting. Try again in a few minutes.`;
  }

  return {
    atOnce,
    admit(user, waiting = 0) {
      const refused = user === null ? null : refusal(user, waiting);
      if (refused !== null) return { refused };
      active++;
      if (user !== null) {
        running.set(user, (running.get(user) ?? 0) + 1);
        requestTimes.set(user, [...(requestTimes.get(user) ?? []), now()]);
      }
      let isActive = true;
      return {
        leave() {
          if (!isActive) return;
          isActive = false;
          active--;
          if (user === null) return;
          const left = (running.get(user) ?? 1) - 1;
          if (left === 0) running.delete(user);
          else running.set(user, left);
        },
      };
    },
  };
}

const countDiagnoses = (count: number): string => `${count} ${count === 1 ? 'diagnosis' : 'diagnoses'}`;
