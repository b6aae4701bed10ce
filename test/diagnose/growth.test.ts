/** The time of a diagnosis grows linearly with the number of failing routes and targets, and of changes. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readIncident } from '../../src/collect/incident/incident-collectors.ts';
import { diagnoseRecording } from '../../src/commands/diagnose-command.ts';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import type { Collected } from '../../src/evidence/collected.ts';
import type { EvidenceSet } from '../../src/evidence/evidence.ts';

const recorded = async (name: string) =>
  diagnoseRecording(await readIncident(join(import.meta.dirname, '../scenarios', name)), '');

const collected = <T>(item: Collected<T>): T => {
  if (item.status !== 'collected') throw new Error(`${item.source} was not recorded`);
  return item.value;
};

/** `count` items: these, repeated. */
const repeated = <T>(items: readonly T[], count: number): T[] =>
  Array.from({ length: count }, (_, n) => items[n % items.length] as T);

/** Failures with this status, each on a target of its own. */
const onTargets =
  (status: string) =>
  (evidence: EvidenceSet, count: number): EvidenceSet => {
    const log = collected(evidence.accessLog);
    const [failure] = log.failures.filter(({ elb_status_code }) => elb_status_code === status);
    const [traffic] = log.targets.filter(({ target }) => target === failure?.target);
    if (failure === undefined || traffic === undefined) throw new Error(`the recording has no ${status} of a target`);
    const target = (n: number) => `10.0.${n >> 8}.${n & 255}:8080`;
    const value = {
      ...log,
      failures: repeated([failure], count).map((one, n) => ({ ...one, at: one.at + n / 1000, target: target(n) })),
      targets: repeated([traffic], count).map((one, n) => ({ ...one, target: target(n) })),
    };
    return { ...evidence, accessLog: { status: 'collected', source: 'a test', value } };
  };

const KINDS: [string, string, (evidence: EvidenceSet, count: number) => EvidenceSet][] = [
  [
    'failing routes',
    '003-connection-refused',
    (evidence, count) => {
      const log = collected(evidence.accessLog);
      const [failure] = log.failures.filter(({ elb_status_code }) => elb_status_code === '502');
      const run = log.outages?.find(({ target }) => target === failure?.target);
      if (failure === undefined || run === undefined) throw new Error('the recording has no outage');
      const value = {
        ...log,
        failures: repeated([failure], count).map((one, n) => ({ ...one, at: one.at + n / 1000, route: `GET /r${n}` })),
        outages: [{ ...run, first: failure.at - 1, last: failure.at + count }],
      };
      return { ...evidence, accessLog: { status: 'collected', source: 'a test', value } };
    },
  ],
  ['targets that cannot be reached', '002-security-group-blocks-traffic-port', onTargets('504')],
  ['targets that refuse connections', '003-connection-refused', onTargets('502')],
  [
    'changes',
    '040-blue-green-switched-back',
    (evidence, count) => {
      const value = repeated(collected(evidence.changes), count);
      return { ...evidence, changes: { status: 'collected', source: 'a test', value } };
    },
  ],
];

/** Milliseconds of this thread's CPU, not of a busy machine's clock. */
function cpuOf(work: () => unknown): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

it.each(KINDS)('%s take time in proportion to their number', { timeout: 120_000 }, async (_, name, many) => {
  const { question, evidence } = await recorded(name);
  const [few, eight] = [many(evidence, 2_000), many(evidence, 16_000)];
  diagnose(question, few);
  // Garbage collection in one of the two runs can double the ratio, so the lowest of a few counts.
  let ratio = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 5 && ratio >= 16; tries += 1)
    ratio = Math.min(ratio, cpuOf(() => diagnose(question, eight)) / cpuOf(() => diagnose(question, few)));
  expect(ratio).toBeLessThan(16);
});
