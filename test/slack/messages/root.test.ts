/** The root message during the life of a run: at night, people read its first line. */
import { describe, expect, it } from 'vitest';
import type { Diagnosis } from '../../../src/diagnose/diagnosis.ts';
import type { Episode } from '../../../src/runs/episode.ts';
import { rootMessage, runStateOf, verdictMessage } from '../../../src/slack/messages/index.ts';
import { early, race, undecided } from '../../support/diagnoses.ts';
import { HOSTILE_TEXTS } from '../../support/incident/hostile.ts';
import { slackFaults } from '../../support/incident/outputs.ts';
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

const REASON = 'Threshold Crossed: 1 datapoint [2.4 (20/11/26 02:41:00)] was greater than the threshold (1.0).';
const latencyEpisode = episodeOf({
  alarms: [
    alarm({ name: 'shop-prod-latency', reason: REASON, watches: { metric: 'TargetResponseTime', threshold: 1 } }),
  ],
});

interface Situation {
  diagnosis: Diagnosis | null;
  run?: RunChanges;
  episode?: Episode;
  first: string;
  buttons: string;
}

const ANSWERED = '[[Fix commands]] [Evidence] [Log] [⋯ Targets | Routes | All checks | Verify by hand | Post-mortem]';
const OPEN = ANSWERED.replace('Fix commands', 'How to decide');
const UNREAD = '[[Check again]] [⋯ All checks | Verify by hand | Post-mortem]';
/** Below the thread of an alarm. */
const MUTE = ' [Mute]';
const AGAIN_ONLY = '[[Run again]]';
const RACE = 'shop-prod: keep-alive race (likely)* · 149 × 502, 0.21 % of requests · 02:40–02:55 UTC';

const situations: Record<string, Situation> = {
  'waits for others': {
    diagnosis: null,
    run: { state: 'queued' },
    first: '⏳ *shop-prod: queued* · 5xx · 02:40–02:55 UTC',
    buttons: '',
  },
  'is under way': {
    diagnosis: null,
    run: { state: 'running' },
    first: '⏳ *shop-prod: diagnosing…* · 5xx · 02:40–02:55 UTC',
    buttons: '',
  },
  'is under way, and knows something from the metrics': {
    diagnosis: early,
    run: { state: 'running', attempts: 0 },
    first: '⏳ *shop-prod: reading the access log* · 149 errors in CloudWatch · 02:40–02:55 UTC',
    buttons: '',
  },
  'checks again, while the last answer is shown': {
    diagnosis: race,
    run: { state: 'running', attempts: 1 },
    first: `⏳ *${RACE} · checking again…`,
    buttons: '',
  },
  'has an answer that may change': {
    diagnosis: half,
    run: { state: 'provisional', nextAttemptAt: AGAIN },
    first: '🔴 *shop-prod: keep-alive race (likely)* · 124 × 502, 0.21 % of requests · 02:40–02:55 UTC',
    buttons: ANSWERED,
  },
  'has a cause': { diagnosis: race, first: `🔴 *${RACE}`, buttons: ANSWERED },
  'is undecided': {
    diagnosis: undecided,
    first: '🟠 *alb-demo: undecided* · 1 × 502, 100 % of requests · 06:15–06:25 UTC',
    buttons: OPEN,
  },
  'has no log to read yet': {
    diagnosis: unread,
    run: { nextAttemptAt: '2026-11-16T03:01:00.000Z' },
    first: '🔴 *web-prod: access log for this window has not arrived yet* · 99 errors in CloudWatch · 02:40–02:55 UTC',
    buttons: UNREAD,
  },
  'could not read the log': {
    diagnosis: blind,
    first: '🟠 *alb-demo: access log not read* · 502 · 06:15–06:25 UTC',
    buttons: UNREAD,
  },
  'finds nothing wrong': {
    diagnosis: healthy,
    first: '🟢 *web-prod: no 502, 503 or 504* · 11:00–11:15 UTC',
    buttons: UNREAD.replace('[[Check again]]', '[Check again]'),
  },
  'finds only failures of another status': {
    diagnosis: {
      ...healthy,
      impact: 'high',
      beside: {
        ...healthy.beside,
        statuses: [
          { status: '460', madeBy: 'load-balancer', requests: 13, share: 0.02, medianSeconds: 5, routes: [] },
          { status: '500', madeBy: 'target', requests: 2, share: 0.003, medianSeconds: 1, routes: [] },
        ],
      },
    },
    first: '🔴 *web-prod: no 502, 503 or 504, but 13 × 460 and 2 × 500* · 11:00–11:15 UTC',
    buttons: UNREAD.replace('[[Check again]]', '[Check again]'),
  },
  'finds nothing wrong while an alarm fires': {
    diagnosis: healthy,
    run: byAlarm,
    episode: episodeOf(),
    first: '🟠 *web-prod: no 502, 503 or 504* · 11:00–11:15 UTC',
    buttons: `${UNREAD.replace('[[Check again]]', '[Check again]')}${MUTE}`,
  },
  'runs for an alarm, with the count of CloudWatch': {
    diagnosis: null,
    run: {
      ...byAlarm,
      state: 'running',
      counted: { errors: 123, byStatus: { 504: 3, 502: 120 }, requests: 8_786, since: '2026-11-20T02:44:00.000Z' },
    },
    episode: episodeOf(),
    first: '🔴 *shop-prod: 120 × 502, 3 × 504 since 02:44 UTC (1.4 % of requests)*, diagnosing…',
    buttons: '',
  },
  'is under way for an alarm on something else': {
    diagnosis: null,
    run: { ...byAlarm, state: 'running' },
    episode: latencyEpisode,
    first: '⏳ *shop-prod: alarm on TargetResponseTime (threshold 1)*, diagnosing…',
    buttons: '',
  },
  'finds no errors while an alarm on something else fires': {
    diagnosis: healthy,
    run: byAlarm,
    episode: latencyEpisode,
    first: '🟠 *web-prod: no 5xx, the alarm is on TargetResponseTime (threshold 1)* · 11:00–11:15 UTC',
    buttons: `${UNREAD.replace('[[Check again]]', '[Check again]')}${MUTE}`,
  },
  'finds errors while an alarm on something else fires': {
    diagnosis: race,
    run: byAlarm,
    episode: latencyEpisode,
    first: `🔴 *${RACE}`,
    buttons: `${ANSWERED}${MUTE}`,
  },
  failed: {
    diagnosis: null,
    run: { state: 'failed', failure: 'No load balancer is named shop-prod any more.' },
    first: '⚠️ *shop-prod: diagnosis failed* · 5xx · 02:40–02:55 UTC',
    buttons: AGAIN_ONLY,
  },
  'was interrupted': {
    diagnosis: null,
    run: { state: 'interrupted' },
    first: '⏸️ *shop-prod: diagnosis interrupted* · 5xx · 02:40–02:55 UTC',
    buttons: AGAIN_ONLY,
  },
  'is of an alarm that is still on': {
    diagnosis: race,
    run: byAlarm,
    episode: episodeOf(),
    first: `🔴 *${RACE}`,
    buttons: `${ANSWERED}${MUTE}`,
  },
  'is of an alarm that is over': {
    diagnosis: race,
    run: byAlarm,
    episode: episodeOf({ closedAt: '2026-11-20T03:15:00.000Z', alarms: [alarm({ state: 'OK' })] }),
    first: `⚪ *${RACE} · over after 31 min`,
    buttons: `${ANSWERED}${MUTE}`,
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
  /** Addresses of the console are left out. */
  const read = (...args: Parameters<typeof told>) =>
    readMessage(rootMessage(told(...args))).replaceAll(/ \(https:[^ ]*\)/g, '');

  it('says what broke, what to do and who is affected, in this order', () => {
    const lines = read({ diagnosis: race }).split('\n');
    expect(lines[1]).toMatch(/^\*Cause\* {2}Keep-alive race on target group api: .* Explains 146 of 149 errors\.$/);
    expect(lines[2]).toMatch(/^\*Fix\* {2}Raise the keep-alive timeout of api to 65 s/);
    expect(lines[3]).toBe(
      '*Impact*  139 clients, 3 routes; 131 of 149 succeeded on retry. Since 02:40:02, still failing.',
    );
    expect(lines[4]).toContain('log complete, final · load balancer · metrics · asked by @U0ALICE');
  });

  it('starts with the metric of an alarm that alb502 does not explain', () => {
    const quiet = read({ diagnosis: { ...healthy, slowestRoutes: [] }, run: byAlarm, episode: latencyEpisode }).split(
      '\n',
    );
    expect(quiet[1]).toBe(`*Alarm*  TargetResponseTime: ${REASON}`);
    expect(quiet[2]).toBe('*Next step*  look at TargetResponseTime in CloudWatch: alb502 explains only 5xx.');
    const failing = read({ diagnosis: race, run: byAlarm, episode: latencyEpisode }).split('\n');
    expect(failing[1]).toBe(`*Alarm*  TargetResponseTime: ${REASON}`);
    expect(failing[2]).toMatch(/^\*Cause\*/);
    const both = episodeOf({ alarms: [...latencyEpisode.alarms, alarm({})] });
    expect(read({ diagnosis: healthy, run: byAlarm, episode: both })).not.toContain('TargetResponseTime');
  });

  it('says nothing about the log while it is still being read', () => {
    const told = read({ diagnosis: early, run: { state: 'running', attempts: 0 } });
    expect(told).not.toMatch(/Next step|not read|final|provisional/);
    expect(read({ diagnosis: early })).toMatch(/Next step/);
  });

  it('starts with the errors that CloudFront generated itself', () => {
    const lines = read({ diagnosis: recordedDiagnosis('039-bogus-hosts-answered-at-the-edge') }).split('\n');
    expect(lines[1]).toBe(
      "*Fix in CloudFront*  Return 403, in a CloudFront Function, for host names that the load balancer's certificate does not cover.",
    );
    expect(lines[2]).toMatch(/^\*Cause\*/);
  });

  it('names the slowest routes for an alarm on latency, and for no other', () => {
    const slow = (route: string, p95Seconds: number, shareOfTime: number) => ({
      ...{ route, p95Seconds, shareOfTime },
      requests: 100,
    });
    const diagnosis: Diagnosis = {
      ...healthy,
      slowestRoutes: [slow('POST /reports', 8.13, 0.312), slow('GET /<!channel>', 0.418, 0.09)],
    };
    const [, , routes, next] = read({ diagnosis, run: byAlarm, episode: latencyEpisode }).split('\n');
    expect(routes).toBe(
      '*Slowest routes*  POST /reports (p95 8.1 s, 31 % of the time spent), GET /<!channel> (p95 420 ms, 9.0 % of the time spent)',
    );
    expect(next).toBe(
      "*Next step*  find what POST /reports waits for, in the application's traces or log: alb502 explains only 5xx.",
    );
    const hosts = episodeOf({ alarms: [alarm({ watches: { metric: 'UnHealthyHostCount', threshold: 0 } })] });
    expect(read({ diagnosis, run: byAlarm, episode: hosts })).not.toContain('Slowest');
  });

  it('names the possible causes and the next command if undecided', () => {
    const lines = read({ diagnosis: undecided }).split('\n');
    expect(lines[1]).toBe('*Undecided between*  closed mid-request, malformed response, response header too large');
    expect(lines[2]).toMatch(/^\*Next step\* {2}look for `Root=1-693bb3f2-71b560c458bf732c4d88fcf8` in the app/);
  });

  it('says what is known and what to do without a log', () => {
    const text = read({ diagnosis: unread });
    expect(text).toMatch(/\n\*So far\* {2}/);
    expect(text).toMatch(
      /\n\*Next step\* {2}Files usually arrive within 5 to 10 minutes: run the diagnosis again at 03:01/,
    );
  });

  it('says why there is no answer, what to do, and which run it was', () => {
    const failed = read({ diagnosis: null, run: { state: 'failed', failure: 'AWS does not accept the credentials.' } });
    expect(failed).toContain('AWS does not accept the credentials.');
    expect(failed).toContain('asked by @U0ALICE · run 20261120t025600-5f3a9c1e');
    expect(read({ diagnosis: null, run: { state: 'interrupted' } })).toContain('Run it again to get an answer.');
    expect(read({ diagnosis: null, run: { ...byAlarm, state: 'interrupted', nextAttemptAt: AGAIN } })).toContain(
      'It will resume automatically.',
    );
  });

  it('mentions nobody in the first post', () => {
    const first = rootMessage(told({ diagnosis: null, run: { state: 'running' } }));
    expect(JSON.stringify(first)).not.toContain('U0ALICE');
    expect(read({ diagnosis: race })).toContain('asked by @U0ALICE');
  });

  it('says what could not be checked', () => {
    expect(read({ diagnosis: blind })).toContain('partial: could not check the access log');
    expect(read({ diagnosis: recordedDiagnosis('013-missing-evidence') })).toContain(
      'partial: 13 inputs missing or incomplete',
    );
  });

  it('says when the next check is, with its day if that is not today', () => {
    expect(read({ diagnosis: half, run: { nextAttemptAt: AGAIN } })).toContain('provisional, next check 03:06 UTC');
    expect(read({ diagnosis: half, run: { nextAttemptAt: TOMORROW } })).toContain('next check 2026-11-21 03:06 UTC');
  });

  it('names the day of a window that is not today', () => {
    expect(read({ diagnosis: race })).not.toContain('20 Nov 2026');
    expect(read({ diagnosis: race, run: { createdAt: '2026-11-21T09:00:00.000Z' } })).toContain('20 Nov 2026');
  });

  it('names the alarm, since when it fires, and how often it fired again', () => {
    const repeated = episodeOf({ repeats: 3, alarms: [alarm({ times: 4 })] });
    expect(read({ diagnosis: race, run: byAlarm, episode: repeated })).toContain(
      '(Alarm shop-prod-5xx · since 02:44 UTC · re-fired 3 times)',
    );
    const joined = episodeOf({ repeats: 1, alarms: [alarm({}), alarm({ name: 'shop-prod-504' })] });
    expect(read({ diagnosis: race, run: byAlarm, episode: joined })).not.toContain('re-fired');
  });

  it('names the alarm once', () => {
    expect(read({ diagnosis: race, run: byAlarm, episode: episodeOf() })).not.toContain('asked by');
    expect(read({ diagnosis: race, run: byAlarm })).toContain('alarm shop-prod-5xx');
  });

  it('links to the alarm in the console', () => {
    const { blocks } = rootMessage(told({ diagnosis: race, run: byAlarm, episode: episodeOf() }));
    expect(JSON.stringify(blocks)).toContain(
      '<https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/shop-prod-5xx|shop-prod-5xx>',
    );
  });

  it('names several alarms with their states, and when the last one ended', () => {
    const alarms = [alarm({ state: 'OK' }), alarm({ name: 'shop-prod-latency', state: 'INSUFFICIENT_DATA' })];
    const text = read({
      diagnosis: race,
      run: byAlarm,
      episode: episodeOf({ alarms, closedAt: '2026-11-20T03:15:20.000Z' }),
    });
    expect(text).toContain(
      'Alarms shop-prod-5xx (OK), shop-prod-latency (INSUFFICIENT_DATA) · since 02:44 UTC, OK at 03:15:20 UTC',
    );
  });

  it('says who muted the alarms of the thread, and until when', () => {
    const muted = { user: 'U0ADA', until: '2026-11-20T06:56:30.000Z' };
    expect(read({ diagnosis: race, run: { muted: { ...muted, what: 'load-balancer' } } })).toContain(
      '(@U0ADA muted all alarms on shop-prod until 2026-11-20 06:56 UTC)',
    );
    expect(read({ diagnosis: race, run: { muted: { ...muted, what: 'alarm' } } })).toContain(
      '(@U0ADA muted these alarms until 2026-11-20 06:56 UTC)',
    );
  });

  it("shows people's feedback on the verdict", () => {
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
    expect(text).toContain('(@U0BOB confirmed this verdict)');
    expect(text).toContain('(@U0EVE marked this verdict wrong: it was slow target; "a lock in <the> database")');
    expect(text).toContain('(@U0MAX marked this verdict wrong: "a full moon")');
  });
});

describe('checking again', () => {
  it.each([
    ['running', '02:40–02:55 UTC · checking again for 02:25–02:55 UTC…'],
    ['failed', '02:40–02:55 UTC · last check failed for 02:25–02:55 UTC'],
  ] as const)('of a wider window (%s) keeps the numbers with their window', (state, said) => {
    const { text } = rootMessage(
      threadStateOf(race, { state, failure: 'AWS is down.', from: '2026-11-20T02:25:00.000Z' }),
    );
    expect(text.split('\n')[0]).toContain(said);
  });

  it('says what it costs if the last check cost something, and asks first', () => {
    const paid = { ...race, cost: { bytesScanned: 12_400_000, queries: 6, usd: 0.0124 } };
    expect(readMessage(verdictMessage(threadStateOf(paid)))).toContain(
      '[Check again – asks: The last run read 12.4 MB for $0.0124; this one costs about the same.]',
    );
  });

  it('does not ask below one cent', () => {
    const free = { ...race, cost: { bytesScanned: 12_400_000, queries: 6, usd: 0.0001 } };
    expect(readMessage(verdictMessage(threadStateOf(free)))).toContain('[⋯ Check again]');
  });
});

it.each(Object.entries(HOSTILE_TEXTS))('shows alarms and answers of people written for %s as text', (_, text) => {
  const feedback = { user: 'U0ALICE', at: AGAIN, verdict: 'wrong' as const, cause: 'other', words: text };
  const root = rootMessage(
    threadStateOf(race, { ...byAlarm, feedback: [feedback] }, episodeOf({ alarms: [alarm({ name: text })] })),
  );
  expect(slackFaults(root)).toEqual([]);
  expect(blockKitErrors(root)).toEqual([]);
});
