/**
 * Continues from the state that release 0.1 left when killed (records-0.1: the store and the channel at each distinct
 * point).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import * as z from 'zod';
import { StoredHistory } from '../../src/alarms/episodes/stored-history.ts';
import { envelope, snsAlarm } from '../support/alarms/messages.ts';
import { clockAt, instantInvestigator, memoryStore, startProcess } from '../support/alarms/process.ts';
import { fakePoster, type PostedMessage, repliesIn } from '../support/slack/recording-poster.ts';

const FOLDER = join(import.meta.dirname, 'records-0.1');
const BEGUN = Date.parse('2026-11-20T02:44:00.000Z');
const MINUTE = 60_000;
const MESSAGES = [
  envelope(snsAlarm({ at: BEGUN })),
  envelope(snsAlarm({ name: 'shop-504', at: BEGUN + MINUTE })),
  envelope(snsAlarm({ name: 'shop-504', at: BEGUN + 3 * MINUTE, state: 'OK' })),
  envelope(snsAlarm({ at: BEGUN + 5 * MINUTE, state: 'OK' })),
];

const Left = z.object({
  /** Messages that were handled. */
  handled: z.number(),
  at: z.number(),
  /** By key; "diagnosis.json" refers to that file. */
  objects: z.record(z.string(), z.string()),
  messages: z.array(
    z.object({
      ts: z.string(),
      target: z.object({ channel: z.string(), thread: z.string().nullable() }),
      runId: z.string().nullable(),
      edits: z.number(),
    }),
  ),
});

let investigator: Awaited<ReturnType<typeof instantInvestigator>>;
beforeAll(async () => {
  investigator = await instantInvestigator('004-one-row-undecided');
});

const files = readdirSync(FOLDER).filter((file) => file !== 'diagnosis.json');

it.each(files)('ends up with one completed thread, from %s', async (file) => {
  const left = Left.parse(JSON.parse(readFileSync(join(FOLDER, file), 'utf8')));
  const store = memoryStore();
  for (const [key, body] of Object.entries(left.objects)) {
    const content = body === 'diagnosis.json' ? readFileSync(join(FOLDER, body), 'utf8') : body;
    await store.write(key, content, 'absent');
  }
  const paper = fakePoster();
  const posted = left.messages.map((one): PostedMessage => ({ ...one, message: { text: 'of 0.1', blocks: [] } }));
  paper.messages.push(...posted);
  paper.lastTs = posted.length;
  // Leases of the dead have lapsed.
  const clock = clockAt(Math.max(left.at, BEGUN + 5 * MINUTE) + 3 * MINUTE);
  const bot = startProcess({ store, poster: paper, investigator, clock, owner: 'second' });
  await bot.threads.resume();
  await bot.alarms.resume();
  for (const body of MESSAGES.slice(left.handled))
    expect(await bot.alarms.handle(body)).toMatchObject({ outcome: 'handled' });
  await bot.idle();
  await Promise.all([bot.alarms.stop(1000), bot.threads.stop(1000)]);

  const roots = paper.messages.filter(({ target, runId }) => target.thread === null && runId !== null);
  expect(roots).toHaveLength(1);
  expect(repliesIn(paper)).toHaveLength(1);
  const [history] = [...store.objects].filter(([key]) => key.startsWith('alarms/load-balancers/'));
  const { episodes } = StoredHistory.parse(JSON.parse(history?.[1].body ?? ''));
  expect(episodes).toMatchObject([
    { thread: { state: 'open' }, pending: [], ends: 1, episode: { closedAt: '2026-11-20T02:49:00.000Z', repeats: 1 } },
  ]);
  expect((await bot.runs.recent(5)).find(({ id }) => id === episodes[0]?.episode.run)).toMatchObject({
    state: 'partial',
  });
  expect(await bot.runs.open()).toEqual([]);
});
