/** The channels after alarms, with real threads and a recording poster. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AffectedLoadBalancers } from '../../../src/alarms/affected-load-balancers.ts';
import { idOfHistory, keyOfHistory } from '../../../src/alarms/episodes/episode-record.ts';
import type { Investigator } from '../../../src/investigate/investigator.ts';
import { Problem } from '../../../src/problem.ts';
import { nextAttemptOf } from '../../../src/runs/run.ts';
import type { Store } from '../../../src/runs/store/store.ts';
import type { FileMessage, Message } from '../../../src/slack/messages/message.ts';
import {
  ACCOUNT,
  type AlarmFields,
  arnOf,
  envelope,
  event,
  resourceOf,
  snsAlarm,
} from '../../support/alarms/messages.ts';
import {
  clockAt,
  instantInvestigator,
  memoryStore,
  type Process,
  type ProcessParts,
  startProcess,
  type TestClock,
} from '../../support/alarms/process.ts';
import { eventually } from '../../support/eventually.ts';
import { refusalsOf } from '../../support/slack/block-kit.ts';
import { type FakePoster, fakePoster, repliesIn } from '../../support/slack/recording-poster.ts';

const BEGUN = Date.parse('2026-11-20T02:44:00.000Z');
const MINUTE = 60_000;
const BANK_ROLE = 'arn:aws:iam::123456789012:role/alb502';

let investigator: Awaited<ReturnType<typeof instantInvestigator>>;
let paper: FakePoster;
let store: ReturnType<typeof memoryStore>;
let clock: TestClock;
let bot: Process;

/** One metric of a metric math alarm: the 502 of a load balancer, of another account where it is named. */
const metricOf = (name: string, AccountId?: string) => ({
  ...(AccountId === undefined ? {} : { AccountId }),
  Id: name,
  MetricStat: {
    Metric: {
      Namespace: 'AWS/ApplicationELB',
      MetricName: 'HTTPCode_ELB_502_Count',
      Dimensions: [{ name: 'LoadBalancer', value: resourceOf(name) }],
    },
    Period: 60,
  },
});

const started = (more: Partial<ProcessParts> = {}): Process =>
  startProcess({ store, poster: paper, investigator: investigator as Investigator, clock, owner: 'one', ...more });

beforeAll(async () => {
  investigator = await instantInvestigator();
});
beforeEach(() => {
  paper = fakePoster();
  store = memoryStore();
  clock = clockAt(BEGUN + 2000);
  investigator.asked.length = 0;
  bot = started();
});

const body = (told: Partial<AlarmFields> = {}) => envelope(snsAlarm({ at: BEGUN, ...told }));
const tell = async (told: Partial<AlarmFields> = {}, to = bot) => {
  const handled = await to.alarms.handle(body(told));
  await to.idle();
  return handled;
};

/** A composite alarm: what it is about is looked up. */
const composed = (name: string): string => {
  const { Trigger: _, ...plain } = snsAlarm({ at: BEGUN, name });
  return envelope({ ...plain, AlarmRule: 'ALARM(shop-502)', TriggeringChildren: [] });
};
const ABOUT_SHOP: AffectedLoadBalancers = {
  loadBalancers: [resourceOf('shop')],
  owners: { [resourceOf('shop')]: ACCOUNT },
  accounts: [ACCOUNT],
  from: BEGUN - 10 * MINUTE,
  sentences: [],
  isTransient: false,
  unrelatedReason: null,
};
const THROTTLED: AffectedLoadBalancers = {
  ...ABOUT_SHOP,
  loadBalancers: [],
  sentences: ['cloudwatch:DescribeAlarms was throttled.'],
  isTransient: true,
};

const textOf = (message: Message | FileMessage): string => ('text' in message ? message.text : message.comment);
/** The root messages of a channel; notes among them have no run. */
const roots = (channel = 'C0SHOP') =>
  paper.messages.filter(
    ({ target, runId }) => target.channel === channel && target.thread === null && /^\d{8}t/.test(runId ?? ''),
  );
const notes = (channel: string) =>
  paper.messages.filter(
    ({ target, runId }) => target.channel === channel && target.thread === null && !/^\d{8}t/.test(runId ?? ''),
  );
/** Replies that are not of the thread's own messages. */
const replies = () => repliesIn(paper).map(({ message }) => textOf(message));
const episode = async () => {
  const [history] = [...store.objects].filter(([key]) => key.startsWith('alarms/load-balancers/'));
  return JSON.parse(history?.[1].body ?? '{"episodes":[]}').episodes.map((kept: { episode: unknown }) => kept.episode);
};

describe('one alarm', () => {
  it('opens a thread in its channel, with the window from before the first breach to now', async () => {
    expect(await tell()).toEqual({ outcome: 'handled', transition: ['opened'] });
    expect(roots()).toHaveLength(1);
    expect(investigator.asked).toEqual([
      { from: Date.parse('2026-11-20T02:37:00Z'), to: expect.closeTo(BEGUN + 2000, -4) },
    ]);
    const [run] = await bot.runs.recent(5);
    expect(run).toMatchObject({
      askedBy: { kind: 'alarm', alarmName: 'shop-502' },
      loadBalancer: { name: 'shop', account: 'default', region: 'eu-west-1' },
      state: 'final',
    });
    expect(await episode()).toMatchObject([{ run: run?.id, closedAt: null, repeats: 0 }]);
  });

  it('counts repeats in its thread', async () => {
    await tell();
    const edits = roots()[0]?.edits ?? 0;
    await tell({ at: BEGUN + 3 * MINUTE });
    await tell({ at: BEGUN + 6 * MINUTE });
    expect(roots()).toHaveLength(1);
    expect(roots()[0]?.edits).toBeGreaterThanOrEqual(edits + 2);
    expect(await episode()).toMatchObject([{ repeats: 2, alarms: [{ times: 3 }] }]);
  });

  it('is diagnosed again when it ends, and gets one reply with duration, errors and verdict', async () => {
    await tell();
    clock.at = BEGUN + 14 * MINUTE;
    await tell({ state: 'OK', at: BEGUN + 13 * MINUTE + 4000 });
    expect(investigator.asked.at(-1)).toEqual({ from: Date.parse('2026-11-20T02:37:00Z'), to: BEGUN + 14 * MINUTE });
    expect(replies()).toHaveLength(1);
    expect(replies()[0]).toMatch(/^Over after 13 min: shop-502 OK since 02:57:04 UTC/);
    expect(replies()[0]).toMatch(/02:37–02:58/);
    expect(replies()[0]).toMatch(/Verdict: .*[Kk]eep-alive race/);
    expect(await episode()).toMatchObject([{ closedAt: '2026-11-20T02:57:04.000Z' }]);
  });

  it('is diagnosed again once the logs are complete and after its end, also by another process', async () => {
    const arriving: Investigator = {
      ...investigator,
      async investigate(inquiry, surroundings) {
        const answer = await investigator.investigate(inquiry, surroundings);
        const provisional = inquiry.now < inquiry.to + 15 * MINUTE;
        return { ...answer, diagnosis: { ...answer.diagnosis, provisional } };
      },
    };
    bot = started({ investigator: arriving });
    await tell();
    const [run] = await bot.runs.recent(1);
    const to = Date.parse(run?.to ?? '');
    expect(run).toMatchObject({ state: 'provisional', nextAttemptAt: new Date(to + 6 * MINUTE).toISOString() });
    // It is stopped, and another one is started.
    await Promise.all([bot.alarms.stop(0), bot.threads.stop(0)]);
    clock.at = to + 6 * MINUTE;
    const next = started({ owner: 'two', investigator: arriving });
    await next.threads.resume();
    await next.alarms.resume();
    await eventually(() => expect(investigator.asked).toHaveLength(2));
    await next.idle();
    expect(investigator.asked[1]).toEqual({ from: investigator.asked[0]?.from, to: to + 6 * MINUTE });
    await next.alarms.handle(body({ state: 'OK', at: BEGUN + 8 * MINUTE }));
    clock.at = BEGUN + 9 * MINUTE;
    await next.idle();
    expect(investigator.asked).toHaveLength(3);
    expect(investigator.asked[2]?.to).toBeGreaterThanOrEqual(BEGUN + 8 * MINUTE - 1);
    expect(replies()).toHaveLength(1);
    expect(replies()[0]).toContain('provisional');
    const [ended] = await next.runs.recent(1);
    expect(ended).toMatchObject({ nextAttemptAt: expect.any(String) });
    await Promise.all([next.alarms.stop(0), next.threads.stop(0)]);
    // The log is complete, so the next asker gets a final statement about the end.
    clock.at = Date.parse(ended?.to ?? '') + 15 * MINUTE;
    const last = started({ owner: 'three', investigator: arriving });
    await last.threads.resume();
    await last.idle();
    await Promise.all([last.alarms.stop(0), last.threads.stop(0)]);
    expect((await last.runs.recent(1))[0]?.state).toBe('final');
    expect(replies()).toEqual([
      expect.stringMatching(/^Over after 8 min: .*Verdict: .*keep-alive race \(likely\)\.$/s),
    ]);
  });

  it('is diagnosed up to now while it lasts, not forever, and finally after its end', async () => {
    const arriving: Investigator = {
      ...investigator,
      async investigate(inquiry, surroundings) {
        const answer = await investigator.investigate(inquiry, surroundings);
        return {
          ...answer,
          diagnosis: { ...answer.diagnosis, provisional: inquiry.now < inquiry.to + 15 * MINUTE },
        };
      },
    };
    bot = started({ investigator: arriving });
    await tell();
    /** Continues at the run's next due time until there is none. */
    const settled = async () => {
      for (let ask = 0; ask < 20; ask++) {
        const [run] = await bot.runs.recent(1);
        const due = run === undefined ? null : nextAttemptOf(run);
        if (due === null) return run?.state;
        clock.at = Math.max(clock.at, Date.parse(due));
        const next = started({ owner: `at ${clock.at}`, investigator: arriving });
        await next.threads.resume();
        await next.idle();
        await Promise.all([next.alarms.stop(0), next.threads.stop(0)]);
      }
      throw new Error('it is asked again for ever');
    };
    const minutes = () => investigator.asked.map(({ to }) => Math.round((to - BEGUN) / MINUTE));
    expect(await settled()).toBe('final');
    expect(minutes()).toEqual([0, 6, 12, 12, 12, 12]);
    clock.at = BEGUN + 40 * MINUTE;
    investigator.asked.length = 0;
    await tell({ state: 'OK', at: clock.at });
    expect(await settled()).toBe('final');
    expect(minutes()).toEqual([40, 40, 40, 40]);
    expect(textOf(roots()[0]?.message as Message)).toMatch(/over after 40 min[\s\S]*, final/);
  });

  it('opens one thread and counts no repeat when delivered a hundred times', async () => {
    await Promise.all(Array.from({ length: 100 }, () => bot.alarms.handle(body())));
    for (let again = 0; again < 20; again++) await bot.alarms.handle(JSON.stringify(event({ at: BEGUN })));
    await bot.idle();
    expect(roots()).toHaveLength(1);
    expect(await episode()).toMatchObject([{ repeats: 0 }]);
  });

  it('keeps its thread when it flaps, with one reply about its end in half an hour', async () => {
    await tell();
    for (let round = 1; round <= 4; round++) {
      clock.at = BEGUN + (round * 5 - 2) * MINUTE;
      await tell({ state: 'OK', at: clock.at });
      clock.at = BEGUN + round * 5 * MINUTE;
      await tell({ at: clock.at });
    }
    expect(roots()).toHaveLength(1);
    expect(replies()).toEqual([
      'Back in ALARM: shop-502 since 03:04 UTC, after clearing.\nThe first message of this thread shows the current state.',
    ]);
    const later = async (minutes: number, state: 'ALARM' | 'OK') => {
      const at = BEGUN + minutes * MINUTE;
      clock.at = Math.max(clock.at, at);
      await tell({ state, at });
    };
    await later(22, 'OK');
    // No reply more so soon: the one that is there says it.
    expect(replies()).toEqual([expect.stringMatching(/^Over after 22 min: shop-502 OK since 03:06 UTC/)]);
    await later(24, 'ALARM');
    await later(64, 'OK');
    expect(replies()).toEqual([
      'Recovered, then went back into ALARM. A later reply says how it ended.',
      expect.stringMatching(/^Over after 1 h 4 min: shop-502 OK since 03:48 UTC/),
    ]);
    clock.at += 20 * MINUTE;
    await tell({ at: clock.at });
    expect(roots()).toHaveLength(2);
  });

  it('gets a thread that has ended if its OK arrives before its ALARM', async () => {
    clock.at = BEGUN + 10 * MINUTE;
    await tell({ state: 'OK', at: BEGUN + 5 * MINUTE });
    expect(roots()).toHaveLength(0);
    await tell();
    expect(roots()).toHaveLength(1);
    expect(replies()).toHaveLength(1);
    expect(investigator.asked).toEqual([{ from: Date.parse('2026-11-20T02:37:00Z'), to: BEGUN + 6 * MINUTE }]);
  });
});

describe('several alarms', () => {
  it('share one thread per load balancer, which ends with the last of them', async () => {
    await tell({ name: 'shop-502' });
    await tell({ name: 'shop-504', at: BEGUN + MINUTE });
    await tell({ name: 'shop-502', state: 'OK', at: BEGUN + 3 * MINUTE });
    expect(replies()).toHaveLength(0);
    await tell({ name: 'shop-504', state: 'OK', at: BEGUN + 5 * MINUTE });
    expect(roots()).toHaveLength(1);
    expect(replies()).toHaveLength(1);
    expect(replies()[0]).toContain('shop-502 and shop-504');
  });

  it('share it when they arrive at the same moment', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    await Promise.all(names.map((name, at) => bot.alarms.handle(body({ name, at: BEGUN + at * 1000 }))));
    await bot.idle();
    expect(roots()).toHaveLength(1);
    expect(await episode()).toMatchObject([{ alarms: { length: 5 } }]);
  });

  it('get a thread per load balancer, in the channel of each', async () => {
    await tell();
    await tell({ loadBalancer: resourceOf('api'), name: 'api-502' });
    expect(roots()).toHaveLength(1);
    expect(roots('C0DEFAULT')).toHaveLength(1);
  });

  it('get ten threads and one note when two hundred arrive in a minute; the rest get theirs later', async () => {
    const names = Array.from({ length: 200 }, (_, number) => `lb-${String(number).padStart(3, '0')}`);
    const message = (name: string, state: 'ALARM' | 'OK' = 'ALARM', at = BEGUN) =>
      body({ name: `${name}-502`, loadBalancer: resourceOf(name), state, at });
    const handled = await Promise.all(names.map((name) => bot.alarms.handle(message(name))));
    await bot.idle();
    expect(handled.every(({ outcome }) => outcome === 'handled')).toBe(true);
    expect(roots('C0DEFAULT')).toHaveLength(10);
    await bot.alarms.resume();
    await bot.idle();
    expect(notes('C0DEFAULT')).toHaveLength(1);
    expect(textOf(notes('C0DEFAULT')[0]?.message as Message)).toMatch(
      /^190 more load balancers in ALARM since 02:44:\d\d UTC, beyond those with a thread here\./,
    );
    expect(refusalsOf({ ...notes('C0DEFAULT')[0]?.message }, 'message')).toEqual([]);
    // Half of them are well before their turn comes.
    for (const name of names.slice(100)) await bot.alarms.handle(message(name, 'OK', BEGUN + 3 * MINUTE));
    for (let round = 0; round < 30; round++) {
      clock.at += 5 * MINUTE + 1000;
      await bot.alarms.resume();
      await bot.idle();
    }
    await bot.alarms.stop(0);
    expect(roots('C0DEFAULT')).toHaveLength(100);
    const found = await bot.runs.recent(300);
    const inAlarm = new Set(names.slice(0, 100));
    const missing = [...inAlarm].filter((name) => !found.some(({ loadBalancer }) => loadBalancer.name === name));
    expect(missing).toEqual([]);
    expect(textOf(notes('C0DEFAULT')[0]?.message as Message)).toContain(
      'Every load balancer listed here now has a thread or has recovered.',
    );
    expect([...store.objects.keys()].filter((key) => key.startsWith('alarms/busy/'))).toEqual([]);
  });
});

it('are "at least" that many in the note while it cannot list all', { timeout: 240_000 }, async () => {
  const names = Array.from({ length: 520 }, (_, number) => `lb-${String(number).padStart(3, '0')}`);
  const all = names.map((name) => bot.alarms.handle(body({ name: `${name}-502`, loadBalancer: resourceOf(name) })));
  await Promise.all(all);
  const said = async () => {
    await bot.idle();
    return textOf(notes('C0DEFAULT')[0]?.message as Message);
  };
  for (let look = 0; look < 3; look++) {
    expect(await said()).toMatch(/^At least 500 more load balancers in ALARM.*\nAt least 500 without a thread[.]/s);
    expect(await said()).toContain('and at least 485 more. To diagnose one now');
    await bot.alarms.resume();
  }
  // Ten get their threads, and the ten that were not listed are.
  for (let round = 0; round < 3; round++) {
    clock.at += 5 * MINUTE + 1000;
    await bot.alarms.resume();
    await bot.idle();
    await bot.alarms.resume();
  }
  await said();
  await bot.alarms.stop(0);
  expect(await said()).toMatch(/^510 more load balancers in ALARM.*\n480 without a thread[.]/s);
  expect(roots('C0DEFAULT')).toHaveLength(40);
});

it('return to the note when reopened without a thread, and leave it when they end', async () => {
  bot = started({ mostThreads: 1 });
  await tell({ name: 'api-502', loadBalancer: resourceOf('api') });
  const other = { name: 'web-502', loadBalancer: resourceOf('web') };
  await tell({ ...other });
  await tell({ ...other, state: 'OK', at: BEGUN + MINUTE });
  await tell({ ...other, at: BEGUN + 2 * MINUTE });
  const said = () => textOf(notes('C0DEFAULT')[0]?.message as Message);
  await bot.alarms.resume();
  await bot.idle();
  expect(said()).toContain('1 without a thread');
  await tell({ ...other, state: 'OK', at: BEGUN + 3 * MINUTE });
  await bot.alarms.resume();
  await bot.idle();
  await bot.alarms.stop(0);
  expect(said()).toContain('Every load balancer listed here now has a thread or has recovered.');
});

it('get their threads in a channel that may show the account, if that is restricted while they wait', async () => {
  bot = started({ mostThreads: 1 });
  await tell({ name: 'api-502', loadBalancer: resourceOf('api') });
  await tell({ name: 'web-502', loadBalancer: resourceOf('web') });
  await bot.alarms.stop(0);
  expect(roots('C0DEFAULT')).toHaveLength(1);
  clock.at += 6 * MINUTE;
  bot = started({ owner: 'two', accounts: [{ name: 'bank', roleArn: BANK_ROLE, channels: ['C0BANK'] }] });
  await bot.alarms.resume();
  await bot.idle();
  await bot.alarms.stop(0);
  expect(roots('C0DEFAULT')).toHaveLength(1);
  expect(roots('C0BANK')).toHaveLength(1);
});

describe('an outage', () => {
  it('uses the default channel, with a sentence, if the bot is not in a channel', async () => {
    paper.faults.push('not-in-channel');
    await tell();
    expect(roots()).toHaveLength(0);
    expect(roots('C0DEFAULT')).toHaveLength(1);
    expect(replies()).toEqual([
      'This thread belongs in <#C0SHOP> (C0SHOP), but alb502 is not in that channel. Invite it there.',
    ]);
  });

  it('returns the message to the queue if no channel accepts posts, and opens the thread once one does', async () => {
    for (let post = 0; post < 40; post++) paper.faults.push('not-in-channel');
    expect(await bot.alarms.handle(body())).toEqual({
      outcome: 'again',
      why: expect.stringContaining('not in this channel'),
    });
    await bot.idle();
    expect(paper.messages).toEqual([]);
    paper.faults.length = 0;
    clock.at += 2 * MINUTE;
    await bot.alarms.resume();
    await bot.idle();
    await bot.alarms.stop(0);
    expect([...roots(), ...roots('C0DEFAULT')]).toHaveLength(1);
  });

  it('says in the other thread that one of two load balancers has none', async () => {
    const { Trigger, AlarmArn: _, AWSAccountId: __, ...plain } = snsAlarm({ at: BEGUN });
    const gone = async (): Promise<never> => {
      throw new Problem('There is no load balancer api any more.', 1);
    };
    bot = started({ investigator: { ...investigator, find: gone } as Investigator });
    const AlarmArn = 'arn:aws:cloudwatch:eu-west-1::alarm:both';
    const math = { ...plain, AlarmArn, Trigger: { Metrics: [metricOf('shop', '123456789012'), metricOf('api')] } };
    expect(Trigger.Period).toBe(60);
    expect(await bot.alarms.handle(envelope(math))).toMatchObject({ transition: ['opened'] });
    await bot.idle();
    expect(replies()).toEqual(['There is no load balancer api any more.']);
  });

  it('opens the thread after Slack was down for ten minutes, and receives nothing meanwhile', async () => {
    paper.isDown = true;
    const handled = bot.alarms.handle(body());
    let isDone = false;
    void handled.then(() => {
      isDone = true;
    });
    const missing = () => bot.logged.filter(({ fields }) => fields.dependency === 'slack').length;
    // The threads try for some seconds of their own before they give up.
    await eventually(() => expect(missing()).toBeGreaterThan(0));
    clock.at = BEGUN + 10 * MINUTE;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isDone).toBe(false);
    expect(roots()).toHaveLength(0);
    paper.isDown = false;
    expect(await handled).toEqual({ outcome: 'handled', transition: [expect.any(String)] });
    await bot.idle();
    expect(roots()).toHaveLength(1);
  });

  it('opens the thread after the store was down', async () => {
    let refusals = 6;
    const moody: Store = {
      ...store,
      async write(...given) {
        if (refusals > 0) {
          refusals -= 1;
          throw new Problem('AccessDenied', 2);
        }
        return store.write(...given);
      },
    };
    bot = started({ store: moody });
    expect(await tell()).toMatchObject({ outcome: 'handled' });
    expect(roots()).toHaveLength(1);
    expect(bot.logged.some(({ fields }) => fields.dependency === 'store')).toBe(true);
  });

  it('leaves an alarm with an unexpected error to the queue with the reason, and handles the others', async () => {
    bot = started({
      lookup: async () => {
        throw new TypeError("Cannot read properties of undefined (reading 'split')");
      },
    });
    const why = "Cannot read properties of undefined (reading 'split')";
    expect(await bot.alarms.handle(composed('shop-any'))).toEqual({ outcome: 'failed', why });
    expect(bot.logged).toContainEqual({
      level: 'error',
      fields: { alarm: 'shop-any', why, err: expect.any(TypeError) },
      text: 'could not handle an alarm',
    });
    expect(await tell()).toMatchObject({ outcome: 'handled' });
    expect(roots()).toHaveLength(1);
    expect(bot.alarms.counts).toEqual({ handled: 1, ignored: 0, poison: 0, failed: 1 });
  });

  it('fails one alarm whose record is damaged, and handles the others', async () => {
    const key = keyOfHistory(idOfHistory(arnOf('web')));
    const torn: Store = {
      ...store,
      write: async (...given) => {
        if (given[0] === key) throw new Problem('web is locked by another process.', 2);
        return store.write(...given);
      },
    };
    bot = started({ store: torn });
    const stuck = bot.alarms.handle(body({ name: 'web-502', loadBalancer: resourceOf('web') }));
    let outcome: unknown = null;
    void stuck.then((handled) => {
      outcome = handled;
    });
    for (let number = 0; outcome === null && number < 500; number++) {
      const other = body({ name: 'api-502', loadBalancer: resourceOf('api'), at: BEGUN + number * 1000 });
      expect(await bot.alarms.handle(other)).toMatchObject({ outcome: 'handled' });
      await clock.sleep(1000);
    }
    expect(await stuck).toEqual({ outcome: 'failed', why: 'web is locked by another process.' });
  });

  it('resumes an alarm after an unexpected error in its thread, with growing pauses', async () => {
    const broken = { of: true, posts: 0 };
    const post: FakePoster['post'] = async (target, message, runId) => {
      if (target.channel === 'C0SHOP' && broken.of) {
        broken.posts += 1;
        throw new TypeError('of the code');
      }
      return paper.post(target, message, runId);
    };
    bot = started({ poster: { ...paper, post } });
    expect(await bot.alarms.handle(body())).toEqual({
      outcome: 'failed',
      why: "The diagnosis could not be started; alb502's log says why.",
    });
    expect(await tell({ loadBalancer: resourceOf('api'), name: 'api-502' })).toMatchObject({ outcome: 'handled' });
    expect(roots('C0DEFAULT')).toHaveLength(1);
    broken.posts = 0;
    for (let look = 0; look < 120; look++) {
      clock.at += 15_000;
      await bot.alarms.resume();
      await bot.idle();
    }
    expect(broken.posts).toBeGreaterThan(5);
    expect(broken.posts).toBeLessThan(14);
    broken.of = false;
    clock.at += 5 * MINUTE;
    await bot.alarms.resume();
    await bot.idle();
    await bot.alarms.stop(0);
    expect(roots()).toHaveLength(1);
  });

  it('looks a load balancer up again after a short failure, without a note', async () => {
    let throttled = 3;
    const lookup: ProcessParts['lookup'] = async () => {
      throttled -= 1;
      return throttled < 0 ? ABOUT_SHOP : THROTTLED;
    };
    bot = started({ lookup });
    expect(await bot.alarms.handle(composed('shop-any'), 1)).toMatchObject({ outcome: 'handled' });
    await bot.idle();
    expect(roots()).toHaveLength(1);
    expect(notes('C0DEFAULT')).toEqual([]);
  });

  it('returns an alarm twice if its lookup keeps failing, then posts a note with the reason', async () => {
    bot = started({ lookup: async () => THROTTLED });
    const why = 'cloudwatch:DescribeAlarms was throttled.';
    const begun = clock.at;
    expect(await bot.alarms.handle(composed('shop-any'), 1)).toEqual({ outcome: 'again', why });
    expect(clock.at - begun).toBeLessThan(10_000);
    expect(await bot.alarms.handle(composed('shop-any'), 2)).toEqual({ outcome: 'again', why });
    expect(notes('C0DEFAULT')).toEqual([]);
    expect(await bot.alarms.handle(composed('shop-any'), 3)).toEqual({ outcome: 'handled', transition: [] });
    expect(notes('C0DEFAULT').map(({ message }) => textOf(message))).toEqual([
      expect.stringMatching(/^Could not tell which load balancer alarm shop-any is for.*\n.*was throttled\./),
    ]);
  });

  it('backs off from a channel that keeps refusing', async () => {
    let posts = 0;
    const refusing: FakePoster['post'] = async () => {
      posts += 1;
      return { refused: 'gone', code: 'is_archived' };
    };
    bot = started({ poster: { ...paper, post: refusing }, alarms: { defaultChannel: 'C0DEFAULT' } });
    for (const name of ['api', 'web', 'shop'])
      expect(await tell({ name, loadBalancer: resourceOf(name) })).toMatchObject({ outcome: 'again' });
    expect(posts).toBe(1);
    for (let look = 0; look < 240; look++) {
      clock.at += 15_000;
      await bot.alarms.resume();
      await bot.idle();
    }
    // Each of the three whenever the pause of the channel is over.
    expect(posts).toBeLessThan(45);
    bot = started({ owner: 'two', alarms: { defaultChannel: 'C0DEFAULT' } });
    clock.at += 2 * MINUTE;
    await bot.alarms.resume();
    await bot.idle();
    await bot.alarms.stop(0);
    expect(roots('C0DEFAULT')).toHaveLength(3);
  });

  it('says in the thread why there is no answer, and reports the end', async () => {
    const failing: Investigator = {
      ...investigator,
      investigate: async () => {
        throw new Error('athena:StartQueryExecution failed');
      },
    };
    bot = started({ investigator: failing });
    await tell();
    expect(roots()).toHaveLength(1);
    await tell({ state: 'OK', at: BEGUN + 5 * MINUTE });
    expect(replies()).toHaveLength(1);
    const [run] = await bot.runs.recent(1);
    expect(run?.state).toBe('failed');
  });
});

describe('an alarm without a known load balancer', () => {
  it('gets one note in the default channel if it names none', async () => {
    await tell({ loadBalancer: null, name: 'all-502' });
    await tell({ loadBalancer: null, name: 'all-502', state: 'OK', at: BEGUN + MINUTE });
    await tell({ loadBalancer: null, name: 'all-502', at: BEGUN + 30 * MINUTE });
    expect(notes('C0DEFAULT').map(({ message }) => textOf(message))).toEqual([
      expect.stringMatching(
        /all-502\*? names no load balancer.*In ALARM since 02:44:00 UTC \(eu-west-1, account 123456789012\)/s,
      ),
    ]);
  });

  it.each([
    [
      'a channel that may read about it',
      [{ name: 'bank', roleArn: BANK_ROLE, channels: ['C0BANK'] }, { name: 'default' }],
      'C0BANK',
      1,
    ],
    ['the default channel for an unrestricted account', [{ name: 'bank', roleArn: BANK_ROLE }], 'C0DEFAULT', 1],
    [
      'no channel if none may read about its account',
      [{ name: 'bank', roleArn: BANK_ROLE, channels: [] }],
      'C0DEFAULT',
      0,
    ],
  ])('gets a note in %s', async (_, accounts, channel, count) => {
    bot = started({ accounts });
    await tell({ loadBalancer: null, name: 'all-502' });
    expect(paper.messages.map(({ target }) => target.channel)).toEqual(Array(count).fill(channel));
  });

  it('is ignored, with the reason in the log, if it is older than records are kept', async () => {
    bot = started({});
    await tell({ at: BEGUN - 91 * 24 * 60 * MINUTE });
    expect(paper.messages).toEqual([]);
    expect(JSON.stringify(bot.logged)).toContain('more than 90 days ago');
  });

  it('gets ten notes when fifty arrive at once; the last says that there are more', async () => {
    const names = Array.from({ length: 50 }, (_, number) => `all-${number}`);
    await Promise.all(names.map((name) => bot.alarms.handle(body({ name, loadBalancer: null }))));
    expect(notes('C0DEFAULT')).toHaveLength(10);
    const said = notes('C0DEFAULT').filter(({ message }) => textOf(message).includes('go only to the log'));
    expect(said).toHaveLength(1);
  });

  it('gets one note if it names more than five load balancers', async () => {
    const { Trigger: _, ...plain } = snsAlarm({ at: BEGUN, name: 'any-502' });
    const math = { ...plain, Trigger: { Metrics: ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => metricOf(name)) } };
    expect(await bot.alarms.handle(envelope(math))).toEqual({ outcome: 'handled', transition: [] });
    expect(notes('C0DEFAULT').map(({ message }) => textOf(message).split('\n')[0])).toEqual([
      'Alarm any-502 covers 6 load balancers, so none was diagnosed.',
    ]);
  });

  it('is ignored if no route matches and there is no default channel', async () => {
    bot = started({ alarms: { routes: [{ loadBalancer: 'api', channel: 'C0SHOP' }] } });
    expect(await tell()).toEqual({
      outcome: 'ignored',
      why: 'no route fits shop-502, and there is no default channel',
    });
    expect(paper.messages).toEqual([]);
  });

  it('is ignored and counted if it belongs to another namespace', async () => {
    const other = snsAlarm({ at: BEGUN });
    const Trigger = { ...other.Trigger, Namespace: 'AWS/EC2', Dimensions: [{ name: 'InstanceId', value: 'i-1' }] };
    expect(await bot.alarms.handle(envelope({ ...other, Trigger }))).toEqual({
      outcome: 'ignored',
      why: 'it is about AWS/EC2',
    });
    expect(bot.alarms.counts).toEqual({ handled: 0, ignored: 1, poison: 0, failed: 0 });
    expect(paper.messages).toEqual([]);
  });

  it('finds its load balancer through its children, and remembers it for its end', async () => {
    let isKnown = true;
    const lookup: ProcessParts['lookup'] = async () => ({
      loadBalancers: isKnown ? [resourceOf('shop')] : [],
      owners: isKnown ? { [resourceOf('shop')]: ACCOUNT } : {},
      accounts: [ACCOUNT],
      from: BEGUN - 10 * MINUTE,
      sentences: isKnown ? [] : ['cloudwatch:DescribeAlarms was denied.'],
      isTransient: false,
      unrelatedReason: null,
    });
    bot = started({ lookup });
    const { Trigger: _, ...plain } = snsAlarm({ at: BEGUN, name: 'shop-any' });
    const composite = { ...plain, AlarmRule: 'ALARM(shop-502)', TriggeringChildren: [] };
    await bot.alarms.handle(envelope(composite));
    await bot.idle();
    expect(roots()).toHaveLength(1);
    isKnown = false;
    await bot.alarms.handle(
      envelope({ ...composite, NewStateValue: 'OK', StateChangeTime: '2026-11-20T02:50:00.000+0000' }),
    );
    await bot.idle();
    expect(replies()).toHaveLength(1);
    await bot.alarms.handle(
      envelope({ ...composite, AlarmName: 'other', AlarmArn: 'arn:aws:cloudwatch:eu-west-1:1:alarm:other' }),
    );
    expect(notes('C0DEFAULT').map(({ message }) => textOf(message))).toEqual([
      expect.stringContaining('DescribeAlarms was denied'),
    ]);
  });
});

describe('two replicas', () => {
  it('open one thread when they receive the same alarm at the same time', async () => {
    const other = started({ owner: 'two' });
    const messages = ['a', 'b', 'c'].map((name) => body({ name }));
    const handled = await Promise.all(messages.flatMap((one) => [bot.alarms.handle(one), other.alarms.handle(one)]));
    await Promise.all([bot.idle(), other.idle()]);
    expect(handled.every(({ outcome }) => outcome === 'handled')).toBe(true);
    expect(roots()).toHaveLength(1);
    expect(await episode()).toMatchObject([{ alarms: { length: 3 }, repeats: 2 }]);
    clock.at += 2 * MINUTE;
    const ends = ['a', 'b', 'c'].map((name) => body({ name, state: 'OK', at: BEGUN + MINUTE }));
    await Promise.all(ends.flatMap((one) => [bot.alarms.handle(one), other.alarms.handle(one)]));
    await Promise.all([bot.idle(), other.idle()]);
    clock.at += 2 * MINUTE;
    await Promise.all([bot.alarms.resume(), other.alarms.resume()]);
    await Promise.all([bot.idle(), other.idle()]);
    await Promise.all([bot.alarms.stop(0), other.alarms.stop(0)]);
    expect(replies()).toHaveLength(1);
    // Asked when it opened and when it ended, by one of them each time.
    expect(investigator.asked).toHaveLength(2);
  });
});
