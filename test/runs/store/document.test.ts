/** Objects that many change, and the bound on threads of a channel. */
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  admit,
  type ChannelState,
  emptyChannel,
  MAX_THREADS,
  RATE_PERIOD,
  withdraw,
} from '../../../src/alarms/thread-rate-limit.ts';
import { openDocuments } from '../../../src/runs/store/document.ts';
import type { Store } from '../../../src/runs/store/store.ts';
import { memoryStore } from '../../support/alarms/process.ts';

const Count = z.object({ count: z.number() });
type Count = z.infer<typeof Count>;
const one = (there: Count | null) => ({
  document: { count: (there?.count ?? 0) + 1 },
  result: (there?.count ?? 0) + 1,
});
const unread: string[] = [];
const open = (store: Store) => openDocuments(store, Count, (key, why) => unread.push(`${key}: ${why}`));

/** Answers after a while, so that others come in between. */
const slow = (store: Store): Store => {
  const later = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
  return {
    ...store,
    read: (key) => later().then(() => store.read(key)),
    write: (key, body, expected) => later().then(() => store.write(key, body, expected)),
  };
};

describe('objects', () => {
  it('lose no change of several processes, and give each its own result', async () => {
    const store = memoryStore();
    const processes = [open(slow(store)), open(slow(store)), open(slow(store))];
    const results = await Promise.all(
      processes.flatMap((objects) => Array.from({ length: 100 }, () => objects.change('a/count', one))),
    );
    expect(await open(store).read('a/count')).toEqual({ count: 300 });
    expect(new Set(results).size).toBe(300);
  });

  it('are written once for changes that wait together, and not where nothing changes', async () => {
    const store = memoryStore();
    let writes = 0;
    const counting: Store = {
      ...slow(store),
      write: (...given) => {
        writes += 1;
        return store.write(...given);
      },
    };
    const objects = open(counting);
    await Promise.all(Array.from({ length: 50 }, () => objects.change('a/count', one)));
    expect(writes).toBeLessThanOrEqual(2);
    expect(await objects.change('a/count', (there) => ({ document: there, result: there?.count }))).toBe(50);
    expect(await objects.change('a/none', (there) => ({ document: there, result: 'nothing' }))).toBe('nothing');
    expect(writes).toBeLessThanOrEqual(2);
  });

  it('tell everybody who waits that the store is down, and work again after', async () => {
    const store = memoryStore();
    let isDown = true;
    const objects = open({
      ...store,
      read: (key) => (isDown ? Promise.reject(new Error('down')) : store.read(key)),
    });
    const all = await Promise.allSettled([objects.change('a/count', one), objects.change('a/count', one)]);
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    isDown = false;
    expect(await objects.change('a/count', one)).toBe(1);
  });

  it.each(['no JSON', '{"count":"many"}'])('that are %s count as absent, and it is said', async (body) => {
    const store = memoryStore();
    await store.write('a/count', body, 'absent');
    unread.length = 0;
    expect(await open(store).change('a/count', one)).toBe(1);
    expect(unread).toHaveLength(1);
  });
});

describe('a channel', () => {
  const AT = Date.parse('2026-11-20T02:44:00.000Z');
  const asking = (number: number) => ({
    episode: `e${number}`,
    loadBalancer: `lb${number}`,
    alarm: 'a',
    hasWaited: false,
  });
  const asked = (count: number, at = AT, state: ChannelState = emptyChannel('C1')) => {
    const answers: boolean[] = [];
    let current = state;
    for (let number = 0; number < count; number++) {
      const answer = admit(current, asking(number), at);
      current = answer.state;
      answers.push(answer.isAdmitted);
    }
    return { state: current, admitted: answers.filter((is) => is).length };
  };

  it('takes so many threads within five minutes, and the rest when there is room', () => {
    const first = asked(MAX_THREADS + 5);
    expect(first.admitted).toBe(MAX_THREADS);
    expect(first.state.note).toMatchObject({ count: 5, waiting: { length: 5 }, later: 0 });
    const again = asked(MAX_THREADS + 5, AT + 1000, first.state);
    expect(again.admitted).toBe(MAX_THREADS);
    expect(again.state.note?.count).toBe(5);
    const late = admit(first.state, asking(MAX_THREADS), AT + RATE_PERIOD);
    expect(late.isAdmitted).toBe(true);
    expect(late.state.note).toMatchObject({ count: 5, waiting: { length: 4 }, later: 1 });
  });

  it('forgets who is over', () => {
    const { state } = asked(MAX_THREADS + 2);
    expect(withdraw(state, `e${MAX_THREADS}`).note?.waiting.map(({ episode }) => episode)).toEqual([
      `e${MAX_THREADS + 1}`,
    ]);
    expect(withdraw(state, 'e0')).toBe(state);
  });

  it('gets another note for another storm, and keeps the one of which some still wait', () => {
    const { state } = asked(MAX_THREADS + 2);
    const later = (from: ChannelState) => {
      let current = from;
      for (let number = 100; number < 101 + MAX_THREADS; number++)
        current = admit(current, asking(number), AT + 3 * RATE_PERIOD).state;
      return current.note;
    };
    expect(later(state)).toMatchObject({ id: state.note?.id, count: 3, waiting: { length: 3 } });
    const over = withdraw(withdraw(state, `e${MAX_THREADS}`), `e${MAX_THREADS + 1}`);
    const another = later(over);
    expect(another?.id).not.toBe(state.note?.id);
    expect(another).toMatchObject({ count: 1, ts: null, waiting: { length: 1 } });
  });
});
