import { describe, expect, it } from 'vitest';
import { targetGroupProtocolVersion } from '../../../src/diagnose/checks/target-group-protocol-version.ts';
import { api, baseEvidence, describeVerdict, lambda, traffic } from '../../support/network/two-healthy-targets.ts';
import { API, question, target } from '../../support/traffic/traffic-builder.ts';

type Input = Parameters<typeof targetGroupProtocolVersion.evaluate>[0];
const judge = (part: Partial<Input>) =>
  describeVerdict(targetGroupProtocolVersion.evaluate({ ...baseEvidence, ...part }, question));
const grpc = { targetGroups: [api({ ProtocolVersion: 'GRPC' })] };
const never = (requests: number, failures: number) => ({
  traffic: traffic([], {
    targets: [target('10.0.1.5:8080', { requests, failures, firstSuccess: null, lastSuccess: null })],
  }),
});
const mismatched = {
  traffic: traffic([], {
    statuses: [{ target_group_arn: API, elb_status_code: '464', target_status_code: '-', requests: 12 }],
  }),
};

describe('target-group-protocol-version', () => {
  it.each<{ name: string; part: Partial<Input>; says: string }>([
    { name: 'HTTP/1.1 by default', part: {}, says: 'pass: api uses HTTP/1.1 with keep-alive.' },
    {
      name: 'clients with another version',
      part: { ...grpc, ...mismatched },
      says: 'fail: 12 requests to api got a 464: the group takes GRPC, and they came in another version.',
    },
    {
      name: 'no request over HTTP/2 ever succeeded',
      part: { targetGroups: [api({ ProtocolVersion: 'HTTP2' })], ...never(40, 40) },
      says: 'fail: None of 40 requests to api succeeded over HTTP2: its targets may speak HTTP/1.1 only.',
    },
    {
      name: 'no request over HTTP/1.1 succeeded: not the version',
      part: never(40, 40),
      says: 'pass: api uses HTTP/1.1 with keep-alive.',
    },
    {
      name: 'no success, and not all failed',
      part: { ...grpc, ...never(40, 39) },
      says: 'pass: api uses GRPC; requests succeeded or none were sent.',
    },
    { name: 'gRPC that works', part: grpc, says: 'pass: api uses GRPC; requests succeeded or none were sent.' },
    {
      name: 'only Lambda',
      part: { targetGroups: [lambda] },
      says: 'not-applicable: No target group with addresses is in use.',
    },
  ])('$name', ({ part, says }) => expect(judge(part)).toBe(says));

  it('does not recognise gRPC without the log', () => {
    expect(targetGroupProtocolVersion.evaluate(grpc, question).outcome).toBe('unknown');
  });
});
