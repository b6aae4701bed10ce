import { describe, expect, it } from 'vitest';
import { targetHealth } from '../../../src/diagnose/checks/target-health.ts';
import {
  api,
  baseEvidence,
  describeVerdict,
  health,
  lambda,
  otherGroup,
} from '../../support/network/two-healthy-targets.ts';
import { API, question } from '../../support/traffic/traffic-builder.ts';

type Input = Parameters<typeof targetHealth.evaluate>[0];
const judge = (part: Partial<Input>) => describeVerdict(targetHealth.evaluate({ ...baseEvidence, ...part }, question));
const now = (...targets: ReturnType<typeof health>[]) => ({ targetHealth: { [API]: targets } });
const timeout = (id: string) => health(id, 'unhealthy', { Reason: 'Target.Timeout' });

describe('target-health', () => {
  it.each<{ name: string; part: Partial<Input>; says: string }>([
    { name: 'all healthy', part: {}, says: 'pass: Target health now: api 2 healthy.' },
    {
      name: 'one of two times out',
      part: now(health('10.0.1.5'), timeout('10.0.1.6')),
      says: 'fail: 1 of 2 targets of api is unhealthy now: 10.0.1.6:8080 (Target.Timeout: health checks time out).',
    },
    {
      name: 'all unhealthy: it fails open',
      part: now(timeout('10.0.1.5'), timeout('10.0.1.6')),
      says: 'fail: 2 of 2 targets of api are unhealthy now: 10.0.1.5:8080 and 10.0.1.6:8080 (Target.Timeout: health checks time out). None is healthy, so the load balancer sends requests to all of them.',
    },
    {
      name: 'a rolling deployment',
      part: now(
        health('10.0.1.5'),
        health('10.0.1.6', 'draining', { Reason: 'Target.DeregistrationInProgress' }),
        health('10.0.1.7', 'initial'),
      ),
      says: 'pass: Target health now: api 1 draining, 1 healthy, 1 initial.',
    },
    {
      name: 'a stopped instance next to a healthy one',
      part: now(health('i-1'), health('i-2', 'unused', { Reason: 'Target.InvalidState' })),
      says: 'pass: Target health now: api 1 healthy, 1 unused.',
    },
    {
      name: 'all unused',
      part: now(health('i-1', 'unused', { Reason: 'Target.NotInUse' })),
      says: 'fail: The only target of api is unused (Target.NotInUse: its zone is not enabled, or no listener uses the group), so requests to api get 503.',
    },
    {
      name: 'none registered',
      part: now(),
      says: 'fail: api has no registered target, so requests to api get 503.',
    },
    { name: 'not seen', part: { targetHealth: {} }, says: 'unknown: The health of api could not be read.' },
    {
      name: 'an unhealthy target of another load balancer',
      part: {
        targetGroups: [api(), otherGroup],
        targetHealth: { ...baseEvidence.targetHealth, [otherGroup.TargetGroupArn]: [timeout('10.9.9.9')] },
      },
      says: 'pass: Target health now: api 2 healthy.',
    },
    {
      name: 'only Lambda',
      part: { targetGroups: [lambda] },
      says: 'not-applicable: No target group with addresses is in use.',
    },
  ])('$name', ({ part, says }) => expect(judge(part)).toBe(says));
});

describe('the advice', () => {
  const adviceFor = (...targets: ReturnType<typeof health>[]) => {
    const verdict = targetHealth.evaluate({ ...baseEvidence, ...now(...targets) }, question);
    return verdict.outcome === 'fail' ? verdict.fix : null;
  };

  it('follows the reason', () => {
    expect(adviceFor(health('10.0.1.5', 'unhealthy', { Reason: 'Target.FailedHealthChecks' }))).toBe(
      'Check that the process listens on its port and answers the health check.',
    );
  });

  it('names the targets if their reasons differ', () => {
    const failed = health('10.0.1.5', 'unhealthy', { Reason: 'Target.FailedHealthChecks' });
    expect(adviceFor(failed, timeout('10.0.1.6'))).toMatch(
      /^10[.]0[.]1[.]5:8080: check .* 10[.]0[.]1[.]6:8080: check /,
    );
  });

  it('of a group without targets leaves registering to what manages them', () => {
    expect(adviceFor()).toContain('desired count of the service behind api');
  });
});
