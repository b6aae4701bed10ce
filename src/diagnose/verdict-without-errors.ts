/** The verdict if no error was read: nothing failed, or the failures are not in the log. */

import type { AccessLog } from '../evidence/access-log.ts';
import type { Attributes } from '../evidence/aws.ts';
import type { Collected } from '../evidence/collected.ts';
import { deliveredLogWords, isKept } from '../evidence/delivered-log.ts';
import type { Question } from '../evidence/question.ts';
import { command } from '../format/command.ts';
import { list, number, plural, utcTime, utcTimeSpan } from '../format/wording.ts';
import { LOGS_COMPLETE_AFTER, nextCheck } from '../query/recheck.ts';
import type { CheckFinding, Verdict } from './diagnosis.ts';
import { askedText } from './no-errors.ts';
import type { Traffic } from './traffic.ts';

/** Says when to ask again. */
export function arrivalText(question: Question, reading: AccessLog['reading']): string {
  const again = nextCheck(question, question.now, 1, reading);
  const usual =
    reading?.from?.service === 'cloudwatch-logs'
      ? 'A log group usually has entries within minutes'
      : 'Files usually arrive within 5 to 10 minutes';
  return again !== null
    ? `${usual}: run the diagnosis again at ${utcTime(again)}.`
    : `${usual}, and that time has passed.`;
}

/** A fault that a check found without the errors. */
export type VisibleFault = Pick<CheckFinding, 'summary' | 'fix'>;

/** The fix; the fault itself if it has none. */
export const nextStepOf = ({ summary, fix }: VisibleFault): string => fix ?? summary;

/**
 * `faults`: findings of the checks. Distinguishes rows without an asked error from no rows at all.
 */
export function verdictWithoutErrors(
  { log }: Traffic,
  question: Question,
  inMetrics: number | null,
  faults: readonly VisibleFault[],
  attributes: Collected<Attributes>,
): Verdict {
  const what = askedText(question);
  const counted = inMetrics === null ? '' : ` CloudWatch counts ${plural(inMetrics, 'error')}.`;
  const window = `from ${utcTimeSpan(question.from, question.to)}`;
  if (log.requests > 0 && !inMetrics) {
    const newest = log.newest === null ? '' : `; its newest entry is from ${utcTime(log.newest)}`;
    return {
      cause: null,
      standing: 'none',
      between: [],
      explains: 0,
      summary: `No request failed with ${what} ${window}. The access log has ${plural(log.requests, 'request')} in that time${newest}.${inMetrics === null ? '' : ' CloudWatch counts none.'}`,
      decidedBy: null,
    };
  }
  const undecided = { cause: null, standing: 'undecided' as const, between: [], explains: inMetrics ? 1 : 0 };
  const later = [...faults.map(nextStepOf), arrivalText(question, log.reading)].join(' ');
  if (log.requests > 0) {
    return {
      ...undecided,
      summary: `None of the ${plural(log.requests, 'request')} in the access log ${window} failed with ${what}, but CloudWatch counts ${number(inMetrics ?? 0)}: the log is not complete.`,
      decidedBy: `${later} Access logs are best effort: some entries may never come.`,
    };
  }
  const newest = log.newest === null ? noEntryText(log) : `newest entry: ${utcTime(log.newest)}`;
  return {
    ...undecided,
    summary: `The access log has no entry ${window} yet (${newest}).${counted}`,
    decidedBy: `${later} ${absentAdvice(question, attributes, log)}`,
  };
}

/** What to check if no file comes, and by when; at once if that time has passed. */
function absentAdvice(
  { to, now, loadBalancer }: Question,
  attributes: Collected<Attributes>,
  { reading }: AccessLog,
): string {
  const doctor = command`alb502 doctor ${loadBalancer.name}`;
  const due = to + LOGS_COMPLETE_AFTER;
  const check = now < due ? `If none has arrived by ${utcTime(due)}, check` : 'Check';
  const read: Attributes = attributes.status === 'collected' ? attributes.value : {};
  const bucket = read['access_logs.s3.bucket'];
  if (read['access_logs.s3.enabled'] === 'true' && bucket !== undefined)
    return `${check} the bucket policy of s3://${bucket} (access logging itself is on): ${doctor}`;
  if (read['access_logs.s3.enabled'] === 'false' && reading?.from !== undefined)
    return `${check} the delivery to ${deliveredLogWords(reading.from)}: ${doctor}`;
  return read['access_logs.s3.enabled'] === 'false'
    ? `Access logging to S3 is off now (access_logs.s3.enabled): ${doctor}`
    : `${check} that access logging is on and that the bucket policy lets S3 deliver: ${doctor}`;
}

const noEntryText = ({ files, reading }: AccessLog): string =>
  files.unreadable.length > 0
    ? `${plural(files.unreadable.length, 'file')} could not be read`
    : files.read === 0
      ? `no ${reading?.from?.service === 'cloudwatch-logs' ? 'event' : 'file'} for that time`
      : `the ${plural(files.read, 'file')} read ${files.read === 1 ? 'has' : 'have'} none`;

export function verdictWithoutLog(
  traffic: Collected<Traffic>,
  inMetrics: number | null,
  attributes: Collected<Attributes>,
  faults: readonly VisibleFault[],
  question: Question,
): Verdict {
  const reason = traffic.status === 'unavailable' ? traffic.reason : 'it could not be read';
  const counted = inMetrics === null ? '' : ` CloudWatch counts ${plural(inMetrics, 'error')}.`;
  const undecided = { cause: null, standing: 'undecided' as const, between: [], explains: inMetrics ? 1 : 0 };
  const [fault] = faults;
  const decidedBy = [...faults.map(nextStepOf), accessLogAdvice(traffic, attributes, question)].join(' ');
  // If errors were counted and a fault can cause them, the fault leads, although only the log could connect the two.
  if (inMetrics && fault !== undefined)
    return {
      ...undecided,
      summary: `${fault.summary} CloudWatch counts ${plural(inMetrics, 'error')}; that this is their cause is possible, and the access log would show it: ${reason}.`,
      decidedBy,
    };
  return {
    ...undecided,
    summary: `Could not read the access log, so no cause can be named: ${reason}.${counted}`,
    decidedBy,
  };
}

function accessLogAdvice(
  traffic: Collected<Traffic>,
  attributes: Collected<Attributes>,
  { loadBalancer }: Question,
): string {
  if (traffic.status === 'unavailable' && traffic.kind === 'not-recorded')
    return 'Add log files to logs/ of the incident folder.';
  if (attributes.status === 'collected' && attributes.value['access_logs.s3.enabled'] === 'true')
    return 'Access logging is on. Fix what kept the log from being read, then ask again.';
  const delivered = traffic.status === 'unavailable' ? (traffic.delivered ?? []) : [];
  const isDenied = traffic.status === 'unavailable' && traffic.kind === 'denied';
  if (isKept(delivered) || (delivered.length > 0 && isDenied))
    return `The log is delivered to ${list(delivered.map(deliveredLogWords))}. Fix what kept it from being read, then ask again.`;
  if (isDenied) return 'Allow the denied call (see Gaps), then ask again.';
  return attributes.status === 'unavailable'
    ? `Check whether access logging is on: ${command`alb502 doctor ${loadBalancer.name}`}`
    : `Turn on access logging, for the next time: ${command`alb502 setup logs ${loadBalancer.name}`} prints the commands.`;
}
