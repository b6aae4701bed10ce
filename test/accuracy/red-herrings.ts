import { targetGroupArn } from '../support/simulator/names.ts';
import { people } from '../support/simulator/recordings/shop.ts';
import {
  expectCause,
  expectNothingFailed,
  expectUndecided,
  type Family,
  incident,
  web,
  withFaults,
} from './incident.ts';
import { deployment, fourTargets, keepAliveRaceAt } from './patterns.ts';

const webArn = targetGroupArn('web', '5566778899aabbcc');

export const redHerrings: Family = {
  title: 'red herrings',
  incidents: [
    incident(
      'deregistration delay of 0, and a crash',
      {
        targetGroups: [web({ deregistrationDelaySeconds: 0 })],
        faults: [{ kind: 'crash', target: '10.0.11.40', at: 300 }],
      },
      expectCause('connection-refused', 'Nobody was deregistered.', {
        mustNotClaim: ['deregistration-delay-elapsed', 'shutdown-before-drain'],
      }),
    ),
    incident(
      'idle timeout of 4000 s with sound traffic',
      {
        loadBalancer: {
          ...incident('', {}, expectNothingFailed('')).scenario.loadBalancer,
          idleTimeoutSeconds: 4000,
        },
        targetGroups: [web({ server: { keepAliveSeconds: null } })],
      },
      expectNothingFailed('A setting that makes a race possible is not a race: nothing failed.'),
    ),
    incident(
      'keep-alive shorter than the idle timeout, and errors of the application',
      {
        targetGroups: [web({ server: { keepAliveSeconds: 5, loopLagMs: 0 } })],
        faults: [{ kind: 'application-error', route: 'GET /search', share: 0.3, status: 502 }],
      },
      expectCause('target-generated', 'The targets sent these 502s themselves.', { mustNotClaim: ['keep-alive-race'] }),
    ),
    incident(
      'deployment six hours ago, searches slow now',
      {
        faults: [{ kind: 'slow', route: 'GET /search', share: 0.3, seconds: [62, 120] }],
        changes: [
          { at: -21_600, event: 'RegisterTargets', resource: webArn },
          { at: -21_540, event: 'DeregisterTargets', resource: webArn },
        ],
      },
      expectCause('slow-target', 'The deployment was over hours before.', {
        mustNotClaim: ['shutdown-before-drain', 'target-gone'],
      }),
    ),
    incident(
      'sound deployment just before a crash of another target',
      {
        targetGroups: [web({}, fourTargets)],
        clients: [people(8)],
        faults: [
          deployment(100, {
            stopAfterSeconds: 400,
            replace: [{ old: '10.0.10.40', new: { address: '10.0.10.101', zone: 'a' } }],
          }),
          { kind: 'crash', target: '10.0.11.41', at: 500 },
        ],
      },
      expectCause(
        'connection-refused',
        'The replaced target drained without an error; the one that crashed is still registered.',
        {
          mustNotClaim: ['shutdown-before-drain'],
        },
      ),
    ),
    incident(
      'a brief crash, and a sound deployment of the same target five minutes later',
      {
        clients: [people(12)],
        faults: [
          { kind: 'crash', target: '10.0.10.40', at: 200, seconds: 20 },
          deployment(500, {
            stopAfterSeconds: 60,
            replace: [{ old: '10.0.10.40', new: { address: '10.0.10.101', zone: 'a' } }],
          }),
        ],
      },
      expectCause(
        'connection-refused',
        'It refused, served again for minutes, and was then replaced without an error.',
        {
          mustNotClaim: ['shutdown-before-drain'],
        },
      ),
    ),
    incident(
      'an unhealthy target without traffic, and a race',
      { ...keepAliveRaceAt(5), faults: [{ kind: 'crash', target: '10.0.11.41', at: -1800 }] },
      expectCause('keep-alive-race', 'The dead target got no request.', {
        mustNotClaim: ['connection-refused', 'shutdown-before-drain'],
      }),
    ),
    incident(
      'security group that is odd but not on the path, and slow searches',
      {
        network: {
          securityGroups: [
            {
              id: 'sg-0e9d8c7b6a5f41302',
              name: 'unused',
              ingress: [],
              egress: [{ protocol: 'tcp', ports: [443, 443], cidr: '10.0.99.0/24' }],
            },
          ],
        },
        faults: [{ kind: 'slow', route: 'GET /search', share: 0.3, seconds: [62, 120] }],
      },
      expectCause('slow-target', 'These requests were sent over an established connection.', {
        ruledOut: ['security-group-blocked', 'network-acl-blocked'],
      }),
    ),
    incident(
      'health port blocked, traffic refused by a crash',
      {
        targetGroups: [web({ healthCheck: { port: 8081 } })],
        network: {
          securityGroups: [
            {
              id: 'sg-0e9d8c7b6a5f41302',
              name: 'traffic-only',
              ingress: [{ protocol: 'tcp', ports: [8080, 8080], cidr: '10.0.0.0/16' }],
              egress: [{ protocol: '-1', cidr: '0.0.0.0/0' }],
            },
          ],
          targetSecurityGroups: Object.fromEntries(
            ['10.0.10.40', '10.0.11.40', '10.0.11.41'].map((address) => [address, ['sg-0e9d8c7b6a5f41302']]),
          ),
        },
        faults: [{ kind: 'crash', target: '10.0.11.40', at: 300, seconds: 90 }],
      },
      expectCause('connection-refused', 'The group blocks the health port only; refusals come in milliseconds.', {
        ruledOut: ['security-group-blocked'],
        steps: { 5: 'fail' },
      }),
    ),
    incident(
      'several changes days ago, early closes now',
      {
        faults: [{ kind: 'early-close', share: 0.04, afterSeconds: [0.2, 6] }],
        changes: [-400_000, -300_000, -200_000].flatMap((at) => [
          { at, event: 'ModifyTargetGroupAttributes', resource: webArn },
          { at: at + 60, event: 'RevokeSecurityGroupIngress', resource: 'sg-07c4d1e8a5b29f316' },
        ]),
      },
      expectCause('closed-mid-request', 'Changes made on other days are no evidence.', {
        ruledOut: ['security-group-blocked'],
      }),
    ),
    incident(
      'clients of one address only, malformed route',
      {
        clients: [people(3), { kind: 'pollers', count: 1, everySeconds: 4, routes: ['GET /orders/{uuid}'] }],
        faults: [{ kind: 'unusable-response', route: 'GET /orders/{uuid}', share: 1, because: 'malformed-response' }],
      },
      expectUndecided(
        ['malformed-response', 'response-header-too-large'],
        'This client only requests the route more often than others.',
      ),
    ),
    incident(
      'clients poll at exactly 5 s, connections refused',
      withFaults({ kind: 'crash', target: '10.0.11.40', at: 300 }),
      expectCause('connection-refused', 'Regular requests from clients are not a keep-alive timeout.', {
        ruledOut: ['keep-alive-race'],
      }),
    ),
  ],
};
