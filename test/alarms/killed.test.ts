/** The process is killed before or after each of its calls; another one continues. */
import { beforeAll, describe, expect, it } from 'vitest';
import { envelope, snsAlarm } from '../support/alarms/messages.ts';
import { clockAt, instantInvestigator, memoryStore, type Process, startProcess } from '../support/alarms/process.ts';
import { type FakePoster, fakePoster, repliesIn } from '../support/slack/recording-poster.ts';

const BEGUN = Date.parse('2026-11-20T02:44:00.000Z');
const MINUTE = 60_000;
const TIMES = [0, 1, 3, 5].map((minutes) => BEGUN + minutes * MINUTE);
const MESSAGES = [
  envelope(snsAlarm({ at: BEGUN })),
  envelope(snsAlarm({ name: 'shop-504', at: BEGUN + MINUTE })),
  envelope(snsAlarm({ name: 'shop-504', at: BEGUN + 3 * MINUTE, state: 'OK' })),
  envelope(snsAlarm({ at: BEGUN + 5 * MINUTE, state: 'OK' })),
];

let investigator: Awaited<ReturnType<typeof instantInvestigator>>;
beforeAll(async () => {
  // Little is to be kept of it, hundreds of times.
  investigator = await instantInvestigator('004-one-row-undecided');
});

interface Outcome {
  paper: FakePoster;
  second: Process;
  calls: number;
  run: Awaited<ReturnType<Process['runs']['recent']>>[number] | undefined;
  kept: {
    thread: { state: string };
    pending: unknown[];
    ends: number;
    episode: { closedAt: string | null; repeats: number };
  };
  store: ReturnType<typeof memoryStore>;
}

interface DiesAt {
  call: number;
  when: 'before' | 'after';
}

/** The queue: a message stays until it was handled, and is delivered to the surviving process. */
async function story(diesAt?: DiesAt, mayLook = true): Promise<Outcome> {
  const paper = fakePoster();
  paper.mayLook = mayLook;
  const store = memoryStore();
  const clock = clockAt(BEGUN + 2000);
  const parts = { store, poster: paper, investigator, clock };
  const first = startProcess({ ...parts, owner: 'first', ...(diesAt ? { diesAt } : {}) });
  const queue = [...MESSAGES];
  // A replica that looks around between the messages, and tidies up what is done.
  const bystander = startProcess({ ...parts, owner: 'bystander' });
  let isAlive = true;
  const dead = first.died.then(() => {
    isAlive = false;
  });
  while (queue.length > 0 && isAlive) {
    const [body = ''] = queue;
    clock.at = Math.max(clock.at, (TIMES[MESSAGES.length - queue.length] ?? 0) + 2000);
    const handled = await Promise.race([first.alarms.handle(body), dead]);
    if (handled !== undefined && handled !== null && 'outcome' in handled) queue.shift();
    // The next message comes when all is quiet; any later call may be the last.
    if (isAlive) await Promise.race([first.idle(), dead]);
    if (isAlive) {
      clock.at += 2 * MINUTE;
      await bystander.alarms.resume();
      await bystander.idle();
    }
  }
  await bystander.alarms.stop(0);
  // Leases lapse.
  clock.at = Math.max(clock.at, BEGUN + 5 * MINUTE) + 3 * MINUTE;
  const second = startProcess({ ...parts, owner: 'second' });
  await second.threads.resume();
  await second.alarms.resume();
  for (const body of queue) expect(await second.alarms.handle(body)).toMatchObject({ outcome: 'handled' });
  await second.idle();
  // What failed for a lease of the dead is tried again.
  for (let round = 0; round < 3; round++) {
    clock.at += 2 * MINUTE;
    await second.alarms.resume();
    await second.idle();
  }
  await Promise.all([second.alarms.stop(1000), second.threads.stop(1000)]);
  const [history] = [...store.objects].filter(([key]) => key.startsWith('alarms/load-balancers/'));
  const [kept] = JSON.parse(history?.[1].body ?? '').episodes;
  const run = (await second.runs.recent(10)).find(({ id }) => id === kept.episode.run);
  return { paper, second, calls: first.calls(), run, kept, store };
}

const roots = (paper: FakePoster) =>
  paper.messages.filter(({ target, runId }) => target.thread === null && runId !== null);

function assertTrue({ paper, run, kept, store }: Outcome): void {
  expect(kept).toMatchObject({
    thread: { state: 'open' },
    ends: 1,
    // Shown, asked again and reported.
    pending: [],
    episode: { closedAt: '2026-11-20T02:49:00.000Z', repeats: 1 },
  });
  // As final as possible: a step of that incident could not be checked.
  expect(run?.state).toBe('partial');
  expect(Date.parse(run?.to ?? '')).toBeGreaterThanOrEqual(BEGUN + 5 * MINUTE);
  expect([...store.objects.keys()].filter((key) => key.startsWith('alarms/busy/'))).toEqual([]);
  expect(paper.messages.length).toBeGreaterThan(3);
}

it('opens one thread with one reply if nothing is killed', async () => {
  const outcome = await story();
  expect(roots(outcome.paper)).toHaveLength(1);
  expect(repliesIn(outcome.paper)).toHaveLength(1);
  assertTrue(outcome);
});

/** Dies at each call in turn, some at a time; what was wrong, and what came of each. */
async function atEveryCall(when: 'before' | 'after', mayLook: boolean, check: (outcome: Outcome) => void) {
  const { calls } = await story();
  const wrong: string[] = [];
  const outcomes: Outcome[] = [];
  const all = Array.from({ length: calls }, (_, at) => at + 1);
  const one = async (): Promise<void> => {
    for (let call = all.shift(); call !== undefined; call = all.shift()) {
      try {
        const outcome = await story({ call, when }, mayLook);
        check(outcome);
        assertTrue(outcome);
        outcomes.push(outcome);
      } catch (error) {
        wrong.push(`call ${call}: ${error instanceof Error ? error.message.slice(0, 300) : error}`);
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, one));
  return { calls, wrong, outcomes };
}

describe.each(['before', 'after'] as const)('killed %s', (when) => {
  it('opens one thread and reaches its final state when killed at any call', { timeout: 200_000 }, async () => {
    const { calls, wrong, outcomes } = await atEveryCall(when, true, ({ paper }) => {
      expect(roots(paper)).toHaveLength(1);
      expect(repliesIn(paper).length).toBeGreaterThan(0);
      expect(repliesIn(paper).length).toBeLessThanOrEqual(2);
    });
    expect(wrong).toEqual([]);
    expect(calls).toBeGreaterThan(100);
    // chat.postMessage has no key: between the post of a reply and the note of it nothing tells.
    expect(outcomes.filter(({ paper }) => repliesIn(paper).length === 2).length).toBeLessThanOrEqual(3);
  });
});

it('opens at most one more thread, which says so, when killed after a post in a channel it cannot read', {
  timeout: 200_000,
}, async () => {
  const { wrong, outcomes } = await atEveryCall('after', false, ({ paper }) => {
    expect([1, 2]).toContain(roots(paper).length);
  });
  expect(wrong).toEqual([]);
  const doubled = outcomes.filter(({ paper }) => roots(paper).length === 2);
  // From the post to the note of it there are a few calls.
  expect(doubled.length).toBeGreaterThan(0);
  expect(doubled.length).toBeLessThanOrEqual(3);
});
