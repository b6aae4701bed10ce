/** From judged causes to standings, shares and the verdict. Each error is attributed to at most one confirmed or likely cause. */

import { inSentence, list, number, percent, plural } from '../format/wording.ts';
import { CAUSE_IDS, type CauseId } from './cause-ids.ts';
import type { Cause } from './causes/cause.ts';
import type { CauseResult, Part, Standing, Verdict } from './diagnosis.ts';
import { claimsOf, type Fix, type Judgement, NO_FIX } from './judgement.ts';
import type { SignatureId } from './signature.ts';
import { countErrors, groupBy, type SampledError, type Traffic } from './traffic.ts';

/** A cause with what it said of this case. */
export interface JudgedCause {
  cause: Pick<Cause, 'id' | 'title' | 'reference'>;
  judgement: Judgement;
}

export interface Ranking {
  causes: CauseResult[];
  /** Headline of each cause that has one. */
  summaries: Map<CauseId, string>;
  /** Errors no confirmed or likely cause explains. */
  unexplained: SampledError[];
  /** For each signature the causes its unexplained errors leave open. */
  open: Map<SignatureId, CauseId[]>;
  /** The unexplained errors by what they could be of, most first. */
  parts: UndecidedPart[];
}

interface UndecidedPart {
  causes: CauseId[];
  errors: SampledError[];
}

/** Others from this share up are named in the verdict. */
const NAMED_SHARE = 0.05;

export function rankCauses(judgedCauses: readonly JudgedCause[], traffic: Traffic): Ranking {
  const owner = new Map<SampledError, CauseId>();
  for (const strength of ['confirmed', 'likely'] as const) {
    for (const { cause, judgement } of judgedCauses) {
      for (const claim of claimsOf(judgement)) {
        if (claim.strength !== strength) continue;
        for (const error of claim.errors) if (!owner.has(error)) owner.set(error, cause.id);
      }
    }
  }
  const titles = new Map(judgedCauses.map(({ cause }) => [cause.id, inSentence(cause.title)]));
  const causes = judgedCauses.map((judgedCause) => causeResult(judgedCause, owner, titles, traffic));
  const unexplained = traffic.errors.filter((error) => !owner.has(error));
  return {
    causes: causes.sort(byRank),
    summaries: new Map(
      judgedCauses.flatMap(({ cause, judgement }) =>
        judgement.kind === 'claims' && judgement.summary ? [[cause.id, judgement.summary]] : [],
      ),
    ),
    unexplained,
    open: openCauses(judgedCauses, new Set(unexplained)),
    parts: openParts(judgedCauses, unexplained),
  };
}

function causeResult(
  { cause, judgement }: JudgedCause,
  owner: Map<SampledError, CauseId>,
  titles: Map<CauseId, string>,
  traffic: Traffic,
): CauseResult {
  if (judgement.kind !== 'claims') {
    return resultOf(cause, judgement.kind, 0, {
      ...NO_REASONS,
      against: judgement.kind === 'ruled-out' ? judgement.because : [],
      missing: judgement.kind === 'untested' ? judgement.missing : [],
    });
  }
  const share = (errors: SampledError[]) =>
    traffic.errorCount > 0 ? Math.min(1, round(countErrors(errors) / traffic.errorCount)) : 0;
  const owned = (strength: 'confirmed' | 'likely') =>
    distinctItems(
      judgement.claims.filter(({ strength: own }) => own === strength).flatMap(({ errors }) => errors),
    ).filter((error) => owner.get(error) === cause.id);
  const [confirmed, likely] = [owned('confirmed'), owned('likely')];
  const claimed = distinctItems(judgement.claims.flatMap((claim) => claim.errors));
  const open = claimed.filter((error) => !owner.has(error));
  // What is confirmed for some errors and likely for the others is named by the larger part.
  if (confirmed.length + likely.length > 0) {
    const standing = countErrors(confirmed) >= countErrors(likely) ? 'confirmed' : 'likely';
    return resultOf(cause, standing, share([...confirmed, ...likely]), judgement);
  }
  if (open.length > 0) return resultOf(cause, 'possible', share(open), judgement);
  const owners = [...new Set(claimed.flatMap((error) => owner.get(error) ?? []))];
  const betterTitles = owners.map((id) => titles.get(id) ?? id);
  const count = countErrors(claimed);
  const taken = `${plural(count, 'error')} of its shape ${Math.round(count) === 1 ? 'has' : 'have'} another cause: ${list(betterTitles)}.`;
  return resultOf(cause, 'ruled-out', 0, { ...NO_REASONS, against: [taken, ...judgement.against] });
}

interface Reasons {
  /** The cause in this case, one sentence. */
  summary?: string | undefined;
  for: readonly string[];
  against: readonly string[];
  missing: readonly string[];
  fix: Fix;
}

const NO_REASONS: Reasons = { for: [], against: [], missing: [], fix: NO_FIX };

const resultOf = (
  { id, title, reference }: JudgedCause['cause'],
  standing: Standing,
  explains: number,
  reasons: Reasons,
): CauseResult => ({
  id,
  title,
  standing,
  summary: standing === 'ruled-out' || standing === 'untested' ? null : (reasons.summary ?? reasons.for[0] ?? null),
  explains,
  for: [...reasons.for],
  against: [...reasons.against],
  missing: [...reasons.missing],
  fix: reasons.fix,
  reference,
});

const distinctItems = <T>(items: T[]): T[] => [...new Set(items)];
/** Shares to one part in a million: sums of weights must not show their last binary digit. */
const round = (value: number): number => Math.round(value * 1e6) / 1e6;

const RANKS = { confirmed: 0, likely: 0, possible: 1, 'ruled-out': 2, untested: 3 };

/** Confirmed and likely by share, then possible by share, then the rest; ties in the order of the contract. */
const byRank = (a: CauseResult, b: CauseResult): number =>
  RANKS[a.standing] - RANKS[b.standing] || b.explains - a.explains || CAUSE_IDS.indexOf(a.id) - CAUSE_IDS.indexOf(b.id);

function openCauses(judgedCauses: readonly JudgedCause[], unexplained: Set<SampledError>): Ranking['open'] {
  const open = new Map<SignatureId, CauseId[]>();
  for (const { cause, judgement } of judgedCauses) {
    for (const error of claimsOf(judgement).flatMap((claim) => claim.errors)) {
      if (!unexplained.has(error)) continue;
      const ids = open.get(error.signature) ?? [];
      if (!ids.includes(cause.id)) open.set(error.signature, [...ids, cause.id]);
    }
  }
  for (const [id, ids] of open)
    open.set(
      id,
      ids.sort((a, b) => CAUSE_IDS.indexOf(a) - CAUSE_IDS.indexOf(b)),
    );
  return open;
}

function openParts(judgedCauses: readonly JudgedCause[], unexplained: readonly SampledError[]): UndecidedPart[] {
  const claimed = judgedCauses.map(({ cause, judgement }) => ({
    id: cause.id,
    errors: new Set(claimsOf(judgement).flatMap(({ errors }) => errors)),
  }));
  const possible = (error: SampledError): CauseId[] =>
    claimed.filter(({ errors }) => errors.has(error)).map(({ id }) => id);
  return [...groupBy([...unexplained], (error) => possible(error).join(' '))]
    .map(([ids, errors]) => ({ causes: CAUSE_IDS.filter((id) => ids.split(' ').includes(id)), errors }))
    .sort((a, b) => countErrors(b.errors) - countErrors(a.errors) || (a.causes.join() < b.causes.join() ? -1 : 1));
}

/** The verdict on errors: the leading confirmed or likely cause, else undecided between the possible ones. */
export function decideVerdict(
  { causes, summaries, unexplained, parts }: Ranking,
  traffic: Traffic,
  traceIds: string[],
): Verdict {
  const explaining = causes.filter(({ standing }) => standing === 'confirmed' || standing === 'likely');
  const possible = causes.filter(({ standing }) => standing === 'possible');
  const rest = traffic.errorCount > 0 ? countErrors(unexplained) / traffic.errorCount : 0;
  const [first, ...others] = explaining;
  const decidedBy = decidingEvidence(possible, traffic, unexplained, traceIds);
  if (first && (first.standing === 'confirmed' || first.standing === 'likely')) {
    const named = others.filter((cause) => cause.explains >= NAMED_SHARE);
    const sentences = [
      summaries.get(first.id) ?? `${first.title}: ${first.for[0] ?? ''}`,
      ...(first.explains < 0.995
        ? [`It explains ${percent(first.explains)} of ${plural(traffic.errorCount, 'error')}.`]
        : []),
      ...(named.length > 0
        ? [`Beside it: ${list(named.map((c) => `${inSentence(c.title)} (${percent(c.explains)})`))}.`]
        : []),
      ...(rest >= NAMED_SHARE ? [`${percent(rest)} stay undecided${betweenParts(parts, causes, traffic)}.`] : []),
    ];
    const open = rest >= NAMED_SHARE;
    return {
      cause: first.id,
      standing: first.standing,
      between: [],
      explains: first.explains,
      summary: sentences.join(' '),
      decidedBy: open ? decidedBy : null,
    };
  }
  const top = possible[0]?.explains ?? 0;
  const open = possible.filter((cause) => cause.explains >= 0.5 * top);
  return {
    cause: null,
    standing: 'undecided',
    between: open.map((cause) => cause.id),
    explains: traffic.errorCount > 0 ? countErrors(parts[0]?.errors ?? []) / traffic.errorCount : 0,
    summary: undecidedParts(parts, causes, traffic) ?? undecidedSentence(open, traffic, unexplained),
    decidedBy,
  };
}

/** One part for each confirmed or likely cause, and one for each set of causes that undecided errors leave open. */
export function partsOf({ causes, parts }: Ranking, traffic: Traffic): Part[] {
  const decided = causes.flatMap(({ id, standing, explains }): Part[] =>
    standing === 'confirmed' || standing === 'likely'
      ? [{ causes: [id], standing, errors: Math.round(explains * traffic.errorCount), share: explains }]
      : [],
  );
  const open = parts.map(({ causes: ids, errors }): Part => {
    const count = countErrors(errors);
    return { causes: ids, standing: 'undecided', errors: Math.round(count), share: round(count / traffic.errorCount) };
  });
  return [...decided, ...open].sort((a, b) => b.errors - a.errors);
}

/** Several kinds of errors, each with look-alikes of its own: their shares, and none forced. Null where there is one kind. */
function undecidedParts(parts: UndecidedPart[], causes: CauseResult[], traffic: Traffic): string | null {
  const named = parts.filter(isNamed(traffic));
  if (named.length < 2) return null;
  const partTexts = named.map((part, i) => {
    const share = percentOf(part, traffic);
    return `${share}${i === 0 ? ` of ${plural(traffic.errorCount, 'error')}` : ''}${candidatesText(part, causes)}`;
  });
  return `Undecided: ${partTexts.join('; ')}.`;
}

/** What the undecided errors beside a named cause could be, each kind with its share where there are several. */
function betweenParts(parts: UndecidedPart[], causes: CauseResult[], traffic: Traffic): string {
  const named = parts.filter(isNamed(traffic));
  const [only] = named.length > 0 ? named : parts;
  if (only === undefined) return '';
  if (named.length < 2)
    return only.causes.length === 0 ? ': no known cause explains them' : candidatesText(only, causes);
  return `: ${named.map((part) => `${percentOf(part, traffic)}${candidatesText(part, causes)}`).join('; ')}`;
}

const isNamed =
  (traffic: Traffic) =>
  ({ errors }: UndecidedPart): boolean =>
    countErrors(errors) >= NAMED_SHARE * traffic.errorCount;

const percentOf = ({ errors }: UndecidedPart, traffic: Traffic): string =>
  percent(countErrors(errors) / traffic.errorCount);

/** " between malformed HTTP response and response headers over 32 KB" */
function candidatesText({ causes: ids }: UndecidedPart, causes: CauseResult[]): string {
  const titles = ids.map((id) => inSentence(causes.find((cause) => cause.id === id)?.title ?? id));
  if (titles.length === 0) return ' that no known cause explains';
  return titles.length === 1 ? `, possibly ${titles[0]}` : ` between ${list(titles, 6)}`;
}

function undecidedSentence(between: CauseResult[], traffic: Traffic, unexplained: SampledError[]): string {
  const titles = between.map((cause) => inSentence(cause.title));
  const routes = new Set(unexplained.map((error) => error.route));
  const [route] = routes;
  const errors = `${plural(traffic.errorCount, 'error')}${routes.size === 1 && traffic.errorCount > 1 ? `, all on ${route}` : ''}`;
  if (between.length === 0) {
    return `${plural(traffic.errorCount, 'error')} that no known cause explains: ${list(traffic.bySignature.map(({ id, count }) => `${number(count)} ${id}`))}.`;
  }
  if (between.length === 1) return `Possibly ${titles[0]} (${errors}); the look-alikes could not be excluded.`;
  const one = traffic.errorCount === 1 ? ' One row cannot tell.' : '';
  return `Undecided between ${titles.slice(0, -1).join(', ')} and ${titles[titles.length - 1]} (${errors}).${one}`;
}

function decidingEvidence(
  possible: CauseResult[],
  traffic: Traffic,
  unexplained: SampledError[],
  traceIds: string[],
): string {
  const [id] = traceIds;
  if (id && unexplained.some((error) => error.signature === 'closed-before-response')) {
    return `The application log for ${id}${traceIds.length > 1 ? ' and the other trace ids' : ''}: not there means the connection was closed before the application logged; started and not finished, it crashed or was killed; finished, the response was at fault.`;
  }
  const missing = [...new Set(possible.flatMap((cause) => cause.missing))].slice(0, 3);
  if (missing.length > 0) return missing.join(' ');
  return `The log lines themselves: ${list(traffic.bySignature.map((s) => s.id))} with what the target logged at the same times.`;
}
