/** 4xx that were asked for: what the rows exclude is excluded, and what they name is named. */
import { describe, expect, it } from 'vitest';
import { causes } from '../../../src/diagnose/causes/index.ts';
import { protocolMismatch } from '../../../src/diagnose/causes/protocol-mismatch.ts';
import { slowUpload } from '../../../src/diagnose/causes/slow-upload.ts';
import { targetGenerated } from '../../../src/diagnose/causes/target-generated.ts';
import type { DiagnosisEvidence } from '../../../src/diagnose/diagnosis-evidence.ts';
import type { FailedRequest, TargetTraffic } from '../../../src/evidence/access-log.ts';
import { judgementOf } from '../../support/judgement.ts';
import { group } from '../../support/network/connect-timeouts.ts';
import { question, several, target, trafficOf } from '../../support/traffic/traffic-builder.ts';

const asked = { ...question, statuses: ['4xx'] };
const refusedByStatus = (elb_status_code: string, fields: Partial<FailedRequest> = {}) =>
  several(6, 'other', () => ({ elb_status_code, ...fields }));
const trafficWith = (errors: FailedRequest[], targets?: TargetTraffic[]) =>
  trafficOf(errors, targets ? { targets } : {}, asked);

/** Of the five documented hypotheses. */
const HYPOTHESES = [
  'keep-alive-race',
  'connection-refused',
  'tls-handshake-failure',
  'protocol-mismatch',
  'closed-mid-request',
  'worker-timeout',
  'malformed-response',
  'response-header-too-large',
  'security-group-blocked',
  'network-acl-blocked',
];

const untested = (errors: FailedRequest[]) =>
  causes
    .filter(({ id }) => HYPOTHESES.includes(id))
    .filter((cause) => {
      const { ruledOut, against } = judgementOf(cause, { traffic: trafficWith(errors) }, asked);
      return !ruledOut || against.length === 0;
    })
    .map(({ id }) => id);

describe('4xx from the load balancer', () => {
  it.each(['400', '403', '408', '414'])('%s: every hypothesis about targets is ruled out by the rows', (status) =>
    expect(untested(refusedByStatus(status))).toEqual([]),
  );

  it('460: the same', () => expect(untested(several(6, 'client-closed'))).toEqual([]));

  it('408: does not rule out a client that sends slowly', () => {
    const traffic = trafficWith(refusedByStatus('408', { elapsed: 60.1 }));
    expect(judgementOf(slowUpload, { traffic }, asked).ruledOut).toBe(false);
  });
});

describe('464', () => {
  const errors = refusedByStatus('464');

  it('has the version of the request, not of the target group', () => {
    const known = { traffic: trafficWith(errors), targetGroups: [group({ ProtocolVersion: 'GRPC' })] };
    const { claims, summary, for: sentences } = judgementOf(protocolMismatch, known, asked);
    expect(claims.filter((claim) => claim.errors.length > 0)).toMatchObject([
      { strength: 'confirmed', errors: { length: 6 } },
    ]);
    expect(sentences).toEqual([
      'All 6 failed requests ended with 464: api takes GRPC and the requests came in another version.',
    ]);
    expect(summary).toBe('6 requests came in another protocol version than the target group takes: api takes GRPC.');
    expect(judgementOf(protocolMismatch, known, asked).fix.summary).toContain('target group of their version');
  });

  it('is explained without the target groups, too', () =>
    expect(judgementOf(protocolMismatch, { traffic: trafficWith(errors) }, asked).summary).toBe(
      '6 requests came in another protocol version than the target group takes: api takes a version that was not read.',
    ));
});

describe('400 from the targets', () => {
  const answers = (port: number) =>
    several(6, 'target-response', () => ({
      elb_status_code: '400',
      target_status_code: '400',
      target: `10.0.1.5:${port}`,
    }));
  const every = (port: number) => [target(`10.0.1.5:${port}`, { requests: 6, badRequests: 6 })];
  const strengths = (known: Pick<DiagnosisEvidence, 'traffic'> & Partial<DiagnosisEvidence>) =>
    [protocolMismatch, targetGenerated].map(
      (cause) => judgementOf(cause, known, asked).claims.find(({ errors }) => errors.length > 0)?.strength,
    );

  it('for each request on a TLS port: plain HTTP reaches it', () => {
    const known = { traffic: trafficWith(answers(8443), every(8443)), targetGroups: [group({})] };
    expect(strengths(known)).toEqual(['likely', 'possible']);
    expect(judgementOf(protocolMismatch, known, asked).for).toContain(
      'The targets of api answered each of 6 requests with 400, as a TLS port does when it gets plain HTTP.',
    );
  });

  it('for each request on a port of unknown kind: TLS, or the application rejects all', () =>
    expect(strengths({ traffic: trafficWith(answers(8080), every(8080)), targetGroups: [group({})] })).toEqual([
      'possible',
      'possible',
    ]));

  it('for each request to an HTTPS group: the application rejects all', () => {
    const targetGroups = [group({ Protocol: 'HTTPS' })];
    expect(strengths({ traffic: trafficWith(answers(8443), every(8443)), targetGroups })).toEqual([
      undefined,
      'confirmed',
    ]);
  });

  it('for some requests: from the application', () => {
    const targets = [target('10.0.1.5:8443', { requests: 100, badRequests: 6 })];
    expect(strengths({ traffic: trafficWith(answers(8443), targets), targetGroups: [group({})] })).toEqual([
      undefined,
      'confirmed',
    ]);
  });
});
