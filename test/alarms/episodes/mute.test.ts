/** Muted alarms: no thread during the mute, and one for alarms still firing when it ends. */
import { beforeAll, beforeEach, expect, it } from 'vitest';
import type { Investigator } from '../../../src/investigate/investigator.ts';
import { openMutes } from '../../../src/runs/mutes.ts';
import { type AlarmFields, alarmArn, arnOf, envelope, snsAlarm } from '../../support/alarms/messages.ts';
import {
  clockAt,
  instantInvestigator,
  memoryStore,
  type Process,
  startProcess,
  type TestClock,
} from '../../support/alarms/process.ts';
import { type FakePoster, fakePoster } from '../../support/slack/recording-poster.ts';

const BEGUN = Date.parse('2026-11-20T02:44:00.000Z');
const MINUTE = 60_000;

let investigator: Investigator;
let paper: FakePoster;
let store: ReturnType<typeof memoryStore>;
let clock: TestClock;
let bot: Process;

beforeAll(async () => {
  investigator = await instantInvestigator();
});
beforeEach(() => {
  paper = fakePoster();
  store = memoryStore();
  clock = clockAt(BEGUN + 2000);
  bot = startProcess({ store, poster: paper, investigator, clock, owner: 'one' });
});

const tell = async (told: Partial<AlarmFields> = {}) => {
  const handled = await bot.alarms.handle(envelope(snsAlarm({ at: BEGUN, ...told })));
  await bot.idle();
  return handled;
};
const mutes = () => openMutes(store, { now: () => clock.at, log: { error: (fields) => expect(fields).toBeNull() } });
const shop = { kind: 'load-balancer', key: arnOf('shop'), name: 'shop' } as const;
const alarm = (name: string) => ({ kind: 'alarm', key: alarmArn(name), name }) as const;
const resume = async () => {
  await bot.alarms.resume();
  await bot.idle();
};

it('opens no thread for a muted load balancer, and deletes the message', async () => {
  await mutes().add([shop], 'U0ADA', 4);
  expect(await tell()).toMatchObject({ outcome: 'handled' });
  expect(paper.messages).toEqual([]);
  expect(bot.logged.filter(({ text }) => text === 'no thread: muted').map(({ fields }) => fields)).toMatchObject([
    { muted: 'shop', user: 'U0ADA', until: '2026-11-20T06:44:02.000Z' },
  ]);
});

it('opens the thread when the mute ends while the alarm still fires', async () => {
  await mutes().add([shop], 'U0ADA', 1);
  await tell();
  await resume();
  expect(paper.messages).toEqual([]);
  clock.at = BEGUN + 61 * MINUTE;
  await resume();
  await bot.alarms.stop(0);
  expect(paper.messages.filter(({ target }) => target.channel === 'C0SHOP' && target.thread === null)).toHaveLength(1);
});

it('opens none if the alarm was OK before the mute ended', async () => {
  await mutes().add([shop], 'U0ADA', 1);
  await tell();
  await tell({ state: 'OK', at: BEGUN + 5 * MINUTE });
  clock.at = BEGUN + 61 * MINUTE;
  await resume();
  await bot.alarms.stop(0);
  expect(paper.messages).toEqual([]);
});

it('opens the thread of another alarm if only one alarm is muted', async () => {
  await mutes().add([alarm('shop-502')], 'U0ADA', 4);
  await tell({ name: 'shop-502' });
  expect(paper.messages).toEqual([]);
  await tell({ name: 'shop-504', at: BEGUN + MINUTE });
  expect(paper.messages.length).toBeGreaterThan(0);
});

it('keeps updating a thread that is already open', async () => {
  await tell();
  const before = paper.messages.length;
  await mutes().add([shop], 'U0ADA', 4);
  await tell({ state: 'OK', at: BEGUN + 5 * MINUTE });
  await bot.alarms.stop(0);
  expect(paper.messages.length).toBeGreaterThan(before);
});
