/** What an alert in a channel is taken to be about. */
import { describe, expect, it } from 'vitest';
import type { LoadBalancerRef } from '../../src/investigate/investigator.ts';
import { loadBalancerIn, windowAround } from '../../src/slack/pasted-alert.ts';

const arnOf = (name: string, id = '50dc6c495c0c9188') =>
  `arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/${name}/${id}`;
const ref = (name: string, arn: string | null = arnOf(name)): LoadBalancerRef => ({
  name,
  arn,
  account: 'shop',
  region: 'eu-west-1',
});
const KNOWN = [ref('shop'), ref('shop-prod'), ref('edge'), ref('edge', arnOf('edge', '60dc6c495c0c9188'))];

describe('the load balancer of an alert', () => {
  it.each([
    ['an ARN in its text', { text: `5xx on ${arnOf('other')}` }, arnOf('other')],
    [
      'a dimension in an attachment',
      { attachments: [{ fields: [{ title: 'LoadBalancer', value: 'app/shop-prod/50dc6c495c0c9188' }] }] },
      arnOf('shop-prod'),
    ],
    ['a dimension nobody knows', { text: 'app/new/70dc6c495c0c9188' }, 'app/new/70dc6c495c0c9188'],
    ['a name, the longest', { text: 'High 5xx rate on *shop-prod* (shop)' }, arnOf('shop-prod')],
    [
      'a name in a block',
      { blocks: [{ type: 'section', text: { type: 'mrkdwn', text: 'ALARM: `Shop-Prod`: 502' } }] },
      arnOf('shop-prod'),
    ],
    ['a name in italics', { text: '_shop-prod_' }, arnOf('shop-prod')],
    ['a name that two have', { text: 'edge is failing' }, 'edge'],
    ['no name, only a word that holds one', { text: 'shopping, shop_prod2 and sledge' }, null],
    ['nothing', {}, null],
  ])('%s', (_, message, found) => {
    expect(loadBalancerIn(message, KNOWN)).toBe(found);
  });

  it('is soon found or not found in what has no end', () => {
    const ring: { text: string; inner?: unknown } = { text: 'a-'.repeat(30_000) };
    ring.inner = ring;
    const began = performance.now();
    expect(loadBalancerIn(ring, KNOWN)).toBeNull();
    expect(performance.now() - began).toBeLessThan(3000);
  });
});

describe('the window of an alert', () => {
  const at = Date.parse('2026-11-20T02:47:31Z');
  it.each([
    ['long ago', at + 3_600_000, 'from 2026-11-20T02:32Z to 2026-11-20T02:52Z'],
    ['just now', at + 60_000, 'from 2026-11-20T02:32Z to 2026-11-20T02:48Z'],
  ])('%s', (_, now, words) => {
    expect(windowAround(`${at / 1000}.000200`, now)).toBe(words);
  });

  it('is the last minutes where the time is none', () => {
    expect(windowAround('then', at)).toBe('last 15m');
  });
});
