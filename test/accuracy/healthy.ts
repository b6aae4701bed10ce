import { people, shopRoutes } from '../support/simulator/recordings/shop.ts';
import { expectNothingFailed, type Family, incident, web } from './incident.ts';
import { deployment, fourTargets, refreshEvery } from './patterns.ts';

export const healthy: Family = {
  title: 'healthy controls',
  incidents: [
    incident('nothing failed', {}, expectNothingFailed('Sound traffic.')),
    incident(
      'many 404s of the targets',
      { routes: shopRoutes('web').map((route) => ({ ...route, notFound: 0.2 })) },
      expectNothingFailed('404 is an answer.'),
    ),
    incident(
      'one request a minute',
      { clients: [people(0.2, { requests: 2 })] },
      expectNothingFailed('Little traffic is no failure.'),
    ),
    incident(
      'a rhythm of 5 s on targets that keep 75 s',
      { clients: [people(3), refreshEvery(5)] },
      expectNothingFailed('Regular requests alone are not a race.'),
    ),
    incident(
      'a deployment that drains',
      {
        targetGroups: [web({}, fourTargets)],
        clients: [people(8)],
        faults: [
          deployment(300, {
            stopAfterSeconds: 60,
            replace: [{ old: '10.0.10.40', new: { address: '10.0.10.101', zone: 'a' } }],
          }),
        ],
      },
      expectNothingFailed('The old target served until nothing was sent to it.'),
    ),
    incident(
      'no metrics and no configuration, nothing failed',
      {},
      expectNothingFailed('The log is complete and has no error.'),
      {
        without: ['aws', 'metrics'],
      },
    ),
    incident(
      'clients that give up, no 5xx',
      {
        clients: [people(4, { patienceSeconds: 5 })],
        faults: [{ kind: 'slow', route: 'GET /search', share: 0.1, seconds: [6, 20] }],
      },
      expectNothingFailed('460 is not asked about: the verdict is about 5xx.'),
    ),
  ],
};
