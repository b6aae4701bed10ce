import { describe, expect, it } from 'vitest';
import { slowTarget } from '../../../src/diagnose/causes/slow-target.ts';
import { slowUpload } from '../../../src/diagnose/causes/slow-upload.ts';
import type { AccessLog, TargetTraffic } from '../../../src/evidence/access-log.ts';
import { judgementOf } from '../../support/judgement.ts';
import { failed, question, START, several, target, trafficOf } from '../../support/traffic/traffic-builder.ts';

const sixty = { 'idle_timeout.timeout_seconds': '60' };
const thirty = { 'idle_timeout.timeout_seconds': '30' };
const slow = (count: number, part = {}) =>
  several(count, 'idle-timeout', (i) => ({ elapsed: 60.001 + i / 1000, ...part }));
const upload = (count: number, elapsed: (i: number) => number) =>
  several(count, 'idle-timeout', (i) => ({ route: 'POST /files', received_bytes: 4_000_000 + i, elapsed: elapsed(i) }));
const changedAfter = {
  EventName: 'ModifyLoadBalancerAttributes',
  EventTime: '2026-11-20T03:00:00Z',
  CloudTrailEvent: '{"requestParameters":{"attributes":[{"key":"idle_timeout.timeout_seconds","value":"60"}]}}',
};

/** Strengths of the claims of both causes with the number of errors. */
function judged(
  failures: ReturnType<typeof slow>,
  attributes?: Record<string, string>,
  changes?: (typeof changedAfter)[],
) {
  const traffic = trafficOf(failures);
  const known = { traffic, ...(attributes && { attributes }), ...(changes && { changes }) };
  const words = (cause: typeof slowTarget | typeof slowUpload) => {
    const { claims, ruledOut } = judgementOf(cause, known, question);
    return (
      claims.map(({ strength, errors }) => `${strength} ${errors.length}`).join(', ') || (ruledOut ? 'ruled out' : '-')
    );
  };
  return { target: words(slowTarget), upload: words(slowUpload) };
}

const reports = (longestMs: number) => ({
  ...{ route: 'GET /orders', requests: 200, failures: 4, succeeded: 196, succeededMs: 196 * 300 },
  succeededMaxMs: longestMs,
});

function fixOf(failures: ReturnType<typeof slow>, part: Partial<AccessLog>, changes?: (typeof changedAfter)[]) {
  const known = { traffic: trafficOf(failures, part), attributes: sixty, ...(changes && { changes }) };
  return judgementOf(slowTarget, known, question).fix;
}

describe('a target that does not answer what its peers answer', () => {
  const [stuck, ...others] = ['10.0.1.5:8080', '10.0.1.6:8080', '10.0.1.7:8080'];
  const on = (address: string, count: number) => slow(count, { target: address });
  const targets = (part: Partial<TargetTraffic> = {}) => [
    target(stuck ?? '', { requests: 300, ...part }),
    ...others.map((address) => target(address)),
  ];
  const judge = (failures: ReturnType<typeof slow>, part: Partial<TargetTraffic> = {}) =>
    judgementOf(
      slowTarget,
      { traffic: trafficOf(failures, { targets: targets(part), routes: [reports(800)] }), attributes: sixty },
      question,
    );

  it('is named, and taken out of its target group', () => {
    const { summary, fix } = judge(on('10.0.1.5:8080', 40));
    expect(summary).toBe(
      '10.0.1.5:8080 (api) did not answer 40 requests within 60 s; 2 other targets of the group answered the same routes.',
    );
    expect(fix.commands).toEqual([expect.stringContaining('deregister-targets')]);
    expect(fix.commands[0]).toContain('--targets Id=10.0.1.5,Port=8080');
    expect(fix.notes).toContain(
      'A longer idle timeout does not help: the other targets answer these routes within 800 ms.',
    );
  });

  it('gets a slow start if it had just joined and answers later', () => {
    const { fix } = judge(on('10.0.1.5:8080', 12), { firstSeen: START + 100_000 });
    expect(fix.commands).toEqual([expect.stringContaining('Key=slow_start.duration_seconds')]);
  });

  it.each([
    ['errors on all targets', [...on('10.0.1.5:8080', 20), ...on('10.0.1.6:8080', 20), ...on('10.0.1.7:8080', 20)]],
    ['a tenth of the errors elsewhere', [...on('10.0.1.5:8080', 36), ...on('10.0.1.6:8080', 4)]],
    ['most of the targets', [...on('10.0.1.5:8080', 20), ...on('10.0.1.6:8080', 20)]],
    ['four errors', on('10.0.1.5:8080', 4)],
  ])('is not blamed for %s', (_, failures) =>
    expect(judge(failures).summary).toMatch(/^\d+ requests to GET [/]orders got no response/),
  );
});

describe('slow-target and slow-upload', () => {
  it('keep their ids', () => expect([slowTarget.id, slowUpload.id]).toEqual(['slow-target', 'slow-upload']));

  it.each([
    {
      name: 'requests without a body at the timer',
      failures: slow(5),
      attributes: sixty,
      target: 'confirmed 5',
      upload: 'ruled out',
    },
    { name: 'a single one', failures: slow(1), attributes: sixty, target: 'confirmed 1', upload: 'ruled out' },
    {
      name: 'POSTs with few received bytes: the body may still have been arriving',
      failures: slow(4, { route: 'POST /orders', received_bytes: 900 }),
      attributes: sixty,
      target: 'likely 4',
      upload: '-',
    },
    {
      name: 'attributes unknown',
      failures: slow(5),
      attributes: undefined,
      target: 'confirmed 5',
      upload: 'ruled out',
    },
    {
      name: 'another timer than the configured one',
      failures: slow(5),
      attributes: thirty,
      target: 'likely 5',
      upload: 'ruled out',
    },
    { name: 'another timer, once', failures: slow(1), attributes: thirty, target: 'possible 1', upload: 'ruled out' },
    {
      name: 'ended before any timer',
      failures: several(4, 'idle-timeout', (i) => ({ elapsed: 3.3 + i * 2.7 })),
      attributes: sixty,
      target: 'possible 4',
      upload: 'ruled out',
    },
    {
      name: 'a large body at the timer',
      failures: upload(3, () => 60.002),
      attributes: sixty,
      target: 'possible 3',
      upload: 'possible 3',
    },
    {
      name: 'large bodies, each well above the timer, on a fast route',
      failures: upload(4, (i) => 65 + i * 7),
      attributes: sixty,
      target: 'possible 4',
      upload: 'possible 4',
    },
    {
      name: 'one large body well above the timer',
      failures: upload(1, () => 71.4),
      attributes: sixty,
      target: 'possible 1',
      upload: 'possible 1',
    },
    {
      name: 'large bodies at the timer while small ones of the route time out, too',
      failures: [...slow(4, { route: 'POST /files', received_bytes: 800 }), ...upload(2, () => 60.002)],
      attributes: sixty,
      target: 'likely 4, likely 2',
      upload: '-',
    },
    {
      name: 'closed within milliseconds',
      failures: several(20, 'closed-before-response'),
      attributes: sixty,
      target: 'ruled out',
      upload: 'ruled out',
    },
  ])('$name', ({ failures, attributes, target, upload: uploads }) => {
    expect(judged(failures, attributes)).toEqual({ target, upload: uploads });
  });

  it('are not certain if no timer shows and none is known', () => {
    const spread = several(4, 'idle-timeout', (i) => ({ elapsed: 3.3 + i * 2.7 }));
    expect(judged(spread).target).toBe('possible 4');
    expect(judgementOf(slowTarget, { traffic: trafficOf(spread) }, question).against).toEqual([
      '4 errors ended after 3.30 s to 11.4 s, at no common whole second, as a timer would.',
    ]);
  });

  it('are certain if CloudTrail shows a later change of the idle timeout', () => {
    expect(judged(slow(5), thirty, [changedAfter]).target).toBe('confirmed 5');
  });

  it('are ruled out by the durations first', () => {
    const { against } = judgementOf(
      slowTarget,
      { traffic: trafficOf(several(149, 'closed-before-response', () => ({ elapsed: 0.05 }), 1)), attributes: sixty },
      question,
    );
    expect(against[0]).toBe('All 149 failed requests ended within 50 ms of arriving; the idle timeout is 60 s.');
  });

  it('show the routes, their share and the durations of their successes', () => {
    const traffic = trafficOf(slow(4));
    const judgement = judgementOf(slowTarget, { traffic, attributes: sixty }, question);
    expect(judgement.for).toEqual([
      "All 4 failed requests reached the target and got no response; they ended after 60.0 s, the load balancer's idle timeout.",
      'All 4 failed requests had no body to upload (GET; at most 300 bytes each, headers included).',
      'GET /orders: 4 of 200 requests timed out (2.0 %); the 196 that succeeded took 120 ms on average, 900 ms at most.',
    ]);
    expect(judgement.summary).toBe('4 requests to GET /orders got no response within 60 s.');
  });

  it('raise the idle timeout of this load balancer, with the effect on keep-alive', () => {
    const fix = fixOf(slow(4), { routes: [reports(53_000)] });
    expect(fix.stopgap?.commands[0]).toContain(
      `--load-balancer-arn ${question.loadBalancer.arn} --attributes Key=idle_timeout.timeout_seconds,Value=120`,
    );
    expect(fix.stopgap?.summary).toMatch(
      /^Until .* First make sure that the keep-alive timeout of every target is above 120 s/,
    );
    expect(fix.stopgap?.undo).toContain('back to 60 s');
  });

  it('raise no idle timeout if successes never come near it', () => {
    const { commands, notes } = fixOf(slow(4), { routes: [reports(700)] });
    expect(commands).toEqual([]);
    expect(notes?.[0]).toBe('A longer idle timeout does not help: successes of these routes took 700 ms at most.');
  });

  it('raise it above what succeeded before a call lowered it', () => {
    const lowered = { ...changedAfter, EventTime: '2026-11-20T02:40:30Z', Username: 'ana' };
    expect(fixOf(slow(4), { routes: [reports(95_000)] }, [lowered])).toMatchObject({
      summary:
        'Raise the idle timeout to 150 s: ModifyLoadBalancerAttributes by ana set it to 60 s at 02:40:30 UTC, and successes of GET /orders take up to 95.0 s. First make sure that the keep-alive timeout of every target is above 150 s, or keep-alive races begin.',
      commands: [expect.stringContaining('Value=150')],
    });
  });

  it('claim no errors that may have waited for something else', () => {
    const traffic = trafficOf([failed('closed-before-response', 5, { elapsed: 80, target_processing_time: 80 })]);
    expect(traffic.log.oldest).toBe(START);
    expect(judgementOf(slowTarget, { traffic, attributes: sixty }, question).against[0]).not.toContain(
      'idle timeout takes',
    );
  });
});
