import { describe, expect, it } from 'vitest';
import { healthPortPath } from '../../../src/diagnose/checks/health-port-path.ts';
import { groups, tcp, withInboundRules } from '../../support/network/network.ts';
import { api, baseEvidence, describeVerdict, health } from '../../support/network/two-healthy-targets.ts';
import { API, question } from '../../support/traffic/traffic-builder.ts';

type Input = Parameters<typeof healthPortPath.evaluate>[0];
const judge = (part: Partial<Input>) =>
  describeVerdict(healthPortPath.evaluate({ ...baseEvidence, ...part }, question));
const on9090 = {
  targetHealth: { [API]: [health('10.0.1.5', 'unhealthy', { HealthCheckPort: '9090', Reason: 'Target.Timeout' })] },
};

describe('health-port-path', () => {
  it.each<{ name: string; part: Partial<Input>; says: string }>([
    {
      name: 'the traffic port is checked',
      part: {},
      says: 'not-applicable: Health checks use the traffic port of every target.',
    },
    {
      name: 'the health-check port is not admitted, though nothing fails',
      part: on9090,
      says: 'fail: 1 of 1 path to a health-check port is blocked. sg-app of 10.0.1.5 does not allow TCP 9090 from the load balancer (sg-alb); it allows TCP 8080 from sg-alb.',
    },
    {
      name: 'uses the port of the group if health does not name one',
      part: { targetGroups: [api({ HealthCheckPort: '9090' })] },
      says: 'fail: 2 of 2 paths to a health-check port are blocked. sg-app of 10.0.1.5 and 10.0.1.6 does not allow TCP 9090 from the load balancer (sg-alb); it allows TCP 8080 from sg-alb.',
    },
    {
      name: 'admitted',
      part: { ...on9090, securityGroups: withInboundRules({ ...tcp(9090), ...groups('sg-alb') }).securityGroups ?? [] },
      says: 'pass: The path to the health-check port is open.',
    },
    {
      name: 'no interface was seen',
      part: { ...on9090, networkInterfaces: [] },
      says: 'unknown: Could not check 1 of 1 path to a health-check port: the security groups of 10.0.1.5 (no network interface was found).',
    },
    {
      name: 'health checks are off',
      part: { targetGroups: [api({ HealthCheckEnabled: false })] },
      says: 'not-applicable: No registered target has health checks.',
    },
  ])('$name', ({ part, says }) => expect(judge(part)).toBe(says));
});
