/** Who may ask, where, and about which accounts. */
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import {
  type Decision,
  decide,
  openAuthorization,
  type Requester,
  requesterOf,
} from '../../src/slack/authorization.ts';

const HOME = 'T0HOME';
const ADA: Requester = { user: 'U0ADA', teams: [HOME], channel: 'C0ALERTS' };

const config = (content: object) => parseConfig(content, {}, 'alb502.json');
const ACCOUNTS = [{ name: 'shop', channels: ['C0ALERTS'] }, { name: 'bank', channels: ['C0BANK'] }, { name: 'site' }];

describe('without any rules', () => {
  const open = config({});

  it.each([
    ["a person of the bot's workspace", ADA, { accounts: ['default'] }],
    ['a person in no channel', { ...ADA, channel: null }, { accounts: ['default'] }],
  ])('%s may ask', (_, who, decision) => {
    expect(decide(open, who, { home: HOME, members: null })).toEqual(decision);
  });

  it.each([
    ['another workspace, as in a shared channel', { ...ADA, teams: ['T0OTHER'] }],
    ['an unknown place', { ...ADA, teams: [] }],
  ])('a person from %s may not', (_, who) => {
    expect(refusal(decide(open, who, { home: HOME, members: null }))).toMatch(/workspace/);
  });
});

describe('rules', () => {
  const groups = { slack: { allow: { userGroups: ['S0ONCALL'], users: ['U0CAP'] } } };
  it.each([
    ['a workspace that is named', { slack: { allow: { workspaces: ['T0SUB'] } } }, { ...ADA, teams: ['T0SUB'] }, null],
    ['its organization', { slack: { allow: { workspaces: ['E0ORG'] } } }, { ...ADA, teams: ['T0SUB', 'E0ORG'] }, null],
    ['the Home tab if others are named', { slack: { allow: { workspaces: ['T0SUB'] } } }, ADA, /workspace/],
    ['a channel that is named', { slack: { allow: { channels: ['C0ALERTS'] } } }, ADA, null],
    ['a channel that is not', { slack: { allow: { channels: ['C0OTHER'] } } }, ADA, /channel.*C0ALERTS/],
    ['a person who is named', { slack: { allow: { users: ['U0ADA'] } } }, ADA, null],
    ['a person who is not', { slack: { allow: { users: ['U0CAP'] } } }, ADA, /don't have access/],
    ['a member of a group', groups, { ...ADA, user: 'U0MEMBER' }, null],
    ['a person named besides a group', groups, { ...ADA, user: 'U0CAP' }, null],
    ['neither member nor named', groups, ADA, /don't have access/],
  ])('%s', (_, rules, who, refused) => {
    const decision = decide(config(rules), who, { home: HOME, members: new Set(['U0MEMBER']) });
    if (refused === null) expect(decision).toEqual({ accounts: ['default'] });
    else expect(refusal(decision)).toMatch(refused);
  });

  it('for groups allow only named people while Slack does not list the members', () => {
    expect(refusal(decide(config(groups), ADA, { home: HOME, members: null }))).toMatch(/Try again/);
    expect(decide(config(groups), { ...ADA, user: 'U0CAP' }, { home: HOME, members: null })).toHaveProperty('accounts');
  });
});

describe('accounts', () => {
  const three = config({ accounts: ACCOUNTS });
  it.each([
    ['C0ALERTS', ['shop', 'site']],
    ['C0BANK', ['bank', 'site']],
    ['C0OTHER', ['site']],
    [null, ['site']],
  ])('visible from %s', (channel, accounts) => {
    expect(decide(three, { ...ADA, channel }, { home: HOME, members: null })).toEqual({ accounts });
  });

  it('are none when all belong to other channels, which refuses nobody outside channels', () => {
    const two = config({ accounts: ACCOUNTS.slice(0, 2) });
    expect(refusal(decide(two, { ...ADA, channel: 'C0OTHER' }, { home: HOME, members: null }))).toMatch(/No account/);
    expect(decide(two, { ...ADA, channel: null }, { home: HOME, members: null })).toEqual({ accounts: [] });
  });
});

describe('people', () => {
  const home = { id: HOME };
  it.each([
    ['of the workspace', { user: { id: 'U1', team_id: HOME }, team: home, enterprise: { id: 'E1' } }, [HOME, 'E1']],
    [
      'from another company in a shared channel',
      { user: { id: 'U1', team_id: 'T2' }, team: home, enterprise: { id: 'E1' } },
      ['T2'],
    ],
    ['of whom Slack says no more', { user: { id: 'U1' }, team: home }, [HOME]],
    ['of an organization-wide installation', { user: { id: 'U1', team_id: 'T3' }, team: null }, ['T3']],
  ])('%s', (_, signed, teams) => {
    expect(requesterOf(signed, 'C1')).toEqual({ user: 'U1', teams, channel: 'C1' });
  });
});

describe('members of user groups', () => {
  function opened(rules: object = { slack: { allow: { userGroups: ['S0A', 'S0B'] } } }) {
    const clock = { now: 0 };
    const asked: string[] = [];
    const answers: { fail: boolean; members: string[] } = { fail: false, members: ['U0ADA'] };
    const allowed = openAuthorization({
      config: config(rules),
      home: HOME,
      async membersOf(group) {
        asked.push(group);
        if (answers.fail) throw new Error('ratelimited');
        return group === 'S0A' ? answers.members : [];
      },
      log: { warn() {} },
      now: () => clock.now,
    });
    return { allowed, asked, answers, clock };
  }

  it('are requested once for many people, and again after five minutes', async () => {
    const { allowed, asked, answers, clock } = opened();
    const all = await Promise.all(Array.from({ length: 20 }, () => allowed(ADA)));
    expect(all.every((decision) => 'accounts' in decision)).toBe(true);
    expect(asked).toEqual(['S0A', 'S0B']);
    clock.now = 4 * 60_000;
    await allowed(ADA);
    expect(asked).toHaveLength(2);
    clock.now = 6 * 60_000;
    answers.members = [];
    expect(refusal(await allowed(ADA))).toMatch(/don't have access/);
    expect(asked).toHaveLength(4);
  });

  it('stay valid for an hour while Slack does not answer, and no longer', async () => {
    const { allowed, answers, clock } = opened();
    await allowed(ADA);
    answers.fail = true;
    clock.now = 50 * 60_000;
    expect(await allowed(ADA)).toHaveProperty('accounts');
    clock.now = 70 * 60_000;
    expect(refusal(await allowed(ADA))).toMatch(/did not say/);
  });

  it('are not requested for someone who is refused or allowed by name', async () => {
    const { allowed, asked } = opened({
      slack: { allow: { userGroups: ['S0A'], users: ['U0CAP'], channels: ['C0ALERTS'] } },
    });
    await allowed({ ...ADA, teams: ['T0OTHER'] });
    await allowed({ ...ADA, channel: 'C0OTHER' });
    await allowed({ ...ADA, user: 'U0CAP' });
    expect(asked).toEqual([]);
  });
});

function refusal(decision: Decision): string {
  expect(decision).toHaveProperty('refused');
  return 'refused' in decision ? decision.refused : '';
}
