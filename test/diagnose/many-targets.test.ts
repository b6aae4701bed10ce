/** A describe answer with very many targets: each list is walked a fixed number of times, however long it is. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readIncident } from '../../src/collect/incident/incident-collectors.ts';
import { diagnoseRecording } from '../../src/commands/diagnose-command.ts';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import type { Instance, NetworkInterface, TargetHealthDescription } from '../../src/evidence/aws.ts';
import type { Collected } from '../../src/evidence/collected.ts';
import type { EvidenceSet } from '../../src/evidence/evidence.ts';

const BLOCKED = join(import.meta.dirname, '../scenarios/002-security-group-blocks-traffic-port');

const recorded = <T>(item: Collected<T>): T => {
  if (item.status !== 'collected') throw new Error(`${item.source} was not recorded`);
  return item.value;
};
const address = (n: number): string => `10.1.${n >> 8}.${n & 255}`;

/** The list, and how often an item of it was read. */
function counted<T>(items: T[]): { list: T[]; reads: () => number } {
  let reads = 0;
  const list = new Proxy(items, {
    get(target, key, receiver) {
      if (typeof key === 'string' && /^[0-9]+$/.test(key)) reads += 1;
      return Reflect.get(target, key, receiver);
    },
  });
  return { list, reads: () => reads };
}

interface Targets {
  id(n: number): string;
  instance?(n: number, like: NetworkInterface): Instance;
  networkInterface?(n: number, like: NetworkInterface): NetworkInterface;
}

const kinds: Record<string, Targets> = {
  'addresses without an interface': { id: address },
  'addresses with an interface each': {
    id: address,
    networkInterface: (n, like) => ({
      ...like,
      NetworkInterfaceId: `eni-${n}`,
      PrivateIpAddress: address(n),
      PrivateIpAddresses: [],
    }),
  },
  'addresses in a prefix of an interface each': {
    id: (n) => address(16 * n),
    networkInterface: (n, like) => ({
      ...like,
      NetworkInterfaceId: `eni-${n}`,
      PrivateIpAddress: `10.2.${n >> 8}.${n & 255}`,
      PrivateIpAddresses: [],
      Ipv4Prefixes: [{ Ipv4Prefix: `${address(16 * n)}/28` }],
    }),
  },
  instances: {
    id: (n) => `i-${n.toString(16).padStart(17, '0')}`,
    instance: (n, { SubnetId, VpcId, Groups }) => ({
      InstanceId: `i-${n.toString(16).padStart(17, '0')}`,
      PrivateIpAddress: address(n),
      SubnetId,
      VpcId,
      SecurityGroups: Groups,
      State: { Name: 'running' },
    }),
  },
};

it.each(Object.entries(kinds))('reads them in proportion to their number: %s', async (_, kind) => {
  const { question, evidence } = await diagnoseRecording(await readIncident(BLOCKED), '');
  const interfaces = recorded(evidence.networkInterfaces);
  const like = interfaces.find(({ RequesterId }) => RequesterId !== 'amazon-elb');
  if (like === undefined) throw new Error('the recording has no interface of a target');
  const [arn = ''] = Object.keys(recorded(evidence.targetHealth));

  const readsOf = (targets: number): number => {
    const numbers = Array.from({ length: targets }, (_one, n) => n);
    const health = counted(
      numbers.map(
        (n): TargetHealthDescription => ({
          Target: { Id: kind.id(n), Port: 8080 },
          TargetHealth: { State: 'healthy' },
        }),
      ),
    );
    const instances = counted(numbers.flatMap((n) => kind.instance?.(n, like) ?? []));
    const own = counted([...interfaces, ...numbers.flatMap((n) => kind.networkInterface?.(n, like) ?? [])]);
    const many: EvidenceSet = {
      ...evidence,
      targetHealth: { status: 'collected', source: 'a test', value: { [arn]: health.list } },
      instances: { status: 'collected', source: 'a test', value: instances.list },
      networkInterfaces: { status: 'collected', source: 'a test', value: own.list },
    };
    expect(diagnose(question, many).networkPaths.length).toBeGreaterThan(targets / 2);
    return health.reads() + instances.reads() + own.reads();
  };
  // Four times as many: sixteen times as much if each target walked the list.
  expect(readsOf(480) / readsOf(120)).toBeLessThan(5);
});

it('reads targets of the log in proportion to their number, though each joined, failed and left', async () => {
  const { question, evidence } = await diagnoseRecording(await readIncident(BLOCKED), '');
  const log = recorded(evidence.accessLog);
  const [failure] = log.failures;
  const [arn = ''] = Object.keys(recorded(evidence.targetHealth));
  if (failure === undefined) throw new Error('the recording has no failure');

  const readsOf = (targets: number): number => {
    const numbers = Array.from({ length: targets }, (_one, n) => n);
    const middle = (question.from + question.to) / 2;
    const logged = counted(
      numbers.map((n) => ({
        target_group_arn: arn,
        target: `${address(n)}:8080`,
        node: null,
        requests: 10,
        failures: 1,
        badRequests: 0,
        // Half of them leave in the middle, when the other half joins.
        firstSeen: n % 2 === 0 ? question.from : middle + n,
        lastSeen: n % 2 === 0 ? middle + n : question.to,
        firstSuccess: n % 2 === 0 ? question.from : middle + n,
        lastSuccess: n % 2 === 0 ? middle + n : question.to,
      })),
    );
    const failures = numbers.map((n) => ({
      ...failure,
      at: middle + n,
      target: `${address(n)}:8080`,
      target_group_arn: arn,
      elb_status_code: '502',
      elapsed: 0.001,
    }));
    const health = counted(
      numbers.map(
        (n): TargetHealthDescription => ({
          Target: { Id: address(n), Port: 8080 },
          TargetHealth: { State: 'healthy' },
        }),
      ),
    );
    const many: EvidenceSet = {
      ...evidence,
      accessLog: { status: 'collected', source: 'a test', value: { ...log, targets: logged.list, failures } },
      targetHealth: { status: 'collected', source: 'a test', value: { [arn]: health.list } },
    };
    diagnose(question, many);
    return logged.reads() + health.reads();
  };
  expect(readsOf(480) / readsOf(120)).toBeLessThan(5);
});
