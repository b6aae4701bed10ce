/** Situations in which packets are dropped or changed before the application sees them. */
import { ordinary, people, TARGET_PORT } from '../places.ts';
import type { Situation } from '../situation.ts';

/** Rules on the first target between two seconds. */
const filtered =
  (from: number, to: number, ...rules: string[]): NonNullable<Situation['meanwhile']> =>
  async ({ network, addresses: [first = ''], at }) => {
    await at(from);
    network.filterInput(first, rules);
    await at(to);
    network.filterInput(first, []);
  };

export const paths: readonly Situation[] = [
  {
    name: 'connections-dropped',
    server: 'gunicorn-20.1-sync',
    what: 'A firewall on one host drops new connections, and the server keeps none open.',
    seconds: 130,
    targets: 3,
    clients: people(10, ordinary),
    meanwhile: filtered(40, 130, `tcp dport ${TARGET_PORT} tcp flags & (syn | ack) == syn drop`),
    expected: {
      cause: 'target-unreachable',
      why: 'Security groups and ACLs let it through, one target does not answer.',
    },
  },
  {
    name: 'connections-reset',
    server: 'node-24',
    what: 'A firewall on one host answers each packet with RST.',
    seconds: 110,
    isNightly: true,
    targets: 3,
    clients: people(10, ordinary),
    meanwhile: filtered(40, 110, `tcp dport ${TARGET_PORT} reject with tcp reset`),
    truth: { 'keep-alive-race': 'connection-refused', 'closed-mid-request': 'connection-refused' },
    expected: { cause: 'connection-refused', why: 'One target refuses; what was open is reset with it.' },
  },
  {
    name: 'connections-rejected',
    server: 'gunicorn-20.1-sync',
    what: 'A firewall on one host rejects with ICMP, whose rate the kernel limits.',
    seconds: 130,
    targets: 3,
    clients: people(10, ordinary),
    meanwhile: filtered(
      40,
      130,
      `tcp dport ${TARGET_PORT} tcp flags & (syn | ack) == syn reject with icmp port-unreachable`,
    ),
    truth: { 'target-unreachable': 'connection-refused' },
    expected: {
      cause: 'connection-refused',
      why: 'One origin: some rejects are lost to the rate limit, and those connects time out.',
    },
  },
  {
    name: 'host-lost-power',
    server: 'node-24',
    what: 'A host is gone from one moment to the next; it stays registered.',
    seconds: 120,
    targets: 3,
    idleTimeoutSeconds: 20,
    clients: people(10, ordinary),
    meanwhile: async ({ network, addresses: [first = ''], at }) => {
      await at(50);
      network.cutOff(first);
    },
    truth: { 'slow-target': 'target-unreachable' },
    expected: {
      cause: 'target-unreachable',
      why: 'It answered until then, and its peers behind the same rules go on.',
    },
  },
  {
    name: 'backlog-overflow',
    server: 'gunicorn-20.1-sync',
    what: 'A burst meets a listen queue of two and slow workers: the kernel drops SYNs.',
    seconds: 100,
    idleTimeoutSeconds: 30,
    args: ['--backlog', '2', '--workers', '1'],
    clients: people(14, [{ weight: 1, method: 'GET', path: '/api/products/{n}', headers: { 'X-Lab-Work': '150' } }]),
    expected: { cause: 'target-unreachable', why: 'Connects that succeed took 1, 3 or 7 s more: SYNs were repeated.' },
  },
  {
    name: 'nothing-listens-on-one',
    server: 'go',
    what: 'One of three targets stops at once and is not started again.',
    seconds: 110,
    targets: 3,
    clients: people(10, ordinary),
    meanwhile: async ({ addresses: [first = ''], at, stop }) => {
      await at(45);
      await stop(first, 'SIGKILL');
    },
    truth: { 'closed-mid-request': 'connection-refused', 'keep-alive-race': 'connection-refused' },
    expected: { cause: 'connection-refused', why: 'One target refuses from one moment on.' },
  },
  {
    name: 'https-to-plaintext',
    server: 'go',
    what: 'The target group speaks HTTPS, the targets HTTP.',
    seconds: 90,
    group: { protocol: 'HTTPS' },
    clients: people(4, ordinary),
    truth: { 'tls-handshake-failure': 'protocol-mismatch' },
    expected: {
      between: ['tls-handshake-failure', 'protocol-mismatch'],
      why: 'Handshakes fail; that the port is plaintext only a look at the target shows.',
    },
  },
  {
    name: 'http-to-tls',
    server: 'node-22',
    what: 'The target group speaks HTTP, the targets HTTPS: Node.js closes the connection.',
    seconds: 90,
    tls: true,
    clients: people(4, ordinary),
    truth: { 'closed-mid-request': 'protocol-mismatch', 'keep-alive-race': 'protocol-mismatch' },
    expected: {
      between: ['protocol-mismatch'],
      why: 'Every request is closed at once; a broken application could do that.',
    },
  },
];
