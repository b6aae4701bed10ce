import { describe, expect, it } from 'vitest';
import { Problem } from '../../src/problem.ts';
import { type ParsedQuestion, parseDuration, parseQuestion } from '../../src/query/parse-question.ts';
import { resolveWindow } from '../../src/query/window.ts';
import { fc } from '../support/property.ts';

/** 20 November 2026, 03:00:00 UTC: a Friday. */
const NOW = Date.parse('2026-11-20T03:00:00Z');
const MINUTE = 60_000;
const ARN = 'arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/my-alb/50dc6c495c0c9188';
const CONSOLE = 'https://us-east-2.console.aws.amazon.com/ec2/home?region=us-east-2';

const NOTHING: ParsedQuestion = { loadBalancer: null, window: null, zone: null, statuses: null };

/** The sentence a wrong question is answered with. */
function sentence(ask: () => unknown): string {
  try {
    ask();
  } catch (problem) {
    expect(problem).toBeInstanceOf(Problem);
    if (problem instanceof Problem) {
      expect(problem.exitCode).toBe(1);
      return problem.message;
    }
  }
  throw new Error('the question was accepted');
}

describe('the load balancer of a question', () => {
  it.each([
    ['my-alb', 'my-alb'],
    ['my-alb last 15m', 'my-alb'],
    ['last 15m my-alb', 'my-alb'],
    ['02:40-02:55 my-alb', 'my-alb'],
    ['diagnose my-alb last 15m', 'my-alb'],
    ['please check my-alb', 'my-alb'],
    ["what's wrong with my-alb", 'my-alb'],
    ['is my-alb ok?', 'my-alb'],
    ['my-alb down again', 'my-alb'],
    ['why is my-alb failing since 02:40?', 'my-alb'],
    ["what's happening on my-alb", 'my-alb'],
    ['hi, can you look at my-alb for the last hour, thanks!', 'my-alb'],
    ['my-alb — last 15m', 'my-alb'],
    ['my-alb: last 15m', 'my-alb'],
    ["my-alb's 502s", 'my-alb'],
    ['“my-alb”', 'my-alb'],
    ['the alb my-alb', 'my-alb'],
    ['my-alb alb', 'my-alb'],
    ['alb last 15m', 'alb'],
    ['mon-prod last 15m', 'mon-prod'],
    ['utc last 15m', 'utc'],
    ['hour last 15m', 'hour'],
    [ARN, ARN],
    ['app/my-alb/50dc6c495c0c9188 502', 'app/my-alb/50dc6c495c0c9188'],
    ['my-alb-123.us-east-2.elb.amazonaws.com last 1h', 'my-alb-123.us-east-2.elb.amazonaws.com'],
    ['https://my-alb-123.us-east-2.elb.amazonaws.com/', 'my-alb-123.us-east-2.elb.amazonaws.com'],
    [
      'http://internal-my-alb-123.us-east-2.elb.amazonaws.com:8080/a?b',
      'internal-my-alb-123.us-east-2.elb.amazonaws.com',
    ],
    [`${CONSOLE}#LoadBalancer:loadBalancerArn=${ARN};tab=listeners`, ARN],
    [`${CONSOLE}#LoadBalancer:loadBalancerArn=${encodeURIComponent(ARN)}`, ARN],
    ['', null],
    ['last 15m', null],
    ['diagnose last 15m', null],
    ['502', null],
  ])('in %j is %j', (text, loadBalancer) => {
    expect(parseQuestion(text).loadBalancer).toBe(loadBalancer);
  });

  it.each([
    // A word that is a name is nothing else, in any position.
    ['check last 15m', ['check'], 'check'],
    ['quick', ['quick'], 'quick'],
    ['pretty look at shop-prod', ['shop-prod'], 'Didn\'t understand "pretty"'],
    ['SHOP-PROD last 15m', ['shop-prod'], 'shop-prod'],
    ['today last 15m', ['today'], 'today'],
  ])('in %j, given %j, is %j', (text, known, expected) => {
    const read = expected.startsWith('Didn')
      ? sentence(() => parseQuestion(text, known))
      : parseQuestion(text, known).loadBalancer;
    expect(read).toContain(expected);
  });
});

describe('the statuses of a question', () => {
  it.each([
    ['my-alb', null],
    ['my-alb 502', ['502']],
    ['my-alb 502 504 last 2h', ['502', '504']],
    ['my-alb 502,504', ['502', '504']],
    ['my-alb 5XX 460 5xx', ['5xx', '460']],
    ['my-alb 000', ['000']],
    ['502s and 504s of my-alb', ['502', '504']],
    ['my-alb 502s last 15m', ['502']],
    ['my-alb last 502s', null],
    ['my-alb last 120 minutes', null],
  ])('in %j are %j', (text, statuses) => {
    expect(parseQuestion(text).statuses).toEqual(statuses);
  });
});

describe('an invalid question', () => {
  it.each([
    ['my-alb recently', 'recently', 'my-alb'],
    ['my-alb other-alb', 'other-alb', 'my-alb'],
    [`my-alb ${ARN}`, 'my-alb', ARN],
    ['my_alb', 'my_alb', 'my-alb'],
    ['my-alb 200', '200', 'my-alb'],
    ['my-alb 3xx', '3xx', 'my-alb'],
    ['my-alb last', 'last', 'my-alb'],
    ['my-alb last 15', 'last 15', 'my-alb'],
    ['my-alb last 2 fortnights', 'last 2 fortnights', 'my-alb'],
    ['my-alb last 15m last 1h', 'last', 'my-alb'],
    ['my-alb from', 'from', 'my-alb'],
    ['my-alb to 02:55', 'to', 'my-alb'],
    ['my-alb from 02:40 to', 'to', 'my-alb'],
    ['my-alb from 02:40 to 02:50 to 02:55', 'to', 'my-alb'],
    ['my-alb from 25:00 to 02:00', '25:00', 'my-alb'],
    ['my-alb 02:60', '02:60', 'my-alb'],
    ['my-alb 13pm', '13pm', 'my-alb'],
    ['my-alb 2026-02-31', '2026-02-31', 'my-alb'],
    ['my-alb 31 Feb', '31 Feb', 'my-alb'],
    ['my-alb 2026-11-20T', '2026-11-20T', 'my-alb'],
    ['my-alb 02:40+25:00', '02:40+25:00', 'my-alb'],
    ['my-alb 02:40 Europe/Nowhere', 'Europe/Nowhere', 'my-alb'],
    ['https://shop.example.com/', 'https://shop.example.com/', 'my-alb'],
  ])('%j is answered with the word %j and two valid questions', (text, word, name) => {
    expect(sentence(() => parseQuestion(text))).toBe(
      `Didn't understand "${word}". Try: ${name} last 15m, or ${name} from 02:40 to 02:55.`,
    );
  });

  it('gets an example with an existing load balancer', () => {
    expect(sentence(() => parseQuestion('my_alb', ['shop-prod', 'shop-stage']))).toContain('Try: shop-prod last 15m');
  });

  it.each([
    ['net/my-nlb/50dc6c495c0c9188', 'Network'],
    ['gwy/my-gwlb/50dc6c495c0c9188', 'Gateway'],
    ['arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/old', 'Classic'],
  ])('is told if the load balancer is of another kind: %s', (word, kind) => {
    expect(sentence(() => parseQuestion(word))).toContain(
      ` is a ${kind} Load Balancer; alb502 diagnoses Application Load Balancers. Try: my-alb last 15m, or my-alb from 02:40 to 02:55.`,
    );
  });

  it('is quoted in part if long', () => {
    expect(sentence(() => parseQuestion(`my-alb a_${'b'.repeat(4000)}`))).toContain(`"a_${'b'.repeat(58)}…"`);
  });
});

it.each(['constructor', 'valueOf', 'toString'])('reads %s, a member of every object, like any other word', (word) => {
  expect(parseQuestion(word)).toEqual({ ...NOTHING, loadBalancer: word });
  const refused = sentence(() => parseQuestion(`my-alb last ${word}`));
  expect(refused.replace(word, 'X')).toBe(sentence(() => parseQuestion('my-alb last X')));
});

it('takes missing parts from the context', () => {
  expect(parseQuestion('')).toEqual(NOTHING);
  expect(parseQuestion('last 15m')).toEqual({ ...NOTHING, window: { last: 15 * MINUTE } });
  expect(parseQuestion('last 15m Europe/Berlin')).toMatchObject({ zone: 'Europe/Berlin' });
});

it('is read or refused in one sentence, whatever its text', () => {
  const words = fc.oneof(
    fc.constantFrom(
      ...['last', 'from', 'to', '-', 'for', 'and', 'between', 'ago', 'now', 'yesterday', 'Monday', '20', 'Nov', '2am'],
      ...['15m', '02:40', '2:40-2:55pm', '2026-11-20', '502', '5xx', 'my-alb', 'CET', 'Europe/Berlin', 'hour', ''],
    ),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 8 }), (text) => {
      try {
        const question = parseQuestion(text.join(' '));
        const { from, to } = resolveWindow(question, { now: NOW });
        expect(from).toBeLessThan(to);
        expect(from).toBeLessThan(NOW);
      } catch (problem) {
        expect(problem).toBeInstanceOf(Problem);
        expect(problem).toHaveProperty('message', expect.not.stringContaining('\n'));
      }
    }),
  );
});

it.each([
  ['24h', 86_400],
  ['1h30m', 5400],
  ['90s', 90],
  ['7d', 604_800],
  ['8d', null],
  ['0m', null],
  ['soon', null],
])('reads the duration %j as %j seconds', (text, expected) => {
  expect(parseDuration(text)).toBe(expected);
});
