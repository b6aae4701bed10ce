import { describe, expect, it } from 'vitest';
import { deregistrationDelay } from '../../../src/diagnose/checks/deregistration-delay.ts';
import { api, baseEvidence, describeVerdict, lambda, traffic } from '../../support/network/two-healthy-targets.ts';
import { API, question, several } from '../../support/traffic/traffic-builder.ts';

type Input = Parameters<typeof deregistrationDelay.evaluate>[0];
const delay = (seconds: number) => ({
  targetGroupAttributes: { [API]: { 'deregistration_delay.timeout_seconds': String(seconds) } },
});
const judge = (part: Partial<Input>) =>
  describeVerdict(deregistrationDelay.evaluate({ ...baseEvidence, ...delay(300), ...part }, question));
const aborted = { traffic: traffic(several(3, 'no-response-aborted')) };

describe('deregistration-delay', () => {
  it.each<{ name: string; part: Partial<Input>; says: string }>([
    { name: 'the default, and nothing was cut off', part: {}, says: 'pass: Deregistration delay: api 300 s.' },
    {
      name: 'no delay, and nothing was cut off',
      part: delay(0),
      says: 'pass: Deregistration delay: api 0 s. When a target of api is deregistered, its requests in flight are aborted immediately; none was aborted here.',
    },
    {
      name: 'requests cut off',
      part: { ...delay(20), ...aborted },
      says: 'fail: The load balancer ended 3 requests to api before any response; api has a deregistration delay of 20 s.',
    },
    {
      name: 'requests closed by the target are another matter',
      part: { ...delay(20), traffic: traffic(several(3, 'closed-before-response')) },
      says: 'pass: Deregistration delay: api 20 s.',
    },
    {
      name: 'attributes of the group were not seen',
      part: { targetGroupAttributes: {} },
      says: 'unknown: Could not read the deregistration delay of api.',
    },
    {
      name: 'a function has none',
      part: { targetGroups: [lambda] },
      says: 'not-applicable: No target group with addresses is in use.',
    },
  ])('$name', ({ part, says }) => expect(judge(part)).toBe(says));

  it('does not accept 0 s without a log', () => {
    expect(deregistrationDelay.evaluate({ targetGroups: [api()], ...delay(0) }, question).outcome).toBe('unknown');
  });
});
