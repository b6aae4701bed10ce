/**
 * The channel after a question with failures at any point: a recording poster instead of Slack, everything else real.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Investigator } from '../../../src/investigate/investigator.ts';
import { recordedInvestigator } from '../../../src/investigate/recorded.ts';
import { openLimits } from '../../../src/runs/limits.ts';
import { openRunStore } from '../../../src/runs/runs.ts';
import { openFolderStore } from '../../../src/runs/store/folder-store.ts';
import type { Store } from '../../../src/runs/store/store.ts';
import type { OpenResult, ThreadRequest } from '../../../src/slack/thread/open.ts';
import { openSlackThreads, type SlackThreads } from '../../../src/slack/thread/slack-threads.ts';
import { type FakePoster, fakePoster } from '../../support/slack/recording-poster.ts';

const SCENARIO = join(import.meta.dirname, '../../scenarios/003-connection-refused');
const ASKED = Date.parse('2026-11-21T05:00:00Z');

let folder: string;
let paper: FakePoster;
let investigator: Investigator;
let asked: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alb502-threads-'));
  paper = fakePoster();
  asked = 0;
  const recorded = await recordedInvestigator([SCENARIO]);
  investigator = {
    ...recorded,
    investigate: (...all) => {
      asked += 1;
      return recorded.investigate(...all);
    },
  };
});

// Tries again, because a bot that has just ended a thread may still be giving back its lease.
afterEach(async () => rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));

const silent = { info() {}, warn() {}, error() {} };

/** The bot as a process: another one has another owner. */
async function bot(
  owner: string,
  more: { store?: Store; now?: () => number; perUser?: number; perHour?: number } = {},
): Promise<SlackThreads> {
  const store = more.store ?? (await openFolderStore(folder));
  const now = more.now ?? (() => ASKED);
  return openSlackThreads({
    runs: openRunStore(store, { retentionDays: 30, now }),
    poster: paper,
    investigator,
    limits: openLimits({ atOnce: 2, perUser: more.perUser ?? 5, perHour: more.perHour ?? 50, queue: 5 }, now),
    episodeOf: async () => null,
    mentionOf: ({ askedBy }) => (askedBy.kind === 'alarm' ? 'S0ONCALL' : null),
    owner,
    now,
    log: silent,
  });
}

async function question(more: Partial<ThreadRequest> = {}): Promise<ThreadRequest> {
  const [known] = investigator.listLoadBalancers();
  if (known === undefined) throw new Error('no load balancer is recorded');
  const located = investigator.resolveQuestion(
    { loadBalancer: known.name, window: null, zone: null, statuses: ['5xx'] },
    known,
  );
  return {
    askedBy: { kind: 'person', user: 'U1', team: 'T1' },
    question: located,
    channel: 'C1',
    parentTs: null,
    ...more,
  };
}

const alarm: ThreadRequest['askedBy'] = { kind: 'alarm', alarmName: 'shop 5xx', episode: 'e1' };

async function ended(opened: OpenResult) {
  if (!('opened' in opened)) throw new Error(`no thread: ${JSON.stringify(opened)}`);
  return opened.ended;
}

/** The messages of a run in words, by their marks. */
const standing = (channel = 'C1') =>
  paper.messages
    .filter(({ target }) => target.channel === channel)
    .map(({ runId, target }) => `${runId?.split('/')[1] ?? (target.thread === null ? 'root' : 'reply')}`);

const texts = () => paper.messages.map(({ message }) => ('text' in message ? message.text : message.comment));

const runOf = async (id: string) => openRunStore(await openFolderStore(folder), { retentionDays: 30 }).read(id);

describe('the verdict', () => {
  const verdict = () => paper.messages.find(({ runId }) => runId?.endsWith('/verdict'));

  it('mentions the asker, and stays in the thread', async () => {
    const askedBy = { kind: 'person', user: 'U0ALICE', team: 'T1' } as const;
    await ended(await (await bot('one')).open(await question({ askedBy })));
    expect(verdict()?.target.isBroadcast).toBe(false);
    expect(texts().map((text) => text.includes('<@U0ALICE>'))).toEqual([true, false, true]);
  });

  it("also appears once in the channel for an alarm, and mentions the route's people", async () => {
    await ended(await (await bot('one')).open(await question({ askedBy: alarm })));
    expect(verdict()?.target.isBroadcast).toBe(true);
    expect(paper.messages.filter(({ target }) => target.isBroadcast)).toHaveLength(1);
    expect(texts().filter((text) => text.includes('<!subteam^S0ONCALL>'))).toHaveLength(1);
  });
});

describe('the first message of an alarm', () => {
  /** As it is posted, before anything is edited. */
  async function firstText(countErrors: Investigator['countErrors'], askedBy: ThreadRequest['askedBy'] = alarm) {
    let first = '';
    const { investigate } = investigator;
    investigator = {
      ...investigator,
      ...(countErrors === undefined ? {} : { countErrors }),
      investigate: (...all) => {
        first ||= texts()[0] ?? '';
        return investigate(...all);
      },
    };
    await ended(await (await bot('one')).open(await question({ askedBy })));
    return first.split('\n')[0];
  }

  it("shows CloudWatch's error count", async () => {
    expect(await firstText(undefined)).toMatch(
      /^🔴 web-prod: 39 × 502 since 08:35 UTC \(.* of requests\), diagnosing…$/,
    );
  });

  it.each<[string, Investigator['countErrors']]>([
    ['counts none', async () => ({ errors: 0, byStatus: {}, requests: 10, since: null })],
    ['does not know', async () => null],
    ['breaks', () => Promise.reject(new Error('no way'))],
    ['never answers', () => new Promise(() => {})],
  ])('is posted without numbers if CloudWatch %s', async (_, countErrors) => {
    expect(await firstText(countErrors)).toMatch(/^⏳ web-prod: diagnosing… · /);
  });

  it('does not wait for CloudWatch when a person asks', async () => {
    const person = { kind: 'person', user: 'U1', team: 'T1' } as const;
    expect(await firstText(() => Promise.reject(new Error('asked')), person)).toMatch(/^⏳ web-prod: diagnosing…/);
  });
});

describe('a question', () => {
  it('gets a root message, a checklist, a verdict and replies, once each', async () => {
    const run = await ended(await (await bot('one')).open(await question()));
    expect(standing().slice(0, 3)).toEqual(['root', 'checklist', 'verdict']);
    expect(new Set(standing()).size).toBe(standing().length);
    expect(paper.messages.slice(1).every(({ target }) => target.thread === run.thread.root)).toBe(true);
    expect(await runOf(run.id)).toMatchObject({ state: run.state, outbox: { kind: 'empty' }, lease: null });
    expect(['final', 'partial']).toContain(run.state);
  });

  it('is answered in the thread where it was asked', async () => {
    await ended(await (await bot('one')).open(await question({ parentTs: '1763000000.000001' })));
    expect(new Set(paper.messages.map(({ target }) => target.thread))).toEqual(new Set(['1763000000.000001']));
  });

  it.each([
    ['in the same channel is pointed to the thread', 'C1', { messages: 0, investigations: 1 }],
    ['in another channel has a thread from the same evidence', 'C2', { messages: 3, investigations: 1 }],
  ])('asked by a second person %s', async (_, channel, expected) => {
    const threads = await bot('one');
    const [first, second] = await Promise.all([
      threads.open(await question()),
      question({ channel, askedBy: { kind: 'person', user: 'U2', team: 'T1' } }).then((other) => threads.open(other)),
    ]);
    await ended(first);
    if (channel === 'C1') expect(second).toMatchObject({ same: { thread: { channel: 'C1' } } });
    else await ended(second);
    const theirs = channel === 'C1' ? 0 : standing(channel).length;
    expect(theirs).toBeGreaterThanOrEqual(expected.messages);
    expect(asked).toBe(expected.investigations);
  });

  it('is refused in a channel without the bot, and leaves no open run', async () => {
    paper.faults = ['not-in-channel'];
    const opened = await (await bot('one')).open(await question());
    expect(opened).toMatchObject({ reason: 'slack', refused: expect.stringContaining('/invite') });
    const runs = openRunStore(await openFolderStore(folder), { retentionDays: 30 });
    expect(await runs.open()).toEqual([]);
    expect(asked).toBe(0);
  });

  it('is answered when asked again after the bot joined', async () => {
    const threads = await bot('one');
    paper.faults = ['not-in-channel'];
    await threads.open(await question());
    const before = performance.now();
    const opened = await threads.open(await question());
    // The claim of the one that was refused is not waited for: that would take three seconds.
    expect(performance.now() - before).toBeLessThan(2_900);
    await ended(opened);
    expect(standing()).toEqual(expect.arrayContaining(['root', 'checklist', 'verdict']));
  });
});

describe('alerts of a watched channel', () => {
  const alert: ThreadRequest['askedBy'] = { kind: 'alert', user: 'U0BOT', team: 'T1' };

  it('get a thread each, however many come at once', async () => {
    const threads = await bot('one', { perUser: 1, perHour: 1 });
    const channels = ['C1', 'C2', 'C3', 'C4'];
    const requests = await Promise.all(channels.map((channel) => question({ askedBy: alert, channel })));
    for (const opened of await Promise.all(requests.map((request) => threads.open(request)))) await ended(opened);
    for (const channel of channels) expect(standing(channel)).toContain('verdict');
    // They share one investigation.
    expect(asked).toBe(1);
  });
});

describe('a post whose answer is lost', () => {
  it.each(['root', 'checklist', 'verdict'])('is found again: the %s stands once', async (which) => {
    const threads = await bot('one');
    const posts = ['root', 'checklist', 'verdict'];
    const plain = paper.post;
    paper.post = async (target, message, runId) => {
      const slot = runId?.split('/')[1] ?? 'root';
      if (slot === which && posts.includes(which)) {
        posts.splice(posts.indexOf(which), 1);
        paper.faults = ['lost'];
      }
      return plain(target, message, runId);
    };
    await ended(await threads.open(await question({ askedBy: alarm })));
    await (await bot('one')).resume();
    await settled();
    expect(standing().filter((slot) => slot === which)).toEqual([which]);
    expect(standing()).toContain('verdict');
  });

  it('appears at most twice if the bot cannot search, the second marked as resumed', async () => {
    paper.mayLook = false;
    paper.faults = ['lost'];
    await ended(await (await bot('one')).open(await question()));
    expect(standing().filter((slot) => slot === 'root')).toHaveLength(2);
    expect(texts()[1]).toContain('Resumed');
  });
});

/** Waits until nothing is open any more. */
async function settled(): Promise<void> {
  const runs = openRunStore(await openFolderStore(folder), { retentionDays: 30, now: () => ASKED });
  await expect.poll(async () => (await runs.open()).length, { timeout: 20_000, interval: 50 }).toBe(0);
}

describe('a killed process', () => {
  /** A store whose process dies at its n-th write: that one and all after it never come back. */
  const dyingAt = (store: Store, death: number) => {
    const life = { writes: 0, isOver: false };
    const dying: Store = {
      ...store,
      write: (...all) => {
        life.writes += 1;
        if (life.writes >= death) {
          life.isOver = true;
          return new Promise(() => {});
        }
        return store.write(...all);
      },
      read: (key) => (life.isOver ? new Promise(() => {}) : store.read(key)),
    };
    return { dying, life };
  };

  it('is resumed after any write of a run, and completes one thread', { timeout: 120_000 }, async () => {
    for (let death = 1; ; death += 1) {
      const { dying, life } = dyingAt(await openFolderStore(folder), death);
      const first = await bot('killed', { store: dying });
      const id = '20261121t050000-0000000a';
      const opening = first.open(await question({ askedBy: alarm, id })).then((opened) => ended(opened));
      await Promise.race([opening, expect.poll(() => life.isOver, { timeout: 20_000, interval: 5 }).toBe(true)]);
      if (!life.isOver) break;
      // The lease of the dead one has run out by then. A queue gives the alarm again.
      const second = await bot('restarted', { now: () => ASKED + 120_000 });
      await ended(await second.open(await question({ askedBy: alarm, id })));
      expect({
        death,
        slots: standing()
          .filter((slot) => slot !== 'reply')
          .sort(),
      }).toEqual({
        death,
        slots: [...new Set(standing())].sort(),
      });
      expect(standing()).toEqual(expect.arrayContaining(['root', 'checklist', 'verdict']));
      expect(await runOf(id)).toMatchObject({ outbox: { kind: 'empty' } });
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
      folder = await mkdtemp(join(tmpdir(), 'alb502-threads-'));
      paper.messages = [];
    }
  });
});

describe('a run store that fails while a diagnosis runs', () => {
  it('ends only that thread, and answers the next question', async () => {
    const store = await openFolderStore(folder);
    const health = { isDown: false };
    const failing: Store = {
      ...store,
      read: (key) => (health.isDown ? Promise.reject(new Error('EACCES')) : store.read(key)),
      write: (...all) => (health.isDown ? Promise.reject(new Error('ENOSPC')) : store.write(...all)),
    };
    const recorded = investigator.investigate;
    investigator.investigate = async (...all) => {
      const answer = await recorded(...all);
      health.isDown = true;
      return answer;
    };
    const threads = await bot('one', { store: failing });
    const opened = await threads.open(await question());
    expect(await ended(opened)).toMatchObject({ id: 'opened' in opened ? opened.opened.id : '' });
    // Not "looking" until the store is back.
    expect(texts()[0]).toMatch(/failed.*\n.*could not be stored.*It was: .*stopped answering/s);
    // An uncaught rejection would end the process about now.
    await new Promise((resolve) => setTimeout(resolve, 50));
    investigator.investigate = recorded;
    health.isDown = false;
    const other = await threads.open(await question({ channel: 'C2', fresh: true }));
    expect(await ended(other)).toMatchObject({ outbox: { kind: 'empty' } });
  });
});

describe('buttons', () => {
  it('give one answer when two people press one at once, also after a restart', async () => {
    const { id } = await ended(await (await bot('one')).open(await question()));
    const before = paper.messages.length;
    const later = await bot('two');
    const presses = await Promise.all([1, 2, 3].map(() => later.answer(id, 'by-target', 'by-target')));
    expect(presses.filter((press) => press === 'already')).toHaveLength(2);
    expect(paper.messages).toHaveLength(before + 1);
    expect(await later.answer('20200101t000000-00000000', 'fix', 'fix')).toBe('no-such-run');
  });

  it('show the errors of the zone that was asked about', async () => {
    const recorded = investigator.investigate;
    investigator.investigate = async (...all) => {
      const found = await recorded(...all);
      return { ...found, question: { ...found.question, zone: 'eu-west-1z' } };
    };
    const threads = await bot('one');
    const { id } = await ended(await threads.open(await question()));
    await threads.answer(id, 'log-lines', 'log-lines');
    expect(texts().at(-1)).toMatch(/^The access log has no request with /);
  });

  it('load the stored evidence only for the details of the log', async () => {
    const { id } = await ended(await (await bot('one')).open(await question()));
    const store = await openFolderStore(folder);
    const isOfLog = (key: string) => key.includes('/incident/') || key.endsWith('contents.json');
    let reads = 0;
    const counting: Store = {
      ...store,
      read: (key) => {
        reads += isOfLog(key) ? 1 : 0;
        return store.read(key);
      },
    };
    const threads = await bot('two', { store: counting });
    await threads.answer(id, 'fix', 'fix');
    expect(reads).toBe(0);
    await threads.answer(id, 'by-route', 'by-route');
    expect(reads).toBeGreaterThan(0);
  });

  it('can be pressed again when Slack refused the answer', async () => {
    const threads = await bot('one');
    const { id } = await ended(await threads.open(await question()));
    paper.faults = ['refused'];
    expect(await threads.answer(id, 'fix', 'fix')).toMatchObject({ refused: 'refused' });
    expect(await threads.answer(id, 'fix', 'fix')).toHaveProperty('ts');
  });
});

describe('a reply', () => {
  const message = { text: 'It is over.', blocks: [] };

  it.each([
    ['with a lost answer', ['lost'] as const],
    ['that never reached Slack', ['unreachable'] as const],
  ])('%s appears once after a retry', async (_, faults) => {
    const threads = await bot('one');
    const { id } = await ended(await threads.open(await question({ askedBy: alarm })));
    paper.faults = [...faults];
    expect(await threads.reply(id, 'closed', message)).toMatchObject({ refused: 'unreachable' });
    expect(await threads.reply(id, 'closed', message)).toHaveProperty('ts');
    expect(await threads.reply(id, 'closed', message)).toBe('already');
    expect(texts().filter((text) => text === message.text)).toHaveLength(1);
  });

  it('appears once when the process died before recording its post', async () => {
    const threads = await bot('one');
    const { id } = await ended(await threads.open(await question({ askedBy: alarm })));
    await threads.reply(id, 'closed', message);
    const runs = openRunStore(await openFolderStore(folder), { retentionDays: 30 });
    const since = new Date(ASKED).toISOString();
    await runs.change(id, (run) => ({
      ...run,
      replies: { closed: { state: 'posting', since, attempt: 'of another' } },
    }));
    expect(await (await bot('two')).reply(id, 'closed', message)).toBe('already');
    const later = await bot('two', { now: () => ASKED + 120_000 });
    expect(await later.reply(id, 'closed', message)).toHaveProperty('ts');
    expect(texts().filter((text) => text === message.text)).toHaveLength(1);
  });
});

describe('asking again', () => {
  it('edits the same thread, also for another window', async () => {
    const threads = await bot('one');
    const run = await ended(await threads.open(await question()));
    const before = paper.messages.length;
    const window = { from: Date.parse(run.from) - 300_000, to: Date.parse(run.to) };
    const again = await threads.askAgain(run.id, window, 'U1');
    expect(again).toMatchObject({
      attempts: 2,
      from: new Date(window.from).toISOString(),
      state: run.state,
      outbox: { kind: 'empty' },
    });
    expect(paper.messages.filter(({ runId }) => runId !== null)).toHaveLength(before);
  });

  it('keeps the shared answer when asking again fails', async () => {
    const threads = await bot('one');
    await ended(await threads.open(await question()));
    const copy = await ended(await threads.open(await question({ channel: 'C2' })));
    expect(copy.copyOf).not.toBeNull();
    const recorded = investigator.investigate;
    investigator.investigate = () => Promise.reject(new Error('AWS is down'));
    expect(await threads.askAgain(copy.id, undefined, 'U1')).toMatchObject({ state: 'failed' });
    expect(await threads.answer(copy.id, 'by-target', 'by-target')).toHaveProperty('ts');
    expect(texts().at(-1)).toContain('Errors by target');
    investigator.investigate = recorded;
    expect(await threads.askAgain(copy.id, undefined, 'U1')).toMatchObject({ state: 'final', copyOf: null });
    expect(asked).toBe(2);
  });

  it("leaves another channel's thread with the same evidence unchanged", async () => {
    const threads = await bot('one');
    const first = await ended(await threads.open(await question()));
    const copy = await ended(await threads.open(await question({ channel: 'C2' })));
    expect(asked).toBe(1);
    const window = { from: Date.parse(first.to) - 60_000, to: Date.parse(first.to) };
    await threads.askAgain(first.id, window, 'U1');
    await threads.refresh(copy.id);
    const rootOf = (channel: string) =>
      texts()[paper.messages.findIndex(({ target }) => target.channel === channel && target.thread === null)];
    const whole = /\d+ × 50\d/.exec(rootOf('C2') ?? '')?.[0];
    expect(whole).toBeDefined();
    expect(rootOf('C1')).not.toContain(whole);
    const runs = openRunStore(await openFolderStore(folder), { retentionDays: 30 });
    expect((await runs.evidence(copy.id))?.question).toMatchObject({ from: Date.parse(copy.from) });
    expect((await runs.evidence(first.id))?.question).toMatchObject(window);
    expect(await runs.diagnosis(copy.id)).toMatchObject({ window: { from: copy.from, to: copy.to } });
  });

  it('for another window keeps the thread from answering its first question for others', async () => {
    const threads = await bot('one');
    const first = await ended(await threads.open(await question()));
    await threads.askAgain(first.id, { from: Date.parse(first.from) - 300_000, to: Date.parse(first.to) }, 'U1');
    expect(await threads.open(await question())).not.toHaveProperty('same');
  });

  it('is refused with a sentence where somebody has deleted the thread', async () => {
    const threads = await bot('one');
    const { id, thread } = await ended(await threads.open(await question()));
    paper.messages = paper.messages.filter(({ ts }) => ts !== thread.root);
    await expect(threads.askAgain(id, undefined, 'U1')).rejects.toThrow(/The thread of this diagnosis is gone/);
    expect(asked).toBe(1);
  });

  it("is refused with a sentence over a person's limit", async () => {
    const threads = await bot('one', { perHour: 2 });
    const { id } = await ended(await threads.open(await question()));
    await threads.askAgain(id, undefined, 'U1');
    await expect(threads.askAgain(id, undefined, 'U1')).rejects.toThrow(/hour/);
    expect(asked).toBe(2);
  });
});

describe('a shutdown', () => {
  it.each([
    ['a person', 'interrupted', { kind: 'person', user: 'U1', team: 'T1' } as const],
    ['an alarm', 'final', alarm],
  ])('marks what %s asked as interrupted; after the next start it is %s', async (_, state, askedBy) => {
    const recorded = investigator.investigate;
    let isStarted = false;
    const { promise: isInvestigating, resolve: begin } = Promise.withResolvers<void>();
    investigator.investigate = (inquiry, { signal, ...more }) => {
      if (isStarted) return recorded(inquiry, { signal, ...more });
      begin();
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    };
    const threads = await bot('one');
    const opened = await threads.open(await question({ askedBy }));
    await isInvestigating;
    await threads.stop(10);
    const run = await ended(opened);
    expect(run.state).toBe('interrupted');
    expect(texts()[0]).toMatch(/interrupted/i);
    isStarted = true;
    await (await bot('two')).resume();
    await settled();
    expect(await runOf(run.id)).toMatchObject({ state });
    expect(await threads.open(await question())).toMatchObject({ reason: 'closing' });
  });
});

describe('a change while the thread is shown', () => {
  it('is shown afterwards, also if Slack was unreachable when it was made', async () => {
    const threads = await bot('one');
    const runs = openRunStore(await openFolderStore(folder), { retentionDays: 30, now: () => ASKED });
    const { post } = paper;
    paper.post = async (target, message, mark) => {
      const [id = '', slot] = mark?.split('/') ?? [];
      if (slot === 'verdict') {
        const muted = { user: 'U0ADA', until: '2026-11-22T05:00:00.000Z', what: 'alarm' } as const;
        await runs.change(id, (run) => ({ ...run, muted }));
        paper.isDown = true;
        await threads.refresh(id);
        paper.isDown = false;
      }
      return post(target, message, mark);
    };
    const { id } = await ended(await threads.open(await question({ askedBy: alarm })));
    expect(texts()[0]).not.toContain('muted these alarms');
    expect(await runOf(id)).toMatchObject({ outbox: { kind: 'update' } });
    await (await bot('two')).resume();
    await settled();
    expect(texts()[0]).toContain('muted these alarms');
  });
});

describe('an outage of Slack', () => {
  it('ends with the answer on screen', async () => {
    const threads = await bot('one');
    const recorded = investigator.investigate;
    investigator.investigate = async (...all) => {
      const answer = await recorded(...all);
      paper.isDown = true;
      return answer;
    };
    const { id } = await ended(await threads.open(await question()));
    expect(standing()).not.toContain('verdict');
    paper.isDown = false;
    await (await bot('one')).resume();
    await expect.poll(() => standing()).toEqual(expect.arrayContaining(['root', 'checklist', 'verdict']));
    await expect.poll(() => runOf(id)).toMatchObject({ outbox: { kind: 'empty' } });
    await settled();
  });
});
