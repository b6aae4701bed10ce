/** Errors that were as frequent before the window: others raised the alarm. */
import { describe, expect, it } from 'vitest';
import { diagnose } from '../../../src/diagnose/diagnose.ts';
import type { FailedRequest } from '../../../src/evidence/access-log.ts';
import type { MetricSeries } from '../../../src/evidence/aws.ts';
import type { EvidenceSet } from '../../../src/evidence/evidence.ts';
import { NAMING_EVIDENCE } from '../../../src/evidence/evidence.ts';
import { failed, LB, logOf, MINUTE, question, START, several } from '../../support/traffic/traffic-builder.ts';

/** One metric: `before` in each minute of the hour before the window, and zero in the window. */
const counter = (MetricName: string, before: (minute: number) => number): MetricSeries => {
  const minutes = Array.from({ length: 60 }, (_, index) => index);
  return {
    MetricName,
    Dimensions: { LoadBalancer: LB.split(':loadbalancer/')[1] ?? '' },
    Stat: 'Sum',
    Period: 60,
    Timestamps: minutes.map((minute) => new Date(START - (60 - minute) * MINUTE).toISOString()),
    Values: minutes.map(before),
  };
};

const unknown = { status: 'unavailable', source: '', reason: 'it was not recorded' } as const;
const NAMES = [
  ...(['loadBalancer', 'attributes', 'listeners', 'rules', 'targetGroups', 'targetGroupAttributes'] as const),
  ...(['targetHealth', 'securityGroups', 'networkAcls', 'subnets', 'routeTables', 'networkInterfaces'] as const),
  ...(['instances', 'prefixLists', 'functions', ...NAMING_EVIDENCE, 'changes', 'edge', 'metrics'] as const),
];

interface Situation {
  metrics?: MetricSeries[];
  /** Errors that a look-back of two hours read before the window. */
  earlier?: FailedRequest[];
  isFromAlarm?: boolean;
}

const diagnosed = (failures: FailedRequest[], { metrics, earlier, isFromAlarm }: Situation) => {
  const from = START - 120 * MINUTE;
  const value = logOf(failures, earlier ? { earlier: { from, log: logOf([...earlier, ...failures]) } } : {});
  return diagnose(
    { ...question, isFromAlarm },
    {
      ...(Object.fromEntries(NAMES.map((name) => [name, unknown])) as EvidenceSet),
      accessLog: { status: 'collected', source: 'logs/', value },
      metrics: metrics ? { status: 'collected', source: 'metrics', value: metrics } : unknown,
    },
  );
};

/** 30 in 15 minutes: 120 an hour. */
const timeouts = several(30, 'idle-timeout', () => ({ route: 'GET /report' }), 25);
const refused = several(20, 'connect-failed', () => ({ route: 'GET /cart' }), 5);
const every = (seconds: number, from = -3600): FailedRequest[] =>
  Array.from({ length: Math.floor(-from / seconds) }, (_, index) =>
    failed('idle-timeout', from + index * seconds, { route: 'GET /report' }),
  );

describe('errors that ran before the window', () => {
  it.each<[string, Situation, number]>([
    ['CloudWatch counted as many of their status', { metrics: [counter('HTTPCode_ELB_504_Count', () => 2)] }, 120],
    ['a look-back read as many of them', { earlier: every(30) }, 120],
    ['they were even more frequent before', { earlier: every(10) }, 360],
  ])('are said to have run at the same rate if %s', (_, situation, before) => {
    const { parts, verdict } = diagnosed(timeouts, situation);
    expect(parts).toMatchObject([{ causes: ['slow-target'], before }]);
    expect(verdict.summary).toContain(
      `Errors like these ran at the same rate in the hour before the window: ${before}.`,
    );
  });

  it.each<[string, FailedRequest[], Situation]>([
    ['nothing counts the hour before', timeouts, {}],
    ['they were half as frequent', timeouts, { earlier: every(60) }],
    ['they were few', several(1, 'idle-timeout'), { earlier: every(900) }],
    ['they came in one go', timeouts, { earlier: every(5, -600) }],
    ['errors of another kind ran before', refused, { earlier: every(30) }],
    [
      'their status has other errors, so that a counter does not tell them apart',
      [...timeouts, ...several(20, 'connect-timeout')],
      { metrics: [counter('HTTPCode_ELB_504_Count', () => 3)] },
    ],
    [
      'all of the hour came in its last minutes',
      timeouts,
      { metrics: [counter('HTTPCode_ELB_504_Count', (minute) => (minute > 50 ? 12 : 0))] },
    ],
  ])('are not said to have run if %s', (_, failures, situation) => {
    expect(diagnosed(failures, situation).parts.filter(({ before }) => before !== undefined)).toEqual([]);
  });

  it('stand beside the others if an alarm asks, although they are more', () => {
    const metrics = [counter('HTTPCode_ELB_504_Count', () => 2), counter('HTTPCode_ELB_502_Count', () => 0)];
    const leads = (isFromAlarm: boolean) => diagnosed([...timeouts, ...refused], { metrics, isFromAlarm });
    expect(leads(true).parts.map(({ errors }) => errors)).toEqual([20, 30]);
    expect(leads(true).verdict.summary).toContain('(30 errors, as in the hour before)');
    expect(leads(false).parts.map(({ errors }) => errors)).toEqual([30, 20]);
  });

  it('lead even if an alarm asks, if nothing else failed', () => {
    const { verdict } = diagnosed(timeouts, { earlier: every(30), isFromAlarm: true });
    expect(verdict.cause).toBe('slow-target');
  });
});
