import { describe, expect, it } from 'vitest';
import { statusMatcher } from '../../src/evidence/statuses.ts';
import { parseQuestion } from '../../src/query/parse-question.ts';

/** "502 -" was made by the load balancer, "502 502" by the target, "502 200" by the load balancer after the target had answered. */
const entry = (pair: string) => {
  const [elb_status_code = '', target_status_code = ''] = pair.split(' ');
  return { elb_status_code, target_status_code };
};

describe('the words for errors', () => {
  it.each([
    [
      'gateway',
      ['500 -', '502 -', '504 200', '561 -', '502 502', '503 503', '504 504'],
      ['500 500', '501 501', '460 -', '200 200', '- -'],
    ],
    ['5xx', ['500 -', '500 500', '502 502', '599 -'], ['460 -', '200 200', '000 -', '- -']],
    ['elb-5xx', ['500 -', '502 -', '504 200'], ['500 500', '502 502', '460 -']],
    ['elb-502', ['502 -', '502 200'], ['502 502', '503 -']],
    ['target-5xx', ['500 500', '502 502'], ['500 -', '502 -', '404 404']],
    ['target-404', ['404 404'], ['404 -', '500 500']],
    ['502 504', ['502 -', '502 502', '504 -'], ['500 -', '503 -', '- -']],
    ['4xx 502', ['460 -', '400 400', '502 -'], ['503 -', '200 200']],
    ['460', ['460 -', '460 200'], ['400 400', '461 -']],
    ['000', ['000 -'], ['- -', '500 -']],
  ])('%s', (words, asked, others) => {
    const isAsked = statusMatcher(words.split(' '));
    expect(asked.filter((pair) => !isAsked(entry(pair)))).toEqual([]);
    expect(others.filter((pair) => isAsked(entry(pair)))).toEqual([]);
  });

  it('are read in any case', () => {
    expect(parseQuestion('my-alb Gateway ELB-502 target-5XX').statuses).toEqual(['gateway', 'elb-502', 'target-5xx']);
  });

  it.each(['nonsense', '5x', '5xx; DROP TABLE alb', 'lambda-502', '50'])('refuses %j', (word) => {
    expect(() => statusMatcher([word])).toThrow(RangeError);
  });
});
