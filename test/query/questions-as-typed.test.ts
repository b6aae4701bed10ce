/** Questions as on-call engineers type them, asked on Sunday, 29 November 2026, 10:07 in Berlin (09:07 UTC). */
import { describe, expect, it } from 'vitest';
import { Problem } from '../../src/problem.ts';
import { parseQuestion } from '../../src/query/parse-question.ts';
import { resolveWindow } from '../../src/query/window.ts';

const KNOWN = ['shop-prod', 'shop-stage', 'mon-prod'];

/** "shop-prod 11-29T01:40 11-29T01:55 502": what was read, in UTC. */
function read(text: string, now = '2026-11-29T09:07:00Z'): string {
  const question = parseQuestion(text, KNOWN);
  const asked = { ...question, zone: question.zone ?? 'Europe/Berlin' };
  const { from, to } = resolveWindow(asked, { now: Date.parse(now) }, question.loadBalancer ?? undefined);
  const short = (at: number) => new Date(at).toISOString().slice(5, 19).replace(/:00$/, '');
  return [question.loadBalancer, short(from), short(to), ...(question.statuses ?? [])].join(' ');
}

describe('a time of a question', () => {
  it.each([
    // Parts of a day.
    ['since this morning', '11-29T05:00 11-29T09:07'],
    ['this morning', '11-29T05:00 11-29T09:07'],
    ['this morning at 9', '11-29T07:45 11-29T08:15'],
    ['yesterday morning', '11-28T05:00 11-28T11:00'],
    ['yesterday afternoon', '11-28T11:00 11-28T17:00'],
    ['yesterday evening', '11-28T17:00 11-28T23:00'],
    ['yesterday evening 9:15-9:30', '11-28T20:15 11-28T20:30'],
    ['yesterday evening from 6 to 7', '11-28T17:00 11-28T18:00'],
    ['since yesterday evening', '11-28T17:00 11-29T09:07'],
    ['last night', '11-28T19:00 11-29T05:00'],
    ['last night at 2', '11-29T00:45 11-29T01:15'],
    ['last night at 11', '11-28T21:45 11-28T22:15'],
    ['last night between 2 and 3am', '11-29T01:00 11-29T02:00'],
    ['overnight', '11-28T19:00 11-29T05:00'],
    ['Friday evening', '11-27T17:00 11-27T23:00'],
    ['from last night to this morning', '11-28T19:00 11-29T09:07'],
    // Hours without minutes.
    ['between 3 and 4 am PST', '11-28T11:00 11-28T12:00'],
    ['from 2 to 3 am', '11-29T01:00 11-29T02:00'],
    ['2 to 3 am', '11-29T01:00 11-29T02:00'],
    ['2-3am', '11-29T01:00 11-29T02:00'],
    ['11pm to 1am', '11-28T22:00 11-29T00:00'],
    ['11pm to 2', '11-28T22:00 11-29T01:00'],
    ['11 to 2am', '11-28T22:00 11-29T01:00'],
    ['last night between 11 and 2', '11-28T22:00 11-29T01:00'],
    ['at 3', '11-29T01:45 11-29T02:15'],
    ['since 3', '11-29T02:00 11-29T09:07'],
    ['at 3 in the morning', '11-29T01:45 11-29T02:15'],
    ["around 3 o'clock", '11-29T01:45 11-29T02:15'],
    // One time.
    ['around 14:10', '11-28T12:55 11-28T13:25'],
    ['~14:10', '11-28T12:55 11-28T13:25'],
    ['@ 14:10', '11-28T12:55 11-28T13:25'],
    ['@3am', '11-29T01:45 11-29T02:15'],
    ['2.40am', '11-29T01:25 11-29T01:55'],
    ['0240Z', '11-29T02:25 11-29T02:55'],
    // Ranges.
    ['02:40..02:55', '11-29T01:40 11-29T01:55'],
    ['02:40 → 02:55', '11-29T01:40 11-29T01:55'],
    ['0240-0255', '11-29T01:40 11-29T01:55'],
    ['2.40am - 2.55am', '11-29T01:40 11-29T01:55'],
    ['02:40 +15m', '11-29T01:40 11-29T01:55'],
    ['20 minutes from 02:40', '11-29T01:40 11-29T02:00'],
    ['yesterday 23:50 to 00:10', '11-28T22:50 11-28T23:10'],
    ['yesterday 00:00-24:00', '11-27T23:00 11-28T23:00'],
    ['00:00-24:00', '11-27T23:00 11-28T23:00'],
    // Unix time.
    ['1795939200', '11-29T07:45 11-29T08:15'],
    ['from 1795939200 to 1795940100', '11-29T08:00 11-29T08:15'],
    ['1795939200-1795940100', '11-29T08:00 11-29T08:15'],
    ['1795939200000 to 1795940100000', '11-29T08:00 11-29T08:15'],
    // Dates.
    ['Sat 14:00', '11-28T12:45 11-28T13:15'],
    ['28.11.2026 14:00-14:30', '11-28T13:00 11-28T13:30'],
    ['28/11/2026 14:00-14:30', '11-28T13:00 11-28T13:30'],
    ['11/28/2026 14:00-14:30', '11-28T13:00 11-28T13:30'],
    ['2026/11/28 14:00-14:30', '11-28T13:00 11-28T13:30'],
    ['the day before yesterday', '11-26T23:00 11-27T23:00'],
    ['2 days ago', '11-26T23:00 11-27T23:00'],
    ['2 days ago at 14:00', '11-27T12:45 11-27T13:15'],
    ['since 2 days ago', '11-27T09:07 11-29T09:07'],
    // As programs print it.
    ['2026-11-28T23:50:00+01:00 to 2026-11-29T00:10:00+01:00', '11-28T22:50 11-28T23:10'],
    ['Sat Nov 28 14:00:05 UTC 2026', '11-28T13:45:05 11-28T14:15:05'],
    ['Sat, 28 Nov 2026 14:00:05 GMT', '11-28T13:45:05 11-28T14:15:05'],
    ['[28/Nov/2026:14:00:05 +0000]', '11-28T13:45:05 11-28T14:15:05'],
    ['2026-11-28 14:00:05,123', '11-28T12:45:05 11-28T13:15:05'],
    // Lengths.
    ['an hour ago', '11-29T07:52 11-29T08:22'],
    ['half an hour ago', '11-29T08:22 11-29T08:52'],
    ['last half hour', '11-29T08:37 11-29T09:07'],
    ['last couple of hours', '11-29T07:07 11-29T09:07'],
    ['the last few minutes', '11-29T08:52 11-29T09:07'],
    ['last hour and a half', '11-29T07:37 11-29T09:07'],
    ['last twenty minutes', '11-29T08:47 11-29T09:07'],
    ['last forty-five minutes', '11-29T08:22 11-29T09:07'],
    ['since an hour', '11-29T08:07 11-29T09:07'],
    ['--since 1h', '11-29T08:07 11-29T09:07'],
    ['-15m', '11-29T08:52 11-29T09:07'],
    ['from now-1h to now', '11-29T08:07 11-29T09:07'],
    // Zones.
    ['14:40 Berlin time', '11-28T13:25 11-28T13:55'],
    ['02:40 New York time', '11-29T07:25 11-29T07:55'],
    ['11pm Pacific time', '11-29T06:45 11-29T07:15'],
  ])('is read: %j', (words, window) => {
    expect(read(`shop-prod ${words}`)).toBe(`shop-prod ${window}`);
    expect(read(`${words} shop-prod`)).toBe(`shop-prod ${window}`);
  });

  it.each([
    ['this morning', '2026-11-29T02:30:00Z', '11-28T23:00 11-29T02:30'],
    ['tonight', '2026-11-29T02:30:00Z', '11-28T19:00 11-29T02:30'],
    ['last night', '2026-11-29T02:30:00Z', '11-28T19:00 11-29T02:30'],
    ['last night', '2026-11-29T21:00:00Z', '11-28T19:00 11-29T05:00'],
    ['tonight', '2026-11-29T21:00:00Z', '11-29T19:00 11-29T21:00'],
    ['this evening', '2026-11-29T02:30:00Z', '11-28T17:00 11-28T23:00'],
  ])('that is part of a day is the one people mean: %j at %s', (words, now, window) => {
    expect(read(`shop-prod ${words}`, now)).toBe(`shop-prod ${window}`);
  });
});

describe('the words around a question', () => {
  const LAST_15_MINUTES = '11-29T08:52 11-29T09:07';
  it.each([
    ['why does shop-prod return 502?', `${LAST_15_MINUTES} 502`],
    ["what's going on with shop-prod since 02:40 CET?", '11-29T01:40 11-29T09:07'],
    ['what happened to shop-prod last night', '11-28T19:00 11-29T05:00'],
    ['502s from shop-prod yesterday', '11-27T23:00 11-28T23:00 502'],
    ['can you please check shop-prod for 502/503/504 in the last 15 minutes', `${LAST_15_MINUTES} 502 503 504`],
    ['shop-prod is broken, help!', LAST_15_MINUTES],
    ['who broke shop-prod?', LAST_15_MINUTES],
    ['shop-prod 502 bad gateway errors since 02:40', '11-29T01:40 11-29T09:07 502'],
    ['shop-prod gateway timeouts', `${LAST_15_MINUTES} 504`],
    ['shop-prod 503 service unavailable', `${LAST_15_MINUTES} 503`],
    ['we had a spike of 502s on shop-prod at 14:10', '11-28T12:55 11-28T13:25 502'],
    ['customers are complaining about shop-prod', LAST_15_MINUTES],
    ['there was an outage of shop-prod between 14:00 and 14:30 yesterday', '11-28T13:00 11-28T13:30'],
    ['root cause of shop-prod 502s last hour', '11-29T08:07 11-29T09:07 502'],
    ['i just got paged for shop-prod', LAST_15_MINUTES],
    ['shop-prod HTTPCode_ELB_502_Count', `${LAST_15_MINUTES} elb-502`],
    ['shop-prod elb 5xx over the past hour', '11-29T08:07 11-29T09:07 elb-5xx'],
    ['shop-prod target 502 last hour', '11-29T08:07 11-29T09:07 target-502'],
    ['shop-prod 50x', `${LAST_15_MINUTES} 5xx`],
    ['shop-prod | last 15m', LAST_15_MINUTES],
    ['*shop-prod* last 15m', LAST_15_MINUTES],
    ['_shop-prod_', LAST_15_MINUTES],
    ['#shop-prod right now', LAST_15_MINUTES],
    ['SHOP-PROD???', LAST_15_MINUTES],
  ])('are understood: %j', (text, rest) => {
    expect(read(text)).toBe(`shop-prod ${rest}`);
  });

  it('are the name where there is no other', () => {
    expect(parseQuestion('users last 15m').loadBalancer).toBe('users');
    expect(parseQuestion('service 502').loadBalancer).toBe('service');
    expect(parseQuestion('page last 15m').loadBalancer).toBe('page');
    expect(parseQuestion('http page of my-alb').loadBalancer).toBe('my-alb');
  });

  it('may be the ARN of a listener', () => {
    const listener =
      'arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop-prod/50dc6c495c0c9188/f2f7dc8e';
    expect(parseQuestion(listener).loadBalancer).toBe('app/shop-prod/50dc6c495c0c9188');
  });
});

describe('a question that cannot be read', () => {
  it.each([
    'shop-prod recently',
    'shop-prod 02h40',
    'shop-prod 05/11/2026 14:00',
    'shop-prod 28.11. 14:00',
    'shop-prod before 14:00',
    'shop-prod 2 to 4',
    'shop-prod 2 to 4 hours ago',
    'shop-prod 0240',
    'shop-prod 02:40 ± 10m',
    'shop-prod 10 min around 02:40',
    'shop-prod 14:40 local time',
    'shop-prod this week',
    'shop-prod 31/11/2026',
    'shop-prod today 14:10',
    'shop-prod from 02:55 to 02:40',
    'shop-prod last 30d',
    'shop-prod/last',
    'shop-prod in eu-west-1',
    'lb=shop-prod',
    'shop_prod last 15m',
    'target group api last 15m',
    'https://shop.example.com/checkout',
    'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/api/73e2d6bc24d8a067',
    'net/shop-nlb/50dc6c495c0c9188',
  ])('is answered with two questions that work: %j', (text) => {
    const [, first = '', second = ''] = /Try: (.+), or (.+)[.]$/.exec(refusal(text)) ?? [];
    expect([read(first), read(second)]).toEqual([
      expect.stringMatching(/^shop-prod /),
      expect.stringMatching(/^shop-prod /),
    ]);
  });

  it('may name two load balancers', () => {
    expect(refusal('shop-prod and shop-stage last 15m')).toBe(
      'One question is about one load balancer. Try: shop-prod last 15m, or shop-stage last 15m.',
    );
  });

  function refusal(text: string): string {
    try {
      return `Read as ${read(text)}.`;
    } catch (problem) {
      if (problem instanceof Problem) return problem.message;
      throw problem;
    }
  }
});
