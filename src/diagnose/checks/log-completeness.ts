import type { AccessLog } from '../../evidence/evidence.ts';
import { errorsInMetrics } from '../../evidence/metrics.ts';
import { list, number, outOf, plural, utcTime } from '../../format/wording.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { errorsInLog } from '../triage.ts';
import { defineCheck } from './check.ts';

export const logCompleteness = defineCheck({
  id: 'log-completeness',
  step: 1,
  question: 'Does the log hold every error that the load balancer counted?',
  why: 'Logs arrive 5 to 10 minutes late and on a best-effort basis. Missing entries cannot be judged, and an empty log does not mean "no errors".',
  fix: 'Ask again 15 minutes after the window, and fetch unreadable files again from S3. If entries are still missing, rely on CloudWatch metrics.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html',
  headline: 2,
  judgesEmptyLog: true,
  needs: ['traffic'],
  wants: ['metrics'],

  evaluate({ traffic, metrics }, question): CheckVerdict {
    const { log } = traffic;
    const counted = metrics ? errorsInMetrics(question, metrics) : null;
    const loggedErrors = errorsInLog(traffic, question);
    const facts = logFacts(log);
    const gaps = [...damageSentences(log), ...skippedFileSentences(log)].join(' ');
    const and = gaps ? ` ${gaps}` : '';
    if (log.requests === 0) {
      const newest = log.newest === null ? 'and none outside it' : `and the newest is from ${utcTime(log.newest)}`;
      const metric = counted === null ? '' : ` CloudWatch counts ${plural(counted, 'error')}.`;
      return {
        outcome: 'unknown',
        summary: `No entry of this load balancer in the window, ${newest}. That is not "no errors".${metric}${and}`,
        facts,
      };
    }
    const reach = log.newest === null ? '' : ` The newest entry is from ${utcTime(log.newest)}.`;
    if (counted !== null && loggedErrors !== null && loggedErrors < counted) {
      return {
        outcome: 'fail',
        summary: `The log holds ${outOf(loggedErrors, counted)} errors that CloudWatch counted.${reach}${and}`,
        facts,
      };
    }
    const shown =
      loggedErrors === null
        ? 'The window has no whole minute to compare with CloudWatch.'
        : `${plural(loggedErrors, 'error')} of the load balancer in the log`;
    if (damageSentences(log).length > 0)
      return {
        outcome: 'fail',
        summary: `Part of the log could not be read. ${shown}${counted === null ? '' : `, ${number(counted)} counted by CloudWatch`}.${reach}${and}`,
        facts,
      };
    if (!question.statuses.some((word) => /5|^gateway$/.test(word))) {
      return {
        outcome: 'not-applicable',
        summary: `CloudWatch has no count of its own for ${list(question.statuses)}.${reach}${and}`,
      };
    }
    if (counted === null || loggedErrors === null) {
      const why =
        loggedErrors === null
          ? ''
          : metrics
            ? '; no metric of these statuses was read to compare with.'
            : '; the CloudWatch metrics could not be read to compare with.';
      const brief =
        loggedErrors === null ? 'no whole minute to compare' : `${plural(loggedErrors, 'error')}, not compared`;
      return { outcome: 'unknown', summary: `${shown}${why}${reach}${and}`, brief, facts };
    }
    return { outcome: 'pass', summary: `${shown}, ${number(counted)} counted by CloudWatch.${reach}${and}`, facts };
  },
});

/** A log file's name without its folders, which are equal for a whole day; the gaps give the full path. */
const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Files and lines that could not be read. */
function damageSentences({ files, rejected }: AccessLog): string[] {
  const [first] = files.unreadable;
  const others = files.unreadable.length - 1;
  return [
    ...(first
      ? [
          `${baseName(first.file)} could not be read (${first.reason})${others > 0 ? `, nor ${plural(others, 'other file')}` : ''}.`,
        ]
      : []),
    ...(rejected.first
      ? [
          `${plural(rejected.lines, 'line')} in ${plural(rejected.files, 'file')} ${rejected.lines === 1 ? 'is not an access-log entry' : 'are not access-log entries'}; the first is ${baseName(rejected.first.file)} line ${number(rejected.first.line)}: ${rejected.first.text}.`,
        ]
      : []),
  ];
}

/** Files of other logs among the access logs. */
const skippedFileSentences = ({ files }: AccessLog): string[] =>
  files.connectionLogs > 0 ? [`${plural(files.connectionLogs, 'connection-log file')} left out.`] : [];

const logFacts = ({ files, lines, entries, rejected, otherLoadBalancers }: AccessLog) => [
  { label: 'files read', value: files.read },
  { label: 'lines', value: lines },
  { label: 'entries', value: entries },
  { label: 'lines that are not entries', value: rejected.lines },
  { label: 'entries of other load balancers', value: otherLoadBalancers },
  { label: 'compressed size', value: files.bytes, unit: 'bytes' as const },
];
