import { describe, expect, it } from 'vitest';
import { CAUSE_IDS } from '../../../src/diagnose/causes/index.ts';
import { formView, homeView, wrongVerdictView } from '../../../src/slack/messages/index.ts';
import { HOSTILE, race } from '../../support/diagnoses.ts';
import { type Payload, refusalsOf } from '../../support/slack/block-kit.ts';
import { readView } from '../../support/slack/read-message.ts';
import { episodeOf, runOf } from '../../support/slack/thread-states.ts';

const payload = (view: object): Payload => JSON.parse(JSON.stringify(view)) as Payload;

describe('the form', () => {
  it('asks for everything', () => {
    expect(refusalsOf(payload(formView({})), 'modal')).toEqual([]);
    expect(readView(formView({}))).toMatchInlineSnapshot(`
      "== Diagnose ==
      Load balancer: [Type a part of its name]
      Window: [last 15m]  (For example: last 15m, 02:40-02:55, 14:40 CET. Times are in your own time zone if Slack shares it, else in UTC.)
      Statuses: [5xx]  (For example: 502 504. Default: every 5xx the load balancer sent, and 502 to 504 from its targets.)
      Channel: [Channel for the thread]  (alb502 must be in it.)
        [[Diagnose]]"
    `);
  });

  it('is filled with what is known, without a channel if that is known', () => {
    const view = formView({ loadBalancer: 'shop-prod', window: 'last 1h', statuses: '502 504', channel: 'C0ALERTS' });
    expect(refusalsOf(payload(view), 'modal')).toEqual([]);
    expect(readView(view)).toContain('Load balancer: [shop-prod]');
    expect(readView(view)).toContain('Window: [last 1h]');
    expect(readView(view)).toContain('Statuses: [502 504]');
    expect(readView(view)).not.toContain('Channel');
  });

  it.each([
    ['an ARN', 'arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/shop-prod/50dc6c495c0c9188'],
    ['something endless', 'x'.repeat(10_000)],
    ['nothing', ''],
    ['something hostile', HOSTILE],
  ])('accepts %s', (_, text) => {
    const view = formView({ loadBalancer: text, window: text, statuses: text });
    expect(refusalsOf(payload(view), 'modal')).toEqual([]);
  });

  it('shows an ARN by its name', () => {
    const arn = 'arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/shop-prod/50dc6c495c0c9188';
    expect(readView(formView({ loadBalancer: arn }))).toContain('Load balancer: [shop-prod]');
  });
});

describe('the form about a wrong verdict', () => {
  const view = wrongVerdictView('20261120t025600-5f3a9c1e');

  it('offers the known causes, "another cause", and free text', () => {
    expect(refusalsOf(payload(view), 'modal')).toEqual([]);
    const { blocks } = JSON.parse(JSON.stringify(view)) as { blocks: { element: { options?: { value: string }[] } }[] };
    expect(blocks[0]?.element.options?.map(({ value }) => value)).toEqual([...CAUSE_IDS, 'other']);
  });

  it('carries the run it is about', () => {
    expect(view.private_metadata).toBe('20261120t025600-5f3a9c1e');
  });
});

const NOTHING = { refusal: null, accounts: [], open: [], muted: [], recent: [], failures: [] };
const mute = { key: 'arn:shop', user: 'U0ADA', at: '2026-11-20T02:56:00.000Z', until: '2026-11-20T06:56:00.000Z' };

describe('the home', () => {
  it('shows the load balancers, alarms, and recent questions with their results', () => {
    const thread = { ...runOf(race).thread, root: '1763607420.000100' };
    const recent = [
      { run: runOf(race, { state: 'final', thread }), diagnosis: race },
      { run: runOf(race, { state: 'failed', thread }), diagnosis: null },
      { run: runOf(race, { state: 'failed', thread: { ...thread, root: null } }), diagnosis: null },
    ];
    const view = homeView({
      ...NOTHING,
      accounts: [{ account: 'prod', loadBalancers: ['shop-prod', 'edge'] }],
      open: [{ run: runOf(race, { state: 'final' }), episode: episodeOf({ closedAt: null }) }],
      muted: [
        { ...mute, kind: 'load-balancer', name: 'shop-prod' },
        { ...mute, kind: 'alarm', name: '<!channel> high-502' },
      ],
      recent,
    });
    expect(refusalsOf(payload(view), 'home')).toEqual([]);
    expect(readView(view)).toMatchInlineSnapshot(`
      "# Ask
        • prod: shop-prod, edge
      In a channel, type \`/alb502 shop-prod last 15m\`
      # In alarm now
        • *shop-prod* · shop-prod-5xx in ALARM since 02:44 UTC
      # Muted
        • all alarms on shop-prod · muted by @U0ADA until 2026-11-20 06:56 UTC
        • <!channel> high-502 · muted by @U0ADA until 2026-11-20 06:56 UTC
      # Your last diagnoses
        • shop-prod (https://slack.com/archives/C0ALERTS/p1763607420000100) · 02:40–02:55 UTC · keep-alive race (likely) · asked 2026-11-20 02:56 UTC
        • shop-prod (https://slack.com/archives/C0ALERTS/p1763607420000100) · 02:40–02:55 UTC · no answer: There is no answer. · asked 2026-11-20 02:56 UTC
        • *shop-prod* · 02:40–02:55 UTC · not posted · asked 2026-11-20 02:56 UTC"
    `);
    expect(JSON.stringify(view)).toContain('https://slack.com/archives/C0ALERTS/p1763607420000100');
  });

  it('shows only a refusal to someone who may not ask', () => {
    const view = homeView({ ...NOTHING, refusal: 'You do not have access to alb502.' });
    expect(refusalsOf(payload(view), 'home')).toEqual([]);
    expect(readView(view)).toMatchInlineSnapshot(`
      "# Access
      You do not have access to alb502."
    `);
  });

  it("stays within Slack's number of blocks", () => {
    const run = runOf({ ...race, loadBalancer: { name: HOSTILE.repeat(100), arn: null } });
    const names = Array.from({ length: 40 }, () => HOSTILE.repeat(20));
    const view = homeView({
      ...NOTHING,
      accounts: names.map((account) => ({ account, loadBalancers: names.slice(0, 3) })),
      open: names.map(() => ({ run, episode: episodeOf({ closedAt: null }) })),
      recent: names.map(() => ({ run, diagnosis: race })),
      failures: names,
    });
    expect(refusalsOf(payload(view), 'home')).toEqual([]);
    expect(readView(view)).toContain('… and 25 more');
  });
});
