import { describe, expect, it } from 'vitest';
import { CAUSE_IDS } from '../../../src/diagnose/cause-ids.ts';
import { formView, homeView, wrongVerdictView } from '../../../src/slack/messages/index.ts';
import { HOSTILE, race } from '../../support/diagnoses.ts';
import { type Payload, refusalsOf } from '../../support/slack/block-kit.ts';
import { readView } from '../../support/slack/read-message.ts';
import { runOf } from '../../support/slack/thread-states.ts';

const payload = (view: object): Payload => JSON.parse(JSON.stringify(view)) as Payload;

describe('the form', () => {
  it('asks for everything', () => {
    expect(refusalsOf(payload(formView({})), 'modal')).toEqual([]);
    expect(readView(formView({}))).toMatchInlineSnapshot(`
      "== Diagnose ==
      Load balancer: [Type a part of its name]
      Window, in UTC: [last 15m]  (Such as "last 15m" or "from 02:40 to 02:55".)
      Statuses: [5xx]  (Such as "502 504"; every 5xx if you name none.)
      Channel: [Where the thread is to be]  (alb502 must be in it.)
        [[Diagnose]]"
    `);
  });

  it('has what is known already, and no channel where that is known', () => {
    const view = formView({ loadBalancer: 'shop-prod', window: 'last 1h', statuses: '502 504', channel: 'C0ALERTS' });
    expect(refusalsOf(payload(view), 'modal')).toEqual([]);
    expect(readView(view)).toContain('Load balancer: [shop-prod]');
    expect(readView(view)).toContain('Window, in UTC: [last 1h]');
    expect(readView(view)).toContain('Statuses: [502 504]');
    expect(readView(view)).not.toContain('Channel');
    expect(JSON.parse(view.private_metadata ?? '')).toEqual({ channel: 'C0ALERTS', within: null });
  });

  it.each([
    ['an ARN', 'arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/shop-prod/50dc6c495c0c9188'],
    ['something endless', 'x'.repeat(10_000)],
    ['nothing', ''],
    ['something hostile', HOSTILE],
  ])('takes %s', (_, text) => {
    const view = formView({ loadBalancer: text, window: text, statuses: text });
    expect(refusalsOf(payload(view), 'modal')).toEqual([]);
  });

  it('shows an ARN by its name', () => {
    const arn = 'arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/shop-prod/50dc6c495c0c9188';
    expect(readView(formView({ loadBalancer: arn }))).toContain('Load balancer: [shop-prod]');
  });
});

describe('what it was instead', () => {
  const view = wrongVerdictView('20261120t025600-5f3a9c1e');

  it('is one of the causes, another one, or words', () => {
    expect(refusalsOf(payload(view), 'modal')).toEqual([]);
    const { blocks } = JSON.parse(JSON.stringify(view)) as { blocks: { element: { options?: { value: string }[] } }[] };
    expect(blocks[0]?.element.options?.map(({ value }) => value)).toEqual([...CAUSE_IDS, 'other']);
  });

  it('knows its run', () => {
    expect(view.private_metadata).toBe('20261120t025600-5f3a9c1e');
  });
});

describe('the home', () => {
  it('shows what was asked, what may be asked, and health', () => {
    const recent = [
      { run: runOf(race, { state: 'final' }), verdict: 'Keep-alive race on target group api.' },
      { run: runOf(race, { state: 'failed' }), verdict: null },
    ];
    const view = homeView({ recent, configured: ['account prod in eu-west-1'], health: [] });
    expect(refusalsOf(payload(view), 'home')).toEqual([]);
    expect(readView(view)).toMatchInlineSnapshot(`
      "# Recent diagnoses
        • *shop-prod* · 02:40–02:55 UTC · final: Keep-alive race on target group api. (asked 2026-11-20 02:56 UTC)
        • *shop-prod* · 02:40–02:55 UTC · failed (asked 2026-11-20 02:56 UTC)
      # What may be asked about
        • account prod in eu-west-1
      # Health
      All is well."
    `);
  });

  it('is short, whatever there is', () => {
    const run = runOf({ ...race, loadBalancer: { name: HOSTILE.repeat(100), arn: null } });
    const many = Array.from({ length: 300 }, () => ({ run, verdict: HOSTILE.repeat(100) }));
    const lines = many.map(({ verdict }) => verdict);
    const view = homeView({ recent: many, configured: lines, health: lines });
    expect(refusalsOf(payload(view), 'home')).toEqual([]);
    expect(readView(view)).toContain('… and 285 more');
  });
});
