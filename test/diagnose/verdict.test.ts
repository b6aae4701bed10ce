import { describe, expect, it } from 'vitest';
import type { CauseId } from '../../src/diagnose/cause-ids.ts';
import { claimErrors, NO_FIX, ruledOut, type Strength, untested } from '../../src/diagnose/judgement.ts';
import type { SampledError } from '../../src/diagnose/traffic.ts';
import { decideVerdict, type JudgedCause, rankCauses } from '../../src/diagnose/verdict.ts';
import { several, trafficOf } from '../support/traffic/traffic-builder.ts';

const traffic = trafficOf(several(100, 'closed-before-response'));
const errors = (from: number, to: number) => traffic.errors.slice(from, to);

const about = (id: CauseId) => ({ id, title: `Title of ${id}`, reference: 'https://docs.aws.amazon.com/' });

const opinion = (
  id: CauseId,
  claims: { errors: SampledError[]; strength: Strength }[],
  part: { summary?: string; missing?: string[] } = {},
): JudgedCause => ({
  cause: about(id),
  judgement: claimErrors(
    {
      claims,
      for: [`For ${id}.`],
      against: [`Against ${id}.`],
      missing: [`Missing for ${id}.`],
      fix: NO_FIX,
      ...part,
    },
    untested(),
  ),
});

const placed = (...opinions: JudgedCause[]) =>
  rankCauses(opinions, traffic).causes.map(({ id, standing, explains }) => [id, standing, explains]);

describe('standings', () => {
  it('a confirmed claim takes the errors before a likely one', () => {
    expect(
      placed(
        opinion('keep-alive-race', [{ errors: errors(0, 100), strength: 'likely' }]),
        opinion('target-generated', [{ errors: errors(0, 30), strength: 'confirmed' }]),
      ),
    ).toEqual([
      ['keep-alive-race', 'likely', 0.7],
      ['target-generated', 'confirmed', 0.3],
    ]);
  });

  it('an error belongs to one cause: shares of confirmed and likely causes sum to at most 1', () => {
    const ranked = placed(
      opinion('keep-alive-race', [{ errors: errors(0, 80), strength: 'likely' }]),
      opinion('closed-mid-request', [{ errors: errors(50, 100), strength: 'likely' }]),
    );
    expect(ranked).toEqual([
      ['keep-alive-race', 'likely', 0.8],
      ['closed-mid-request', 'likely', 0.2],
    ]);
  });

  it('possible is the share it could explain of what is left open', () => {
    expect(
      placed(
        opinion('worker-timeout', [{ errors: errors(0, 90), strength: 'likely' }]),
        opinion('malformed-response', [{ errors: errors(80, 100), strength: 'possible' }]),
        opinion('response-header-too-large', [{ errors: errors(80, 100), strength: 'possible' }]),
      ),
    ).toEqual([
      ['worker-timeout', 'likely', 0.9],
      ['malformed-response', 'possible', 0.1],
      ['response-header-too-large', 'possible', 0.1],
    ]);
  });

  it('of a log too large to read each error of counts the errors, not the rows that stand for them', () => {
    const few = errors(0, 40).map((error) => ({ ...error, weight: 25 }));
    const { causes } = rankCauses(
      [
        opinion('keep-alive-race', [{ errors: few, strength: 'likely' }]),
        opinion('malformed-response', [{ errors: few, strength: 'possible' }]),
      ],
      { ...traffic, errors: few, errorCount: 1000 },
    );
    expect(causes.find(({ id }) => id === 'malformed-response')?.against).toContain(
      '1,000 errors of its shape have another cause: title of keep-alive-race.',
    );
  });

  it('possible for errors that are all explained is ruled out, by what explains them', () => {
    const { causes } = rankCauses(
      [
        opinion('keep-alive-race', [{ errors: errors(0, 100), strength: 'likely' }]),
        opinion('malformed-response', [{ errors: errors(0, 40), strength: 'possible' }]),
      ],
      traffic,
    );
    expect(causes[1]).toMatchObject({
      standing: 'ruled-out',
      against: ['40 errors of its shape have another cause: title of keep-alive-race.', 'Against malformed-response.'],
    });
  });

  it('no claim is ruled out only where a number says so', () => {
    expect(
      placed(
        { cause: about('slow-target'), judgement: ruledOut(['12 of 12 failed within 5 ms.']) },
        { cause: about('lambda-error'), judgement: untested() },
      ),
    ).toEqual([
      ['slow-target', 'ruled-out', 0],
      ['lambda-error', 'untested', 0],
    ]);
  });
});

describe('the verdict', () => {
  const verdict = (...opinions: JudgedCause[]) => decideVerdict(rankCauses(opinions, traffic), traffic, []);

  it('is the largest confirmed or likely cause and names the others from 5 % up', () => {
    expect(
      verdict(
        opinion('worker-timeout', [{ errors: errors(0, 6), strength: 'likely' }]),
        opinion('keep-alive-race', [{ errors: errors(6, 96), strength: 'likely' }], { summary: 'A race.' }),
        opinion('closed-mid-request', [{ errors: errors(96, 100), strength: 'likely' }]),
      ),
    ).toEqual({
      cause: 'keep-alive-race',
      standing: 'likely',
      between: [],
      explains: 0.9,
      summary: 'A race. It explains 90 % of 100 errors. Beside it: title of worker-timeout (6.0 %).',
      decidedBy: null,
    });
  });

  it('equal shares: the order of the contract', () => {
    const halves = [
      opinion('worker-timeout', [{ errors: errors(0, 50), strength: 'likely' }]),
      opinion('keep-alive-race', [{ errors: errors(50, 100), strength: 'likely' }]),
    ];
    expect(verdict(...halves).cause).toBe('keep-alive-race');
  });

  it('a lone possible cause is undecided, with one id', () => {
    const alone = verdict(opinion('slow-target', [{ errors: errors(0, 100), strength: 'possible' }]));
    expect(alone).toMatchObject({ cause: null, standing: 'undecided', between: ['slow-target'] });
    expect(alone.decidedBy).toBe('Missing for slow-target.');
  });

  it('names causes within a sentence as a sentence does', () => {
    const titled = (id: CauseId, title: string) => {
      const one = opinion(id, [{ errors: errors(0, 100), strength: 'possible' }]);
      return { ...one, cause: { ...one.cause, title } };
    };
    const { summary } = verdict(
      titled('tls-handshake-failure', 'TLS handshake with the target failed'),
      titled('security-group-blocked', 'A security group drops the connection'),
      titled('target-unreachable', 'Target does not answer'),
      titled('lambda-error', 'Lambda function failed'),
    );
    expect(summary).toContain(
      'Undecided between TLS handshake with the target failed, a security group drops the connection, target does not answer and Lambda function failed (',
    );
  });

  it('says which share stays undecided beside the cause it names', () => {
    const { summary, decidedBy } = verdict(
      opinion('keep-alive-race', [{ errors: errors(0, 60), strength: 'likely' }], { summary: 'A race.' }),
      opinion('malformed-response', [{ errors: errors(60, 100), strength: 'possible' }]),
    );
    expect(summary).toBe(
      'A race. It explains 60 % of 100 errors. 40 % stay undecided, possibly title of malformed-response.',
    );
    expect(decidedBy).toBe('Missing for malformed-response.');
  });

  it('says of each undecided share what that one could be', () => {
    const race = opinion('keep-alive-race', [{ errors: errors(0, 40), strength: 'likely' }], { summary: 'A race.' });
    const malformed = opinion('malformed-response', [{ errors: errors(40, 98), strength: 'possible' }]);
    const header = (to: number) =>
      opinion('response-header-too-large', [{ errors: errors(40, to), strength: 'possible' }]);
    const closed = (from: number) =>
      opinion('closed-mid-request', [{ errors: errors(from, 100), strength: 'possible' }]);
    const rest = (...opinions: JudgedCause[]) =>
      verdict(race, ...opinions)
        .summary.split('. ')
        .at(-1);
    expect(rest(malformed, header(98), closed(98))).toBe(
      '60 % stay undecided between title of malformed-response and title of response-header-too-large.',
    );
    expect(rest(malformed, header(80), closed(80))).toBe(
      '60 % stay undecided: 40 % between title of malformed-response and title of response-header-too-large; 18 % between title of closed-mid-request and title of malformed-response.',
    );
  });

  it('says of the rest that no known cause explains it', () => {
    const race = opinion('keep-alive-race', [{ errors: errors(0, 60), strength: 'likely' }], { summary: 'A race.' });
    expect(verdict(race).summary).toContain('40 % stay undecided: no known cause explains them.');
  });

  it('two kinds of errors, each with look-alikes of its own: the share of each, and none forced', () => {
    const { summary, between } = verdict(
      opinion('malformed-response', [{ errors: errors(0, 100), strength: 'possible' }]),
      opinion('response-header-too-large', [{ errors: errors(0, 100), strength: 'possible' }]),
      opinion('closed-mid-request', [{ errors: errors(70, 100), strength: 'possible' }]),
    );
    expect(summary).toBe(
      'Undecided: 70 % of 100 errors between title of malformed-response and title of response-header-too-large; 30 % between title of closed-mid-request, title of malformed-response and title of response-header-too-large.',
    );
    expect(between).toEqual(['malformed-response', 'response-header-too-large']);
  });

  it('nothing fits: says so and names no cause', () => {
    expect(verdict(opinion('slow-target', []))).toMatchObject({
      cause: null,
      standing: 'undecided',
      between: [],
      summary: '100 errors that no known cause explains: 100 closed-before-response.',
    });
  });

  it('the trace id of the load balancer decides for errors closed before a response', () => {
    const open = rankCauses(
      [opinion('closed-mid-request', [{ errors: errors(0, 100), strength: 'possible' }])],
      traffic,
    );
    expect(decideVerdict(open, traffic, ['Root=1-00000001-000000000000000000000000']).decidedBy).toContain(
      'The application log for Root=1-00000001-000000000000000000000000',
    );
  });
});
