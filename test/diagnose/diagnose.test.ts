import { describe, expect, it } from 'vitest';
import { CAUSE_IDS } from '../../src/diagnose/causes/index.ts';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import type { GapKind } from '../../src/evidence/collected.ts';
import type { DeliveredLog } from '../../src/evidence/delivered-log.ts';
import type { EvidenceSet } from '../../src/evidence/evidence.ts';
import { logAlone } from '../support/traffic/log-alone.ts';
import { API, question, several } from '../support/traffic/traffic-builder.ts';

describe('the next step without a log', () => {
  const decidedBy = (attributes: EvidenceSet['attributes'], kind: GapKind, delivered?: DeliveredLog[]) => {
    const unread = { status: 'unavailable', source: '', reason: 'it could not be read', kind, delivered } as const;
    return diagnose(question, { ...logAlone([]), accessLog: unread, attributes }).verdict.decidedBy;
  };
  const enabled = (value: string): EvidenceSet['attributes'] => ({
    status: 'collected',
    source: '',
    value: { 'access_logs.s3.enabled': value },
  });

  it.each([
    ['is off', enabled('false'), 'failed', /^Turn on access logging, for the next time: alb502 setup logs \S+ prints/],
    ['is on', enabled('true'), 'failed', /^Access logging is on. Fix what kept the log from being read/],
    [
      'is on or off, if unknown',
      logAlone([]).attributes,
      'failed',
      /^Check whether access logging is on: alb502 doctor /,
    ],
    [
      'is not in the incident folder',
      enabled('false'),
      'not-recorded',
      /^Add log files to logs\/ of the incident folder\.$/,
    ],
    [
      'is on, but not in the folder',
      enabled('true'),
      'not-recorded',
      /^Add log files to logs\/ of the incident folder\.$/,
    ],
    ['is off, and other ways may not be looked up', enabled('false'), 'denied', /^Allow the denied call \(see Gaps\)/],
  ] as const)('access logging %s', (_, attributes, kind, says) => {
    expect(decidedBy(attributes, kind)).toMatch(says);
  });

  it.each([
    [
      'in a log group',
      'cloudwatch-logs',
      /^The log is delivered to CloudWatch Logs \(log group alb\)\. Fix what kept it/,
    ],
    ['in a stream', 'firehose', /^Turn on access logging, for the next time/],
    [
      'in a stream that may not be described',
      'firehose',
      /^The log is delivered to Firehose .* Fix what kept/,
      'denied',
    ],
  ] as const)('with a vended log %s', (_, service, says, kind: 'denied' | 'failed' = 'failed') => {
    const delivered = [{ service, name: 'alb', format: null }];
    expect(decidedBy(enabled('false'), kind, delivered)).toMatch(says);
  });
});

describe('keepAlive', () => {
  it('is empty if no connection was closed', () => {
    expect(diagnose(question, logAlone(several(4, 'connect-failed'))).keepAlive).toBeNull();
  });

  it('is not measured if all closed connections belong to routes that always fail', () => {
    const failures = several(20, 'closed-before-response', () => ({
      route: 'GET /export',
      target_processing_time: 0.3,
    }));
    const routes = [
      { route: 'GET /export', requests: 20, failures: 20, succeeded: 0, succeededMs: 0, succeededMaxMs: 0 },
    ];
    expect(diagnose(question, logAlone(failures, { routes })).keepAlive).toMatchObject({
      targetGroup: 'api',
      measuredSeconds: null,
      errorsExamined: 0,
    });
  });

  it('describes the target group with most such errors', () => {
    const failures = [
      ...several(2, 'closed-before-response', () => ({ target_group_arn: API.replace('/api/', '/web/') })),
      ...several(3, 'closed-before-response'),
    ];
    expect(diagnose(question, logAlone(failures)).keepAlive?.targetGroup).toBe('api');
  });
});

it('lists each cause once, verdict first; a missing source is a gap and makes its checks unknown', () => {
  const { causes, verdict, gaps, steps } = diagnose(question, logAlone(several(9, 'idle-timeout')));
  expect(causes.map(({ id }) => id).filter((id, i, all) => all.indexOf(id) === i)).toHaveLength(CAUSE_IDS.length);
  expect([verdict.cause, causes[0]?.id]).toEqual(['slow-target', 'slow-target']);
  expect(gaps.join()).toContain('Target health: targetHealth was not recorded.');
  expect(steps[4]?.outcome).toBe('unknown');
});

it('reports a cause and a check that fail on the evidence, and judges the others', () => {
  const broken = new Proxy<Record<string, string>>(
    {},
    {
      get: () => {
        throw new Error('no such attribute');
      },
    },
  );
  const { causes, steps, verdict } = diagnose(question, {
    ...logAlone(several(9, 'connect-failed')),
    attributes: { status: 'collected', source: 'aws/describe-load-balancer-attributes.json', value: broken },
  });
  const untold = causes.filter(({ missing }) => missing.includes('Could not be judged: no such attribute.'));
  expect(untold.length).toBeGreaterThan(0);
  expect(new Set(untold.map(({ standing }) => standing))).toEqual(new Set(['untested']));
  expect(steps[2]?.findings.map(({ summary }) => summary)).toContain('Could not be judged: no such attribute.');
  expect([causes.length, verdict.between.length > 0 || verdict.cause !== null]).toEqual([CAUSE_IDS.length, true]);
});

it('gives the same bytes for the same evidence', () => {
  const evidence = logAlone(several(30, 'closed-before-response', (i) => ({ target_processing_time: i / 10 })));
  expect(JSON.stringify(diagnose(question, evidence))).toBe(
    JSON.stringify(diagnose(question, structuredClone(evidence))),
  );
});
