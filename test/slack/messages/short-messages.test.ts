import { describe, expect, it } from 'vitest';
import {
  episodeClosedMessage,
  helpMessage,
  privateMessage,
  rootMessage,
  unknownAlarmMessage,
} from '../../../src/slack/messages/index.ts';
import type { Message } from '../../../src/slack/messages/message.ts';
import { early, HOSTILE, race } from '../../support/diagnoses.ts';
import { readMessage } from '../../support/slack/read-message.ts';
import { alarm, blockKitErrors, byAlarm, episodeOf, threadStateOf } from '../../support/slack/thread-states.ts';

const accepted = (message: Message): string => {
  expect(blockKitErrors(message)).toEqual([]);
  return readMessage(message);
};

it('explains how to ask, and what is checked', () => {
  expect(accepted(helpMessage())).toMatchInlineSnapshot(`
    "*alb502 finds the root cause of 502, 503 and 504 errors of an Application Load Balancer.*
        /alb502 my-alb last 15m
        /alb502 my-alb from 02:40 to 02:55 502 504
        /alb502                              a form to pick from
        @alb502 my-alb last 1h               in a thread
      • Load balancer: its name, a part of its name, its ARN or its DNS name.
      • Window: the last 15 minutes by default. Times are in your own time zone if Slack shares it, else in UTC; 14:40 CET names one.
      • Errors: every 5xx the load balancer sent and 502 to 504 from its targets by default; 502 504 asks for these alone.
    *What it checks*
      • 1 Access log: who failed, and how
      • 2 Target group protocol and port
      • 3 Keep-alive and idle timeout
      • 4 HTTP response format
      • 5 Security groups and network ACLs
      • 6 Targets, deployments, capacity
    alb502 only reads. It answers in a thread that everyone in the channel can see."
  `);
});

it('shows a sentence to one person', () => {
  expect(accepted(privateMessage('Noted: <!channel> & `x`.'))).toBe('Noted: <!channel> & `x`.');
  expect(accepted(privateMessage(`Didn't understand "${'x'.repeat(600)}".`))).toHaveLength(500);
});

describe('an ended alarm', () => {
  const closed = episodeOf({ closedAt: '2026-11-20T03:15:00.000Z', alarms: [alarm({ state: 'OK' })] });

  it('reports duration, errors and cause', () => {
    expect(accepted(episodeClosedMessage(threadStateOf(race, byAlarm, closed)))).toMatchInlineSnapshot(`
      "*Over after 31 min*: shop-prod-5xx OK since 03:15 UTC.
      149 × 502, 02:40–02:55 UTC. Verdict: *keep-alive race (likely)*.
        (12.4 MB read, 6 queries, $0.0001)
        [Post-mortem as a file]"
    `);
  });

  it('says which alarms have no data, which is not OK', () => {
    const silent = alarm({ name: 'shop-prod-latency', state: 'INSUFFICIENT_DATA' });
    const alone = episodeOf({ closedAt: '2026-11-20T03:15:00.000Z', alarms: [silent] });
    expect(accepted(episodeClosedMessage(threadStateOf(race, byAlarm, alone)))).toMatch(
      /^\*Over after 31 min\*: shop-prod-latency in INSUFFICIENT_DATA since 03:15 UTC\./,
    );
    expect(accepted(rootMessage(threadStateOf(race, byAlarm, alone)))).toContain(
      'since 02:44 UTC, no data at 03:15 UTC',
    );
    const both = { ...closed, alarms: [...closed.alarms, silent] };
    expect(accepted(episodeClosedMessage(threadStateOf(race, byAlarm, both)))).toMatch(
      /: shop-prod-5xx OK and shop-prod-latency in INSUFFICIENT_DATA since 03:15 UTC\./,
    );
  });

  it('says which part of it the errors cover when it lasted longer than the window', () => {
    const long = { ...closed, openedAt: '2026-11-19T20:00:00.000Z' };
    const window = { from: '2026-11-19T15:15:00.000Z', to: '2026-11-20T03:16:00.000Z' };
    const told = (from: string) => threadStateOf({ ...race, window: { ...window, from } }, byAlarm, long);
    const part = told('2026-11-19T21:16:00.000Z');
    expect(accepted(episodeClosedMessage(part))).toContain(
      '149 × 502 in its last 6 h, 2026-11-19 21:16–2026-11-20 03:16',
    );
    expect(accepted(rootMessage(part)).split('\n')[0]).toContain(
      ' · 149 × 502, 0.21 % of requests in its last 6 h · 2026-11-19 21:16',
    );
    expect(accepted(rootMessage(part))).toContain('since 2026-11-19 20:00 UTC');
    const whole = told(window.from);
    expect(accepted(episodeClosedMessage(whole))).not.toContain('in its last');
    expect(accepted(rootMessage(whole))).not.toContain('in its last');
  });

  it('says since when it fires again, and where its state is shown', () => {
    const names = ['shop-prod-5xx', 'shop-prod-latency'];
    const alarms = names.map((name, at) => alarm({ name, changedAt: `2026-11-20T03:2${at}:00.000Z` }));
    expect(accepted(episodeClosedMessage(threadStateOf(race, byAlarm, { ...closed, closedAt: null, alarms })))).toBe(
      '*Back in ALARM*: shop-prod-5xx and shop-prod-latency since 03:20 UTC, after clearing.\nThe first message of this thread shows the current state.',
    );
  });

  it.each([
    [null, 'The number of errors is unknown'],
    [0, 'No errors in CloudWatch'],
    [7, '7 errors in CloudWatch'],
  ])('has no number of errors if no log was read and CloudWatch has %s', (errorsInMetrics, words) => {
    const triage = { ...race.triage, requests: null, errors: null, byStatus: {} };
    const { verdict } = early;
    const unread = {
      ...race,
      triage,
      verdict,
      completeness: { ...race.completeness, errorsInLog: null, errorsInMetrics },
    };
    expect(accepted(episodeClosedMessage(threadStateOf(unread, byAlarm, closed)))).toContain(
      `\n${words}, 02:40–02:55 UTC. Verdict: *access log not read*.`,
    );
  });

  it('says that there is no verdict', () => {
    const told = { ...threadStateOf(race, byAlarm, closed), diagnosis: null };
    expect(accepted(episodeClosedMessage(told))).toBe(
      '*Over after 31 min*: shop-prod-5xx OK since 03:15 UTC.\nNo verdict was reached.',
    );
  });
});

it('says what is known of an alarm that names no load balancer', () => {
  const message = unknownAlarmMessage({
    alarm: 'errors <!here>',
    why: 'names-none',
    sentences: ['It is about the expression e1.', HOSTILE.repeat(100), 'c', 'd', 'e', 'f'],
  });
  const text = accepted(message);
  expect(text.split('\n')[0]).toBe('Alarm *errors <!here>* names no load balancer, so nothing was diagnosed.');
  expect(text).toContain('… and 1 more');
  expect(message.text).toContain('errors &lt;!here&gt;');
});

it.each([
  ['unknown', 'Could not tell which load balancer alarm *any* is for, so nothing was diagnosed.'],
  [{ loadBalancers: 12 }, 'Alarm *any* covers 12 load balancers, so none was diagnosed.'],
] as const)('says why an alarm was not diagnosed: %j', (why, first) => {
  const text = accepted(unknownAlarmMessage({ alarm: 'any', why, sentences: [] }));
  expect(text.split('\n')[0]).toBe(first);
});
