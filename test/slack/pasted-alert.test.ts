/** The subject of an alert in a channel. */
import { describe, expect, it } from 'vitest';
import type { LoadBalancerRef } from '../../src/investigate/investigator.ts';
import { isAlert, isOver, readAlert, windowAround } from '../../src/slack/pasted-alert.ts';

const arnOf = (name: string, id = '50dc6c495c0c9188') =>
  `arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/${name}/${id}`;
const ref = (name: string, arn: string | null = arnOf(name)): LoadBalancerRef => ({
  name,
  arn,
  account: 'shop',
  region: 'eu-west-1',
});
const KNOWN = [ref('shop'), ref('shop-prod'), ref('edge'), ref('edge', arnOf('edge', '60dc6c495c0c9188'))];

describe('an alert about a load balancer', () => {
  it.each([
    ['an ARN in its text', { text: `5xx on ${arnOf('other')}` }, arnOf('other')],
    [
      'a dimension in an attachment',
      { attachments: [{ fields: [{ title: 'LoadBalancer', value: 'app/shop-prod/50dc6c495c0c9188' }] }] },
      arnOf('shop-prod'),
    ],
    ['an unknown dimension', { text: 'app/new/70dc6c495c0c9188' }, 'app/new/70dc6c495c0c9188'],
    [
      'a DNS name',
      { text: 'Check of https://shop-prod-1234.eu-west-1.elb.amazonaws.com/health failed' },
      'shop-prod-1234.eu-west-1.elb.amazonaws.com',
    ],
    [
      'a console link',
      {
        text: `https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#LoadBalancer:loadBalancerArn=${encodeURIComponent(arnOf('shop-prod'))}`,
      },
      arnOf('shop-prod'),
    ],
    [
      'a name in a block',
      { blocks: [{ type: 'section', text: { type: 'mrkdwn', text: 'ALARM: `Shop-Prod`: 502' } }] },
      arnOf('shop-prod'),
    ],
    ['a name in italics', { text: '_shop-prod_' }, arnOf('shop-prod')],
    ['a name that two have', { text: 'edge is failing' }, 'edge'],
    [
      'a card of Amazon Q for an alarm with its name',
      { text: 'CloudWatch Alarm | shop-prod-5xx | eu-west-1 | Account: 123456789012' },
      arnOf('shop-prod'),
    ],
    ['PagerDuty', { text: 'Triggered #4711: [eu-west-1] alb/shop-prod.5xx is above 10' }, arnOf('shop-prod')],
    [
      'Datadog',
      { attachments: [{ title: 'Triggered: 5xx on loadbalancer:app/shop-prod/50dc6c495c0c9188', text: 'aws.elb' }] },
      arnOf('shop-prod'),
    ],
    ['Datadog, by a tag', { text: '[Triggered on {name:shop-prod}] ELB 5xx too high' }, arnOf('shop-prod')],
    [
      'PagerDuty, by a link',
      {
        blocks: [
          {
            type: 'section',
            text: {
              type: 'mrkdwn',
              text: '*Triggered* <https://acme.pagerduty.com/incidents/Q1|#12: 502s of shop-prod>',
            },
          },
        ],
      },
      arnOf('shop-prod'),
    ],
    [
      'Grafana, by a label',
      {
        attachments: [
          {
            title: '[FIRING:1] ALB5xx (critical)',
            text: 'Labels:\n - LoadBalancer = app/shop-prod/50dc6c495c0c9188\nSilence: https://grafana.example.com/alerting/silence/new?matcher=LoadBalancer%3Dapp%2Fshop-prod%2F50dc6c495c0c9188',
          },
        ],
      },
      arnOf('shop-prod'),
    ],
    ['Grafana', { text: '[FIRING:1] ALB5xx (shop-prod_eu critical)' }, arnOf('shop-prod')],
  ])('%s', (_, message, loadBalancer) => {
    expect(readAlert(message, KNOWN)).toEqual({ loadBalancer });
  });

  it.each([
    ['two names', { text: 'shop-prod and edge are failing' }, ['edge', 'shop-prod']],
    ['two names within the name of an alarm', { text: 'ALARM: shop-prod/edge-5xx' }, ['edge', 'shop-prod']],
    ['two ids', { text: `${arnOf('a')} ${arnOf('b')}` }, [arnOf('a'), arnOf('b')]],
  ])('%s are offered as a choice', (_, message, candidates) => {
    expect(readAlert(message, KNOWN)).toEqual({ candidates });
  });

  it.each([
    ['a word that only holds a name', { text: 'shopping, workshop and sledge' }],
    ['nothing', {}],
  ])('%s names none', (_, message) => {
    expect(readAlert(message, KNOWN)).toBeNull();
  });

  it('is parsed quickly in very long text', () => {
    const ring: { text: string; inner?: unknown } = { text: 'a-'.repeat(30_000) };
    ring.inner = ring;
    const began = performance.now();
    expect(readAlert(ring, KNOWN)).toBeNull();
    expect(performance.now() - began).toBeLessThan(3000);
  });
});

describe('an alert about an alarm', () => {
  it.each([
    [
      'a card of Amazon Q',
      'CloudWatch Alarm | too many errors | eu-west-1 | Account: 123456789012',
      'too many errors',
      'eu-west-1',
    ],
    ['its e-mail', 'ALARM: "too-many-errors" in EU (Ireland)', 'too-many-errors', null],
    [
      'a console link',
      'https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/too-many-errors?~(x)',
      'too-many-errors',
      'eu-west-1',
    ],
    [
      'a console link without a region in its host',
      'https://console.aws.amazon.com/cloudwatch/home?region=us-east-2#alarmsV2:alarm/too%20many%20errors',
      'too many errors',
      'us-east-2',
    ],
    [
      'the link of an old card',
      '<https://console.aws.amazon.com/cloudwatch/home?region=us-east-2#s=Alarms&alarm=too-many-errors|card>',
      'too-many-errors',
      'us-east-2',
    ],
    ['the subject of its e-mail as typed', 'ALARM: too-many-errors in US East (Ohio)', 'too-many-errors', null],
    [
      'its ARN',
      'arn:aws:cloudwatch:eu-west-1:123456789012:alarm:too-many-errors',
      'arn:aws:cloudwatch:eu-west-1:123456789012:alarm:too-many-errors',
      'eu-west-1',
    ],
  ])('%s', (_, text, alarm, region) => {
    expect(readAlert({ text }, KNOWN)).toEqual({ alarm, region });
  });
});

it.each([
  ['CloudWatch Alarm | shop-prod-5xx | eu-west-1', true],
  ['[FIRING:1] shop-prod', true],
  ['[Opsgenie] #42: ElbHigh5xx loadbalancer=shop-prod', true],
  ['shop-prod recently', false],
  ['shop-prod incident yesterdy 14:00', false],
])('takes %j for a pasted alert: %j', (words, expected) => {
  expect(isAlert(words)).toBe(expected);
});

it.each([
  ['Resolved #4711: shop-prod', true],
  ['OK: "shop-prod-5xx" in EU (Ireland)', true],
  ['ALARM: "shop-prod-5xx" was OK before', false],
  ['[FIRING:1] shop-prod', false],
])('takes %j for ended: %j', (text, expected) => {
  expect(isOver({ text })).toBe(expected);
});

describe('the window of an alert', () => {
  const at = Date.parse('2026-11-20T02:47:31Z');
  it.each([
    ['long ago', at + 3_600_000, 'from 2026-11-20T02:32Z to 2026-11-20T02:52Z'],
    ['just now', at + 60_000, 'from 2026-11-20T02:32Z to 2026-11-20T02:48Z'],
  ])('%s', (_, now, words) => {
    expect(windowAround(`${at / 1000}.000200`, now)).toBe(words);
  });

  it('is the last minutes if the time is invalid', () => {
    expect(windowAround('then', at)).toBe('last 15m');
  });
});
