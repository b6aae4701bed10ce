import { expect, it } from 'vitest';
import { logCosts, logCostsText } from '../../src/doctor/log-costs.ts';

it.each([
  // 10 million requests of 700 bytes are 7 GB, of which 1.05 GB are kept once compressed.
  [
    10_000_000,
    { bytes: 7e9, ownFiles: 1.05 * 0.023, vendedFiles: 7 * 0.25 + 1.05 * 0.023, logGroup: 7 * 0.5 + 1.05 * 0.03 },
  ],
  [0, { bytes: 0, ownFiles: 0, vendedFiles: 0, logGroup: 0 }],
])('%i requests a month', (requests, { bytes, ...usd }) => {
  const costs = logCosts(requests);
  expect(costs.bytes).toBe(bytes);
  for (const [place, value] of Object.entries(usd))
    expect(Object.entries(costs)).toContainEqual([place, expect.closeTo(value, 9)]);
});

it('sorts by cost', () => {
  expect(logCostsText(10_000_000)).toContain(
    'about 7.0 GB a month at the rate of the last hour, kept for 30 days at prices of us-east-1: own files in S3 $0.0242, vended to S3 $1.77, vended to CloudWatch Logs $3.53',
  );
});
