/** A cause's judgement of an incident: it claims errors, is ruled out by them, or could not be tested. */
import type { Command } from '../format/command.ts';
import type { SampledError } from './traffic.ts';

export type NonEmpty<T> = readonly [T, ...T[]];

export const isNonEmpty = <T>(items: readonly T[]): items is NonEmpty<T> => items.length > 0;

/**
 * confirmed: the signature admits only this cause, or a source outside the log shows it.
 * likely: the pattern fits and a number contradicts every look-alike. possible: it fits, and look-alikes remain.
 */
export type Strength = 'confirmed' | 'likely' | 'possible';

/** Strongest first. */
const STRENGTHS: readonly Strength[] = ['confirmed', 'likely', 'possible'];

/** A change that ends the errors at once, to be taken back when the fix is in place. Printed, never run. */
export interface Stopgap {
  /** What to do, one sentence. */
  summary: string;
  /** For a shell. */
  commands: Command[];
  /** How to take it back, one sentence. */
  undo: string;
  /** What else it changes, one sentence each. */
  sideEffects: string[];
  /** The idle timeout of the load balancer while it is in place, if it changes that: seconds. */
  idleTimeoutSeconds?: number;
}

export interface Fix {
  /** What to do, one sentence. */
  summary: string;
  /** For a shell. Printed, never run. */
  commands: Command[];
  /** Configuration or code lines for the runtime in use, if it is known. */
  settings?: string[];
  /** Where to run a command, how to read its output, and other help; one sentence each. */
  notes?: string[];
  /** Other effects of the change. */
  sideEffects: string[];
  /** What helps until the fix is deployed. */
  stopgap?: Stopgap;
  /** How long requests may take after the fix, if it lets them take longer: seconds. A shorter idle timeout cuts them. */
  allowsSeconds?: number;
}

/** The fix of a cause that claims nothing. */
export const NO_FIX: Fix = { summary: '', commands: [], sideEffects: [] };

/**
 * Errors that a cause claims. Each error gets at most one confirmed or likely cause; attribution.ts resolves conflicts.
 */
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
  /** Evidence that could not be read and would have mattered. */
  missing: readonly string[];
  /** The headline of this case, one sentence; if absent, the title and the first `for` sentence are used. */
  summary?: string;
  /** How many of the first `for` sentences the summary contains; 0 if absent. */
  forInSummary?: number;
  /** The change that would have ended this incident; names the targets and routes of the claim. */
  fix: Fix;
}

export type Judgement =
  | Claims
  /** A number contradicts the cause for every error. */
  | { kind: 'ruled-out'; because: NonEmpty<string> }
  /** Evidence is missing, or there is no error that the cause could explain. */
  | { kind: 'untested'; missing: readonly string[] };

export const untested = (missing: readonly string[] = []): Judgement => ({ kind: 'untested', missing });

/** Ruled out for these reasons; untested if there are none. */
export const ruledOut = (because: readonly string[], missing: readonly string[] = []): Judgement =>
  isNonEmpty(because) ? { kind: 'ruled-out', because } : untested(missing);

/** Builds a judgement from claims, some possibly empty; if all are, returns `otherwise`. */
export function claimErrors(
  {
    claims,
    ...rest
  }: Omit<Claims, 'kind' | 'claims'> & { claims: readonly { errors: readonly SampledError[]; strength: Strength }[] },
  otherwise: Judgement,
): Judgement {
  const made = claims.flatMap(({ errors, strength }) => (isNonEmpty(errors) ? [{ errors, strength }] : []));
  if (!isNonEmpty(made)) return otherwise;
  // Several targets may give one reason.
  const once = (sentences: readonly string[]) => [...new Set(sentences)];
  return {
    ...rest,
    kind: 'claims',
    claims: made,
    for: once(rest.for),
    against: once(rest.against),
    missing: once(rest.missing),
  };
}

/** The claims of a judgement; empty unless it claims. */
export const claimsOf = (judgement: Judgement): readonly CauseClaim[] =>
  judgement.kind === 'claims' ? judgement.claims : [];

/** Groups items by strength, one claim for each. */
export const claimsByStrength = <T extends { errors: readonly SampledError[] }>(
  items: readonly T[],
  strengthOf: (item: T) => Strength | null,
): { errors: SampledError[]; strength: Strength }[] =>
  STRENGTHS.map((strength) => ({
    strength,
    errors: items.filter((item) => strengthOf(item) === strength).flatMap(({ errors }) => errors),
  }));
