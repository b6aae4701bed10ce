/** What is captured: servers with failures that people meet. Order is that of the folders' names. */
import { nodes, ordinary, people, polled, pollers } from './places.ts';
import type { Situation } from './situation.ts';

const quiet = nodes.slice(2, 6);

/** Pollers whose pauses end around the keep-alive time, beside people elsewhere. */
const raceTraffic = (keepAlive: number, late: number) => [
  ...people(4, ordinary),
  ...pollers([keepAlive - 0.02, keepAlive + late], 2, quiet, polled),
];

export const situations: readonly Situation[] = [
  {
    name: 'healthy-nginx',
    server: 'nginx',
    what: 'nginx with its defaults serves people and pollers for two minutes.',
    seconds: 120,
    isNightly: true,
    clients: people(8, ordinary),
    expected: { nothingFailed: true, why: 'No request failed.' },
  },
  {
    name: 'race-node-24',
    server: 'node-24',
    what: 'Node.js closes idle connections after 6 s; pollers come back after about 6 s.',
    seconds: 200,
    isNightly: true,
    nodes: 6,
    clients: raceTraffic(6, 0.06),
    expected: { cause: 'keep-alive-race', why: 'Each failed request met a connection that the server was closing.' },
  },
  {
    name: 'race-gunicorn-20.1-gthread',
    server: 'gunicorn-20.1-gthread',
    what: 'gunicorn closes idle connections after 2 s, when its arbiter looks; pollers come back after about 2 s.',
    seconds: 150,
    isNightly: true,
    nodes: 6,
    clients: raceTraffic(2, 0.9),
    expected: { cause: 'keep-alive-race', why: 'Each failed request met a connection that the server was closing.' },
  },
  {
    name: 'crash-route-node-22',
    server: 'node-22',
    what: 'One route throws outside its handler, the process ends, and is started again after 3 s.',
    seconds: 150,
    isNightly: true,
    clients: people(8, [
      ...ordinary,
      { weight: 1, method: 'GET', path: '/api/invoices/{n}', headers: { 'X-Lab-Do': 'throw' } },
    ]),
    meanwhile: restartAfter(3, 150),
    expected: {
      cause: 'connection-refused',
      and: [],
      why: 'A crash closes what is in flight and refuses until the restart.',
    },
  },
  {
    name: 'worker-timeout-gunicorn-20.1',
    server: 'gunicorn-20.1-sync',
    what: 'gunicorn ends workers that are busy for 5 s; one report takes longer.',
    seconds: 150,
    isNightly: true,
    args: ['--timeout', '5'],
    clients: people(3, [
      ...ordinary,
      { weight: 3, method: 'GET', path: '/api/exports/{n}', headers: { 'X-Lab-Work': '9000' } },
    ]),
    truth: { 'closed-mid-request': 'worker-timeout' },
    expected: { cause: 'worker-timeout', why: 'The arbiter ends each worker within a second after its 5 s.' },
  },
];

/** Starts each server again this long after it ended. */
function restartAfter(pauseSeconds: number, seconds: number): NonNullable<Situation['meanwhile']> {
  return async (stage) => {
    await Promise.all(
      stage.addresses.slice(0, 2).map(async (address) => {
        const isOver = stage.at(seconds).then(() => true);
        for (;;) {
          if (await Promise.race([isOver, stage.ended(address).then(() => false)])) return;
          await new Promise((resolve) => setTimeout(resolve, pauseSeconds * 1000));
          await stage.start(address);
        }
      }),
    );
  };
}
