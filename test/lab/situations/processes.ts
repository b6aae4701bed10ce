/** Processes that die, hang, or are replaced. */
import type { RoutePlan } from '../clients.ts';
import { ordinary, people, TARGET_PORT } from '../places.ts';
import type { Situation, Stage } from '../situation.ts';

const route = (path: string, headers: Record<string, string>, weight = 1): RoutePlan => ({
  weight,
  method: 'GET',
  path,
  headers,
});

/** Starts each server again this long after it ended. */
function restartAfter(pauseSeconds: number, seconds: number): NonNullable<Situation['meanwhile']> {
  return async (stage) => {
    const isOver = stage.at(seconds).then(() => true);
    await Promise.all(
      stage.addresses.slice(0, 2).map(async (address) => {
        for (;;) {
          if (await Promise.race([isOver, stage.ended(address).then(() => false)])) return;
          await new Promise((resolve) => setTimeout(resolve, pauseSeconds * 1000));
          await stage.start(address);
        }
      }),
    );
  };
}

/** One target after the other leaves, and a new one takes its place. */
async function roll(stage: Stage, replace: (old: string) => Promise<void>): Promise<void> {
  const [a = '', b = '', c = '', d = ''] = stage.addresses;
  const pairs: [string, string][] = [
    [a, c],
    [b, d],
  ];
  for (const [i, [old, fresh]] of pairs.entries()) {
    await stage.at(25 + 35 * i);
    await stage.start(fresh);
    stage.order({ register: `${fresh}:${TARGET_PORT}` });
    await stage.at(37 + 35 * i);
    await replace(old);
  }
}

const slow = route('/reports', { 'X-Lab-Work': '2500' }, 12);

export const processes: readonly Situation[] = [
  {
    name: 'crash-route-node-22',
    server: 'node-22',
    what: 'One route throws outside its handler, the process ends, and is started again after 3 s.',
    seconds: 150,
    isNightly: true,
    clients: people(8, [...ordinary, route('/api/invoices/{n}', { 'X-Lab-Do': 'throw' })]),
    meanwhile: restartAfter(3, 150),
    truth: { 'keep-alive-race': 'closed-mid-request' },
    expected: { cause: 'connection-refused', why: 'A crash closes what is in flight and refuses until the restart.' },
  },
  {
    name: 'panic-route-go',
    server: 'go',
    what: 'A Go handler panics on one route, always; the server closes the connection and lives on.',
    seconds: 90,
    clients: people(8, [...ordinary, route('/api/invoices/{n}', { 'X-Lab-Do': 'panic' }, 3)]),
    expected: {
      between: ['closed-mid-request', 'malformed-response'],
      why: 'A route that always fails looks the same whether the target closes or answers with something invalid.',
    },
  },
  {
    name: 'kill-puma',
    server: 'puma',
    what: 'A request kills the process with SIGKILL, as the out-of-memory killer does; a supervisor starts it after 2 s.',
    seconds: 120,
    clients: people(8, [...ordinary, route('/api/exports/{n}', { 'X-Lab-Do': 'exit', 'X-Lab-Work': '400' })]),
    meanwhile: restartAfter(2, 120),
    truth: { 'keep-alive-race': 'closed-mid-request' },
    expected: { cause: 'connection-refused', why: 'A crash closes what is in flight and refuses until the restart.' },
  },
  {
    name: 'out-of-memory-gunicorn',
    server: 'gunicorn-gthread',
    what: 'A request allocates without end; the kernel kills the worker, and gunicorn starts another.',
    seconds: 120,
    memoryMegabytes: 220,
    truth: { 'keep-alive-race': 'closed-mid-request' },
    clients: people(8, [...ordinary, route('/api/exports/{n}', { 'X-Lab-Do': 'allocate' })]),
    expected: { cause: 'closed-mid-request', why: 'Each kill closes all that the worker had in flight.' },
  },
  {
    name: 'worker-timeout-gunicorn-20.1',
    server: 'gunicorn-20.1-sync',
    what: 'gunicorn ends workers that are busy for 5 s; some exports take 9 s.',
    seconds: 150,
    isNightly: true,
    args: ['--timeout', '5'],
    clients: people(4, [
      ...ordinary,
      route('/api/exports/{n}', { 'X-Lab-Work': '9000' }, 3),
      route('/api/exports/{n}', { 'X-Lab-Work': '900' }, 12),
    ]),
    truth: { 'closed-mid-request': 'worker-timeout' },
    expected: { cause: 'worker-timeout', why: 'The arbiter ends each worker within a second after its 5 s.' },
  },
  {
    name: 'worker-timeout-always',
    server: 'gunicorn-20.1-sync',
    what: 'gunicorn ends workers that are busy for 5 s; every export takes 9 s.',
    seconds: 150,
    args: ['--timeout', '5'],
    clients: people(3, [...ordinary, route('/api/exports/{n}', { 'X-Lab-Work': '9000' }, 3)]),
    truth: { 'closed-mid-request': 'worker-timeout' },
    expected: {
      between: ['worker-timeout', 'closed-mid-request'],
      why: 'No export succeeds: a route that breaks by itself after that time looks the same.',
    },
  },
  {
    name: 'deployment-without-drain',
    server: 'node-24',
    what: 'Each old target is stopped as it is deregistered, while nodes still send to it.',
    seconds: 120,
    isNightly: true,
    clients: people(12, [...ordinary, slow]),
    meanwhile: (stage) =>
      roll(stage, async (old) => {
        stage.order({ deregister: `${old}:${TARGET_PORT}` });
        await stage.stop(old, 'SIGTERM');
      }),
    truth: {
      'connection-refused': 'shutdown-before-drain',
      'closed-mid-request': 'shutdown-before-drain',
      'keep-alive-race': 'shutdown-before-drain',
    },
    expected: {
      cause: 'shutdown-before-drain',
      why: 'The process ended before the load balancer had stopped sending to it.',
    },
  },
  {
    name: 'healthy-deployment',
    server: 'node-24',
    what: 'Each old target is deregistered, waits 12 s, finishes what it has, and ends.',
    seconds: 130,
    env: { DRAINS: '1' },
    clients: people(12, [...ordinary, slow]),
    meanwhile: (stage) =>
      roll(stage, async (old) => {
        stage.order({ deregister: `${old}:${TARGET_PORT}` });
        await new Promise((resolve) => setTimeout(resolve, 12_000));
        await stage.stop(old, 'SIGTERM');
      }),
    expected: { nothingFailed: true, why: 'No request failed.' },
  },
  {
    name: 'deregistration-delay-elapsed',
    server: 'node-24',
    what: 'A target leaves with a deregistration delay of 5 s, while exports take 20 s.',
    seconds: 100,
    targets: 3,
    group: { deregistrationDelaySeconds: 5 },
    clients: people(6, [...ordinary, route('/api/exports/{n}', { 'X-Lab-Work': '20000' }, 12)]),
    meanwhile: async (stage) => {
      for (const [i, address] of stage.addresses.slice(0, 2).entries()) {
        await stage.at(40 + 20 * i);
        stage.order({ deregister: `${address}:${TARGET_PORT}` });
      }
    },
    expected: {
      cause: 'deregistration-delay-elapsed',
      why: 'All that was in flight ended at one moment, 5 s after the target left.',
    },
  },
  {
    name: 'no-targets-left',
    server: 'nginx',
    what: 'All targets are deregistered for 20 s.',
    seconds: 90,
    clients: people(6, ordinary),
    meanwhile: async (stage) => {
      const keys = stage.addresses.slice(0, 2).map((address) => `${address}:${TARGET_PORT}`);
      await stage.at(40);
      for (const key of keys) stage.order({ deregister: key });
      await stage.at(60);
      for (const key of keys) stage.order({ register: key });
    },
    expected: { cause: 'no-registered-targets', why: 'The group was empty.' },
  },
];
