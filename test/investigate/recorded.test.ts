/** Recorded incidents that are asked about as if they were load balancers in AWS. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readIncident } from '../../src/collect/incident/incident-collectors.ts';
import { diagnoseRecording } from '../../src/commands/diagnose-command.ts';
import type { Investigator } from '../../src/investigate/investigator.ts';
import { recordedInvestigator } from '../../src/investigate/recorded.ts';
import { parseQuestion } from '../../src/query/parse-question.ts';
import { incidentFolder } from '../support/aws/live-run.ts';

const SCENARIOS = join(import.meta.dirname, '../scenarios');
const signal = new AbortController().signal;

let all: Investigator;
beforeAll(async () => {
  all = await recordedInvestigator([SCENARIOS]);
});

const asked = async (words: string, investigator = all) => {
  const query = parseQuestion(words);
  return investigator.resolveQuestion(query, await investigator.find(query.loadBalancer ?? '', ['default'], signal));
};

const iso = (time: number) => new Date(time).toISOString().slice(0, 16);

it('lists each load balancer once, by name', () => {
  const names = all.listLoadBalancers().map(({ name }) => name);
  expect(names).toEqual([...new Set(names)].sort());
  expect(names).toEqual(expect.arrayContaining(['shop-prod', 'checkout', 'web-prod']));
});

describe('finding a load balancer', () => {
  it.each([
    ['by name, as the first incident of it', 'shop-prod', '2026-11-18T02:40'],
    ['by a part of a name', 'checko', '2026-11-12T14:10'],
    ['by a part of the name of an incident', 'slow-target', '2026-11-10T19:20'],
    ['by the window', 'shop-prod from 2026-11-10T19:20 to 2026-11-10T19:30', '2026-11-10T19:20'],
    ['by a time of day', 'shop-prod from 19:25 to 19:30', '2026-11-10T19:25'],
  ])('%s', async (_, words, from) => {
    expect(iso((await asked(words)).from)).toBe(from);
  });

  it('takes what the question omits from the recording, and counts from its own now', async () => {
    const { from, to, now, statuses } = await asked('checkout');
    expect([iso(from), iso(to), iso(now), statuses]).toEqual([
      '2026-11-12T14:10',
      '2026-11-12T14:25',
      '2026-11-12T15:25',
      ['gateway'],
    ]);
    expect(iso((await asked('checkout last 2h 504')).from)).toBe('2026-11-12T12:25');
    const { from: start, to: end } = await asked('checkout last 15m');
    expect([iso(start), iso(end)]).toEqual(['2026-11-12T14:10', '2026-11-12T14:25']);
  });

  it.each([
    ['orders', ['default'], /No load balancer 'orders'.*There are: /],
    ['prod', ['default'], /'prod' matches 4 load balancers/],
    ['shop-prod', ['other'], /No load balancer 'shop-prod'/],
  ])('fails for %s of %j', async (name, accounts, says) => {
    await expect(all.find(name, accounts, signal)).rejects.toThrow(says);
  });

  it('fails in a folder without incidents', async () => {
    await expect(recordedInvestigator([import.meta.dirname])).rejects.toThrow(
      'is not a recorded incident and contains none',
    );
  });

  it('fails in the future of the recording', async () => {
    await expect(asked('checkout from 2026-12-01T00:00 to 2026-12-01T01:00')).rejects.toThrow('in the future');
  });
});

describe('diagnosing it', () => {
  it.each(['002', '007', '013'])('as incident %s from the terminal', async (number) => {
    const folder = incidentFolder(number);
    const one = await recordedInvestigator([folder]);
    const [known] = one.listLoadBalancers();
    const { diagnosis } = await one.investigate(await asked(known?.name ?? '', one), { signal });
    expect(diagnosis).toEqual((await diagnoseRecording(await readIncident(folder), '')).diagnosis);
  });

  it('works with the window alone, as after a restart', async () => {
    const { loadBalancer, ...window } = await asked('slow-target');
    const { diagnosis } = await all.investigate({ ...window, loadBalancer: { ...loadBalancer } }, { signal });
    expect(diagnosis.verdict.cause).toBe('slow-target');
  });

  it('reports each step if paced, and stops when interrupted', async () => {
    const one = await recordedInvestigator([incidentFolder('002')], { pace: 3 });
    const inquiry = await asked('checkout', one);
    const done: string[] = [];
    const early: string[] = [];
    await one.investigate(inquiry, {
      signal,
      progress: (name, state) => void (state === 'started' || done.push(name)),
      onInterimDiagnosis: ({ verdict }) => void early.push(verdict.standing),
    });
    expect(done.at(-1)).toBe('accessLog');
    expect(early).toHaveLength(1);
    const ending = new AbortController();
    const slow = await recordedInvestigator([incidentFolder('002')], { pace: 1000 });
    const interrupted = slow.investigate(await asked('checkout', slow), { signal: ending.signal });
    ending.abort();
    await expect(interrupted).rejects.toMatchObject({ exitCode: 130 });
  });
});
