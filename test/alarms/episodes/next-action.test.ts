/** The next action for a thread, given its episode's record. */
import { describe, expect, it } from 'vitest';
import {
  type EpisodeRecord,
  type NewAction,
  withDone,
  withPending,
} from '../../../src/alarms/episodes/episode-record.ts';
import { nextAction, nextActionOf } from '../../../src/alarms/episodes/next-action.ts';
import { episodeOf } from '../../support/slack/thread-states.ts';

const CLOSED = '2026-11-20T03:15:00.000Z';

function recordOf(changes: Partial<EpisodeRecord> = {}, ...actions: NewAction[]): EpisodeRecord {
  const record: EpisodeRecord = {
    episode: episodeOf(),
    from: '2026-11-20T02:40:00.000Z',
    heardAt: '2026-11-20T02:44:00.000Z',
    events: [],
    channel: 'C0SHOP',
    thread: { state: 'open' },
    sentences: [],
    ends: 0,
    endToldAt: null,
    pending: [],
    actions: 0,
    ...changes,
  };
  return withPending(record, ...actions);
}

const refresh: NewAction = { kind: 'refresh' };
const ask: NewAction = { kind: 'ask-again' };
const end: NewAction = { kind: 'tell-end', end: 1 };
const say: NewAction = { kind: 'say', sentences: ['The alarm names two load balancers.'] };
const misplaced: NewAction = { kind: 'say-misplaced', channel: 'C0SHOP', code: null };
const waiting = { state: 'waiting', since: '2026-11-20T02:45:00.000Z' } as const;
const over = { episode: episodeOf({ closedAt: CLOSED }) };

const free = { hasTried: () => false, isResting: () => false };
const kindOf = (record: EpisodeRecord, limits = free) => nextAction(record, limits)?.kind ?? null;

describe('the next action', () => {
  it.each<[string, EpisodeRecord, string | null]>([
    ['an episode without a thread', recordOf({ thread: { state: 'none' } }, end), 'open'],
    ['one that is over by then', recordOf({ thread: { state: 'none' }, ...over }, end), 'open'],
    ['one that a storm keeps waiting', recordOf({ thread: waiting }, refresh), 'open'],
    ['one that waits, and is over', recordOf({ thread: waiting, ...over }, refresh, end), 'withdraw'],
    ['one that was dropped', recordOf({ thread: { state: 'dropped' }, ...over }, refresh, end), null],
    ['one that was dropped, and is in ALARM again', recordOf({ thread: { state: 'dropped' } }, refresh), 'open'],
    ['a thread that shows everything', recordOf(), null],
    ['a thread that shows less than is known', recordOf({}, end, ask, say, refresh), 'refresh'],
    ['a thread in another channel than it belongs in', recordOf({}, end, ask, say, misplaced), 'say-misplaced'],
    ['a thread with a sentence to add', recordOf({}, end, ask, say), 'say'],
    ['a thread whose episode ended', recordOf({}, end, ask), 'ask-again'],
    ['a thread with its final answer', recordOf({}, end), 'tell-end'],
  ])('for %s', (_, record, expected) => {
    expect(kindOf(record)).toBe(expected);
  });

  it('waits while the question is being asked again, except for actions that need no answer', () => {
    const resting = { ...free, isResting: () => true };
    expect(kindOf(recordOf({}, end, ask), resting)).toBeNull();
    expect(kindOf(recordOf({}, end, ask, say), resting)).toBe('say');
  });

  it('does not retry a thread that a storm has just delayed', () => {
    expect(kindOf(recordOf({ thread: waiting }), { ...free, hasTried: () => true })).toBeNull();
  });

  it('belongs to the first episode that has one', () => {
    const records = [recordOf(), recordOf({}, end), recordOf({}, refresh)];
    expect(nextActionOf(records, free)).toMatchObject({ record: records[1], action: { kind: 'tell-end' } });
    expect(nextActionOf([recordOf()], free)).toBeNull();
  });
});

describe('a completed action', () => {
  it('leaves one of the same kind that was added meanwhile', () => {
    const before = recordOf({}, refresh, end);
    const meanwhile = withPending(before, refresh);
    expect(withDone(before, before.pending).pending).toEqual([]);
    expect(withDone(meanwhile, before.pending).pending).toEqual([{ kind: 'refresh', number: 3 }]);
  });

  it('leaves sentences that were added meanwhile', () => {
    const before = recordOf({}, say);
    const meanwhile = withPending(before, { kind: 'say', sentences: ['More.'] });
    expect(withDone(meanwhile, before.pending).pending).toEqual([{ kind: 'say', sentences: ['More.'], number: 2 }]);
  });
});
