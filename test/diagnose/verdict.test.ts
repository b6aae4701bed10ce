import { describe, expect, it } from 'vitest';
import { attributeErrors, orderParts } from '../../src/diagnose/attribution.ts';
import { causeResults, type JudgedCause } from '../../src/diagnose/cause-results.ts';
import type { CauseId } from '../../src/diagnose/causes/index.ts';
import type { IncidentEvent } from '../../src/diagnose/events/incident-event.ts';
import { claimErrors, claimsOf, NO_FIX, ruledOut, type Strength, untested } from '../../src/diagnose/judgement.ts';
import { partsOf } from '../../src/diagnose/parts.ts';
import type { SampledError, Traffic } from '../../src/diagnose/traffic.ts';
import { decideVerdict } from '../../src/diagnose/verdict.ts';
import { several, trafficOf } from '../support/traffic/traffic-builder.ts';

const traffic = trafficOf(several(100, 'closed-before-response'));
const errors = (from: number, to: number) => traffic.errors.slice(from, to);

const opinion = (
  id: CauseId,
  claims: { errors: SampledError[]; strength: Strength }[],
  part: { summary?: string; missing?: string[] } = {},
): JudgedCause => ({
  cause: { id, title: `Title of ${id}`, reference: 'https://docs.aws.amazon.com/' },
  judgement: claimErrors(
    { claims, for: [`For ${id}.`], against: [`Against ${id}.`], missing: [`Missing for ${id}.`], fix: NO_FIX, ...part },
    untested(),
  ),
});

const confirmed = (id: CauseId, from: number, to: number, summary?: string) =>
  opinion(id, [{ errors: errors(from, to), strength: 'confirmed' }], summary === undefined ? {} : { summary });
const likely = (id: CauseId, from: number, to: number, summary?: string) =>
  opinion(id, [{ errors: errors(from, to), strength: 'likely' }], summary === undefined ? {} : { summary });
const possible = (id: CauseId, from: number, to: number) =>
  opinion(id, [{ errors: errors(from, to), strength: 'possible' }]);

interface Situation {
  events?: IncidentEvent[];
  unread?: number;
  background?: CauseId;
  of?: Traffic;
}

/** What the diagnosis says of these judgements. */
function judged(opinions: JudgedCause[], { events = [], unread = 0, background, of = traffic }: Situation = {}) {
  const claims = opinions.map(({ cause, judgement }) => ({ id: cause.id, claims: claimsOf(judgement) }));
  const errorParts = orderParts(attributeErrors(claims, events, of), ({ causes }) => causes[0] === background);
  const parts = partsOf(errorParts, events, unread);
  const causes = causeResults(opinions, errorParts, of);
  const summaries = new Map(
    opinions.flatMap(({ cause, judgement }) =>
      judgement.kind === 'claims' && judgement.summary ? [[cause.id, judgement.summary] as const] : [],
    ),
  );
  const verdict = decideVerdict({
    ...{ traffic: of, parts, errorParts, events, causes, summaries },
    traces: null,
    visible: 'Targets fail.',
  });
  return { parts, causes, verdict };
}

const placed = (...opinions: JudgedCause[]) =>
  judged(opinions).causes.map(({ id, standing, explains }) => [id, standing, explains]);
const partsIn = (opinions: JudgedCause[], situation: Situation = {}) =>
  judged(opinions, situation).parts.map(({ causes, standing, errors: count, share }) => [
    causes.join(' '),
    standing,
    count,
    share,
  ]);

describe('the standing of a cause', () => {
  it('attributes an error to a confirmed claim before a likely one', () => {
    expect(placed(likely('keep-alive-race', 0, 100), confirmed('target-generated', 0, 30))).toEqual([
      ['keep-alive-race', 'likely', 0.7],
      ['target-generated', 'confirmed', 0.3],
    ]);
  });

  it('attributes each error to one cause, so that shares add up to at most 1', () => {
    expect(placed(likely('keep-alive-race', 0, 80), likely('closed-mid-request', 50, 100))).toEqual([
      ['keep-alive-race', 'likely', 0.8],
      ['closed-mid-request', 'likely', 0.2],
    ]);
  });

  it('is possible for its share of the unexplained errors', () => {
    expect(
      placed(
        likely('worker-timeout', 0, 90),
        possible('malformed-response', 80, 100),
        possible('response-header-too-large', 80, 100),
      ),
    ).toEqual([
      ['worker-timeout', 'likely', 0.9],
      ['malformed-response', 'possible', 0.1],
      ['response-header-too-large', 'possible', 0.1],
    ]);
  });

  it('is ruled out if all its errors are explained, and says by what', () => {
    const { causes } = judged([likely('keep-alive-race', 0, 100), possible('malformed-response', 0, 40)]);
    expect(causes[1]).toMatchObject({
      standing: 'ruled-out',
      against: [
        'The 40 errors that would fit are explained by title of keep-alive-race.',
        'Against malformed-response.',
      ],
    });
  });

  it('counts errors, not sampled rows', () => {
    const rows = errors(0, 40).map((error) => ({ ...error, weight: 25 }));
    const { causes } = judged(
      [
        opinion('keep-alive-race', [{ errors: rows, strength: 'likely' }]),
        opinion('malformed-response', [{ errors: rows, strength: 'possible' }]),
      ],
      { of: { ...traffic, errors: rows, errorCount: 1000 } },
    );
    expect(causes.find(({ id }) => id === 'malformed-response')?.against).toContain(
      'The 1,000 errors that would fit are explained by title of keep-alive-race.',
    );
  });

  it('is ruled out without a claim only by a number', () => {
    const of = (id: CauseId, judgement: JudgedCause['judgement']) => ({ ...opinion(id, []), judgement });
    expect(
      judged([
        likely('keep-alive-race', 0, 100),
        of('slow-target', ruledOut(['A number.'])),
        of('lambda-error', untested()),
      ]).causes.map(({ id, standing }) => [id, standing]),
    ).toEqual([
      ['keep-alive-race', 'likely'],
      ['slow-target', 'ruled-out'],
      ['lambda-error', 'untested'],
    ]);
  });
});

describe('the parts', () => {
  it.each<[string, JudgedCause[], Situation, unknown[]]>([
    [
      'are one for each decided cause, and one for the undecided rest',
      [likely('worker-timeout', 0, 6), likely('keep-alive-race', 6, 90), possible('malformed-response', 90, 100)],
      {},
      [
        ['keep-alive-race', 'likely', 84, 0.84],
        ['malformed-response', 'undecided', 10, 0.1],
        ['worker-timeout', 'likely', 6, 0.06],
      ],
    ],
    [
      'join undecided errors whose possible causes overlap',
      [
        possible('malformed-response', 0, 70),
        possible('response-header-too-large', 0, 100),
        possible('closed-mid-request', 70, 100),
      ],
      {},
      [['closed-mid-request malformed-response response-header-too-large', 'undecided', 100, 1]],
    ],
    [
      'leave out a cause that is possible for less than a tenth of them',
      [possible('malformed-response', 0, 100), possible('closed-mid-request', 0, 9)],
      {},
      [['malformed-response', 'undecided', 100, 1]],
    ],
    [
      'attribute errors with one possible cause to it if the cause is decided for the group',
      [
        opinion('connection-refused', [
          { errors: errors(0, 93), strength: 'confirmed' },
          { errors: errors(93, 100), strength: 'possible' },
        ]),
      ],
      {},
      [['connection-refused', 'confirmed', 100, 1]],
    ],
    [
      'contain errors that no known cause explains',
      [likely('keep-alive-race', 0, 60)],
      {},
      [
        ['keep-alive-race', 'likely', 60, 0.6],
        ['', 'undecided', 40, 0.4],
      ],
    ],
    [
      'contain errors that CloudWatch counts and the log lacks',
      [likely('keep-alive-race', 0, 100)],
      { unread: 300 },
      [
        ['', 'unread', 300, 0.75],
        ['keep-alive-race', 'likely', 100, 0.25],
      ],
    ],
    [
      'put a decided one before an undecided one of the same size',
      [likely('worker-timeout', 50, 100), possible('keep-alive-race', 0, 50)],
      {},
      [
        ['worker-timeout', 'likely', 50, 0.5],
        ['keep-alive-race', 'undecided', 50, 0.5],
      ],
    ],
    [
      'follow the order of the causes if all else is equal',
      [likely('worker-timeout', 0, 50), likely('keep-alive-race', 50, 100)],
      {},
      [
        ['keep-alive-race', 'likely', 50, 0.5],
        ['worker-timeout', 'likely', 50, 0.5],
      ],
    ],
    [
      'put a fixed response that is always there last',
      [confirmed('fixed-response', 0, 90), likely('keep-alive-race', 90, 100)],
      { background: 'fixed-response' },
      [
        ['keep-alive-race', 'likely', 10, 0.1],
        ['fixed-response', 'confirmed', 90, 0.9],
      ],
    ],
  ])('%s', (_, opinions, situation, expected) => {
    expect(partsIn(opinions, situation)).toEqual(expected);
  });

  it('are "about" that many if rows represent several errors', () => {
    const rows = errors(0, 4).map((error) => ({ ...error, weight: 25 }));
    const { verdict } = judged(
      [
        opinion('keep-alive-race', [{ errors: rows.slice(0, 3), strength: 'likely' }], { summary: 'A race.' }),
        opinion('slow-target', [{ errors: rows.slice(3), strength: 'likely' }]),
      ],
      { of: { ...traffic, errors: rows, errorCount: 100 } },
    );
    expect(verdict.summary).toBe(
      'A race. That explains about 75 of 100 errors. Also: title of slow-target (about 25 errors).',
    );
  });

  it('add up to all errors, whatever the weights of the rows', () => {
    const rows = errors(0, 7).map((error) => ({ ...error, weight: 100 / 7 }));
    const of = { ...traffic, errors: rows, errorCount: 100 };
    const { parts } = judged(
      [0, 1, 2, 3, 4, 5].map((row) =>
        opinion(
          (['slow-target', 'slow-upload', 'worker-timeout', 'lambda-error', 'target-gone', 'waf-failure'] as const)[
            row
          ] ?? 'slow-target',
          [{ errors: rows.slice(row, row + 1), strength: 'likely' }],
        ),
      ),
      { of },
    );
    expect(parts.reduce((sum, part) => sum + part.errors, 0)).toBe(100);
    expect(parts.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  });
});

const event = (kind: IncidentEvent['kind'], own: SampledError[], causes: CauseId[]): IncidentEvent => ({
  kind,
  standing: 'confirmed',
  from: 0,
  to: null,
  targets: ['10.0.12.68:8080'],
  errors: own,
  causes,
  summary: '10.0.12.68 (api) stopped answering at 04:21:11.',
  calls: [],
  reason: null,
});

describe('an event', () => {
  const lost = event('target-lost', errors(0, 90), ['target-gone', 'target-unreachable']);

  it('takes its errors as one part, whatever causes claim single ones', () => {
    const situation = { events: [lost] };
    const opinions = [
      likely('target-gone', 0, 80),
      confirmed('slow-target', 80, 90),
      likely('keep-alive-race', 90, 100),
    ];
    expect(partsIn(opinions, situation)).toEqual([
      ['target-gone', 'likely', 90, 0.9],
      ['keep-alive-race', 'likely', 10, 0.1],
    ]);
    const { causes, verdict } = judged(opinions, situation);
    expect(causes.find(({ id }) => id === 'slow-target')?.standing).toBe('ruled-out');
    expect(verdict.summary).toMatch(
      /^10\.0\.12\.68 \(api\) stopped answering at 04:21:11\. Cause: title of target-gone/,
    );
  });

  it('stays undecided between its causes if none claims most of it', () => {
    const { verdict, parts } = judged([possible('target-gone', 0, 90), possible('target-unreachable', 0, 90)], {
      events: [lost],
    });
    expect(parts[0]).toMatchObject({ standing: 'undecided', errors: 90, event: 0 });
    expect(verdict).toMatchObject({
      standing: 'undecided',
      between: ['target-gone', 'target-unreachable'],
      explains: 0.9,
    });
  });

  it('leaves its errors to an excluded cause that explains most of them', () => {
    const rollout = event('rollout', errors(0, 60), ['shutdown-before-drain', 'target-gone']);
    const opinions = [likely('keep-alive-race', 0, 100), possible('shutdown-before-drain', 0, 60)];
    expect(partsIn(opinions, { events: [rollout] })).toEqual([['keep-alive-race', 'likely', 100, 1]]);
  });

  it('has the cause of most of its errors for a rollout', () => {
    const rollout = event('rollout', errors(0, 100), ['connection-refused', 'shutdown-before-drain', 'target-gone']);
    const opinions = [confirmed('connection-refused', 0, 36), likely('shutdown-before-drain', 36, 100)];
    expect(partsIn(opinions, { events: [rollout] })).toEqual([['shutdown-before-drain', 'likely', 100, 1]]);
  });

  const burst = event('burst', errors(0, 90), []);

  it('takes a burst that no cause explains as one part, undecided between what may have caused it', () => {
    const opinions = [possible('target-gone', 0, 50), possible('malformed-response', 50, 90)];
    const { parts, verdict } = judged(opinions, { events: [burst] });
    expect(parts[0]).toMatchObject({ standing: 'undecided', errors: 90, event: 0 });
    expect(verdict.summary).toMatch(
      /^10\.0\.12\.68 \(api\) stopped answering at 04:21:11\. Undecided between title of malformed-response and title of target-gone\./,
    );
  });

  it('leaves a burst to the cause that explains most of it', () => {
    const opinions = [likely('keep-alive-race', 0, 80), possible('malformed-response', 80, 100)];
    expect(partsIn(opinions, { events: [burst] })).toEqual([
      ['keep-alive-race', 'likely', 80, 0.8],
      ['malformed-response', 'undecided', 20, 0.2],
    ]);
  });

  it('gives its cause a reason if the cause itself claims nothing', () => {
    const crash = event('crash', errors(0, 100), ['closed-mid-request']);
    const { causes } = judged([opinion('closed-mid-request', [])], { events: [crash] });
    expect(causes[0]).toMatchObject({ standing: 'likely', explains: 1, for: [crash.summary] });
  });
});

describe('the verdict', () => {
  const verdictOf = (...opinions: JudgedCause[]) => judged(opinions).verdict;

  it('is the largest part, with its share, and names others from 5 % up', () => {
    expect(
      verdictOf(
        likely('worker-timeout', 0, 6),
        likely('keep-alive-race', 6, 96, 'A race.'),
        likely('closed-mid-request', 96, 100),
      ),
    ).toEqual({
      cause: 'keep-alive-race',
      standing: 'likely',
      between: [],
      explains: 0.9,
      summary: 'A race. That explains 90 of 100 errors. Also: title of worker-timeout (6 errors).',
      decidedBy: null,
    });
  });

  it.each<[string, JudgedCause[], string]>([
    [
      'what is undecided besides the named cause',
      [likely('keep-alive-race', 0, 60, 'A race.'), possible('malformed-response', 60, 100)],
      'A race. That explains 60 of 100 errors. Undecided: 40 errors that may be title of malformed-response.',
    ],
    [
      'that no known cause explains the rest',
      [likely('keep-alive-race', 0, 60, 'A race.')],
      'A race. That explains 60 of 100 errors. Undecided: 40 errors that no known cause explains.',
    ],
    [
      "the undecided share first if it is larger than the cause's",
      [
        likely('keep-alive-race', 0, 39, 'A race.'),
        possible('malformed-response', 39, 70),
        possible('slow-target', 70, 100),
      ],
      '61 % undecided; A race. That explains 39 of 100 errors. Undecided: 31 errors that may be title of malformed-response; 30 errors that may be title of slow-target.',
    ],
    [
      'a lone possible cause as possible',
      [possible('slow-target', 0, 100)],
      'Possibly title of slow-target (100 errors, all on GET /orders); the look-alikes could not be ruled out.',
    ],
    [
      'the effect of a longer idle timeout for two causes that share it',
      [possible('slow-target', 0, 100), possible('slow-upload', 0, 100)],
      'Undecided between title of slow-target and title of slow-upload (100 errors, all on GET /orders). Either way, a longer idle timeout of the load balancer lets these requests finish.',
    ],
    [
      'that no cause fits',
      [opinion('slow-target', [])],
      '100 errors that no known cause explains: 100 closed-before-response.',
    ],
  ])('says %s', (_, opinions, summary) => {
    expect(verdictOf(...opinions).summary).toBe(summary);
  });

  it('names no cause if most errors were not read, and says what is visible', () => {
    expect(judged([likely('keep-alive-race', 0, 100, 'A race.')], { unread: 300 }).verdict).toEqual({
      cause: null,
      standing: 'undecided',
      between: [],
      explains: 0.75,
      summary:
        'CloudWatch counts 400 errors, and 300 of them are not in the log that was read. Also: title of keep-alive-race (100 errors).',
      decidedBy: 'Targets fail.',
    });
  });

  it("reports the targets' answers by status and target group", () => {
    const answered = trafficOf([
      ...several(6, 'target-response', () => ({ elb_status_code: '503', target_status_code: '503' })),
      ...several(4, 'target-response', () => ({ elb_status_code: '502', target_status_code: '502' })),
    ]);
    const { parts } = judged([opinion('target-generated', [{ errors: answered.errors, strength: 'confirmed' }])], {
      of: answered,
    });
    expect(parts.map(({ errors: count }) => count)).toEqual([6, 4]);
  });
});
