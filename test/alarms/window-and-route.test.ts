/** The window of an alarm, and the channel of its thread. */

import { describe, expect, it } from 'vitest';
import type { Alarm } from '../../src/alarms/alarm-event.ts';
import {
  channelFor,
  matchesPattern,
  mentionFor,
  otherChannel,
  possibleAccounts,
} from '../../src/alarms/alarm-routes.ts';
import { readMessage } from '../../src/alarms/read-message.ts';
import { windowStart } from '../../src/alarms/window-start.ts';
import { incidentWindow, MAX_WINDOW } from '../../src/query/incident-window.ts';
import { event, snsAlarm } from '../support/alarms/messages.ts';
import { fc } from '../support/property.ts';

const AT = Date.parse('2026-11-20T02:44:00.123Z');
const clock = (at: number): string => new Date(at).toISOString().slice(11, 19);

function alarm(body: unknown, changes: Partial<Alarm> = {}): Alarm {
  const read = readMessage(JSON.stringify(body));
  if (!('alarm' in read)) throw new Error(JSON.stringify(read));
  return { ...read.alarm, ...changes };
}

describe('the window of an alarm', () => {
  it.each([
    ['five minutes before the first datapoint of the reason', alarm(snsAlarm({ at: AT })), '02:37:00'],
    [
      'before the earliest of several datapoints',
      alarm(
        snsAlarm({
          at: AT,
          reason: '3 out of the last 3 datapoints [9.0 (20/11/26 02:42:00), 8.0 (20/11/26 02:40:00)]',
        }),
      ),
      '02:35:00',
    ],
    ['before the period that EventBridge says', alarm(event({ at: AT })), '02:36:00'],
    [
      'before the evaluated periods, if the message names none',
      alarm(snsAlarm({ at: AT, reason: 'Threshold Crossed' }), { evaluationPeriods: 5, period: 300 }),
      '02:11:00',
    ],
    [
      'not before data points of another day',
      alarm(snsAlarm({ at: AT, reason: '[9.0 (01/02/20 02:42:00)]' })),
      '02:35:00',
    ],
    [
      'of a composite alarm: before it changed',
      alarm(snsAlarm({ at: AT, reason: '' }), { evaluationPeriods: null, period: null }),
      '02:35:00',
    ],
  ])('starts %s', (_, of, from) => {
    expect(clock(windowStart(of))).toBe(from);
  });

  it('ends now while it lasts, and a minute after its end', () => {
    const from = AT - 600_000;
    expect(incidentWindow(from, { now: AT, heardAt: from, closedAt: null })).toEqual({ from, to: AT });
    expect(incidentWindow(from, { now: AT + 3_600_000, heardAt: AT, closedAt: AT })).toEqual({ from, to: AT + 60_000 });
    expect(incidentWindow(from, { now: AT, heardAt: AT, closedAt: AT })).toEqual({ from, to: AT });
  });

  it('is cut to the last twelve hours, and never empty', () => {
    const from = AT - 5 * 24 * 3_600_000;
    const last = { from: AT - MAX_WINDOW, to: AT };
    expect(incidentWindow(from, { now: AT, heardAt: AT - 60_000, closedAt: null })).toEqual(last);
    expect(incidentWindow(from, { now: AT + 1, heardAt: AT - 60_000, closedAt: AT - 60_000 })).toEqual(last);
    const early = incidentWindow(AT + 60_000, { now: AT, heardAt: AT, closedAt: null });
    expect(early.to - early.from).toBe(60_000);
  });
});

it('uses the time of a message that arrives days late', () => {
  const from = AT - 5 * 24 * 3_600_000;
  expect(incidentWindow(from, { now: AT, heardAt: from + 600_000, closedAt: null })).toEqual({
    from,
    to: from + MAX_WINDOW,
  });
});

describe('the channel of an alarm', () => {
  const routing = {
    routes: [
      { loadBalancer: 'shop-*', alarm: '*-critical', channel: 'CCRITICAL' },
      { loadBalancer: 'shop-*', channel: 'CSHOP' },
      { account: 'staging', channel: 'CSTAGING' },
      { account: '2222*', channel: 'CNUMBER' },
      { alarm: 'web?', channel: 'CWEB' },
    ],
    defaultChannel: 'CDEFAULT',
  };
  it.each([
    ['shop-eu', 'a-critical', ['prod'], 'CCRITICAL'],
    ['shop-eu', 'b', ['prod'], 'CSHOP'],
    ['api', 'b', ['111111111111', 'staging'], 'CSTAGING'],
    ['api', 'b', ['222222222222'], 'CNUMBER'],
    ['api', 'web1', [], 'CWEB'],
    ['api', 'web12', [], 'CDEFAULT'],
    [null, 'b-critical', [], 'CDEFAULT'],
  ])('of %s, %s in %j, is %s', (loadBalancer, name, accounts, channel) => {
    expect(channelFor({ loadBalancer, alarm: name, accounts }, routing)).toBe(channel);
  });

  const role = (id: string) => `arn:aws:iam::${id}:role/alb502`;
  const restricted = {
    ...routing,
    accounts: [
      { name: 'bank', roleArn: role('333333333333'), channels: ['CBANK', 'CSHOP'] },
      { name: 'vault', roleArn: role('444444444444'), channels: ['CVAULT', 'CBANK'] },
      { name: 'prod', roleArn: role('555555555555') },
      { name: 'default' },
    ],
  };

  it('may read about the account', () => {
    const bank = { loadBalancer: 'shop-eu', alarm: 'a-critical', accounts: ['bank', '333333333333'] };
    expect(channelFor(bank, restricted)).toBe('CSHOP');
    expect(channelFor({ ...bank, loadBalancer: 'api' }, restricted)).toBe('CBANK');
    expect(otherChannel(bank, 'CBANK', restricted)).toBe('CSHOP');
    expect(otherChannel({ ...bank, accounts: ['bank', 'vault'] }, 'CBANK', restricted)).toBe(null);
    expect(otherChannel({ ...bank, accounts: ['prod'] }, 'CWEB', restricted)).toBe('CDEFAULT');
  });

  it.each([
    ['a restricted account', '333333333333', 'CBANK'],
    ['another restricted account', '444444444444', 'CVAULT'],
    ['an open account', '555555555555', 'CDEFAULT'],
    ['an account that only the credentials of the environment can be of', '666666666666', 'CDEFAULT'],
    ['no account, if it may be any', null, 'CBANK'],
  ])('of an alarm without a load balancer from %s is %s → %s', (_, id, channel) => {
    const accounts = possibleAccounts(id, restricted);
    expect(channelFor({ loadBalancer: null, alarm: 'b', accounts }, restricted)).toBe(channel);
  });

  it('is none if no channel may read about all possible accounts', () => {
    const apart = { ...restricted, accounts: restricted.accounts.map((one, at) => ({ ...one, channels: [`C${at}`] })) };
    expect(channelFor({ loadBalancer: null, alarm: 'b', accounts: possibleAccounts(null, apart) }, apart)).toBe(null);
  });

  it('is none without a default channel', () => {
    expect(channelFor({ loadBalancer: 'a', alarm: 'b', accounts: [] }, { routes: [], defaultChannel: null })).toBe(
      null,
    );
  });
});

describe('patterns', () => {
  it('match like the equivalent regular expression', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.', '('), maxLength: 8 });
    const patterns = fc.string({ unit: fc.constantFrom('a', 'b', '.', '(', '*', '?'), maxLength: 8 });
    fc.assert(
      fc.property(patterns, letters, (pattern, name) => {
        const source = pattern.replace(/[.(]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.');
        expect(matchesPattern(pattern, name)).toBe(new RegExp(`^${source}$`).test(name));
      }),
      { numRuns: 3000 },
    );
  });

  it('match in short time', () => {
    const began = performance.now();
    expect(matchesPattern(`${'a*'.repeat(60)}b`, 'a'.repeat(300))).toBe(false);
    expect(performance.now() - began).toBeLessThan(3000);
  });
});

it('mentions only the people of the first matching route', () => {
  const routing = {
    routes: [{ loadBalancer: 'shop-*', channel: 'CSHOP', mention: 'S0SHOPTEAM' }, { channel: 'CREST' }],
    defaultChannel: null,
  };
  const alarm = { alarm: '5xx', accounts: [] };
  expect(mentionFor({ ...alarm, loadBalancer: 'shop-prod' }, routing)).toBe('S0SHOPTEAM');
  expect(mentionFor({ ...alarm, loadBalancer: 'bank' }, routing)).toBeNull();
});
