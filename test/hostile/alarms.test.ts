/**
 * A stranger's text in any field of an alarm stays text in Slack, in the run store and on a terminal, however
 * delivered.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { AlarmLookup } from '../../src/alarms/affected-load-balancers.ts';
import { readMessage } from '../../src/alarms/read-message.ts';
import { alarmArn, envelope, event, resourceOf, snsAlarm } from '../support/alarms/messages.ts';
import { clockAt, instantInvestigator, memoryStore, startProcess } from '../support/alarms/process.ts';
import { HOSTILE_TEXTS } from '../support/incident/hostile.ts';
import { placesIn, withValue } from '../support/incident/json-places.ts';
import { fileFaults, slackFaults, textFaults } from '../support/incident/outputs.ts';
import { fakePoster } from '../support/slack/recording-poster.ts';

const AT = Date.parse('2026-11-20T02:44:00.000Z');
const MINUTE = 60_000;
const TEXTS = Object.values(HOSTILE_TEXTS);

type Write = (message: unknown) => string;
const asSns: Write = (message) => envelope(message);
const asIs: Write = (message) => JSON.stringify(message);

const sns = snsAlarm({ at: AT });
const latency = { ...sns.Trigger, MetricName: 'TargetResponseTime', Threshold: 1 };
const expressions = [
  { Id: 'e1', Expression: 'm1 / m2', ReturnData: true },
  {
    Id: 'm1',
    AccountId: '123456789012',
    MetricStat: {
      Metric: {
        Namespace: 'AWS/ApplicationELB',
        MetricName: 'HTTPCode_ELB_5XX_Count',
        Dimensions: [{ name: 'LoadBalancer', value: resourceOf('shop') }],
      },
      Period: 60,
      Stat: 'Sum',
    },
  },
];
const composite = {
  ...sns,
  Trigger: null,
  AlarmRule: 'ALARM("shop-502") OR ALARM("shop-504")',
  TriggeringChildren: [{ Arn: alarmArn('shop-502') }],
};
const eventWithDescription = (message: ReturnType<typeof event>) => ({
  ...message,
  detail: {
    ...message.detail,
    alarmContributor: { id: 'c1', attributes: { LoadBalancer: resourceOf('shop') } },
    configuration: { ...message.detail.configuration, description: 'Errors of the shop', threshold: 5 },
  },
});

const MESSAGES: [string, unknown, Write][] = [
  ['a metric, by SNS and a queue', sns, asSns],
  ['a metric that counts no errors', { ...sns, Trigger: latency }, asSns],
  ['no load balancer', snsAlarm({ at: AT, loadBalancer: null }), asSns],
  ['an expression', { ...sns, Trigger: { ...sns.Trigger, MetricName: null, Metrics: expressions } }, asSns],
  ['other alarms', composite, asSns],
  ['a metric, by EventBridge', event({ at: AT }), asIs],
  ['a contributor, by EventBridge', eventWithDescription(event({ at: AT })), asIs],
  ['an envelope of SNS', JSON.parse(envelope(sns)), asIs],
];

const foundNothing: AlarmLookup = async () => ({
  loadBalancers: [],
  owners: {},
  accounts: [],
  from: AT,
  sentences: [],
  isTransient: false,
  unrelatedReason: null,
});

let investigator: Awaited<ReturnType<typeof instantInvestigator>>;
beforeAll(async () => {
  investigator = await instantInvestigator('004-one-row-undecided');
});

const OTHER = envelope(snsAlarm({ name: 'other', loadBalancer: resourceOf('other'), at: AT }));
const END = envelope(snsAlarm({ at: AT + 20 * MINUTE, state: 'OK' }));

/** Handles the messages one after another and returns the faults in all output. Only the first gets a thread; the storm note lists the others. */
async function faultsAfter(bodies: readonly string[]): Promise<string[]> {
  const [poster, store, clock] = [fakePoster(), memoryStore(), clockAt(AT + 2000)];
  const process = startProcess({
    poster,
    store,
    clock,
    investigator,
    owner: 'one',
    mostThreads: 1,
    lookup: foundNothing,
  });
  for (const body of bodies) {
    await process.alarms.handle(body);
    await process.idle();
    clock.at += MINUTE;
  }
  await process.alarms.stop(0);
  const records = new Map([...store.objects].map(([key, { body }]) => [key, body]));
  const logged = process.logged.map(({ text }) => text).join('\n');
  return [
    ...poster.messages.flatMap(({ message }) => slackFaults(message)),
    ...fileFaults('record', records),
    ...textFaults('log', logged),
  ];
}

/** A message in words, or why it was ignored. */
const readingOf = (body: string): string => JSON.stringify(readMessage(body));

it.each(MESSAGES)(
  'about %s has no effect with any kind of text in any field',
  { timeout: 120_000 },
  async (_, message, write) => {
    const ordinary = readingOf(write(message));
    const faults: Record<string, string[]> = {};
    let read = 0;
    for (const [at, place] of placesIn(message).entries()) {
      const texts = TEXTS.map((__, number) => TEXTS[(at + number) % TEXTS.length] ?? '');
      const bodies = texts.map((text) => write(withValue(message, place, text)));
      // Most members are never read.
      if (bodies.every((body) => readingOf(body) === ordinary)) continue;
      read += 1;
      const found = await faultsAfter([...bodies, END]);
      if (found.length > 0) faults[JSON.stringify(place)] = [...new Set(found)];
    }
    expect(read).toBeGreaterThan(1);
    expect(faults).toEqual({});
  },
);

const SAMPLES = join(import.meta.dirname, '../alarms/samples');
it.each(globSync('*.json', { cwd: SAMPLES }).sort())('%s of AWS and others, likewise', async (file) => {
  const message: unknown = JSON.parse(readFileSync(join(SAMPLES, file), 'utf8'));
  const bodies = placesIn(message).map((place, at) =>
    JSON.stringify(withValue(message, place, TEXTS[at % TEXTS.length] ?? '')),
  );
  const distinct = new Map(bodies.map((body) => [readingOf(body), body]));
  expect(await faultsAfter([OTHER, ...distinct.values()])).toEqual([]);
});
