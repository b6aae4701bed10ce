/** One event, one cause: which errors a cause gets to see. */
import type { CauseId } from '../cause-ids.ts';
import { countErrors, type SampledError, type Traffic } from '../traffic.ts';
import type { IncidentEvent } from './event.ts';

/** The traffic as a cause gets to see it: without the errors of events that it cannot be the cause of. */
export function trafficForCauses(traffic: Traffic, events: readonly IncidentEvent[]): (id: CauseId) => Traffic {
  const seen = new Map<string, Traffic>();
  return (id) => {
    const others = events.filter((event) => !event.causes.includes(id));
    const key = others.map((event) => events.indexOf(event)).join(' ');
    const known = seen.get(key) ?? withoutErrors(traffic, new Set(others.flatMap(({ errors }) => errors)));
    seen.set(key, known);
    return known;
  };
}

/** `errorCount` stays: shares are of all errors. */
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
