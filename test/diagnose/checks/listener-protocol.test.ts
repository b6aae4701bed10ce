import { describe, expect, it } from 'vitest';
import { listenerProtocol } from '../../../src/diagnose/checks/listener-protocol.ts';
import type { Listener } from '../../../src/evidence/aws.ts';
import { api, baseEvidence, describeVerdict, lambda } from '../../support/network/two-healthy-targets.ts';
import { API, LB, question } from '../../support/traffic/traffic-builder.ts';

type Input = Parameters<typeof listenerProtocol.evaluate>[0];
const judge = (part: Partial<Input>) =>
  describeVerdict(listenerProtocol.evaluate({ ...baseEvidence, listeners: [https], ...part }, question));
const forward = { Type: 'forward', TargetGroupArn: API };
const https: Listener = {
  ListenerArn: 'l-1',
  LoadBalancerArn: LB,
  Port: 443,
  Protocol: 'HTTPS',
  SslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
  DefaultActions: [forward],
};
const http: Listener = { ListenerArn: 'l-2', Port: 80, Protocol: 'HTTP', DefaultActions: [forward] };
const notFound: Listener = { ...https, DefaultActions: [{ Type: 'fixed-response' }] };

describe('listener-protocol', () => {
  it.each<{ name: string; part: Partial<Input>; says: string }>([
    {
      name: 'TLS ends at the load balancer',
      part: {},
      says: 'pass: Listener HTTPS:443 terminates TLS and forwards to api over HTTP, a valid combination.',
    },
    {
      name: 'two groups behind one listener',
      part: {
        listeners: [https, { ...https, DefaultActions: [{ Type: 'forward', TargetGroupArn: 'tg-web' }] }],
        targetGroups: [api({}), api({ TargetGroupArn: 'tg-web', TargetGroupName: 'web' })],
      },
      says: 'pass: Listener HTTPS:443 terminates TLS and forwards to api and web over HTTP, a valid combination.',
    },
    {
      name: 'HTTP before an HTTPS group',
      part: { listeners: [http], targetGroups: [api({ Protocol: 'HTTPS' })] },
      says: 'pass: Listener HTTP:80 forwards to api over HTTPS, with the policy ELBSecurityPolicy-2016-08 towards targets.',
    },
    {
      name: 'gRPC behind an HTTP listener',
      part: { listeners: [http], targetGroups: [api({ ProtocolVersion: 'GRPC' })] },
      says: 'fail: Listener HTTP:80 forwards to api, which is GRPC and needs an HTTPS listener.',
    },
    {
      name: 'gRPC behind an HTTPS listener',
      part: { targetGroups: [api({ ProtocolVersion: 'GRPC' })] },
      says: 'pass: Listener HTTPS:443 terminates TLS and forwards to api over HTTP, a valid combination.',
    },
    {
      name: 'forwarded by a rule',
      part: {
        listeners: [notFound],
        rules: {
          'l-1': [{ Actions: [{ Type: 'forward', ForwardConfig: { TargetGroups: [{ TargetGroupArn: API }] } }] }],
        },
      },
      says: 'pass: Listener HTTPS:443 terminates TLS and forwards to api over HTTP, a valid combination.',
    },
    {
      name: 'nothing is forwarded',
      part: { listeners: [notFound] },
      says: 'not-applicable: No listener forwards to a target group with addresses.',
    },
    {
      name: 'a function is behind it',
      part: { targetGroups: [{ ...lambda, TargetGroupArn: API }] },
      says: 'not-applicable: No listener forwards to a target group with addresses.',
    },
    {
      name: 'the listener of another load balancer',
      part: { listeners: [{ ...https, LoadBalancerArn: `${LB}9` }] },
      says: 'not-applicable: The load balancer has no listener.',
    },
  ])('$name', ({ part, says }) => expect(judge(part)).toBe(says));
});
