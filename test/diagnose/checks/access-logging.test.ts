import { describe, expect, it } from 'vitest';
import { accessLogging } from '../../../src/diagnose/checks/access-logging.ts';
import { logOf, question } from '../../support/traffic/traffic-builder.ts';

describe('access-logging', () => {
  const off = { 'access_logs.s3.enabled': 'false' };
  it.each([
    [
      'on',
      { 'access_logs.s3.enabled': 'true', 'access_logs.s3.bucket': 'logs', 'access_logs.s3.prefix': 'shop' },
      undefined,
      'pass',
      's3://logs/shop',
    ],
    ['off, and nothing was read', off, undefined, 'fail', 'Vended delivery'],
    ['off, and the log has no entry', off, logOf([], { entries: 0 }), 'fail', 'Vended delivery'],
    ['off, but entries were read', off, logOf([]), 'pass', '10,000 entries were read'],
    ['not said', {}, undefined, 'unknown', 'do not say'],
  ])('%s', (_, attributes, accessLog, outcome, part) => {
    const verdict = accessLogging.evaluate({ attributes, ...(accessLog && { accessLog }) }, question);
    expect(verdict.outcome).toBe(outcome);
    expect(verdict.summary).toContain(part);
  });
});
