/** Alarm events in any order, any number of times: which episodes they make. */

import { describe, expect, it } from 'vitest';
import type { Alarm } from '../../../src/alarms/alarm-event.ts';
import { applyAlarm, REOPEN_WITHIN, type Transition } from '../../../src/alarms/episodes/apply-alarm.ts';
import { emptyHistory, type History } from '../../../src/alarms/episodes/episode-record.ts';
import { readMessage } from '../../../src/alarms/read-message.ts';
import { type AlarmFields, arnOf, snsAlarm } from '../../support/alarms/messages.ts';
import { fc } from '../../support/property.ts';

const BEGUN = Date.parse('2026-11-20T02:00:00.000Z');
const MINUTE = 60_000;
const ARN = arnOf('shop');
const REF = { name: 'shop', arn: ARN, account: 'default', region: 'eu-west-1' };

function news(state: AlarmFields['state'] & string, minutes: number, name = 'a'): Alarm {
  const read = readMessage(JSON.stringify(snsAlarm({ name, state, at: BEGUN + minutes * MINUTE })));
  if (!('alarm' in read)) throw new Error(JSON.stringify(read));
  return read.alarm;
}

let runs = 0;
function told(...all: Alarm[]): { history: History; learned: Transition[] } {
  let history = emptyHistory(REF, ARN);
  const learned = all.map((alarm) => {
    runs += 1;
    const run = `20261120t020000-${String(runs).padStart(8, '0')}`;
    const step = applyAlarm(history, alarm, { from: BEGUN, now: BEGUN, sentences: [], run });
    history = step.history;
    return step.transition;
  });
  return { history, learned };
}

const minutesIn = (iso: string | null) => (iso === null ? null : (Date.parse(iso) - BEGUN) / MINUTE);
const shown = ({ episodes }: History) =>
  episodes.map(({ episode: { openedAt, closedAt, alarms, repeats } }) => ({
    from: minutesIn(openedAt),
    to: minutesIn(closedAt),
    alarms: alarms.map(({ name, state, times }) => `${name} ${state} ${times}`),
    repeats,
  }));

/** What is to be done for each episode. */
const pending = ({ episodes }: History) =>
  episodes.map((record) =>
    record.pending.map((action) => (action.kind === 'tell-end' ? `tell-end ${action.end}` : action.kind)),
  );

describe('an alarm', () => {
  it('opens an episode, counts as a repeat in it, and ends it', () => {
    const { history, learned } = told(news('ALARM', 0), news('ALARM', 3), news('OK', 9));
    expect(learned).toEqual(['opened', 'repeated', 'ended']);
    expect(shown(history)).toEqual([{ from: 0, to: 9, alarms: ['a OK 2'], repeats: 1 }]);
    expect(history.episodes[0]).toMatchObject({ ends: 1, thread: { state: 'none' } });
    expect(pending(history)).toEqual([['refresh', 'ask-again', 'tell-end 1']]);
  });

  it('changes nothing when redelivered, however late', () => {
    const { history, learned } = told(
      news('ALARM', 0),
      news('ALARM', 0),
      news('OK', 9),
      news('ALARM', 0),
      news('OK', 9),
    );
    expect(learned).toEqual(['opened', 'known', 'ended', 'known', 'known']);
    expect(shown(history)).toEqual([{ from: 0, to: 9, alarms: ['a OK 1'], repeats: 0 }]);
  });

  it('reopens the episode soon after its end, and opens a new one later', () => {
    const flapping = told(news('ALARM', 0), news('OK', 2), news('ALARM', 11), news('OK', 12), news('ALARM', 23));
    expect(flapping.learned).toEqual(['opened', 'ended', 'reopened', 'ended', 'opened']);
    expect(shown(flapping.history)).toMatchObject([
      { from: 0, to: 12, repeats: 1 },
      { from: 23, to: null },
    ]);
    expect(flapping.history.episodes[0]).toMatchObject({ ends: 2 });
    expect(pending(flapping.history)).toEqual([['refresh', 'ask-again', 'tell-end 2'], []]);
  });

  it('opens an ended episode if its OK arrives first', () => {
    const { history, learned } = told(news('OK', 9), news('ALARM', 0));
    expect(learned).toEqual(['quiet', 'opened']);
    expect(shown(history)).toEqual([{ from: 0, to: 9, alarms: ['a OK 1'], repeats: 0 }]);
    expect(pending(history)).toEqual([['tell-end 1']]);
  });

  it('is not in ALARM while it has insufficient data', () => {
    expect(shown(told(news('ALARM', 0), news('INSUFFICIENT_DATA', 5)).history)).toMatchObject([{ to: 5 }]);
  });

  it('opens no episode if it was never in ALARM', () => {
    expect(told(news('OK', 0), news('INSUFFICIENT_DATA', 5)).history.episodes).toEqual([]);
  });

  it('keeps the last episodes, including those without a thread because of a storm', () => {
    let history = emptyHistory(REF, ARN);
    for (let hour = 0; hour < 40; hour++) {
      for (const alarm of [news('ALARM', hour * 60), news('OK', hour * 60 + 5)]) {
        const run = `20261120t020000-${String(hour).padStart(8, '0')}`;
        history = applyAlarm(history, alarm, { from: BEGUN, now: BEGUN, sentences: [], run }).history;
      }
      history = { ...history, episodes: history.episodes.map((kept) => ({ ...kept, thread: { state: 'dropped' } })) };
    }
    expect(history.episodes).toHaveLength(20);
    expect(shown(history).at(-1)).toMatchObject({ from: 39 * 60, to: 39 * 60 + 5 });
  });

  it('opens a new episode if the old one was silent for hours', () => {
    const { history, learned } = told(news('ALARM', 0), news('ALARM', 600), news('OK', 610));
    expect(learned).toEqual(['opened', 'opened', 'ended']);
    expect(shown(history)).toMatchObject([
      { from: 0, to: 600, alarms: ['a INSUFFICIENT_DATA 1'] },
      { from: 600, to: 610 },
    ]);
  });
});

describe('several alarms of a load balancer', () => {
  it('join one episode, which ends with the last of them', () => {
    const { history, learned } = told(
      news('ALARM', 0, 'a'),
      news('ALARM', 2, 'b'),
      news('OK', 5, 'a'),
      news('OK', 8, 'b'),
    );
    expect(learned).toEqual(['opened', 'joined', 'ended', 'ended']);
    expect(shown(history)).toEqual([{ from: 0, to: 8, alarms: ['a OK 1', 'b OK 1'], repeats: 1 }]);
    expect(history.episodes[0]?.ends).toBe(1);
  });

  it('produce the same episode in any order and with any repeats', () => {
    const all = [
      news('ALARM', 0, 'a'),
      news('ALARM', 2, 'b'),
      news('OK', 5, 'a'),
      news('ALARM', 7, 'a'),
      news('OK', 8, 'b'),
      news('OK', 9, 'a'),
    ];
    fc.assert(
      fc.property(
        fc.shuffledSubarray(all, { minLength: all.length }),
        fc.array(fc.constantFrom(...all), { maxLength: 20 }),
        (order, again) => {
          const [episode, ...others] = shown(told(...order, ...again).history);
          expect(others).toEqual([]);
          expect(episode).toMatchObject({ from: 0, to: 9 });
          expect(episode?.alarms.map((alarm) => alarm.slice(0, 4)).sort()).toEqual(['a OK', 'b OK']);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

it('have an episode for every ALARM and its latest state, in any order of messages', () => {
  const times = fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 12 });
  const states = fc.array(fc.constantFrom('ALARM', 'OK', 'INSUFFICIENT_DATA' as const), {
    minLength: 12,
    maxLength: 12,
  });
  const names = fc.array(fc.constantFrom('a', 'b'), { minLength: 12, maxLength: 12 });
  fc.assert(
    fc.property(times, states, names, fc.infiniteStream(fc.nat()), (at, state, name, seeds) => {
      const all = at.map((minutes, which) => news((state[which] ?? 'OK') as 'OK', minutes, name[which]));
      const order = all.map((alarm) => ({ alarm, by: seeds.next().value as number })).sort((a, b) => a.by - b.by);
      const { history } = told(...order.map(({ alarm }) => alarm));
      for (const alarm of all.filter((one) => one.state === 'ALARM')) {
        const holding = history.episodes.filter(
          ({ episode }) =>
            episode.openedAt <= alarm.changedAt &&
            Date.parse(alarm.changedAt) <=
              (episode.closedAt === null ? Infinity : Date.parse(episode.closedAt) + REOPEN_WITHIN) &&
            episode.alarms.some(({ arn }) => arn === alarm.arn),
        );
        expect(holding.length).toBeGreaterThan(0);
      }
      for (const which of ['a', 'b']) {
        const mine = all.filter((alarm) => alarm.name === which).sort((a, b) => (a.changedAt < b.changedAt ? -1 : 1));
        const newest = mine.at(-1);
        const open = history.episodes.some(({ episode }) =>
          episode.alarms.some((one) => one.name === which && one.state === 'ALARM'),
        );
        expect(open).toBe(newest?.state === 'ALARM');
      }
      const ids = history.episodes.map(({ episode }) => episode.id);
      expect(new Set(ids).size).toBe(ids.length);
    }),
    { numRuns: 2000 },
  );
});
