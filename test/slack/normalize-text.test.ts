/** Typographic characters, links and mentions that phones and Slack put into a question. */

import { describe, expect, it } from 'vitest';
import { parseQuestion } from '../../src/query/parse-question.ts';
import { isHelpRequest, normalizeText, stripMention } from '../../src/slack/normalize-text.ts';
import { fc } from '../support/property.ts';

describe('plain words', () => {
  it.each([
    ['my-alb last 15m', 'my-alb last 15m'],
    ['  my-alb\u00a0last\u202f15m \n', 'my-alb last 15m'],
    ['“my-alb” last 15m', 'my-alb last 15m'],
    ["'my-alb' `502`", 'my-alb 502'],
    ['my\u2013alb from 02:40 to 02:55', 'my-alb from 02:40 to 02:55'],
    ['my\u2011alb\u200b', 'my-alb'],
    ['<my-alb> last 15m', 'my-alb last 15m'],
    ['&lt;my-alb&gt; last 15m', 'my-alb last 15m'],
    [
      '<http://edge-1.eu-west-1.elb.amazonaws.com|edge-1.eu-west-1.elb.amazonaws.com> 502',
      'edge-1.eu-west-1.elb.amazonaws.com 502',
    ],
    ['<https://edge-1.eu-west-1.elb.amazonaws.com/>', 'edge-1.eu-west-1.elb.amazonaws.com'],
    ['&amp;lt;', '&lt;'],
    ['', ''],
  ])('%j', (typed, words) => {
    expect(normalizeText(typed)).toBe(words);
  });

  it('are one line for any text, found quickly, and equal a plain question', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        expect(normalizeText(text)).not.toMatch(/[\n\t\u00a0\u200b]|^\s|\s$/);
      }),
    );
    const began = performance.now();
    normalizeText('<'.repeat(50_000) + '|>'.repeat(50_000));
    expect(performance.now() - began).toBeLessThan(3000);
  });

  it('make a question', () => {
    expect(parseQuestion(normalizeText('“shop\u2011prod” last\u00a015m 502'))).toEqual({
      loadBalancer: 'shop-prod',
      window: { last: 900_000 },
      zone: null,
      statuses: ['502'],
    });
  });
});

it("exclude the bot's name anywhere in a mention", () => {
  expect(normalizeText(stripMention('<@U0BOT> my-alb <@U0BOT|alb502>', 'U0BOT'))).toBe('my-alb');
  expect(stripMention('<@U0ADA> my-alb', 'U0BOT')).toBe('<@U0ADA> my-alb');
});

it.each([
  ['help', true],
  ['help me', true],
  ['HELP', true],
  ['?', true],
  ['help-alb', false],
  ['', false],
])('%j asks for help: %s', (words, isHelp) => {
  expect(isHelpRequest(words)).toBe(isHelp);
});
