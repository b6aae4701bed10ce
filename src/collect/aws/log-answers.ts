/** Adds answers of other reads, and other places of the log, to a read. Pure. */

import type { LogReadMethod } from '../../evidence/access-log.ts';
import type { LogLimitation } from '../../evidence/collected.ts';
import type { Question } from '../../evidence/question.ts';
import { sumOfCosts } from '../../evidence/sum-of-costs.ts';
import { sumOfEstimates } from '../access-log/cost.ts';
import { deliveredIn, type FoundDeliveries } from '../access-log/deliveries.ts';
import { limitationFrom } from '../access-log/log-limitation.ts';
import type { ReadHealthChecks } from './health-check-reader.ts';
import type { LiveAccessLog } from './live-log-read.ts';

type CollectedLog = Extract<LiveAccessLog['log'], { status: 'collected' }>;

/** Adds the other places where the log can be read, or why they are unknown. */
export function withOtherLogs(read: LiveAccessLog, log: CollectedLog, found: FoundDeliveries | null): LiveAccessLog {
  if (found?.refusal?.kind === 'denied') {
    const { message, failure } = found.refusal;
    const note = limitationFrom(`Could not check where else the access log goes: ${message}.`, failure);
    const noted = withNotes(log, [note]);
    return withOtherLogs(withAnswers(read, noted), noted, { ...found, refusal: null });
  }
  const { reading } = log.value;
  const from = reading?.from;
  if (reading === undefined || found === null || found.deliveries.length === 0) return read;
  const others = (deliveredIn(found) ?? []).filter(
    ({ service, name, stream }) => service !== from?.service || stream !== from.stream || !isSamePlace(name, from.name),
  );
  if (others.length === 0) return read;
  return withAnswers(read, { ...log, value: { ...log.value, reading: { ...reading, others } } });
}

/** Adds limitations that were found after the read. */
export function withLaterNotes(read: LiveAccessLog, notes: readonly LogLimitation[]): LiveAccessLog {
  const { log } = read;
  return log.status === 'unavailable' || notes.length === 0 ? read : withAnswers(read, withNotes(log, notes));
}

const withNotes = (log: CollectedLog, notes: readonly LogLimitation[]): CollectedLog => ({
  ...log,
  value: { ...log.value, unanswered: [...(log.value.unanswered ?? []), ...notes] },
});

/** Adds the health checks read beside the access log; those found among its own files are the same. */
export function withHealthChecks(
  read: LiveAccessLog,
  { healthChecks, files, cost, refusal }: ReadHealthChecks,
): LiveAccessLog {
  const { log } = read;
  if (refusal !== null)
    return withLaterNotes(read, [
      limitationFrom(`The health-check log could not be read: ${refusal.message}.`, refusal.failure),
    ]);
  if (log.status === 'unavailable' || files === 0) return { ...read, cost: sumOfCosts(read.cost, cost) };
  const { value } = log;
  const total = sumOfCosts(read.cost, cost);
  const own = value.healthChecks ?? healthChecks;
  return withAnswers(
    { ...read, cost: total },
    {
      ...log,
      value: {
        ...value,
        files: { ...value.files, healthCheckLogs: value.files.healthCheckLogs + files },
        cost: total,
        ...(own.length === 0 ? {} : { healthChecks: own }),
      },
    },
  );
}

/** A delivery names bucket and prefix, a read the folder below them. */
const isSamePlace = (delivered: string | null, read: string | null): boolean =>
  delivered !== null && read !== null && (read === delivered || read.startsWith(`${delivered}/`));

/** Adds the answers of a read over a longer time, or why there are none; adds up the costs of both. */
export function withEarlier(
  read: LiveAccessLog,
  first: CollectedLog,
  back: LiveAccessLog,
  { from }: Question,
): LiveAccessLog {
  const cost = sumOfCosts(read.cost, back.cost);
  const own = { ...first.value, cost, reading: sumOfReadings(first.value.reading, back) };
  if (back.log.status === 'unavailable') {
    const sentence = `The access log was not read back to ${new Date(from).toISOString()}: ${back.log.reason}.`;
    const note = limitationFrom(sentence, back.log);
    const value = { ...own, unanswered: [...(own.unanswered ?? []), note] };
    return withAnswers({ ...read, cost }, { ...first, value });
  }
  const log = { ...first, value: { ...own, earlier: { from, log: back.log.value } } };
  // Files of both reads share a folder; if Athena answered one of the reads, only answers can be kept.
  const isByFiles = back.toSave !== null && 'folder' in back.toSave;
  return isByFiles ? withAnswers({ ...read, cost }, log) : { log, cost, toSave: read.toSave && { answers: log.value } };
}

/** Describes the first read, with the sum of both estimates. */
function sumOfReadings(first: LogReadMethod | undefined, { log }: LiveAccessLog): LogReadMethod | undefined {
  const second = log.status === 'collected' ? log.value.reading : undefined;
  return first && second ? { ...first, estimate: sumOfEstimates(first.estimate, second.estimate) } : first;
}

function withAnswers(read: LiveAccessLog, log: CollectedLog): LiveAccessLog {
  const { toSave } = read;
  return { ...read, log, toSave: toSave !== null && 'answers' in toSave ? { answers: log.value } : toSave };
}
