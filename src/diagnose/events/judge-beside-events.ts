/**
 * Judges causes next to events: a cause cannot claim errors of an event that it cannot have caused, but any error may
 * rule the cause out.
 */

import { list, plural, utcTime } from '../../format/wording.ts';
import type { CauseId } from '../causes/index.ts';
import { claimsOf, type Judgement, ruledOut } from '../judgement.ts';
import { countErrors, namesOf, type SampledError, type Traffic } from '../traffic.ts';
import type { IncidentEvent } from './incident-event.ts';

/** Returns the judgement of a cause. `judge`: how the cause judges traffic. */
export function judgeBesideEvents(
  traffic: Traffic,
  events: readonly IncidentEvent[],
): (id: CauseId, judge: (traffic: Traffic) => Judgement) => Judgement {
  const seenBy = trafficForCauses(traffic, events);
  return (id, judge) => {
    const seen = seenBy(id);
    const judgement = judge(seen);
    if (judgement.kind === 'claims' || seen === traffic) return judgement;
    const ofAll = judge(traffic);
    return ofAll.kind === 'claims' ? ruledOut([inEventsText(ofAll, events, traffic)]) : ofAll;
  };
}

/** "The 10 errors that would fit are explained by the crash of 10.0.12.68:8080." */
function inEventsText(judgement: Judgement, events: readonly IncidentEvent[], traffic: Traffic): string {
  const claimed = new Set(claimsOf(judgement).flatMap(({ errors }) => [...errors]));
  const event = events.find(({ errors }) => errors.some((error) => claimed.has(error)));
  const count = countErrors([...claimed]);
  const fits =
    Math.round(count) === 1
      ? 'The error that would fit is explained'
      : `The ${plural(count, 'error')} that would fit are explained`;
  return event === undefined ? `${fits} by events.` : `${fits} by ${shortText(event, traffic)}.`;
}

const TARGETS_NAMED = 3;

/** The event in a few words; the headline has the full sentence. */
function shortText({ kind, targets, errors, from, calls }: IncidentEvent, traffic: Traffic): string {
  // In the order in which they failed.
  const failing = [...new Set([...errors.map(({ target }) => target), ...targets])].filter((one) =>
    targets.includes(one),
  );
  const who = targets.length <= TARGETS_NAMED ? list(namesOf(traffic, failing)) : plural(targets.length, 'target');
  const [call] = calls;
  if (kind === 'change') return `${call?.name ?? 'a change'} at ${utcTime(from)}`;
  if (kind === 'target-lost') return `the loss of ${who}`;
  const what = kind === 'crash' && targets.length > 1 ? 'crashes' : kind;
  return `the ${what} of ${who}`;
}

/** Returns, for each cause, the traffic without errors of events that it cannot have caused. */
function trafficForCauses(traffic: Traffic, events: readonly IncidentEvent[]): (id: CauseId) => Traffic {
  const seen = new Map<string, Traffic>();
  return (id) => {
    const others = events.filter(({ causes }) => causes.length > 0 && !causes.includes(id));
    const key = others.map((event) => events.indexOf(event)).join(' ');
    const known = seen.get(key) ?? withoutErrors(traffic, new Set(others.flatMap(({ errors }) => errors)));
    seen.set(key, known);
    return known;
  };
}

/** Removes rows but keeps `errorCount`, since shares refer to all errors. */
function withoutErrors(traffic: Traffic, left: ReadonlySet<SampledError>): Traffic {
  if (left.size === 0) return traffic;
  const bySignature = traffic.bySignature.map(({ id, count }) => ({
    id,
    count: Math.round(count - countErrors([...left].filter(({ signature }) => signature === id))),
  }));
  return {
    ...traffic,
    errors: traffic.errors.filter((error) => !left.has(error)),
    bySignature: bySignature.filter(({ count }) => count > 0),
  };
}
