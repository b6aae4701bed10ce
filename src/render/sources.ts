/** The calls and queries of a diagnosis, to repeat by hand. */
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import { list } from '../format/wording.ts';

interface SourceUse {
  /** A command line or a query. */
  source: string;
  /** "For every step", "For step 6", "For steps 1 and 3". */
  use: string;
}

/** Returns every call and query once, with the steps of the checklist that use it. */
export function sourcesOf({ steps }: Diagnosis): SourceUse[] {
  const users = new Map<string, Set<number>>();
  for (const { step, findings } of steps)
    for (const source of findings.flatMap(({ sources }) => sources))
      users.set(source, (users.get(source) ?? new Set()).add(step));
  return [...users].map(([source, own]) => ({
    source,
    use:
      own.size === steps.length
        ? 'For every step'
        : `For ${own.size === 1 ? 'step' : 'steps'} ${list([...own].map(String), 6)}`,
  }));
}
