import { describe, expect, it } from 'vitest';
import { targetGroupProtocol } from '../../../src/diagnose/checks/target-group-protocol.ts';
import {
  api,
  baseEvidence,
  describeVerdict,
  health,
  lambda,
  otherGroup,
  traffic,
} from '../../support/network/two-healthy-targets.ts';
import { API, question, target } from '../../support/traffic/traffic-builder.ts';

type Input = Parameters<typeof targetGroupProtocol.evaluate>[0];
const judge = (part: Partial<Input>) =>
  describeVerdict(targetGroupProtocol.evaluate({ ...baseEvidence, ...part }, question));
const silent = traffic([], {
  targets: [target('10.0.1.5:8080', { requests: 3, lastSuccess: null, firstSuccess: null })],
});
const refused = (requests: number, badRequests: number) => ({
  traffic: traffic([], { targets: [target('10.0.1.5:8080', { requests, badRequests })] }),
});

describe('target-group-protocol', () => {
  it.each<{ name: string; part: Partial<Input>; says: string }>([
    { name: 'HTTP, and it works', part: {}, says: 'pass: api speaks HTTP; the traffic is consistent with that.' },
    {
      name: 'every request answered 400',
      part: refused(214, 214),
      says: 'fail: api speaks HTTP, and its targets answered each of 214 requests with 400, as a port that expects TLS does.',
    },
    {
      name: 'some requests answered 400',
      part: refused(214, 213),
      says: 'pass: api speaks HTTP; the traffic is consistent with that.',
    },
    {
      name: 'too few requests to tell',
      part: refused(4, 4),
      says: 'pass: api speaks HTTP; the traffic is consistent with that.',
    },
    {
      name: 'HTTPS to a port where plain HTTP health checks pass',
      part: { targetGroups: [api({ Protocol: 'HTTPS' })], traffic: silent },
      says: 'fail: api speaks HTTPS to a port where HTTP health checks pass (2 healthy targets).',
    },
    {
      name: 'HTTP to a port where TLS health checks pass',
      part: { targetGroups: [api({ HealthCheckProtocol: 'HTTPS' })], traffic: silent },
      says: 'fail: api speaks HTTP to a port where HTTPS health checks pass (2 healthy targets).',
    },
    {
      name: 'the same, and requests succeed: the port speaks both',
      part: { targetGroups: [api({ HealthCheckProtocol: 'HTTPS' })] },
      says: 'pass: api speaks HTTP; health checks of api use HTTPS, so they do not test the traffic protocol.',
    },
    {
      name: 'the same on another port',
      part: { targetGroups: [api({ Protocol: 'HTTPS', HealthCheckPort: '9090' })], traffic: silent },
      says: 'pass: api speaks HTTPS; health checks of api use HTTP, so they do not test the traffic protocol.',
    },
    {
      name: 'the same, not healthy',
      part: {
        targetGroups: [api({ Protocol: 'HTTPS' })],
        traffic: silent,
        targetHealth: { [API]: [health('10.0.1.5', 'unhealthy')] },
      },
      says: 'pass: api speaks HTTPS; health checks of api use HTTP, so they do not test the traffic protocol.',
    },
    {
      name: 'groups of another load balancer',
      part: { targetGroups: [api(), otherGroup] },
      says: 'pass: api speaks HTTP; the traffic is consistent with that.',
    },
    {
      name: 'only Lambda',
      part: { targetGroups: [lambda] },
      says: 'not-applicable: No target group with addresses is in use.',
    },
  ])('$name', ({ part, says }) => expect(judge(part)).toBe(says));
});
