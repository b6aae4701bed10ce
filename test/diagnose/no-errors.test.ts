import { describe, expect, it } from 'vitest';
import { bursts } from '../../src/diagnose/checks/bursts.ts';
import { concentration } from '../../src/diagnose/checks/concentration.ts';
import { errorOrigin } from '../../src/diagnose/checks/error-origin.ts';
import { errorReason } from '../../src/diagnose/checks/error-reason.ts';
import { errorSignatures } from '../../src/diagnose/checks/error-signatures.ts';
import { failingRoutesCheck } from '../../src/diagnose/checks/failing-routes.ts';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import { askedText } from '../../src/diagnose/no-errors.ts';
import type { Collected } from '../../src/evidence/collected.ts';
import type { EvidenceSet } from '../../src/evidence/evidence.ts';
import { logAlone } from '../support/traffic/log-alone.ts';
import { API, question, START, target, trafficOf } from '../support/traffic/traffic-builder.ts';

const collected = <T>(value: T): Collected<T> => ({ status: 'collected', source: '', value });

describe('without errors', () => {
  const checks = [errorOrigin, errorSignatures, errorReason, concentration, bursts, failingRoutesCheck];
  it.each(checks)('$id judges nothing', (check) => {
    expect(check.evaluate({ traffic: trafficOf([]) }, question).outcome).toBe('not-applicable');
  });
});

describe('a log without an entry in the window', () => {
  const configured: EvidenceSet = {
    ...logAlone([], {
      requests: 0,
      targets: [target('10.0.1.5:8080', { firstSeen: START - 120_000, lastSeen: START - 2_000 })],
    }),
    attributes: collected({ 'idle_timeout.timeout_seconds': '60' }),
    targetGroups: collected([
      { TargetGroupArn: API, TargetGroupName: 'api', Protocol: 'HTTP', Port: 8080, HealthCheckProtocol: 'HTTP' },
    ]),
    targetGroupAttributes: collected({ [API]: { 'deregistration_delay.timeout_seconds': '300' } }),
  };
  const findings = diagnose(question, configured).steps.flatMap((step) => step.findings);

  it.each([
    ...['request-path', 'error-origin', 'error-signatures', 'error-reason', 'concentration', 'bursts'],
    ...['target-group-protocol', 'target-group-protocol-version', 'idle-timeout', 'measured-keep-alive'],
    ...['rate-against-traffic', 'failing-routes', 'target-churn', 'deregistration-delay', 'errors-by-deployment'],
  ])('lets %s say nothing about requests', (id) => {
    const finding = findings.find(({ check }) => check === id);
    expect(finding?.outcome, finding?.summary).toBe('unknown');
  });

  it('passes no check for want of a request', () => {
    const passed = findings.filter(({ outcome }) => outcome === 'pass').map(({ summary }) => summary);
    expect(passed.filter((summary) => /\b(?:no|none)\b/i.test(summary))).toEqual([]);
  });

  it.each([
    [
      'in time',
      question.to + 60_000,
      /If none has arrived by \d\d:\d\d:\d\d UTC, check the bucket policy of s3:\/\/logs /,
    ],
    ['too late', question.to + 900_000, /, and that time has passed\. Check the bucket policy of s3:\/\/logs /],
  ])('says when to look at the delivery: asked %s', (_, now, says) => {
    const attributes = collected({ 'access_logs.s3.enabled': 'true', 'access_logs.s3.bucket': 'logs' });
    expect(diagnose({ ...question, now }, { ...configured, attributes }).verdict.decidedBy).toMatch(says);
  });
});

it.each([
  [['gateway'], '502, 503 or 504'],
  [['500', '501'], '500 or 501'],
  [['5xx'], '5xx'],
])('names the statuses of %j', (statuses, words) => {
  expect(askedText({ ...question, statuses })).toBe(words);
});
