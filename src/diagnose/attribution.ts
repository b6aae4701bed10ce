/** Assigns every error to exactly one part: an event, a cause, or causes that remain possible. */

import { CAUSE_IDS, type CauseId, causeOf } from './causes/index.ts';
import type { IncidentEvent } from './events/incident-event.ts';
import type { CauseClaim } from './judgement.ts';
import type { SignatureId } from './signature.ts';
import { countErrors, groupBy, type SampledError, type Traffic } from './traffic.ts';

/** A cause's claims on the errors. */
interface CauseClaims {
  id: CauseId;
  claims: readonly CauseClaim[];
}

/** Errors with one answer. */
export interface ErrorPart {
  /**
   * The decided cause alone, or every cause that remains possible; empty if no known cause fits. In the order of
   * CAUSE_IDS.
   */
  causes: CauseId[];
  standing: 'confirmed' | 'likely' | 'undecided';
  /** The rows; empty if only the number of errors is known. */
  errors: SampledError[];
  /** The number of errors that the rows represent. */
  count: number;
  event: IncidentEvent | null;
  /** Errors of the same kind in the hour before the window, if they ran at the same rate. */
  before?: number;
}

/** An undecided part lists only causes that are possible for at least this share of its errors. */
const POSSIBLE_SHARE = 0.1;

export const isDecided = ({ standing }: Pick<ErrorPart, 'standing'>): boolean => standing !== 'undecided';

/**
 * Splits errors into parts, unordered (see `orderParts`). An event whose errors are explained otherwise gets no part; a
 * burst gets one only if no cause explains most of it.
 */
export function attributeErrors(
  claims: readonly CauseClaims[],
  events: readonly IncidentEvent[],
  traffic: Traffic,
): ErrorPart[] {
  const owners = ownersOf(claims);
  const possible = possibleCauses(claims);
  const inEvents = new Set<SampledError>();
  const eventParts = events.flatMap((event): ErrorPart[] => {
    const own = event.errors.filter((error) => !inEvents.has(error));
    if (event.causes.length === 0 || own.length === 0 || isExplainedOtherwise(event, own, owners)) return [];
    for (const error of own) inEvents.add(error);
    return [eventPart(event, own, claims)];
  });
  const burstParts = events
    .filter(({ kind }) => kind === 'burst')
    .flatMap((event): ErrorPart[] => {
      const own = event.errors.filter((error) => !inEvents.has(error) && !owners.has(error));
      if (2 * countErrors(own) <= countErrors(event.errors)) return [];
      for (const error of own) inEvents.add(error);
      return [{ ...undecidedPart(own, possible), event }];
    });
  const rest = traffic.errors.filter((error) => !inEvents.has(error));
  const decided = decidedParts(rest, owners, eventParts);
  const joinable = byCauseAndGroup(decided);
  // An error with a single possible cause joins that cause if it is decided for the same target group.
  const open = rest.filter((error) => {
    const [only, ...others] = possible.get(error) ?? [];
    return !owners.has(error) && (only === undefined || others.length > 0 || !joinPart(error, only, joinable));
  });
  return [...decided, ...burstParts, ...undecidedParts(open, possible), ...uncounted(traffic)].map(withCount);
}

const withCount = (part: ErrorPart): ErrorPart =>
  part.errors.length === 0 ? part : { ...part, count: countErrors(part.errors) };

interface Owner {
  id: CauseId;
  strength: 'confirmed' | 'likely';
}

/** Maps each error to the cause that explains it: confirmed before likely, then in the order of the causes. */
function ownersOf(claims: readonly CauseClaims[]): Map<SampledError, Owner> {
  const owners = new Map<SampledError, Owner>();
  for (const strength of ['confirmed', 'likely'] as const) {
    for (const { id, claims: own } of claims) {
      for (const claim of own) {
        if (claim.strength !== strength) continue;
        for (const error of claim.errors) if (!owners.has(error)) owners.set(error, { id, strength });
      }
    }
  }
  return owners;
}

/** Maps each error to every cause that claims it, at any strength. */
function possibleCauses(claims: readonly CauseClaims[]): Map<SampledError, CauseId[]> {
  const possible = new Map<SampledError, CauseId[]>();
  for (const { id, claims: own } of claims)
    for (const error of new Set(own.flatMap(({ errors }) => errors))) {
      const causes = possible.get(error);
      if (causes === undefined) possible.set(error, [id]);
      else causes.push(id);
    }
  return possible;
}

/**
 * The part of an event. Decided if the event allows a single cause, or if one of its causes claims most of its errors
 * (for a rollout: more than any other cause, and half of the claimed errors).
 */
function eventPart(event: IncidentEvent, errors: SampledError[], claims: readonly CauseClaims[]): ErrorPart {
  const own = new Set(errors);
  const count = (id: CauseId, ...strengths: CauseClaim['strength'][]) => {
    const claimed = claims
      .filter((cause) => cause.id === id)
      .flatMap((cause) => cause.claims.filter(({ strength }) => strengths.includes(strength)))
      .flatMap((claim) => claim.errors.filter((error) => own.has(error)));
    return countErrors([...new Set(claimed)]);
  };
  const sure = event.causes.map((id) => ({ id, claimed: count(id, 'confirmed', 'likely') }));
  const all = event.kind === 'rollout' ? sure.reduce((sum, { claimed }) => sum + claimed, 0) : countErrors(errors);
  const [only, ...others] = event.causes;
  const best = sure.reduce<(typeof sure)[number] | null>(
    (most, one) => (one.claimed > (most?.claimed ?? 0) ? one : most),
    null,
  );
  const cause = only !== undefined && others.length === 0 ? only : best && best.claimed > all / 2 ? best.id : null;
  if (cause !== null) {
    const standing = count(cause, 'confirmed') > count(cause, 'likely') ? 'confirmed' : 'likely';
    return { causes: [cause], standing, errors, count: 0, event };
  }
  const total = countErrors(errors);
  const open = event.causes.filter((id) => count(id, 'confirmed', 'likely', 'possible') >= POSSIBLE_SHARE * total);
  return { causes: open.length > 0 ? open : event.causes, standing: 'undecided', errors, count: 0, event };
}

/**
 * Whether a cause outside the event explains most of its errors: a race that continues through a rollout is still a
 * race.
 */
function isExplainedOtherwise(
  { causes }: IncidentEvent,
  errors: readonly SampledError[],
  owners: ReadonlyMap<SampledError, Owner>,
): boolean {
  const others = errors.filter((error) => {
    const owner = owners.get(error);
    return owner !== undefined && !causes.includes(owner.id);
  });
  return 2 * countErrors(others) > countErrors(errors);
}

const ownKey = (error: SampledError, { id }: Owner): string =>
  causeOf(id)?.splitByStatus ? `${id} ${error.elb_status_code} ${error.target_group_arn}` : id;

/** One part per cause; errors of an event's cause on its target groups belong to the event. */
function decidedParts(
  errors: readonly SampledError[],
  owners: ReadonlyMap<SampledError, Owner>,
  eventParts: readonly ErrorPart[],
): ErrorPart[] {
  const ofEvents = byCauseAndGroup(eventParts);
  const owned = errors.flatMap((error) => {
    const owner = owners.get(error);
    return owner === undefined || joinPart(error, owner.id, ofEvents) ? [] : [{ error, owner }];
  });
  const parts = [...groupBy(owned, ({ error, owner }) => ownKey(error, owner)).values()].flatMap((own): ErrorPart[] => {
    const [first] = own;
    if (first === undefined) return [];
    const all = own.map(({ error }) => error);
    const confirmed = own.filter(({ owner }) => owner.strength === 'confirmed').map(({ error }) => error);
    const standing = 2 * countErrors(confirmed) >= countErrors(all) ? 'confirmed' : 'likely';
    return [{ causes: [first.owner.id], standing, errors: all, count: 0, event: null }];
  });
  return [...eventParts, ...parts];
}

/** Decided parts by cause and target group of their errors; the first if there are several. */
function byCauseAndGroup(parts: readonly ErrorPart[]): Map<string, ErrorPart> {
  const found = new Map<string, ErrorPart>();
  for (const part of parts) {
    if (!isDecided(part)) continue;
    for (const { target_group_arn } of part.errors) {
      const key = `${part.causes[0]} ${target_group_arn}`;
      if (!found.has(key)) found.set(key, part);
    }
  }
  return found;
}

function joinPart(error: SampledError, cause: CauseId, parts: ReadonlyMap<string, ErrorPart>): boolean {
  const part = parts.get(`${cause} ${error.target_group_arn}`);
  part?.errors.push(error);
  return part !== undefined;
}

/** Groups errors of one signature whose possible causes overlap into one part. */
function undecidedParts(errors: readonly SampledError[], possible: ReadonlyMap<SampledError, CauseId[]>): ErrorPart[] {
  return [...groupBy(errors, ({ signature }) => signature).values()].flatMap((own) => {
    const sets = [...groupBy(own, (error) => (possible.get(error) ?? []).join(' '))].map(([ids, members]) => ({
      causes: new Set(ids.split(' ')),
      members,
    }));
    const merged: typeof sets = [];
    for (const set of sets) {
      const touching = merged.filter(({ causes }) => [...causes].some((id) => set.causes.has(id)));
      const joined = {
        causes: new Set([...touching.flatMap(({ causes }) => [...causes]), ...set.causes]),
        members: [...touching.flatMap(({ members }) => members), ...set.members],
      };
      merged.splice(0, merged.length, ...merged.filter((one) => !touching.includes(one)), joined);
    }
    return merged.map(({ members }) => undecidedPart(members, possible));
  });
}

function undecidedPart(errors: SampledError[], possible: ReadonlyMap<SampledError, CauseId[]>): ErrorPart {
  const byCause = new Map<CauseId, number>();
  for (const error of errors)
    for (const id of possible.get(error) ?? []) byCause.set(id, (byCause.get(id) ?? 0) + error.weight);
  const causes = CAUSE_IDS.filter((id) => (byCause.get(id) ?? 0) >= POSSIBLE_SHARE * countErrors(errors));
  return { causes, standing: 'undecided', errors, count: 0, event: null };
}

/** Parts for rare signatures of which a sampled log kept no row. */
function uncounted(traffic: Traffic): ErrorPart[] {
  const kept = new Set<SignatureId>(traffic.errors.map(({ signature }) => signature));
  return traffic.bySignature
    .filter(({ id }) => !kept.has(id))
    .map(({ count }) => ({ causes: [], standing: 'undecided', errors: [], count, event: null }));
}

/**
 * Orders parts, the leading one first: background last, then by size, decided before undecided, then in the order of
 * the causes.
 */
export function orderParts(parts: readonly ErrorPart[], isBackground: (part: ErrorPart) => boolean): ErrorPart[] {
  const rank = ({ causes }: ErrorPart) => causes.map((id) => String(CAUSE_IDS.indexOf(id)).padStart(3, '0')).join();
  const key = ({ errors }: ErrorPart) => errors[0]?.index ?? 0;
  return [...parts].sort(
    (a, b) =>
      Number(isBackground(a)) - Number(isBackground(b)) ||
      b.count - a.count ||
      Number(isDecided(b)) - Number(isDecided(a)) ||
      (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : key(a) - key(b)),
  );
}
