/** The limit of threads that alarms open in a channel, and the note about the others. */
import { describe, expect, it } from 'vitest';
import {
  admit,
  type ChannelState,
  emptyChannel,
  MAX_THREADS,
  RATE_PERIOD,
  StoredChannel,
  withdraw,
} from '../../src/alarms/thread-rate-limit.ts';

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

  it('opens up to the limit of threads in five minutes, and the rest later', () => {
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

  it('drops ended episodes', () => {
    const { state } = asked(MAX_THREADS + 2);
    expect(withdraw(state, `e${MAX_THREADS}`).note?.waiting.map(({ episode }) => episode)).toEqual([
      `e${MAX_THREADS + 1}`,
    ]);
    expect(withdraw(state, 'e0')).toBe(state);
  });

  it('gets a new note for a new storm, and keeps one with waiting episodes', () => {
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
    expect(another).toMatchObject({ count: 1, post: null, waiting: { length: 1 } });
  });

  it.each([
    ['stands', { ts: '1763700000.000001', posting: null }, { state: 'posted', ts: '1763700000.000001' }],
    ['is to be posted', { ts: null, posting: null }, null],
    [
      'may have been posted',
      { ts: null, posting: '2026-11-20T02:44:00.000Z' },
      { state: 'posting', since: '2026-11-20T02:44:00.000Z', attempt: expect.any(String) },
    ],
  ])('is read unchanged from release 0.1, with a note %s', (_, fields, post) => {
    const { note } = asked(MAX_THREADS + 2).state;
    const { post: __, ...same } = note ?? { post: null };
    const stored = { ...emptyChannel('C1'), note: { ...same, ...fields } };
    expect(StoredChannel.parse(stored).note).toEqual({ ...same, post });
  });
});
