/** Calls to ECS that one diagnosis makes at most. */
export const ECS_CALLS = 100;

/** Counts the calls; `take` is false when none is left. */
export interface EcsBudget {
  take(): boolean;
}

export function ecsBudget(calls = ECS_CALLS): EcsBudget {
  let left = calls;
  return {
    take: () => {
      left -= 1;
      return left >= 0;
    },
  };
}
