import { describe, expect, it } from 'vitest';
import { type CallResult, openEditRateLimiter } from '../../../src/slack/delivery/edit-rate-limiter.ts';
import { manualClock } from '../../support/slack/manual-clock.ts';

interface Call {
  at: number;
  what: string;
}

/** A budget whose calls are noted when Slack gets them, `delay` milliseconds after they are sent; `latency` milliseconds each. */
function budgetOf({ latency = 100, delay = (_: number): number => 0 } = {}) {
  const clock = manualClock();
  const budget = openEditRateLimiter<string>(() => 'lost', clock);
  const calls: Call[] = [];
  const answers: CallResult<string>[] = [];
  let [inFlight, most] = [new Map<string, number>(), 0];
  const send = (message: string, what: string) => async (): Promise<CallResult<string>> => {
    inFlight.set(message, (inFlight.get(message) ?? 0) + 1);
    most = Math.max(most, ...inFlight.values());
    calls.push({ at: clock.now() + delay(calls.length), what });
    await new Promise<void>((done) => clock.wake(latency, done));
    inFlight.set(message, (inFlight.get(message) ?? 1) - 1);
    return answers.shift() ?? { done: what };
  };
  return {
    clock,
    budget,
    calls,
    answers,
    mostOfOneMessage: () => most,
    what: () => calls.map(({ what }) => what),
    progress: (message: string, what: string) => budget.progress(message, send(message, what)),
    edit: (message: string, what: string) => budget.edit(message, send(message, what)),
  };
}

/** The most calls in any minute. */
const mostInAMinute = (calls: Call[]): number =>
  Math.max(...calls.map(({ at }) => calls.filter((one) => one.at >= at && one.at < at + 60_000).length));

describe('an edit that shows progress', () => {
  it('is shown at once, then the newest after a pause', async () => {
    const { clock, progress, calls } = budgetOf();
    for (let at = 0; at < 40; at++) {
      progress('a', `a${at}`);
      await clock.pass(100);
    }
    await clock.pass(5000);
    expect(calls).toEqual([
      { at: 0, what: 'a0' },
      { at: 1500, what: 'a14' },
      { at: 3000, what: 'a29' },
      { at: 4500, what: 'a39' },
    ]);
  });

  it('takes turns with other messages and keeps the rate limit', async () => {
    const { clock, progress, calls } = budgetOf();
    const messages = Array.from({ length: 40 }, (_, at) => `m${at}`);
    for (let second = 0; second < 240; second++) {
      for (const message of messages) progress(message, message);
      await clock.pass(1000);
    }
    expect(mostInAMinute(calls)).toBeLessThanOrEqual(43);
    expect(mostInAMinute(calls)).toBeGreaterThan(40);
    const counts = messages.map((message) => calls.filter(({ what }) => what === message).length);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(3);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  it('leaves room for final edits from the first second', async () => {
    const { clock, progress, edit, calls } = budgetOf();
    const messages = Array.from({ length: 40 }, (_, at) => `m${at}`);
    for (const message of messages) progress(message, 'progress');
    await clock.pass(2000);
    const edits = messages.map((message) => edit(message, 'edit'));
    await clock.pass(200);
    expect(calls.filter(({ what }) => what === 'edit')).toHaveLength(40);
    await Promise.all(edits);
  });

  it('blocks nothing when it fails', async () => {
    const { clock, budget, progress, what } = budgetOf();
    budget.progress('a', () => Promise.reject(new Error('no')));
    progress('a', 'next');
    await clock.pass(2000);
    expect(what()).toEqual(['next']);
  });
});

describe('an edit', () => {
  it('drops waiting progress of its message, and no other', async () => {
    const { clock, progress, edit, what } = budgetOf();
    progress('a', 'a1');
    progress('b', 'b1');
    progress('a', 'a2');
    progress('b', 'b2');
    const edited = edit('a', 'A');
    await clock.pass(10_000);
    expect(await edited).toBe('A');
    expect(what()).toEqual(['a1', 'b1', 'A', 'b2']);
  });

  it('waits for running edits of its message, in order, one at a time', async () => {
    const { clock, progress, edit, calls, mostOfOneMessage } = budgetOf({ latency: 700 });
    progress('a', 'p');
    const edits = [edit('a', 'first'), edit('a', 'second'), edit('b', 'other')];
    await clock.pass(5000);
    expect(await Promise.all(edits)).toEqual(['first', 'second', 'other']);
    expect(calls).toEqual([
      { at: 0, what: 'p' },
      { at: 0, what: 'other' },
      { at: 700, what: 'first' },
      { at: 1400, what: 'second' },
    ]);
    expect(mostOfOneMessage()).toBe(1);
  });

  it('waits when over the limit, and always arrives', async () => {
    const { clock, progress, edit, calls } = budgetOf();
    const messages = Array.from({ length: 130 }, (_, at) => `m${at}`);
    for (let at = 0; at < 20; at++) progress(`p${at}`, 'progress');
    const edits = messages.map((message) => edit(message, message));
    await clock.pass(180_000);
    expect(await Promise.all(edits)).toEqual(messages);
    expect(calls.map(({ what }) => what).filter((what) => what !== 'progress')).toEqual(messages);
    expect(mostInAMinute(calls)).toBe(48);
  });

  it("keeps Slack's limit even when calls take unequal times to arrive", async () => {
    // The first calls take two seconds to arrive, and later ones no time: Slack gets both within one minute.
    const { clock, edit, calls } = budgetOf({ latency: 2500, delay: (call) => (call < 48 ? 2000 : 0) });
    const edits = Array.from({ length: 100 }, (_, at) => edit(`m${at}`, `m${at}`));
    await clock.pass(200_000);
    await Promise.all(edits);
    expect(calls).toHaveLength(100);
    expect(mostInAMinute(calls)).toBe(48);
  });

  it('goes before progress, and reports a failure to its caller', async () => {
    const { clock, budget, edit, progress, what } = budgetOf();
    const failed = budget.edit('a', () => Promise.reject(new Error('no')));
    await expect(failed).rejects.toThrow('no');
    for (let at = 0; at < 5; at++) progress(`p${at}`, 'progress');
    await clock.pass(1000);
    progress('late', 'progress');
    const last = edit('z', 'edit');
    await clock.pass(10_000);
    await last;
    expect(what().indexOf('edit')).toBe(5);
  });
});

describe('after Slack asks the bot to wait', () => {
  it('pauses all edits, then continues', async () => {
    const { clock, progress, edit, calls, answers } = budgetOf();
    answers.push({ retryAfter: 7 });
    const edits = [edit('a', 'A'), edit('b', 'B')];
    progress('c', 'c');
    await clock.pass(50);
    expect(calls.map(({ what }) => what)).toEqual(['A', 'B', 'c']);
    const more = [edit('a', 'A2'), edit('d', 'D')];
    await clock.pass(100);
    progress('c', 'c2');
    const last = edit('e', 'E');
    await clock.pass(7500);
    expect(await Promise.all([...edits, ...more, last])).toEqual(['A', 'B', 'A2', 'D', 'E']);
    const after = calls.slice(3);
    // 'd' was sent before the answer came.
    expect(after.map(({ what }) => what)).toEqual(['D', 'A', 'E', 'c2', 'A2']);
    expect(after.slice(1).every(({ at }) => at >= 7100)).toBe(true);
  });

  it('shows progress later, unless newer progress follows', async () => {
    const { clock, progress, what, answers } = budgetOf();
    answers.push({ retryAfter: 5 });
    progress('a', 'a1');
    await clock.pass(6000);
    expect(what()).toEqual(['a1', 'a1']);
    answers.push({ retryAfter: 5 });
    progress('a', 'a2');
    await clock.pass(1500);
    progress('a', 'a3');
    await clock.pass(10_000);
    expect(what()).toEqual(['a1', 'a1', 'a2', 'a3']);
  });

  it('counts a retry against the limit', async () => {
    const { clock, edit, calls, answers } = budgetOf();
    answers.push('again', 'again');
    const edited = edit('a', 'A');
    await clock.pass(1000);
    expect(await edited).toBe('A');
    expect(calls.map(({ at }) => at)).toEqual([0, 100, 200]);
  });

  it('reports an edit as lost if the wait never ends', async () => {
    const { clock, edit, answers } = budgetOf();
    for (let at = 0; at < 100; at++) answers.push({ retryAfter: 1 });
    const edited = edit('a', 'A');
    await clock.pass(60_000);
    expect(await edited).toBe('lost');
  });
});

describe('a shutdown', () => {
  it('drops progress, and waits for edits and running calls', async () => {
    const { clock, budget, progress, edit, what } = budgetOf();
    progress('a', 'a1');
    progress('a', 'a2');
    progress('b', 'b1');
    const edited = edit('b', 'B');
    let isClosed = false;
    const closed = budget.close(5000).then(() => {
      isClosed = true;
    });
    await clock.pass(50);
    expect(isClosed).toBe(false);
    await clock.pass(500);
    await closed;
    expect(await edited).toBe('B');
    progress('a', 'a3');
    expect(await edit('a', 'A')).toBe('lost');
    await clock.pass(10_000);
    expect(what()).toEqual(['a1', 'b1', 'B']);
  });

  it('ends although edits would have to wait longer', async () => {
    const { clock, budget, edit, answers } = budgetOf();
    answers.push({ retryAfter: 30 });
    const edited = edit('a', 'A');
    await clock.pass(200);
    const closed = budget.close(5000);
    await clock.pass(5000);
    await closed;
    expect(await edited).toBe('lost');
  });

  it('does not wait for a call without an answer', async () => {
    const clock = manualClock();
    const budget = openEditRateLimiter<string>(() => 'lost', clock);
    void budget.edit('one', () => new Promise(() => {}));
    let isClosed = false;
    const closed = budget.close(5000).then(() => {
      isClosed = true;
    });
    await clock.pass(4999);
    expect(isClosed).toBe(false);
    await clock.pass(1);
    await closed;
  });
});
