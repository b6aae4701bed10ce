import { describe, expect, it } from 'vitest';
import { registeredPort } from '../../../src/diagnose/checks/registered-port.ts';
import {
  api,
  baseEvidence,
  describeVerdict,
  health,
  lambda,
  traffic,
} from '../../support/network/two-healthy-targets.ts';
import { API, question, target } from '../../support/traffic/traffic-builder.ts';

type Input = Parameters<typeof registeredPort.evaluate>[0];
const judge = (part: Partial<Input>) =>
  describeVerdict(registeredPort.evaluate({ ...baseEvidence, ...part }, question));
const on9090 = { [API]: [health('10.0.1.5', 'healthy', { HealthCheckPort: '9090' })] };
const never = traffic([], {
  targets: [target('10.0.1.5:8080', { requests: 40, failures: 40, firstSuccess: null, lastSuccess: null })],
});

describe('registered-port', () => {
  it.each<{ name: string; part: Partial<Input>; says: string }>([
    {
      name: 'one port for everything',
      part: {},
      says: 'pass: Registered ports: api 8080; health checks use the same port.',
    },
    {
      name: 'health checks on another port, and requests succeed',
      part: { targetHealth: on9090 },
      says: 'pass: Registered ports: api 8080; health checks of api use port 9090 and say nothing about the traffic port.',
    },
    {
      name: 'health checks pass on another port, and no request succeeds',
      part: { targetHealth: on9090, traffic: never },
      says: 'fail: api 10.0.1.5:8080: health checks pass on port 9090, but none of 40 requests on port 8080 succeeded.',
    },
    {
      name: 'no request succeeds, on the port that is checked',
      part: { traffic: never },
      says: 'pass: Registered ports: api 8080; health checks use the same port.',
    },
    {
      name: 'no request succeeds, and the target is unhealthy anyway',
      part: { targetHealth: { [API]: [health('10.0.1.5', 'unhealthy', { HealthCheckPort: '9090' })] }, traffic: never },
      says: 'pass: Registered ports: api 8080; health checks of api use port 9090 and say nothing about the traffic port.',
    },
    {
      name: 'dynamic ports of containers',
      part: {
        targetHealth: {
          [API]: [health('10.0.1.5', 'healthy', { Port: 32768 }), health('10.0.1.5', 'healthy', { Port: 32769 })],
        },
      },
      says: "pass: Registered ports: api 32768 and api 32769; 2 registrations with a port other than the group's (valid).",
    },
    {
      name: 'registrations that were not seen',
      part: { targetGroups: [api(), api({ TargetGroupArn: `${API}2`, TargetGroupName: 'web' })] },
      says: 'unknown: Could not check the registered targets of web.',
    },
    {
      name: 'only Lambda',
      part: { targetGroups: [lambda] },
      says: 'not-applicable: No target with an address is registered.',
    },
  ])('$name', ({ part, says }) => expect(judge(part)).toBe(says));
});
