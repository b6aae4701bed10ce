/** With some errors known only from metrics, a cause of such errors is neither ruled out nor ignored. */
import { describe, expect, it } from 'vitest';
import { causes } from '../../../src/diagnose/causes/index.ts';
import { readTraffic } from '../../../src/diagnose/traffic.ts';
import { judgementOf } from '../../support/judgement.ts';
import { logOf, question, several } from '../../support/traffic/traffic-builder.ts';

/** 398 refused connections, 40 of them read as rows, and 2 closed ones, none read. */
const shapes = (...args: Parameters<typeof several>) => logOf(several(...args)).failureShapes;
const log = {
  ...logOf(several(40, 'connect-failed')),
  failureShapes: [
    ...shapes(1, 'connect-failed').map((shape) => ({ ...shape, count: 398 })),
    ...shapes(2, 'closed-before-response'),
  ],
};
const traffic = readTraffic(log, question);

describe('errors known only from metrics', () => {
  it('are counted as errors', () => {
    expect(traffic.errors).toHaveLength(40);
    expect(traffic.bySignature).toContainEqual({ id: 'closed-before-response', count: 2 });
  });

  it.each([
    'keep-alive-race',
    'closed-mid-request',
    'worker-timeout',
    'malformed-response',
    'response-header-too-large',
  ])('%s says that they could not be checked', (id) => {
    const cause = causes.find((one) => one.id === id);
    if (!cause) throw new Error(`There is no cause ${id}.`);
    const judged = judgementOf(cause, { traffic }, question);
    expect(judged).toMatchObject({
      ruledOut: false,
      claims: [],
      missing: [expect.stringContaining('examined one by one')],
    });
    expect(judged.missing[0]).toContain(`2 of ${traffic.errorCount}`);
  });
});
