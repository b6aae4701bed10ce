/** Maximum ECS calls of one diagnosis. */
export const ECS_CALLS = 100;

/** Counts the calls; `take` returns false when none is left. */
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
