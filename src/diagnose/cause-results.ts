/** Converts judged causes and parts into the diagnosis's result for each cause. */

import { inSentence, list, plural } from '../format/wording.ts';
import { type ErrorPart, isDecided } from './attribution.ts';
import type { Cause } from './causes/cause.ts';
import { CAUSE_IDS, type CauseId } from './causes/index.ts';
import type { CauseResult } from './diagnosis.ts';
import { claimsOf, type Judgement, NO_FIX } from './judgement.ts';
import type { SignatureId } from './signature.ts';
import { countErrors, type SampledError, type Traffic } from './traffic.ts';

/** A cause with its judgement of this case. */
export interface JudgedCause {
  cause: Pick<Cause, 'title' | 'reference'> & { id: CauseId };
  judgement: Judgement;
}

/**
 * Orders confirmed and likely causes by share, then possible causes by share, then the rest. Ties follow the order of
 * the ids.
 */
export function causeResults(
  judgedCauses: readonly JudgedCause[],
  parts: readonly ErrorPart[],
  traffic: Traffic,
): CauseResult[] {
  const titles = new Map(judgedCauses.map(({ cause }) => [cause.id, inSentence(cause.title)]));
  return judgedCauses.map((judged) => causeResult(judged, parts, titles, traffic)).sort(byRank);
}

function causeResult(
  { cause, judgement }: JudgedCause,
  parts: readonly ErrorPart[],
  titles: ReadonlyMap<CauseId, string>,
  { errorCount }: Traffic,
): CauseResult {
  const base = { id: cause.id, title: cause.title, reference: cause.reference };
  const nothing = { ...base, summary: null, explains: 0, for: [], against: [], missing: [], fix: NO_FIX };
  const share = (count: number) => (errorCount > 0 ? Math.min(1, roundShare(count / errorCount)) : 0);
  const decided = parts.filter((part) => isDecided(part) && part.causes[0] === cause.id);
  const undecided = parts.filter((part) => !isDecided(part) && part.causes.includes(cause.id));
  const reasons = reasonsOf(judgement, [...decided, ...undecided]);
  if (decided.length > 0) {
    const countOf = (standing: ErrorPart['standing']) =>
      decided.reduce((sum, part) => sum + (part.standing === standing ? part.count : 0), 0);
    const [confirmed, likely] = [countOf('confirmed'), countOf('likely')];
    // A cause that is confirmed for some errors and likely for others takes the standing of the larger part.
    const standing = confirmed >= likely ? 'confirmed' : 'likely';
    return { ...base, standing, explains: share(confirmed + likely), ...reasons };
  }
  const claimed = [...new Set(claimsOf(judgement).flatMap(({ errors }) => [...errors]))];
  const open = openErrors(cause.id, claimed, parts);
  if (open.length > 0) return { ...base, standing: 'possible', explains: share(countErrors(open)), ...reasons };
  if (undecided.length > 0) {
    const count = undecided.reduce((sum, part) => sum + part.count, 0);
    return { ...base, standing: 'possible', explains: share(count), ...reasons };
  }
  if (judgement.kind === 'untested') return { ...nothing, standing: 'untested', missing: [...judgement.missing] };
  if (judgement.kind === 'ruled-out') return { ...nothing, standing: 'ruled-out', against: [...judgement.because] };
  const explainedBy = causesOfErrors(claimed, parts);
  const fits = explainedText(claimed, explainedBy, titles);
  return { ...nothing, standing: 'ruled-out', explainedBy, against: [fits, ...judgement.against] };
}

/** The claimed errors that no other cause explains; errors of an event count only if the event can have this cause. */
function openErrors(id: CauseId, claimed: readonly SampledError[], parts: readonly ErrorPart[]): SampledError[] {
  if (claimed.length === 0) return [];
  const own = new Set(claimed);
  return parts
    .filter((part) => !isDecided(part) && (part.event === null || part.causes.includes(id)))
    .flatMap(({ errors }) => errors.filter((error) => own.has(error)));
}

/** The reasons of the judgement; if only an event names the cause, the reasons of the event. */
function reasonsOf(
  judgement: Judgement,
  own: readonly ErrorPart[],
): Pick<CauseResult, 'summary' | 'for' | 'forInSummary' | 'against' | 'missing' | 'fix'> {
  if (judgement.kind === 'claims')
    return {
      summary: judgement.summary ?? judgement.for[0] ?? null,
      for: [...judgement.for],
      ...inSummary(judgement.summary === undefined ? Math.min(1, judgement.for.length) : judgement.forInSummary),
      against: [...judgement.against],
      missing: [...judgement.missing],
      fix: judgement.fix,
    };
  const summaries = own.flatMap(({ event }) => (event === null ? [] : [event.summary]));
  return {
    summary: summaries[0] ?? null,
    for: summaries,
    ...inSummary(Math.min(1, summaries.length)),
    against: judgement.kind === 'ruled-out' ? [...judgement.because] : [],
    missing: judgement.kind === 'untested' ? [...judgement.missing] : [],
    fix: NO_FIX,
  };
}

const inSummary = (count = 0): Pick<CauseResult, 'forInSummary'> => (count === 0 ? {} : { forInSummary: count });

/** The causes of the parts that these errors belong to. */
function causesOfErrors(errors: readonly SampledError[], parts: readonly ErrorPart[]): CauseId[] {
  const own = new Set(errors);
  const ids = new Set(
    parts.filter((part) => part.errors.some((error) => own.has(error))).flatMap(({ causes }) => causes),
  );
  return CAUSE_IDS.filter((id) => ids.has(id));
}

/** "The 11 errors that would fit are explained by worker timeout in the target." */
function explainedText(
  claimed: readonly SampledError[],
  explainedBy: readonly CauseId[],
  titles: ReadonlyMap<CauseId, string>,
): string {
  const better = explainedBy.map((id) => titles.get(id) ?? id);
  const count = countErrors(claimed);
  const fit =
    Math.round(count) === 1 ? 'The error that would fit is' : `The ${plural(count, 'error')} that would fit are`;
  return `${fit} explained by ${list(better, 4)}.`;
}

/** Rounds shares to one in a million, so that sums of weights do not show floating-point noise. */
export const roundShare = (value: number): number => Math.round(value * 1e6) / 1e6;

const RANKS = { confirmed: 0, likely: 0, possible: 1, 'ruled-out': 2, untested: 3 };

const byRank = (a: CauseResult, b: CauseResult): number =>
  RANKS[a.standing] - RANKS[b.standing] || b.explains - a.explains || CAUSE_IDS.indexOf(a.id) - CAUSE_IDS.indexOf(b.id);

/** For each signature, the causes that remain possible for its undecided errors, in the order of CAUSE_IDS. */
export function openCauses(
  judgedCauses: readonly JudgedCause[],
  parts: readonly ErrorPart[],
): Map<SignatureId, CauseId[]> {
  const open = new Map<SignatureId, Set<CauseId>>();
  for (const { cause, judgement } of judgedCauses) {
    const claimed = claimsOf(judgement).flatMap(({ errors }) => [...errors]);
    for (const { signature } of openErrors(cause.id, claimed, parts)) {
      const ids = open.get(signature) ?? new Set();
      open.set(signature, ids.add(cause.id));
    }
  }
  return new Map([...open].map(([id, ids]) => [id, CAUSE_IDS.filter((cause) => ids.has(cause))]));
}
