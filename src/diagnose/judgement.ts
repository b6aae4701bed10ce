/** What a cause says of an incident: it claims errors, the errors rule it out, or it could not be tested. */
import type { Command } from '../format/command.ts';
import type { SampledError } from './traffic.ts';

export type NonEmpty<T> = readonly [T, ...T[]];

export const isNonEmpty = <T>(items: readonly T[]): items is NonEmpty<T> => items.length > 0;

/**
 * confirmed: the signature admits only this cause, or a source outside the log shows it.
 * likely: the pattern fits and every look-alike is contradicted by a number. possible: fits, and look-alikes stand.
 */
export type Strength = 'confirmed' | 'likely' | 'possible';

/** Strongest first. */
const STRENGTHS: readonly Strength[] = ['confirmed', 'likely', 'possible'];

export interface Fix {
  /** What to do, one sentence. */
  summary: string;
  /** For a shell. Printed, never run. */
  commands: Command[];
  /** Lines of a configuration file or of code, for the runtime at hand where it is known. */
  settings?: string[];
  /** Where to run a command and what its answer means, and what else may help; one sentence each. */
  notes?: string[];
  /** What else the change does. */
  sideEffects: string[];
}

/** Of a cause that claims nothing. */
export const NO_FIX: Fix = { summary: '', commands: [], sideEffects: [] };

/** Errors that a cause claims. Each error ends up with at most one confirmed or likely cause; verdict.ts decides conflicts. */
export interface CauseClaim {
  errors: NonEmpty<SampledError>;
  strength: Strength;
}

interface Claims {
  kind: 'claims';
  claims: NonEmpty<CauseClaim>;
  /** Sentences with numbers. */
  for: readonly string[];
  against: readonly string[];
  /** What could not be looked at and would have mattered. */
  missing: readonly string[];
  /** The headline of this case, one sentence; without it the title and the first sentence for it are used. */
  summary?: string;
  /** What would have ended this incident; it names the targets and routes that are claimed. */
  fix: Fix;
}

export type Judgement =
  | Claims
  /** A number contradicts the cause for every error. */
  | { kind: 'ruled-out'; because: NonEmpty<string> }
  /** Something could not be looked at, or there is no error that the cause could explain. */
  | { kind: 'untested'; missing: readonly string[] };

export const untested = (missing: readonly string[] = []): Judgement => ({ kind: 'untested', missing });

/** Ruled out for these reasons; untested where there are none. */
export const ruledOut = (because: readonly string[], missing: readonly string[] = []): Judgement =>
  isNonEmpty(because) ? { kind: 'ruled-out', because } : untested(missing);

/** Claims of which some may be empty; where all are, the judgement is `otherwise`. */
export function claimErrors(
  {
    claims,
    ...rest
  }: Omit<Claims, 'kind' | 'claims'> & { claims: readonly { errors: readonly SampledError[]; strength: Strength }[] },
  otherwise: Judgement,
): Judgement {
  const made = claims.flatMap(({ errors, strength }) => (isNonEmpty(errors) ? [{ errors, strength }] : []));
  return isNonEmpty(made) ? { kind: 'claims', claims: made, ...rest } : otherwise;
}

/** The claims of a judgement, none unless it claims. */
export const claimsOf = (judgement: Judgement): readonly CauseClaim[] =>
  judgement.kind === 'claims' ? judgement.claims : [];

/** Items that carry a strength, as one claim a strength. */
export const claimsByStrength = <T extends { errors: readonly SampledError[] }>(
  items: readonly T[],
  strengthOf: (item: T) => Strength | null,
): { errors: SampledError[]; strength: Strength }[] =>
  STRENGTHS.map((strength) => ({
    strength,
    errors: items.filter((item) => strengthOf(item) === strength).flatMap(({ errors }) => errors),
  }));
