import { describe, expect, it } from 'vitest';
import { logCompleteness } from '../../../src/diagnose/checks/log-completeness.ts';
import type { AccessLog } from '../../../src/evidence/evidence.ts';
import { logOf, question, START, several, trafficOf } from '../../support/traffic/traffic-builder.ts';

const counted = (...Values: number[]) => [
  {
    MetricName: 'HTTPCode_ELB_5XX_Count',
    Dimensions: { LoadBalancer: 'app/shop-prod/50dc6c495c0c9188' },
    Stat: 'Sum',
    Period: 60,
    Timestamps: Values.map((_, i) => new Date(START + i * 60_000).toISOString()),
    Values,
  },
];
const files = (part: Partial<AccessLog['files']>) => ({ files: { ...logOf([]).files, ...part } });
const evaluate = (log: Partial<AccessLog>, metrics?: ReturnType<typeof counted>, asked = question) =>
  logCompleteness.evaluate(
    { traffic: trafficOf(several(5, 'connect-failed'), log, asked), ...(metrics && { metrics }) },
    asked,
  );

describe('log-completeness', () => {
  it.each([
    ['as many as counted', {}, counted(5), 'pass', '5 errors of the load balancer in the log, 5 counted by CloudWatch'],
    ['fewer than counted', {}, counted(5, 4), 'fail', 'The log holds 5 of 9 errors that CloudWatch counted'],
    ['no metrics', {}, undefined, 'unknown', 'the CloudWatch metrics could not be read'],
    [
      'a file that cannot be read',
      files({ unreadable: [{ file: 'a.log.gz', reason: 'ends early', lines: 3 }] }),
      counted(5),
      'fail',
      'a.log.gz could not be read (ends early).',
    ],
    [
      'lines that are not entries',
      { rejected: { lines: 2, files: 1, first: { file: 'b.log.gz', line: 7, text: 'garbage' } } },
      counted(5),
      'fail',
      '2 lines in 1 file are not access-log entries; the first is b.log.gz line 7: garbage.',
    ],
    [
      'connection logs beside it',
      files({ connectionLogs: 3, healthCheckLogs: 1 }),
      counted(5),
      'pass',
      '3 connection-log files left out.',
    ],
    [
      'no rows at all',
      { requests: 0, failures: [], failureShapes: [], newest: null },
      counted(5),
      'unknown',
      'That is not "no errors". CloudWatch counts 5 errors.',
    ],
    [
      'rows of before only',
      { requests: 0, failures: [], failureShapes: [], newest: START - 113_000 },
      undefined,
      'unknown',
      'the newest is from 02:38:07 UTC',
    ],
  ])('%s', (_, log, metrics, outcome, part) => {
    const verdict = evaluate(log, metrics);
    expect(verdict.outcome).toBe(outcome);
    expect(verdict.summary).toContain(part);
  });

  it('has no metric to compare 460s with', () => {
    expect(evaluate({}, counted(5), { ...question, statuses: ['460'] }).outcome).toBe('not-applicable');
  });
});
