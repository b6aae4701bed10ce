/** The root message through the life of a run: its first line is what somebody reads of it at night. */
import { describe, expect, it } from 'vitest';
import type { Diagnosis } from '../../../src/diagnose/diagnosis.ts';
import type { Episode } from '../../../src/runs/episode.ts';
import { rootMessage, runStateOf } from '../../../src/slack/messages/index.ts';
import { early, race, undecided } from '../../support/diagnoses.ts';
import type { RunChanges } from '../../support/runs/changed-run.ts';
import { readMessage } from '../../support/slack/read-message.ts';
import {
  alarm,
  blockKitErrors,
  byAlarm,
  episodeOf,
  recordedDiagnosis,
  runOf,
  threadStateOf,
} from '../../support/slack/thread-states.ts';

const healthy = recordedDiagnosis('005-healthy');
const blind: Diagnosis = {
  ...undecided,
  gaps: ['s3:GetObject was denied'],
  triage: { ...undecided.triage, requests: null, errors: null, byStatus: {} },
};
const half: Diagnosis = {
  ...race,
  provisional: true,
  triage: { ...race.triage, errors: 124, byStatus: { '502': 124 } },
  completeness: { ...race.completeness, errorsInLog: 124 },
};
const unread = recordedDiagnosis('006-no-rows-yet');
const AGAIN = '2026-11-20T03:06:00.000Z';
const TOMORROW = '2026-11-21T03:06:00.000Z';

interface Situation {
  diagnosis: Diagnosis | null;
  run?: RunChanges;
  episode?: Episode;
  first: string;
  buttons: string;
}

const ANSWERED =
  '[[Fix]] [Evidence] [Log lines] [Ask again] [⋯ By target | By route | Timeline | Repeat by hand | Post-mortem as a file]';
const OPEN = ANSWERED.replace('Fix', 'How to decide');
const UNREAD = '[[Ask again]] [⋯ Repeat by hand | Post-mortem as a file]';
const AGAIN_ONLY = '[[Run again]]';

const situations: Record<string, Situation> = {
  'waits for others': {
    diagnosis: null,
    run: { state: 'queued' },
    first: '⏳ *shop-prod* · 5xx · 02:40–02:55 UTC · queued',
    buttons: '',
  },
  looks: {
    diagnosis: null,
    run: { state: 'running' },
    first: '⏳ *shop-prod* · 5xx · 02:40–02:55 UTC · looking…',
    buttons: '',
  },
  'looks, and knows something from the metrics': {
    diagnosis: early,
    run: { state: 'running', attempts: 0 },
    first: '⏳ *shop-prod: access log not read yet* · 149 errors in CloudWatch · 02:40–02:55 UTC · looking…',
    buttons: '',
  },
  'asks again, while the answer of before stands': {
    diagnosis: race,
    run: { state: 'running', attempts: 1 },
    first: '⏳ *shop-prod: Keep-alive race (likely)* · 149 × 502 · 02:40–02:55 UTC · asking again…',
    buttons: '',
  },
  'has an answer that may change': {
    diagnosis: half,
    run: { state: 'provisional', nextAttemptAt: AGAIN },
    first:
      '🔴 *shop-prod: Keep-alive race (likely)* · 124 × 502 · 02:40–02:55 UTC · provisional, asking again at 03:06 UTC',
    buttons: ANSWERED,
  },
  'asks again tomorrow': {
    diagnosis: half,
    run: { state: 'provisional', nextAttemptAt: TOMORROW },
    first:
      '🔴 *shop-prod: Keep-alive race (likely)* · 124 × 502 · 02:40–02:55 UTC · provisional, asking again at 2026-11-21 03:06 UTC',
    buttons: ANSWERED,
  },
  'has a cause': {
    diagnosis: race,
    first: '🔴 *shop-prod: Keep-alive race (likely)* · 149 × 502 · 02:40–02:55 UTC · final',
    buttons: ANSWERED,
  },
  'is undecided': {
    diagnosis: undecided,
    first: '🟡 *alb-demo: undecided* · 1 × 502 · 06:15–06:25 UTC · partial',
    buttons: OPEN,
  },
  'has nothing to read yet': {
    diagnosis: unread,
    run: { nextAttemptAt: '2026-11-16T03:01:00.000Z' },
    first:
      '🟡 *web-prod: no access-log entries yet* · 99 errors in CloudWatch · 02:40–02:55 UTC · provisional, asking again at 03:01 UTC',
    buttons: UNREAD,
  },
  'could not read the log': {
    diagnosis: blind,
    first: '🟡 *alb-demo: access log not read* · 502 · 06:15–06:25 UTC · partial',
    buttons: UNREAD,
  },
  'finds nothing wrong': {
    diagnosis: healthy,
    first: '🟢 *web-prod: no errors* · 5xx · 11:00–11:15 UTC · final',
    buttons: UNREAD.replace('[[Ask again]]', '[Ask again]'),
  },
  failed: {
    diagnosis: null,
    run: { state: 'failed', failure: 'No load balancer is named shop-prod any more.' },
    first: '⚠️ *shop-prod* · 5xx · 02:40–02:55 UTC · failed',
    buttons: AGAIN_ONLY,
  },
  'was interrupted': {
    diagnosis: null,
    run: { state: 'interrupted' },
    first: '⏸️ *shop-prod* · 5xx · 02:40–02:55 UTC · interrupted',
    buttons: AGAIN_ONLY,
  },
  'was asked the day after': {
    diagnosis: race,
    run: { createdAt: '2026-11-21T09:00:00.000Z' },
    first: '🔴 *shop-prod: Keep-alive race (likely)* · 149 × 502 · 2026-11-20 02:40–02:55 UTC · final',
    buttons: ANSWERED,
  },
  'is of an alarm that is still on': {
    diagnosis: race,
    run: byAlarm,
    episode: episodeOf(),
    first: '🔴 *shop-prod: Keep-alive race (likely)* · 149 × 502 · 02:40–02:55 UTC · final',
    buttons: ANSWERED,
  },
  'is of an alarm that is over': {
    diagnosis: race,
    run: byAlarm,
    episode: episodeOf({ closedAt: '2026-11-20T03:15:00.000Z', alarms: [alarm({ state: 'OK' })] }),
    first: '⚪ *shop-prod: Keep-alive race (likely)* · 149 × 502 · 02:40–02:55 UTC · over after 31 min, final',
    buttons: ANSWERED,
  },
};

const base = (diagnosis: Diagnosis | null): Diagnosis => diagnosis ?? race;
const told = ({
  diagnosis,
  run = {},
  episode = null,
}: {
  diagnosis: Diagnosis | null;
  run?: RunChanges;
  episode?: Episode | null;
}) => ({
  run: runOf(base(diagnosis), { ...(diagnosis === null ? {} : { state: runStateOf(diagnosis), attempts: 1 }), ...run }),
  diagnosis,
  episode,
});

describe('a run that', () => {
  it.each(Object.entries(situations))('%s', (_, situation) => {
    const message = rootMessage(told(situation));
    const lines = readMessage(message).split('\n');
    expect(lines[0]).toBe(situation.first);
    expect(
      lines
        .filter((line) => /^ {2}\[/.test(line))
        .join('')
        .trim()
        .replace(/ – asks: [^\]]*/, ''),
    ).toBe(situation.buttons);
    // A notification shows the beginning of the text: it says the same.
    expect(message.text.split('\n')[0]).toBe(situation.first.replaceAll('*', ''));
    expect(blockKitErrors(message)).toEqual([]);
  });
});

describe('below the first line', () => {
  const read = (...args: Parameters<typeof told>) => readMessage(rootMessage(told(...args)));

  it('says the verdict, who was hurt, and who asked', () => {
    const text = read({ diagnosis: race });
    expect(text).toContain(race.verdict.summary);
    expect(text).toContain(race.triage.summary);
    expect(text).toContain('(Asked by @U0ALICE)');
  });

  it('says why there is no answer, what to do, and which run it was', () => {
    const failed = read({ diagnosis: null, run: { state: 'failed', failure: 'AWS does not accept the credentials.' } });
    expect(failed).toContain('AWS does not accept the credentials.');
    expect(failed).toContain('(Asked by @U0ALICE · Run 20261120t025600-5f3a9c1e)');
    expect(read({ diagnosis: null, run: { state: 'interrupted' } })).toContain('Run it again to get one.');
    expect(read({ diagnosis: null, run: { ...byAlarm, state: 'interrupted', nextAttemptAt: AGAIN } })).toContain(
      'It goes on by itself',
    );
  });

  it('says what could not be looked at', () => {
    expect(read({ diagnosis: blind })).toContain('Partial: could not look at the access log');
    expect(read({ diagnosis: recordedDiagnosis('013-missing-evidence') })).toContain(
      'Partial: could not look at steps 2, 3 and 5; 13 gaps in all.',
    );
  });

  it('says how complete the log is while that may change', () => {
    expect(read({ diagnosis: half, run: { nextAttemptAt: AGAIN } })).toMatch(
      /Provisional: 124 of 149 errors counted by CloudWatch are in the log so far/,
    );
  });

  it('names the alarm, since when it is on, and how often it was told', () => {
    expect(read({ diagnosis: race, run: byAlarm, episode: episodeOf({ repeats: 3 }) })).toContain(
      '(Alarm shop-prod-5xx · since 02:44 UTC · told 3 times more)',
    );
  });

  it('names the alarm once', () => {
    expect(read({ diagnosis: race, run: byAlarm, episode: episodeOf() })).not.toContain('Asked by');
    expect(read({ diagnosis: race, run: byAlarm })).toContain('(Asked by the alarm shop-prod-5xx)');
    const failed = read({ diagnosis: null, run: { ...byAlarm, state: 'failed' }, episode: episodeOf() });
    expect(failed).toContain('(Run 20261120t025600-5f3a9c1e)');
  });

  it('names several alarms with their states, and when the last was over', () => {
    const alarms = [alarm({ state: 'OK' }), alarm({ name: 'shop-prod-latency', state: 'INSUFFICIENT_DATA' })];
    const text = read({
      diagnosis: race,
      run: byAlarm,
      episode: episodeOf({ alarms, closedAt: '2026-11-20T03:15:20.000Z' }),
    });
    expect(text).toContain(
      'Alarms shop-prod-5xx (OK) and shop-prod-latency (INSUFFICIENT_DATA) · since 02:44 UTC, OK at 03:15:20 UTC',
    );
  });

  it('shows what people said of the verdict', () => {
    const at = '2026-11-20T09:00:00.000Z';
    const text = read({
      diagnosis: race,
      run: {
        feedback: [
          { user: 'U0BOB', at, verdict: 'right', cause: null, words: null },
          { user: 'U0EVE', at, verdict: 'wrong', cause: 'slow-target', words: 'a lock in <the> database' },
          { user: 'U0MAX', at, verdict: 'wrong', cause: 'other', words: 'a full moon' },
        ],
      },
    });
    expect(text).toContain('(Marked right by @U0BOB)');
    expect(text).toContain('(Marked wrong by @U0EVE: it was Slow target; a lock in <the> database)');
    expect(text).toContain('(Marked wrong by @U0MAX: it was a full moon)');
  });
});

describe('asking again', () => {
  it.each([
    ['running', '02:40–02:55 UTC · asking again for 02:25–02:55 UTC…'],
    ['failed', '02:40–02:55 UTC · failed for 02:25–02:55 UTC'],
  ] as const)('about a wider window (%s) leaves the numbers with the window they are of', (state, said) => {
    const { text } = rootMessage(
      threadStateOf(race, { state, failure: 'AWS is down.', from: '2026-11-20T02:25:00.000Z' }),
    );
    expect(text.split('\n')[0]).toContain(said);
  });

  it('says what it costs where the last ask cost something, and asks first', () => {
    const paid = { ...race, cost: { bytesScanned: 12_400_000, queries: 6, usd: 0.0124 } };
    expect(readMessage(rootMessage(threadStateOf(paid)))).toContain(
      '[Ask again – asks: The last ask read 12.4 MB for $0.0124; this one costs about as much.]',
    );
  });

  it('asks nothing about less than a cent', () => {
    const free = { ...race, cost: { bytesScanned: 12_400_000, queries: 6, usd: 0.0001 } };
    expect(readMessage(rootMessage(threadStateOf(free)))).toContain('[Ask again] ');
  });
});
